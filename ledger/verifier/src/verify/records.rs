//! Records handed over, as they stand in `records/`.

use super::files::Files;
use super::keys::{Keys, Refusal, Signed, trust};
use super::logs::{CLOCK_TOLERANCE_MS, Log};
use super::reason::Reason;
use super::verdict::{Check, Findings};
use crate::dossier::Archive;
use crate::hex32;
use herleid_ledger::handover::{self, HandedOver, VerifiedRecord};
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::Verifier;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Seek};

/// As much as any log hands over.
pub(super) const MAX_RECORD_BYTES: u64 = handover::MAX_RECORD_BYTES as u64;
/// Records and receipts are kept in memory while the checks run: together at most 256 MiB, a hundred thousand of some 2 KiB.
const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// How much has been read of what is kept in memory.
#[derive(Debug, Default)]
pub(super) struct Room {
    taken: u64,
}

impl Room {
    /// Takes room for these files, all or none; says so when there is not enough.
    pub(super) fn take<'a>(
        &mut self,
        files: &Files,
        names: impl Iterator<Item = &'a String>,
        findings: &mut Findings,
    ) -> bool {
        let bytes: u64 = names
            .filter_map(|name| files.found.get(name))
            .map(|digests| digests.bytes)
            .sum();
        self.taken = self.taken.saturating_add(bytes);
        let fits = self.taken <= MAX_TOTAL_BYTES;
        if !fits {
            let (bytes, limit) = (self.taken, MAX_TOTAL_BYTES);
            findings.failed(Check::Archive, "zip", Reason::TooManyRecords { bytes, limit });
        }
        fits
    }
}

/// A record whose MACs, entry, inclusion and checkpoint signature have been checked.
#[derive(Debug)]
pub(crate) struct Rec {
    /// The file it comes from.
    pub(crate) source: String,
    /// Owner of the log.
    pub(crate) did: Did,
    /// The key that signed its checkpoint.
    pub(crate) key: Verifier,
    /// The record.
    pub(crate) record: VerifiedRecord,
    /// Its leaf hash.
    pub(crate) leaf: Hash,
    /// Whether it came as a receipt, under a checkpoint of its own.
    pub(crate) is_receipt: bool,
    /// A moment at which it was there already: when it was written, or when a witness saw its log; for a receipt that of the
    /// first record that names it. UTC milliseconds since 1970.
    pub(crate) there_ms: Option<u64>,
}

impl Rec {
    pub(crate) fn section(&self, name: SectionName) -> Option<&Value> {
        self.record.section(name)
    }

    /// A text in an opened section.
    pub(crate) fn text(&self, name: SectionName, member: &str) -> Option<&str> {
        self.section(name)?.get(member)?.as_str()
    }

    /// The kind, when the envelope is opened.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.text(SectionName::Envelope, "kind")?.parse().ok()
    }

    /// Documents that the record names: role and SHA-256.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        let listed = self
            .section(SectionName::Evidence)
            .and_then(|evidence| evidence.get("documents"));
        listed
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|document| {
                let role = document.get("role")?.as_str()?;
                Some((role, document.get("sha256")?.as_str()?))
            })
    }
}

/// Reads and checks every file in `records/`.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    files: &Files,
    logs: &BTreeMap<u64, Log>,
    keys: &Keys<'_>,
    room: &mut Room,
    findings: &mut Findings,
) -> Vec<Rec> {
    let mut records = Vec::new();
    let names: Vec<&String> = files.found.keys().filter(|name| name.starts_with("records/")).collect();
    if !room.take(files, names.iter().copied(), findings) {
        return records;
    }
    for name in names {
        match read_one(archive, name, logs, keys) {
            Err(Refusal::Failed(reason)) => findings.failed(Check::Record, name, reason),
            Err(Refusal::NoKey(reason)) => findings.untrusted(Check::Record, name, reason),
            Ok((record, signed)) => {
                let log = logs.values().find(|log| log.key.name() == record.origin());
                let seen_ms = log.and_then(|log| log.cosigned_ms);
                let there_ms = recorded_ms(&record).or(seen_ms);
                judge(name, &record, &signed, there_ms, keys, findings);
                if let (Some(at_ms), Some(seen_ms)) = (recorded_ms(&record), seen_ms)
                    && at_ms > seen_ms.saturating_add(CLOCK_TOLERANCE_MS)
                {
                    let source = name.clone();
                    findings.note(Reason::DatedLater { source, at_ms, seen_ms });
                }
                records.push(Rec {
                    source: name.clone(),
                    did: signed.did,
                    key: signed.key,
                    leaf: record.leaf(),
                    record,
                    is_receipt: false,
                    there_ms,
                });
            }
        }
    }
    records
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::Failed(Reason::refused(error))
}

/// A record handed over, as it stands in a file.
pub(super) fn parse(bytes: &[u8]) -> Result<HandedOver, Refusal> {
    HandedOver::parse(bytes).map_err(failed)
}

fn read_one<R: Read + Seek>(
    archive: &mut Archive<R>,
    name: &str,
    logs: &BTreeMap<u64, Log>,
    keys: &Keys<'_>,
) -> Result<(VerifiedRecord, Signed), Refusal> {
    let (k, index) = place(name).ok_or_else(|| failed("expected a name `records/<k>/<index>.json`"))?;
    let log = logs
        .get(&k)
        .ok_or_else(|| failed(format!("log {k} does not stand in logs.json")))?;
    let handed = parse(&archive.read(name, MAX_RECORD_BYTES).map_err(failed)?)?;
    if handed.origin != log.key.name() || handed.index != index {
        return Err(failed("its origin or index is another than its name says"));
    }
    let (record, signed) = keys.open(&handed)?;
    match &log.checkpoint {
        Some((checkpoint, _)) if checkpoint.body() != record.checkpoint().body() => {
            Err(Refusal::Failed(Reason::OtherCheckpoint {
                file: format!("checkpoints/{k}.txt"),
            }))
        }
        _ => Ok((record, signed)),
    }
}

/// `records/<k>/<index>.json`, both numbers without leading zeroes.
fn place(name: &str) -> Option<(u64, u64)> {
    let (k, index) = name.strip_prefix("records/")?.strip_suffix(".json")?.split_once('/')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|n| n.to_string() == text);
    number(k).zip(number(index))
}

/// When the record says that it was written, if its envelope is opened.
pub(super) fn recorded_ms(record: &VerifiedRecord) -> Option<u64> {
    record.section(SectionName::Envelope)?.get("recordedAt")?.as_u64()
}

/// Whether the log's clock had been set back, and stood below the record before.
pub(super) fn is_clock_stepped(envelope: &Value) -> bool {
    envelope.get("clockStepped") == Some(&Value::Bool(true))
}

/// The verdict on a record whose cryptography holds: the key at that time, and the form that its kind asks for.
fn judge(
    name: &str,
    record: &VerifiedRecord,
    signed: &Signed,
    there_ms: Option<u64>,
    keys: &Keys<'_>,
    findings: &mut Findings,
) {
    if let Err(reason) = form(record, &signed.did) {
        return findings.failed(Check::Record, name, reason);
    }
    let envelope = record.section(SectionName::Envelope);
    if envelope.and_then(|e| e.get("development")).and_then(Value::as_bool) == Some(true) {
        findings.note(Reason::Development {
            did: signed.did.to_string(),
        });
    }
    if envelope.is_some_and(is_clock_stepped) {
        findings.note(Reason::ClockStepped {
            did: signed.did.to_string(),
        });
    }
    trust(Check::Record, name, signed, there_ms, keys, findings);
}

/// Docs/log-format.md, sections 3 and 6, as far as sections are opened.
fn form(record: &VerifiedRecord, did: &Did) -> Result<(), Reason> {
    let Some(envelope) = record.section(SectionName::Envelope) else {
        return Ok(());
    };
    let wrong = |what: &str| Err(Reason::RecordForm { what: what.to_owned() });
    if envelope.get("v") != Some(&Value::from(1)) {
        return wrong("envelope.v is not 1");
    }
    if envelope.get("party").and_then(Value::as_str) != Some(did.as_str()) {
        return wrong("envelope.party is not the owner of the log");
    }
    if envelope.get("recordedAt").and_then(Value::as_u64).is_none() {
        return wrong("envelope.recordedAt is not a time");
    }
    if !envelope.get("development").is_some_and(Value::is_boolean) {
        return wrong("envelope.development is neither true nor false");
    }
    let prior = envelope.get("prior").and_then(Value::as_array);
    if !prior.is_some_and(|leaves| leaves.iter().all(|leaf| leaf.as_str().and_then(hex32).is_some())) {
        return wrong("envelope.prior is not a list of leaf hashes");
    }
    let kind = envelope.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Ok(kind) = kind.parse::<Kind>() else {
        return wrong("envelope.kind is not a registered kind");
    };
    let has = |name: SectionName| record.macs().contains_key(&name);
    kind.check(has, |name| record.section(name))
        .map_err(|error| Reason::RecordForm {
            what: error.to_string(),
        })
}
