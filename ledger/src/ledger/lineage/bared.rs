//! What an erasure takes from the lineage index: what only the sections that go said.

use super::Shared;
use super::has_lineage;
use crate::error::LedgerError;
use crate::ledger::upgrade::undamaged;
use crate::store::codec::Row;
use crate::store::links::transaction_key;
use std::collections::BTreeMap;

/// What becomes of the entries of one record.
#[derive(Debug, Default)]
pub(crate) struct Bared {
    /// Keys that go.
    pub(crate) gone: Vec<Vec<u8>>,
    /// Keys under which something else lies from now on.
    pub(crate) anew: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether something was damaged, so that nobody can tell what has to go.
    pub(crate) is_unclear: bool,
}

impl Shared {
    /// `before` is the record's row as it lies there, `left` the same without what goes. Where there is no entry, what leads to the record
    /// is told by what it says itself.
    pub(crate) fn bare_links(&self, index: u64, before: &Row, left: &Row) -> Result<Bared, LedgerError> {
        let unclear = || {
            Ok(Bared {
                is_unclear: true,
                ..Bared::default()
            })
        };
        let (Some(stored), Some(new)) = (undamaged(self.linked(index))?, undamaged(self.links_of(index, left))?) else {
            return unclear();
        };
        let has_entry = stored.is_some();
        let old = match stored {
            Some(stored) => Some(stored),
            // The index of this log is still to be made: of what is left.
            None if !has_lineage(&self.log)? => return Ok(Bared::default()),
            // It has a hole.
            None => match undamaged(self.links_of(index, before))? {
                Some(said) => said,
                None => return unclear(),
            },
        };
        let Some(old) = old.filter(|old| new.as_ref() != Some(old)) else {
            return Ok(Bared::default());
        };
        let mut bared = Bared::default();
        let old_rows: BTreeMap<Vec<u8>, Vec<u8>> = old.rows(index).into_iter().collect();
        let mut new_rows: BTreeMap<Vec<u8>, Vec<u8>> = new.iter().flat_map(|new| new.rows(index)).collect();
        // It still names its transaction, which is found by that: with nothing to follow.
        if let Some(transaction) = &old.transaction {
            new_rows.entry(transaction_key(transaction, index)).or_default();
        }
        bared.gone = old_rows
            .keys()
            .filter(|key| !new_rows.contains_key(*key))
            .cloned()
            .collect();
        if has_entry {
            new_rows.retain(|key, value| old_rows.get(key) != Some(value));
            bared.anew = new_rows;
        }
        Ok(bared)
    }
}
