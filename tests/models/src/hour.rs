//! Whole hours in UTC, as the measurements name them: by their end.

use std::fmt;

/// A whole hour, counted from 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hour(pub(crate) u32);

impl Hour {
    /// Reads `2020-06-17T15:00:00Z`: UTC, a whole hour, the years 1970 to 2199.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown: String = text.chars().take(32).collect();
            format!(
                "`{shown}` is not a whole hour in UTC; expected the form `2020-06-17T15:00:00Z`, years 1970 to 2199"
            )
        };
        let number = |range: std::ops::Range<usize>| -> Option<u32> {
            let digits = text.get(range)?;
            if digits.bytes().all(|b| b.is_ascii_digit()) {
                digits.parse().ok()
            } else {
                None
            }
        };
        let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":00:00Z")];
        if !marks
            .iter()
            .all(|(at, mark)| text.get(*at..at + mark.len()) == Some(*mark))
            || text.len() != 20
        {
            return Err(wrong());
        }
        let (Some(year), Some(month), Some(day), Some(hour)) =
            (number(0..4), number(5..7), number(8..10), number(11..13))
        else {
            return Err(wrong());
        };
        if !(1970..=2199).contains(&year)
            || !(1..=12).contains(&month)
            || !(1..=days_in_month(year, month)).contains(&day)
            || hour > 23
        {
            return Err(wrong());
        }
        let years: u32 = (1970..year).map(days_in_year).sum();
        let months: u32 = (1..month).map(|earlier| days_in_month(year, earlier)).sum();
        Ok(Self((years + months + day - 1) * 24 + hour))
    }

    /// The hour after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut days, hour) = (self.0 / 24, self.0 % 24);
        let mut year = 1970;
        while days >= days_in_year(year) {
            days -= days_in_year(year);
            year += 1;
        }
        let mut month = 1;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        write!(f, "{year:04}-{month:02}-{:02}T{hour:02}:00:00Z", days + 1)
    }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_year(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_counted_from_1970() {
        // 1,592,406,000 seconds, as `date -u -d 2020-06-17T15:00:00Z +%s` says.
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0_u64),
            ("2020-06-17T15:00:00Z", 1_592_406_000),
            ("2000-02-29T23:00:00Z", 951_865_200),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            let hour = Hour::parse(text).unwrap();
            assert_eq!(u64::from(hour.0) * 3600, seconds, "{text}");
            assert_eq!(hour.to_string(), text);
        }
    }

    #[test]
    fn every_hour_reads_back() {
        for count in (0..Hour::parse("2199-12-31T23:00:00Z").unwrap().0).step_by(17) {
            assert_eq!(Hour::parse(&Hour(count).to_string()), Ok(Hour(count)));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2020-06-17",
            "2020-06-17T15:00:00",
            "2020-06-17T15:00:00+02:00",
            "2020-06-17T15:30:00Z",
            "2020-06-17T24:00:00Z",
            "2020-06-31T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "1969-12-31T23:00:00Z",
            "2020-00-01T00:00:00Z",
            "2020-06-00T00:00:00Z",
            "2020-06-17t15:00:00Z",
            "+020-06-17T15:00:00Z",
            "2020-06-17T15:00:00Z ",
            "é20-06-17T15:00:00Z",
        ] {
            assert!(Hour::parse(text).is_err(), "{text}");
        }
    }
}
