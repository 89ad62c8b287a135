//! Duties, consequences, remedies and obligations.

use super::condition::Looks;
use super::judge::{Judge, Nobody, Sink};
use super::known::Known;
use super::program::{Node, Rule, Test, What};
use crate::model::Logic;
use crate::odrl::{Leniency, Performance};
use crate::operand::Operator;
use crate::truth::Truth;

/// How a duty came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DutyTruth {
    /// Whether its own conditions say that it is due.
    pub(super) due: Truth,
    pub(super) performed: Truth,
    pub(super) is_missed: bool,
    /// Performed, and once it was missed all its consequences done as well.
    pub(super) done: Truth,
    /// Whether it leaves the way free.
    pub(super) passes: Truth,
}

impl<K: Known> Judge<'_, K> {
    /// Judges a duty. It stands in the way unless it was done or is not due; once it was missed, its consequences have to be
    /// done as well (Information Model, section 2.6.6).
    pub(super) fn duty<S: Sink>(&self, duty: &Rule, sink: &mut S) -> DutyTruth {
        let key = &*duty.key;
        if S::LOOKS_AT_ALL {
            self.all(&duty.conditions, Looks::World(key), sink);
        }
        let due = Truth::all(duty.conditions.iter().map(|node| self.leaves_due(node, key)));
        let reported = self.known.duty(&duty.id);
        let performed = match duty.price {
            // Met by what was paid, whatever anybody says of it.
            Some(_) => self.all(&duty.conditions, Looks::World(key), &mut Nobody),
            None => self.performed(duty, reported.map(|reported| reported.is_fulfilled), sink),
        };
        let is_missed = reported.is_some_and(|reported| reported.is_violated)
            || (performed != Truth::True && duty.conditions.iter().any(|node| self.is_past(node, key)));
        let made_good = if is_missed {
            Truth::all(
                duty.duties
                    .iter()
                    .map(|consequence| self.duty(consequence, &mut Nobody).passes),
            )
        } else {
            Truth::True
        };
        let done = performed.and(made_good);
        let is_not_set = !is_missed && done != Truth::True;
        let passes = if is_not_set && self.program.leniencies.has(Leniency::UnsetDutyPermits) {
            Truth::True
        } else {
            (!due).or(done)
        };
        DutyTruth {
            due,
            performed,
            is_missed,
            done,
            passes,
        }
    }

    /// Whether an obligation stands in the way of what the policy grants: it is due of who asks, and it is past its date without having
    /// been done, or is said to be broken. What has to be deleted by a day is not given after it, whatever was deleted before.
    pub(super) fn is_broken(&self, obligation: &Rule) -> bool {
        if !(self.program.binds && self.known.era().obliges()) {
            return false;
        }
        let asked = self.known.asked();
        let concerns = self.things(&obligation.assignees, asked.assignee, &mut Nobody);
        let concerns = concerns.and(self.things(&obligation.targets, asked.target, &mut Nobody));
        if concerns == Truth::False {
            return false;
        }
        let truth = self.duty(obligation, &mut Nobody);
        let now_ms = self.known.now_ms();
        let over = obligation
            .over
            .filter(|over| now_ms.is_none_or(|now| now >= over.from_ms));
        let is_late = over.is_some_and(|over| over.ends_use || truth.performed != Truth::True);
        truth.due != Truth::False && (truth.is_missed || is_late)
    }

    /// Whether it was done: somebody reports that it was, or something that was done is what it asks for.
    fn performed<S: Sink>(&self, duty: &Rule, reported: Option<bool>, sink: &mut S) -> Truth {
        let mut shown = None;
        for done in self.known.performances() {
            if *done.duty == *duty.id {
                let this = self.is_what_is_asked(duty, done, sink);
                shown = Some(shown.map_or(this, |before: Truth| before.or(this)));
            }
        }
        match (reported.map(Truth::of), shown) {
            (None, None) => Truth::Unknown,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(reported), Some(shown)) => reported.or(shown),
        }
    }

    fn is_what_is_asked<S: Sink>(&self, duty: &Rule, done: &Performance, sink: &mut S) -> Truth {
        // A duty with several actions is several duties, and what was done does not say which of them it was.
        let [action] = &*duty.actions else {
            return Truth::Unknown;
        };
        let mut all = self.all(&action.refinements, Looks::Action(Some(done.values())), sink);
        for (function, wanted) in &duty.parties {
            all = all.and(match done.parties.get(&**function) {
                _ if wanted.is_empty() => Truth::True,
                Some(party) => Truth::of(wanted.contains(party)),
                None => Truth::Unknown,
            });
        }
        for (function, things) in [("assignee", &duty.assignees), ("target", &duty.targets)] {
            all = all.and(match done.parties.get(function) {
                _ if things.is_empty() => Truth::True,
                Some(party) => Truth::of(things.iter().any(|thing| *thing.iri == **party)),
                None => Truth::Unknown,
            });
        }
        all
    }

    /// Whether a duty is due as far as this condition of it goes. A time before which it has to be done is a deadline and no
    /// such condition: a duty that was missed would lapse otherwise, and give what it was to pay for.
    fn leaves_due(&self, node: &Node, key: &str) -> Truth {
        match &node.test {
            // What it costs says nothing of when it is due.
            Test::Atomic(atomic) if atomic.operand.what == What::Price => Truth::True,
            Test::Atomic(atomic) => match (atomic.moment(), atomic.operator) {
                (Some(_), Operator::Lt | Operator::Lteq) => Truth::True,
                (Some(moment), Operator::Eq) => self
                    .now_ms
                    .map_or(Truth::Unknown, |now_ms| moment.compare(now_ms, Operator::Gteq)),
                _ => self.atomic(atomic, Looks::World(key)),
            },
            Test::Logical { logic, parts } => {
                let values = parts.iter().map(|part| self.leaves_due(part, key));
                match logic {
                    Logic::And | Logic::AndSequence => Truth::all(values),
                    // A deadline counts as holding, and one part more that holds must not undo an exclusive choice.
                    Logic::Or | Logic::Xone => Truth::any(values),
                }
            }
        }
    }

    /// Whether a deadline that always holds has passed.
    fn is_past(&self, node: &Node, key: &str) -> bool {
        match &node.test {
            Test::Atomic(atomic) => {
                atomic.moment().is_some()
                    && matches!(atomic.operator, Operator::Lt | Operator::Lteq)
                    && self.atomic(atomic, Looks::World(key)) == Truth::False
            }
            Test::Logical {
                logic: Logic::And | Logic::AndSequence,
                parts,
            } => parts.iter().any(|part| self.is_past(part, key)),
            Test::Logical { .. } => false,
        }
    }
}
