//! Reading the registered claims of a JWT (RFC 7519, section 4.1), each with an error that names it.

use herleid_vocab::did::Did;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Map, Value};

/// A registered claim that is missing, malformed, or does not hold here and now. Instants are UTC milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The claim is not there.
    #[error("the claim `{claim}` is missing")]
    Missing {
        /// Its name.
        claim: &'static str,
    },
    /// The claim is there, but is not what it must be.
    #[error("the claim `{claim}` is malformed: expected {expected}")]
    Malformed {
        /// Its name.
        claim: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// `aud` is somebody else.
    #[error("the token is for `{found}`, not for `{expected}`; ask for one with that audience")]
    WrongAudience {
        /// `aud`, cut off at 200 characters.
        found: String,
        /// The verifier.
        expected: String,
    },
    /// `exp` has passed.
    #[error("the token expired at {}, it is {}; ask for a new one, or set the clock", format_rfc3339_ms(*.expired_at_ms), format_rfc3339_ms(*.now_ms))]
    Expired {
        /// `exp`.
        expired_at_ms: u64,
        /// The verifier's time.
        now_ms: u64,
    },
    /// `nbf` has not come.
    #[error("the token is valid from {}, it is {}; check both clocks", format_rfc3339_ms(*.valid_from_ms), format_rfc3339_ms(*.now_ms))]
    NotYetValid {
        /// `nbf`.
        valid_from_ms: u64,
        /// The verifier's time.
        now_ms: u64,
    },
    /// `iat` lies in the future.
    #[error("the token says it was issued at {}, it is {}; check both clocks", format_rfc3339_ms(*.issued_at_ms), format_rfc3339_ms(*.now_ms))]
    IssuedInTheFuture {
        /// `iat`.
        issued_at_ms: u64,
        /// The verifier's time.
        now_ms: u64,
    },
    /// Valid for longer than is accepted here, or `exp` is not after `iat`.
    #[error("the token is valid for {found_ms} ms, from `iat` to `exp`; expected at least 1000 and at most {limit_ms}")]
    Lifetime {
        /// From `iat` to `exp`, milliseconds.
        found_ms: i64,
        /// The longest accepted, milliseconds.
        limit_ms: u64,
    },
}

/// The verifier's time, as the caller's clock tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// UTC milliseconds since 1970.
    pub now_ms: u64,
    /// How far the two clocks may differ, milliseconds.
    pub leeway_ms: u64,
}

impl Now {
    /// Whether `instant_ms` has not come, even on the fastest clock allowed.
    pub(crate) fn is_before(self, instant_ms: u64) -> bool {
        instant_ms > self.now_ms.saturating_add(self.leeway_ms)
    }

    /// Whether `instant_ms` has passed, even on the slowest clock allowed.
    pub(crate) fn is_at_or_after(self, instant_ms: u64) -> bool {
        self.now_ms >= instant_ms.saturating_add(self.leeway_ms)
    }
}

/// `iat` and `exp` in seconds for a token to be minted; refused below a second and above `limit_ms`.
pub(crate) fn lifetime(issued_at_ms: u64, lifetime_ms: u64, limit_ms: u64) -> Result<(u64, u64), ClaimError> {
    if !(1000..=limit_ms).contains(&lifetime_ms) {
        return Err(ClaimError::Lifetime {
            found_ms: i64::try_from(lifetime_ms).unwrap_or(i64::MAX),
            limit_ms,
        });
    }
    let issued_at = issued_at_ms / 1000;
    Ok((issued_at, issued_at.saturating_add(lifetime_ms / 1000)))
}

/// The claims of a token, not yet believed unless they come from a verified one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

/// 9999-12-31T23:59:59Z in seconds, the last instant that RFC 3339 writes; keeps milliseconds far from overflow.
const LAST_SECOND: u64 = 253_402_300_799;

/// Identifiers and nonces longer than this would only serve to fill a replay store.
const MAX_TEXT_CHARS: usize = 1024;

impl<'a> Claims<'a> {
    pub(crate) fn has(self, claim: &str) -> bool {
        self.0.contains_key(claim)
    }

    fn get(self, claim: &'static str) -> Result<&'a Value, ClaimError> {
        self.0.get(claim).ok_or(ClaimError::Missing { claim })
    }

    /// A non-empty string of at most 1,024 bytes.
    pub(crate) fn text(self, claim: &'static str) -> Result<&'a str, ClaimError> {
        match self.get(claim)?.as_str() {
            Some(text) if !text.is_empty() && text.len() <= MAX_TEXT_CHARS => Ok(text),
            _ => Err(ClaimError::Malformed {
                claim,
                expected: "a string of 1 to 1024 bytes",
            }),
        }
    }

    pub(crate) fn optional_text(self, claim: &'static str) -> Result<Option<&'a str>, ClaimError> {
        self.has(claim).then(|| self.text(claim)).transpose()
    }

    pub(crate) fn did(self, claim: &'static str) -> Result<Did, ClaimError> {
        self.text(claim)?.parse().map_err(|_| ClaimError::Malformed {
            claim,
            expected: "a did:web or did:key",
        })
    }

    /// A NumericDate (RFC 7519, section 2), in milliseconds since 1970.
    pub(crate) fn instant_ms(self, claim: &'static str) -> Result<u64, ClaimError> {
        let malformed = ClaimError::Malformed {
            claim,
            expected: "a number of seconds since 1970, up to the year 9999",
        };
        let value = self.get(claim)?;
        if let Some(seconds) = value.as_u64() {
            return if seconds <= LAST_SECOND {
                Ok(seconds * 1000)
            } else {
                Err(malformed)
            };
        }
        match value.as_f64() {
            // RFC 7519 allows fractions; the range makes the conversion exact to the millisecond.
            Some(seconds) if (0.0..=LAST_SECOND as f64).contains(&seconds) => Ok((seconds * 1000.0) as u64),
            _ => Err(malformed),
        }
    }

    pub(crate) fn optional_instant_ms(self, claim: &'static str) -> Result<Option<u64>, ClaimError> {
        self.has(claim).then(|| self.instant_ms(claim)).transpose()
    }

    /// Checks that `aud` is `expected`.
    pub(crate) fn check_audience(self, expected: &str) -> Result<(), ClaimError> {
        match self.audience()? {
            audience if audience == expected => Ok(()),
            other => Err(ClaimError::WrongAudience {
                found: other.chars().take(200).collect(),
                expected: expected.to_owned(),
            }),
        }
    }

    /// Checks `iat` (required), `nbf` (if present) and `exp` (required) against the clock, and `exp - iat` against
    /// `limit_ms`, which bounds what a replay store has to hold. Returns `exp`, milliseconds since 1970.
    pub(crate) fn check_times(self, now: Now, limit_ms: u64) -> Result<u64, ClaimError> {
        let now_ms = now.now_ms;
        let issued_at_ms = self.instant_ms("iat")?;
        let expired_at_ms = self.instant_ms("exp")?;
        if now.is_before(issued_at_ms) {
            return Err(ClaimError::IssuedInTheFuture { issued_at_ms, now_ms });
        }
        if let Some(valid_from_ms) = self.optional_instant_ms("nbf")?
            && now.is_before(valid_from_ms)
        {
            return Err(ClaimError::NotYetValid { valid_from_ms, now_ms });
        }
        if now.is_at_or_after(expired_at_ms) {
            return Err(ClaimError::Expired { expired_at_ms, now_ms });
        }
        let found_ms = expired_at_ms.cast_signed() - issued_at_ms.cast_signed();
        if found_ms <= 0 || found_ms.cast_unsigned() > limit_ms {
            return Err(ClaimError::Lifetime { found_ms, limit_ms });
        }
        Ok(expired_at_ms)
    }

    /// The one audience. RFC 7519 allows several; a token for several could be carried on from one to the next.
    pub(crate) fn audience(self) -> Result<&'a str, ClaimError> {
        let malformed = ClaimError::Malformed {
            claim: "aud",
            expected: "one audience",
        };
        match self.get("aud")? {
            Value::String(audience) => Ok(audience),
            Value::Array(audiences) => match audiences.as_slice() {
                [Value::String(audience)] => Ok(audience),
                _ => Err(malformed),
            },
            _ => Err(malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T>(value: Value, read: impl FnOnce(Claims<'_>) -> T) -> T {
        read(Claims(value.as_object().unwrap()))
    }

    #[test]
    fn numeric_dates_are_seconds_within_range() {
        for (value, expected) in [
            (json!(0), Some(0)),
            (json!(1_592_406_000), Some(1_592_406_000_000)),
            (json!(1.5), Some(1500)),
            (json!(253_402_300_799_u64), Some(253_402_300_799_000)),
            (json!(253_402_300_800_u64), None),
            (json!(u64::MAX), None),
            (json!(1e300), None),
            (json!(-1), None),
            (json!(-0.5), None),
            (json!("1592406000"), None),
            (json!("2020-06-17T15:00:00Z"), None),
            (json!(null), None),
        ] {
            let found = read(json!({"exp": value}), |claims| claims.instant_ms("exp").ok());
            assert_eq!(found, expected, "{value}");
        }
        assert_eq!(
            read(json!({}), |claims| claims.instant_ms("exp")),
            Err(ClaimError::Missing { claim: "exp" })
        );
    }

    #[test]
    fn an_audience_is_one_string() {
        let audience = |value: Value| read(json!({"aud": value}), |claims| claims.audience().map(str::to_owned));
        assert_eq!(audience(json!("a")).unwrap(), "a");
        assert_eq!(audience(json!(["a"])).unwrap(), "a");
        for value in [
            json!(["a", "b"]),
            json!([]),
            json!([["a"]]),
            json!(1),
            json!(null),
            json!({}),
        ] {
            assert!(audience(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn texts_have_a_length() {
        let text = |value: Value| read(json!({"jti": value}), |claims| claims.text("jti").is_ok());
        assert!(text(json!("x")));
        assert!(text(json!("x".repeat(1024))));
        assert!(!text(json!("x".repeat(1025))));
        assert!(!text(json!("")));
        assert!(!text(json!(7)));
    }
}
