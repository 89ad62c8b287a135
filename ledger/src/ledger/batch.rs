//! One batch: records get their numbers, their envelopes and their places in the tree, and become one write.

use super::Shared;
use super::grown::{Grown, Placed};
use super::prepare::{Prepared, seal};
use crate::digits::hex_text;
use crate::error::{AppendError, LedgerError};
use crate::handover::entry;
use crate::merkle::{Hash, leaf_hash};
use crate::record::{Reservation, Stamp, Term};
use crate::section::SectionName;
use crate::store::codec::{
    HEAD, Head, Reader, Row, StreamPlace, counter_key, document_key, grave_key, leaf_key, once_key, state_key,
    stream_key, term_key, wrapped_key,
};
use crate::store::ordered::Ordered;
use crate::store::rocks::{Batch, Part};
use crate::store::tiles;
use crate::tile::ENTRY_BYTES;
use herleid_vocab::json::MAX_INTEGER;
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
    shared: &'a Shared,
    log: Batch<'a>,
    keys: Batch<'a>,
    /// What belongs into [`Part::Index`].
    index: Ordered,
    head: Head,
    grown: Grown,
    entries: Vec<[u8; ENTRY_BYTES]>,
    records: Vec<Placed>,
    /// Streams and counters that the batch moved, as they stand after its records so far.
    streams: HashMap<String, StreamPlace>,
    counters: HashMap<String, u64>,
    once: HashMap<String, ([u8; 32], u64)>,
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
            entries: Vec::new(),
            records: Vec::new(),
            streams: HashMap::new(),
            counters: HashMap::new(),
            once: HashMap::new(),
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
    pub(crate) fn take(&mut self, prepared: Prepared) -> Result<Taken, LedgerError> {
        if let Some((key, digest)) = &prepared.draft.once
            && let Some((known, index)) = self.once(key)?
        {
            if known != *digest {
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

    fn damaged(&self, what: String) -> LedgerError {
        self.shared.corrupt(what, "a value of its form", "other bytes")
    }

    fn once(&self, key: &str) -> Result<Option<([u8; 32], u64)>, LedgerError> {
        if let Some(known) = self.once.get(key) {
            return Ok(Some(*known));
        }
        let Some(stored) = self.shared.log.get(Part::Index, &once_key(key))? else {
            return Ok(None);
        };
        let mut reader = Reader(&stored);
        let known = reader.array().zip(reader.number());
        known.map(Some).ok_or_else(|| self.damaged(format!("once-key `{key}`")))
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

    fn place(&mut self, prepared: Prepared, counters: BTreeMap<String, u64>) -> Result<(), LedgerError> {
        let Prepared {
            id,
            mut draft,
            mut sealed,
            made,
            wrapped,
            linked,
            // Dropped at the end: by then it is known that the record lists them, to the thread that also erases.
            in_use: _in_use,
        } = prepared;
        let shared = self.shared;
        let record = id.hyphenated().to_string();
        let index = self.head.frontier.size();
        let now_ms = shared.clock.now_ms();
        let recorded_at_ms = now_ms.max(self.head.recorded_at_ms);

        let mut streams: BTreeMap<SectionName, (String, StreamPlace)> = BTreeMap::new();
        for (name, keys) in &made {
            let bytes = match draft.streams.remove(name) {
                None => {
                    let envelope = draft.envelope(&Stamp {
                        id: &record,
                        party: shared.party.as_str(),
                        recorded_at_ms,
                        development: shared.development,
                        clock_stepped: now_ms < recorded_at_ms,
                    });
                    envelope.map_err(|error| {
                        shared.corrupt("the envelope of a new record", "a section", error.to_string())
                    })?
                }
                Some(stored_key) => {
                    let (place, prev) = self.next_in(&stored_key)?;
                    streams.insert(*name, (stored_key, place));
                    if place.n > MAX_INTEGER {
                        let found = place.n.to_string();
                        return Err(shared.corrupt("the number of a stream", "at most 2^53 - 1", found));
                    }
                    stream_section(&place, prev.as_ref())
                }
            };
            sealed.push(seal(shared, &record, *name, keys, &bytes)?);
        }
        let macs = sealed.iter().map(|section| (section.name, section.mac)).collect();
        let entry = entry(&macs);
        let leaf = leaf_hash(&entry);
        self.grown.append(&mut self.head.frontier, leaf);
        self.head.recorded_at_ms = recorded_at_ms;
        self.entries.push(entry);

        let row = Row { id, sections: sealed };
        self.keys.put(Part::State, &wrapped_key(&id), &wrapped)?;
        self.log.put(Part::Records, &index.to_be_bytes(), &row.encode())?;
        let at = index.to_be_bytes();
        self.index.put(&[&leaf_key(&leaf)], &[&at]);
        let linked = linked.placed(recorded_at_ms, |name| streams.get(&name).map(|(_, place)| place.id));
        for (key, value) in linked.rows(index) {
            self.index.put(&[&key], &[&value]);
        }
        let own = linked
            .transaction
            .map(|id| Term::Transaction(id.hyphenated().to_string()));
        // That one is written already.
        for term in draft.terms.iter().filter(|term| Some(*term) != own.as_ref()) {
            self.index.put(&[&term_key(&term.stored_key(), index)], &[]);
        }
        for (digest, bytes) in &draft.documents {
            // Many records list the same DID document or policy: it is written once.
            if !shared.log.has(Part::Evidence, digest)? {
                self.log.put(Part::Evidence, digest, bytes)?;
            }
        }
        for digest in &draft.listed {
            self.index.put(&[&document_key(digest, index)], &[]);
        }
        if let Some((key, digest)) = draft.once {
            self.index.put(&[&once_key(&key)], &[&digest, &at]);
            self.once.insert(key, (digest, index));
        }
        self.counters.extend(counters);
        if let Some(grave) = &draft.grave {
            self.log.put(Part::State, &grave_key(index), &grave.encode())?;
        }
        for (key, value) in draft.state {
            match value {
                Some(value) => self.log.put(Part::State, &state_key(&key), &value)?,
                None => self.log.delete(Part::State, &state_key(&key))?,
            }
        }
        let mut placed = BTreeMap::new();
        for (name, (stored_key, place)) in streams {
            let place = StreamPlace { leaf, ..place };
            self.streams.insert(stored_key, place);
            placed.insert(name, place);
        }
        self.records.push(Placed {
            id,
            leaf,
            recorded_at_ms,
            streams: placed,
        });
        Ok(())
    }

    /// The next place in a stream, whose leaf is still to come, and the leaf hash of the place before.
    fn next_in(&self, stored_key: &str) -> Result<(StreamPlace, Option<Hash>), LedgerError> {
        let last = match self.streams.get(stored_key) {
            Some(place) => Some(*place),
            None => stored_stream(self.shared, stored_key)?,
        };
        let leaf = [0; 32];
        Ok(match last {
            Some(last) => {
                let n = last.n + 1;
                (StreamPlace { n, leaf, ..last }, Some(last.leaf))
            }
            None => {
                let mut random = [0u8; 16];
                self.shared.entropy.fill(&mut random);
                let id = uuid::Builder::from_random_bytes(random).into_uuid();
                (StreamPlace { id, n: 1, leaf }, None)
            }
        })
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

/// The bytes of a section that names a place in a stream: `id`, `n`, and in `prev` the leaf hash of the place before (RFC 8785 form).
fn stream_section(place: &StreamPlace, prev: Option<&Hash>) -> Vec<u8> {
    let prev = prev.map_or_else(|| "null".to_owned(), |leaf| format!("\"{}\"", hex_text(leaf)));
    format!(
        "{{\"id\":\"{}\",\"n\":{},\"prev\":{prev}}}",
        place.id.hyphenated(),
        place.n
    )
    .into_bytes()
}

/// A stream as it stands in the store.
pub(crate) fn stored_stream(shared: &Shared, stored_key: &str) -> Result<Option<StreamPlace>, LedgerError> {
    let Some(stored) = shared.log.get(Part::State, &stream_key(stored_key))? else {
        return Ok(None);
    };
    let place = StreamPlace::decode(&stored);
    place.map(Some).ok_or_else(|| {
        shared.corrupt(
            format!("stream {stored_key}"),
            "56 bytes",
            format!("{} bytes", stored.len()),
        )
    })
}

/// A counter as it stands in the store; 0 when it never moved.
pub(crate) fn stored_counter(shared: &Shared, key: &str) -> Result<u64, LedgerError> {
    let Some(stored) = shared.log.get(Part::State, &counter_key(key))? else {
        return Ok(0);
    };
    let value = <[u8; 8]>::try_from(stored.as_slice()).map(u64::from_be_bytes);
    value.map_err(|_| shared.corrupt(format!("counter `{key}`"), "8 bytes", format!("{} bytes", stored.len())))
}
