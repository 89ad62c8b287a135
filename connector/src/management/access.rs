//! Access as people read it: until when, and why not.

use super::views::moment;
use crate::commands::open_until;
use crate::dsp::Role;
use crate::dsp::message::DataAddress;
use crate::dsp::transfer::{State as Stage, Transfer};
use crate::state::{AgreementEntry, GrantEntry};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Until when data may flow, as far as it is known at this end: the earliest of what the grant, the policy and the token say.
pub(super) fn until_ms(
    process: &Transfer,
    agreement: Option<&AgreementEntry>,
    grant: Option<&GrantEntry>,
) -> Option<u64> {
    let by_policy = agreement.and_then(|agreement| open_until(&agreement.agreement));
    let by_token = match process.role() {
        Role::Consumer => process
            .address()
            .and_then(DataAddress::authorization)
            .and_then(expiry_ms),
        Role::Provider => None,
    };
    let known = [by_policy, by_token, grant.map(|grant| grant.until_ms)];
    known.into_iter().flatten().min()
}

/// When a token says that it ends, if it is a JWT (RFC 7519, section 4.1.4). Only shown: nothing rests on it.
fn expiry_ms(token: &str) -> Option<u64> {
    let payload = token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.get("exp")?.as_u64()?.checked_mul(1000)
}

/// What access depends on.
pub(super) struct Standing<'a> {
    /// The state that both ends share.
    pub(super) stage: Stage,
    /// Whether data may flow, as far as the process says.
    pub(super) open: bool,
    /// Why it is closed all the same.
    pub(super) closed: Option<&'a str>,
    /// Why it is held back or has ended.
    pub(super) reason: Option<&'a str>,
    /// Until when it is open, Unix milliseconds.
    pub(super) until_ms: Option<u64>,
}

/// How it is with access, in words, and whether it is open. A state alone would say nothing: a transfer stays STARTED long after its
/// access has run out.
pub(super) fn access(standing: &Standing<'_>, now_ms: u64) -> (String, bool) {
    let because = |what: &str| match standing.reason {
        Some(reason) if !reason.is_empty() => format!("{what}: {reason}"),
        _ => what.to_owned(),
    };
    let text = match (standing.stage, standing.until_ms) {
        (Stage::Completed, _) => "closed: all of it is through".to_owned(),
        (Stage::Terminated, _) => because("closed"),
        (Stage::Suspended, _) if !standing.open => because("held back"),
        _ if standing.closed.is_some() => format!("closed: {}", standing.closed.unwrap_or_default()),
        _ if !standing.open && standing.stage == Stage::Requested => "not open yet".to_owned(),
        _ if !standing.open => "held back".to_owned(),
        (_, Some(until)) if until <= now_ms => format!("closed: access was open until {}", moment(until)),
        (_, Some(until)) => return (format!("open until {}", moment(until)), true),
        (_, None) => return ("open, no end stated".to_owned(), true),
    };
    (text, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stage: Stage, open: bool, until_ms: Option<u64>) -> String {
        let standing = Standing {
            stage,
            open,
            closed: None,
            reason: Some("because"),
            until_ms,
        };
        access(&standing, 1_000_000).0
    }

    #[test]
    fn access_reads_as_a_date_and_never_as_a_state() {
        assert_eq!(
            told(Stage::Started, true, Some(2_000_000)),
            "open until 1970-01-01T00:33:20.000Z"
        );
        assert_eq!(
            told(Stage::Started, true, Some(1_000_000)),
            "closed: access was open until 1970-01-01T00:16:40.000Z"
        );
        assert_eq!(told(Stage::Started, true, None), "open, no end stated");
        // What this end has decided counts at once.
        assert_eq!(
            told(Stage::Requested, true, Some(2_000_000)),
            "open until 1970-01-01T00:33:20.000Z"
        );
        assert_eq!(told(Stage::Started, false, Some(2_000_000)), "held back");
        assert_eq!(told(Stage::Requested, false, None), "not open yet");
        assert_eq!(told(Stage::Suspended, false, None), "held back: because");
        assert_eq!(told(Stage::Terminated, false, Some(2_000_000)), "closed: because");
        assert_eq!(told(Stage::Completed, false, None), "closed: all of it is through");
        let standing = Standing {
            stage: Stage::Started,
            open: true,
            closed: Some("the agreement has ended"),
            reason: None,
            until_ms: None,
        };
        assert_eq!(
            access(&standing, 0),
            ("closed: the agreement has ended".to_owned(), false)
        );
    }

    #[test]
    fn a_token_that_says_when_it_ends_is_read_and_others_are_not_guessed_at() {
        let token = |claims: &str| format!("x.{}.y", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(expiry_ms(&token(r#"{"exp": 5}"#)), Some(5_000));
        for other in [
            "opaque",
            "a.b.c",
            &token("{}"),
            &token(r#"{"exp": -1}"#),
            &token(r#"{"exp": 18446744073709551615}"#),
        ] {
            assert_eq!(expiry_ms(other), None, "{other}");
        }
    }
}
