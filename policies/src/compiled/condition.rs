//! Conditions, and what belongs to what.

use super::judge::{Judge, Sink};
use super::known::Known;
use super::program::{Atomic, Node, Test, What};
use super::purposes;
use super::values::{Left, Right, Shown, Typed};
use crate::area;
use crate::basis;
use crate::model::Logic;
use crate::odrl::Values;
use crate::operand::Operator;
use crate::truth::Truth;
use std::collections::HashSet;

/// What a condition looks at: a constraint at the world, a refinement at what it narrows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Looks<'a> {
    /// The world, for the rule of this key.
    World(&'a str),
    /// How an action is done; `None` is not known.
    Action(Option<&'a Values>),
    /// An asset or a party; `None` is an unknown one.
    Thing(Option<&'a str>),
}

/// What belongs to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    PartOf,
    IsA,
}

/// Things looked at on the way from a part to a whole; more leave it unknown.
const MAX_STEPS: usize = 10_000;

impl<K: Known> Judge<'_, K> {
    /// All conditions hold.
    pub(super) fn all<S: Sink>(&self, nodes: &[Node], looks: Looks<'_>, sink: &mut S) -> Truth {
        let mut all = Truth::True;
        for node in nodes {
            all = all.and(self.node(node, looks, sink));
            if !S::LOOKS_AT_ALL && all == Truth::False {
                break;
            }
        }
        all
    }

    fn node<S: Sink>(&self, node: &Node, looks: Looks<'_>, sink: &mut S) -> Truth {
        let value = match &node.test {
            Test::Atomic(atomic) => self.atomic(atomic, looks),
            Test::Logical { logic, parts } => match logic {
                Logic::And | Logic::AndSequence => self.all(parts, looks, sink),
                Logic::Or => {
                    let mut any = Truth::False;
                    for part in parts {
                        any = any.or(self.node(part, looks, sink));
                        if !S::LOOKS_AT_ALL && any == Truth::True {
                            break;
                        }
                    }
                    any
                }
                Logic::Xone => Truth::exactly_one(parts.iter().map(|part| self.node(part, looks, sink))),
            },
        };
        sink.node(&node.name, value);
        value
    }

    pub(super) fn atomic(&self, atomic: &Atomic, looks: Looks<'_>) -> Truth {
        let Some(right) = self.right(atomic) else {
            return Truth::Unknown;
        };
        match (atomic.operand.what, looks) {
            (What::DateTime, Looks::World(_) | Looks::Action(_)) => self.time(atomic.operator, &right),
            (What::Event, _) => self.event(atomic.operator, &right),
            (what, looks) => {
                let left = match looks {
                    Looks::World(key) => self.known.of_world(&atomic.operand, key),
                    Looks::Action(values) => values
                        .and_then(|values| values.get(&*atomic.operand.iri))
                        .map(|values| Left::Quantities(values)),
                    Looks::Thing(thing) => thing.and_then(|thing| self.known.of_thing(thing, &atomic.operand)),
                };
                let Some(left) = left.filter(|left| left.len() > 0 && left.has_unit(atomic.unit.as_deref())) else {
                    return Truth::Unknown;
                };
                match what {
                    What::Purpose => purposes::compare(self.known.era(), left, atomic.operator, &right),
                    What::Area => named(left, &right, |shown, asked| {
                        area::compare(self.known.era(), shown, atomic.operator, asked)
                    }),
                    What::Basis => named(left, &right, |shown, asked| {
                        basis::compare(shown, atomic.operator, asked)
                    }),
                    // There has to be as much as it costs.
                    What::Price => self.values(left, Operator::Gteq, &right),
                    _ => self.values(left, atomic.operator, &right),
                }
            }
        }
    }

    /// The right operand; `None` when it stands elsewhere and nobody here knows what, or is more than the operator takes.
    fn right<'b>(&'b self, atomic: &'b Atomic) -> Option<Right<'b>> {
        let mut right = Right::Fixed(&atomic.right);
        if !atomic.references.is_empty() {
            let mut values: Vec<Shown<'b>> = atomic.right.typed().iter().map(Typed::shown).collect();
            for reference in &atomic.references {
                values.extend(self.known.reference(reference)?.iter().map(Shown::of));
            }
            right = Right::Gathered(values);
        }
        let count = right.len();
        (count == 1 || (count > 1 && atomic.operator.takes_many())).then_some(right)
    }

    /// The time of the request. It is one value, so each of several on the right is compared with it.
    fn time(&self, operator: Operator, right: &Right<'_>) -> Truth {
        let Some(now_ms) = self.now_ms else {
            return Truth::Unknown;
        };
        moving(operator, right, |value, operator| match value {
            Shown::Moment(span) => span.compare(now_ms, operator),
            _ => Truth::Unknown,
        })
    }

    /// Before, during or after an event.
    fn event(&self, operator: Operator, right: &Right<'_>) -> Truth {
        moving(operator, right, |value, operator| {
            let event = value.name().and_then(|name| self.known.event(name));
            let (Some((from_ms, until_ms)), Some(now_ms)) = (event, self.known.now_ms()) else {
                return Truth::Unknown;
            };
            let is_before = from_ms.map_or(Truth::Unknown, |from_ms| Truth::of(now_ms < from_ms));
            let is_after = until_ms.map_or(Truth::Unknown, |until_ms| Truth::of(now_ms > until_ms));
            match operator {
                Operator::Lt => is_before,
                Operator::Lteq => !is_after,
                Operator::Gt => is_after,
                Operator::Gteq => !is_before,
                Operator::Eq => (!is_before).and(!is_after),
                Operator::Neq => is_before.or(is_after),
                _ => Truth::Unknown,
            }
        })
    }

    /// Judges the values that are known. With several each must pass by itself, and a mixture is unknown, save for the
    /// operators that ask about all of them together.
    fn values(&self, left: Left<'_>, operator: Operator, right: &Right<'_>) -> Truth {
        let each = |judge: &dyn Fn(Shown<'_>) -> Truth| Truth::unanimous(left.iter().map(judge));
        let all_asked = |judge: &dyn Fn(Shown<'_>, Shown<'_>) -> Truth| {
            let by_any = |asked| Truth::any(left.iter().map(|value| judge(value, asked)));
            Truth::all(right.iter().map(by_any))
        };
        match operator {
            Operator::IsAnyOf => each(&|value| right.has(value)),
            Operator::IsNoneOf => each(&|value| !right.has(value)),
            Operator::IsAllOf => all_asked(&|value, asked| value.compare(Operator::Eq, asked)),
            Operator::HasPart => all_asked(&|value, part| self.leads(Relation::PartOf, part, value)),
            Operator::IsPartOf => {
                each(&|value| Truth::all(right.iter().map(|whole| self.leads(Relation::PartOf, value, whole))))
            }
            Operator::IsA => each(&|value| Truth::all(right.iter().map(|kind| self.leads(Relation::IsA, value, kind)))),
            _ => each(&|value| Truth::all(right.iter().map(|other| value.compare(operator, other)))),
        }
    }

    /// Only names belong to each other.
    fn leads(&self, relation: Relation, from: Shown<'_>, to: Shown<'_>) -> Truth {
        match (from.name(), to.name()) {
            (Some(from), Some(to)) => self.reaches(relation, from, to),
            _ => Truth::Unknown,
        }
    }

    /// Whether one thing is part of another, directly or not.
    pub(super) fn is_part(&self, part: &str, whole: &str) -> Truth {
        self.reaches(Relation::PartOf, part, whole)
    }

    /// That no way is known is no proof that there is none, unless the world is said to be complete.
    fn reaches(&self, relation: Relation, from: &str, to: &str) -> Truth {
        if from == to {
            return Truth::True;
        }
        let is_part = relation == Relation::PartOf;
        let said = |thing: &str| match is_part {
            true => [self.known.wholes_of(thing), self.program.part_of.get(thing)],
            false => [self.known.kinds_of(thing), None],
        };
        let closed = if self.known.is_complete() {
            Truth::False
        } else {
            Truth::Unknown
        };
        // Most things are part of nothing, and nothing is kept for them.
        if said(from) == [None, None] {
            return closed;
        }
        let (mut seen, mut open) = (HashSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            if next == to {
                return Truth::True;
            }
            if !seen.insert(next) {
                continue;
            }
            if seen.len() > MAX_STEPS {
                return Truth::Unknown;
            }
            open.extend(said(next).into_iter().flatten().flatten().map(String::as_str));
        }
        closed
    }
}

/// Areas and legal bases are names, on both sides.
fn named(left: Left<'_>, right: &Right<'_>, compare: impl Fn(Names<'_, '_>, Names<'_, '_>) -> Truth) -> Truth {
    if left.iter().chain(right.iter()).any(|value| value.name().is_none()) {
        return Truth::Unknown;
    }
    let shown: Vec<&str> = left.iter().filter_map(Shown::name).collect();
    let asked: Vec<&str> = right.iter().filter_map(Shown::name).collect();
    compare(shown.iter().copied(), asked.iter().copied())
}

/// Some of them.
type Names<'a, 'b> = std::iter::Copied<std::slice::Iter<'a, &'b str>>;

/// One value that moves, the time, against what stands on the right.
fn moving(operator: Operator, right: &Right<'_>, one: impl Fn(Shown<'_>, Operator) -> Truth) -> Truth {
    let same = || right.iter().map(|value| one(value, Operator::Eq));
    match operator {
        Operator::IsAnyOf => Truth::any(same()),
        Operator::IsNoneOf => !Truth::any(same()),
        Operator::IsAllOf => Truth::all(same()),
        _ => Truth::all(right.iter().map(|value| one(value, operator))),
    }
}
