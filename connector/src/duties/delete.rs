//! Deleting what was had under an agreement: the bytes that this connector keeps itself. Records of it stay; what is held stays too.

use crate::commands::Failure;
use crate::control::error::Code;
use crate::erasure;
use crate::node::Node;
use crate::state::{AgreementEntry, Change, PullEntry, RunEntry, Side, set};
use herleid_ledger::StoredRecord;
use herleid_ledger::record::Term;
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::BTreeSet;

/// What became of it.
pub(super) struct Deleted {
    /// Every transaction by which something was had under the agreement, also those deleted before.
    pub(super) transactions: Vec<String>,
    /// Payloads that are gone.
    pub(super) removed: u64,
    /// Payloads that are had under another agreement too, or are our own.
    pub(super) kept: u64,
    /// What the connector no longer remembers of them.
    pub(super) changes: Vec<Change>,
}

/// Removes the payloads. What was begun and broke off is done again: what is gone already counts as removed.
///
/// # Errors
/// When something of it is held, is being received at this moment, or cannot be removed. Nothing is stated then.
pub(super) fn delete(node: &Node, entry: &AgreementEntry) -> Result<Deleted, Failure> {
    let records = node.ledger.by_term(&Term::Agreement(entry.id.clone()))?;
    let held = erasure::held(node, 0)?;
    if let Some((index, hold)) = records.iter().find_map(|index| Some((index, held.get(index)?))) {
        return Err(Failure::refused(format!(
            "record {index} under this agreement is held ({hold}), and what is held is not deleted; the obligation stays open"
        ))
        .next("`herleid hold list` lists what is held; agree with the other party on what the hold means for the obligation"));
    }
    let mut transactions = BTreeSet::new();
    for index in records {
        let record = node.ledger.record(index)?;
        if record
            .kind()
            .is_some_and(|kind| super::stated::delivers(Side::Consumer, kind))
        {
            transactions.extend(transaction(&record));
        }
    }
    let (mut here, mut elsewhere, mut changes) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (key, pull) in node.state.scan::<PullEntry>("pull/")? {
        if pull.agreement == entry.id {
            here.insert(pull.digests.sha256);
            changes.push((key, None));
        } else {
            elsewhere.insert(pull.digests.sha256);
        }
    }
    for (key, mut run) in node.state.scan::<RunEntry>("run/")? {
        elsewhere.extend(own_inputs(&run.inputs));
        let outputs = run.outputs.iter().map(|output| output.digests.sha256.clone());
        if run.agreement == entry.id {
            here.extend(outputs);
            run.outputs.clear();
            changes.push(set(key, &run)?);
        } else {
            elsewhere.extend(outputs);
        }
    }
    elsewhere.extend(erasure::offered(node)?.into_keys());
    let (mut removed, mut kept) = (0, 0);
    for sha256 in here {
        if elsewhere.contains(&sha256) {
            kept += 1;
            continue;
        }
        if !node.payloads.remove_unused(&sha256, || Ok::<_, Failure>(true))? {
            let why = "something with the same bytes is being received at this moment, so it cannot be deleted";
            return Err(Failure::new(Code::Busy, why).next("state it again in a minute"));
        }
        removed += 1;
    }
    Ok(Deleted {
        transactions: transactions.into_iter().collect(),
        removed,
        kept,
        changes,
    })
}

/// The transaction that a record is of.
pub(super) fn transaction(record: &StoredRecord) -> Option<String> {
    let sections = [SectionName::Exchange, SectionName::Run, SectionName::Facts];
    sections
        .into_iter()
        .find_map(|name| record.value(name)?.get("transaction")?.as_str().map(str::to_owned))
}

/// Inputs of a run that no pull brought here.
fn own_inputs(inputs: &Value) -> impl Iterator<Item = String> + '_ {
    let all = inputs.as_array().into_iter().flatten();
    let own = all.filter(|input| input.get("transaction").is_none_or(Value::is_null));
    own.filter_map(|input| input.get("sha256")?.as_str().map(str::to_owned))
}
