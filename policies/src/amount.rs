//! Amounts of money, to the last digit.

use std::fmt;
use std::str::FromStr;

/// An amount of euros, from nothing on, in millionths: what one use costs may be less than a cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u64);

/// Digits after the point.
const DIGITS: usize = 6;
/// Millionths of a euro in one.
const MILLIONTHS: u64 = 1_000_000;

/// The only currency of this version, as ODRL's own examples write it.
pub const EURO: &str = "http://dbpedia.org/resource/Euro";
/// What else is read as that.
const EURO_TOO: [&str; 3] = [
    "EUR",
    "https://dbpedia.org/resource/Euro",
    "http://publications.europa.eu/resource/authority/currency/EUR",
];

/// Whether a unit is the euro.
pub(crate) fn is_euro(unit: &str) -> bool {
    unit == EURO || EURO_TOO.contains(&unit)
}

/// A text that is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an amount as `12` or `0.25`: digits, a point, at most six digits after it, at most 9007199254.740991 in all"
)]
pub struct NotAnAmount;

impl Amount {
    /// Nothing.
    pub const NOTHING: Self = Self(0);

    /// So many millionths of a euro.
    #[must_use]
    pub const fn of_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// In millionths of a euro, as counters have it.
    #[must_use]
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// Both together; `None` beyond what can be counted.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = self.0.checked_add(other.0)?;
        (sum <= herleid_vocab::json::MAX_INTEGER).then_some(Self(sum))
    }

    /// What is left of it; nothing when as much or more is taken.
    #[must_use]
    pub const fn less(self, taken: Self) -> Self {
        Self(self.0.saturating_sub(taken.0))
    }

    /// Whether it can be paid in coins: it has no part of a cent.
    #[must_use]
    pub const fn is_in_cents(self) -> bool {
        self.0.is_multiple_of(MILLIONTHS / 100)
    }
}

impl FromStr for Amount {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(NotAnAmount),
            Some(parts) => parts,
            None => (text, ""),
        };
        let are_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let is_plain = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
        // A zero at the end says nothing, however many there are of it.
        let said = fraction.trim_end_matches('0');
        if !is_plain || !are_digits(whole) || !are_digits(fraction) || fraction.len() > 64 || said.len() > DIGITS {
            return Err(NotAnAmount);
        }
        let euros: u64 = whole.parse().map_err(|_| NotAnAmount)?;
        let part: u64 = format!("{said:0<DIGITS$}").parse().map_err(|_| NotAnAmount)?;
        let millionths = euros.checked_mul(MILLIONTHS).and_then(|whole| whole.checked_add(part));
        millionths
            .filter(|all| *all <= herleid_vocab::json::MAX_INTEGER)
            .map(Self)
            .ok_or(NotAnAmount)
    }
}

/// In one writing: with cents, and more digits only where they say something.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:0DIGITS$}", self.0 % MILLIONTHS);
        let said = fraction.trim_end_matches('0');
        write!(f, "{}.{said:0<2}", self.0 / MILLIONTHS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_to_the_last_digit() {
        for (text, millionths, written) in [
            ("0", 0, "0.00"),
            ("12", 12_000_000, "12.00"),
            ("0.25", 250_000, "0.25"),
            ("0.250", 250_000, "0.25"),
            ("0.1", 100_000, "0.10"),
            ("0.000001", 1, "0.000001"),
            ("19.990000000", 19_990_000, "19.99"),
            ("0.125", 125_000, "0.125"),
            ("9007199254.740991", 9_007_199_254_740_991, "9007199254.740991"),
        ] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!(
                (amount.millionths(), amount.to_string().as_str()),
                (millionths, written)
            );
            assert_eq!(written.parse(), Ok(amount), "{written}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "01",
            "-1",
            "+1",
            "1,50",
            "1e3",
            "0.0000001",
            "1 ",
            "١",
            "9007199254.740992",
            "99999999999999999999",
            "EUR 1",
        ] {
            assert_eq!(text.parse::<Amount>(), Err(NotAnAmount), "{text}");
        }
    }

    #[test]
    fn sums_end_where_a_record_could_not_hold_them() {
        let most = Amount::of_millionths(herleid_vocab::json::MAX_INTEGER);
        assert_eq!(most.plus(Amount::NOTHING), Some(most));
        assert_eq!(most.plus(Amount::of_millionths(1)), None);
        assert_eq!(Amount::of_millionths(u64::MAX).plus(most), None);
        assert_eq!(Amount::of_millionths(3).less(Amount::of_millionths(4)), Amount::NOTHING);
        assert!(Amount::of_millionths(20_000).is_in_cents() && !Amount::of_millionths(25_000).is_in_cents());
    }
}
