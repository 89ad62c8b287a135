//! The lineage index made anew from the records, where it is damaged: it says nothing that they do not.

use super::put_links;
use crate::error::LedgerError;
use crate::ledger::upgrade::undamaged;
use crate::ledger::{Ledger, Shared};
use crate::store::rocks::Part;
use std::sync::PoisonError;

/// Entries removed, or records of which they are made, at once.
const AT_ONCE: usize = 1_024;
/// With what the keys begin that are this index's alone (`store/links/keys.rs`). What lies under a transaction is a term of the record too: it is
/// written over, and not removed.
const OWN: [&[u8]; 3] = [b"n", b"x", b"y"];

impl Ledger {
    /// Removes the lineage index and makes it anew from the records' sections; `told` hears how many records are done, of how many. Broken
    /// off, the index has holes, which [`Ledger::verify_all`] and every trace name, until this is called again. Of a record that cannot be
    /// read nothing is made, as ever. Nobody may append meanwhile.
    ///
    /// # Errors
    /// When the log is over, cannot be read or cannot be written.
    pub fn rebuild_lineage(&self, mut told: impl FnMut(u64, u64)) -> Result<(), LedgerError> {
        if self.is_over() {
            return Err(LedgerError::Closed);
        }
        let (shared, size) = (self.shared(), self.size());
        // A check compares with nothing half made.
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        tracing::warn!(
            records = size,
            "the lineage index is removed, and made anew from the records"
        );
        for prefix in OWN {
            while shared.remove_some(prefix)? {}
        }
        for first in (0..size).step_by(AT_ONCE) {
            let mut batch = shared.log.batch();
            for index in first..size.min(first + AT_ONCE as u64) {
                let links = shared.row(index).and_then(|(row, _)| shared.links_of(index, &row));
                if let Some(linked) = undamaged(links)?.flatten() {
                    put_links(&mut batch, index, &linked)?;
                }
            }
            if !batch.is_empty() {
                batch.write_synced()?;
            }
            told(size.min(first + AT_ONCE as u64), size);
        }
        Ok(())
    }
}

impl Shared {
    /// Removes the first entries whose keys begin so; whether there were any.
    fn remove_some(&self, prefix: &[u8]) -> Result<bool, LedgerError> {
        let mut keys = Vec::new();
        self.log.scan(Part::Index, prefix, |rest, _| {
            keys.push([prefix, rest].concat());
            keys.len() < AT_ONCE
        })?;
        if keys.is_empty() {
            return Ok(false);
        }
        let mut batch = self.log.batch();
        for key in &keys {
            batch.delete(Part::Index, key)?;
        }
        batch.write_synced()?;
        Ok(true)
    }
}
