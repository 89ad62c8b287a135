//! What negotiations and transfers have in common when they are shown: whose turn it is, who decides, how it ended.

use super::problem::Problem;
use crate::dsp::Role;
use crate::dsp::message::Cause;
use crate::dsp::process::{Process, Protocol};
use crate::handlers::Decider;
use herleid_vocab::did::Did;
use herleid_vocab::time::format_rfc3339_ms;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment, as it is shown.
pub(super) fn moment(at_ms: u64) -> String {
    format_rfc3339_ms(at_ms)
}

/// The participant that a person named.
///
/// # Errors
/// When it is not a DID.
pub(super) fn participant(text: &str) -> Result<Did, Problem> {
    text.parse()
        .map_err(|e| Problem::malformed(e).expected("a participant's identifier, such as `did:web:water.example`"))
}

/// Who ended a process, and why.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Ended {
    /// Which end: `consumer` or `provider`.
    by: String,
    /// The code of the reason, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The reason in words.
    pub(super) reason: String,
}

impl Ended {
    /// Who did something, and why.
    pub(super) fn new(by: Role, cause: &Cause) -> Self {
        Self {
            by: by.to_string(),
            code: cause.code.clone(),
            // The code stands beside it.
            reason: Cause {
                code: None,
                reason: cause.reason.clone(),
            }
            .text(),
        }
    }

    /// How the process ended, if it did.
    pub(super) fn of<P: Protocol>(process: &Process<P>) -> Option<Self> {
        process.ended().map(|ended| Self::new(ended.by, &ended.cause))
    }
}

/// What has to happen for a process to go on.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Due {
    /// What is to be done.
    what: String,
    /// Who decides or has to act: `policy`, `rule`, `person`, `webhook`, `nobody` (held by a rule), or `counterparty`.
    who: &'static str,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Due {
    /// That the other end has to act.
    pub(super) fn theirs(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            who: "counterparty",
            next: None,
        }
    }

    /// That a person at this end, or a program of theirs, has to act.
    pub(super) fn person(what: &str, next: String) -> Self {
        Self {
            what: what.to_owned(),
            who: "person",
            next: Some(next),
        }
    }

    /// That this end has to decide about `what`; `list` is where decisions are posted.
    pub(super) fn ours<A>(what: &str, decider: &Decider<A>, list: &str, pid: &str) -> Self {
        let person = matches!(decider, Decider::Person | Decider::Hold);
        Self {
            what: what.to_owned(),
            who: decider.who(),
            next: person.then(|| {
                format!(
                    "POST {}/{list}/{}/decision with one of `possible`",
                    super::BASE,
                    encoded(pid)
                )
            }),
        }
    }
}

/// An identifier, as it stands in a path.
pub(super) fn encoded(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// What a person decides.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "{A}Decision")]
#[serde(deny_unknown_fields)]
pub(super) struct Decision<A> {
    /// One of what is `possible`.
    pub(super) decide: A,
    /// Why; the other end reads it when the process is held back or ended.
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// The identifier of a process, as it stands in a path.
///
/// # Errors
/// 404: what is no identifier names nothing.
pub(super) fn pid(text: &str) -> Result<crate::dsp::id::Id, Problem> {
    text.parse()
        .map_err(|_| Problem::from(crate::dsp::error::Refusal::NotFound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::NegotiationAction;

    #[test]
    fn whoever_waits_for_a_person_is_told_where_to_decide() {
        let due = Due::ours(
            "agree or terminate",
            &Decider::<NegotiationAction>::Person,
            "negotiations",
            "urn:uuid:1",
        );
        assert_eq!(due.who, "person");
        assert_eq!(
            due.next.as_deref(),
            Some("POST /management/v1/negotiations/urn%3Auuid%3A1/decision with one of `possible`")
        );
        let due = Due::ours(
            "agree",
            &Decider::<NegotiationAction>::Policy,
            "negotiations",
            "urn:uuid:1",
        );
        assert_eq!((due.who, due.next), ("policy", None));
    }
}
