//! What the index says of records, and what they say themselves. An entry that is missing, or that nobody can read, is an error: what rests
//! on a record must not be hidden because its entry is.

use super::{Shared, has_lineage};
use crate::error::LedgerError;
use crate::ledger::upgrade::undamaged;
use crate::record::Kind;
use crate::section::SectionName;
use crate::store::codec::Row;
use crate::store::links::{Linked, Numbered, linked_key, transaction_key, transaction_prefix};
use crate::store::rocks::{Batch, Part};
use herleid_vocab::json;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::PoisonError;
use std::thread;
use uuid::Uuid;

/// Writes a record's entry and all that leads to it.
pub(crate) fn put_links(batch: &mut Batch<'_>, index: u64, linked: &Linked) -> Result<(), LedgerError> {
    for (key, value) in linked.rows(index) {
        batch.put(Part::Index, &key, &value)?;
    }
    Ok(())
}

/// Entries read at once: what is asked for is bounded, whatever the log's size.
const AT_ONCE: usize = 4_096;

/// Look-ups for which another thread is worth its while.
const EACH: usize = 2_048;
/// Threads at most: a trace must not take the whole machine.
const THREADS: usize = 4;

/// Does `work` on parts of `items`, each with the place of its first; several at once when there are many.
fn spread<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(usize, &[T]) -> Result<R, LedgerError> + Sync,
) -> Result<Vec<R>, LedgerError> {
    let threads = items.len() / EACH;
    if threads < 2 {
        return Ok(vec![work(0, items)?]);
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let part = items.len().div_ceil(threads.min(cores).clamp(1, THREADS));
    thread::scope(|scope| {
        let parts = items.chunks(part).enumerate();
        let working = parts.map(|(at, items)| {
            scope.spawn({
                let work = &work;
                move || work(at * part, items)
            })
        });
        let working: Vec<_> = working.collect();
        let done = working.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.collect()
    })
}

impl Shared {
    /// The number at the end of a key that leads to a record.
    pub(super) fn number(&self, bytes: &[u8]) -> Result<u64, LedgerError> {
        let number = <[u8; 8]>::try_from(bytes).map(u64::from_be_bytes);
        number.map_err(|_| {
            let found = format!("{} bytes", bytes.len());
            self.corrupt(
                "a key of the lineage index",
                "the 8 bytes of a record's number at its end",
                found,
            )
        })
    }

    fn unreadable(&self, index: u64, bytes: usize) -> LedgerError {
        self.corrupt(
            format!("the lineage index entry of record {index}"),
            "the form that this version writes",
            format!("{bytes} other bytes"),
        )
    }

    fn numbered_from(&self, index: u64, bytes: &[u8]) -> Result<Numbered, LedgerError> {
        Numbered::decode(bytes).ok_or_else(|| self.unreadable(index, bytes.len()))
    }

    fn linked_from(&self, index: u64, transaction: &Uuid, bytes: &[u8]) -> Result<Linked, LedgerError> {
        let linked = Linked::decode(bytes).filter(|linked| linked.transaction.as_ref() == Some(transaction));
        linked.ok_or_else(|| self.unreadable(index, bytes.len()))
    }

    /// A record's entry as it is stored; `None` when there is none.
    pub(crate) fn linked(&self, index: u64) -> Result<Option<Linked>, LedgerError> {
        let Some(stored) = self.log.get(Part::Index, &linked_key(index))? else {
            return Ok(None);
        };
        match self.numbered_from(index, &stored)? {
            Numbered::Whole(linked) => Ok(Some(linked)),
            Numbered::Under {
                kind,
                at_ms,
                transaction,
            } => {
                let stored = self.log.get(Part::Index, &transaction_key(&transaction, index))?;
                let stored = stored.unwrap_or_default();
                let linked = self.linked_from(index, &transaction, &stored)?;
                match (linked.kind, linked.at_ms) == (kind, at_ms) {
                    true => Ok(Some(linked)),
                    false => Err(self.unreadable(index, stored.len())),
                }
            }
        }
    }

    /// What a record without an entry has instead: nothing, when its envelope was erased, or when it is so damaged that its entry could not
    /// be made. Anything else is a hole in the index.
    fn absent(&self, index: u64) -> Result<(), LedgerError> {
        // One that is over may never have got an index.
        if !has_lineage(&self.log)? {
            return Ok(());
        }
        match self.row(index).and_then(|(row, _)| self.links_of(index, &row)) {
            Ok(None) => Ok(()),
            Err(error) if error.is_altered() => Ok(()),
            Ok(Some(_)) => Err(self.corrupt(
                format!("the lineage index entry of record {index}"),
                "one, since the record can be read",
                "none",
            )),
            Err(error) => Err(error),
        }
    }

    /// The entry that a record of a log that is over should have, where something of it is erased that nobody may remove from the log's files.
    fn masked_links(&self, index: u64) -> Result<Option<Linked>, LedgerError> {
        // Of one that is damaged nothing is known.
        Ok(undamaged(self.said_links(index))?.flatten())
    }

    fn said_links(&self, index: u64) -> Result<Option<Linked>, LedgerError> {
        self.links_of(index, &self.row(index)?.0)
    }

    /// What these records' numbers lead to, in their order.
    pub(super) fn numbered_many(&self, indices: &[u64]) -> Result<Vec<Option<Numbered>>, LedgerError> {
        let found = spread(indices, |_, indices| {
            let mut found = Vec::with_capacity(indices.len());
            for indices in indices.chunks(AT_ONCE) {
                let keys: Vec<Vec<u8>> = indices.iter().map(|index| linked_key(*index)).collect();
                let entries = self.log.get_sorted(Part::Index, &keys)?;
                for (index, entry) in indices.iter().zip(entries) {
                    found.push(self.shown(*index, entry.as_deref())?);
                }
            }
            Ok(found)
        });
        Ok(found?.into_iter().flatten().collect())
    }

    fn shown(&self, index: u64, stored: Option<&[u8]>) -> Result<Option<Numbered>, LedgerError> {
        if self.masked.contains_key(&index) {
            return Ok(self.masked_links(index)?.map(Numbered::from));
        }
        match stored {
            Some(stored) => self.numbered_from(index, stored).map(Some),
            None => self.absent(index).map(|()| None),
        }
    }

    /// The entries of these records, which are in order.
    pub(super) fn linked_many(&self, indices: &[u64]) -> Result<Vec<Option<Linked>>, LedgerError> {
        let numbered = indices.iter().zip(self.numbered_many(indices)?);
        let mut elsewhere = Vec::new();
        let mut found = Vec::with_capacity(indices.len());
        for (at, (index, numbered)) in numbered.enumerate() {
            found.push(match numbered {
                Some(Numbered::Whole(linked)) => Some(linked),
                Some(Numbered::Under { transaction, .. }) => {
                    elsewhere.push((transaction_key(&transaction, *index), (at, *index, transaction)));
                    None
                }
                None => None,
            });
        }
        elsewhere.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let (keys, of): (Vec<Vec<u8>>, Vec<_>) = elsewhere.into_iter().unzip();
        let read = spread(&keys, |first, keys| {
            let mut read = Vec::with_capacity(keys.len());
            for (part, keys) in keys.chunks(AT_ONCE).enumerate() {
                for (at, stored) in self.log.get_sorted(Part::Index, keys)?.into_iter().enumerate() {
                    read.push((first + part * AT_ONCE + at, stored));
                }
            }
            Ok(read)
        })?;
        for (place, stored) in read.into_iter().flatten() {
            if let Some((at, index, transaction)) = of.get(place)
                && let Some(slot) = found.get_mut(*at)
            {
                let linked = self.linked_from(*index, transaction, &stored.unwrap_or_default());
                *slot = match linked {
                    _ if self.masked.contains_key(index) => self.masked_links(*index)?,
                    Ok(linked) => Some(linked),
                    // It may have been erased since its number was looked up.
                    Err(_) => {
                        let _alone = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
                        self.linked(*index)?
                    }
                };
            }
        }
        Ok(found)
    }

    /// The records below `size` of each of these transactions, which are in order, with their entries; each with the place of its transaction.
    pub(super) fn of_transactions(
        &self,
        transactions: &[Uuid],
        size: u64,
    ) -> Result<Vec<(usize, u64, Linked)>, LedgerError> {
        let found = spread(transactions, |first, transactions| {
            let prefixes: Vec<Vec<u8>> = transactions.iter().map(transaction_prefix).collect();
            let mut found = Vec::new();
            self.log.scan_many(Part::Index, &prefixes, |at, rest, entry| {
                let index = self.number(rest)?;
                // Others name the transaction; and what is written but not yet published is not there for anybody.
                if entry.is_empty() || index >= size {
                    return Ok(());
                }
                let transaction = transactions.get(at).copied().unwrap_or_default();
                let linked = match self.masked.contains_key(&index) {
                    true => self
                        .masked_links(index)?
                        .filter(|linked| linked.transaction == Some(transaction)),
                    false => Some(self.linked_from(index, &transaction, entry)?),
                };
                found.extend(linked.map(|linked| (first + at, index, linked)));
                Ok(())
            })?;
            Ok(found)
        });
        Ok(found?.into_iter().flatten().collect())
    }

    /// The numbers below `size` that keys with these prefixes, which are in order, end in; each with the place of its prefix.
    pub(super) fn numbers_under(&self, prefixes: &[Vec<u8>], size: u64) -> Result<Vec<(usize, u64)>, LedgerError> {
        let found = spread(prefixes, |first, prefixes| {
            let mut found = Vec::new();
            self.log.scan_many(Part::Index, prefixes, |at, rest, _| {
                let index = self.number(rest)?;
                // What is written but not yet published is not there for anybody.
                if index < size && self.leads(index, prefixes.get(at).map_or(&[], Vec::as_slice))? {
                    found.push((first + at, index));
                }
                Ok(())
            })?;
            Ok(found)
        });
        Ok(found?.into_iter().flatten().collect())
    }

    /// Whether a key with this beginning may still lead to the record: not when only what was erased did.
    pub(super) fn leads(&self, index: u64, prefix: &[u8]) -> Result<bool, LedgerError> {
        if !self.masked.contains_key(&index) {
            return Ok(true);
        }
        // One that is damaged may lead there still.
        let Some(links) = undamaged(self.said_links(index))? else {
            return Ok(true);
        };
        let mut ways = links.iter().flat_map(|links| links.ways_back(index));
        Ok(ways.any(|way| way.starts_with(prefix)))
    }

    /// What a record's entry should be, by the sections that are still there; `None` when its envelope is not.
    pub(crate) fn links_of(&self, index: u64, row: &Row) -> Result<Option<Linked>, LedgerError> {
        let roots = self.keys.roots(&self.origin, &row.id)?;
        let mut sections: HashMap<SectionName, Value> = HashMap::new();
        for section in &row.sections {
            if let Some((bytes, _)) = self.open_section(index, row, section.name, &roots)? {
                let value = json::parse_section(&bytes).map_err(|error| {
                    let what = format!("section `{}` of record {index}", section.name);
                    self.corrupt(what, "a section", error.to_string())
                })?;
                sections.insert(section.name, value);
            }
        }
        Ok(self.links_from(|name| sections.get(&name)))
    }

    /// The same by sections that are read already.
    pub(crate) fn links_from<'a>(&self, section: impl Fn(SectionName) -> Option<&'a Value>) -> Option<Linked> {
        let envelope = section(SectionName::Envelope)?;
        let kind: Kind = envelope.get("kind")?.as_str()?.parse().ok()?;
        let at_ms = envelope.get("recordedAt")?.as_u64()?;
        Some(Linked::of(kind, at_ms, section, &self.link_key))
    }
}
