//! The input `rain`: hourly rain in tenths of a millimetre, as whole numbers.

use crate::amount::Hundredths;
use crate::error::SewerError;
use crate::hour::Hour;
use serde::Deserialize;

/// Longest series: a century of hours, 100 x 366 x 24, fits.
const MAX_HOURS: usize = 1_000_000;
/// Most rain in an hour, in tenths of a millimetre: one metre, three times the record of 305 mm in 42 minutes (Holt, 1947).
const MAX_TENTHS: i64 = 10_000;
/// The one unit in which rain is read.
const UNIT: &str = "0.1 mm";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeries {
    station: String,
    source: String,
    unit: String,
    from: String,
    to: String,
    hours: Vec<RawHour>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHour {
    end: String,
    value: i64,
}

/// A gap-free series of hours.
#[derive(Debug)]
pub(crate) struct RainSeries {
    /// Where it was measured.
    pub(crate) station: String,
    /// Who measured it.
    pub(crate) source: String,
    /// Begin of the first hour.
    pub(crate) from: Hour,
    /// End of the last hour.
    pub(crate) to: Hour,
    /// Each hour by its end, and its rain in hundredths of a millimetre.
    pub(crate) hours: Vec<(Hour, Hundredths)>,
}

impl RainSeries {
    /// Reads a series: at least one hour, without gap, repetition or disorder, from `from` to `to`.
    pub(crate) fn parse(input: &str, bytes: &[u8]) -> Result<Self, SewerError> {
        let refuse = |why: String| SewerError::Input {
            input: input.to_owned(),
            why,
        };
        let raw: RawSeries = serde_json::from_slice(bytes).map_err(|e| refuse(format!("not a rain series: {e}")))?;
        if raw.unit != UNIT {
            return Err(refuse(format!("its unit is `{}`; this model reads `{UNIT}`", raw.unit)));
        }
        let from = Hour::parse(&raw.from).map_err(|why| refuse(format!("`from`: {why}")))?;
        let to = Hour::parse(&raw.to).map_err(|why| refuse(format!("`to`: {why}")))?;
        if raw.hours.is_empty() || raw.hours.len() > MAX_HOURS {
            return Err(refuse(format!(
                "it has {} hours; expected 1 to {MAX_HOURS}",
                raw.hours.len()
            )));
        }
        let mut hours = Vec::with_capacity(raw.hours.len());
        let mut last = from;
        for (index, hour) in raw.hours.iter().enumerate() {
            let end = Hour::parse(&hour.end).map_err(|why| refuse(format!("`hours[{index}].end`: {why}")))?;
            if end != last.next() {
                return Err(refuse(format!(
                    "`hours[{index}].end` is `{end}`; expected `{}`, so an hour is missing, repeated or out of order",
                    last.next()
                )));
            }
            last = end;
            hours.push((
                end,
                depth(hour.value).map_err(|why| refuse(format!("`hours[{index}].value`: {why}")))?,
            ));
        }
        if last != to {
            return Err(refuse(format!("its last hour ends at `{last}`, but `to` says `{to}`")));
        }
        Ok(Self {
            station: raw.station,
            source: raw.source,
            from,
            to,
            hours,
        })
    }
}

fn depth(tenths: i64) -> Result<Hundredths, String> {
    match u64::try_from(tenths) {
        Ok(amount) if tenths <= MAX_TENTHS => Ok(Hundredths(amount * 10)),
        Ok(_) => Err(format!(
            "`{tenths}` is more than {MAX_TENTHS} (one metre of rain in an hour)"
        )),
        Err(_) => Err(format!(
            "`{tenths}` is negative; KNMI writes -1 for less than 0.05 mm: its publisher has to say what that counts for"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(unit: &str, hours: &str) -> String {
        format!(
            r#"{{"station":"S","source":"test","unit":"{unit}","from":"2020-06-17T13:00:00Z","to":"2020-06-17T15:00:00Z","hours":[{hours}]}}"#
        )
    }

    fn read(text: &str) -> Result<RainSeries, String> {
        RainSeries::parse("rain", text.as_bytes()).map_err(|e| e.to_string())
    }

    const TWO: &str = r#"{"end":"2020-06-17T14:00:00Z","value":30},{"end":"2020-06-17T15:00:00Z","value":513}"#;

    #[test]
    fn tenths_become_hundredths() {
        let rain = read(&series("0.1 mm", TWO)).unwrap();
        let depths: Vec<u64> = rain.hours.iter().map(|(_, depth)| depth.0).collect();
        assert_eq!(depths, [300, 5130]);
        assert_eq!(rain.from.to_string(), "2020-06-17T13:00:00Z");
    }

    #[test]
    fn each_fault_is_named() {
        let cases = [
            (series("mm", TWO), "unit is `mm`"),
            (series("0.1 mm", ""), "0 hours"),
            (
                series("0.1 mm", r#"{"end":"2020-06-17T15:00:00Z","value":1}"#),
                "`hours[0].end`",
            ),
            (
                series("0.1 mm", r#"{"end":"2020-06-17T14:00:00Z","value":1}"#),
                "`to` says",
            ),
            (series("0.1 mm", &TWO.replace("15:00", "14:00")), "`hours[1].end`"),
            (series("0.1 mm", &TWO.replace("513", "-1")), "negative"),
            (series("0.1 mm", &TWO.replace("513", "10001")), "more than 10000"),
            (series("0.1 mm", &TWO.replace("513", "51.3")), "not a rain series"),
            (series("0.1 mm", &TWO.replace("value", "vlaue")), "vlaue"),
            (series("0.1 mm", TWO).replace("source", "bron"), "bron"),
            (
                series("0.1 mm", TWO).replace(r#""station":"S","#, r#""station":"S","station":"T","#),
                "duplicate",
            ),
            (
                series("0.1 mm", TWO).replace("2020-06-17T13:00:00Z", "yesterday"),
                "`from`",
            ),
            ("{}".to_owned(), "missing field"),
            (series("0.1 mm", TWO) + "x", "trailing"),
        ];
        for (text, expected) in cases {
            let found = read(&text).unwrap_err();
            assert!(found.contains(expected), "{found}");
        }
    }
}
