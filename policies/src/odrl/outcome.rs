//! How every node of a policy came out.

use super::world::{Leniencies, Leniency};
use crate::model::{PolicyKind, RuleKind};
use crate::record::{Outcome, Reason};
use crate::truth::Truth;
use serde_json::{Value, json};

/// Name of the form of [`Evaluation::to_json`].
pub const EVALUATION: &str = "herleid-odrl-evaluation/1";

/// The state of a duty in the words of the W3C's draft of the formal semantics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deontic {
    /// Neither done nor missed.
    NotSet,
    /// Done.
    Fulfilled,
    /// Missed, and not made good.
    Violated,
}

impl Deontic {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSet => "not-set",
            Self::Fulfilled => "fulfilled",
            Self::Violated => "violated",
        }
    }
}

/// One constraint or refinement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    /// Its IRI, or the label of its blank node.
    pub node: String,
    /// Whether it is satisfied.
    pub satisfied: Truth,
}

/// One duty, consequence, remedy or obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutyReport {
    /// Its IRI, or the label of its blank node.
    pub rule: String,
    /// Whether its own conditions say that it is due.
    pub due: Truth,
    /// Whether it was done.
    pub performed: Truth,
    /// Its state.
    pub deontic: Deontic,
    /// Whether it leaves the way free: not due, or done, and once it was missed all its consequences done as well.
    pub passes: Truth,
    /// Its constraints.
    pub nodes: Vec<NodeState>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleReport {
    /// Its IRI, or the label of its blank node.
    pub rule: String,
    /// What it is.
    pub kind: RuleKind,
    /// Whether it is about the action; `None` where it does not say which, here and below.
    pub action: Option<Truth>,
    /// Whether it is about the asset.
    pub target: Option<Truth>,
    /// Whether it was issued by who is asked.
    pub assigner: Option<Truth>,
    /// Whether it addresses who asks.
    pub assignee: Option<Truth>,
    /// Whether its own conditions hold, and for a permission those that its duties make: what the W3C's draft calls active.
    pub conditions: Truth,
    /// Whether it holds for this request. A prohibition of which that is unknown applies.
    pub active: Truth,
    /// Every constraint and refinement, parts before what they are parts of.
    pub nodes: Vec<NodeState>,
    /// Duties of a permission, remedies of a prohibition; an obligation itself.
    pub duties: Vec<DutyReport>,
}

impl RuleReport {
    /// Whether it takes effect: unknown does not let a permission grant, nor keep a prohibition from forbidding.
    #[must_use]
    pub fn takes_effect(&self) -> bool {
        match self.kind {
            RuleKind::Permission => self.active == Truth::True,
            _ => self.active != Truth::False,
        }
    }
}

/// How a request came out under a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// IRI of the policy.
    pub policy: String,
    /// Its kind.
    pub kind: PolicyKind,
    /// Permit or deny.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Which leniencies were on.
    pub leniencies: Leniencies,
    /// Those without which something would have come out otherwise.
    pub made_a_difference: Vec<Leniency>,
    /// Every rule, in the order of the policy.
    pub rules: Vec<RuleReport>,
}

impl Evaluation {
    /// The report on the rule of this name.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&RuleReport> {
        self.rules.iter().find(|report| report.rule == name)
    }

    /// As JSON: names and truth values as texts, in a fixed order.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let rules: Vec<Value> = self.rules.iter().map(rule_json).collect();
        json!({
            "format": EVALUATION,
            "policy": self.policy,
            "kind": self.kind.name(),
            "outcome": self.outcome,
            "reason": self.reason,
            "leniencies": self.leniencies.iter().map(Leniency::name).collect::<Vec<_>>(),
            "madeADifference": self.made_a_difference.iter().map(|leniency| leniency.name()).collect::<Vec<_>>(),
            "rules": rules,
        })
    }
}

fn rule_json(report: &RuleReport) -> Value {
    json!({
        "rule": report.rule,
        "kind": report.kind,
        "action": report.action,
        "target": report.target,
        "assigner": report.assigner,
        "assignee": report.assignee,
        "conditions": report.conditions,
        "active": report.active,
        "takesEffect": report.takes_effect(),
        "constraints": nodes_json(&report.nodes),
        "duties": report.duties.iter().map(|duty| json!({
            "rule": duty.rule,
            "due": duty.due,
            "performed": duty.performed,
            "state": duty.deontic.name(),
            "passes": duty.passes,
            "constraints": nodes_json(&duty.nodes),
        })).collect::<Vec<_>>(),
    })
}

fn nodes_json(nodes: &[NodeState]) -> Value {
    nodes
        .iter()
        .map(|node| json!({"constraint": node.node, "satisfied": node.satisfied}))
        .collect()
}
