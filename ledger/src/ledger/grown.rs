//! What a batch added to the tree: enough for every proof of its records, without reading the store.

use super::recorded::Places;
use crate::checkpoint::Checkpoint;
use crate::merkle::{Frontier, Hash, Nodes, ProofError};
use std::sync::Arc;
use uuid::Uuid;

/// A record that has its place.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) id: Uuid,
    pub(crate) leaf: Hash,
    pub(crate) recorded_at_ms: u64,
    pub(crate) streams: Places,
}

/// The subtrees that a batch completed, and the edge before it: enough for every proof of its records.
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) before: Frontier,
    /// Per level the number of the first subtree completed, and the hashes.
    pub(crate) levels: Vec<(u64, Vec<Hash>)>,
    /// Size of the tree with the batch, and the hashes of its ends.
    after: (u64, Vec<(u64, Hash)>),
}

impl Nodes for Grown {
    type Error = ProofError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, ProofError> {
        let made = self.levels.get(usize::from(level)).and_then(|(first, hashes)| {
            let at = usize::try_from(index.checked_sub(*first)?).ok()?;
            hashes.get(at)
        });
        let last_before = (self.before.size() >> level).checked_sub(1);
        let known = made.or_else(|| self.before.at(level).filter(|_| last_before == Some(index)));
        known.copied().ok_or(ProofError::IndexOutside {
            index,
            size: self.before.size(),
        })
    }

    fn end(&self, from: u64, size: u64) -> Option<Hash> {
        let (after, ends) = &self.after;
        let known = ends.iter().find(|(begins, _)| *begins == from && size == *after);
        known.map(|(_, hash)| *hash)
    }
}

/// A batch that is durable and signed.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) first: u64,
    pub(crate) records: Vec<Placed>,
    pub(crate) grown: Grown,
    pub(crate) checkpoint: Arc<Checkpoint>,
}

impl Grown {
    /// Nothing added yet to a tree with this edge.
    pub(crate) const fn after(before: Frontier) -> Self {
        let levels = Vec::new();
        let after = (0, Vec::new());
        Self { before, levels, after }
    }

    /// Nothing more is appended to `frontier`.
    pub(crate) fn finish(&mut self, frontier: &Frontier) {
        self.after = (frontier.size(), frontier.ends().collect());
    }

    /// Appends a leaf to `frontier`, which has grown from the edge that this began with.
    pub(crate) fn append(&mut self, frontier: &mut Frontier, leaf: Hash) {
        let levels = &mut self.levels;
        frontier.append(leaf, |level, number, hash| {
            let level = usize::from(level);
            if level == levels.len() {
                levels.push((number, Vec::new()));
            }
            if let Some((_, hashes)) = levels.get_mut(level) {
                hashes.push(hash);
            }
        });
    }
}
