//! What an erasure takes from the lineage index: what only the sections that go said.

use super::Shared;
use crate::error::LedgerError;
use crate::store::codec::Row;
use crate::store::links::linked_key;
use std::collections::BTreeSet;

/// What becomes of the entries of one record.
#[derive(Debug, Default)]
pub(crate) struct Bared {
    /// Keys that go.
    pub(crate) gone: Vec<Vec<u8>>,
    /// Key and bytes of the entry that takes the place of the old one.
    pub(crate) anew: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether something was damaged, so that nobody can tell what has to go.
    pub(crate) is_unclear: bool,
}

/// `None` for what cannot be read.
fn readable<T>(read: Result<T, LedgerError>) -> Result<Option<T>, LedgerError> {
    match read {
        Err(LedgerError::Corrupt { .. } | LedgerError::WrongKek { .. }) => Ok(None),
        other => other.map(Some),
    }
}

impl Shared {
    /// `left` is the row without what goes. A record without an entry leaves none: the index of its log is still to be made, or it was
    /// damaged when that was.
    pub(crate) fn bare_links(&self, index: u64, left: &Row) -> Result<Bared, LedgerError> {
        let (Some(old), Some(new)) = (readable(self.linked(index))?, readable(self.links_of(index, left))?) else {
            return Ok(Bared {
                is_unclear: true,
                ..Bared::default()
            });
        };
        let Some(old) = old.filter(|old| new.as_ref() != Some(old)) else {
            return Ok(Bared::default());
        };
        let staying: BTreeSet<Vec<u8>> = new.iter().flat_map(|new| new.ways_back(index)).collect();
        let mut gone = old.ways_back(index);
        gone.retain(|way| !staying.contains(way));
        let anew = new.map(|new| (linked_key(index), new.encode()));
        if anew.is_none() {
            gone.push(linked_key(index));
        }
        Ok(Bared {
            gone,
            anew,
            is_unclear: false,
        })
    }
}
