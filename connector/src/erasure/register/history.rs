//! What the list of erasures proves of a log: its entries are signed by the log's own key, and say how far it had come.

use super::{Listed, RegisterError, folders, read};
use crate::commands::Failure;
use crate::node::{Node, Secrets};
use crate::state::digest_bytes;
use ed25519_dalek::SigningKey;
use herleid_ledger::LedgerError;
use std::path::Path;

/// Why the log `origin` cannot have had no more than `size` records, by what is listed in `folder`.
///
/// # Errors
/// When the list cannot be read.
pub(crate) fn went_on(
    folder: &Path,
    key: &SigningKey,
    origin: &str,
    size: u64,
) -> Result<Option<String>, RegisterError> {
    let mut all = read(folder, key)?.into_iter();
    Ok(all.find_map(|listed| beyond(&listed, origin, size)))
}

/// How many records the log `origin` had when something was listed, if it said so.
fn counted(listed: &Listed, origin: &str) -> Option<u64> {
    match &listed.recorded {
        Some(recorded) => (recorded.origin == origin).then_some(recorded.size),
        None => listed.size.filter(|_| listed.origin == origin),
    }
}

fn beyond(listed: &Listed, origin: &str, size: u64) -> Option<String> {
    let records = listed.erasure.records.iter().filter(|_| listed.origin == origin);
    let last = records.map(|record| record.index + 1).max();
    let of_it = listed.size.filter(|_| listed.origin == origin);
    let known = counted(listed, origin)
        .max(of_it)
        .max(last)
        .filter(|known| *known > size)?;
    Some(format!(
        "when the erasure `{}` was listed it had {known} records",
        listed.erasure.id
    ))
}

/// Why the log of this connector is not the one, or not all of it, of which erasures are listed; `None` when nothing speaks against it.
///
/// # Errors
/// When the list or the log cannot be read.
pub(in crate::erasure) fn check_history(node: &Node) -> Result<Option<String>, Failure> {
    let secrets = Secrets::load(&node.config.keys.directory).map_err(Failure::failed)?;
    let register = node.config.erasure.register.as_deref();
    for folder in folders(register, &node.config.storage.directory)? {
        for listed in read(&folder, &secrets.log)? {
            let origin = node.ledger.origin();
            let found = match beyond(&listed, origin, node.ledger.size()) {
                None if listed.origin != origin => None,
                None => differs(node, &listed)?,
                beyond => beyond,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// Which record under a number that is listed is another one.
fn differs(node: &Node, listed: &Listed) -> Result<Option<String>, Failure> {
    for (index, leaf) in &listed.leaves {
        let found = match node.ledger.record(*index) {
            // Nobody knows which it is; a check of the log names it.
            Err(LedgerError::Corrupt { .. }) => continue,
            other => other?,
        };
        if digest_bytes(leaf).as_ref() != Some(found.leaf()) {
            let id = &listed.erasure.id;
            return Ok(Some(format!(
                "when the erasure `{id}` was listed its record {index} was another one"
            )));
        }
    }
    Ok(None)
}
