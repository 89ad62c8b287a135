//! What is listed, and what of it a log still has.

use super::{Listed, RegisterError, read};
use crate::commands::Failure;
use crate::control::protocol::ErasedRecord;
use crate::erasure::over::Of;
use crate::state::digest_bytes;
use ed25519_dalek::SigningKey;
use herleid_ledger::LedgerError;
use herleid_ledger::section::SectionName;
use std::collections::BTreeMap;
use std::path::Path;

/// What is listed of a log in any of `folders`, by record: for one that is over, where it is not shown any more. Of a record that `is_other` than the one
/// with this leaf hash nothing was erased: another history has other records under these numbers.
///
/// # Errors
/// As [`read`].
pub(crate) fn of_log(
    folders: &[&Path],
    key: &SigningKey,
    origin: &str,
    is_other: impl Fn(u64, &[u8; 32]) -> bool,
) -> Result<BTreeMap<u64, Vec<SectionName>>, RegisterError> {
    let mut erased: BTreeMap<u64, Vec<SectionName>> = BTreeMap::new();
    let mut all = Vec::new();
    for folder in folders {
        all.extend(read(folder, key)?);
    }
    for listed in all.into_iter().filter(|listed| listed.origin == origin) {
        for record in &listed.erasure.records {
            let leaf = listed.leaves.get(&record.index).and_then(|leaf| digest_bytes(leaf));
            if leaf.is_some_and(|leaf| is_other(record.index, &leaf)) {
                continue;
            }
            let names = record
                .sections
                .iter()
                .filter_map(|name| name.parse::<SectionName>().ok());
            erased.entry(record.index).or_default().extend(names);
        }
    }
    Ok(erased)
}

/// The sections that are listed, by record.
pub(in crate::erasure) fn sections(listed: &Listed) -> BTreeMap<u64, Vec<SectionName>> {
    let names = |names: &[String]| names.iter().filter_map(|name| name.parse().ok()).collect();
    let records = listed.erasure.records.iter();
    records.map(|record| (record.index, names(&record.sections))).collect()
}

/// What of it is still there.
///
/// # Errors
/// When the log cannot be read.
pub(in crate::erasure) fn left(of: &Of, listed: &Listed) -> Result<Vec<ErasedRecord>, Failure> {
    let mut left = Vec::new();
    for record in &listed.erasure.records {
        if record.index >= of.ledger.size() {
            continue;
        }
        let found = match of.ledger.record(record.index) {
            // It cannot be shown either; a check of the log names it.
            Err(error @ LedgerError::Corrupt { .. }) => {
                tracing::error!(%error, "whether something that was erased is here again cannot be told of a damaged record");
                continue;
            }
            other => other?,
        };
        let leaf = listed.leaves.get(&record.index).and_then(|leaf| digest_bytes(leaf));
        if leaf.as_ref() != Some(found.leaf()) {
            continue;
        }
        let is_there = |name: &&String| {
            let name = name.parse::<SectionName>();
            name.is_ok_and(|name| found.sections().contains_key(&name))
        };
        let sections: Vec<String> = record.sections.iter().filter(is_there).cloned().collect();
        if !sections.is_empty() {
            left.push(ErasedRecord {
                sections,
                tombstone: None,
                ..record.clone()
            });
        }
    }
    Ok(left)
}
