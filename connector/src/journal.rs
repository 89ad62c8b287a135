//! The journal of negotiations, transfers and obligations: what became of them, one entry for every change of state, written in the commit of the
//! change itself. Whoever is told what happens is told from here and from the log, never from memory: what was not kept did not happen.
//!
//! Entries are numbered from 1. Commits may end in another order than their numbers were given in, so nobody is shown an entry while
//! one with a lower number may still come ([`Journal::settled`]). A number whose commit failed stays unused.

use crate::state::{Change, State, StateError, set};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Entries that are kept: at about 300 bytes each, 30 MB.
pub const KEPT: u64 = 100_000;
/// More changes are never written at once, so an entry that is there after a stop is at most so far behind the head.
const AT_ONCE: u64 = 1_024;
const HEAD: &str = "journal-head";

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// `negotiation`, `transfer` or `obligation`.
    pub of: String,
    /// This end's identifier of it; of an obligation, that of the agreement.
    pub pid: String,
    /// `consumer` or `provider`: which end this is.
    pub role: String,
    /// The participant at the other end.
    pub counterparty: String,
    /// The state before; none when it began.
    pub from: Option<String>,
    /// The state now.
    pub to: String,
    /// Which end's message it was; `clock` where it was nobody's.
    pub by: String,
    /// Identifiers of what it is about, by name: dataset, offer, agreement.
    pub about: BTreeMap<String, String>,
    /// The code of the reason, when it was terminated. Not its text, in which people may have written anything.
    pub code: Option<String>,
}

/// Where entries get their numbers.
pub struct Journal {
    numbers: Arc<Mutex<Numbers>>,
    settled: watch::Sender<u64>,
}

struct Numbers {
    next: u64,
    open: BTreeSet<u64>,
}

impl Numbers {
    fn settled(&self) -> u64 {
        self.open.first().copied().unwrap_or(self.next).saturating_sub(1)
    }
}

/// Numbers that were given, until it is known whether their entries were kept. Dropped after the commit.
#[must_use]
pub struct Noted {
    numbers: Arc<Mutex<Numbers>>,
    settled: watch::Sender<u64>,
    given: Vec<u64>,
}

impl Drop for Noted {
    fn drop(&mut self) {
        let settled = {
            let mut numbers = lock(&self.numbers);
            for number in &self.given {
                numbers.open.remove(number);
            }
            numbers.settled()
        };
        self.settled.send_if_modified(|known| {
            let grown = settled > *known;
            *known = settled.max(*known);
            grown
        });
    }
}

fn lock(numbers: &Mutex<Numbers>) -> MutexGuard<'_, Numbers> {
    // A panic while it was held leaves at worst a number that is never settled, and is after a restart.
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(number: u64) -> String {
    format!("journal/{number:020}")
}

impl Journal {
    /// The journal as it was left.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn open(state: &State) -> Result<Self, StateError> {
        let mut last: u64 = state.get(HEAD)?.unwrap_or(0);
        // The head was written with one of several commits that ended at the same time, not always with the last.
        for number in last + 1..=last + AT_ONCE {
            if state.get::<Entry>(&key(number))?.is_some() {
                last = number;
            }
        }
        let numbers = Numbers {
            next: last + 1,
            open: BTreeSet::new(),
        };
        Ok(Self {
            numbers: Arc::new(Mutex::new(numbers)),
            settled: watch::Sender::new(last),
        })
    }

    /// Adds what is to be written of `entries` to `changes`. The answer is kept until these have been written.
    ///
    /// # Errors
    /// When an entry has no JSON form.
    pub fn note(&self, entries: &[Entry], changes: &mut Vec<Change>) -> Result<Noted, StateError> {
        let mut numbers = lock(&self.numbers);
        let (mut written, mut given) = (Vec::new(), Vec::new());
        for (number, entry) in (numbers.next..).zip(entries) {
            written.push(set(key(number), entry)?);
            if let Some(old) = number.checked_sub(KEPT) {
                written.push((key(old), None));
            }
            given.push(number);
        }
        if let Some(last) = given.last() {
            written.push(set(HEAD, last)?);
            numbers.next = last + 1;
        }
        numbers.open.extend(given.iter().copied());
        drop(numbers);
        changes.extend(written);
        Ok(Noted {
            numbers: self.numbers.clone(),
            settled: self.settled.clone(),
            given,
        })
    }

    /// The last number that can be read: all entries up to it are kept, or never will be.
    #[must_use]
    pub fn settled(&self) -> u64 {
        *self.settled.borrow()
    }

    /// Tells when there is more to be read.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.settled.subscribe()
    }

    /// The lowest number that is still kept.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.settled().saturating_sub(KEPT) + 1
    }

    /// The entries after number `after`, at most `most` numbers further, each with its number. A number without an entry is passed over.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn after(&self, state: &State, after: u64, most: u64) -> Result<Vec<(u64, Entry)>, StateError> {
        let last = self.settled().min(after.saturating_add(most));
        let numbers = after.saturating_add(1)..=last;
        let read = |number| Ok(state.get::<Entry>(&key(number))?.map(|entry| (number, entry)));
        numbers.map(read).filter_map(Result::transpose).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(to: &str) -> Entry {
        Entry {
            at_ms: 1,
            of: "negotiation".to_owned(),
            pid: "urn:uuid:1".to_owned(),
            role: "provider".to_owned(),
            counterparty: "did:web:app.example".to_owned(),
            from: None,
            to: to.to_owned(),
            by: "consumer".to_owned(),
            about: BTreeMap::new(),
            code: None,
        }
    }

    fn names(journal: &Journal, state: &State, after: u64) -> Vec<(u64, String)> {
        let found = journal.after(state, after, 100).unwrap();
        found.into_iter().map(|(number, entry)| (number, entry.to)).collect()
    }

    #[test]
    fn nobody_is_shown_an_entry_while_an_earlier_one_may_still_come() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::new(crate::peers::tests::ledger(directory.path(), "app.example/log/1", 1));
        let journal = Journal::open(&state).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let one = journal.note(&[entry("one")], &mut first).unwrap();
        let two = journal.note(&[entry("two"), entry("three")], &mut second).unwrap();
        // The second commit ends first.
        state.write(second).unwrap();
        drop(two);
        assert_eq!((journal.settled(), names(&journal, &state, 0)), (0, vec![]));
        state.write(first).unwrap();
        drop(one);
        let all = [(1, "one".to_owned()), (2, "two".to_owned()), (3, "three".to_owned())];
        assert_eq!((journal.settled(), names(&journal, &state, 0)), (3, all.to_vec()));
        assert_eq!(names(&journal, &state, 2), all[2..]);
        // The head was last written by the commit that had the lower number: the next start finds the others all the same.
        assert_eq!(state.get::<u64>(HEAD).unwrap(), Some(1));
        let again = Journal::open(&state).unwrap();
        assert_eq!((again.settled(), names(&again, &state, 0).len()), (3, 3));
    }

    #[test]
    fn what_was_not_kept_did_not_happen_and_keeps_nobody_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::new(crate::peers::tests::ledger(directory.path(), "app.example/log/1", 1));
        let journal = Journal::open(&state).unwrap();
        // Its commit fails.
        drop(journal.note(&[entry("lost")], &mut Vec::new()).unwrap());
        let mut changes = Vec::new();
        let noted = journal.note(&[entry("kept")], &mut changes).unwrap();
        state.write(changes).unwrap();
        drop(noted);
        assert_eq!(names(&journal, &state, 0), [(2, "kept".to_owned())]);
        assert!(journal.note(&[], &mut Vec::new()).unwrap().given.is_empty());
        assert_eq!(journal.oldest(), 1);
    }
}
