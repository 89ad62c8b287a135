//! Exact decimals, each with one spelling.

use super::parameter::shown;
use serde_json::Value;
use std::cmp::Ordering;

/// Most digits of a decimal on each side of the point: 10^18 x 10^18 still fits the 128 bits that compare them.
pub(super) const MAX_DIGITS: usize = 18;

/// An exact decimal in its one spelling.
#[derive(Debug, Clone)]
pub struct Decimal {
    pub(super) text: String,
    /// The value in units of 10^-18.
    scaled: i128,
    pub(super) decimals: usize,
}

impl Decimal {
    /// Reads the one spelling of a decimal: an optional minus, no superfluous zeros, no exponent, at most 18 digits on each
    /// side of the point.
    ///
    /// # Errors
    /// Says what is wrong, and how the same value is spelt where that is known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let quoted: String = text.chars().take(48).collect();
        let wrong = |why: &str| Err(format!("`{quoted}` {why}"));
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return wrong("is not a decimal; expected a form such as `\"0.7\"`");
        }
        if whole.len() > MAX_DIGITS || fraction.len() > MAX_DIGITS {
            return wrong("has more than 18 digits before or after the point");
        }
        let zero_whole = whole.len() > 1 && whole.starts_with('0');
        let zero_tail = digits.contains('.') && fraction.ends_with('0');
        if zero_whole || zero_tail {
            return wrong("has superfluous zeros; each value has one spelling, such as `\"0.7\"`");
        }
        let (Ok(scaled), decimals) = (
            format!("{whole}{fraction:0<MAX_DIGITS$}").parse::<i128>(),
            digits.split_once('.').map_or(0, |(_, f)| f.len()),
        ) else {
            return wrong("is not a decimal; expected a form such as `\"0.7\"`");
        };
        if negative && scaled == 0 {
            return wrong("is spelt `\"0\"`");
        }
        Ok(Self {
            text: text.to_owned(),
            scaled: if negative { -scaled } else { scaled },
            decimals,
        })
    }

    pub(super) fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Err(format!(
                "`{number}` is a JSON number; decimals are strings, so that no digit is lost: `\"{number}\"`"
            )),
            other => Err(format!("{} is not a decimal string", shown(other))),
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        self.scaled < 0
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.scaled == other.scaled
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.scaled.cmp(&other.scaled)
    }
}
