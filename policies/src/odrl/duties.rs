//! Duties, consequences, remedies and obligations.

use super::condition::Looks;
use super::evaluate::Judge;
use super::model::{Atomic, Condition, Rule};
use super::outcome::{Deontic, DutyReport};
use super::value::Value;
use super::world::{Leniency, Performance};
use crate::model::Logic;
use crate::operand::Operator;
use crate::truth::Truth;
use herleid_vocab::terms::ODRL;
use std::collections::BTreeSet;

impl Judge<'_> {
    /// Judges a duty. It stands in the way unless it was done or is not due; once it was missed, its consequences have to be
    /// done as well (Information Model, section 2.6.6).
    pub(super) fn duty(&self, duty: &Rule) -> DutyReport {
        let looks = Looks::World(&duty.id);
        let mut nodes = Vec::new();
        self.all(&duty.conditions, looks, &mut nodes);
        let due = Truth::all(duty.conditions.iter().map(|part| self.leaves_due(part, looks)));
        let performed = self.performed(duty, &mut nodes);
        let reported = self.world.duties.get(&duty.id);
        let is_missed = reported.is_some_and(|states| states.contains("violated"))
            || (performed != Truth::True && duty.conditions.iter().any(|part| self.is_past(part, looks)));
        let made_good = if is_missed {
            Truth::all(duty.duties.iter().map(|consequence| self.duty(consequence).passes))
        } else {
            Truth::True
        };
        let done = performed.and(made_good);
        let deontic = match (is_missed, done) {
            (_, Truth::True) => Deontic::Fulfilled,
            (true, _) => Deontic::Violated,
            (false, _) => Deontic::NotSet,
        };
        let mut passes = (!due).or(done);
        if self.lenient.has(Leniency::UnsetDutyPermits) && deontic == Deontic::NotSet {
            passes = Truth::True;
        }
        DutyReport {
            rule: duty.id.clone(),
            due,
            performed,
            deontic,
            passes,
            nodes,
        }
    }

    /// Whether it was done: somebody reports that it was, or something that was done is what it asks for.
    fn performed(&self, duty: &Rule, nodes: &mut Vec<super::NodeState>) -> Truth {
        let reported = match self.world.duties.get(&duty.id) {
            Some(states) => Truth::of(states.contains("fulfilled")),
            None => Truth::Unknown,
        };
        let mut shown = self
            .world
            .performances
            .iter()
            .filter(|done| done.duty == duty.id)
            .peekable();
        if shown.peek().is_none() {
            return reported;
        }
        let shown = Truth::any(shown.map(|done| self.is_what_is_asked(duty, done, nodes)));
        match reported {
            Truth::Unknown => shown,
            reported => reported.or(shown),
        }
    }

    fn is_what_is_asked(&self, duty: &Rule, done: &Performance, nodes: &mut Vec<super::NodeState>) -> Truth {
        // A duty with several actions is several duties, and what was done does not say which of them it was.
        let [action] = duty.actions.as_slice() else {
            return Truth::Unknown;
        };
        let narrowed = self.all(&action.refinements, Looks::Action(done.values()), nodes);
        let party = |function: &str, wanted: &BTreeSet<String>| match done.parties.get(function) {
            _ if wanted.is_empty() => Truth::True,
            Some(party) => Truth::of(wanted.contains(party)),
            None => Truth::Unknown,
        };
        let mut all = narrowed;
        for (function, wanted) in &duty.parties {
            all = all.and(party(function, wanted));
        }
        for (function, things) in [("assignee", &duty.assignees), ("target", &duty.targets)] {
            let wanted = things.iter().map(|thing| thing.iri.clone()).collect();
            all = all.and(party(function, &wanted));
        }
        all
    }

    /// Whether a duty is due as far as this condition of it goes. A time before which it has to be done is a deadline and no
    /// such condition: a duty that was missed would lapse otherwise, and give what it was to pay for.
    fn leaves_due(&self, condition: &Condition, looks: Looks<'_>) -> Truth {
        match condition {
            Condition::Atomic(atomic) => match (moment(atomic), atomic.operator) {
                (Some(_), Operator::Lt | Operator::Lteq) => Truth::True,
                (Some(moment), Operator::Eq) => match self.world.now_ms {
                    Some(now_ms) => moment.compare(now_ms, Operator::Gteq),
                    None => Truth::Unknown,
                },
                _ => self.atomic(atomic, looks),
            },
            Condition::Logical { logic, parts, .. } => {
                let values = parts.iter().map(|part| self.leaves_due(part, looks));
                match logic {
                    Logic::And | Logic::AndSequence => Truth::all(values),
                    // A deadline counts as holding, and one part more that holds must not undo an exclusive choice.
                    Logic::Or | Logic::Xone => Truth::any(values),
                }
            }
        }
    }

    /// Whether a deadline that always holds has passed.
    fn is_past(&self, condition: &Condition, looks: Looks<'_>) -> bool {
        match condition {
            Condition::Atomic(atomic) => {
                moment(atomic).is_some()
                    && matches!(atomic.operator, Operator::Lt | Operator::Lteq)
                    && self.atomic(atomic, looks) == Truth::False
            }
            Condition::Logical {
                logic: Logic::And | Logic::AndSequence,
                parts,
                ..
            } => parts.iter().any(|part| self.is_past(part, looks)),
            Condition::Logical { .. } => false,
        }
    }
}

/// The moment that a condition compares the time with.
fn moment(atomic: &Atomic) -> Option<&crate::moment::Moment> {
    match atomic.right.as_slice() {
        [Value::Moment(moment)] if atomic.operand.strip_prefix(ODRL) == Some("dateTime") => Some(moment),
        _ => None,
    }
}
