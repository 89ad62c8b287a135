//! The pure part through its public API, against other implementations where there are any.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod checkpoints;
mod drafts;
mod exports;
mod forks;
mod handovers;
mod merkle;
mod notes;
mod rules;
mod sections;
mod tiles;
mod vectors;
mod witnesses;

use herleid_ledger::merkle::{Hash, Nodes, node_hash};

/// A tree in memory, the naive way: what a store must agree with.
pub(crate) struct Leaves(pub Vec<Hash>);

impl Nodes for Leaves {
    type Error = String;

    fn node(&self, level: u8, index: u64) -> Result<Hash, String> {
        if level == 0 {
            return self
                .0
                .get(index as usize)
                .copied()
                .ok_or_else(|| format!("no leaf {index}"));
        }
        Ok(node_hash(
            &self.node(level - 1, index * 2)?,
            &self.node(level - 1, index * 2 + 1)?,
        ))
    }
}

/// `count` different entries.
pub(crate) fn entries(count: u64) -> Vec<[u8; 33]> {
    (0..count)
        .map(|n| {
            let mut entry = [1u8; 33];
            entry[1..9].copy_from_slice(&n.to_be_bytes());
            entry
        })
        .collect()
}
