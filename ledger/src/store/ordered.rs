//! Entries of a batch that are put into the order of their keys before they are written.
//!
//! The keys of the index come in no order. A memory table looks for the place of a key from that of the one before it: a thousand records'
//! keys in order find theirs in a few steps each, instead of a walk through the whole table.

use super::rocks::{Batch, Part};
use crate::error::LedgerError;
use std::cmp::Ordering;

/// Keys and values, end to end in one piece of memory.
#[derive(Default)]
pub(crate) struct Ordered {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    /// The first bytes of the key: most keys differ there, and need not be looked up to be compared.
    first: u128,
    key: usize,
    value: usize,
    end: usize,
}

impl Ordered {
    /// With room for so many entries, of about so many bytes each.
    pub(crate) fn of(entries: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(entries * bytes),
            entries: Vec::with_capacity(entries),
        }
    }

    /// Adds an entry, key and value each in parts.
    pub(crate) fn put(&mut self, key: &[&[u8]], value: &[&[u8]]) {
        let at = self.bytes.len();
        key.iter().for_each(|part| self.bytes.extend_from_slice(part));
        let value_at = self.bytes.len();
        value.iter().for_each(|part| self.bytes.extend_from_slice(part));
        let mut first = [0; 16];
        let written = self.bytes.get(at..value_at).unwrap_or_default();
        first.iter_mut().zip(written).for_each(|(to, byte)| *to = *byte);
        self.entries.push(Entry {
            first: u128::from_be_bytes(first),
            key: at,
            value: value_at,
            end: self.bytes.len(),
        });
    }

    /// Adds all entries to a batch. Of two values under one key the one that was put later counts.
    pub(crate) fn write(mut self, batch: &mut Batch<'_>, part: Part) -> Result<(), LedgerError> {
        let bytes = self.bytes.as_slice();
        let key = |entry: &Entry| bytes.get(entry.key..entry.value).unwrap_or_default();
        let order = |a: &Entry, b: &Entry| match a.first.cmp(&b.first) {
            // A key that is shorter than 16 bytes looks like one with zeroes at its end.
            Ordering::Equal => key(a).cmp(key(b)),
            differ => differ,
        };
        self.entries.sort_by(order);
        for entry in &self.entries {
            batch.put(part, key(entry), bytes.get(entry.value..entry.end).unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::rocks::Rocks;
    use super::*;

    #[test]
    fn what_was_put_is_there_whatever_the_order_and_of_two_the_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let rocks = Rocks::open(dir.path(), &[Part::State], dir.path()).unwrap();
        let long = |last: u8| [[7u8; 40].as_slice(), &[last]].concat();
        let mut ordered = Ordered::default();
        ordered.put(&[b"b", &long(2)], &[b"2"]);
        ordered.put(&[b"b", &long(1)], &[b"1", b"1"]);
        ordered.put(&[b"a\0"], &[b"zero"]);
        ordered.put(&[b"a"], &[b"old"]);
        ordered.put(&[b"b"], &[]);
        ordered.put(&[b"a"], &[b"new"]);
        let keys: Vec<u128> = ordered.entries.iter().map(|entry| entry.first).collect();
        assert_eq!(
            (keys[0], keys[2]),
            (keys[1], keys[3]),
            "these differ behind their first bytes alone"
        );
        let mut batch = rocks.batch();
        ordered.write(&mut batch, Part::State).unwrap();
        batch.write_synced().unwrap();
        let mut found = Vec::new();
        rocks
            .scan(Part::State, b"", |key, value| {
                found.push((key.to_vec(), value.to_vec()));
                true
            })
            .unwrap();
        let expected = [
            (b"a".to_vec(), b"new".to_vec()),
            (b"a\0".to_vec(), b"zero".to_vec()),
            (b"b".to_vec(), Vec::new()),
            ([b"b", long(1).as_slice()].concat(), b"11".to_vec()),
            ([b"b", long(2).as_slice()].concat(), b"2".to_vec()),
        ];
        assert_eq!(found, expected);
    }
}
