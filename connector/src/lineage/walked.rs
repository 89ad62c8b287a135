//! What a trace found in each log of ours: each activity once, however many ways lead to it.

use super::start::Start;
use crate::node::Node;
use herleid_ledger::{Activity, Ledger, Lineage};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What was found in one log.
#[derive(Default)]
pub(super) struct Walked {
    /// By their first records.
    pub(super) activities: BTreeMap<u64, Seen>,
    /// Whether there is more, which is not among them.
    pub(super) is_cut: bool,
    /// The records from which it was followed from another log, and how.
    begun: BTreeMap<u64, Begun>,
}

/// An activity that was found.
pub(super) struct Seen {
    pub(super) activity: Activity,
    pub(super) is_shown: bool,
    /// Whether it was looked behind: one way may lead to it at the greatest depth, and another not.
    pub(super) is_followed: bool,
}

/// How a trace went on from a record.
#[derive(Clone, Copy)]
struct Begun {
    /// Steps at most.
    depth: u32,
    is_drawn: bool,
}

impl Walked {
    /// Adds what was found from one beginning, of which `is_shown` says what is drawn, at most `bound` in all.
    pub(super) fn add(&mut self, lineage: Lineage, is_shown: &[bool], depth: u32, bound: usize) {
        self.is_cut |= lineage.is_cut;
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

    /// Whether all that this would find from these records was found before, and drawn if it would be.
    pub(super) fn has_begun(&self, records: &BTreeSet<u64>, depth: u32, is_drawn: bool) -> bool {
        records.iter().all(|index| {
            let begun = self.begun.get(index);
            begun.is_some_and(|begun| begun.depth >= depth && (begun.is_drawn || !is_drawn))
        })
    }

    /// Keeps that the trace went on from these records.
    pub(super) fn begin(&mut self, records: &BTreeSet<u64>, depth: u32, is_drawn: bool) {
        for index in records {
            let begun = self.begun.entry(*index).or_insert(Begun { depth, is_drawn });
            begun.depth = begun.depth.max(depth);
            begun.is_drawn |= is_drawn;
        }
    }

    /// The streams in which they stand.
    pub(super) fn streams(&self) -> BTreeSet<Uuid> {
        let seen = self.activities.values();
        seen.flat_map(|seen| &seen.activity.streams).copied().collect()
    }
}

/// What was found in all of them, by origin.
#[derive(Default)]
pub(super) struct AllWalked(BTreeMap<String, Walked>);

impl AllWalked {
    pub(super) fn of(&mut self, log: &Ledger) -> &mut Walked {
        self.0.entry(log.origin().to_owned()).or_default()
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
