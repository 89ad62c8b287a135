//! Exact amounts in hundredths: of a millimetre of water, of a millimetre an hour, of a hectare.
//!
//! Rain comes in tenths of a millimetre and every other amount with at most two decimals, so nothing is ever rounded: a
//! text with more decimals is refused.

use std::fmt;

/// Largest amount: 9,999,999.99 units. A million hours of it still fits 64 bits: 10^9 hundredths x 10^6 = 10^15.
const MAX_WHOLE_DIGITS: usize = 7;

/// A non-negative amount in hundredths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hundredths(pub(crate) u64);

impl Hundredths {
    /// Nothing.
    pub(crate) const ZERO: Self = Self(0);

    /// Reads `7`, `0.7` or `12.25`: no sign, no exponent, no superfluous leading zero, at most two decimals.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            let shown: String = text.chars().take(32).collect();
            Err(format!("`{shown}` {why}; expected a decimal such as `7` or `0.7`"))
        };
        let (whole, decimals) = match text.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || decimals.is_some_and(|part| !digits(part)) {
            return wrong("is not a non-negative decimal number");
        }
        if whole.len() > 1 && whole.starts_with('0') {
            return wrong("starts with a superfluous zero");
        }
        if whole.len() > MAX_WHOLE_DIGITS {
            return wrong("is larger than 9999999.99");
        }
        let decimals = decimals.unwrap_or("");
        if decimals.len() > 2 {
            return wrong("has more than two decimals, and this model does not round");
        }
        let value = format!("{whole}{decimals:0<2}");
        match value.parse() {
            Ok(hundredths) => Ok(Self(hundredths)),
            Err(_) => wrong("is not a non-negative decimal number"),
        }
    }
}

impl fmt::Display for Hundredths {
    /// The shortest exact text: `7`, `0.7`, `12.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shortest(f, u128::from(self.0), 2)
    }
}

/// Litres, shown as cubic metres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Litres(u128);

impl Litres {
    /// A depth in hundredths of a millimetre over an area in hundredths of a hectare is a whole number of litres:
    /// 10^-5 m x 10^2 m² = 10^-3 m³.
    pub(crate) fn of(depth: Hundredths, area: Hundredths) -> Self {
        Self(u128::from(depth.0) * u128::from(area.0))
    }
}

impl fmt::Display for Litres {
    /// Cubic metres, the shortest exact text: `10300`, `0.125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shortest(f, self.0, 3)
    }
}

fn shortest(f: &mut fmt::Formatter<'_>, scaled: u128, decimals: u32) -> fmt::Result {
    let unit = 10_u128.pow(decimals);
    let (whole, rest) = (scaled / unit, scaled % unit);
    if rest == 0 {
        return write!(f, "{whole}");
    }
    let width = decimals as usize;
    let rest = format!("{rest:0width$}");
    write!(f, "{whole}.{}", rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_exactly() {
        for (text, hundredths, shown) in [
            ("0", 0, "0"),
            ("7", 700, "7"),
            ("7.0", 700, "7"),
            ("0.7", 70, "0.7"),
            ("0.07", 7, "0.07"),
            ("12.25", 1225, "12.25"),
            ("9999999.99", 999_999_999, "9999999.99"),
        ] {
            let amount = Hundredths::parse(text).unwrap();
            assert_eq!(amount, Hundredths(hundredths), "{text}");
            assert_eq!(amount.to_string(), shown);
        }
    }

    #[test]
    fn what_would_have_to_be_guessed_or_rounded_is_refused() {
        for text in [
            "", ".", "7.", ".7", "-1", "+1", "1e3", " 7", "7 ", "07", "00", "0,7", "0.001", "10000000", "NaN", "٧",
            "7.7.7",
        ] {
            assert!(Hundredths::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_depth_over_an_area_is_whole_litres() {
        // 82.4 mm over 12.5 ha: 0.0824 m x 125,000 m² = 10,300 m³.
        assert_eq!(Litres::of(Hundredths(8240), Hundredths(1250)).to_string(), "10300");
        // 0.01 mm over 0.01 ha is one litre.
        assert_eq!(Litres::of(Hundredths(1), Hundredths(1)).to_string(), "0.001");
        assert_eq!(Litres::of(Hundredths(5), Hundredths(25)).to_string(), "0.125");
    }
}
