//! Numbers to the last digit, and durations.

use std::cmp::Ordering;

/// A decimal number of any length that fits in a policy, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    /// Digits before the point without leading zeros, and after it without trailing ones.
    whole: String,
    fraction: String,
}

/// Digits of a number at most, either side of its point.
const MAX_DIGITS: usize = 64;

impl Decimal {
    /// Reads `-12.50`. No exponent: `xsd:decimal` and `xsd:integer` have none.
    ///
    /// # Errors
    /// Says what is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a number as `12` or `-0.5`, without an exponent";
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let digits = |part: &str| part.len() <= MAX_DIGITS && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return Err(EXPECTED);
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Ok(Self {
            is_negative: is_negative && !(whole.is_empty() && fraction.is_empty()),
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
        })
    }
}

impl Decimal {
    /// As a whole number from 0, where it is one.
    pub(crate) fn to_whole(&self) -> Option<u64> {
        if self.is_negative || !self.fraction.is_empty() {
            return None;
        }
        if self.whole.is_empty() {
            return Some(0);
        }
        self.whole.parse().ok()
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        let whole = number.to_string();
        Self {
            is_negative: false,
            whole: whole.trim_start_matches('0').to_owned(),
            fraction: String::new(),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |a: &Self, b: &Self| {
            let whole = (a.whole.len(), &a.whole).cmp(&(b.whole.len(), &b.whole));
            // Without trailing zeros, fractions are in the order of their texts.
            whole.then_with(|| a.fraction.cmp(&b.fraction))
        };
        match (self.is_negative, other.is_negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An `xsd:duration`: months, and nanoseconds beside them. How many days a month has is not said, so not all are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    months: i128,
    ns: i128,
}

const NS_PER_S: i128 = 1_000_000_000;
const NS_PER_DAY: i128 = 86_400 * NS_PER_S;

impl Duration {
    /// Reads `P1Y2M3DT4H5M6.7S`, each part optional, with `-` before it if negative (XML Schema 1.1, section 3.3.6).
    ///
    /// # Errors
    /// Says what is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a duration as `P30D` or `PT1H30M`";
        Self::read(text).ok_or(EXPECTED)
    }

    fn read(text: &str) -> Option<Self> {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let rest = rest.strip_prefix('P')?;
        let (days, clock) = match rest.split_once('T') {
            Some((days, clock)) if !clock.is_empty() => (days, clock),
            Some(_) => return None,
            None => (rest, ""),
        };
        if days.is_empty() && clock.is_empty() {
            return None;
        }
        let (mut months, mut ns) = (0_i128, 0_i128);
        for (letter, number) in parts(days, "YMD")? {
            let number = whole(number)?;
            match letter {
                'Y' => months += 12 * number,
                'M' => months += number,
                _ => ns += number * NS_PER_DAY,
            }
        }
        for (letter, number) in parts(clock, "HMS")? {
            match letter {
                'H' => ns += whole(number)? * 3600 * NS_PER_S,
                'M' => ns += whole(number)? * 60 * NS_PER_S,
                _ => ns += seconds(number)?,
            }
        }
        Some(Self {
            months: sign * months,
            ns: sign * ns,
        })
    }

    /// Which is longer; `None` when that depends on the months it is about.
    #[must_use]
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        let (months, ns) = (self.months - other.months, self.ns - other.ns);
        // A month has 28 to 31 days.
        let (one, two) = (months * 28 * NS_PER_DAY + ns, months * 31 * NS_PER_DAY + ns);
        let order = one.cmp(&0);
        (order == two.cmp(&0)).then_some(order)
    }
}

/// The numbers of a duration with their letters, which stand in the order of `letters`, each at most once.
fn parts<'a>(text: &'a str, letters: &str) -> Option<Vec<(char, &'a str)>> {
    let (mut found, mut rest, mut left) = (Vec::new(), text, letters);
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, after) = rest.split_at_checked(end)?;
        let letter = after.chars().next()?;
        left = left.split_once(letter)?.1;
        found.push((letter, number));
        rest = after.get(1..)?;
    }
    Some(found)
}

fn whole(text: &str) -> Option<i128> {
    // 12 digits of years are more nanoseconds than anybody waits, and far from the end of the type.
    let good = !text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    good.then(|| text.parse().ok())?
}

fn seconds(text: &str) -> Option<i128> {
    let (before, after) = text.split_once('.').unwrap_or((text, "0"));
    if after.is_empty() || after.len() > 9 {
        return None;
    }
    let scale = 10_i128.pow(9 - u32::try_from(after.len()).ok()?);
    Some(whole(before)? * NS_PER_S + whole(after)? * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_in_order() {
        let number = |text: &str| Decimal::parse(text).unwrap();
        let rising = [
            "-10",
            "-9.5",
            "-0.1",
            "0",
            "0.05",
            "0.1",
            "0.11",
            "1",
            "9",
            "10.0000000000000000000000001",
        ];
        for pair in rising.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
        for (one, other) in [
            ("5.00", "5"),
            ("-0", "0"),
            ("007", "7"),
            ("+1.50", "1.5"),
            (".5", "0.5"),
        ] {
            assert_eq!(number(one), number(other), "{one} {other}");
        }
        assert_eq!(number("0"), Decimal::from(0));
        for wrong in ["", ".", "-", "1e3", "1,5", "NaN", "INF", " 1", "--1", &"9".repeat(65)] {
            assert!(Decimal::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_in_order_as_far_as_months_allow() {
        use Ordering::{Equal, Greater, Less};
        let order = |a: &str, b: &str| Duration::parse(a).unwrap().order(&Duration::parse(b).unwrap());
        assert_eq!(order("PT3600S", "PT1H"), Some(Equal));
        assert_eq!(order("P1Y", "P12M"), Some(Equal));
        assert_eq!(order("P1M", "P32D"), Some(Less));
        assert_eq!(order("P1M", "P27D"), Some(Greater));
        assert_eq!(order("P1M", "P30D"), None);
        assert_eq!(order("-P1D", "PT0.5S"), Some(Less));
        for wrong in [
            "",
            "P",
            "PT",
            "P1",
            "1D",
            "P1DT",
            "P1S",
            "PT1D",
            "P1D2Y",
            "P-1D",
            "P1.5D",
            "PT1.S",
            "P1234567890123D",
        ] {
            assert!(Duration::parse(wrong).is_err(), "{wrong}");
        }
    }
}
