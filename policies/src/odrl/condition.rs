//! Constraints and refinements, judged.

use super::evaluate::Judge;
use super::model::{Atomic, Condition};
use super::number::Decimal;
use super::outcome::NodeState;
use super::value::{Quantity, Value};
use super::world::Values;
use crate::model::Logic;
use crate::operand::Operator;
use crate::purpose;
use crate::truth::Truth;
use herleid_vocab::terms::ODRL;
use std::borrow::Cow;

/// What a condition looks at: a constraint at the world, a refinement at what it narrows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Looks<'a> {
    /// The world, for the rule of this name.
    World(&'a str),
    /// How an action is done.
    Action(&'a Values),
    /// An asset or a party; `None` is an unknown one.
    Thing(Option<&'a str>),
}

impl Judge<'_> {
    pub(super) fn condition(&self, condition: &Condition, looks: Looks<'_>, nodes: &mut Vec<NodeState>) -> Truth {
        let satisfied = match condition {
            Condition::Atomic(atomic) => self.atomic(atomic, looks),
            Condition::Logical { logic, parts, .. } => {
                let values: Vec<Truth> = parts.iter().map(|part| self.condition(part, looks, nodes)).collect();
                match logic {
                    Logic::And | Logic::AndSequence => Truth::all(values),
                    Logic::Or => Truth::any(values),
                    Logic::Xone => Truth::exactly_one(values),
                }
            }
        };
        nodes.push(NodeState {
            node: condition.id().to_owned(),
            satisfied,
        });
        satisfied
    }

    pub(super) fn atomic(&self, atomic: &Atomic, looks: Looks<'_>) -> Truth {
        let Some(right) = self.right(atomic) else {
            return Truth::Unknown;
        };
        let operand = atomic.operand.strip_prefix(ODRL).unwrap_or(&atomic.operand);
        match (operand, looks) {
            ("dateTime", Looks::World(_) | Looks::Action(_)) => self.now(atomic.operator, &right),
            ("event", _) => self.event(atomic.operator, &right),
            _ => {
                let Some(left) = self.left(&atomic.operand, looks) else {
                    return Truth::Unknown;
                };
                if left.is_empty() || left.iter().any(|quantity| quantity.unit != atomic.unit) {
                    return Truth::Unknown;
                }
                let left: Vec<&Value> = left.iter().map(|quantity| &quantity.value).collect();
                match operand {
                    "purpose" => self.purpose(&left, atomic.operator, &right),
                    _ => self.values(&left, atomic.operator, &right),
                }
            }
        }
    }

    /// The right operand; `None` when it stands elsewhere and nobody here knows what.
    fn right<'b>(&'b self, atomic: &'b Atomic) -> Option<Vec<&'b Value>> {
        let mut right: Vec<&Value> = atomic.right.iter().collect();
        for reference in &atomic.reference {
            right.extend(self.world.references.get(reference)?);
        }
        let single = !atomic.operator.takes_many();
        (!right.is_empty() && (right.len() == 1 || !single)).then_some(right)
    }

    /// What is known of the left operand; `None` is nothing.
    fn left(&self, operand: &str, looks: Looks<'_>) -> Option<Cow<'_, [Quantity]>> {
        let found = match looks {
            Looks::Action(values) => return values.get(operand).map(|found| Cow::Owned(found.clone())),
            Looks::Thing(thing) => self.world.of_things.get(&(thing?.to_owned(), operand.to_owned()))?,
            Looks::World(rule) => {
                let of_rule = (operand.to_owned(), Some(rule.to_owned()));
                let of_all = (operand.to_owned(), None);
                let values = &self.world.values;
                values.get(&of_rule).or_else(|| values.get(&of_all))?
            }
        };
        if operand != format!("{ODRL}count") || !matches!(looks, Looks::World(_)) {
            return Some(Cow::Borrowed(found));
        }
        // Known is how often it was done before; asked is this time.
        let this_one = found.iter().map(|quantity| match &quantity.value {
            Value::Number(used) => used.to_whole()?.checked_add(1).map(|this_one| Quantity {
                value: Value::Number(Decimal::from(this_one)),
                unit: quantity.unit.clone(),
            }),
            _ => None,
        });
        this_one.collect::<Option<Vec<_>>>().map(Cow::Owned)
    }

    /// Compares the time of the request.
    fn now(&self, operator: Operator, right: &[&Value]) -> Truth {
        let Some(now_ms) = self.world.now_ms else {
            return Truth::Unknown;
        };
        let one = |value: &Value, operator: Operator| match value {
            Value::Moment(moment) => moment.compare(now_ms, operator),
            _ => Truth::Unknown,
        };
        against(right, operator, &one)
    }

    /// Before, during or after an event.
    fn event(&self, operator: Operator, right: &[&Value]) -> Truth {
        let one = |value: &Value, operator: Operator| {
            let (Value::Name(event), Some(now_ms)) = (value, self.world.now_ms) else {
                return Truth::Unknown;
            };
            let Some((from_ms, until_ms)) = self.world.events.get(event) else {
                return Truth::Unknown;
            };
            let before = from_ms.map_or(Truth::Unknown, |from_ms| Truth::of(now_ms < from_ms));
            let after = until_ms.map_or(Truth::Unknown, |until_ms| Truth::of(now_ms > until_ms));
            match operator {
                Operator::Lt => before,
                Operator::Gt => after,
                Operator::Lteq => !after,
                Operator::Gteq => !before,
                Operator::Eq => (!before).and(!after),
                Operator::Neq => before.or(after),
                _ => Truth::Unknown,
            }
        };
        against(right, operator, &one)
    }

    fn purpose(&self, left: &[&Value], operator: Operator, right: &[&Value]) -> Truth {
        let names = |values: &[&Value]| -> Option<Vec<String>> {
            let names = values.iter().map(|value| match value {
                Value::Name(name) => Some(name.clone()),
                _ => None,
            });
            names.collect()
        };
        match (names(left), names(right)) {
            (Some(stated), Some(asked)) => purpose::compare(&stated, operator, &asked),
            _ => Truth::Unknown,
        }
    }
}

/// A single moving value, the time, against one right operand or several.
fn against(right: &[&Value], operator: Operator, one: &dyn Fn(&Value, Operator) -> Truth) -> Truth {
    let same = || right.iter().map(|value| one(value, Operator::Eq));
    match operator {
        Operator::IsAnyOf => Truth::any(same()),
        Operator::IsNoneOf => !Truth::any(same()),
        Operator::IsAllOf => Truth::all(same()),
        _ => Truth::all(right.iter().map(|value| one(value, operator))),
    }
}
