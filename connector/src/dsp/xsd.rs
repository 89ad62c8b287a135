//! The lexical form of `xsd:dateTime` (W3C XML Schema 1.1 part 2, 3.3.7), which agreements use for their `timestamp`.

/// Whether `text` is an `xsd:dateTime`: `-?YYYY-MM-DDThh:mm:ss(.s+)?(Z|±hh:mm)?`, also `24:00:00`. The day is checked against 31 only,
/// as the protocol's schema does; unlike its pattern, which is not anchored, nothing may stand before or after.
pub(super) fn is_date_time(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    is_date(date) && is_time(time)
}

fn is_date(date: &str) -> bool {
    let mut parts = date.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let year_ok = year.len() >= 4 && digits(year) && (year.len() == 4 || !year.starts_with('0'));
    year_ok && two(month, 1, 12) && two(day, 1, 31)
}

fn is_time(time: &str) -> bool {
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let (hms, fraction) = match clock.split_once('.') {
        Some((hms, fraction)) => (hms, Some(fraction)),
        None => (clock, None),
    };
    if fraction.is_some_and(|f| f.is_empty() || !digits(f)) {
        return false;
    }
    let mut parts = hms.split(':');
    let (Some(hour), Some(minute), Some(second), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let midnight = hms == "24:00:00" && fraction.is_none_or(|f| f.bytes().all(|b| b == b'0'));
    (midnight || (two(hour, 0, 23) && two(minute, 0, 59) && two(second, 0, 59))) && is_zone(zone)
}

fn is_zone(zone: &str) -> bool {
    if matches!(zone, "" | "Z") {
        return true;
    }
    let Some((hours, minutes)) = zone.strip_prefix(['+', '-']).and_then(|z| z.split_once(':')) else {
        return false;
    };
    (two(hours, 0, 13) && two(minutes, 0, 59)) || (hours == "14" && minutes == "00")
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn two(text: &str, low: u8, high: u8) -> bool {
    text.len() == 2 && digits(text) && text.parse::<u8>().is_ok_and(|n| (low..=high).contains(&n))
}

#[cfg(test)]
mod tests {
    use super::is_date_time;

    #[test]
    fn date_times() {
        for text in [
            "2023-01-01T01:00:00Z",
            "2026-11-22T03:55:18.123456789Z",
            "2026-11-22T03:55:18",
            "2026-11-22T03:55:18+14:00",
            "-0044-03-15T12:00:00-05:30",
            "12026-01-01T24:00:00.0Z",
        ] {
            assert!(is_date_time(text), "{text}");
        }
        for text in [
            "",
            "T",
            "2023-01-01",
            "2023-01-01 01:00:00Z",
            "2023-1-01T01:00:00Z",
            "2023-13-01T01:00:00Z",
            "2023-01-32T01:00:00Z",
            "2023-01-01T25:00:00Z",
            "2023-01-01T24:00:01Z",
            "2023-01-01T01:00Z",
            "2023-01-01T01:00:00.Z",
            "2023-01-01T01:00:00Zx",
            "x2023-01-01T01:00:00Z",
            "2023-01-01T01:00:00+14:01",
            "2023-01-01T01:00:00+1:00",
            "02023-01-01T01:00:00Z",
            "2023-01-01T01:00:00Z\n",
            "２０２３-01-01T01:00:00Z",
        ] {
            assert!(!is_date_time(text), "{text}");
        }
    }
}
