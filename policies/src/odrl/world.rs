//! What is asked, what is known, and which leniencies are on.

use super::number::Decimal;
use super::value::{Quantity, Value};
use crate::facts::DutyState;
use crate::terms::expand;
use herleid_vocab::terms::ODRL;
use std::collections::{BTreeMap, BTreeSet};

/// A reading that gives more than the strict one. Each is a switch with a name, off unless somebody turns it on, and every
/// evaluation says which were on and which made a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leniency {
    /// A rule without an action is about every action. The Information Model (section 2.6) demands one, and without this
    /// switch such a policy is refused.
    RuleWithoutAction,
    /// A permission holds as long as its duty was not violated, where the W3C's draft of the formal semantics (example C1-1)
    /// wants it fulfilled first.
    UnsetDutyPermits,
    /// `use` includes `distribute` and the others that serve third parties, as ODRL's table has it; its text calls `use`
    /// "non-third-party usage".
    UseIncludesPassingOn,
    /// A prohibition of a part, as `reproduce`, leaves a request for the whole, `use`, alone.
    PartLeavesWhole,
}

impl Leniency {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::RuleWithoutAction,
        Self::UnsetDutyPermits,
        Self::UseIncludesPassingOn,
        Self::PartLeavesWhole,
    ];

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RuleWithoutAction => "rule-without-action",
            Self::UnsetDutyPermits => "unset-duty-permits",
            Self::UseIncludesPassingOn => "use-includes-passing-on",
            Self::PartLeavesWhole => "part-leaves-whole",
        }
    }
}

/// The switches that are on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leniencies(BTreeSet<Leniency>);

impl Leniencies {
    /// None: how Herleid itself reads a policy.
    #[must_use]
    pub fn strict() -> Self {
        Self::default()
    }

    /// All: how the ODRL test suite of SolidLabResearch reads one.
    #[must_use]
    pub fn suite() -> Self {
        Self(Leniency::ALL.into())
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, leniency: Leniency) -> Self {
        self.0.insert(leniency);
        self
    }

    /// The same with one less.
    #[must_use]
    pub fn without(mut self, leniency: Leniency) -> Self {
        self.0.remove(&leniency);
        self
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn has(&self, leniency: Leniency) -> bool {
        self.0.contains(&leniency)
    }

    /// Those that are on.
    pub fn iter(&self) -> impl Iterator<Item = Leniency> {
        self.0.iter().copied()
    }
}

/// Values by left operand (full IRI).
pub(crate) type Values = BTreeMap<String, Vec<Quantity>>;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    /// The action, in any spelling.
    pub action: String,
    /// IRI of who asks; `None` is nobody known, which fits only a rule that addresses everybody.
    pub assignee: Option<String>,
    /// IRI of whose permission is asked for; `None` is whoever gave it.
    pub assigner: Option<String>,
    /// IRI of the asset; `None` is none known.
    pub target: Option<String>,
    /// IRI of the asset that the action makes.
    pub output: Option<String>,
    values: Values,
}

impl Ask {
    /// A request.
    #[must_use]
    pub fn new(action: &str, assignee: Option<&str>, target: Option<&str>) -> Self {
        Self {
            action: action.to_owned(),
            assignee: assignee.map(str::to_owned),
            target: target.map(str::to_owned),
            ..Self::default()
        }
    }

    /// How the action is to be done: what a refinement of it looks at. `operand` as `resolution` or in full.
    #[must_use]
    pub fn with(mut self, operand: &str, quantity: Quantity) -> Self {
        self.values.entry(operand_iri(operand)).or_default().push(quantity);
        self
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }
}

/// That a duty was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Performance {
    /// Which duty: its IRI.
    pub duty: String,
    /// By whom, to whom: IRIs by the local name of their function, as `compensatedParty`.
    pub parties: BTreeMap<String, String>,
    values: Values,
}

impl Performance {
    /// That this duty was done.
    #[must_use]
    pub fn of(duty: &str) -> Self {
        Self {
            duty: duty.to_owned(),
            ..Self::default()
        }
    }

    /// How it was done: what a refinement of the duty's action looks at.
    #[must_use]
    pub fn with(mut self, operand: &str, quantity: Quantity) -> Self {
        self.values.entry(operand_iri(operand)).or_default().push(quantity);
        self
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }
}

/// What is known. What is not in here is unknown, and unknown never grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// UTC milliseconds since 1970; `None` is unknown.
    pub now_ms: Option<u64>,
    /// Whether everything that is part of something, or is a something, is said here; if not, what is not said is unknown.
    pub is_complete: bool,
    /// What was done for duties.
    pub performances: Vec<Performance>,
    /// Values, by left operand and perhaps by the rule that they are counted for.
    pub(crate) values: BTreeMap<(String, Option<String>), Vec<Quantity>>,
    /// Values of an asset or a party, by its IRI and left operand.
    pub(crate) of_things: BTreeMap<(String, String), Vec<Quantity>>,
    pub(crate) part_of: BTreeMap<String, BTreeSet<String>>,
    pub(crate) is_a: BTreeMap<String, BTreeSet<String>>,
    pub(crate) duties: BTreeMap<String, BTreeSet<&'static str>>,
    pub(crate) events: BTreeMap<String, (Option<u64>, Option<u64>)>,
    pub(crate) references: BTreeMap<String, Vec<Value>>,
}

impl World {
    /// Nothing known but the time.
    #[must_use]
    pub fn at(now_ms: u64) -> Self {
        Self {
            now_ms: Some(now_ms),
            ..Self::default()
        }
    }

    /// The same, said to be complete: what it does not say is part of something, or is a something, is not.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.is_complete = true;
        self
    }

    /// A value of a left operand, for every rule or for one. For `count`: how often it was done before this request.
    #[must_use]
    pub fn with(mut self, operand: &str, rule: Option<&str>, quantity: Quantity) -> Self {
        let key = (operand_iri(operand), rule.map(str::to_owned));
        self.values.entry(key).or_default().push(quantity);
        self
    }

    /// A count: how often it was done before this request.
    #[must_use]
    pub fn with_count(self, rule: Option<&str>, used: u64) -> Self {
        self.with("count", rule, Quantity::number(Decimal::from(used), None))
    }

    /// A name: a purpose, a recipient, a place.
    #[must_use]
    pub fn with_name(self, operand: &str, name: &str) -> Self {
        self.with(operand, None, Quantity::plain(Value::Name(expand(name))))
    }

    /// A value of an asset or a party, which a refinement of it looks at.
    #[must_use]
    pub fn with_value_of(mut self, thing: &str, operand: &str, quantity: Quantity) -> Self {
        let key = (thing.to_owned(), operand_iri(operand));
        self.of_things.entry(key).or_default().push(quantity);
        self
    }

    /// That one thing is part of another: an asset or a party of a collection, a place of a place.
    #[must_use]
    pub fn with_part(mut self, part: &str, whole: &str) -> Self {
        self.part_of
            .entry(part.to_owned())
            .or_default()
            .insert(whole.to_owned());
        self
    }

    /// That one thing is an instance or a kind of another.
    #[must_use]
    pub fn with_kind(mut self, thing: &str, kind: &str) -> Self {
        self.is_a.entry(thing.to_owned()).or_default().insert(kind.to_owned());
        self
    }

    /// How far a duty, consequence, remedy or obligation has come. One that was violated and fulfilled later has both.
    #[must_use]
    pub fn with_duty(mut self, duty: &str, state: DutyState) -> Self {
        self.duties.entry(duty.to_owned()).or_default().insert(state.name());
        self
    }

    /// When an event begins and ends: UTC milliseconds since 1970, `None` where unknown.
    #[must_use]
    pub fn with_event(mut self, event: &str, from_ms: Option<u64>, until_ms: Option<u64>) -> Self {
        self.events.insert(event.to_owned(), (from_ms, until_ms));
        self
    }

    /// The values behind a `rightOperandReference`.
    #[must_use]
    pub fn with_reference(mut self, iri: &str, values: Vec<Value>) -> Self {
        self.references.insert(iri.to_owned(), values);
        self
    }

    /// The same without any value of a left operand.
    #[must_use]
    pub fn without(mut self, operand: &str) -> Self {
        let iri = operand_iri(operand);
        if iri == format!("{ODRL}dateTime") {
            self.now_ms = None;
        }
        self.values.retain(|(name, _), _| *name != iri);
        self.of_things.retain(|(_, name), _| *name != iri);
        self
    }
}

/// The full IRI of a left operand in any spelling.
pub(super) fn operand_iri(text: &str) -> String {
    match crate::terms::odrl_local(text) {
        Some(local) => format!("{ODRL}{local}"),
        None => expand(text),
    }
}
