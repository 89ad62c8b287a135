//! One record of a batch: its number, its time, its places in streams, its envelope, and all that is written for it.

use super::Shared;
use super::batch::Building;
use super::grown::Placed;
use super::prepare::{Prepared, open, unsealable};
use super::recorded::Places;
use crate::digits::hex64;
use crate::error::LedgerError;
use crate::merkle::{Hash, leaf_hash};
use crate::record::{Stamp, Term};
use crate::store::codec::{
    Reader, StreamPlace, counter_key, document_key, grave_key, leaf_key, once_key, state_key, stream_key, wrapped_key,
};
use crate::store::rocks::Part;
use herleid_vocab::json::{MAX_INTEGER, put_number};
use std::collections::BTreeMap;
use uuid::Uuid;

impl Building<'_> {
    /// Makes a record of a draft that nothing stands against any more, and whose counters stand like this after it. What the record's caller
    /// made is left there, for its own thread to give back.
    pub(super) fn place(
        &mut self,
        prepared: &mut Prepared,
        counters: BTreeMap<String, u64>,
    ) -> Result<(), LedgerError> {
        let shared = self.shared;
        let id = prepared.id;
        let index = self.head.frontier.size();
        let now_ms = shared.clock.now_ms();
        let recorded_at_ms = now_ms.max(self.head.recorded_at_ms);
        let clock_stepped = now_ms < recorded_at_ms;
        let mut streams = self.seal_made(prepared, recorded_at_ms, clock_stepped)?;

        let entry = prepared.row.entry(&mut self.room.entry);
        let leaf = leaf_hash(&entry);
        self.grown.append(&mut self.head.frontier, leaf);
        self.head.recorded_at_ms = recorded_at_ms;
        self.entries.push(entry);

        self.keys.put(Part::State, &wrapped_key(&id), &prepared.wrapped)?;
        let at = index.to_be_bytes();
        self.log.put(Part::Records, &at, prepared.row.bytes())?;
        self.index.put(&[&leaf_key(&leaf)], &[&at]);
        prepared
            .linked
            .set_place(recorded_at_ms, |name| streams.get(name).map(|place| place.id));
        let rows = &mut self.index;
        prepared
            .linked
            .each_row(index, &mut self.room.entry, |key, value| rows.put(key, &[value]));
        let mut own = Uuid::encode_buffer();
        let own = prepared
            .linked
            .transaction
            .map(|id| &*id.hyphenated().encode_lower(&mut own));
        let draft = &mut prepared.draft;
        for term in &draft.terms {
            // That one is written already.
            if matches!(term, Term::Transaction(id) if Some(id.as_str()) == own) {
                continue;
            }
            let (head, bytes) = term.stored_parts();
            self.index.put(&[b"t", &head, bytes, &at], &[]);
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
        if let Some((key, digest)) = draft.once.take() {
            // What two drafts are compared by outlives what was erased, and may be guessed.
            let digest = shared.link_key.once(&digest);
            self.index.put(&[b"o", key.as_bytes()], &[&digest, &at]);
            self.once.insert(key, (digest, index));
        }
        self.counters.extend(counters);
        if let Some(grave) = &draft.grave {
            self.log.put(Part::State, &grave_key(index), &grave.encode())?;
        }
        for (key, value) in &draft.state {
            match value {
                Some(value) => self.log.put(Part::State, &state_key(key), value)?,
                None => self.log.delete(Part::State, &state_key(key))?,
            }
        }
        streams.stand_at(leaf);
        for (name, stored_key) in &draft.streams {
            let Some(place) = streams.get(*name) else { continue };
            match self.streams.get_mut(stored_key) {
                Some(known) => *known = *place,
                None => drop(self.streams.insert(stored_key.clone(), *place)),
            }
        }
        self.records.push(Placed {
            id,
            leaf,
            recorded_at_ms,
            streams,
        });
        // No secret stays longer than it is needed.
        prepared.made.clear();
        // By now it is known that the record lists them, to the thread that also erases.
        prepared.in_use.clear();
        Ok(())
    }

    /// Seals the sections that need the record's place; gives its places in streams, whose leaf is still to come.
    fn seal_made(
        &mut self,
        prepared: &mut Prepared,
        recorded_at_ms: u64,
        clock_stepped: bool,
    ) -> Result<Places, LedgerError> {
        let shared = self.shared;
        let mut record = Uuid::encode_buffer();
        let record = &*prepared.id.hyphenated().encode_lower(&mut record);
        self.room.associated.record(&shared.origin, record);
        let mut streams = Places::default();
        for (name, keys) in &prepared.made {
            self.room.text.clear();
            let stream = prepared.draft.streams.iter().find(|(section, _)| section == name);
            match stream {
                None => {
                    let stamp = Stamp {
                        id: record,
                        party: shared.party.as_str(),
                        recorded_at_ms,
                        development: shared.development,
                        clock_stepped,
                    };
                    let envelope = prepared.draft.envelope_onto(&mut self.room.text, &stamp);
                    envelope.map_err(|error| {
                        shared.corrupt("the envelope of a new record", "a section", error.to_string())
                    })?;
                }
                Some((_, stored_key)) => {
                    let (place, prev) = self.next_in(stored_key)?;
                    if place.n > MAX_INTEGER {
                        let found = place.n.to_string();
                        return Err(shared.corrupt("the number of a stream", "at most 2^53 - 1", found));
                    }
                    streams.put(*name, place);
                    put_stream_section(&mut self.room.text, &place, prev.as_ref());
                }
            }
            let sealed = prepared
                .row
                .add(*name, keys, self.room.associated.of(*name), &self.room.text);
            sealed.map_err(|_| unsealable(shared))?;
            if prepared.draft.handed_over.contains(name) {
                let opened = open(shared, *name, keys, self.room.text.clone())?;
                prepared.opened.push((*name, opened));
            }
        }
        Ok(streams)
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
}

/// Appends the bytes of a section that names a place in a stream: `id`, `n`, and in `prev` the leaf hash of the place before (RFC 8785 form).
fn put_stream_section(to: &mut Vec<u8>, place: &StreamPlace, prev: Option<&Hash>) {
    let mut id = Uuid::encode_buffer();
    to.extend_from_slice(b"{\"id\":\"");
    to.extend_from_slice(place.id.hyphenated().encode_lower(&mut id).as_bytes());
    to.extend_from_slice(b"\",\"n\":");
    put_number(to, place.n);
    match prev {
        None => to.extend_from_slice(b",\"prev\":null}"),
        Some(leaf) => {
            to.extend_from_slice(b",\"prev\":\"");
            to.extend_from_slice(&hex64(leaf));
            to.extend_from_slice(b"\"}");
        }
    }
}

/// A once-key as it stands in the store: the digest, and the record's index.
pub(crate) fn stored_once(shared: &Shared, key: &str) -> Result<Option<([u8; 32], u64)>, LedgerError> {
    let Some(stored) = shared.log.get(Part::Index, &once_key(key))? else {
        return Ok(None);
    };
    let mut reader = Reader(&stored);
    let known = reader.array().zip(reader.number());
    let damaged = || shared.corrupt(format!("once-key `{key}`"), "a value of its form", "other bytes");
    known.map(Some).ok_or_else(damaged)
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
