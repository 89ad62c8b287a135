//! Which records and sections are meant, what the connector itself keeps of them, and what forbids erasing them.

use super::entries::HOLDS;
use crate::commands::Failure;
use crate::control::protocol::{ErasedRecord, HoldLine, Meant};
use crate::dossier::closure::follow;
use crate::node::Node;
use crate::state::{AgreementEntry, Change, PullEntry, RunEntry, Side, digest_bytes, set};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{StoredRecord, Target};
use herleid_vocab::did::Did;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The records meant, by number.
///
/// # Errors
/// When there is none.
pub(super) fn indices(node: &Node, what: &Meant) -> Result<Vec<u64>, Failure> {
    let (found, of) = match what {
        Meant::Records(records) => {
            for index in records {
                node.ledger.record(*index)?;
            }
            (records.clone(), "with these numbers".to_owned())
        }
        Meant::Case(case) => (
            node.ledger.by_term(&Term::Case(case.clone()))?,
            format!("of case `{case}`"),
        ),
        Meant::Agreement(id) => (
            node.ledger.by_term(&Term::Agreement(id.clone()))?,
            format!("under agreement `{id}`"),
        ),
    };
    if found.is_empty() {
        return Err(Failure::missing(format!("there is no record {of} in this log"))
            .next("`herleid trace` shows the records of a case, an agreement or a transaction"));
    }
    Ok(found)
}

/// What of which records is to be erased. Of a case or an agreement that is what is still there of it; the agreement itself, under which both
/// ends dealt, has to be named by its number.
///
/// # Errors
/// When nothing is, or a section is not one.
pub(super) fn records(node: &Node, what: &Meant, sections: &[String]) -> Result<Vec<ErasedRecord>, Failure> {
    let wanted = sections.iter().map(|name| name.parse::<SectionName>());
    let wanted: BTreeSet<SectionName> = wanted.collect::<Result<_, _>>().map_err(Failure::usage)?;
    let named = matches!(what, Meant::Records(_));
    let mut found = Vec::new();
    for index in indices(node, what)? {
        let record = node.ledger.record(index)?;
        let kind = record.kind();
        let stays =
            |kind: Kind| kind.is_never_erased() || matches!(kind, Kind::AgreementConcluded | Kind::AgreementTerminated);
        if !named && kind.is_none_or(stays) {
            continue;
        }
        let there = record.sections().keys().copied();
        // Both ends hold `exchange` alike and are compared by it; without `content` it gives nothing away.
        let by_itself = |name: &SectionName| !name.is_made_by_the_log() && *name != SectionName::Exchange;
        let of_it: Vec<SectionName> = match (wanted.is_empty(), named) {
            (true, _) => there.filter(by_itself).collect(),
            (false, true) => wanted.iter().copied().collect(),
            (false, false) => there.filter(|name| wanted.contains(name)).collect(),
        };
        if of_it.is_empty() {
            if named {
                return Err(Failure::refused(format!(
                    "of record {index} everything was erased before that goes unless it is named"
                ))
                .next("`herleid erase list` says what was erased; `--section exchange` names the rest"));
            }
            continue;
        }
        found.push(ErasedRecord {
            index,
            kind: kind.map_or_else(|| "unknown".to_owned(), |kind| kind.to_string()),
            sections: of_it.iter().map(ToString::to_string).collect(),
            tombstone: None,
        });
    }
    if found.is_empty() {
        return Err(
            Failure::refused("nothing is left to erase there").next("`herleid erase list` says what was erased")
        );
    }
    Ok(found)
}

/// The same for the ledger, with the other end where the record does not say it.
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn targets(node: &Node, records: &[ErasedRecord]) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for record in records {
        let sections = record.sections.iter().map(|name| name.parse::<SectionName>());
        targets.push(Target {
            index: record.index,
            sections: sections.collect::<Result<_, _>>().map_err(Failure::failed)?,
            counterparty: counterparty(node, &node.ledger.record(record.index)?)?,
        });
    }
    Ok(targets)
}

/// The other end of the agreement that a record is under.
fn counterparty(node: &Node, record: &StoredRecord) -> Result<Option<Did>, Failure> {
    // It names both ends itself, of which the agreement's need not be one: an input can be passed on.
    if record.value(SectionName::Exchange).is_some() {
        return Ok(None);
    }
    let id = [SectionName::Exchange, SectionName::Facts, SectionName::Run]
        .into_iter()
        .find_map(|name| record.value(name)?.get("agreement")?.as_str().map(str::to_owned));
    let Some(id) = id else { return Ok(None) };
    for side in [Side::Provider, Side::Consumer] {
        if let Some(agreement) = node.state.get::<AgreementEntry>(&AgreementEntry::key(&id, side))? {
            return Ok(Some(agreement.other));
        }
    }
    Ok(None)
}

/// What the connector itself keeps of what goes.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Changes of its state.
    pub(super) state: Vec<Change>,
    /// SHA-256 of payloads that may be of these records alone.
    pub(super) payloads: BTreeSet<String>,
}

impl Kept {
    fn set(&mut self, key: String, value: Option<Vec<u8>>) {
        if !self.state.iter().any(|(known, _)| *known == key) {
            self.state.push((key, value));
        }
    }
}

/// A run without what went in and came out.
fn emptied(run: RunEntry) -> RunEntry {
    RunEntry {
        outputs: Vec::new(),
        inputs: Value::Array(Vec::new()),
        parameters: Value::Object(Map::new()),
        ..run
    }
}

/// Finds it. Only sections that go are looked at.
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn kept(node: &Node, targets: &[Target]) -> Result<Kept, Failure> {
    let mut kept = Kept::default();
    for target in targets {
        let record = node.ledger.record(target.index)?;
        let gone: Vec<&Vec<u8>> = target
            .sections
            .iter()
            .filter_map(|name| record.sections().get(name))
            .collect();
        for bytes in gone {
            let text = String::from_utf8_lossy(bytes);
            let runs = text.split(|c: char| !matches!(c, '0'..='9' | 'a'..='f'));
            let digests = runs.filter(|run| run.len() == 64);
            let there = digests.filter(|digest| node.payloads.path(digest).is_ok_and(|path| path.exists()));
            kept.payloads.extend(there.map(str::to_owned));
        }
        let says_it = [SectionName::Content, SectionName::Run, SectionName::Facts];
        if !target.sections.iter().any(|name| says_it.contains(name)) {
            continue;
        }
        let transaction = [SectionName::Exchange, SectionName::Run, SectionName::Facts]
            .into_iter()
            .find_map(|name| record.value(name)?.get("transaction")?.as_str().map(str::to_owned));
        let Some(transaction) = transaction else { continue };
        match record.kind() {
            Some(Kind::PullReceived | Kind::OneSidedPullReceived) => {
                let key = PullEntry::key(&transaction);
                if node.state.get::<Value>(&key)?.is_some() {
                    kept.set(key, None);
                }
            }
            Some(Kind::RunReceived | Kind::RunRequested) => {
                let key = RunEntry::key(&transaction);
                if let Some(run) = node.state.get::<RunEntry>(&key)? {
                    // Its number stays: the provider counts it, and a dossier of another case has to say that it leaves it out.
                    let (_, value) = set(&key, &emptied(run))?;
                    kept.set(key, value);
                }
            }
            _ => {}
        }
    }
    Ok(kept)
}

/// Whether no record leads to this payload any more.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn is_unused(node: &Node, sha256: &str) -> Result<bool, Failure> {
    let Some(digest) = digest_bytes(sha256) else {
        return Ok(false);
    };
    for term in [Term::Digest(digest), Term::RunInput(digest), Term::RunOutput(digest)] {
        if !node.ledger.by_term(&term)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses what is held. A hold on a case covers everything that its dossier rests on.
///
/// # Errors
/// Names the hold and the record.
pub(super) fn check_holds(node: &Node, targets: &[Target]) -> Result<(), Failure> {
    for (_, hold) in node.state.scan::<HoldLine>(HOLDS)? {
        let covered: BTreeSet<u64> = match &hold.what {
            Meant::Records(records) => records.iter().copied().collect(),
            Meant::Agreement(id) => node.ledger.by_term(&Term::Agreement(id.clone()))?.into_iter().collect(),
            Meant::Case(case) => {
                let of_case = node.ledger.by_term(&Term::Case(case.clone()))?;
                follow(node, of_case.into_iter().collect())?.into_keys().collect()
            }
        };
        if let Some(target) = targets.iter().find(|target| covered.contains(&target.index)) {
            return Err(Failure::refused(format!(
                "record {} is held (`{}`, by {}: {}), and nothing of it is erased",
                target.index, hold.id, hold.by, hold.reason
            ))
            .next("`herleid hold list` lists what is held; who may says `herleid hold remove`"));
        }
    }
    Ok(())
}
