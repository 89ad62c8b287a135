//! A policy of ODRL 2.2 as it was read: what it says, no more and no less.

use super::actions::Actions;
use super::value::Value;
use crate::model::{Conflict, Logic, PolicyKind, RuleKind};
use crate::operand::Operator;
use std::collections::{BTreeMap, BTreeSet};

/// A policy with the rules of all policies that it inherits from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its IRI.
    pub id: String,
    /// Set, Offer or Agreement.
    pub kind: PolicyKind,
    /// Every strategy that is stated, its own and inherited ones. None is `invalid`; several void the policy in a conflict.
    pub conflict: Vec<Conflict>,
    /// Permissions, prohibitions and obligations, its own and inherited ones, in the order of their names.
    pub rules: Vec<Rule>,
    /// Policies that it inherits from, directly or not.
    pub inherited: BTreeSet<String>,
    /// Actions that it defines beside ODRL's.
    pub(crate) actions: Actions,
    /// What it says is part of what: member, then collections.
    pub(crate) part_of: BTreeMap<String, BTreeSet<String>>,
}

/// A rule. Several actions, assets or parties are alternatives (Information Model 2.2, section 2.7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its IRI, or the label of its blank node.
    pub id: String,
    /// What it is.
    pub kind: RuleKind,
    /// What it is about; empty only where [`super::Leniency::RuleWithoutAction`] was on: every action.
    pub actions: Vec<Thing>,
    /// On which assets; empty: every one.
    pub targets: Vec<Thing>,
    /// Who issues it; empty: whoever.
    pub assigners: Vec<Thing>,
    /// Whom it addresses; empty: everybody.
    pub assignees: Vec<Thing>,
    /// Assets that the action makes.
    pub outputs: Vec<Thing>,
    /// Other parties with a part in it, by the local name of their function, as `informedParty`.
    pub parties: Parties,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Of a permission: its duties. Of a duty or an obligation: its consequences. Of a prohibition: its remedies.
    pub duties: Vec<Rule>,
}

/// Parties by the local name of their function.
pub type Parties = BTreeMap<String, BTreeSet<String>>;

/// An action, an asset or a party, and what it is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its IRI. A collection without a name of its own goes by its `source`.
    pub iri: String,
    /// Whether it is said to be a collection.
    pub is_collection: bool,
    /// Conditions on the thing itself, all of which must hold.
    pub refinements: Vec<Condition>,
}

/// A condition: a constraint or a refinement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// One comparison.
    Atomic(Atomic),
    /// Several, joined.
    Logical {
        /// Its IRI, or the label of its blank node.
        id: String,
        /// How they are joined.
        logic: Logic,
        /// The parts, at least one.
        parts: Vec<Condition>,
    },
}

impl Condition {
    /// Its IRI, or the label of its blank node.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Atomic(atomic) => &atomic.id,
            Self::Logical { id, .. } => id,
        }
    }
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atomic {
    /// Its IRI, or the label of its blank node.
    pub id: String,
    /// Full IRI of the left operand.
    pub operand: String,
    /// The operator.
    pub operator: Operator,
    /// With what; empty where `reference` says it.
    pub right: Vec<Value>,
    /// IRIs from which to take the right operand. Nothing is fetched: the caller knows their values or nobody does.
    pub reference: Vec<String>,
    /// Full IRI of the unit.
    pub unit: Option<String>,
}
