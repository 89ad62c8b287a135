//! Which records and sections are meant, and what forbids erasing them.

use super::about::About;
use super::bytes;
use super::entries::HOLDS;
use super::over::Of;
use super::published;
use crate::commands::Failure;
use crate::control::protocol::{ErasedRecord, HoldLine, Meant};
use crate::dossier::closure::{follow_case, receipts};
use crate::dossier::files;
use crate::duties;
use crate::node::Node;
use crate::state::digest_bytes;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{EraseError, Ledger, StoredRecord, Target};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The records meant, by number.
///
/// # Errors
/// When there is none.
pub(super) fn indices(log: &Of, what: &Meant) -> Result<Vec<u64>, Failure> {
    let (found, of) = match what {
        Meant::Records(records) => {
            for index in records {
                log.ledger.record(*index).map_err(EraseError::from)?;
            }
            (records.clone(), "with these numbers".to_owned())
        }
        Meant::Case(case) => (
            log.ledger.by_term(&Term::Case(case.clone()))?,
            format!("of case `{case}`"),
        ),
        Meant::Agreement(id) => (
            log.ledger.by_term(&Term::Agreement(id.clone()))?,
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
pub(super) fn records(log: &Of, what: &Meant, sections: &[String]) -> Result<Vec<ErasedRecord>, Failure> {
    let wanted = sections.iter().map(|name| name.parse::<SectionName>());
    let wanted = wanted.collect::<Result<BTreeSet<SectionName>, _>>();
    let wanted = wanted.map_err(|error| {
        Failure::usage(error)
            .next("name a section of the record, such as `content` or `people` (docs/erasure.md), or none for all")
    })?;
    let named = matches!(what, Meant::Records(_));
    let found = those(log, &indices(log, what)?, &wanted, named)?;
    if found.is_empty() {
        return Err(
            Failure::refused("nothing is left to erase there").next("`herleid erase list` says what was erased")
        );
    }
    with_receipts(log, found)
}

/// What is left of these records that goes without being named, with the receipts that open the same; of the agreements themselves, and of what is
/// never erased, nothing is.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn left_of(log: &Of, records: &[u64]) -> Result<Vec<ErasedRecord>, Failure> {
    with_receipts(log, those(log, records, &BTreeSet::new(), false)?)
}

/// Whether anything is left of these records that goes without being named.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn has_left(log: &Of, records: &[u64]) -> Result<bool, Failure> {
    for index in records {
        if !those(log, std::slice::from_ref(index), &BTreeSet::new(), false)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What goes of these records; all but `exchange` where no section is wanted.
fn those(log: &Of, records: &[u64], wanted: &BTreeSet<SectionName>, named: bool) -> Result<Vec<ErasedRecord>, Failure> {
    let mut found = Vec::new();
    for index in records.iter().copied() {
        let record = log.ledger.record(index)?;
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
    Ok(found)
}

/// And the receipts that open the same sections: the other end's record of an exchange says what ours says.
fn with_receipts(log: &Of, mut found: Vec<ErasedRecord>) -> Result<Vec<ErasedRecord>, Failure> {
    let mut opening: BTreeMap<u64, StoredRecord> = BTreeMap::new();
    for erased in &found {
        let record = log.ledger.record(erased.index)?;
        for index in duties::receipts_of(&log.ledger, &record, &erased.sections)? {
            opening.insert(index, log.ledger.record(index)?);
        }
        let Some(transaction) = About::read(log, &record)?.transaction else {
            continue;
        };
        for index in log.ledger.by_term(&Term::Transaction(transaction.clone()))? {
            if opening.contains_key(&index) {
                continue;
            }
            let Some(record) = log.record(index)? else {
                continue;
            };
            // One that cannot be read may be of anything.
            let opens = receipts(&log.ledger, &record)?
                .into_iter()
                .any(|receipt| receipt.map_or(true, |receipt| opens_any(&receipt, &transaction, &erased.sections)));
            if opens {
                opening.insert(index, record);
            }
        }
    }
    let evidence = SectionName::Evidence.to_string();
    for (index, record) in opening {
        match found.iter_mut().find(|erased| erased.index == index) {
            Some(erased) if erased.sections.contains(&evidence) => {}
            Some(erased) => erased.sections.push(evidence.clone()),
            None => found.push(ErasedRecord {
                index,
                kind: record
                    .kind()
                    .map_or_else(|| "unknown".to_owned(), |kind| kind.to_string()),
                sections: vec![evidence.clone()],
                tombstone: None,
            }),
        }
    }
    found.sort_by_key(|erased| erased.index);
    Ok(found)
}

/// Whether a receipt of this transaction, or of none that it tells, opens any of these sections.
fn opens_any(receipt: &HandedOver, transaction: &str, sections: &[String]) -> bool {
    let of = ["exchange", "run", "facts"].into_iter().find_map(|name| {
        let section: Value = serde_json::from_str(&receipt.opened.get(name)?.text).ok()?;
        section.get("transaction")?.as_str().map(str::to_owned)
    });
    of.is_none_or(|of| of == transaction) && sections.iter().any(|name| receipt.opened.contains_key(name))
}

/// The same for the ledger, with the other end where the record does not say it.
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn targets(log: &Of, records: &[ErasedRecord]) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for record in records {
        let sections = record.sections.iter().map(|name| name.parse::<SectionName>());
        targets.push(Target {
            index: record.index,
            sections: sections.collect::<Result<_, _>>().map_err(Failure::failed)?,
            counterparty: About::read(log, &log.ledger.record(record.index)?)?.other,
        });
    }
    Ok(targets)
}

/// Refuses what would take away the bytes of something that is still offered, or a document that it cannot do without.
///
/// # Errors
/// Names the record and the offer.
pub(super) fn check_offers(node: &Node, log: &Of, targets: &[Target]) -> Result<(), Failure> {
    // Offers are of the log that goes on.
    if !log.is_over {
        published::check(log, targets)?;
    }
    let (offered, documents) = (bytes::offered(node)?, bytes::offered_documents(node)?);
    for target in targets {
        let record = log.ledger.record(target.index)?;
        let going = target.sections.iter().filter_map(|name| record.sections().get(name));
        for text in going.map(|bytes| String::from_utf8_lossy(bytes)) {
            let runs = text.split(|c: char| !matches!(c, '0'..='9' | 'a'..='f'));
            for sha256 in runs.filter(|run| run.len() == 64) {
                let (what, leading) = match (offered.get(sha256), documents.get(sha256)) {
                    // What is offered is offered by the log that goes on, whose own records lead to it.
                    (Some(_), _) if log.is_over && !bytes::leading(node, sha256)?.is_empty() => continue,
                    (Some(what), _) => (what, bytes::leading_in(&log.ledger, sha256)?),
                    // Each log has its own documents.
                    (None, Some(what)) if !log.is_over => {
                        let digest = digest_bytes(sha256).unwrap_or_default();
                        (what, node.ledger.by_document(&digest)?)
                    }
                    (None, _) => continue,
                };
                let is_named = |index: &u64| targets.iter().any(|target| target.index == *index);
                if leading.iter().all(is_named) {
                    return Err(Failure::refused(format!(
                        "record {} is the last one that leads to bytes which are still offered, or needed for that, and what is offered is not erased",
                        target.index
                    ))
                    .next(format!("`herleid withdraw {what} --reason <why>` withdraws it; then propose, or approve, it again")));
                }
            }
        }
    }
    Ok(())
}

/// What a hold covers in a log. On a case that is everything that its dossier rests on: in a log that is over also what leads to the bytes that the
/// case rests on in the one that goes on.
fn covered(node: &Node, log: &Of, hold: &HoldLine) -> Result<BTreeSet<u64>, Failure> {
    Ok(match &hold.what {
        Meant::Records(records) => records.iter().copied().collect(),
        Meant::Agreement(id) => log.ledger.by_term(&Term::Agreement(id.clone()))?.into_iter().collect(),
        Meant::Case(case) => {
            let of_case = |ledger: &Ledger| {
                let begun = ledger.by_term(&Term::Case(case.clone()))?;
                follow_case(ledger, begun.into_iter().collect())
            };
            let mut covered: BTreeSet<u64> = of_case(&log.ledger)?.into_keys().collect();
            if log.is_over {
                for sha256 in files(of_case(&node.ledger)?.values()).0 {
                    covered.extend(bytes::leading_in(&log.ledger, &sha256)?);
                }
            }
            covered
        }
    })
}

/// Every record that is held, and by which hold of those that were placed at this time or after it (UTC milliseconds since 1970).
///
/// # Errors
/// When the log or the state cannot be read.
pub(crate) fn held(node: &Node, since_ms: u64) -> Result<BTreeMap<u64, String>, Failure> {
    held_in(node, &Of::current(node), since_ms)
}

/// The same in a log that may be over.
///
/// # Errors
/// As [`held`].
pub(super) fn held_in(node: &Node, log: &Of, since_ms: u64) -> Result<BTreeMap<u64, String>, Failure> {
    let mut held = BTreeMap::new();
    let holds = node.state.scan::<HoldLine>(HOLDS)?.into_iter();
    for (_, hold) in holds.filter(|(_, hold)| hold.since_ms >= since_ms) {
        let said = format!("`{}`, by {}: {}", hold.id, hold.by, hold.reason);
        for index in covered(node, log, &hold)? {
            held.entry(index).or_insert_with(|| said.clone());
        }
    }
    Ok(held)
}

/// Refuses what is held.
///
/// # Errors
/// Names the hold and the record.
pub(super) fn check_holds(node: &Node, log: &Of, targets: &[Target]) -> Result<(), Failure> {
    for (_, hold) in node.state.scan::<HoldLine>(HOLDS)? {
        let covered = covered(node, log, &hold)?;
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
