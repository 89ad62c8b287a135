//! What rules can be about: cases, agreements, denials; since when each is over.

use crate::commands::{Failure, permits_until};
use crate::config::{RetentionOf, RetentionRule};
use crate::node::Node;
use crate::state::{AgreementEntry, RunEntry};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Something that a rule can be about.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) of: RetentionOf,
    pub(super) name: String,
    /// What rules call it by.
    pub(super) known_as: Vec<String>,
    /// Its records.
    pub(super) records: Vec<u64>,
    /// Since when it is over: UTC milliseconds since 1970; `None` while it is not.
    pub(super) since_ms: Option<u64>,
}

impl Unit {
    /// The rule that keeps it longest, of those that are about it, and until when that is; never is longest of all.
    pub(super) fn rule<'a>(&self, rules: &'a [RetentionRule]) -> Option<(&'a RetentionRule, Option<u64>)> {
        let about = rules
            .iter()
            .filter(|rule| rule.of == self.of && self.known_as.iter().any(|name| rule.is_about(name)));
        let with_due = about.map(|rule| (rule, rule.keep.due_ms(self.since_ms.unwrap_or(0))));
        with_due.max_by_key(|(_, due)| due.unwrap_or(u64::MAX))
    }
}

/// When a record was made.
pub(super) fn recorded_at_ms(node: &Node, index: u64) -> Result<u64, Failure> {
    let envelope = node.ledger.record(index)?.value(SectionName::Envelope);
    let time = envelope.and_then(|envelope| envelope.get("recordedAt").and_then(Value::as_u64));
    // An envelope is never erased, so that one without a time is damaged.
    time.ok_or_else(|| {
        Failure::failed(format!("record {index} does not say when it was recorded"))
            .next("see what `herleid doctor` says")
    })
}

/// All of them.
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn all(node: &Node, now_ms: u64) -> Result<Vec<Unit>, Failure> {
    let mut all = cases(node)?;
    all.extend(agreements(node, now_ms)?);
    all.extend(denials(node)?);
    Ok(all)
}

/// A case is over with the last of its records, once something was decided.
fn cases(node: &Node) -> Result<Vec<Unit>, Failure> {
    let mut names = BTreeSet::new();
    let decisions: BTreeSet<u64> = node
        .ledger
        .by_term(&Term::Kind(Kind::DecisionMade))?
        .into_iter()
        .collect();
    // By their streams: what a decision itself says of its case may have been erased, and the rest of it not.
    names.extend(node.ledger.cases()?);
    for (_, run) in node.state.scan::<RunEntry>("run/")? {
        names.extend(run.case);
    }
    let mut found = Vec::new();
    for name in names {
        let records = node.ledger.by_term(&Term::Case(name.clone()))?;
        // By the index, which stays when the facts of a decision are erased. Times never step back, so that the last record is the latest.
        let is_decided = records.iter().any(|index| decisions.contains(index));
        let last = records.last().copied().filter(|_| is_decided);
        found.push(Unit {
            of: RetentionOf::Case,
            known_as: vec![name.clone()],
            since_ms: last.map(|last| recorded_at_ms(node, last)).transpose()?,
            name,
            records,
        });
    }
    Ok(found)
}

/// An agreement is over when it was terminated, or its policy permits nothing any more; counted from the last of its records if that is later.
fn agreements(node: &Node, now_ms: u64) -> Result<Vec<Unit>, Failure> {
    let mut entries: BTreeMap<String, Vec<AgreementEntry>> = BTreeMap::new();
    for (_, entry) in node.state.scan::<AgreementEntry>("agreement/")? {
        entries.entry(entry.id.clone()).or_default().push(entry);
    }
    let mut found = Vec::new();
    for (name, sides) in entries {
        let records = node.ledger.by_term(&Term::Agreement(name.clone()))?;
        let last = records.last().map(|last| recorded_at_ms(node, *last)).transpose()?;
        // Of one that was agreed with oneself both sides have to be over.
        let ends = sides.iter().map(|entry| match permits_until(&entry.agreement) {
            Some(until) if until <= now_ms => Some(until),
            _ => entry.terminated.as_ref().map(|_| 0),
        });
        let ends: Option<Vec<u64>> = ends.collect();
        let since_ms = ends.and_then(|ends| ends.into_iter().chain(last).max());
        found.push(Unit {
            of: RetentionOf::Agreement,
            known_as: sides.into_iter().map(|entry| entry.target).collect(),
            name,
            records,
            since_ms,
        });
    }
    Ok(found)
}

/// A denial is over when it is recorded; those of one party are one unit for each day on which there were any.
fn denials(node: &Node) -> Result<Vec<Unit>, Failure> {
    const DAY_MS: u64 = 24 * 3_600 * 1_000;
    let mut by_day: BTreeMap<(String, u64), Unit> = BTreeMap::new();
    for index in node.ledger.by_term(&Term::Kind(Kind::Denied))? {
        let record = node.ledger.record(index)?;
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let Some(party) = facts.get("party").and_then(Value::as_str) else {
            continue;
        };
        let time = recorded_at_ms(node, index)?;
        let unit = by_day.entry((party.to_owned(), time / DAY_MS)).or_insert_with(|| Unit {
            of: RetentionOf::Denial,
            name: party.to_owned(),
            known_as: vec![party.to_owned()],
            records: Vec::new(),
            since_ms: None,
        });
        unit.records.push(index);
        unit.since_ms = Some(time);
    }
    Ok(by_day.into_values().collect())
}
