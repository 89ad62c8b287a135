//! What a trace found in each log of ours: each activity once, however many ways lead to it.

use super::start::Start;
use crate::node::Node;
use herleid_ledger::{Activity, Bounds, Direction, Ledger, LedgerError, Lineage};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What was found in one log.
#[derive(Default)]
pub(super) struct Walked {
    /// By their first records.
    pub(super) activities: BTreeMap<u64, Seen>,
    /// Whether there is more, which is not among them.
    pub(super) is_cut: bool,
    /// The records from which it was drawn from another log, and how many steps at most.
    begun: BTreeMap<u64, u32>,
    /// Those from which it is still to be counted.
    waiting: BTreeMap<u64, u32>,
}

/// An activity that was found.
pub(super) struct Seen {
    pub(super) activity: Activity,
    pub(super) is_shown: bool,
    /// Whether it was looked behind: one way may lead to it at the greatest depth, and another not.
    pub(super) is_followed: bool,
}

impl Walked {
    /// Adds what was found from one beginning, of which `is_shown` says what is drawn, at most `bound` in all.
    pub(super) fn add(&mut self, lineage: Lineage, is_shown: &[bool], depth: u32, bound: usize) {
        for (activity, is_shown) in lineage.activities.into_iter().zip(is_shown) {
            let is_followed = activity.depth < depth;
            let first = activity.first();
            if let Some(seen) = self.activities.get_mut(&first) {
                seen.is_shown |= is_shown;
                seen.is_followed |= is_followed;
            } else if self.activities.len() >= bound {
                self.is_cut = true;
            } else {
                let seen = Seen {
                    activity,
                    is_shown: *is_shown,
                    is_followed,
                };
                self.activities.insert(first, seen);
            }
        }
    }

    /// Whether all that would be drawn from these records was drawn before.
    pub(super) fn has_begun(&self, records: &BTreeSet<u64>, depth: u32) -> bool {
        records
            .iter()
            .all(|index| self.begun.get(index).is_some_and(|begun| *begun >= depth))
    }

    /// Keeps that it was drawn from these records.
    pub(super) fn begin(&mut self, records: &BTreeSet<u64>, depth: u32) {
        furthest(&mut self.begun, records, depth);
    }

    /// Keeps that it is to be counted from these records.
    pub(super) fn wait(&mut self, records: BTreeSet<u64>, depth: u32) {
        furthest(&mut self.waiting, &records, depth);
    }

    /// Counts what waits for it: of each number of steps all at once.
    fn count(&mut self, log: &Ledger, direction: Direction, bounds: Bounds) -> Result<(), LedgerError> {
        let mut by_depth: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
        for (index, depth) in std::mem::take(&mut self.waiting) {
            by_depth.entry(depth).or_default().insert(index);
        }
        // The furthest first: what others add to that is little.
        for (depth, records) in by_depth.into_iter().rev() {
            let bounds = Bounds { depth, ..bounds };
            let lineage = log.lineage(&records, direction, bounds)?;
            let is_shown = vec![false; lineage.activities.len()];
            self.is_cut |= lineage.is_cut;
            self.add(lineage, &is_shown, depth, bounds.activities);
        }
        Ok(())
    }

    /// The streams in which they stand.
    pub(super) fn streams(&self) -> BTreeSet<Uuid> {
        let seen = self.activities.values();
        seen.flat_map(|seen| &seen.activity.streams).copied().collect()
    }
}

fn furthest(of: &mut BTreeMap<u64, u32>, records: &BTreeSet<u64>, depth: u32) {
    for index in records {
        let known = of.entry(*index).or_insert(depth);
        *known = (*known).max(depth);
    }
}

/// What was found in all of them, by origin.
#[derive(Default)]
pub(super) struct AllWalked(BTreeMap<String, Walked>);

impl AllWalked {
    pub(super) fn of(&mut self, log: &Ledger) -> &mut Walked {
        self.0.entry(log.origin().to_owned()).or_default()
    }

    /// Counts what is not drawn in other logs. What lies behind that in further ones is not looked for, and then there is more.
    pub(super) fn count(&mut self, node: &Node, direction: Direction, bounds: Bounds) {
        for log in logs(node) {
            if let Some(walked) = self.0.get_mut(log.origin()).filter(|walked| !walked.waiting.is_empty()) {
                walked.is_cut |= node.previous.len() > 1;
                // One that cannot be read keeps nothing else from being told.
                if let Err(error) = walked.count(log, direction, bounds) {
                    tracing::warn!(%error, log = log.origin(), "what a trace does not draw of a log of ours could not be counted");
                    walked.is_cut = true;
                }
            }
        }
    }

    /// The logs in which anything was looked for: the one that was searched first.
    pub(super) fn logs<'a>(&'a self, node: &'a Node, start: &Start<'a>) -> Vec<(&'a Ledger, &'a Walked)> {
        let others = logs(node).filter(|log| log.origin() != start.ledger.origin());
        let all = std::iter::once(start.ledger).chain(others);
        all.filter_map(|log| Some((log, self.0.get(log.origin())?))).collect()
    }
}

/// Our logs, the latest first.
pub(super) fn logs(node: &Node) -> impl Iterator<Item = &Ledger> {
    std::iter::once(&node.ledger).chain(&node.previous)
}
