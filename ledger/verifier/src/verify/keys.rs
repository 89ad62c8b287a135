//! Which key a log's signature is checked with, and whether that key leads back to the anchors.

use super::reason::Reason;
use super::verdict::{Check, Findings};
use crate::anchors::{Anchors, Period};
use herleid_ledger::checkpoint::{Checkpoint, CheckpointError};
use herleid_ledger::handover::{HandedOver, HandoverError, VerifiedRecord};
use herleid_ledger::note::{NoteError, SignedNote, Verifier};
use herleid_vocab::did::Did;

/// A key that signed, and why it is believed to be that party's.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// Whose log it is.
    pub(crate) did: Did,
    /// The key.
    pub(crate) key: Verifier,
    /// When it counts, from the anchors; none when only the dossier says whose it is.
    pub(crate) anchored: Option<Period>,
}

/// A log as `logs.json` gives it.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) did: Did,
    pub(crate) key: Verifier,
}

/// Keys from the anchors and from the dossier.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    pub(crate) anchors: Option<&'a Anchors>,
    pub(crate) claimed: Vec<Claimed>,
}

/// Why something signed is not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A check failed.
    Failed(Reason),
    /// Neither the anchors nor the dossier have a key for the origin.
    NoKey(Reason),
}

impl Keys<'_> {
    /// Keys for an origin, the anchored ones first. A key that the dossier claims for an anchored origin is tried as well, to
    /// tell a dossier that was altered (failed) from one that somebody else made (untrusted).
    fn candidates(&self, origin: &str) -> Vec<Signed> {
        let mut found: Vec<Signed> = Vec::new();
        if let Some(anchors) = self.anchors {
            found.extend(anchors.logs_of(origin).map(|(party, log)| Signed {
                did: party.did.clone(),
                key: log.key.clone(),
                anchored: Some(log.period),
            }));
        }
        for claimed in self.claimed.iter().filter(|claimed| claimed.key.name() == origin) {
            if !found.iter().any(|signed| signed.key == claimed.key) {
                found.push(Signed {
                    did: claimed.did.clone(),
                    key: claimed.key.clone(),
                    anchored: None,
                });
            }
        }
        found
    }

    /// Tries the keys of `origin` in turn until one has signed at all.
    fn first<T, E: std::fmt::Display>(
        &self,
        origin: &str,
        check: impl Fn(&Verifier) -> Result<T, E>,
        unsigned: impl Fn(&E) -> bool,
    ) -> Result<(T, Signed), Refusal> {
        let mut last = None;
        for signed in self.candidates(origin) {
            match check(&signed.key) {
                Ok(value) => return Ok((value, signed)),
                Err(error) if unsigned(&error) => last = Some(error),
                Err(error) => return Err(Refusal::Failed(Reason::refused(error))),
            }
        }
        Err(match last {
            Some(error) => Refusal::Failed(Reason::refused(error)),
            None => Refusal::NoKey(Reason::NoKey {
                origin: origin.chars().take(200).collect(),
            }),
        })
    }

    /// Checks a record handed over with the key of its origin.
    pub(crate) fn open(&self, handed: &HandedOver) -> Result<(VerifiedRecord, Signed), Refusal> {
        self.first(
            &handed.origin,
            |key| handed.verify(key),
            |error| {
                matches!(
                    error,
                    HandoverError::Checkpoint(CheckpointError::Note(NoteError::Unsigned { .. }))
                )
            },
        )
    }

    /// Checks a checkpoint with the key of that origin.
    pub(crate) fn checkpoint(&self, origin: &str, note: &SignedNote) -> Result<(Checkpoint, Signed), Refusal> {
        self.first(
            origin,
            |key| Checkpoint::verify(note.clone(), key),
            |error| matches!(error, CheckpointError::Note(NoteError::Unsigned { .. })),
        )
    }

    /// Checks any signed note with the key of that origin.
    pub(crate) fn note(&self, origin: &str, note: &SignedNote) -> Result<Signed, Refusal> {
        self.first(
            origin,
            |key| note.verify(std::slice::from_ref(key)),
            |error| matches!(error, NoteError::Unsigned { .. }),
        )
        .map(|(_, signed)| signed)
    }
}

/// The verdict on something that a log's key signed: whether that key leads back to the anchors, and counted at a moment when
/// the thing was there. What has no such moment may have been signed after the key was given up, by whoever found it.
pub(super) fn trust(
    check: Check,
    subject: &str,
    signed: &Signed,
    there_ms: Option<u64>,
    keys: &Keys<'_>,
    findings: &mut Findings,
) {
    match (signed.anchored, there_ms) {
        (None, _) if keys.anchors.is_none() => findings.untrusted(check, subject, Reason::NoAnchors),
        (None, _) => findings.untrusted(check, subject, Reason::NotAnchored),
        (Some(period), Some(at_ms)) if !period.covers(at_ms) => {
            findings.untrusted(check, subject, Reason::KeyNotValidThen { at_ms });
        }
        (Some(period), None) if period.until.is_some() => findings.untrusted(check, subject, Reason::Undated),
        (Some(_), _) => findings.verified(check, subject),
    }
}
