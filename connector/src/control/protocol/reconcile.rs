//! `reconcile`: what both ends recorded of their exchanges, held against each other.

use super::{Command, Side};
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};

/// `reconcile`: hold this ledger against a peer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// The other end: its identifier.
    pub peer: String,
    /// One agreement with it; without, all of them.
    pub agreement: Option<String>,
}

impl Command for Reconcile {
    const NAME: &'static str = "reconcile";
    type Answer = ReconcileAnswer;
}

/// Answer to `reconcile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileAnswer {
    /// The other end.
    pub peer: Did,
    /// The worst of all agreements; at least unfinished where a log was not searched.
    pub verdict: Reconciled,
    /// Each agreement, in order of their identifiers.
    pub agreements: Vec<AgreementReconciled>,
    /// Logs of this end, which are over, of which nobody knows what agreements they have, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsearched: Vec<String>,
}

/// What came of it, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reconciled {
    /// The other end keeps no log: there is nothing to hold this one against.
    Incomparable,
    /// Both ends recorded the same.
    Same,
    /// What one end gave, the other has not recorded as received: it broke off, or is on its way.
    Open,
    /// It could not be held against each other, or not to the end.
    Unfinished,
    /// The ends contradict each other, or one leaves something out.
    Differs,
}

/// One agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementReconciled {
    /// Identifier.
    pub agreement: String,
    /// This end's side.
    pub side: Side,
    /// What came of it.
    pub verdict: Reconciled,
    /// Why it was not held against the other end's, or not to the end.
    pub unfinished: Option<String>,
    /// Records of this end in the agreement's stream.
    pub ours: u64,
    /// Records of the other end in its stream: as many as it says there are, or as are known to be.
    pub theirs: u64,
    /// Exchanges that both ends recorded, byte for byte.
    pub same: u64,
    /// Exchanges of this end that were erased, and cannot be compared.
    pub erased_here: u64,
    /// What does not fit, the gravest first; at most as many as are shown.
    pub findings: Vec<Finding>,
    /// How many findings there are in all.
    pub found: u64,
    /// By how many milliseconds the other end's clock is ahead of this end's, as far as the records say: at least, and at most. What was received
    /// cannot have been recorded before it was given.
    pub clock_ahead_ms: [Option<i64>; 2],
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Whether an honest end would not have left it so.
    pub is_grave: bool,
    /// What.
    pub what: What,
    /// Which exchange, if one: transaction, segment, phase.
    pub exchange: Option<(String, u64, String)>,
    /// Number of this end's record.
    pub ours: Option<u64>,
    /// Number of the other end's record.
    pub theirs: Option<u64>,
    /// More about it, such as the members that differ.
    pub detail: Option<String>,
}

/// What may not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Both recorded it, in other words.
    Different,
    /// The other end recorded as received what this end never gave.
    NeverGiven,
    /// The other end leaves out what it gave: this end has its receipt.
    LeftOut,
    /// The other end leaves out what it acknowledged.
    Denied,
    /// The other end's numbers have a gap, or stop early.
    Gap,
    /// The other end shows that it recorded an exchange, and keeps it closed.
    Withheld,
    /// One end recorded it twice, in other words.
    Twice,
    /// The other end gave it, this end has not received it.
    NotReceivedHere,
    /// This end gave it, the other end has not received it.
    NotReceivedThere,
    /// It was erased, at this end or at the other, whose log proves its record `erased`.
    Erased,
}
