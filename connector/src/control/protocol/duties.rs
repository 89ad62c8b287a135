//! `duties` and `duty`: what somebody has to do under an agreement, by when, and the statement that it was done.

use super::{Command, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `duties`: the obligations under agreements, ours and the other ends'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duties {
    /// Only those under this agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// At most so many; left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Command for Duties {
    const NAME: &'static str = "duties";
    type Answer = DutyList;
}

/// `duty`: what is done about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum Duty {
    /// Does what this connector can do of it, and states to the other end that it was done.
    Fulfil {
        /// Agreement.
        agreement: String,
        /// Name of the obligation, or its action where there is one of it only.
        obligation: String,
        /// In the words of whoever states it.
        statement: String,
    },
}

impl Command for Duty {
    const NAME: &'static str = "duty";
    type Answer = DutyLine;
}

/// Answer to `duties`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyList {
    /// How many there are, also those not listed here.
    pub total: u64,
    /// What is due first, first.
    pub duties: Vec<DutyLine>,
}

/// How far an obligation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DutyStanding {
    /// Nothing is stated of it yet.
    Open,
    /// The same, and its date is near.
    DueSoon,
    /// Its date is past, and nothing is stated of it: the other end gives nothing more under the agreement.
    Overdue,
    /// It is stated here, and the other end has not taken the statement yet.
    Stated,
    /// It is stated, and the other end has recorded the statement.
    Fulfilled,
}

impl DutyStanding {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Open, Self::DueSoon, Self::Overdue, Self::Stated, Self::Fulfilled];

    /// As it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::DueSoon => "due-soon",
            Self::Overdue => "overdue",
            Self::Stated => "stated",
            Self::Fulfilled => "fulfilled",
        }
    }
}

/// An obligation under an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Duty")]
pub struct DutyLine {
    /// The agreement.
    pub agreement: String,
    /// Our side of it.
    #[schemars(with = "String")]
    pub side: Side,
    /// The participant at the other end.
    pub other: String,
    /// The dataset or model that the agreement is about.
    pub dataset: String,
    /// Name of the obligation or duty: the same at both ends.
    pub obligation: String,
    /// What has to be done, such as `delete` or `inform`.
    pub action: String,
    /// Who has to do it.
    pub whose: String,
    /// Whether nothing is given before it is stated: a duty of a permission, and no obligation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub comes_first: bool,
    /// The deadline as the policy writes it; left out: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// From when on it is overdue: UTC milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<u64>,
    /// How far it has come.
    pub state: DutyStanding,
    /// Who sees to it: `provider`, `consumer-connector` or `declared`.
    pub enforced_by: String,
    /// What was stated of it, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<DutyStatement>,
}

/// What was stated of an obligation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyStatement {
    /// In the words of whoever stated it.
    pub text: String,
    /// When, by the log of whoever stated it: UTC milliseconds since 1970.
    pub stated_ms: u64,
    /// When the other end took it, by its own log; left out while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_ms: Option<u64>,
    /// Whether it came after the deadline.
    pub late: bool,
    /// Who vouches for it: `consumer-connector` for what that did itself, `declared` for what somebody says.
    pub enforced_by: String,
    /// Of a deletion: how many transactions it names.
    pub transactions: u64,
    /// Of a deletion: how many payloads were removed.
    pub removed: u64,
    /// Of a deletion: how many payloads stayed, because they are had otherwise too.
    pub kept: u64,
    /// Index of the record in our log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// Why the other end has not taken it yet, if it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered: Option<String>,
    /// Whether two people had the statement erased: its text and numbers are not known any more. Left out when not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}
