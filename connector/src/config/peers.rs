//! Sections about what this connector and others ask of each other's logs.

use herleid_vocab::did::Did;

/// Section `[reconcile]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reconcile {
    /// Seconds after which the log is held against that of a peer again; 0: only when somebody asks.
    pub every_s: u64,
}

/// Section `[lineage]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Lineage {
    /// Participants that are told what a transaction with them rests on here, and what rests on it.
    pub answers: Vec<Did>,
}
