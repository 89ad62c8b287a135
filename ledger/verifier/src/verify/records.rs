//! Records handed over: those in `records/`, and the receipts among the evidence.

use super::files::Files;
use super::keys::{Keys, Refusal, Signed};
use super::logs::{CLOCK_TOLERANCE_MS, Log};
use super::reason::Reason;
use super::verdict::{Check, Findings};
use crate::dossier::Archive;
use crate::hex32;
use herleid_ledger::handover::{HandedOver, VerifiedRecord};
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::Verifier;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

/// A record handed over has at most 16 MiB (twelve sections of 1 MiB, escaped).
const MAX_RECORD_BYTES: u64 = 16 << 20;

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
    findings: &mut Findings,
) -> Vec<Rec> {
    let mut records = Vec::new();
    for name in files.found.keys().filter(|name| name.starts_with("records/")) {
        match read_one(archive, name, logs, keys) {
            Err(Refusal::Failed(reason)) => findings.failed(Check::Record, name, reason),
            Err(Refusal::NoKey(reason)) => findings.untrusted(Check::Record, name, reason),
            Ok((record, signed)) => {
                judge(name, &record, &signed, keys, findings);
                let seen_ms = logs
                    .values()
                    .find(|log| log.key == signed.key)
                    .and_then(|log| log.cosigned_ms);
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
                });
            }
        }
    }
    records
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::Failed(Reason::refused(error))
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
    let bytes = archive.read(name, MAX_RECORD_BYTES).map_err(failed)?;
    let handed = HandedOver::parse(&bytes).map_err(failed)?;
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
fn recorded_ms(record: &VerifiedRecord) -> Option<u64> {
    record.section(SectionName::Envelope)?.get("recordedAt")?.as_u64()
}

/// The verdict on a record whose cryptography holds: the key at that time, and the form that its kind asks for.
fn judge(name: &str, record: &VerifiedRecord, signed: &Signed, keys: &Keys<'_>, findings: &mut Findings) {
    if let Err(reason) = form(record, &signed.did) {
        return findings.failed(Check::Record, name, reason);
    }
    let envelope = record.section(SectionName::Envelope);
    if envelope.and_then(|e| e.get("development")).and_then(Value::as_bool) == Some(true) {
        findings.note(Reason::Development {
            did: signed.did.to_string(),
        });
    }
    match (signed.anchored, recorded_ms(record)) {
        (None, _) if keys.anchors.is_none() => findings.untrusted(Check::Record, name, Reason::NoAnchors),
        (None, _) => findings.untrusted(Check::Record, name, Reason::NotAnchored),
        (Some(period), Some(at_ms)) if !period.covers(at_ms) => {
            findings.untrusted(Check::Record, name, Reason::KeyNotValidThen { at_ms });
        }
        _ => findings.verified(Check::Record, name),
    }
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
    requirements(record, kind)
}

/// Docs/log-format.md, section 6: sections and members, documents, phase and status.
fn requirements(record: &VerifiedRecord, kind: Kind) -> Result<(), Reason> {
    let needed = kind.requirements();
    let wrong = |what: &str| {
        Err(Reason::RecordForm {
            what: format!("a `{}` {what}", kind.as_str()),
        })
    };
    for (section, members) in needed.rules.iter().copied() {
        if !record.macs().contains_key(&section) {
            return wrong(&format!("has no section `{section}`"));
        }
        let Some(value) = record.section(section) else {
            continue;
        };
        if let Some(member) = members.iter().find(|member| value.get(**member).is_none()) {
            return wrong(&format!("has no `{section}.{member}`"));
        }
    }
    if let Some(facts) = record.section(SectionName::Facts) {
        let has_all = |set: &&[&str]| set.iter().all(|member| facts.get(*member).is_some());
        if !needed.facts_either.is_empty() && !needed.facts_either.iter().any(has_all) {
            return wrong("lacks members of `facts`");
        }
    }
    if let Some(evidence) = record.section(SectionName::Evidence) {
        let documents = evidence.get("documents").and_then(Value::as_array);
        for (role, count) in needed.roles.iter().copied() {
            let of_role = |document: &&Value| document.get("role").and_then(Value::as_str) == Some(role);
            if documents.into_iter().flatten().filter(of_role).count() < count {
                return wrong(&format!("has fewer than {count} documents `{role}`"));
            }
        }
    }
    let status = record
        .section(SectionName::Run)
        .and_then(|run| run.get("status"))
        .and_then(Value::as_str);
    if status.is_some_and(|status| !needed.run_status.is_empty() && !needed.run_status.contains(&status)) {
        return wrong("has another `run.status`");
    }
    let phase = record
        .section(SectionName::Exchange)
        .and_then(|exchange| exchange.get("phase"));
    if let (Some(found), Some(phase)) = (phase, needed.phase)
        && found.as_str() != Some(phase.as_str())
    {
        return wrong("has another `exchange.phase`");
    }
    Ok(())
}

/// Checks the documents that records name as receipts. The log's owner who gave a receipt is bound by its own signature, so
/// its checkpoint needs no witness.
pub(super) fn receipts<R: Read + Seek>(
    archive: &mut Archive<R>,
    records: &[Rec],
    keys: &Keys<'_>,
    findings: &mut Findings,
) -> Vec<Rec> {
    let named: BTreeSet<String> = records
        .iter()
        .flat_map(Rec::documents)
        .filter(|(role, _)| *role == "receipt")
        .map(|(_, sha256)| format!("evidence/{sha256}"))
        .collect();
    let mut receipts = Vec::new();
    // A receipt that is not there is found missing with the other evidence.
    for name in named
        .into_iter()
        .filter(|name| archive.contains(name))
        .collect::<Vec<_>>()
    {
        let opened = archive
            .read(&name, MAX_RECORD_BYTES)
            .map_err(failed)
            .and_then(|bytes| HandedOver::parse(&bytes).map_err(failed))
            .and_then(|handed| keys.open(&handed));
        match opened {
            Err(Refusal::Failed(reason)) => findings.failed(Check::Receipt, name, reason),
            Err(Refusal::NoKey(reason)) => findings.untrusted(Check::Receipt, name, reason),
            Ok((record, signed)) => {
                match signed.anchored {
                    Some(_) => findings.verified(Check::Receipt, &name),
                    None if keys.anchors.is_none() => findings.untrusted(Check::Receipt, &name, Reason::NoAnchors),
                    None => findings.untrusted(Check::Receipt, &name, Reason::NotAnchored),
                }
                receipts.push(Rec {
                    source: name,
                    did: signed.did,
                    key: signed.key,
                    leaf: record.leaf(),
                    record,
                    is_receipt: true,
                });
            }
        }
    }
    receipts
}
