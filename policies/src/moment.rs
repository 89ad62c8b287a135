//! Right operands of `dateTime`: XML Schema 1.1 `dateTime` and `date` (Datatypes, sections 3.3.7 and 3.3.9).
//!
//! A time without an offset may lie up to 14 hours either side of the same time in UTC (section 3.3.7.2, order of
//! partially known values), so comparing with it can be unknown. A date is a day: before it, during it, after it.

use crate::operand::Operator;
use crate::truth::Truth;
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

const NS_PER_MS: i128 = 1_000_000;
const NS_PER_DAY: i128 = 86_400_000_000_000;
/// 14 h, the widest offset of XML Schema.
const WIDEST_NS: i128 = 14 * 3_600_000_000_000;

/// An instant or a day, its ends known to within the doubt that a missing offset leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    text: String,
    /// First nanosecond since 1970 in UTC, taking a missing offset as zero.
    start_ns: i128,
    /// Length: 0 for an instant, a day for a date.
    length_ns: i128,
    /// How far either end may be off.
    doubt_ns: i128,
}

impl Moment {
    /// Reads `2020-06-17T15:00:00Z`, with fraction and offset optional, or the day `2020-06-17`. Minutes without seconds
    /// (`2023-12-31T06:00Z`), which the examples of ODRL and of the Dataspace Protocol write, read as second 0.
    ///
    /// # Errors
    /// Says what is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a time as `2026-12-31T23:59:59+01:00` or a day as `2026-12-31`";
        if !text.is_ascii() || text.len() > 64 {
            return Err(EXPECTED);
        }
        let (day, rest) = text.split_at_checked(10).ok_or(EXPECTED)?;
        let date = parse_date(day).ok_or(EXPECTED)?;
        let (clock, offset) = match rest.strip_prefix('T') {
            Some(rest) => {
                let end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
                let (clock, offset) = rest.split_at_checked(end).ok_or(EXPECTED)?;
                (Some(clock), offset)
            }
            None => (None, rest),
        };
        let offset_seconds = if offset.is_empty() {
            None
        } else {
            Some(parse_offset(offset).ok_or(EXPECTED)?)
        };
        let (time, written) = match clock {
            Some(clock) => parse_clock(clock).ok_or(EXPECTED)?,
            None => (Time::MIDNIGHT, String::new()),
        };
        let zone = UtcOffset::from_whole_seconds(offset_seconds.unwrap_or(0)).map_err(|_| EXPECTED)?;
        let start_ns = PrimitiveDateTime::new(date, time)
            .assume_offset(zone)
            .unix_timestamp_nanos();
        let separator = if clock.is_some() { "T" } else { "" };
        Ok(Self {
            text: format!("{day}{separator}{written}{offset}"),
            start_ns,
            length_ns: if clock.is_some() { 0 } else { NS_PER_DAY },
            doubt_ns: if offset_seconds.is_some() { 0 } else { WIDEST_NS },
        })
    }

    /// The text, with the seconds that were left out written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a whole day rather than an instant.
    #[must_use]
    pub(crate) fn is_day(&self) -> bool {
        self.length_ns > 0
    }

    /// Whether it says in which time zone it is meant.
    #[must_use]
    pub(crate) fn has_offset(&self) -> bool {
        self.doubt_ns == 0
    }

    /// The first nanosecond since 1970 in UTC, the one after the last, and how far either may be off.
    #[must_use]
    pub(crate) fn edges_ns(&self) -> (i128, i128, i128) {
        (self.start_ns, self.start_ns + self.length_ns.max(1), self.doubt_ns)
    }

    /// The milliseconds since 1970 (UTC) from which on a comparison with it may come out otherwise than just before; of those before
    /// 1970 none, since no request has such a time.
    pub(crate) fn turns(&self) -> Vec<u64> {
        let ends = [self.start_ns, self.start_ns + self.length_ns.max(1)];
        let edges = ends.iter().flat_map(|end| [end - self.doubt_ns, end + self.doubt_ns]);
        let first_from = |edge: i128| edge.div_euclid(NS_PER_MS) + i128::from(edge.rem_euclid(NS_PER_MS) > 0);
        edges.filter_map(|edge| u64::try_from(first_from(edge)).ok()).collect()
    }

    /// How the instant `now_ms` (UTC milliseconds since 1970) relates to this moment. Operators that are not about order
    /// give unknown.
    #[must_use]
    pub(crate) fn compare(&self, now_ms: u64, operator: Operator) -> Truth {
        let now = i128::from(now_ms) * NS_PER_MS;
        let before = less(now, self.start_ns, self.doubt_ns);
        // A day ends where the next begins; an instant ends just after itself.
        let not_after = match self.length_ns {
            0 => less(now, self.start_ns + 1, self.doubt_ns),
            length => less(now, self.start_ns + length, self.doubt_ns),
        };
        match operator {
            Operator::Lt => before,
            Operator::Lteq => not_after,
            Operator::Gt => !not_after,
            Operator::Gteq => !before,
            Operator::Eq => (!before).and(not_after),
            Operator::Neq => !((!before).and(not_after)),
            _ => Truth::Unknown,
        }
    }
}

/// Whether `a < b`, where `b` may lie up to `doubt` either side.
fn less(a: i128, b: i128, doubt: i128) -> Truth {
    if a < b - doubt {
        Truth::True
    } else if a >= b + doubt {
        Truth::False
    } else {
        Truth::Unknown
    }
}

fn digits(text: &str, count: usize) -> Option<u32> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = i32::try_from(digits(parts.next()?, 4)?).ok()?;
    let month = Month::try_from(u8::try_from(digits(parts.next()?, 2)?).ok()?).ok()?;
    let day = u8::try_from(digits(parts.next()?, 2)?).ok()?;
    if parts.next().is_some() {
        return None;
    }
    Date::from_calendar_date(year, month, day).ok()
}

/// The time, and its text with seconds. `24:00:00` and leap seconds are refused: other systems read them differently.
fn parse_clock(text: &str) -> Option<(Time, String)> {
    let mut parts = text.split(':');
    let hour = u8::try_from(digits(parts.next()?, 2)?).ok()?;
    let minute = u8::try_from(digits(parts.next()?, 2)?).ok()?;
    let seconds = parts.next();
    if parts.next().is_some() {
        return None;
    }
    let (whole, fraction) = match seconds {
        None => ("00", None),
        Some(seconds) => match seconds.split_once('.') {
            None => (seconds, None),
            Some((whole, fraction)) => (whole, Some(fraction)),
        },
    };
    let second = u8::try_from(digits(whole, 2)?).ok()?;
    let nano = match fraction {
        None => 0,
        Some(fraction) if (1..=9).contains(&fraction.len()) => {
            digits(fraction, fraction.len())? * 10_u32.pow(9 - u32::try_from(fraction.len()).ok()?)
        }
        Some(_) => return None,
    };
    let time = Time::from_hms_nano(hour, minute, second, nano).ok()?;
    let written = if seconds.is_some() {
        text.to_owned()
    } else {
        format!("{text}:00")
    };
    Some((time, written))
}

fn parse_offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    Some(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use herleid_vocab::time::parse_rfc3339_ms;

    fn holds(now: &str, operator: Operator, right: &str) -> Truth {
        Moment::parse(right)
            .unwrap()
            .compare(parse_rfc3339_ms(now).unwrap(), operator)
    }

    #[test]
    fn instants_compare_to_the_nanosecond() {
        use Operator::{Eq, Gt, Gteq, Lt, Lteq, Neq};
        let now = "2024-02-12T11:20:10.999Z";
        for (operator, expected) in [
            (Lt, false),
            (Lteq, true),
            (Eq, true),
            (Gteq, true),
            (Gt, false),
            (Neq, false),
        ] {
            assert_eq!(
                holds(now, operator, "2024-02-12T12:20:10.999+01:00"),
                Truth::of(expected),
                "{operator:?}"
            );
        }
        assert_eq!(holds(now, Lt, "2024-02-12T11:20:10.999000001Z"), Truth::True);
        assert_eq!(holds(now, Gteq, "2024-02-12T11:20:10.999000001Z"), Truth::False);
    }

    #[test]
    fn a_day_has_a_before_a_during_and_an_after() {
        use Operator::{Eq, Gt, Lteq};
        assert_eq!(holds("2025-12-31T22:59:59Z", Lteq, "2025-12-31+01:00"), Truth::True);
        assert_eq!(holds("2025-12-31T23:00:00Z", Lteq, "2025-12-31+01:00"), Truth::False);
        assert_eq!(holds("2025-12-31T23:00:00Z", Gt, "2025-12-31+01:00"), Truth::True);
        assert_eq!(holds("2025-12-31T12:00:00Z", Eq, "2025-12-31Z"), Truth::True);
    }

    #[test]
    fn a_missing_offset_leaves_a_doubt_of_fourteen_hours() {
        use Operator::{Gteq, Lt};
        assert_eq!(holds("2024-01-01T09:59:59Z", Lt, "2024-01-02T00:00:00"), Truth::True);
        assert_eq!(holds("2024-01-01T10:00:00Z", Lt, "2024-01-02T00:00:00"), Truth::Unknown);
        assert_eq!(
            holds("2024-01-02T13:59:59Z", Gteq, "2024-01-02T00:00:00"),
            Truth::Unknown
        );
        assert_eq!(holds("2024-01-02T14:00:00Z", Gteq, "2024-01-02T00:00:00"), Truth::True);
    }

    #[test]
    fn between_two_turns_nothing_changes_and_at_each_something_does() {
        use Operator::{Eq, Gt, Gteq, Lt, Lteq, Neq};
        for text in [
            "2024-02-12T11:20:10.999Z",
            "2024-02-12T11:20:10.9990001Z",
            "2024-02-12T11:20:10",
            "2024-02-12+01:00",
            "2024-02-12",
        ] {
            let moment = Moment::parse(text).unwrap();
            let all = |now| [Eq, Neq, Lt, Lteq, Gt, Gteq].map(|operator| moment.compare(now, operator));
            let turns = moment.turns();
            let near: Vec<u64> = turns.iter().flat_map(|turn| turn - 3..turn + 3).collect();
            for pair in near.windows(2).filter(|pair| pair[1] == pair[0] + 1) {
                let is_turn = turns.contains(&pair[1]);
                assert!(is_turn || all(pair[0]) == all(pair[1]), "{text} at {}", pair[1]);
            }
            let changes = turns.iter().filter(|turn| all(**turn - 1) != all(**turn)).count();
            assert!(changes >= 1, "{text}");
        }
        assert_eq!(Moment::parse("1960-01-01Z").unwrap().turns(), Vec::<u64>::new());
    }

    #[test]
    fn seconds_may_be_left_out_and_are_written_then() {
        assert_eq!(
            Moment::parse("2023-12-31T06:00Z").unwrap().text(),
            "2023-12-31T06:00:00Z"
        );
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "2023",
            "2023-13-01",
            "2023-02-30",
            "2023-12-31T",
            "2023-12-31T24:00:00Z",
            "2023-12-31T23:59:60Z",
            "2023-12-31T06:00:00.Z",
            "2023-12-31T06:00:00.1234567890Z",
            "2023-12-31 06:00:00Z",
            "2023-12-31T06Z",
            "2023-12-31T06:00:00+15:00",
            "2023-12-31T06:00:00+1:00",
            "2023-12-31T06:00:00z",
            "+023-12-31",
            "tomorrow",
            "2023-12-31T06:00:00ZZ",
            "2023-12-3\u{0660}",
        ] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
    }
}
