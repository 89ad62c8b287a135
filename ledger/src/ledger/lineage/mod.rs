//! The lineage index: where a trace begins, and what it is told without opening a record.

mod bared;
mod found;
mod walk;

pub use found::{Activity, Bounds, Direction, Edge, Follows, Lineage};

use super::upgrade::has_lineage;
use super::{Ledger, Shared};
use crate::error::LedgerError;
use crate::record::{Kind, Side, StreamKey, Subject, Term};
use crate::section::SectionName;
use crate::store::codec::{Row, StreamPlace, stream_key, term_key};
use crate::store::links::{Linked, linked_key, ref_prefix};
use crate::store::rocks::{Batch, Part};
use herleid_vocab::json;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::thread;
use uuid::Uuid;

/// Writes a record's entry, the ways back to it, and its transaction, by which its other records are found.
pub(crate) fn put_links(batch: &mut Batch<'_>, index: u64, linked: &Linked) -> Result<(), LedgerError> {
    batch.put(Part::Index, &linked_key(index), &linked.encode())?;
    for way in linked.ways_back(index) {
        batch.put(Part::Index, &way, &[])?;
    }
    match &linked.transaction {
        Some(id) => batch.put(Part::Index, &own_key(id, index), &[]),
        None => Ok(()),
    }
}

/// Key by which a transaction leads to a record that names it.
fn own_key(transaction: &Uuid, index: u64) -> Vec<u8> {
    term_key(
        &Term::Transaction(transaction.hyphenated().to_string()).stored_key(),
        index,
    )
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

/// A number at the end of a key.
fn number(bytes: &[u8]) -> Option<u64> {
    <[u8; 8]>::try_from(bytes).ok().map(u64::from_be_bytes)
}

impl Shared {
    fn decoded(&self, index: u64, entry: &[u8]) -> Result<Linked, LedgerError> {
        Linked::decode(entry).ok_or_else(|| {
            self.corrupt(
                format!("the lineage entry of record {index}"),
                "the form that this version writes",
                format!("{} other bytes", entry.len()),
            )
        })
    }

    /// A record's entry; `None` when there is none.
    pub(crate) fn linked(&self, index: u64) -> Result<Option<Linked>, LedgerError> {
        let entry = self.log.get(Part::Index, &linked_key(index))?;
        entry.map(|entry| self.decoded(index, &entry)).transpose()
    }

    /// The entries of these records, in order.
    pub(crate) fn linked_many(&self, indices: &[u64]) -> Result<Vec<Option<Linked>>, LedgerError> {
        let found = spread(indices, |_, indices| {
            let mut found = Vec::with_capacity(indices.len());
            for indices in indices.chunks(AT_ONCE) {
                let keys: Vec<Vec<u8>> = indices.iter().map(|index| linked_key(*index)).collect();
                let entries = self.log.get_sorted(Part::Index, &keys)?;
                for (index, entry) in indices.iter().zip(entries) {
                    found.push(entry.map(|entry| self.decoded(*index, &entry)).transpose()?);
                }
            }
            Ok(found)
        });
        Ok(found?.into_iter().flatten().collect())
    }

    /// The numbers below `size` that keys with these prefixes, which are in order, end in; each with the place of its prefix.
    fn numbers_under(&self, prefixes: &[Vec<u8>], size: u64) -> Result<Vec<(usize, u64)>, LedgerError> {
        let found = spread(prefixes, |first, prefixes| {
            let mut found = Vec::new();
            self.log.scan_many(Part::Index, prefixes, |at, rest| {
                // What is written but not yet published is not there for anybody.
                found.extend(
                    number(rest)
                        .filter(|index| *index < size)
                        .map(|index| (first + at, index)),
                );
                true
            })?;
            Ok(found)
        });
        Ok(found?.into_iter().flatten().collect())
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

impl Ledger {
    /// Whether this log has a lineage index. One that is over and that an older version wrote has none, and stays as it is: of what its
    /// records rest on, and of their digests and times, the index says nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_lineage(&self) -> Result<bool, LedgerError> {
        has_lineage(&self.shared().log)
    }

    /// The records to which content with this SHA-256 or BLAKE3 came, from which it left, which made it, or which used it; in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn by_digest(&self, digest: &[u8; 32]) -> Result<Vec<u64>, LedgerError> {
        let (shared, size) = (self.shared(), self.size());
        let mut found = BTreeSet::new();
        shared
            .log
            .scan(Part::Index, &ref_prefix(&shared.link_key.digest(digest)), |rest, _| {
                // The role, then the record.
                found.extend(rest.split_first().and_then(|(_, index)| number(index)));
                true
            })?;
        Ok(found.into_iter().filter(|index| *index < size).collect())
    }

    /// Those of `indices`, which are in order, that are of this kind.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn of_kind(&self, indices: &[u64], kind: Kind) -> Result<Vec<u64>, LedgerError> {
        self.filtered(indices, |entry| entry.kind == kind)
    }

    /// Those of `indices`, which are in order, that are about this version of a dataset or a model service.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn about(&self, indices: &[u64], id: &str, version: &str) -> Result<Vec<u64>, LedgerError> {
        let shared = self.shared();
        let wanted = shared.link_key.subject(&Subject {
            id: id.to_owned(),
            version: version.to_owned(),
        });
        self.filtered(indices, |entry| entry.subject == Some(wanted))
    }

    fn filtered(&self, indices: &[u64], is: impl Fn(&Linked) -> bool) -> Result<Vec<u64>, LedgerError> {
        let entries = self.shared().linked_many(indices)?;
        let found = indices.iter().zip(entries);
        let found = found.filter(|(_, entry)| entry.as_ref().is_some_and(&is));
        Ok(found.map(|(index, _)| *index).collect())
    }

    /// The records with `from_ms <= recordedAt < until_ms` (UTC, milliseconds since 1970).
    ///
    /// # Errors
    /// When the index cannot be read, or lacks a record.
    pub fn recorded_between(&self, from_ms: u64, until_ms: u64) -> Result<Range<u64>, LedgerError> {
        let from = self.first_at(from_ms)?;
        Ok(from..self.first_at(until_ms)?.max(from))
    }

    /// The first record that is not before this time: `recordedAt` never steps back.
    fn first_at(&self, at_ms: u64) -> Result<u64, LedgerError> {
        let (mut low, mut high) = (0, self.size());
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.shared().linked(middle)?;
            // Of a record whose envelope was erased, or that was damaged when the index was made, the time is not known.
            let known = match entry {
                Some(entry) => entry.at_ms,
                None => self.time_before(middle)?,
            };
            if known < at_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The time of the nearest record before this one that has an entry.
    fn time_before(&self, index: u64) -> Result<u64, LedgerError> {
        for index in (0..index).rev() {
            if let Some(entry) = self.shared().linked(index)? {
                return Ok(entry.at_ms);
            }
        }
        Ok(0)
    }

    /// What these streams are of, and how many records each has.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn streams_by_id(&self, ids: &BTreeSet<Uuid>) -> Result<BTreeMap<Uuid, (StreamKey, u64)>, LedgerError> {
        let mut found = BTreeMap::new();
        self.shared().log.scan(Part::State, &stream_key(""), |key, place| {
            if let Some(place) = StreamPlace::decode(place).filter(|place| ids.contains(&place.id))
                && let Some(key) = StreamKey::from_stored(key)
            {
                found.insert(place.id, (key, place.n));
            }
            found.len() < ids.len()
        })?;
        Ok(found)
    }
}

impl StreamKey {
    /// Undoes `stored_key`.
    fn from_stored(stored: &[u8]) -> Option<Self> {
        let Value::Array(parts) = serde_json::from_slice(stored).ok()? else {
            return None;
        };
        let texts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
        match *texts?.as_slice() {
            ["stream-agreement", agreement, side, other] => Some(Self::Agreement {
                agreement: agreement.to_owned(),
                side: match side {
                    "provider" => Side::Provider,
                    "consumer" => Side::Consumer,
                    _ => return None,
                },
                other: other.parse().ok()?,
            }),
            ["stream-model", model, consumer] => Some(Self::Model {
                model: model.to_owned(),
                consumer: consumer.parse().ok()?,
            }),
            ["stream-case", case] => Some(Self::Case { case: case.to_owned() }),
            _ => None,
        }
    }
}
