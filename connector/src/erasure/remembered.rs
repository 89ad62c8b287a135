//! What the connector itself remembers beside the log of what is erased: of pulls and runs, of what was published, of obligations, of lies. It
//! changes in the commit of the tombstones.

use super::about::About;
use super::over::Of;
use super::{about, published};
use crate::commands::Failure;
use crate::duties;
use crate::peers;
use crate::provider::pull;
use crate::state::{Change, PullEntry, RunEntry, set};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{StoredRecord, Target};
use herleid_vocab::did::Did;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Changes of what the connector itself keeps of sections that go, and of no others.
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn changes(log: &Of, targets: &[Target]) -> Result<Vec<Change>, Failure> {
    let mut changes = transactions(log, targets)?;
    changes.extend(published::changes(log, targets)?);
    changes.extend(duties::erased(log, targets)?);
    changes.extend(lies(log, targets)?);
    changes.extend(about::changes(log, targets)?);
    Ok(changes)
}

/// Of proofs of lies.
fn lies(log: &Of, targets: &[Target]) -> Result<Vec<Change>, Failure> {
    let mut going: BTreeMap<String, BTreeSet<SectionName>> = BTreeMap::new();
    for target in targets {
        let Some(record) = log.record(target.index)? else {
            continue;
        };
        if let Some(transaction) = About::read(log, &record)?.transaction {
            going.entry(transaction).or_default().extend(&target.sections);
        }
    }
    Ok(peers::erased(&log.state, &going)?)
}

fn transactions(log: &Of, targets: &[Target]) -> Result<Vec<Change>, Failure> {
    let (mut transactions, mut changes) = (BTreeSet::new(), Vec::new());
    for target in targets {
        let Some(record) = log.record(target.index)? else {
            continue;
        };
        let about = About::read(log, &record)?;
        let says = |name| target.sections.contains(&name);
        let opens = matches!(record.kind(), Some(Kind::PullOpened | Kind::OneSidedPullOpened));
        // A push to somebody without a log names nobody: it is the agreement's other end.
        let consumer = said_consumer(&record).or_else(|| about.other.clone());
        if let (Some(transaction), Some(consumer)) = (&about.transaction, consumer)
            && opens
            && (says(SectionName::Facts) || says(SectionName::Exchange))
        {
            changes.extend(pull::forgotten(&consumer, transaction));
        }
        transactions.extend(about.transaction);
    }
    for transaction in transactions {
        let key = PullEntry::key(&transaction);
        if log.state.get::<Value>(&key)?.is_some() {
            let of = |kinds: &[Kind], section| is_last(log, targets, &transaction, kinds, section);
            if of(&[Kind::PullReceived], SectionName::Content)?
                && of(&[Kind::OneSidedPullReceived], SectionName::Facts)?
            {
                changes.push((key, None));
            }
        }
        let key = RunEntry::key(&transaction);
        if let Some(before) = log.state.get::<RunEntry>(&key)? {
            let of = |kinds: &[Kind], section| is_last(log, targets, &transaction, kinds, section);
            // Its number stays: the provider counts it, and a dossier of another case has to say that it leaves it out.
            let mut run = before.clone();
            if of(&[Kind::RunReceived], SectionName::Run)? {
                run.outputs = Vec::new();
            }
            let both = [Kind::RunRequested, Kind::RunReceived];
            if of(&both, SectionName::Run)? {
                run.inputs = Value::Array(Vec::new());
            }
            if of(&both, SectionName::Parameters)? {
                run.parameters = Value::Object(Map::new());
            }
            if run != before {
                changes.push(set(key, &run)?);
            }
        }
    }
    Ok(changes)
}

/// For whom a record opened a pull, if it says so itself.
fn said_consumer(record: &StoredRecord) -> Option<Did> {
    let said = |section, member: &str| record.value(section)?.get(member)?.as_str()?.parse().ok();
    said(SectionName::Exchange, "consumer").or_else(|| said(SectionName::Facts, "party"))
}

/// Whether of a transaction nothing is left of this section in any record of these kinds, once `targets` are erased: what the connector keeps
/// beside the log is that section's, and goes with the last record that has it.
fn is_last(
    log: &Of,
    targets: &[Target],
    transaction: &str,
    kinds: &[Kind],
    section: SectionName,
) -> Result<bool, Failure> {
    for index in log.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let Some(record) = log.record(index)? else {
            continue;
        };
        let is_one = record.kind().is_none_or(|kind| kinds.contains(&kind));
        let goes = targets
            .iter()
            .any(|target| target.index == index && target.sections.contains(&section));
        if is_one && !goes && record.sections().contains_key(&section) {
            return Ok(false);
        }
    }
    Ok(true)
}
