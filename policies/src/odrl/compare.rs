//! Values compared, and what belongs to what.

use super::evaluate::Judge;
use super::value::Value;
use crate::operand::Operator;
use crate::truth::Truth;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Things looked at on the way from a part to a whole; more leave it unknown.
const MAX_STEPS: usize = 10_000;

impl Judge<'_> {
    /// Judges the values that are known against the right operand. With several values each must pass by itself, and a mixture
    /// is unknown, save for the operators that ask about all of them together (`isAllOf`, `hasPart`).
    pub(super) fn values(&self, left: &[&Value], operator: Operator, right: &[&Value]) -> Truth {
        let each = |judge: &dyn Fn(&Value) -> Truth| Truth::unanimous(left.iter().map(|value| judge(value)));
        let is_any = |value: &Value| Truth::any(right.iter().map(|other| compare(value, Operator::Eq, other)));
        let all_asked = |judge: &dyn Fn(&Value, &Value) -> Truth| {
            Truth::all(
                right
                    .iter()
                    .map(|asked| Truth::any(left.iter().map(|value| judge(value, asked)))),
            )
        };
        match operator {
            Operator::IsAnyOf => each(&is_any),
            Operator::IsNoneOf => each(&|value| !is_any(value)),
            Operator::IsAllOf => all_asked(&|value, asked| compare(value, Operator::Eq, asked)),
            Operator::HasPart => all_asked(&|value, part| self.named(part, value, &|p, w| self.is_part(p, w))),
            Operator::IsPartOf => each(&|value| self.with_each(value, right, &|p, w| self.is_part(p, w))),
            Operator::IsA => each(&|value| self.with_each(value, right, &|thing, kind| self.is_a(thing, kind))),
            _ => each(&|value| Truth::all(right.iter().map(|other| compare(value, operator, other)))),
        }
    }

    fn with_each(&self, value: &Value, right: &[&Value], judge: &dyn Fn(&str, &str) -> Truth) -> Truth {
        Truth::all(right.iter().map(|other| self.named(value, other, judge)))
    }

    /// Only names belong to each other.
    fn named(&self, one: &Value, other: &Value, judge: &dyn Fn(&str, &str) -> Truth) -> Truth {
        match (one, other) {
            (Value::Name(one), Value::Name(other)) => judge(one, other),
            _ => Truth::Unknown,
        }
    }

    /// Whether one thing is part of another, directly or not.
    pub(super) fn is_part(&self, part: &str, whole: &str) -> Truth {
        self.leads(&[&self.world.part_of, &self.policy.part_of], part, whole)
    }

    fn is_a(&self, thing: &str, kind: &str) -> Truth {
        self.leads(&[&self.world.is_a], thing, kind)
    }

    /// Whether anything is known to be part of it.
    pub(super) fn has_members(&self, whole: &str) -> bool {
        let mut all = self.world.part_of.values().chain(self.policy.part_of.values());
        all.any(|wholes| wholes.contains(whole))
    }

    /// Whether these relations lead from one thing to another. That no way is known is no proof that there is none, unless the
    /// world is said to be complete.
    fn leads(&self, relations: &[&BTreeMap<String, BTreeSet<String>>], from: &str, to: &str) -> Truth {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
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
            for relation in relations {
                open.extend(relation.get(next).into_iter().flatten().map(String::as_str));
            }
        }
        if self.world.is_complete {
            Truth::False
        } else {
            Truth::Unknown
        }
    }
}

/// Compares two values by an operator of order or equality; unknown where they are of different kinds.
fn compare(left: &Value, operator: Operator, right: &Value) -> Truth {
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => left.order(right),
        (Value::Name(left), Value::Name(right)) => {
            return match operator {
                Operator::Eq => Truth::of(left == right),
                Operator::Neq => Truth::of(left != right),
                _ => Truth::Unknown,
            };
        }
        _ => None,
    };
    let Some(order) = order else { return Truth::Unknown };
    match operator {
        Operator::Eq => Truth::of(order == Ordering::Equal),
        Operator::Neq => Truth::of(order != Ordering::Equal),
        Operator::Lt => Truth::of(order == Ordering::Less),
        Operator::Lteq => Truth::of(order != Ordering::Greater),
        Operator::Gt => Truth::of(order == Ordering::Greater),
        Operator::Gteq => Truth::of(order != Ordering::Less),
        _ => Truth::Unknown,
    }
}
