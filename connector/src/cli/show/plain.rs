//! Small texts: sizes, times, and what others wrote.

use herleid_vocab::time::format_rfc3339_ms;

/// What somebody else wrote, made harmless for a terminal: control characters would let a dataset's title rewrite the screen,
/// and direction marks (Unicode UAX #9) would let it read differently from what it is.
#[must_use]
pub fn clean(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// A number of bytes: `640 B`, `12.5 KiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    if bytes < 1024 {
        format!("{bytes} B")
    } else {
        indicatif::BinaryBytes(bytes).to_string()
    }
}

/// A time in UTC, to the second: `2026-11-22T04:00:00Z`.
#[must_use]
pub fn when(ms: u64) -> String {
    let text = format_rfc3339_ms(ms);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        assert_eq!(clean("rain\u{1b}[2Jfall\r\n"), "rain\u{fffd}[2Jfall\u{fffd}\u{fffd}");
        assert_eq!(clean("a\u{202e}b\u{9b}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean("Riool é 降雨"), "Riool é 降雨");
    }

    #[test]
    fn sizes_and_times_read_well() {
        assert_eq!(size(640), "640 B");
        assert_eq!(size(12_800), "12.50 KiB");
        assert_eq!(when(1_592_402_400_999), "2020-06-17T14:00:00Z");
    }
}
