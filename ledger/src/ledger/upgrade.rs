//! A log of an older format is brought up to date when it is opened: by adding, never by rewriting what was there.

use super::Shared;
use super::lineage::put_links;
use crate::error::LedgerError;
use crate::record::listed;
use crate::section::SectionName;
use crate::store::codec::{FORMAT, META, document_key};
use crate::store::rocks::{Part, Rocks};
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};

/// Records of which the index is made at once.
const AT_ONCE: u64 = 1_024;

/// The first format with a lineage index.
const LINEAGE: u64 = 3;

/// The description of a store, if it is of an older format.
fn older(rocks: &Rocks) -> Result<Option<Value>, LedgerError> {
    let stored = rocks.get(Part::State, META)?;
    // It was checked before.
    let meta = stored.and_then(|stored| json::parse(&stored, &Limits::MESSAGE).ok());
    Ok(meta.filter(|meta| meta.get("format").and_then(Value::as_u64) < Some(FORMAT)))
}

/// The first format in which a record is found by what follows from it, whether or not its draft said so ([`super::terms`]).
const TERMS: u64 = 5;

/// Whether the index of this store has for each record what follows from it.
pub(super) fn has_terms(log: &Rocks) -> Result<bool, LedgerError> {
    let meta = older(log)?;
    Ok(meta.is_none_or(|meta| meta.get("format").and_then(Value::as_u64) >= Some(TERMS)))
}

/// Whether the index of this store has what each record is linked by.
pub(crate) fn has_lineage(log: &Rocks) -> Result<bool, LedgerError> {
    let meta = older(log)?;
    Ok(meta.is_none_or(|meta| meta.get("format").and_then(Value::as_u64) >= Some(LINEAGE)))
}

/// What the description says besides while the lineage index is made anew: unlike a log of an older format, it may have no other way from digests
/// to records.
const REBUILDING: &str = "rebuilding";

/// Whether the lineage index was being made anew when the store was written last.
pub(crate) fn is_rebuilding(log: &Rocks) -> Result<bool, LedgerError> {
    Ok(older(log)?.is_some_and(|meta| meta.get(REBUILDING).is_some()))
}

/// Says, before any of it is removed, that the lineage index is made anew: broken off, the next opening finishes it as for an older format, also
/// that of a version that knows nothing of this.
pub(super) fn begin_rebuilding(log: &Rocks) -> Result<(), LedgerError> {
    let stored = log.get(Part::State, META)?.unwrap_or_default();
    let mut meta = json::parse(&stored, &Limits::MESSAGE).unwrap_or_default();
    if let Some(members) = meta.as_object_mut() {
        members.insert("format".to_owned(), json!(LINEAGE - 1));
        members.insert(REBUILDING.to_owned(), json!(true));
    }
    put(log, &meta)
}

/// Says that it is whole.
pub(super) fn end_rebuilding(log: &Rocks) -> Result<(), LedgerError> {
    match older(log)? {
        Some(meta) => mark(log, meta),
        None => Ok(()),
    }
}

fn mark(rocks: &Rocks, mut meta: Value) -> Result<(), LedgerError> {
    if let Some(members) = meta.as_object_mut() {
        members.insert("format".to_owned(), json!(FORMAT));
        members.remove(REBUILDING);
    }
    put(rocks, &meta)
}

fn put(rocks: &Rocks, meta: &Value) -> Result<(), LedgerError> {
    let mut batch = rocks.batch();
    batch.put(Part::State, META, meta.to_string().as_bytes())?;
    batch.write_synced()
}

/// Brings the stores of a log of `size` records to the newest format. Broken off, it begins anew at the next start.
///
/// Format 1 had no index from documents to the records that list them, and kept every document in a file. The index is made; files stay
/// where they are and are still found. Format 2 had no lineage index; it is made from the records' sections, and what older versions
/// wrote besides (digests as terms) stays. Format 3 differs from 4 in nothing else than what a tombstone can be about. Before format 5 a record was
/// found by what its draft said alone; what follows from its kind and its streams is added.
pub(crate) fn upgrade(shared: &Shared, size: u64) -> Result<(), LedgerError> {
    if let Some(meta) = older(&shared.log)? {
        let format = meta.get("format").and_then(Value::as_u64);
        let (had_documents, had_lineage, had_terms) =
            (format >= Some(2), format >= Some(LINEAGE), format >= Some(TERMS));
        let from = if had_terms { size } else { 0 };
        let streams = shared.stream_terms()?;
        if size - from > AT_ONCE {
            tracing::info!(
                records = size,
                "making the index of a log of an older format: once, before it is served"
            );
        }
        for first in (from..size).step_by(AT_ONCE as usize) {
            let mut batch = shared.log.batch();
            for index in first..size.min(first + AT_ONCE) {
                // A log with a damaged record can still be read, audited and exported; the audit names the record.
                if !had_documents {
                    for digest in undamaged(documents(shared, index))?.unwrap_or_default() {
                        batch.put(Part::Index, &document_key(&digest, index), &[])?;
                    }
                }
                let links = shared.row(index).and_then(|(row, _)| shared.links_of(index, &row));
                if let Some(linked) = undamaged(links)?.flatten() {
                    if !had_lineage {
                        put_links(&mut batch, index, &linked)?;
                    }
                    streams.put(&mut batch, index, &linked)?;
                }
            }
            batch.write_synced()?;
        }
        // Last: what is marked as done is done.
        mark(&shared.log, meta)?;
    }
    match older(shared.keys.rocks())? {
        Some(meta) => mark(shared.keys.rocks(), meta),
        None => Ok(()),
    }
}

/// `None` for what is damaged.
pub(super) fn undamaged<T>(read: Result<T, LedgerError>) -> Result<Option<T>, LedgerError> {
    match read {
        Err(error) if error.is_altered() => Ok(None),
        other => other.map(Some),
    }
}

/// The documents that a record lists; none when the section was erased.
pub(super) fn documents(shared: &Shared, index: u64) -> Result<Vec<[u8; 32]>, LedgerError> {
    let (row, macs) = shared.row(index)?;
    if !macs.contains_key(&SectionName::Evidence) {
        return Ok(Vec::new());
    }
    let roots = shared.keys.roots(&shared.origin, &row.id)?;
    let Some((bytes, _)) = shared.open_section(index, &row, SectionName::Evidence, &roots)? else {
        return Ok(Vec::new());
    };
    let section = json::parse_section(&bytes).map_err(|error| {
        shared.corrupt(
            format!("the section `evidence` of record {index}"),
            "a section",
            error.to_string(),
        )
    })?;
    let digests = listed(&section).into_iter();
    digests
        .map(|digest| {
            digest.map_err(|other| {
                shared.corrupt(
                    format!("`evidence.documents` of record {index}"),
                    "a SHA-256 in each",
                    other.to_string(),
                )
            })
        })
        .collect()
}
