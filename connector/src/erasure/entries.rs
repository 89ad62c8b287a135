//! What is kept of proposals and holds, and the record of each change.

use super::{bytes, over};
use crate::commands::Failure;
use crate::control::protocol::{Actor, ErasedRecord, ErasureLine, ErasureState, HoldLine};
use crate::node::{Node, fresh_trace};
use crate::state::set;
use herleid_ledger::record::{Draft, Kind};
use herleid_ledger::section::SectionName;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where proposals lie in the state, by their identifiers.
pub(super) const ERASURES: &str = "erasure/";
/// Where holds do.
pub(super) const HOLDS: &str = "hold/";
/// A proposal, or a hold.
pub(super) trait Entry: Serialize {
    /// What it is called in a record.
    const WHAT: &'static str;
    /// Its key.
    fn key(&self) -> String;
}

impl Entry for ErasureLine {
    const WHAT: &'static str = "erasure.proposals";
    fn key(&self) -> String {
        format!("{ERASURES}{}", self.id)
    }
}

impl Entry for HoldLine {
    const WHAT: &'static str = "erasure.holds";
    fn key(&self) -> String {
        format!("{HOLDS}{}", self.id)
    }
}

/// Records that an entry was made, changed or removed, and by whom, with its place in the state.
pub(super) async fn record<T: Entry>(
    node: &Node,
    before: Option<&T>,
    after: Option<&T>,
    by: &Actor,
) -> Result<u64, Failure> {
    let value = |entry: Option<&T>| entry.map_or(Ok(Value::Null), serde_json::to_value);
    let (was, is) = (
        value(before).map_err(Failure::failed)?,
        value(after).map_err(Failure::failed)?,
    );
    let facts = json!({"what": T::WHAT, "before": was, "after": is, "by": by.to_string()});
    let mut draft = Draft::new(Kind::TrustChanged, fresh_trace(node)).section(SectionName::Facts, facts);
    if let Some(entry) = after {
        let (key, value) = set(entry.key(), entry)?;
        draft = draft.put(key, value);
    } else if let Some(entry) = before {
        draft = draft.put(entry.key(), None);
    }
    Ok(node.append(draft).await?.index())
}

/// A proposal.
///
/// # Errors
/// When there is none with this identifier.
pub(super) fn proposal(node: &Node, id: &str) -> Result<ErasureLine, Failure> {
    let found = node.state.get::<ErasureLine>(&format!("{ERASURES}{id}"))?;
    found.ok_or_else(|| {
        Failure::missing(format!("there is no proposal `{id}` to erase something"))
            .next("`herleid erase list` lists them")
    })
}

/// A proposal that waits and is of a record of this one.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn proposed_before(node: &Node, line: &ErasureLine) -> Result<Option<String>, Failure> {
    let records: BTreeSet<u64> = line.records.iter().map(|record| record.index).collect();
    let all = node.state.scan::<ErasureLine>(ERASURES)?.into_iter();
    let mut open = all.filter(|(_, other)| other.state == ErasureState::Proposed);
    let found = open.find(|(_, other)| other.records.iter().any(|record| records.contains(&record.index)));
    Ok(found.map(|(_, other)| other.id))
}

/// A proposal that waits for a second person.
///
/// # Errors
/// When there is none, or it is over.
pub(super) fn open(node: &Node, id: &str) -> Result<ErasureLine, Failure> {
    let found = proposal(node, id)?;
    let by = found
        .decided_by
        .as_ref()
        .map_or("nobody".to_owned(), ToString::to_string);
    match found.state {
        ErasureState::Proposed => Ok(found),
        ErasureState::Erased => Err(Failure::refused(format!("`{id}` was approved by {by}, and is erased"))
            .next(format!("`herleid erase show {id}` says what became of it"))),
        ErasureState::Rejected => Err(Failure::refused(format!("`{id}` was ended by {by}")).next("propose it again")),
    }
}

/// The proposal with the numbers of its tombstones, and whether what they erase is in no file any more.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn with_tombstones(node: &Node, mut line: ErasureLine, buried_below: u64) -> Result<ErasureLine, Failure> {
    if line.state != ErasureState::Erased {
        return Ok(line);
    }
    line.recipients = super::told::recipients(node, &line.id)?;
    if let Some(origin) = line.log.clone() {
        for one in node.ledger.entombed(&origin)? {
            let of_it = line.records.iter_mut().find(|record| record.index == one.index);
            if let Some(record) = of_it
                && says(node, one.tombstone, &line.id, record)?
            {
                record.tombstone = Some(one.tombstone);
            }
        }
        line.is_buried = Some(bytes::are_gone(node)? && !is_left(node, &origin)?);
        return Ok(line);
    }
    for record in &mut line.records {
        let of = node.ledger.record(record.index)?;
        for tombstone in node.ledger.tombstones(of.leaf())? {
            if says(node, tombstone, &line.id, record)? {
                record.tombstone = Some(tombstone);
            }
        }
    }
    let is_buried = |record: &ErasedRecord| record.tombstone.is_some_and(|tombstone| tombstone < buried_below);
    line.is_buried = Some(line.records.iter().all(is_buried));
    Ok(line)
}

/// Whether a log that is over may hold something still that was erased of it. One that was removed does not.
fn is_left(node: &Node, origin: &str) -> Result<bool, Failure> {
    match node.previous.iter().find(|over| over.origin() == origin) {
        Some(over) => Ok(over::is_left(over, &over::said(node, over)?)?),
        None => Ok(node.unreadable.iter().any(|why| why.contains(&format!("`{origin}`")))),
    }
}

fn says(node: &Node, tombstone: u64, id: &str, record: &ErasedRecord) -> Result<bool, Failure> {
    let facts = node
        .ledger
        .record(tombstone)?
        .value(SectionName::Facts)
        .unwrap_or_default();
    Ok(facts.get("proposal").and_then(Value::as_str) == Some(id)
        && facts.get("index").and_then(Value::as_u64) == Some(record.index))
}
