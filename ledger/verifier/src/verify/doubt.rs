//! Why an element is not verified, for checks that end at the first reason.

use super::reason::Reason;
use super::verdict::{Check, Explained, Findings};

/// Anything but verified.
#[derive(Debug)]
pub(super) enum Doubt {
    /// It is not as it should be.
    Failed(Reason),
    /// It fits together, but does not lead back to the anchors.
    Untrusted(Reason),
    /// What it would have to be compared with is not there; boxed, since every result carries room for it.
    Missing(Reason, Option<Box<Explained>>),
    /// There is nothing to check it with.
    NotChecked(Reason),
}

impl Doubt {
    /// A lower layer's refusal, in its words.
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(Reason::refused(error))
    }

    /// Something is not there, and what the party says of that.
    pub(super) fn missing(reason: Reason, explained: Option<Explained>) -> Self {
        Self::Missing(reason, explained.map(Box::new))
    }
}

/// Adds the doubt, if there is one; tells whether there is none.
pub(super) fn tell(result: Result<(), Doubt>, check: Check, subject: &str, findings: &mut Findings) -> bool {
    match result {
        Ok(()) => return true,
        Err(Doubt::Failed(reason)) => findings.failed(check, subject, reason),
        Err(Doubt::Untrusted(reason)) => findings.untrusted(check, subject, reason),
        Err(Doubt::Missing(reason, explained)) => findings.missing(check, subject, reason, explained.map(|e| *e)),
        Err(Doubt::NotChecked(reason)) => findings.unchecked(check, subject, reason),
    }
    false
}

/// [`tell`], and the element is verified when there is no doubt.
pub(super) fn report(result: Result<(), Doubt>, check: Check, subject: &str, findings: &mut Findings) {
    if tell(result, check, subject, findings) {
        findings.verified(check, subject);
    }
}
