//! Nodes of the tree that proofs were made of, or will be: complete subtrees never change, and every receipt needs about the same ones.

use super::Shared;
use super::grown::Grown;
use crate::error::LedgerError;
use crate::merkle::{Hash, Nodes};
use crate::store::tiles::StoredTree;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Nodes of a generation, of which two are kept: at about 60 bytes each, a megabyte. What the last 4,000 records completed, at least.
const MOST: usize = 8_192;

type Place = (u8, u64);

/// Hashes of complete subtrees by level and number: what was not asked for while as many others came is forgotten.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Place, Hash>,
    old: HashMap<Place, Hash>,
}

impl Generations {
    fn keep(&mut self, place: Place, hash: Hash) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(place, hash);
    }

    fn get(&mut self, place: Place) -> Option<Hash> {
        if let Some(hash) = self.young.get(&place) {
            return Some(*hash);
        }
        let hash = *self.old.get(&place)?;
        self.keep(place, hash);
        Some(hash)
    }
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A panic while it was held leaves at worst a missing entry.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what a batch completed, which is durable.
    pub(super) fn add(&self, grown: &Grown) {
        let mut known = self.lock();
        for (level, (first, hashes)) in (0u8..).zip(&grown.levels) {
            for (number, hash) in (*first..).zip(hashes) {
                known.keep((level, number), *hash);
            }
        }
    }
}

/// The tree of the first `size` leaves: what is known of it, and the store for the rest.
pub(super) struct KnownTree<'a> {
    recent: &'a Recent,
    stored: StoredTree<'a>,
    size: u64,
}

impl<'a> KnownTree<'a> {
    pub(super) fn new(shared: &'a Shared, size: u64) -> Self {
        Self {
            recent: &shared.recent,
            stored: StoredTree::new(&shared.log, size),
            size,
        }
    }
}

impl Nodes for KnownTree<'_> {
    type Error = LedgerError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, LedgerError> {
        // Of a subtree that is not complete the store says so.
        let is_complete = index < self.size >> level;
        if is_complete && let Some(known) = self.recent.lock().get((level, index)) {
            return Ok(known);
        }
        let hash = self.stored.node(level, index)?;
        self.recent.lock().keep((level, index), hash);
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_what_is_not_goes() {
        let recent = Recent::default();
        let mut known = recent.lock();
        known.keep((3, 7), [1; 32]);
        known.keep((0, 7), [2; 32]);
        for number in 0..3 * MOST as u64 {
            known.keep((1, number), [0; 32]);
            assert_eq!(known.get((3, 7)), Some([1; 32]));
        }
        assert_eq!(known.get((0, 7)), None);
        assert!(known.young.len() <= MOST && known.old.len() <= MOST);
    }
}
