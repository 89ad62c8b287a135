//! Deleting what was had under an agreement: the bytes that this connector keeps itself. Records of it stay; what is held stays too, and what
//! records of something else rest on.

use super::stated::{MOST_NAMED, Stated, delivers};
use crate::commands::Failure;
use crate::consumer::pull;
use crate::control::error::Code;
use crate::erasure;
use crate::node::Node;
use crate::state::{AgreementEntry, Change, PullEntry, RunEntry, Side, set};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, StoredRecord};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What became of it.
#[derive(Default)]
pub(super) struct Deleted {
    /// Size of the log when it was looked at: what is recorded from there on is not deleted.
    pub(super) until: u64,
    /// Every transaction by which something was had under the agreement, also those deleted before.
    pub(super) transactions: Vec<String>,
    /// Those of them of which something stays.
    pub(super) stayed: Vec<String>,
    /// Payloads that were there, and are gone.
    pub(super) removed: u64,
    /// Payloads that are had under another agreement too.
    pub(super) kept: u64,
    /// What the connector no longer remembers of them.
    pub(super) changes: Vec<Change>,
}

/// A record of a log: that in use is 0, those that are over come after it.
type Place = (usize, u64);

/// Removes the payloads. What was begun and broke off is done again: what is gone already is not looked for. Pulls that are not at their
/// end are given up once the date `is_over`; until then they can still be ended, and proved.
///
/// # Errors
/// When something of it is held, is rested on by something else, is being received at this moment, or cannot be removed. Nothing is stated then.
pub(super) fn delete(node: &Node, entry: &AgreementEntry, is_over: bool) -> Result<Deleted, Failure> {
    let until = node.ledger.size();
    let own = own(node, &entry.id)?;
    let held = erasure::held(node, 0)?;
    let refuse_held = |index: &u64, hold: &str| {
        Failure::refused(format!(
            "record {index} is held ({hold}), and what it rests on is not deleted; the obligation stays open"
        ))
        .next("`herleid hold list` lists what is held; agree with the other party on what the hold means for the obligation")
    };
    let records = node.ledger.by_term(&Term::Agreement(entry.id.clone()))?;
    if let Some((index, hold)) = records.iter().find_map(|index| Some((index, held.get(index)?))) {
        return Err(refuse_held(index, hold));
    }
    let (mut here, mut transactions) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeSet::new());
    for index in records {
        let record = node.ledger.record(index)?;
        if record.kind().is_none_or(|kind| !delivers(Side::Consumer, kind)) {
            continue;
        }
        let Some(transaction) = transaction(&record) else {
            continue;
        };
        // Also what the connector does not remember as a pull of its own.
        for sha256 in brought(&record) {
            here.entry(sha256).or_default().insert(transaction.clone());
        }
        transactions.insert(transaction);
    }
    let (mut elsewhere, mut inputs, mut changes) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
    // What was had under an agreement that has ended may not be used: that covers nothing.
    let covers = |agreement: &str| -> Result<bool, Failure> {
        let other: Option<AgreementEntry> = node.state.get(&AgreementEntry::key(agreement, Side::Consumer))?;
        Ok(other.is_some_and(|other| other.terminated.is_none()))
    };
    for (key, pull) in node.state.scan::<PullEntry>("pull/")? {
        if pull.agreement == entry.id {
            here.entry(pull.digests.sha256).or_default().insert(pull.transaction);
            changes.push((key, None));
        } else if covers(&pull.agreement)? {
            elsewhere.insert(pull.digests.sha256);
        }
    }
    for (key, mut run) in node.state.scan::<RunEntry>("run/")? {
        for sha256 in own_inputs(&run.inputs) {
            inputs.insert(sha256, run.transaction.clone());
        }
        let outputs = run.outputs.iter().map(|output| output.digests.sha256.clone());
        if run.agreement == entry.id {
            for sha256 in outputs {
                here.entry(sha256).or_default().insert(run.transaction.clone());
            }
            run.outputs.clear();
            changes.push(set(key, &run)?);
        } else if covers(&run.agreement)? {
            elsewhere.extend(outputs);
        }
    }
    let unfinished = pull::unfinished(node, &entry.id)?;
    if let Some(transaction) = unfinished.first().filter(|_| !is_over) {
        return Err(Failure::refused(format!(
            "the pull {transaction} under this agreement is not at its end: nobody could prove that what came of it is deleted"
        ))
        .next("`herleid pull` goes on with it; state it then"));
    }
    // Before anything goes: what cannot be stated is not deleted.
    if transactions.len() + unfinished.len() > MOST_NAMED {
        return Err(Failure::refused(format!(
            "{} transactions were had under this agreement, and one record names {MOST_NAMED}; nothing is deleted, and nothing stated",
            transactions.len() + unfinished.len()
        ))
        .next("tell the other party yourself"));
    }
    if let Some(why) = node.unreadable.first() {
        return Err(Failure::refused(format!(
            "nothing is deleted while a log that is over cannot be read: its records may rest on it: {why}"
        ))
        .next("`herleid doctor` says what is wrong with it"));
    }
    for transaction in &transactions {
        for index in node.ledger.by_term(&Term::Transaction(transaction.clone()))? {
            let is_decision = node.ledger.record(index)?.kind() == Some(Kind::DecisionMade);
            if let Some(hold) = held.get(&index).filter(|_| is_decision) {
                return Err(refuse_held(&index, hold));
            }
            if is_decision {
                return Err(rests(&format!(
                    "decision in record {index} rests on transaction {transaction}"
                )));
            }
        }
    }
    let offered = erasure::offered(node)?;
    let mut going = BTreeSet::new();
    let (mut kept, mut stayed) = (0, BTreeSet::new());
    for (sha256, of) in here {
        if !node.payloads.path(&sha256)?.exists() {
            continue;
        }
        if let Some(what) = offered.get(&sha256) {
            return Err(rests(&format!("payload {sha256} is offered as `{what}`")).next(format!(
                "`herleid withdraw {what} --reason <why>` withdraws it; then state it again"
            )));
        }
        if elsewhere.contains(&sha256) {
            kept += 1;
            stayed.extend(of);
            continue;
        }
        if let Some(run) = inputs.get(&sha256) {
            return Err(rests(&format!("payload {sha256} is an input of our own of run {run}")));
        }
        let places = others(node, &sha256, &own)?;
        if let Some((index, hold)) = places.iter().find_map(|(_, index)| Some((index, held.get(index)?))) {
            return Err(refuse_held(index, hold));
        }
        if let Some(place) = places.first() {
            return Err(rests(&format!(
                "payload {sha256} is what {} rests on",
                told(node, *place)?
            )));
        }
        going.insert(sha256);
    }
    transactions.extend(pull::give_up(node, &entry.id)?);
    let mut removed = 0;
    for sha256 in going {
        // Asked once more where nobody can record anything with these bytes meanwhile.
        let mut is_unused = true;
        let could = node.payloads.remove_unused(&sha256, || {
            is_unused = others(node, &sha256, &own)?.is_empty();
            Ok::<_, Failure>(is_unused)
        })?;
        if !could || !is_unused {
            let why = "something with the same bytes is being received or used at this moment, so it cannot be deleted";
            return Err(Failure::new(Code::Busy, why).next("state it again in a minute"));
        }
        removed += 1;
    }
    Ok(Deleted {
        until,
        transactions: transactions.into_iter().collect(),
        stayed: stayed.into_iter().collect(),
        removed,
        kept,
        changes,
    })
}

fn rests(what: &str) -> Failure {
    Failure::refused(format!(
        "{what}: deleting what was had under this agreement would take that away; nothing is deleted, and the obligation stays open"
    ))
    .next("have what rests on it erased (`herleid erase propose`), or agree with the other party on what is to become of it")
}

/// Records that rest on nothing else than what goes: those under this agreement, and under others of which it was stated that all is deleted.
fn own(node: &Node, agreement: &str) -> Result<BTreeSet<Place>, Failure> {
    let stated = node.state.scan::<Stated>(&Stated::prefix(Side::Consumer))?.into_iter();
    let stated = stated.filter(|(_, stated)| stated.action == super::DELETE);
    let mut agreements: BTreeSet<String> = stated.map(|(_, stated)| stated.agreement).collect();
    agreements.insert(agreement.to_owned());
    let mut own = BTreeSet::new();
    for (place, ledger) in logs(node) {
        for agreement in &agreements {
            let of = ledger.by_term(&Term::Agreement(agreement.clone()))?;
            own.extend(of.into_iter().map(|index| (place, index)));
        }
    }
    Ok(own)
}

fn logs(node: &Node) -> impl Iterator<Item = (usize, &Ledger)> {
    std::iter::once(&node.ledger).chain(&node.previous).enumerate()
}

/// Records of ours that lead to a payload and are not among these.
fn others(node: &Node, sha256: &str, own: &BTreeSet<Place>) -> Result<Vec<Place>, Failure> {
    let mut found = Vec::new();
    for (place, ledger) in logs(node) {
        let leading = erasure::leading_in(ledger, sha256)?.into_iter();
        found.extend(leading.map(|index| (place, index)).filter(|one| !own.contains(one)));
    }
    Ok(found)
}

fn told(node: &Node, (place, index): Place) -> Result<String, Failure> {
    let Some((_, ledger)) = logs(node).nth(place) else {
        return Ok(format!("record {index}"));
    };
    let kind = ledger.record(index)?.kind().map_or("erased", Kind::as_str);
    Ok(format!("record {index} (`{kind}`) of `{}`", ledger.origin()))
}

/// The transaction that a record is of.
pub(super) fn transaction(record: &StoredRecord) -> Option<String> {
    let sections = [SectionName::Exchange, SectionName::Run, SectionName::Facts];
    sections
        .into_iter()
        .find_map(|name| record.value(name)?.get("transaction")?.as_str().map(str::to_owned))
}

/// What came with a record: a pull's bytes, a run's outputs.
fn brought(record: &StoredRecord) -> Vec<String> {
    let text = |value: &Value| value.get("sha256").and_then(Value::as_str).map(str::to_owned);
    let of = |name| record.value(name).unwrap_or_default();
    let outputs = of(SectionName::Run).get("outputs").and_then(Value::as_array).cloned();
    if record.kind() == Some(Kind::RunReceived) {
        return outputs.unwrap_or_default().iter().filter_map(text).collect();
    }
    let sections = [SectionName::Content, SectionName::Facts].map(|name| text(&of(name)));
    sections.into_iter().flatten().collect()
}

/// Inputs of a run that no pull brought here.
fn own_inputs(inputs: &Value) -> impl Iterator<Item = String> + '_ {
    let all = inputs.as_array().into_iter().flatten();
    let own = all.filter(|input| input.get("transaction").is_none_or(Value::is_null));
    own.filter_map(|input| input.get("sha256")?.as_str().map(str::to_owned))
}
