//! The logs that the dossier draws on: their keys against the anchors, their checkpoints, and who cosigned those.

use super::keys::{Claimed, Keys, Refusal, Signed};
use super::reason::Reason;
use super::verdict::{Check, Findings};
use crate::anchors::Anchors;
use crate::dossier::Archive;
use crate::object::objects;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::note::{Algorithm, SignedNote, Verifier};
use herleid_vocab::did::Did;
use herleid_vocab::json::{self, Limits, MAX_INTEGER};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

/// The list of logs.
pub(super) const LOGS: &str = "logs.json";
/// A checkpoint has three lines and at most 64 signatures (C2SP signed-note asks for 16).
const MAX_CHECKPOINT_BYTES: u64 = 256 << 10;
/// Clocks of witnesses and auditors may differ by so much: five minutes.
pub(super) const CLOCK_TOLERANCE_MS: u64 = 5 * 60 * 1000;

/// A log of the dossier.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) did: Did,
    pub(super) key: Verifier,
    /// With the key that signed it; none when the checkpoint was refused.
    pub(super) checkpoint: Option<(Checkpoint, Verifier)>,
    /// Earliest cosignature by an anchored witness: UTC milliseconds since 1970.
    pub(super) cosigned_ms: Option<u64>,
    /// Names of anchored witnesses that cosigned.
    pub(super) witnesses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawLog {
    k: u64,
    did: Did,
    origin: String,
    verifier_key: String,
}

/// Reads `logs.json`; by number.
pub(super) fn read<R: Read + Seek>(archive: &mut Archive<R>, findings: &mut Findings) -> BTreeMap<u64, Claimed> {
    match try_read(archive) {
        Ok(logs) => logs,
        Err(reason) => {
            findings.failed(Check::Log, LOGS, reason);
            BTreeMap::new()
        }
    }
}

fn try_read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<BTreeMap<u64, Claimed>, Reason> {
    let bytes = archive
        .read(LOGS, Limits::MESSAGE.max_bytes as u64)
        .map_err(Reason::refused)?;
    let value = json::parse(&bytes, &Limits::MESSAGE).map_err(Reason::refused)?;
    let raw: Vec<RawLog> = objects(value).map_err(Reason::refused)?;
    let mut logs = BTreeMap::new();
    let mut origins = BTreeSet::new();
    for log in raw {
        let key = Verifier::parse(&log.verifier_key).map_err(Reason::refused)?;
        if key.name() != log.origin || key.algorithm() != Algorithm::Ed25519 || !origins.insert(log.origin) {
            return Err(Reason::refused(
                "an origin stands twice, or its key is not a log's key of that name",
            ));
        }
        if log.k > MAX_INTEGER {
            return Err(Reason::refused("a number is above 2^53 - 1"));
        }
        if logs.insert(log.k, Claimed { did: log.did, key }).is_some() {
            return Err(Reason::refused("a number stands twice"));
        }
    }
    Ok(logs)
}

/// Checks every log of `claimed`.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    claimed: &BTreeMap<u64, Claimed>,
    keys: &Keys<'_>,
    moment: Moment,
    findings: &mut Findings,
) -> BTreeMap<u64, Log> {
    let mut logs = BTreeMap::new();
    for (k, claim) in claimed {
        let mut log = Log {
            did: claim.did.clone(),
            key: claim.key.clone(),
            checkpoint: None,
            cosigned_ms: None,
            witnesses: Vec::new(),
        };
        let file = format!("checkpoints/{k}.txt");
        match read_checkpoint(archive, &file, claim.key.name(), keys) {
            Err(Refusal::Failed(reason)) => findings.failed(Check::Checkpoint, &file, reason),
            Err(Refusal::NoKey(reason)) => findings.untrusted(Check::Checkpoint, &file, reason),
            Ok((checkpoint, signed)) => {
                findings.verified(Check::Checkpoint, &file);
                let seen = cosignatures(&checkpoint, &file, keys.anchors, moment, findings);
                log.cosigned_ms = seen.earliest_ms;
                log.witnesses = seen.names;
                anchored(
                    claim,
                    &signed,
                    seen.earliest_ms.unwrap_or(moment.made_ms),
                    keys,
                    findings,
                );
                log.checkpoint = Some((checkpoint, signed.key));
            }
        }
        logs.insert(*k, log);
    }
    logs
}

/// The two moments that log checks need, in UTC milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// When the dossier was made, as it says.
    pub(super) made_ms: u64,
    /// Now, by the auditor's clock.
    pub(super) now_ms: u64,
}

fn read_checkpoint<R: Read + Seek>(
    archive: &mut Archive<R>,
    file: &str,
    origin: &str,
    keys: &Keys<'_>,
) -> Result<(Checkpoint, Signed), Refusal> {
    let failed = |error: &dyn std::fmt::Display| Refusal::Failed(Reason::refused(error));
    let bytes = archive.read(file, MAX_CHECKPOINT_BYTES).map_err(|e| failed(&e))?;
    let note = SignedNote::parse(&bytes).map_err(|e| failed(&e))?;
    keys.checkpoint(origin, &note)
}

/// Whether the log is the party's by the anchors, with this key, at that moment.
fn anchored(claim: &Claimed, signed: &Signed, at_ms: u64, keys: &Keys<'_>, findings: &mut Findings) {
    let origin = claim.key.name();
    let Some(anchors) = keys.anchors else {
        return findings.untrusted(Check::Log, origin, Reason::NoAnchors);
    };
    match signed.anchored {
        Some(_) if signed.did != claim.did => findings.untrusted(
            Check::Log,
            origin,
            Reason::OtherParty {
                claimed: claim.did.to_string(),
                anchored: signed.did.to_string(),
            },
        ),
        Some(_) if signed.key != claim.key => findings.untrusted(Check::Log, origin, Reason::OtherKey),
        Some(period) if !period.covers(at_ms) => {
            findings.untrusted(Check::Log, origin, Reason::KeyNotValidThen { at_ms })
        }
        Some(_) => findings.verified(Check::Log, origin),
        None if anchors.logs_of(origin).next().is_some() => findings.untrusted(Check::Log, origin, Reason::OtherKey),
        None => findings.untrusted(Check::Log, origin, Reason::NotAnchored),
    }
}

/// Anchored witnesses on one checkpoint.
pub(super) struct Seen {
    pub(super) earliest_ms: Option<u64>,
    pub(super) names: Vec<String>,
}

/// Counts the cosignatures of anchored witnesses: a quorum of them, and one from outside the case.
pub(super) fn cosignatures(
    checkpoint: &Checkpoint,
    subject: &str,
    anchors: Option<&Anchors>,
    moment: Moment,
    findings: &mut Findings,
) -> Seen {
    let mut seen = Seen {
        earliest_ms: None,
        names: Vec::new(),
    };
    let Some(anchors) = anchors else {
        findings.untrusted(Check::Cosignatures, subject, Reason::NoAnchors);
        return seen;
    };
    let cosigned = match checkpoint.cosignatures(&anchors.witness_keys()) {
        Ok(cosigned) => cosigned,
        Err(error) => {
            findings.failed(Check::Cosignatures, subject, Reason::refused(error));
            return seen;
        }
    };
    let mut outside = false;
    for cosignature in &cosigned {
        let witness = anchors
            .witnesses
            .iter()
            .find(|witness| witness.key.name() == cosignature.witness() && witness.key.id() == cosignature.key_id());
        if let Some(witness) = witness {
            outside |= witness.outside;
            seen.names.push(witness.name.clone());
        }
    }
    let earliest_ms = cosigned.iter().map(|c| c.time_s().saturating_mul(1000)).min();
    seen.earliest_ms = earliest_ms;
    if let Some(at_ms) = earliest_ms
        && at_ms > moment.now_ms.saturating_add(CLOCK_TOLERANCE_MS)
    {
        findings.note(Reason::InTheFuture {
            what: subject.to_owned(),
            at_ms,
        });
    }
    let found = cosigned.len() as u64;
    if cosigned.len() >= anchors.quorum && outside {
        let reason = Reason::Witnessed {
            by: seen.names.clone(),
            at_ms: earliest_ms.unwrap_or_default(),
        };
        findings.verified_as(Check::Cosignatures, subject, reason);
    } else {
        let quorum = anchors.quorum as u64;
        findings.untrusted(
            Check::Cosignatures,
            subject,
            Reason::NotWitnessed { found, quorum, outside },
        );
    }
    seen
}
