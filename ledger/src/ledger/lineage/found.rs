//! What a trace asks of the index, and what it is told.

use crate::record::Kind;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Which way a trace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To what something rests on.
    Up,
    /// To what rests on it.
    Down,
}

/// How far it goes. What lies beyond is counted or said, never left out silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Steps from the start.
    pub depth: u32,
    /// Activities in all.
    pub activities: usize,
}

/// By what one activity follows from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Follows {
    /// The one names the other's transaction.
    Transaction,
    /// The same bytes: no transaction is named, or none of this log.
    Digest,
    /// Both are of one case, and the decision does not say that it rests on the other.
    Case,
}

/// A pull or run with all of its records, or another record by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its transaction, for a pull or run.
    pub transaction: Option<Uuid>,
    /// Numbers and kinds of its records, in order; no kind where the index has no entry, because the record was damaged or its envelope
    /// erased.
    pub records: Vec<(u64, Option<Kind>)>,
    /// The streams in which they stand.
    pub streams: BTreeSet<Uuid>,
    /// `recordedAt` of the first.
    pub at_ms: u64,
    /// Steps from the start.
    pub depth: u32,
}

impl Activity {
    /// Number of its first record.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.records.first().map_or(0, |(index, _)| *index)
    }
}

/// One step, away from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Place in [`Lineage::activities`] of what is nearer to the start.
    pub from: usize,
    /// Place of what is farther.
    pub to: usize,
    /// How the two are linked.
    pub by: Follows,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// In the order in which they were found: those at the start first.
    pub activities: Vec<Activity>,
    /// How many of them are the start.
    pub starts: usize,
    /// Steps between them, ordered.
    pub edges: Vec<Edge>,
    /// Activities at the greatest depth, behind which nobody looked.
    pub not_followed: usize,
    /// Whether there are more activities than the bound.
    pub is_cut: bool,
}
