//! Instants as milliseconds, and their RFC 3339 text.

use ::time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A text that is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an instant: expected RFC 3339 with an offset, as in `2020-06-17T15:00:00Z`, between 1970 and 9999"
)]
pub struct TimeError {
    text: String,
}

/// UTC milliseconds since 1970 of an RFC 3339 text (offset required, digits beyond milliseconds cut off).
///
/// # Errors
/// When the text is not RFC 3339, has no offset, or lies before 1970.
pub fn parse_rfc3339_ms(text: &str) -> Result<u64, TimeError> {
    let wrong = || TimeError {
        text: text.chars().take(64).collect(),
    };
    let instant = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    u64::try_from(instant.unix_timestamp_nanos() / 1_000_000).map_err(|_| wrong())
}

/// RFC 3339 in UTC with three decimals, `2020-06-17T15:00:00.000Z`; instants after the year 9999 read as its end.
#[must_use]
pub fn format_rfc3339_ms(ms: u64) -> String {
    // 9999-12-31T23:59:59.999Z, the last instant that RFC 3339 can write.
    const LAST_MS: u64 = 253_402_300_799_999;
    let ms = ms.min(LAST_MS);
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .to_offset(UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        instant.year(),
        u8::from(instant.month()),
        instant.day(),
        instant.hour(),
        instant.minute(),
        instant.second(),
        instant.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_milliseconds_are_one_instant() {
        assert_eq!(
            parse_rfc3339_ms("2020-06-17T17:00:00.5+02:00").unwrap(),
            1_592_406_000_500
        );
        assert_eq!(format_rfc3339_ms(1_592_406_000_500), "2020-06-17T15:00:00.500Z");
        assert_eq!(format_rfc3339_ms(u64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_not_an_instant_is_refused() {
        for text in [
            "",
            "2020-06-17",
            "2020-06-17T15:00:00",
            "1969-12-31T23:59:59Z",
            "2020-13-01T00:00:00Z",
        ] {
            assert!(parse_rfc3339_ms(text).is_err(), "{text}");
        }
    }
}
