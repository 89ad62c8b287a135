//! What a policy is compiled to: every term resolved, every value typed, everything inherited in its place.

use super::actions::{Bits, Universe};
use super::values::{Rights, Typed};
use crate::model::{Conflict, Logic, PolicyKind, RuleKind};
use crate::odrl::Leniencies;
use crate::operand::Operator;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// A text that all who have it share.
pub(super) type Text = Arc<str>;

/// Texts, each kept once.
#[derive(Default)]
pub(super) struct Texts(HashSet<Text>);

impl Texts {
    pub(super) fn of(&mut self, text: &str) -> Text {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Text = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// A compiled policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub(super) id: String,
    pub(super) kind: PolicyKind,
    pub(super) conflict: Strategy,
    pub(super) leniencies: Leniencies,
    pub(super) permissions: Box<[Rule]>,
    pub(super) prohibitions: Box<[Rule]>,
    pub(super) obligations: Box<[Rule]>,
    /// Whether nothing is granted to who is past the date of an obligation. ODRL leaves that open; what a connector enforces has it,
    /// what is judged as the standard says has not.
    pub(super) binds: bool,
    pub(super) actions: Universe,
    /// What the policy itself says is part of what.
    pub(super) part_of: BTreeMap<String, BTreeSet<String>>,
}

/// What becomes of a request that a permission grants and a prohibition forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    Grants,
    Forbids,
    Voids,
}

impl Strategy {
    /// None stated is `invalid`, and several void the policy as well (Information Model, section 2.10).
    pub(super) fn of(stated: &[Conflict]) -> Self {
        match stated {
            [Conflict::Perm] => Self::Grants,
            [Conflict::Prohibit] => Self::Forbids,
            _ => Self::Voids,
        }
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// How it is told of: its place in the canonical document, or its IRI.
    pub(super) name: Text,
    /// By what others tell how far it has come.
    pub(super) id: Text,
    pub(super) kind: RuleKind,
    /// By what values are kept that are counted for this rule alone.
    pub(super) key: Text,
    pub(super) actions: Box<[Act]>,
    pub(super) targets: Box<[Thing]>,
    pub(super) assigners: Box<[Thing]>,
    pub(super) assignees: Box<[Thing]>,
    pub(super) outputs: Box<[Thing]>,
    /// Of a duty: who else has to have had a part in it, by function.
    pub(super) parties: Box<[(Text, BTreeSet<String>)]>,
    pub(super) conditions: Box<[Node]>,
    pub(super) duties: Box<[Rule]>,
    /// Whether a grant by it takes a place in a counter.
    pub(super) counts: bool,
    /// What a use costs, in millionths of a euro: of a permission, and of a duty that is met by what was paid.
    pub(super) price: Option<u64>,
    /// Whether it says nothing of parties without a log, and so does not hold for them.
    pub(super) is_silent_on_logs: bool,
    /// Of an obligation that a connector enforces: from when on its date is past.
    pub(super) over: Option<Over>,
}

/// When the date of an obligation is past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Over {
    /// From when on, in UTC milliseconds since 1970.
    pub(super) from_ms: u64,
    /// Whether that ends all that was granted with it, also to who did as obliged.
    pub(super) ends_use: bool,
}

/// An action of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) reaches: Arc<Bits>,
    pub(super) refinements: Box<[Node]>,
}

/// An asset or a party of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) iri: Text,
    /// Whether it may have members that nobody has told of.
    pub(super) is_open: bool,
    pub(super) refinements: Box<[Node]>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: Text,
    pub(super) test: Test,
}

/// What a condition asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Atomic(Atomic),
    Logical { logic: Logic, parts: Box<[Node]> },
}

/// Which left operands are looked at in a way of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    DateTime,
    Event,
    Purpose,
    /// The areas of an enforced policy; in any other policy names like all others.
    Area,
    /// A legal basis, of an enforced policy.
    Basis,
    Count,
    /// Bytes, counted as an enforced policy does.
    Volume,
    /// What a use costs, of an enforced policy; in any other policy a number like all others.
    Price,
    Other,
}

/// A left operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operand {
    pub(super) what: What,
    /// Full IRI.
    pub(super) iri: Text,
    /// Name of the fact that an enforced policy has of it.
    pub(super) about: Text,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Atomic {
    pub(super) operand: Operand,
    pub(super) operator: Operator,
    pub(super) right: Rights,
    /// IRIs of what else stands on the right.
    pub(super) references: Box<[Text]>,
    pub(super) unit: Option<Text>,
}

impl Atomic {
    /// The only moment that the time is compared with.
    pub(super) fn moment(&self) -> Option<super::values::Span> {
        match (self.operand.what, self.right.typed()) {
            (What::DateTime, [Typed::Moment(span)]) => Some(*span),
            _ => None,
        }
    }
}
