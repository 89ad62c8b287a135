//! Days and moments as descriptions and filters give them.

/// A day, or a moment, as `xsd:date` and `xsd:dateTime` write it. RFC 3339 also lets a space or a small letter stand in it, and seconds
/// that only a leap has.
pub(super) fn written_moment(text: &str) -> Option<String> {
    let (day, rest) = (text.get(..10)?, text.get(10..)?);
    let written = match rest.strip_prefix(['T', 't', ' ']) {
        Some(time) => format!("{day}T{}", time.to_ascii_uppercase()),
        None if rest.is_empty() => day.to_owned(),
        None => return None,
    };
    let formed = |text: &str, form: &str| {
        let fits = |(c, wanted): (u8, u8)| c == wanted || (wanted == b'0' && c.is_ascii_digit());
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
    };
    let right = match written.get(10..) {
        Some("") => formed(&written, "0000-00-00"),
        _ => {
            let (whole, rest) = (written.get(..19)?, written.get(19..)?);
            let zone = match rest.strip_prefix('.') {
                Some(digits) => digits.trim_start_matches(|c: char| c.is_ascii_digit()),
                None => rest,
            };
            let fraction = rest.strip_suffix(zone)?;
            // Zones end at 14 hours (XML Schema, 3.3.7).
            let is_zone = |z: &str| formed(z, "00:00") && z <= "14:00";
            formed(whole, "0000-00-00T00:00:00")
                && whole.get(17..)? <= "59"
                && fraction != "."
                && (zone == "Z" || zone.strip_prefix(['+', '-']).is_some_and(is_zone))
        }
    };
    (right && parsed_ms(&written, false).is_some()).then_some(written)
}

/// A day or a moment, as milliseconds: of a day its first, or its last when `end`.
pub(super) fn instant_ms(text: &str, end: bool) -> Option<i64> {
    parsed_ms(&written_moment(text)?, end)
}

fn parsed_ms(text: &str, end: bool) -> Option<i64> {
    let day = text.len() == 10;
    let whole = match (day, end) {
        (true, false) => format!("{text}T00:00:00.000Z"),
        (true, true) => format!("{text}T23:59:59.999Z"),
        (false, _) => text.to_owned(),
    };
    time::OffsetDateTime::parse(&whole, &time::format_description::well_known::Rfc3339)
        .ok()
        .and_then(|moment| i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok())
}
