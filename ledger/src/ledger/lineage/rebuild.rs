//! The lineage index made anew from the records, where it is damaged: it says nothing that they do not.

use super::put_links;
use crate::error::LedgerError;
use crate::ledger::upgrade::{begin_rebuilding, end_rebuilding, has_lineage, is_rebuilding};
use crate::ledger::{Ledger, Shared};
use crate::record::{Kind, Term};
use crate::store::codec::term_key;
use crate::store::rocks::Part;
use std::collections::BTreeSet;
use std::sync::PoisonError;

/// Entries removed, or records of which they are made, at once.
const AT_ONCE: usize = 1_024;
/// With what the keys begin that are this index's alone (`store/links/keys.rs`). What lies under a transaction is a term of the record too: it is
/// written over, and not removed.
const OWN: [&[u8]; 3] = [b"n", b"x", b"y"];

impl Ledger {
    /// Removes the lineage index and makes it anew from the records' sections; `told` hears how many records are done, of how many. Broken
    /// off, the next opening of the log makes it, before anybody reads. Nobody may append meanwhile.
    ///
    /// # Errors
    /// When the log is over, or a record cannot be read: what is left of its entry is the last that says what it leads to, and nothing was
    /// removed then. When the log cannot be written.
    pub fn rebuild_lineage(&self, mut told: impl FnMut(u64, u64)) -> Result<(), LedgerError> {
        if self.is_over() {
            return Err(LedgerError::Closed);
        }
        let (shared, size) = (self.shared(), self.size());
        // A check compares with nothing half made.
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        for index in 0..size {
            let (row, _) = shared.row(index)?;
            shared.links_of(index, &row)?;
        }
        begin_rebuilding(&shared.log)?;
        tracing::warn!(
            records = size,
            "the lineage index is removed, and made anew from the records"
        );
        for prefix in OWN {
            while shared.remove_some(prefix)? {}
        }
        told(0, size);
        let (streams, mut kinds) = (shared.stream_terms()?, BTreeSet::new());
        for first in (0..size).step_by(AT_ONCE) {
            let mut batch = shared.log.batch();
            for index in first..size.min(first + AT_ONCE as u64) {
                let (row, _) = shared.row(index)?;
                if let Some(linked) = shared.links_of(index, &row)? {
                    put_links(&mut batch, index, &linked)?;
                    streams.put(&mut batch, index, &linked)?;
                    kinds.extend(linked.kind.is_looked_for().then_some((linked.kind, index)));
                }
            }
            if !batch.is_empty() {
                batch.write_synced()?;
            }
            told(size.min(first + AT_ONCE as u64), size);
        }
        shared.remove_kinds_but(&kinds, size)?;
        end_rebuilding(&shared.log)
    }

    /// That the lineage index knows of every record what it leads to. It alone is asked before bytes are removed to which nothing leads any
    /// more: where it has a hole, they are not removed.
    ///
    /// # Errors
    /// Names the record of which it knows nothing though its envelope was not erased; also one that is damaged. When the log cannot be read.
    pub fn check_leads(&self) -> Result<(), LedgerError> {
        let (shared, size) = (self.shared(), self.size());
        if !has_lineage(&shared.log)? {
            return match is_rebuilding(&shared.log)? {
                true => Err(shared.corrupt("the lineage index", "one that is whole", "one that was being made anew")),
                // What an older version wrote leads there by other ways.
                false => Ok(()),
            };
        }
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut next, mut holes) = (0, Vec::new());
        shared.log.scan(Part::Index, b"n", |rest, _| {
            let Ok(index) = <[u8; 8]>::try_from(rest).map(u64::from_be_bytes) else {
                return true;
            };
            holes.extend(next..index.min(size));
            next = index.saturating_add(1);
            true
        })?;
        holes.extend(next..size);
        for index in holes {
            let (row, _) = shared.row(index)?;
            if shared.links_of(index, &row)?.is_some() {
                let what = format!("the lineage index entry of record {index}");
                return Err(shared.corrupt(what, "one, since the record can be read", "none"));
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Removes entries that lead by a kind to a record of another.
    fn remove_kinds_but(&self, kinds: &BTreeSet<(Kind, u64)>, size: u64) -> Result<(), LedgerError> {
        let mut batch = self.log.batch();
        for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_looked_for()) {
            for index in self.of_kind(kind, size)? {
                if !kinds.contains(&(kind, index)) {
                    batch.delete(Part::Index, &term_key(&Term::Kind(kind).stored_key(), index))?;
                }
            }
        }
        match batch.is_empty() {
            true => Ok(()),
            false => batch.write_synced(),
        }
    }

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
