//! `erase` and `hold`: what two people have erased, and what forbids it.

use super::Command;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A person's token. Not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonToken(pub String);

impl fmt::Debug for PersonToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonToken")
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Who they are, whatever they are called.
    pub id: String,
    /// What they were called then.
    pub name: String,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (`{}`)", self.name, self.id)
    }
}

/// Which records are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meant {
    /// These, by number.
    Records(Vec<u64>),
    /// Those of a case.
    Case(String),
    /// Those under an agreement.
    Agreement(String),
}

/// `erase`: have something erased, with two people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum Erase {
    /// The first person says what is to go, and why.
    Propose {
        /// What.
        what: Meant,
        /// Of which log, by its origin, where it is not the one that goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<String>,
        /// Which sections; empty: all that may go, but `exchange`.
        sections: Vec<String>,
        /// On which ground.
        ground: String,
        /// By whose authority.
        authority: String,
        /// In how many days it is gone from backups too.
        complete_days: u32,
        /// Who.
        person: PersonToken,
    },
    /// The second person has it done.
    Approve {
        /// The proposal.
        id: String,
        /// Who.
        person: PersonToken,
    },
    /// Either of them, or anybody else, ends the proposal.
    Reject {
        /// The proposal.
        id: String,
        /// Who.
        person: PersonToken,
    },
    /// Lists proposals, the newest first.
    List {},
    /// Lists what other parties said they have erased.
    Told {},
    /// Looks at one.
    Show {
        /// The proposal.
        id: String,
    },
}

impl Command for Erase {
    const NAME: &'static str = "erase";
    type Answer = EraseAnswer;
}

/// Answer to `erase`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EraseAnswer {
    /// All of them.
    Erasures(Vec<ErasureLine>),
    /// One of them.
    Erasure(Box<ErasureLine>),
    /// What other parties said.
    Told(Vec<ToldLine>),
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErasureState {
    /// It waits for a second person.
    Proposed,
    /// It was approved, and is done.
    Erased,
    /// It was ended.
    Rejected,
}

/// A proposal to erase something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureLine {
    /// Its identifier.
    pub id: String,
    /// Origin of the log whose records these are, where that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// What became of it.
    pub state: ErasureState,
    /// On which ground.
    pub ground: String,
    /// By whose authority.
    pub authority: String,
    /// By when it is gone from backups too: UTC milliseconds since 1970.
    pub complete_by_ms: u64,
    /// Who proposed it.
    pub proposed_by: Actor,
    /// Whether it was proposed because a selection list says that it is over (`retention apply`): it is approved only if it still is. Older
    /// versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_planned: Option<bool>,
    /// Who approved or ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Actor>,
    /// Once it was approved: whether nothing of it is left in any file of this connector. While it is not, that is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_buried: Option<bool>,
    /// What of which records.
    pub records: Vec<ErasedRecord>,
    /// Who is told that it was erased; known once it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    /// What other logs, which are over, have of the same case or agreement: it is proposed for each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
}

/// Records of another log, which is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// The log.
    pub origin: String,
    /// Their numbers there.
    pub records: Vec<u64>,
}

/// Somebody who received what was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Who.
    pub did: String,
    /// When it took the message: UTC milliseconds since 1970; left out while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_ms: Option<u64>,
}

/// What another party said it has erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldLine {
    /// Who.
    pub by: String,
    /// Under which agreement.
    pub agreement: String,
    /// Which transaction.
    pub transaction: String,
    /// On which ground.
    pub ground: String,
    /// By when it is to be gone: UTC milliseconds since 1970.
    pub complete_by_ms: u64,
    /// When it said so: UTC milliseconds since 1970.
    pub since_ms: u64,
}

/// What is to be erased of a record, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasedRecord {
    /// Its number.
    pub index: u64,
    /// Its kind.
    pub kind: String,
    /// The sections.
    pub sections: Vec<String>,
    /// Number of its `erased` record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<u64>,
}

/// `hold`: forbid that something is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum Hold {
    /// From now on.
    Add {
        /// What.
        what: Meant,
        /// Why, in one line; recorded.
        reason: String,
        /// Who.
        person: PersonToken,
    },
    /// No longer.
    Remove {
        /// The hold.
        id: String,
        /// Who.
        person: PersonToken,
    },
    /// Lists what is held.
    List {},
}

impl Command for Hold {
    const NAME: &'static str = "hold";
    type Answer = HoldAnswer;
}

/// Answer to `hold`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldAnswer {
    /// What is held; after a change, what was changed.
    pub holds: Vec<HoldLine>,
    /// Whether those were removed.
    #[serde(default)]
    pub removed: bool,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldLine {
    /// Its identifier.
    pub id: String,
    /// What is held.
    pub what: Meant,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: Actor,
    /// Since when: UTC milliseconds since 1970.
    pub since_ms: u64,
}
