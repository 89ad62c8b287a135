//! What was stated of an obligation goes with the record that states it: out of what is kept beside the log, and with the other end's records that
//! repeat it. That something was stated, when, and whether it was taken stays: what is given under the agreement hangs on it.

use super::stated::{Stated, said};
use crate::commands::Failure;
use crate::dossier::closure::{documents, receipts};
use crate::erasure::over;
use crate::state::{Change, Side};
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, StoredRecord, Target};
use serde_json::Value;
use std::collections::BTreeSet;

/// Which obligation a record states something of.
#[derive(PartialEq, Eq)]
struct Of {
    side: Side,
    agreement: String,
    obligation: String,
}

impl Of {
    fn read(record: &StoredRecord) -> Option<Self> {
        let said = said(record.kind()?.as_str(), &record.value(SectionName::Facts)?)?;
        let text = |member: &str| said.get(member).and_then(Value::as_str);
        Some(Self {
            side: match text("side")? {
                "provider" => Side::Provider,
                _ => Side::Consumer,
            },
            agreement: text("agreement")?.to_owned(),
            obligation: text("obligation")?.to_owned(),
        })
    }
}

/// Records after `index` that may be about an obligation under the agreement, the first one first.
fn after(ledger: &Ledger, agreement: &str, index: u64) -> Result<Vec<u64>, Failure> {
    let mut kinds = BTreeSet::new();
    for kind in [Kind::TrustChanged, Kind::DeletionStated] {
        kinds.extend(ledger.by_term(&Term::Kind(kind))?);
    }
    let mut found = ledger.by_term(&Term::Agreement(agreement.to_owned()))?;
    found.retain(|later| *later > index && kinds.contains(later));
    Ok(found)
}

/// The changes of what is kept of statements whose records lose what they state.
///
/// # Errors
/// When the log or the state cannot be read.
pub(crate) fn erased(log: &over::Of, targets: &[Target]) -> Result<Vec<Change>, Failure> {
    let mut changes: Vec<Change> = Vec::new();
    for target in targets
        .iter()
        .filter(|target| target.sections.contains(&SectionName::Facts))
    {
        let Some(of) = log.record(target.index)?.as_ref().and_then(Of::read) else {
            continue;
        };
        let key = Stated::key(of.side, &of.agreement, &of.obligation);
        let Some(mut stated) = log.state.get::<Stated>(&key)? else {
            continue;
        };
        let mut is_last = true;
        for later in after(&log.ledger, &of.agreement, target.index)? {
            let other = log.record(later)?.as_ref().and_then(Of::read);
            is_last &= other.is_none_or(|other| other != of);
        }
        if is_last {
            stated.forget();
        } else if changes.iter().any(|(changed, _)| *changed == key) {
            continue;
        }
        // Also where it stays: what was stated before lies in the same tables, and is rewritten away with it.
        changes.retain(|(changed, _)| *changed != key);
        changes.push(stated.change()?);
    }
    Ok(changes)
}

/// The records in whose evidence a statement stands once more, when these sections of the record that states it go: the other end's record of it,
/// and at the other end the record that was taken.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn receipts_of(ledger: &Ledger, record: &StoredRecord, sections: &[String]) -> Result<Vec<u64>, Failure> {
    let goes = sections.iter().any(|name| *name == SectionName::Facts.as_str());
    let Some(of) = Of::read(record).filter(|_| goes) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if documents(record).iter().any(|(role, _)| role == "statement") {
        found.push(record.index());
    }
    let leaf = hex::encode(record.leaf());
    for index in after(ledger, &of.agreement, record.index())? {
        let later = ledger.record(index)?;
        // One that cannot be read may be of anything.
        let repeats = receipts(ledger, &later)?
            .into_iter()
            .any(|receipt| receipt.map_or(true, |receipt| is_of(&receipt, &leaf)));
        if repeats {
            found.push(index);
        }
    }
    Ok(found)
}

/// Whether a record of the other end is of the statement whose record has this leaf hash.
fn is_of(receipt: &HandedOver, leaf: &str) -> bool {
    let section = |name: SectionName| -> Option<Value> {
        let opened = receipt.opened.get(name.as_str())?;
        serde_json::from_str(&opened.text).ok()
    };
    let (Some(envelope), Some(facts)) = (section(SectionName::Envelope), section(SectionName::Facts)) else {
        return false;
    };
    let kind = envelope.get("kind").and_then(Value::as_str).unwrap_or_default();
    said(kind, &facts).is_some_and(|said| said.get("leaf").and_then(Value::as_str) == Some(leaf))
}
