//! The decision record: everything a decision rests on, in the form that the log keeps (member names in ASCII, integers
//! only), so that it can be evaluated again from the record and the policy's bytes alone.

use crate::compiled;
use crate::facts::{Fact, Request};
use crate::problem::{PolicyError, Problem};
use crate::truth::Truth;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Name of the record's format.
pub const FORMAT: &str = "herleid-decision/1";

/// Permit or deny; there is nothing in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It may be done.
    Permit,
    /// It may not.
    Deny,
}

/// Why, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A permission holds and no prohibition applies.
    Granted,
    /// No permission holds.
    NotGranted,
    /// A prohibition applies, and prohibitions win in this policy.
    Prohibited,
    /// A permission and a prohibition both apply, which voids the policy.
    Conflict,
    /// An offer never grants.
    OnlyAnOffer,
    /// The policy is not understood.
    NotUnderstood,
    /// The action asked for is not understood.
    UnknownAction,
    /// A permission holds, and an obligation of who asks is past its date or was broken.
    ObligationBroken,
}

/// What was asked of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Whether it permits the request.
    Decide,
    /// Whether it would, were it an agreement between the two ends of the request about its target.
    WouldGrant,
}

/// Which policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyReference {
    /// Its `@id`; `null` when the policy is not understood.
    pub id: Option<String>,
    /// `Set`, `Offer` or `Agreement`; `null` when the policy is not understood.
    pub kind: Option<String>,
    /// SHA-256 (hex) of the policy's bytes ([`crate::Document::bytes`]).
    pub sha256: String,
}

/// One thing that is not understood, as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedProblem {
    /// JSON Pointer into the policy's bytes.
    pub at: String,
    /// [`crate::ProblemKind::code`].
    pub kind: String,
    /// The term.
    pub term: String,
    /// The whole message, in English.
    pub message: String,
}

impl RecordedProblem {
    fn new(problem: &Problem) -> Self {
        Self {
            at: problem.at.clone(),
            kind: problem.kind.code().to_owned(),
            term: problem.term.clone(),
            message: problem.to_string(),
        }
    }

    pub(crate) fn list(error: &PolicyError) -> Vec<Self> {
        error
            .problems()
            .map(|problems| problems.listed().iter().map(Self::new).collect())
            .unwrap_or_default()
    }
}

/// How a rule fits the request, apart from its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fit {
    /// Name of the rule.
    pub rule: String,
    /// Whether it is about the action.
    pub action: Truth,
    /// Whether it is about the asset.
    pub target: Truth,
    /// Whether it was issued by the party that is asked.
    pub assigner: Truth,
    /// Whether it addresses the party that asks.
    pub assignee: Truth,
}

/// The value of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// JSON Pointer into the canonical document.
    pub at: String,
    /// For a permission: it holds. For a prohibition: it applies. For a constraint: it is satisfied. For a duty: it does
    /// not stand in the way. For an obligation: it was fulfilled.
    pub value: Truth,
    /// Only for permissions and prohibitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
}

impl Step {
    pub(crate) fn node(at: &str, value: Truth) -> Self {
        Self {
            at: at.to_owned(),
            value,
            fit: None,
        }
    }

    pub(crate) fn rule(at: &str, rule: &str, fit: compiled::Fit, value: Truth) -> Self {
        let fit = Fit {
            rule: rule.to_owned(),
            action: fit.action,
            target: fit.target,
            assigner: fit.assigner,
            assignee: fit.assignee,
        };
        Self {
            at: at.to_owned(),
            value,
            fit: Some(fit),
        }
    }
}

/// What stood in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The policy has no permission at all.
    NoPermission,
    /// The permission is about another action.
    Action,
    /// The permission is about another asset.
    Target,
    /// The permission was issued by another party.
    Assigner,
    /// The permission addresses another party.
    Assignee,
    /// A condition of the permission does not hold.
    Condition,
    /// More than one part of an exclusive choice holds, or it cannot be told.
    Choice,
    /// A duty was not fulfilled.
    Duty,
    /// A prohibition applies, because this condition of it holds or cannot be ruled out.
    Prohibition,
    /// An obligation of who asks is past its date, or was broken.
    Obligation,
}

/// Who can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fixer {
    /// The asker, by stating or showing something else, truthfully.
    Asker,
    /// The holder's connector, which has to supply the fact.
    Holder,
    /// Both, by a new agreement.
    NewAgreement,
    /// Nobody: it comes with time.
    Time,
}

/// One member of the minimal failing set of the permission that is told of: were all of them otherwise, the request would be permitted.
/// Of several permissions that is the one that who asks can come nearest to alone. Obligations are among them only where nothing else is in
/// the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failing {
    /// JSON Pointer into the canonical document.
    pub at: String,
    /// Name of the rule; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What stood in the way.
    pub obstacle: Obstacle,
    /// Whether it is known to fail, or not known to hold.
    pub value: Truth,
    /// The left operand, for a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operand: Option<String>,
    /// The operator, for a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// What the policy requires.
    pub required: Vec<String>,
    /// What was shown; empty when nothing is known.
    pub shown: Vec<String>,
    /// Who can change it.
    pub fixed_by: Fixer,
}

/// A place in a counter that must be taken in the commit that records the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reservation {
    /// Name of the rule that counts.
    pub rule: String,
    /// Key of the counter.
    pub counter: String,
    /// How much of it: 1 for an execution, and then not written; the bytes of a delivery.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub amount: u64,
    /// The counter's highest value after this request is counted. If it would come to more, the decision is void and
    /// has to be made again with the counter's new value.
    pub at_most: u64,
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_one(amount: &u64) -> bool {
    *amount == 1
}

/// The record of one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionRecord {
    /// [`FORMAT`].
    pub format: String,
    /// Name and version of this crate.
    pub engine: String,
    /// SHA-256 (hex) of the tables of actions and purposes that were used.
    pub tables: String,
    /// What was asked of the policy.
    pub mode: Mode,
    /// Which policy.
    pub policy: PolicyReference,
    /// The request, the action as a full IRI where it is understood.
    pub request: Request,
    /// Every fact that was at hand, `dateTime` included.
    pub facts: Vec<Fact>,
    /// Permit or deny.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Name of the permission that grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    /// What is not understood.
    pub problems: Vec<RecordedProblem>,
    /// The value of every node of the policy; empty when the policy or the action is not understood.
    pub trace: Vec<Step>,
    /// The minimal failing set; empty when the request is permitted.
    pub failing: Vec<Failing>,
    /// How many more members the set has than are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failing_more: u64,
    /// What has to be reserved with the record.
    pub reservations: Vec<Reservation>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl DecisionRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// The member that is missing, unknown or of the wrong shape.
    pub fn parse(json: &Value) -> Result<Self, RecordError> {
        let record = Self::deserialize(json).map_err(|why| RecordError { why: why.to_string() })?;
        if record.format != FORMAT {
            let why = format!(
                "its format is `{}`, expected `{FORMAT}`",
                crate::problem::quoted(&record.format)
            );
            return Err(RecordError { why });
        }
        Ok(record)
    }

    /// The record as JSON that a section of the log can hold.
    #[must_use]
    pub fn to_json(&self) -> Value {
        // Texts, integers, arrays and objects only: there is nothing here that could fail to serialise.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// A JSON value that is not a decision record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a decision record: {why}")]
pub struct RecordError {
    why: String,
}
