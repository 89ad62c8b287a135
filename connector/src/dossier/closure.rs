//! Which records a case rests on: found from its decision by following leaves, transactions and agreements until nothing is new.

use crate::commands::Failure;
use crate::node::Node;
use crate::state::digest_bytes;
use herleid_ledger::handover::{HandedOver, HandoverError};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, StoredRecord};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Records of our own log, by index.
pub(crate) struct Closure {
    pub(crate) records: BTreeMap<u64, StoredRecord>,
    pub(crate) decision: u64,
}

/// The closure of a case.
///
/// # Errors
/// When no decision was recorded for it, or the log cannot be read.
pub(crate) fn of_case(node: &Node, case: &str) -> Result<Closure, Failure> {
    let of_case = node.ledger.by_term(&Term::Case(case.to_owned()))?;
    let mut decision = None;
    for index in &of_case {
        if kind(&node.ledger.record(*index)?) == Some(Kind::DecisionMade) {
            decision = Some(*index);
        }
    }
    let Some(decision) = decision else {
        // A dossier is of one log of ours, whose witnesses vouch for what is in it.
        for over in &node.previous {
            if !over.by_term(&Term::Case(case.to_owned()))?.is_empty() {
                return Err(Failure::refused(format!(
                    "case `{case}` lies in the log `{}`, which is over, and no dossier is made of that any more",
                    over.origin()
                ))
                .next(
                    "a dossier that was made before verifies as ever, and `herleid trace` shows what the log has of it; decide anew to have it in the log that goes on",
                ));
            }
        }
        return Err(Failure::missing(format!("no decision is recorded for case `{case}`"))
            .next("record one with `herleid decide`"));
    };
    let mut waiting: BTreeSet<u64> = of_case.into_iter().collect();
    // The first record says whose log this is, under which key and witnesses.
    waiting.insert(0);
    let mut records = follow_case(&node.ledger, waiting)?;
    let found = forks_of(&node.ledger, &records)?;
    records.extend(found);
    Ok(Closure { records, decision })
}

/// Records that a log was caught with two histories whose receipts are among `records`: whoever reads the case has to know.
fn forks_of(ledger: &Ledger, records: &BTreeMap<u64, StoredRecord>) -> Result<BTreeMap<u64, StoredRecord>, Failure> {
    let mut found = BTreeMap::new();
    let of_kind = ledger.by_term(&Term::Kind(Kind::WitnessConflict))?;
    if of_kind.is_empty() {
        return Ok(found);
    }
    let mut origins = BTreeSet::new();
    for record in records.values() {
        origins.extend(
            receipts(ledger, record)?
                .into_iter()
                .flatten()
                .map(|handed| handed.origin),
        );
    }
    for index in of_kind {
        let record = ledger.record(index)?;
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let origin = facts.get("origin").and_then(Value::as_str).unwrap_or_default();
        if origins.contains(origin) {
            found.insert(index, record);
        }
    }
    Ok(found)
}

/// Everything that the records `waiting` of a log of ours rest on, themselves included.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn follow(ledger: &Ledger, waiting: BTreeSet<u64>) -> Result<BTreeMap<u64, StoredRecord>, Failure> {
    follow_along(ledger, waiting, |_| true, |_, _| true)
}

/// The same of a case: of decisions only those that one begins with, or that are named as earlier records. Another decision that rests on the
/// same transaction is no ground of this one, and is about somebody else.
///
/// # Errors
/// As [`follow`].
pub(crate) fn follow_case(ledger: &Ledger, waiting: BTreeSet<u64>) -> Result<BTreeMap<u64, StoredRecord>, Failure> {
    let begun = waiting.clone();
    follow_along(
        ledger,
        waiting,
        |_| true,
        |index, record| is_of_case(&begun, index, record),
    )
}

/// [`follow_case`] without what only lies under the same agreements: earlier records and transactions that they name, and so on.
///
/// # Errors
/// As [`follow`].
pub(crate) fn rests_on(ledger: &Ledger, waiting: BTreeSet<u64>) -> Result<BTreeMap<u64, StoredRecord>, Failure> {
    let begun = waiting.clone();
    let leads = |term: &Term| matches!(term, Term::Transaction(_));
    follow_along(ledger, waiting, leads, |index, record| {
        is_of_case(&begun, index, record)
    })
}

fn is_of_case(begun: &BTreeSet<u64>, index: u64, record: &StoredRecord) -> bool {
    begun.contains(&index) || kind(record) != Some(Kind::DecisionMade)
}

fn follow_along(
    ledger: &Ledger,
    mut waiting: BTreeSet<u64>,
    leads: impl Fn(&Term) -> bool,
    enters: impl Fn(u64, &StoredRecord) -> bool,
) -> Result<BTreeMap<u64, StoredRecord>, Failure> {
    let mut records = BTreeMap::new();
    let (mut asked, mut named) = (BTreeSet::new(), BTreeSet::new());
    while let Some(index) = waiting.pop_first() {
        if records.contains_key(&index) {
            continue;
        }
        let record = ledger.record(index)?;
        if !named.contains(&index) && !enters(index, &record) {
            continue;
        }
        for leaf in prior(&record) {
            let earlier = ledger.by_leaf(&leaf)?;
            named.extend(earlier);
            waiting.extend(earlier);
        }
        for term in terms(&record).into_iter().filter(|term| leads(term)) {
            if asked.insert(format!("{term:?}")) {
                waiting.extend(ledger.by_term(&term)?);
            }
        }
        if !is_whole(&record) {
            // What says that something of it was erased, and why: without it the gap would be unexplained.
            waiting.extend(ledger.tombstones(record.leaf())?);
        }
        records.insert(index, record);
    }
    Ok(records)
}

/// Whether nothing of a record was erased.
fn is_whole(record: &StoredRecord) -> bool {
    record.sections().len() == record.macs().len()
}

/// What `missing.json` says of every section that was erased: which record of the log says so, on which ground, by whose authority.
pub(crate) fn erased(records: &BTreeMap<u64, StoredRecord>) -> Vec<Value> {
    let tombstones: Vec<(u64, Value)> = records
        .values()
        .filter(|record| kind(record) == Some(Kind::Erased))
        .filter_map(|record| Some((record.index(), record.value(SectionName::Facts)?)))
        .collect();
    let mut missing = Vec::new();
    for record in records.values().filter(|record| !is_whole(record)) {
        let gone = record
            .macs()
            .keys()
            .filter(|name| !record.sections().contains_key(name));
        for section in gone {
            let said = tombstones.iter().find(|(_, facts)| {
                let sections = facts.get("sections").and_then(Value::as_array);
                facts.get("index").and_then(Value::as_u64) == Some(record.index())
                    && sections.is_some_and(|all| all.iter().any(|name| name.as_str() == Some(section.as_str())))
            });
            let text = |facts: &Value, name: &str| facts.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
            let (why, explanation) = match said {
                Some((index, facts)) => {
                    let (ground, authority) = (text(facts, "ground"), text(facts, "authority"));
                    ("erased", format!("{ground}: {authority} (record {index})"))
                }
                // The audit of the log names it; here it is not passed off as an erasure.
                None => ("withheld", "not kept here any more, and no record says why".to_owned()),
            };
            let id = format!("{}/{section}", hex::encode(record.leaf()));
            missing.push(json!({"what": "section", "id": id, "why": why, "explanation": explanation}));
        }
    }
    missing
}

/// The kind of a record, unless its envelope was erased.
pub(crate) fn kind(record: &StoredRecord) -> Option<Kind> {
    record.value(SectionName::Envelope)?.get("kind")?.as_str()?.parse().ok()
}

/// Role and SHA-256 (hex) of every document that a record names.
pub(crate) fn documents(record: &StoredRecord) -> Vec<(String, String)> {
    let evidence = record.value(SectionName::Evidence).unwrap_or_default();
    let documents = evidence
        .get("documents")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    documents
        .filter_map(|document| {
            let text = |member: &str| document.get(member).and_then(Value::as_str).map(str::to_owned);
            Some((text("role")?, text("sha256")?))
        })
        .collect()
}

/// The other ends' receipts among them, as far as they are still kept; one that cannot be read says so.
///
/// # Errors
/// When the store of evidence cannot be read.
pub(crate) fn receipts(
    ledger: &Ledger,
    record: &StoredRecord,
) -> Result<Vec<Result<HandedOver, HandoverError>>, Failure> {
    let mut found = Vec::new();
    for (_, sha256) in documents(record).into_iter().filter(|(role, _)| role == "receipt") {
        let kept = digest_bytes(&sha256)
            .map(|digest| ledger.evidence(&digest))
            .transpose()?;
        found.extend(kept.flatten().map(|bytes| HandedOver::parse(&bytes)));
    }
    Ok(found)
}

fn prior(record: &StoredRecord) -> Vec<[u8; 32]> {
    let envelope = record.value(SectionName::Envelope).unwrap_or_default();
    let leaves = envelope
        .get("prior")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    leaves
        .iter()
        .filter_map(Value::as_str)
        .filter_map(digest_bytes)
        .collect()
}

fn terms(record: &StoredRecord) -> Vec<Term> {
    let mut terms = Vec::new();
    for name in [SectionName::Facts, SectionName::Exchange, SectionName::Run] {
        let Some(section) = record.value(name) else { continue };
        named(&section, &mut terms);
        for list in ["inputs", "reliesOn"] {
            for item in section.get(list).and_then(Value::as_array).into_iter().flatten() {
                named(item, &mut terms);
            }
        }
        for transaction in section
            .get("transactions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            terms.push(Term::Transaction(transaction.to_owned()));
        }
    }
    terms
}

fn named(value: &Value, terms: &mut Vec<Term>) {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    terms.extend(text("transaction").map(Term::Transaction));
    terms.extend(text("agreement").map(Term::Agreement));
}
