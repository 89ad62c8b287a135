//! The section `[retention]`: how long what is recorded is kept, by a selection list (Archiefwet), for each processing activity.

use super::error::{ConfigError, Expected};
use super::keys::Kind;
use super::parse::member;
use super::raw::RawConfig;
use super::value::Found;
use herleid_vocab::time::{format_rfc3339_ms, parse_rfc3339_ms};

/// Section `[retention]`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Retention {
    /// Name of the selection list; there when there are rules.
    pub list: String,
    /// Its rules as far as they are about this log.
    pub rules: Vec<RetentionRule>,
}

/// One of `retention.rules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// Category of the selection list.
    pub category: String,
    /// The processing activity, as the register of activities names it.
    pub activity: String,
    /// What it is about.
    pub of: RetentionOf,
    /// Which of them: a name in which `*` stands for anything.
    pub named: String,
    /// How long.
    pub keep: Keep,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetentionOf {
    /// The records of a case, by its number.
    Case,
    /// The records under agreements, by the dataset or model that they are about.
    Agreement,
    /// Denials, by the party that asked.
    Denial,
}

/// What `of` may say.
pub(super) const OF: &[&str] = &["case", "agreement", "denial"];

impl RetentionOf {
    /// As it stands in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Agreement => "agreement",
            Self::Denial => "denial",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Case, Self::Agreement, Self::Denial]
            .into_iter()
            .find(|of| of.as_str() == text)
    }
}

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// For ever.
    Permanent,
    /// This long after it is over.
    For {
        /// Calendar months.
        months: u32,
        /// Days besides.
        days: u32,
    },
}

/// Longest time that is not for ever: 200 years.
const MOST: u32 = 200;
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// How far clocks go before UTC at most, on Kiritimati, and behind it, on Baker Island.
const AHEAD_MS: u64 = 14 * 3_600 * 1_000;
const BEHIND_MS: u64 = 12 * 3_600 * 1_000;

impl Keep {
    /// `permanent`, or a number with `y`, `m` or `d`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "permanent" {
            return Some(Self::Permanent);
        }
        let number = text.get(..text.len().checked_sub(1)?)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: u32 = number.parse().ok()?;
        let (months, days) = match text.chars().last()? {
            'y' if number <= MOST => (number * 12, 0),
            'm' if number <= MOST * 12 => (number, 0),
            'd' if number <= MOST * 366 => (0, number),
            _ => return None,
        };
        Some(Self::For { months, days })
    }

    /// When what was over at `since_ms` is due; `None`: never. A month without such a day ends with its last. Months and years are counted from
    /// the date where it is latest, and end where it is latest: a day too long somewhere, and nowhere too short.
    #[must_use]
    pub fn due_ms(self, since_ms: u64) -> Option<u64> {
        let Self::For { months, days } = self else {
            return None;
        };
        let (ahead_ms, behind_ms) = match months {
            0 => (0, 0),
            _ => (AHEAD_MS, BEHIND_MS),
        };
        let text = format_rfc3339_ms(since_ms.checked_add(ahead_ms)?);
        let mut parts = text.splitn(3, '-');
        let mut number = || parts.next()?.parse::<u32>().ok();
        let (year, month) = (number()?, number()?);
        let rest = text.get(8..)?;
        let (day, time) = (rest.get(..2)?.parse::<u32>().ok()?, rest.get(2..)?);
        let count = year * 12 + (month - 1) + months;
        let (year, month) = (count / 12, count % 12 + 1);
        // What lies after the year 9999 is never.
        let found = (0..4).find_map(|less| {
            parse_rfc3339_ms(&format!("{year:04}-{month:02}-{:02}{time}", day.checked_sub(less)?)).ok()
        })?;
        Some(found + behind_ms + u64::from(days) * DAY_MS)
    }
}

impl RawConfig {
    pub(super) fn retention(&self) -> Result<Retention, ConfigError> {
        let path = "retention.rules";
        let rules = self.tables(path, |item| {
            let text = |name, kind| member(path, item, name, kind, |text| Some(text.trim().to_owned()));
            let keep = item.member("keep").unwrap_or(item);
            Ok(RetentionRule {
                category: text("category", Kind::Text)?,
                activity: iri(item, text("activity", Kind::Text)?)?,
                of: member(path, item, "of", Kind::Choice(OF), RetentionOf::parse)?,
                named: text("named", Kind::Text)?,
                keep: Found::text(keep)
                    .and_then(Keep::parse)
                    .ok_or_else(|| ConfigError::wrong("retention.rules.keep", keep, Expected::Keep))?,
            })
        })?;
        let list = self.get("retention.list");
        let list = list.as_ref().and_then(Found::text).map(str::to_owned);
        match list {
            None if !rules.is_empty() => Err(self.missing("retention.list")),
            list => Ok(Retention {
                list: list.unwrap_or_default(),
                rules,
            }),
        }
    }
}

/// It stands in the envelope of records, and there it is an IRI.
fn iri(item: &Found, text: String) -> Result<String, ConfigError> {
    match crate::catalogue::is_iri(&text) {
        true => Ok(text),
        false => {
            let found = item.member("activity").unwrap_or(item);
            Err(ConfigError::wrong("retention.rules.activity", found, Expected::Iri))
        }
    }
}

impl RetentionRule {
    /// Whether it is about something of this name.
    #[must_use]
    pub fn is_about(&self, name: &str) -> bool {
        let mut parts = self.named.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let mut last = None;
        for part in parts {
            if let Some(before) = last.replace(part) {
                match rest.find(before) {
                    Some(at) => rest = rest.get(at + before.len()..).unwrap_or_default(),
                    None => return false,
                }
            }
        }
        last.map_or(rest.is_empty(), |last| rest.ends_with(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_by_the_calendar() {
        let due = |keep: &str, since: &str| {
            let since = parse_rfc3339_ms(since).unwrap();
            Keep::parse(keep).unwrap().due_ms(since).map(format_rfc3339_ms)
        };
        let on = |text: &str| Some(format!("{text}.000Z"));
        assert_eq!(due("7y", "2026-11-22T09:00:00Z"), on("2033-11-23T11:00:00"));
        assert_eq!(due("1y", "2028-02-28T20:00:00Z"), on("2029-02-28T22:00:00"));
        assert_eq!(due("1m", "2026-01-30T20:00:00Z"), on("2026-02-28T22:00:00"));
        assert_eq!(due("14m", "2026-12-30T20:00:00Z"), on("2028-02-29T22:00:00"));
        // The 1st of March in Amsterdam: due on the 1st of April there, and no earlier.
        assert_eq!(due("1m", "2026-02-28T23:30:00Z"), on("2026-04-02T01:30:00"));
        assert_eq!(due("0d", "2026-12-31T10:00:00Z"), on("2026-12-31T10:00:00"));
        assert_eq!(due("3d", "2026-12-31T10:00:00Z"), on("2027-01-03T10:00:00"));
        assert_eq!(due("permanent", "2026-12-31T10:00:00Z"), None);
        assert_eq!(due("200y", "9900-12-31T10:00:00Z"), None);
        for wrong in [
            "",
            "y",
            "7",
            "7w",
            "-1y",
            "201y",
            "1.5y",
            "for ever",
            "99999999999d",
            "é",
        ] {
            assert_eq!(Keep::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        let rule = |named: &str| RetentionRule {
            category: "1".to_owned(),
            activity: "a".to_owned(),
            of: RetentionOf::Case,
            named: named.to_owned(),
            keep: Keep::Permanent,
        };
        for (named, name, expected) in [
            ("*", "", true),
            ("*", "Z1", true),
            ("Z*", "Z1", true),
            ("Z*", "Y1", false),
            ("Z1", "Z1", true),
            ("Z1", "Z12", false),
            ("*-17", "Z-17", true),
            ("*-17", "Z-17-1", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("aa*aa", "aaa", false),
        ] {
            assert_eq!(rule(named).is_about(name), expected, "{named} {name}");
        }
    }
}
