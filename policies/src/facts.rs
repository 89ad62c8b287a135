//! What is asked, and what is known when it is decided.

use crate::era::Era;
use crate::operand::{LOG_KEPT, LOG_NONE, Operand};
use crate::problem::limits::MAX_TEXT;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// One request for one action on one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The action, in any spelling; full IRI in records.
    pub action: String,
    /// DID of who asks, as authenticated.
    pub assignee: String,
    /// DID of who is asked.
    pub assigner: String,
    /// IRI of the asset.
    pub target: String,
    /// When: UTC milliseconds since 1970. The `dateTime` operand has this value.
    pub now_ms: u64,
}

impl Request {
    /// A request for `use`.
    #[must_use]
    pub fn new(assignee: &str, assigner: &str, target: &str, now_ms: u64) -> Self {
        Self {
            action: "use".to_owned(),
            assignee: cut(assignee),
            assigner: cut(assigner),
            target: cut(target),
            now_ms,
        }
    }

    /// The same request for another action.
    #[must_use]
    pub fn for_action(mut self, action: &str) -> Self {
        self.action = cut(action);
        self
    }

    /// The same request with everything cut to what a record can hold.
    pub(crate) fn bounded(&self) -> Self {
        Self {
            action: cut(&self.action),
            assignee: cut(&self.assignee),
            assigner: cut(&self.assigner),
            target: cut(&self.target),
            now_ms: self.now_ms.min(herleid_vocab::json::MAX_INTEGER),
        }
    }
}

/// A text too long for a record, cut and marked. What is left is still longer than any text of a policy, so it equals none.
fn cut(text: &str) -> String {
    const LONGEST: usize = MAX_TEXT + 64;
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", text.get(..end).unwrap_or_default())
}

/// Who makes sure that a fact is true. Said as it is: a stated purpose stays *declared* whoever passes it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnforcedBy {
    /// The provider's connector, from what it sees itself.
    Provider,
    /// The consumer's connector, if it cooperates.
    ConsumerConnector,
    /// Nobody: somebody said so.
    Declared,
}

/// How far a duty has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DutyState {
    /// Not yet.
    NotSet,
    /// Done.
    Fulfilled,
    /// Can no longer be done as it should.
    Violated,
}

impl DutyState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NotSet => "not-set",
            Self::Fulfilled => "fulfilled",
            Self::Violated => "violated",
        }
    }
}

/// One thing known, with its source. In records exactly as here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fact {
    /// What it is about: the name of an operand (`dateTime`, `purpose`, `recipient`, `spatial`, `count`, `volume`, `legalBasis`, `areaOfUse`, `counterpartyLog`), `size`,
    /// `paid`, `spent` or `duty`.
    pub about: String,
    /// Which counter, account or duty; absent for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The values, as text.
    pub values: Vec<String>,
    /// Where it comes from, in words or as an identifier.
    pub source: String,
    /// Who makes sure that it is true.
    pub enforced_by: EnforcedBy,
    /// When it was established: UTC milliseconds since 1970.
    pub at: u64,
    /// Only `true`: there was more than a record can hold. Such a fact counts as unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// What the fact is about that says how many bytes may leave.
pub(crate) const SIZE: &str = "size";

/// Values of one fact that a record holds at most.
const MAX_VALUES: usize = 32;

/// What is known, sorted by what it is about. What is not in here is unknown, and unknown never grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    known: Vec<Fact>,
    era: Era,
    /// Whether it is the consumer's connector that knows them.
    of_consumer: bool,
}

impl Facts {
    /// Nothing known.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The purposes that the asker states, as IRIs. Always *declared*.
    #[must_use]
    pub fn with_purpose<'a>(self, purposes: impl IntoIterator<Item = &'a str>, source: &str, at_ms: u64) -> Self {
        let values = purposes.into_iter().map(crate::terms::expand).collect();
        self.with(fact(
            Operand::Purpose.name(),
            None,
            values,
            source,
            Operand::Purpose.enforced_by(),
            at_ms,
        ))
    }

    /// The DID of the party that receives the result, as authenticated by this connector.
    #[must_use]
    pub fn with_recipient(self, did: &str, source: &str, at_ms: u64) -> Self {
        self.with(fact(
            Operand::Recipient.name(),
            None,
            vec![did.to_owned()],
            source,
            Operand::Recipient.enforced_by(),
            at_ms,
        ))
    }

    /// Whether the other end keeps a log of its own.
    #[must_use]
    pub fn with_counterparty_log(self, kept: bool, source: &str, at_ms: u64) -> Self {
        let value = if kept { LOG_KEPT } else { LOG_NONE };
        self.with(fact(
            Operand::CounterpartyLog.name(),
            None,
            vec![value.to_owned()],
            source,
            Operand::CounterpartyLog.enforced_by(),
            at_ms,
        ))
    }

    /// How often a counter ([`crate::Policy::counters`]) has been used before this request.
    #[must_use]
    pub fn with_count(self, counter: &str, used: u64, source: &str, at_ms: u64) -> Self {
        let values = vec![used.to_string()];
        self.with(fact(
            Operand::Count.name(),
            Some(counter),
            values,
            source,
            Operand::Count.enforced_by(),
            at_ms,
        ))
    }

    /// How far a duty ([`crate::Rule::id`]) has come.
    #[must_use]
    pub fn with_duty(self, duty: &str, state: DutyState, source: &str, enforced_by: EnforcedBy, at_ms: u64) -> Self {
        self.with(fact(
            "duty",
            Some(duty),
            vec![state.name().to_owned()],
            source,
            enforced_by,
            at_ms,
        ))
    }

    /// Every area (an IRI) that the asker's credentials say that it is for, as verified when they were shown.
    #[must_use]
    pub fn with_area<'a>(self, areas: impl IntoIterator<Item = &'a str>, source: &str, at_ms: u64) -> Self {
        let values = areas.into_iter().map(str::to_owned).collect();
        let by = Operand::Spatial.enforced_by();
        self.with(fact(Operand::Spatial.name(), None, values, source, by, at_ms))
    }

    /// The legal basis (an IRI) that the asker states. Always *declared*.
    #[must_use]
    pub fn with_legal_basis(self, basis: &str, source: &str, at_ms: u64) -> Self {
        let by = Operand::LegalBasis.enforced_by();
        let values = vec![crate::basis::expand(basis)];
        self.with(fact(Operand::LegalBasis.name(), None, values, source, by, at_ms))
    }

    /// The area (an IRI) for which the asker says that it will use it. Always *declared*.
    #[must_use]
    pub fn with_area_of_use(self, area: &str, source: &str, at_ms: u64) -> Self {
        let by = Operand::AreaOfUse.enforced_by();
        self.with(fact(
            Operand::AreaOfUse.name(),
            None,
            vec![area.to_owned()],
            source,
            by,
            at_ms,
        ))
    }

    /// How many bytes were delivered under a rule ([`crate::Policy::volumes`]) before this request.
    #[must_use]
    pub fn with_volume(self, rule: &str, delivered: u64, source: &str, at_ms: u64) -> Self {
        let by = Operand::Volume.enforced_by();
        let values = vec![delivered.to_string()];
        self.with(fact(Operand::Volume.name(), Some(rule), values, source, by, at_ms))
    }

    /// How many bytes this request may let leave at most.
    #[must_use]
    pub fn with_size(self, bytes: u64, source: &str, at_ms: u64) -> Self {
        let by = Operand::Volume.enforced_by();
        self.with(fact(SIZE, None, vec![bytes.to_string()], source, by, at_ms))
    }

    /// The same, and the time of the request with them, as the consumer's connector sees them: of what that passes on, the provider's connector
    /// sees nothing. Whatever it would see to, the consumer's does.
    #[must_use]
    pub fn seen_by_the_consumer(mut self) -> Self {
        self.of_consumer = true;
        for fact in &mut self.known {
            if fact.enforced_by == EnforcedBy::Provider {
                fact.enforced_by = EnforcedBy::ConsumerConnector;
            }
        }
        self
    }

    /// Whose connector sees to what a connector sees to.
    pub(crate) const fn connector(&self) -> EnforcedBy {
        if self.of_consumer {
            EnforcedBy::ConsumerConnector
        } else {
            EnforcedBy::Provider
        }
    }

    /// The same, to be decided on as it was then.
    pub(crate) fn in_era(mut self, era: Era) -> Self {
        self.era = era;
        self
    }

    pub(crate) fn era(&self) -> Era {
        self.era
    }

    /// A number that is known.
    pub(crate) fn number(&self, about: &str, of: Option<&str>) -> Option<u64> {
        match self.values(about, of)? {
            [number] => number.parse().ok(),
            _ => None,
        }
    }

    /// Adds a fact; a second one about the same thing replaces the first.
    #[must_use]
    pub(crate) fn with(mut self, fact: Fact) -> Self {
        match self.place(&fact.about, fact.of.as_deref()) {
            Ok(index) => {
                self.known.remove(index);
                self.known.insert(index, fact);
            }
            Err(index) => self.known.insert(index, fact),
        }
        self
    }

    /// Where a fact stands, or where it would.
    fn place(&self, about: &str, of: Option<&str>) -> Result<usize, usize> {
        self.known
            .binary_search_by(|fact| match fact.about.as_str().cmp(about) {
                Ordering::Equal => fact.of.as_deref().cmp(&of),
                other => other,
            })
    }

    /// Everything known, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.known.iter()
    }

    /// The values of a fact; `None` when nothing is known or when there was too much to record.
    pub(crate) fn values(&self, about: &str, of: Option<&str>) -> Option<&[String]> {
        let fact = self.known.get(self.place(about, of).ok()?)?;
        (!fact.cut && !fact.values.is_empty()).then_some(fact.values.as_slice())
    }

    /// The same without one kind of fact: what would be decided if it were unknown.
    #[must_use]
    pub fn without(mut self, about: &str) -> Self {
        self.known.retain(|fact| fact.about != about);
        self
    }
}

pub(crate) fn fact(
    about: &str,
    of: Option<&str>,
    mut values: Vec<String>,
    source: &str,
    enforced_by: EnforcedBy,
    at: u64,
) -> Fact {
    values.sort();
    values.dedup();
    let too_much = values.len() > MAX_VALUES || values.iter().any(|value| value.len() > MAX_TEXT);
    values.truncate(MAX_VALUES);
    Fact {
        about: about.to_owned(),
        of: of.map(cut),
        values: values.iter().map(|value| cut(value)).collect(),
        source: cut(source),
        enforced_by,
        at: at.min(herleid_vocab::json::MAX_INTEGER),
        cut: too_much,
    }
}
