//! The manifest's signature, and its place in the party's log.

use super::files::Files;
use super::keys::{Keys, Refusal, Signed, trust};
use super::logs::{Log, Moment, cosignatures};
use super::reason::Reason;
use super::records::{MAX_RECORD_BYTES, parse};
use super::verdict::{Check, Findings};
use crate::dossier::{Archive, MANIFEST_PROOF, MANIFEST_SIGNATURE, signed_text};
use herleid_ledger::handover::VerifiedRecord;
use herleid_ledger::note::SignedNote;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Seek};

const MAX_NOTE_BYTES: u64 = 256 << 10;

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::Failed(Reason::refused(error))
}

/// Checks both; gives the manifest's record when its cryptography holds.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    files: &Files,
    logs: &BTreeMap<u64, Log>,
    keys: &Keys<'_>,
    moment: Moment,
    findings: &mut Findings,
) -> Option<(VerifiedRecord, Signed)> {
    let head = &files.manifest.head;
    let is_partys = |log: &&Log| log.key.name() == head.origin && log.did == head.party;
    let Some(log) = logs.values().find(is_partys) else {
        findings.failed(Check::Signature, MANIFEST_SIGNATURE, Reason::PartyWithoutLog);
        return None;
    };
    let signature = signed_by(archive, files, keys);
    let logged = logged(archive, files, log, keys);
    // The record says that the manifest was there when a witness saw it. The log's own checkpoint has been looked at already.
    let there_ms = logged.as_ref().ok().and_then(|(record, _)| {
        let known = log.checkpoint.as_ref().map(|(known, _)| known.note());
        if known == Some(record.checkpoint().note()) {
            log.cosigned_ms
        } else {
            cosignatures(record.checkpoint(), MANIFEST_PROOF, keys.anchors, moment, findings).earliest_ms
        }
    });
    let mut report = |result: Result<&Signed, &Refusal>, check: Check, subject: &str| match result {
        Ok(signed) => trust(check, subject, signed, there_ms, keys, findings),
        Err(Refusal::Failed(reason)) => findings.failed(check, subject, reason.clone()),
        Err(Refusal::NoKey(reason)) => findings.untrusted(check, subject, reason.clone()),
    };
    report(signature.as_ref(), Check::Signature, MANIFEST_SIGNATURE);
    let signed = logged.as_ref().map(|(_, signed)| signed);
    report(signed, Check::ManifestRecord, MANIFEST_PROOF);
    logged.ok()
}

fn signed_by<R: Read + Seek>(archive: &mut Archive<R>, files: &Files, keys: &Keys<'_>) -> Result<Signed, Refusal> {
    let bytes = archive.read(MANIFEST_SIGNATURE, MAX_NOTE_BYTES).map_err(failed)?;
    let note = SignedNote::parse(&bytes).map_err(failed)?;
    if note.text() != signed_text(&files.digest) {
        return Err(Refusal::Failed(Reason::SignsOther));
    }
    let signed = keys.note(&files.manifest.head.origin, &note)?;
    if signed.did == files.manifest.head.party {
        Ok(signed)
    } else {
        Err(Refusal::Failed(Reason::OtherParty {
            claimed: files.manifest.head.party.to_string(),
            anchored: signed.did.to_string(),
        }))
    }
}

fn logged<R: Read + Seek>(
    archive: &mut Archive<R>,
    files: &Files,
    log: &Log,
    keys: &Keys<'_>,
) -> Result<(VerifiedRecord, Signed), Refusal> {
    let handed = parse(&archive.read(MANIFEST_PROOF, MAX_RECORD_BYTES).map_err(failed)?)?;
    if handed.origin != files.manifest.head.origin {
        return Err(failed("the record is of another log than the manifest names"));
    }
    let (record, signed) = keys.open(&handed)?;
    let facts = record.section(SectionName::Facts);
    let digest = hex::encode(files.digest);
    if facts.and_then(|facts| facts.get("manifest")).and_then(Value::as_str) != Some(digest.as_str()) {
        return Err(Refusal::Failed(Reason::SignsOther));
    }
    let kind = record
        .section(SectionName::Envelope)
        .and_then(|envelope| envelope.get("kind"));
    if kind.is_some_and(|kind| kind.as_str() != Some(Kind::Disclosed.as_str())) {
        return Err(failed("the record is not of kind `disclosed`"));
    }
    if let Some((known, _)) = &log.checkpoint {
        record.extends(known).map_err(failed)?;
    }
    Ok((record, signed))
}
