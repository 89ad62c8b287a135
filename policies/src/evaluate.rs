//! The evaluator: every node of the policy gets one of three values.

use crate::action::Action;
use crate::facts::{Facts, Request};
use crate::model::{Atomic, Constraint, Logic, Right, Rule};
use crate::operand::{LOG_KEPT, Operand, Operator};
use crate::policy::Policy;
use crate::purpose;
use crate::record::Step;
use crate::truth::Truth;

/// What the rules are judged against.
pub(crate) struct World<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) request: &'a Request,
    pub(crate) action: Action,
    pub(crate) facts: &'a Facts,
}

/// How the parts of one rule came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RuleTruth {
    pub(crate) action: Truth,
    pub(crate) target: Truth,
    pub(crate) assigner: Truth,
    pub(crate) assignee: Truth,
    pub(crate) constraints: Truth,
    pub(crate) duties: Truth,
}

impl RuleTruth {
    /// Whether a permission holds.
    pub(crate) fn grants(self) -> Truth {
        Truth::all([
            self.action,
            self.target,
            self.assigner,
            self.assignee,
            self.constraints,
            self.duties,
        ])
    }

    /// Whether a prohibition holds. Who issued it does not matter: a prohibition in the policy binds in any case.
    pub(crate) fn forbids(self) -> Truth {
        Truth::all([self.action, self.target, self.assignee, self.constraints])
    }
}

impl World<'_> {
    /// Judges a permission and writes one step for it and for everything in it.
    pub(crate) fn permission(&self, rule: &Rule, trace: &mut Vec<Step>) -> RuleTruth {
        let mut truth = self.rule(rule, rule.action.permits(self.action), trace);
        if self.is_one_sided_unsaid(rule) {
            truth.constraints = Truth::False;
        }
        trace.push(Step::rule(rule, truth, truth.grants()));
        truth
    }

    /// Whether the other end keeps no log, or nobody knows, and the permission says nothing of that: it was not written for such a
    /// party, so it does not hold for one. Requests of before the question was asked say nothing of it either, and are as they were.
    pub(crate) fn is_one_sided_unsaid(&self, rule: &Rule) -> bool {
        let kept = |values: &[String]| values == [LOG_KEPT];
        let known = self.facts.values(Operand::CounterpartyLog.name(), None);
        known.is_some_and(|values| !kept(values)) && !rule.names(Operand::CounterpartyLog)
    }

    /// Judges a prohibition; `True` and `Unknown` both mean that it applies.
    pub(crate) fn prohibition(&self, rule: &Rule, trace: &mut Vec<Step>) -> RuleTruth {
        let truth = self.rule(rule, rule.action.prohibits(self.action), trace);
        trace.push(Step::rule(rule, truth, truth.forbids()));
        truth
    }

    /// Judges an obligation: whether it was fulfilled. It decides nothing; the record shows it.
    pub(crate) fn obligation(&self, rule: &Rule, trace: &mut Vec<Step>) {
        let fulfilled = self.fulfilled(rule);
        trace.push(Step::node(&rule.at, fulfilled));
    }

    fn rule(&self, rule: &Rule, action: bool, trace: &mut Vec<Step>) -> RuleTruth {
        let scope = &rule.scope;
        let says = |said: &Option<String>, asked: &str| match said {
            Some(said) => Truth::of(said == asked),
            // Unsaid: an offer weighed as an agreement gets the parties and the asset that it is weighed for, and a Set
            // speaks to everybody. What an Agreement or a Set must say, the parser has seen to.
            None => Truth::True,
        };
        RuleTruth {
            action: Truth::of(action),
            target: says(&scope.target, &self.request.target),
            assigner: says(&scope.assigner, &self.request.assigner),
            assignee: says(&scope.assignee, &self.request.assignee),
            constraints: Truth::all(rule.constraints.iter().map(|part| self.constraint(rule, part, trace))),
            duties: Truth::all(rule.duties.iter().map(|duty| self.duty(duty, trace))),
        }
    }

    /// A duty stands in the way unless it was fulfilled, or its own conditions say that it is not due.
    fn duty(&self, duty: &Rule, trace: &mut Vec<Step>) -> Truth {
        for part in &duty.constraints {
            self.constraint(duty, part, trace);
        }
        let due = Truth::all(duty.constraints.iter().map(|part| self.leaves_due(duty, part)));
        let value = (!due).or(self.fulfilled(duty));
        trace.push(Step::node(&duty.at, value));
        value
    }

    /// Whether a duty is due as far as this condition of it goes. A time before which it has to be fulfilled is a deadline
    /// and no such condition: a duty that was missed would lapse otherwise, and give what it was to pay for.
    fn leaves_due(&self, duty: &Rule, constraint: &Constraint) -> Truth {
        match constraint {
            Constraint::Atomic(atomic) => match (&atomic.right, atomic.operator) {
                (Right::Moment(_), Operator::Lt | Operator::Lteq) => Truth::True,
                (Right::Moment(moment), Operator::Eq) => moment.compare(self.request.now_ms, Operator::Gteq),
                _ => self.atomic(duty, atomic),
            },
            Constraint::Logical { logic, parts, .. } => {
                let values = parts.iter().map(|part| self.leaves_due(duty, part));
                match logic {
                    Logic::And | Logic::AndSequence => Truth::all(values),
                    // A deadline counts as holding, and one part more that holds must not undo an exclusive choice.
                    Logic::Or | Logic::Xone => Truth::any(values),
                }
            }
        }
    }

    fn fulfilled(&self, duty: &Rule) -> Truth {
        match self.facts.values("duty", Some(&duty.id)) {
            Some([state]) => Truth::of(state == "fulfilled"),
            _ => Truth::Unknown,
        }
    }

    fn constraint(&self, rule: &Rule, constraint: &Constraint, trace: &mut Vec<Step>) -> Truth {
        let value = match constraint {
            Constraint::Atomic(atomic) => self.atomic(rule, atomic),
            Constraint::Logical { logic, parts, .. } => {
                let values: Vec<Truth> = parts.iter().map(|part| self.constraint(rule, part, trace)).collect();
                match logic {
                    Logic::And | Logic::AndSequence => Truth::all(values),
                    Logic::Or => Truth::any(values),
                    Logic::Xone => Truth::exactly_one(values),
                }
            }
        };
        trace.push(Step::node(constraint.at(), value));
        value
    }

    fn atomic(&self, rule: &Rule, atomic: &Atomic) -> Truth {
        match (&atomic.right, atomic.operand) {
            (Right::Moment(moment), Operand::DateTime) => moment.compare(self.request.now_ms, atomic.operator),
            (Right::Iris(asked), Operand::Purpose) => match self.facts.values("purpose", None) {
                Some(stated) => purpose::compare(stated, atomic.operator, asked),
                None => Truth::Unknown,
            },
            (Right::Iris(asked), Operand::Recipient) => match self.facts.values("recipient", None) {
                Some(recipients) => among(recipients, atomic.operator, asked),
                None => Truth::Unknown,
            },
            (Right::Iris(asked), Operand::CounterpartyLog) => {
                match self.facts.values(Operand::CounterpartyLog.name(), None) {
                    Some(known) => among(known, atomic.operator, asked),
                    None => Truth::Unknown,
                }
            }
            (Right::Count(limit), Operand::Count) => match self.used(rule).and_then(|used| used.checked_add(1)) {
                Some(this_one) => at_most(this_one, atomic.operator, *limit),
                None => Truth::Unknown,
            },
            // The parser pairs operands with their right operands; anything else would be unknown.
            _ => Truth::Unknown,
        }
    }

    /// How often the rule's counter has been used before.
    pub(crate) fn used(&self, rule: &Rule) -> Option<u64> {
        match self.facts.values("count", Some(&self.policy.counter(rule))) {
            Some([used]) => used.parse().ok(),
            _ => None,
        }
    }
}

/// Recipients have no hierarchy: they are who they are.
fn among(recipients: &[String], operator: Operator, asked: &[String]) -> Truth {
    let each = |yes: bool| Truth::unanimous(recipients.iter().map(|one| Truth::of(asked.contains(one) == yes)));
    match operator {
        Operator::Eq | Operator::IsAnyOf => each(true),
        Operator::Neq | Operator::IsNoneOf => each(false),
        _ => Truth::Unknown,
    }
}

/// `this_one` is the number of the execution that is asked for, counted from 1.
fn at_most(this_one: u64, operator: Operator, limit: u64) -> Truth {
    match operator {
        Operator::Lteq => Truth::of(this_one <= limit),
        Operator::Lt => Truth::of(this_one < limit),
        Operator::Eq => Truth::of(this_one == limit),
        _ => Truth::Unknown,
    }
}
