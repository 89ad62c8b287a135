//! Range requests (RFC 9110, section 14), of one range: a second one in the same request would be a pull of its own.

use crate::http::Refusal;
use crate::state::Digests;
use axum::http::{HeaderMap, StatusCode, header};

/// What of a version is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// Some bytes.
    Part {
        /// The first.
        from: u64,
        /// The one after the last.
        to: u64,
    },
}

/// The entity tag of a version: strong, since a version never changes.
#[must_use]
pub fn etag(known: &Digests) -> String {
    format!("\"{}\"", known.sha256)
}

/// What is asked for of what is `known`.
///
/// # Errors
/// 416 for a range that is not one, that begins after the end, or of which there are several: to overlook it, which the standard also
/// allows, would give, and count, more than was asked for.
pub(super) fn asked(headers: &HeaderMap, known: &Digests) -> Result<Asked, Refusal> {
    let mut ranges = headers.get_all(header::RANGE).iter();
    let Some(range) = ranges.next() else {
        return Ok(Asked::Whole);
    };
    let refuse = |why: &str| {
        let text = format!(
            "the range {range:?} cannot be given: {why}; the version has {} bytes",
            known.bytes
        );
        Err(Refusal::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "range-not-satisfiable",
            &text,
        ))
    };
    if ranges.next().is_some() {
        return refuse("it is not the only one");
    }
    if let Some(condition) = headers.get(header::IF_RANGE)
        && condition.as_bytes() != etag(known).as_bytes()
    {
        return Ok(Asked::Whole);
    }
    let Ok(text) = range.to_str() else {
        return refuse("it is not text");
    };
    let Some((unit, set)) = text.split_once('=') else {
        return refuse("expected `bytes=<first>-<last>`");
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        // Section 14.2: a unit that is not understood is overlooked.
        return Ok(Asked::Whole);
    }
    if set.contains(',') {
        return refuse("one range is given at a time");
    }
    let number = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    let part = match set.trim().split_once('-') {
        Some(("", last)) => match number(last) {
            Some(n @ 1..) => Some((known.bytes.saturating_sub(n), known.bytes)),
            _ => None,
        },
        Some((first, "")) => number(first).map(|from| (from, known.bytes)),
        Some((first, last)) => match (number(first), number(last)) {
            (Some(from), Some(last)) if from <= last => Some((from, last.saturating_add(1).min(known.bytes))),
            _ => None,
        },
        None => None,
    };
    match part {
        None => refuse("expected `bytes=<first>-<last>`, `bytes=<first>-` or `bytes=-<length>`"),
        Some((from, _)) if from >= known.bytes => refuse("it begins after the end"),
        Some((from, to)) => Ok(Asked::Part { from, to }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Digests {
        Digests::of(b"0123456789")
    }

    fn of(headers: &[(header::HeaderName, &str)]) -> Result<Asked, StatusCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        asked(&map, &known()).map_err(|refusal| refusal.status())
    }

    #[test]
    fn one_range_is_given() {
        for (range, from, to) in [
            ("bytes=0-", 0, 10),
            ("bytes=3-", 3, 10),
            ("bytes=3-3", 3, 4),
            ("bytes=9-9", 9, 10),
            ("bytes=0-99999999999", 0, 10),
            ("bytes=4-18446744073709551615", 4, 10),
            ("bytes=-3", 7, 10),
            ("bytes=-100", 0, 10),
            ("Bytes= 1-2 ", 1, 3),
        ] {
            assert_eq!(of(&[(header::RANGE, range)]), Ok(Asked::Part { from, to }), "{range}");
        }
    }

    #[test]
    fn an_absurd_range_is_refused_and_not_overlooked() {
        for range in [
            "bytes=10-",
            "bytes=99-100",
            "bytes=5-4",
            "bytes=-0",
            "bytes=-",
            "bytes=",
            "bytes",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=0-1,2-3",
            "bytes=0-1,0-1,0-1",
            "bytes=18446744073709551616-",
            "bytes=-1.5",
        ] {
            assert_eq!(
                of(&[(header::RANGE, range)]),
                Err(StatusCode::RANGE_NOT_SATISFIABLE),
                "{range}"
            );
        }
        let twice = [(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=2-3")];
        assert_eq!(of(&twice), Err(StatusCode::RANGE_NOT_SATISFIABLE));
        let empty = Digests::of(b"");
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=0-".parse().unwrap());
        assert_eq!(
            asked(&headers, &empty).unwrap_err().status(),
            StatusCode::RANGE_NOT_SATISFIABLE
        );
    }

    #[test]
    fn of_another_version_or_in_another_unit_the_whole_is_given() {
        assert_eq!(of(&[]), Ok(Asked::Whole));
        assert_eq!(of(&[(header::RANGE, "lines=1-2")]), Ok(Asked::Whole));
        for condition in ["\"other\"", "W/\"x\"", "Sun, 22 Nov 2026 10:00:00 GMT", "*"] {
            let both = [(header::RANGE, "bytes=1-"), (header::IF_RANGE, condition)];
            assert_eq!(of(&both), Ok(Asked::Whole), "{condition}");
        }
        let same = etag(&known());
        let both = [(header::RANGE, "bytes=1-"), (header::IF_RANGE, same.as_str())];
        assert_eq!(of(&both), Ok(Asked::Part { from: 1, to: 10 }));
    }
}
