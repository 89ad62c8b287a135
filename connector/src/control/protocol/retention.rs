//! `retention`: what a selection list says is over, and proposals to erase it.

use super::{Command, PersonToken};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `retention`: look, or propose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum Retention {
    /// What falls due.
    Plan {
        /// By when: UTC milliseconds since 1970; left out: now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_ms: Option<u64>,
    },
    /// Proposes what is due now.
    Apply {
        /// In how many days it is gone from backups too.
        complete_days: u32,
        /// Who.
        person: PersonToken,
    },
}

impl Command for Retention {
    const NAME: &'static str = "retention";
    type Answer = RetentionAnswer;
}

/// Answer to `retention`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionAnswer {
    /// Name of the selection list.
    pub list: String,
    /// Everything that a rule can be about, what is due first.
    pub lines: Vec<RetentionLine>,
    /// Proposals that were made.
    pub proposals: Vec<String>,
}

/// What becomes of a case, an agreement, or denials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetentionState {
    /// Its time is over, and nothing keeps it.
    Due,
    /// Somebody holds it.
    Held,
    /// Its time is over; another one, whose time is not, rests on it.
    Needed,
    /// It was proposed, and waits for a second person.
    Proposed,
    /// Its time is over, and its bytes are still offered.
    Offered,
    /// It was not taken as a proposal.
    Refused,
    /// Its time is not over.
    Kept,
    /// It is kept for ever.
    Permanent,
    /// It goes on: nothing was decided yet, or the agreement is in force.
    Open,
    /// No rule is about it.
    Unruled,
}

/// One case, agreement, or day of denials of one party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionLine {
    /// `case`, `agreement` or `denial`.
    pub of: String,
    /// Which.
    pub name: String,
    /// Category of the selection list; empty where no rule is about it.
    pub category: String,
    /// Processing activity, likewise.
    pub activity: String,
    /// Since when it is over: UTC milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// When its time is over, likewise; left out where it never is, or not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<u64>,
    /// What becomes of it.
    pub state: RetentionState,
    /// Records: of what is due those that would be erased in part, else all.
    pub records: u64,
    /// Those that would be, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, u64>,
    /// Records of something due that stay all the same.
    #[serde(default)]
    pub kept: u64,
    /// Why something stays, or by which proposals it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
