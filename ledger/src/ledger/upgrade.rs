//! A log of an older format is brought up to date when it is opened: by adding, never by rewriting what was there.

use super::Shared;
use crate::error::LedgerError;
use crate::record::listed;
use crate::section::SectionName;
use crate::store::codec::{FORMAT, META, document_key};
use crate::store::rocks::{Part, Rocks};
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};

/// Records of which the index is made at once.
const AT_ONCE: u64 = 1_024;

/// The description of a store, if it is of an older format.
fn older(rocks: &Rocks) -> Result<Option<Value>, LedgerError> {
    let stored = rocks.get(Part::State, META)?;
    // It was checked before.
    let meta = stored.and_then(|stored| json::parse(&stored, &Limits::MESSAGE).ok());
    Ok(meta.filter(|meta| meta.get("format").and_then(Value::as_u64) < Some(FORMAT)))
}

fn mark(rocks: &Rocks, mut meta: Value) -> Result<(), LedgerError> {
    if let Some(members) = meta.as_object_mut() {
        members.insert("format".to_owned(), json!(FORMAT));
    }
    let mut batch = rocks.batch();
    batch.put(Part::State, META, meta.to_string().as_bytes())?;
    batch.write_synced()
}

/// Brings the stores of a log of `size` records to the newest format. Broken off, it begins anew at the next start.
///
/// Format 1 had no index from documents to the records that list them, and kept every document in a file. The index is made; files stay
/// where they are and are still found.
pub(crate) fn upgrade(shared: &Shared, size: u64) -> Result<(), LedgerError> {
    if let Some(meta) = older(&shared.log)? {
        for first in (0..size).step_by(AT_ONCE as usize) {
            let mut batch = shared.log.batch();
            for index in first..size.min(first + AT_ONCE) {
                let digests = match documents(shared, index) {
                    // A log with a damaged record can still be read, audited and exported; the audit names the record.
                    Err(LedgerError::Corrupt { .. }) => Vec::new(),
                    other => other?,
                };
                for digest in digests {
                    batch.put(Part::Index, &document_key(&digest, index), &[])?;
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

/// The documents that a record lists; none when the section was erased.
fn documents(shared: &Shared, index: u64) -> Result<Vec<[u8; 32]>, LedgerError> {
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
