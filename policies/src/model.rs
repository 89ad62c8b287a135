//! A policy that has been understood to the last member. Only the parser makes one.

use crate::action::Action;
use crate::amount::Amount;
use crate::moment::Moment;
use crate::operand::{Operand, Operator};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a policy is (ODRL Information Model 2.2, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PolicyKind {
    /// Rules that hold for whoever they fit.
    Set,
    /// A proposal. It never grants anything.
    Offer,
    /// What an assigner granted an assignee.
    Agreement,
}

impl PolicyKind {
    /// Local name, as in `@type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "Set",
            Self::Offer => "Offer",
            Self::Agreement => "Agreement",
        }
    }
}

/// What a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleKind {
    /// Something that may be done.
    Permission,
    /// Something that must not be done.
    Prohibition,
    /// Something that must be done, on its own.
    Obligation,
    /// Something that must have been done before its permission holds.
    Duty,
}

impl RuleKind {
    /// Name of the member that holds such rules.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::Prohibition => "prohibition",
            Self::Obligation => "obligation",
            Self::Duty => "duty",
        }
    }
}

/// What to do when a permission and a prohibition both apply (Information Model, section 2.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub enum Conflict {
    /// The permission wins.
    Perm,
    /// The prohibition wins.
    Prohibit,
    /// The policy is void. The default.
    #[default]
    Invalid,
}

/// Whom and what a rule is about. `None`: not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// IRI of the asset.
    pub target: Option<String>,
    /// IRI of the party that issues the rule.
    pub assigner: Option<String>,
    /// IRI of the party that the rule addresses.
    pub assignee: Option<String>,
}

/// One rule about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) kind: RuleKind,
    pub(crate) at: String,
    pub(crate) id: String,
    pub(crate) uid: Option<String>,
    pub(crate) action: Action,
    pub(crate) scope: Scope,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) duties: Vec<Rule>,
}

impl Rule {
    /// What the rule is.
    #[must_use]
    pub fn kind(&self) -> RuleKind {
        self.kind
    }

    /// JSON Pointer into the canonical document.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Name that depends on nothing but what the rule says: its kind and 32 hex digits of the SHA-256 of its canonical
    /// form, for a duty within its permission. The rule of an offer keeps its name in the agreement.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its `@id`, when it has one that means something outside the document.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whom and what it is about, with what the policy says for all rules filled in.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Conditions, all of which must hold.
    #[must_use]
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// Duties that must have been fulfilled; only permissions have them.
    #[must_use]
    pub fn duties(&self) -> &[Rule] {
        &self.duties
    }

    /// Whether a condition that always has to hold compares `operand`: by itself, or within `and`.
    pub(crate) fn names(&self, operand: Operand) -> bool {
        fn decisive(constraint: &Constraint, operand: Operand) -> bool {
            match constraint {
                Constraint::Atomic(atomic) => atomic.operand == operand,
                Constraint::Logical {
                    logic: Logic::And | Logic::AndSequence,
                    parts,
                    ..
                } => parts.iter().any(|part| decisive(part, operand)),
                Constraint::Logical { .. } => false,
            }
        }
        self.constraints.iter().any(|constraint| decisive(constraint, operand))
    }

    /// The lowest number of executions that its count constraints allow in total; `None` when it does not count.
    #[must_use]
    pub fn at_most(&self) -> Option<u64> {
        self.limit(Operand::Count)
    }

    /// The lowest number of bytes that its volume constraints allow in total; `None` when it does not count them.
    #[must_use]
    pub fn volume_at_most(&self) -> Option<u64> {
        self.limit(Operand::Volume)
    }

    fn limit(&self, operand: Operand) -> Option<u64> {
        let mut lowest = None;
        for constraint in &self.constraints {
            constraint.each(&mut |atomic| {
                if let (Right::Count(limit), true) = (&atomic.right, atomic.operand == operand) {
                    let limit = if atomic.operator == Operator::Lt {
                        limit.saturating_sub(1)
                    } else {
                        *limit
                    };
                    lowest = Some(lowest.map_or(limit, |low: u64| low.min(limit)));
                }
            });
        }
        lowest
    }
}

/// Key of a rule's counter: policy and rule. Two rules that say the same share one.
pub(crate) fn counter(policy: &str, rule: &Rule) -> String {
    format!("{policy}#{}", rule.id)
}

/// Key of the counter in which a rule counts bytes, beside that in which it counts executions.
pub(crate) fn volume_counter(counter: &str) -> String {
    format!("{counter}/bytes")
}

/// How a logical constraint joins its parts (Information Model, section 2.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Logic {
    /// All hold.
    And,
    /// At least one holds.
    Or,
    /// Exactly one holds.
    Xone,
    /// All hold, looked at in order.
    AndSequence,
}

impl Logic {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::And, Self::Or, Self::Xone, Self::AndSequence];

    /// Local name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Xone => "xone",
            Self::AndSequence => "andSequence",
        }
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// One comparison.
    Atomic(Atomic),
    /// Several, joined.
    Logical {
        /// JSON Pointer into the canonical document.
        at: String,
        /// How they are joined.
        logic: Logic,
        /// The parts, at least one.
        parts: Vec<Constraint>,
    },
}

impl Constraint {
    /// JSON Pointer into the canonical document.
    #[must_use]
    pub fn at(&self) -> &str {
        match self {
            Self::Atomic(atomic) => &atomic.at,
            Self::Logical { at, .. } => at,
        }
    }

    /// Number of nodes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Atomic(_) => 1,
            Self::Logical { parts, .. } => 1 + parts.iter().map(Self::size).sum::<usize>(),
        }
    }

    /// Every comparison in it.
    pub(crate) fn each(&self, visit: &mut impl FnMut(&Atomic)) {
        match self {
            Self::Atomic(atomic) => visit(atomic),
            Self::Logical { parts, .. } => parts.iter().for_each(|part| part.each(visit)),
        }
    }
}

/// One comparison: left operand, operator, right operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atomic {
    pub(crate) at: String,
    pub(crate) operand: Operand,
    pub(crate) operator: Operator,
    pub(crate) right: Right,
}

impl Atomic {
    /// JSON Pointer into the canonical document.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What is looked at.
    #[must_use]
    pub fn operand(&self) -> Operand {
        self.operand
    }

    /// How it is compared.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// With what.
    #[must_use]
    pub fn right(&self) -> &Right {
        &self.right
    }
}

/// A right operand, read as the left operand requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// For `dateTime`.
    Moment(Moment),
    /// For names, such as `purpose` and `recipient`: at least one, sorted, each once.
    Iris(Vec<String>),
    /// For `count` and `volume`.
    Count(u64),
    /// For `payAmount`, in euros.
    Amount(Amount),
}

impl Right {
    /// The values as text.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Moment(moment) => vec![moment.text().to_owned()],
            Self::Iris(iris) => iris.clone(),
            Self::Count(limit) => vec![limit.to_string()],
            Self::Amount(amount) => vec![amount.to_string()],
        }
    }
}

/// SHA-256 of a document's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 hex digits, lower case.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
