//! What one policy permits that another does not, found by asking both about every case that they can tell apart.
//!
//! Requests differ in action, time, stated purpose, recipient, areas, whether the other end keeps a log, parties and asset. Along each of
//! these the conditions of both policies draw finitely many lines: between two lines that follow each other both answer the same.
//! So one question from between each two, in every combination, is asked of the evaluator itself; what it answers holds for all.
//!
//! Counters are not put among the questions: for each case it is worked out how often it is permitted, starting from nothing used.

mod axes;
mod regions;

use crate::decide::Decision;
use crate::facts::{Facts, Request};
use crate::model::PolicyKind;
use crate::policy::Policy;
use crate::truth::Truth;
use axes::{Axis, axes, nobody};
use std::collections::{BTreeMap, BTreeSet};

/// What a case is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aspect {
    /// What is asked for.
    Action,
    /// When.
    Time,
    /// The purpose that is stated; a connector states one at most.
    Purpose,
    /// Who receives it.
    Recipient,
    /// For which areas.
    Area,
    /// The legal basis that is stated.
    LegalBasis,
    /// The area of use that is stated.
    AreaOfUse,
    /// Whether the other end keeps a log.
    CounterpartyLog,
    /// Who asks.
    Assignee,
    /// Who is asked.
    Assigner,
    /// For what.
    Target,
}

impl Aspect {
    /// Name in JSON, that of the operand where there is one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Time => "dateTime",
            Self::Purpose => "purpose",
            Self::Recipient => "recipient",
            Self::Area => "spatial",
            Self::LegalBasis => "legalBasis",
            Self::AreaOfUse => "areaOfUse",
            Self::CounterpartyLog => "counterpartyLog",
            Self::Assignee => "assignee",
            Self::Assigner => "assigner",
            Self::Target => "target",
        }
    }
}

/// A value along one of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// Nothing is stated.
    Nothing,
    /// Anything that neither policy names and no table knows.
    Other,
    /// This one: an action, a purpose, a DID, an area, an asset.
    Named(String),
    /// All of these at once: areas, sorted.
    Several(Vec<String>),
    /// The times from the first to just before the second, UTC milliseconds since 1970; `None` is the end of time.
    Times(u64, Option<u64>),
    /// Whether the other end keeps a log.
    KeepsLog(bool),
}

/// How often something is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Uses {
    /// So many times, and 0 is not at all.
    AtMost(u64),
    /// As often as one likes.
    Unlimited,
}

impl Uses {
    /// Not at all.
    pub const NEVER: Self = Self::AtMost(0);
}

/// Which part of one aspect is meant. An aspect that a region does not list is meant whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub aspect: Aspect,
    /// What is meant.
    pub cases: Vec<Case>,
    /// What is not.
    pub others: Vec<Case>,
}

/// Cases in which the two permit differently, in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// What the cases have in common.
    pub parts: Vec<Part>,
    /// How often the first permits it.
    pub first: Uses,
    /// How often the second permits it.
    pub second: Uses,
}

/// Why the answer may not be whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// There are more cases than are asked about.
    Cases {
        /// Cases asked about.
        asked: u64,
        /// Cases there are.
        of: u64,
    },
    /// More values are named along an aspect than are looked at.
    Values {
        /// Which.
        aspect: Aspect,
        /// Values looked at.
        asked: u64,
        /// Values there are.
        of: u64,
    },
    /// An operand that is not compared here.
    Operand(String),
    /// A permission with a duty other than to pay: one that a statement meets was taken as stated, any other as not fulfilled.
    Duty,
    /// Several counters: each case was counted alone, and two that share a counter leave less to each other.
    Counters,
    /// An obligation: that it ends what is permitted once it is past its date was compared, taking it as not done; what has to be done
    /// was not.
    Obligation,
}

/// How two policies differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Cases that both were asked about.
    pub asked: u64,
    /// Where the second permits more.
    pub more: Vec<Region>,
    /// Where the second permits less.
    pub less: Vec<Region>,
    /// Regions that are not listed: of either kind there are at most [`MAX_REGIONS`].
    pub unlisted: u64,
    /// Empty: nothing else differs.
    pub gaps: Vec<Gap>,
}

impl Difference {
    /// Whether they permit the same, and nothing was left out.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.more.is_empty() && self.less.is_empty() && self.gaps.is_empty()
    }
}

/// Regions of one kind that are listed. Nobody reads more, and two policies made for it could differ in tens of thousands.
pub const MAX_REGIONS: usize = 200;
/// Most cases that are asked about, for policies of a few conditions; the larger the policies, the fewer.
const MAX_CASES: u64 = 100_000;
/// What may be looked at in all: cases, times conditions and rules of both. A few seconds.
const MAX_LOOKED_AT: u64 = 20_000_000;

fn size(policy: &Policy) -> u64 {
    let sizes = policy
        .rules()
        .map(|rule| 1 + rule.constraints().iter().map(|c| c.size()).sum::<usize>());
    u64::try_from(sizes.sum::<usize>()).unwrap_or(u64::MAX)
}

/// How `second` differs from `first`. An offer is weighed as if it were an agreement.
#[must_use]
pub fn difference(first: &Policy, second: &Policy) -> Difference {
    let mut gaps = BTreeSet::new();
    let other = nobody(first, second);
    let axes = axes(first, second, &other, &mut gaps);
    // Of one and the same nothing can differ.
    if first.digest() != second.digest() {
        if [first, second].iter().any(|policy| policy.counters().len() > 1) {
            gaps.insert(Gap::Counters);
        }
        if [first, second].iter().any(|policy| !policy.obligations().is_empty()) {
            gaps.insert(Gap::Obligation);
        }
        let mut permissions = first.permissions().iter().chain(second.permissions());
        // A price was taken as paid, and is named as what was not compared.
        if permissions.any(|rule| rule.duties().iter().any(|duty| duty.price().is_none())) {
            gaps.insert(Gap::Duty);
        }
    } else {
        gaps.retain(|gap| !matches!(gap, Gap::Operand(_)));
    }
    let lengths = axes.iter().map(|axis| axis.classes.len() as u64);
    let of = lengths.fold(1_u64, u64::saturating_mul);
    let nodes = size(first).saturating_add(size(second)).max(1);
    let asked = of.min(MAX_CASES).min((MAX_LOOKED_AT / nodes).max(1));
    if asked < of {
        gaps.insert(Gap::Cases { asked, of });
    }
    let mut found: BTreeMap<(Uses, Uses), BTreeSet<Vec<usize>>> = BTreeMap::new();
    for number in 0..asked {
        // Spread evenly when not all are asked about.
        let place = u64::try_from(u128::from(number) * u128::from(of) / u128::from(asked)).unwrap_or(number);
        let cell = coordinates(&axes, place);
        let (request, facts) = question(&axes, &cell, &other);
        let answers = (uses(first, &request, &facts), uses(second, &request, &facts));
        if answers.0 != answers.1 {
            found.entry(answers).or_default().insert(cell);
        }
    }
    let (mut more, mut less, mut unlisted) = (Vec::new(), Vec::new(), 0);
    for ((first, second), cells) in found {
        let into = if second > first { &mut more } else { &mut less };
        for region in regions::merge(cells, axes.len()) {
            if into.len() == MAX_REGIONS {
                unlisted += 1;
                continue;
            }
            into.push(Region {
                parts: regions::parts(&axes, &region),
                first,
                second,
            });
        }
    }
    Difference {
        asked,
        more,
        less,
        unlisted,
        gaps: gaps.into_iter().collect(),
    }
}

/// The place written as one number along each axis.
fn coordinates(axes: &[Axis], mut place: u64) -> Vec<usize> {
    let digit = |axis: &Axis| {
        let length = (axis.classes.len() as u64).max(1);
        let digit = place % length;
        place /= length;
        usize::try_from(digit).unwrap_or_default()
    };
    axes.iter().map(digit).collect()
}

/// One request from this cell; `other` is somebody and something that neither policy names.
fn question(axes: &[Axis], cell: &[usize], other: &str) -> (Request, Facts) {
    const SOURCE: &str = "difference";
    let mut request = Request::new(other, other, other, 0);
    let mut facts = Facts::none();
    let chosen = axes.iter().zip(cell).filter_map(|(axis, place)| {
        let class = axis.classes.get(*place)?;
        Some((axis.aspect, class.first()?))
    });
    for (aspect, case) in chosen {
        let text = match case {
            Case::Named(text) => text.as_str(),
            _ => other,
        };
        match (aspect, case) {
            (Aspect::Action, _) => text.clone_into(&mut request.action),
            (Aspect::Time, Case::Times(from, _)) => request.now_ms = *from,
            (Aspect::Purpose, Case::Nothing) => {}
            (Aspect::Purpose, _) => facts = facts.with_purpose([text], SOURCE, 0),
            (Aspect::Recipient, _) => facts = facts.with_recipient(text, SOURCE, 0),
            (Aspect::Area | Aspect::LegalBasis | Aspect::AreaOfUse, Case::Nothing) => {}
            (Aspect::Area, Case::Several(areas)) => {
                facts = facts.with_area(areas.iter().map(String::as_str), SOURCE, 0);
            }
            (Aspect::Area, _) => facts = facts.with_area([text], SOURCE, 0),
            (Aspect::LegalBasis, _) => facts = facts.with_legal_basis(text, SOURCE, 0),
            (Aspect::AreaOfUse, _) => facts = facts.with_area_of_use(text, SOURCE, 0),
            (Aspect::CounterpartyLog, Case::KeepsLog(kept)) => facts = facts.with_counterparty_log(*kept, SOURCE, 0),
            (Aspect::Assignee, _) => text.clone_into(&mut request.assignee),
            (Aspect::Assigner, _) => text.clone_into(&mut request.assigner),
            (Aspect::Target, _) => text.clone_into(&mut request.target),
            (Aspect::Time | Aspect::CounterpartyLog, _) => {}
        }
    }
    (request, facts)
}

/// How often the policy permits this, were nothing used yet and nothing else asked for.
fn uses(policy: &Policy, request: &Request, facts: &Facts) -> Uses {
    let facts = policy.counters().iter().fold(facts.clone(), |facts, counter| {
        facts.with_count(counter, 0, "nothing used", 0)
    });
    // Bytes are not compared, and that is said; nothing is delivered by asking.
    let volumes = policy.volumes();
    let facts = volumes
        .iter()
        .fold(facts.with_size(0, "nothing used", 0), |facts, (rule, _)| {
            facts.with_volume(rule, 0, "nothing used", 0)
        });
    // Nor are prices: enough was paid for any, and what a statement meets is stated.
    let facts = policy.before_first_use(facts, "nothing used", 0);
    let decision = match policy.kind() {
        PolicyKind::Offer => policy.would_grant(request, &facts),
        PolicyKind::Set | PolicyKind::Agreement => policy.decide(request, &facts),
    };
    if !decision.is_permit() {
        return Uses::NEVER;
    }
    // A permission that does not count is taken before one that does.
    if decision.reservations().is_empty() {
        return Uses::Unlimited;
    }
    places(policy, &decision)
}

/// When one permission is used up, the next that holds is taken; those that say the same share a counter. A count holds from
/// nothing on until it is full, so what holds now holds for all its places.
fn places(policy: &Policy, decision: &Decision) -> Uses {
    let steps = decision.record().trace.iter();
    let holding: BTreeSet<&str> = steps
        .filter(|step| step.fit.is_some() && step.value == Truth::True)
        .map(|step| step.at.as_str())
        .collect();
    let permissions = policy.permissions().iter().filter(|rule| holding.contains(rule.at()));
    if permissions.clone().any(|rule| rule.at_most().is_none()) {
        return Uses::Unlimited;
    }
    let counters: BTreeMap<String, u64> = permissions
        .filter_map(|rule| Some((policy.counter(rule), rule.at_most()?)))
        .collect();
    Uses::AtMost(counters.into_values().fold(0, u64::saturating_add))
}
