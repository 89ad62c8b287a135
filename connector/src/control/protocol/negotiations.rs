//! `negotiations` and `negotiation`: what is being negotiated, and what a person decides about it.

use super::{Command, Side};
use crate::handlers::NegotiationAction;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `negotiations`: those that there are, and which of them wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Negotiations {
    /// At most so many; left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// `negotiation`: look at one, or decide about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Negotiation {
    /// Our process id.
    pub id: String,
    /// What a person decides; left out: it is only looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decide: Option<NegotiationAction>,
    /// Why it is ended; the other end is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Answer to `negotiations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NegotiationList {
    /// How many there are, also those not listed here.
    pub total: u64,
    /// How many of them wait for a person, also those not listed here.
    pub waiting: u64,
    /// The negotiations: those that wait for a person first, then what goes on, then what is over; of each the newest first.
    pub negotiations: Vec<NegotiationLine>,
}

/// One negotiation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NegotiationLine {
    /// Our process id.
    pub id: String,
    /// Our side.
    pub side: Side,
    /// The other end.
    pub other: String,
    /// Dataset or model.
    pub dataset: String,
    /// State as the protocol calls it.
    pub state: String,
    /// Who has to act for it to go on: `policy`, `rule`, `webhook`, `person`, `nobody` (held by a rule) or `counterparty`; left out when
    /// it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What is to be done; left out when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What can be decided here now.
    pub possible: Vec<NegotiationAction>,
}

impl NegotiationLine {
    /// Whether it goes on only when a person decides.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self.who.as_deref(), Some("person" | "nobody"))
    }
}

/// Answer to `negotiation`: one, with what a person has to know to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NegotiationAnswer {
    /// As it is listed.
    pub negotiation: NegotiationLine,
    /// The message of this connector that is on its way, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub underway: Option<String>,
    /// What the consumer says that it is for, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// On what legal basis, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// For which area, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_of_use: Option<String>,
    /// The offer that stands, whole.
    pub offer: Value,
    /// Its policy in a line of words.
    pub policy: String,
    /// The agreement, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// Who ended it and why, when it was terminated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// When it began, in UTC milliseconds since 1970.
    pub created_ms: u64,
    /// When it last changed, likewise.
    pub changed_ms: u64,
}

impl Command for Negotiations {
    const NAME: &'static str = "negotiations";
    type Answer = NegotiationList;
}

impl Command for Negotiation {
    const NAME: &'static str = "negotiation";
    type Answer = NegotiationAnswer;
}
