//! Whose turn it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What waits: keys, by peer.
pub(super) type Waiting = BTreeMap<String, BTreeSet<String>>;

/// The peers have turns, and of each peer what comes after the last that was taken up: who has kept thousands open gets no further by it,
/// and the last of them is reached as the first is.
#[derive(Debug, Default)]
pub(super) struct Order {
    peer: Option<String>,
    /// The last key, by peer.
    last: BTreeMap<String, String>,
}

impl Order {
    /// Takes the next one out of what waits.
    pub(super) fn next(&mut self, waiting: &mut Waiting) -> Option<String> {
        let behind = |last: Option<&String>| {
            (
                last.map_or(Bound::Unbounded, Bound::Excluded).cloned(),
                Bound::Unbounded,
            )
        };
        let peer = waiting.range(behind(self.peer.as_ref())).next();
        let peer = peer.or_else(|| waiting.iter().next())?.0.clone();
        let keys = waiting.get_mut(&peer)?;
        let key = keys.range(behind(self.last.get(&peer))).next();
        let key = key.or_else(|| keys.first())?.clone();
        keys.remove(&key);
        if keys.is_empty() {
            waiting.remove(&peer);
        }
        self.last.insert(peer.clone(), key.clone());
        self.peer = Some(peer);
        Some(key)
    }

    /// Of peers with nothing that waits it is not known any more where they were.
    pub(super) fn forget_all_but(&mut self, waiting: &Waiting) {
        self.last.retain(|peer, _| waiting.contains_key(peer));
    }

    /// Of how many peers it is known.
    #[cfg(test)]
    pub(super) fn peers(&self) -> usize {
        self.last.len()
    }
}
