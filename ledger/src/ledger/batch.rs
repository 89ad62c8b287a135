//! One batch: records get their numbers, their envelopes and their places in the tree, and become one write.

use super::Shared;
use super::grown::{Grown, Placed};
use super::place::{stored_counter, stored_once};
use super::prepare::Prepared;
use crate::error::{AppendError, LedgerError};
use crate::record::Reservation;
use crate::section::Associated;
use crate::store::codec::{HEAD, Head, StreamPlace, counter_key, stream_key};
use crate::store::ordered::Ordered;
use crate::store::rocks::{Batch, Part};
use crate::store::tiles;
use crate::tile::ENTRY_BYTES;
use std::collections::{BTreeMap, HashMap};

/// What a usual record takes, about, so that a batch of them grows without being moved: in the log besides its sections, for its keys (five
/// of 73 bytes), and in the index.
const AROUND_SECTIONS: usize = 1536;
const AROUND_KEYS: usize = 400;
const INDEX_ENTRIES: usize = 12;
const INDEX_ENTRY_BYTES: usize = 80;

/// What became of a draft.
pub(crate) enum Taken {
    /// It is the record at this position of the batch, or repeats it.
    Placed { position: usize, replayed: bool },
    /// It repeats a record of an earlier batch.
    Replayed { index: u64 },
    /// It is refused.
    Refused(AppendError),
}

/// A batch being put together. What earlier drafts of the batch changed is seen by later ones.
pub(crate) struct Building<'a> {
    pub(super) shared: &'a Shared,
    pub(super) log: Batch<'a>,
    pub(super) keys: Batch<'a>,
    /// What belongs into [`Part::Index`].
    pub(super) index: Ordered,
    pub(super) head: Head,
    pub(super) grown: Grown,
    pub(super) entries: Vec<[u8; ENTRY_BYTES]>,
    pub(super) records: Vec<Placed>,
    /// Streams and counters that the batch moved, as they stand after its records so far.
    pub(super) streams: HashMap<String, StreamPlace>,
    pub(super) counters: HashMap<String, u64>,
    pub(super) once: HashMap<String, ([u8; 32], u64)>,
    pub(super) room: Room,
}

/// Memory that every record of a batch uses again.
#[derive(Default)]
pub(super) struct Room {
    /// A section's text.
    pub(super) text: Vec<u8>,
    /// Associated data of the record's sections.
    pub(super) associated: Associated,
    /// An entry of the lineage index, or the map of a record's MACs.
    pub(super) entry: Vec<u8>,
}

/// A batch put together: two writes, in this order, and what is known once they are durable.
pub(crate) struct Built<'a> {
    pub(crate) keys: Batch<'a>,
    pub(crate) log: Batch<'a>,
    pub(crate) head: Head,
    pub(crate) first: u64,
    pub(crate) records: Vec<Placed>,
    pub(crate) grown: Grown,
}

impl<'a> Building<'a> {
    /// For so many jobs, the sections of which have so many bytes.
    pub(crate) fn new(shared: &'a Shared, head: &Head, jobs: usize, bytes: usize) -> Self {
        Self {
            shared,
            log: shared.log.batch_of(bytes + jobs * AROUND_SECTIONS),
            keys: shared.keys.rocks().batch_of(jobs * AROUND_KEYS),
            index: Ordered::of(jobs * INDEX_ENTRIES, INDEX_ENTRY_BYTES),
            head: head.clone(),
            grown: Grown::after(head.frontier.clone()),
            entries: Vec::with_capacity(jobs),
            records: Vec::with_capacity(jobs),
            streams: HashMap::new(),
            counters: HashMap::new(),
            once: HashMap::with_capacity(jobs),
            room: Room::default(),
        }
    }

    /// Adds writes that need no record.
    pub(crate) fn write(&mut self, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), LedgerError> {
        for (key, value) in writes {
            match value {
                Some(value) => self.log.put(Part::State, &key, &value)?,
                None => self.log.delete(Part::State, &key)?,
            }
        }
        Ok(())
    }

    /// Gives a draft its place, or refuses it; a refused one leaves nothing behind. An error ends the log.
    pub(crate) fn take(&mut self, prepared: &mut Prepared) -> Result<Taken, LedgerError> {
        if let Some((key, digest)) = &prepared.draft.once
            && let Some((known, index)) = self.once(key)?
        {
            // Older versions kept the digest itself.
            if known != self.shared.link_key.once(digest) && known != *digest {
                let key = key.clone();
                return Ok(Taken::Refused(AppendError::Conflict { key, index }));
            }
            let first = self.grown.before.size();
            return Ok(match index.checked_sub(first) {
                // Below the batch's bound, so it fits.
                Some(position) => Taken::Placed {
                    position: position as usize,
                    replayed: true,
                },
                None => Taken::Replayed { index },
            });
        }
        let counters = match self.reserve(&prepared.draft.reservations)? {
            Ok(counters) => counters,
            Err(refused) => return Ok(Taken::Refused(refused)),
        };
        let position = self.records.len();
        self.place(prepared, counters)?;
        Ok(Taken::Placed {
            position,
            replayed: false,
        })
    }

    fn once(&self, key: &str) -> Result<Option<([u8; 32], u64)>, LedgerError> {
        if let Some(known) = self.once.get(key) {
            return Ok(Some(*known));
        }
        stored_once(self.shared, key)
    }

    fn counter(&self, key: &str) -> Result<u64, LedgerError> {
        match self.counters.get(key) {
            Some(value) => Ok(*value),
            None => stored_counter(self.shared, key),
        }
    }

    /// The counters as they stand after these changes, or why not.
    fn reserve(&self, changes: &[Reservation]) -> Result<Result<BTreeMap<String, u64>, AppendError>, LedgerError> {
        let mut after: BTreeMap<String, u64> = BTreeMap::new();
        for change in changes {
            let (Reservation::Add { key, .. } | Reservation::Release { key, .. }) = change;
            let used = match after.get(key) {
                Some(value) => *value,
                None => self.counter(key)?,
            };
            let value = match change {
                Reservation::Add { add, at_most, .. } => used
                    .checked_add(*add)
                    .filter(|sum| sum <= at_most)
                    .ok_or_else(|| AppendError::Exhausted {
                        key: key.clone(),
                        used,
                        add: *add,
                        at_most: *at_most,
                    }),
                Reservation::Release { amount, .. } => {
                    used.checked_sub(*amount).ok_or_else(|| AppendError::Unreserved {
                        key: key.clone(),
                        used,
                        amount: *amount,
                    })
                }
            };
            match value {
                Ok(value) => after.insert(key.clone(), value),
                Err(refused) => return Ok(Err(refused)),
            };
        }
        Ok(Ok(after))
    }

    /// Puts the last writes of the batch together.
    pub(crate) fn finish(mut self) -> Result<Built<'a>, LedgerError> {
        let first = self.grown.before.size();
        self.grown.finish(&self.head.frontier);
        self.index.write(&mut self.log, Part::Index)?;
        // As the batch leaves them: many of its records may have moved the same one.
        for (stored_key, place) in &self.streams {
            self.log.put(Part::State, &stream_key(stored_key), &place.encode())?;
        }
        for (key, value) in &self.counters {
            self.log.put(Part::State, &counter_key(key), &value.to_be_bytes())?;
        }
        if !self.records.is_empty() {
            tiles::put_entries(&mut self.log, first, &self.entries)?;
            for (tile_level, (number, hashes)) in self.grown.levels.iter().step_by(8).enumerate() {
                // Levels are below 64, so tile levels are below 8.
                tiles::put_hashes(&mut self.log, tile_level as u8, *number, hashes)?;
            }
            self.log.put(Part::State, HEAD, &self.head.encode())?;
        }
        Ok(Built {
            keys: self.keys,
            log: self.log,
            head: self.head,
            first,
            records: self.records,
            grown: self.grown,
        })
    }
}
