//! From a policy, a request and what is known to the value of every node: each node is looked at, in order, none is skipped.

use super::actions::full;
use super::condition::Looks;
use super::model::{Condition, Policy, Rule, Thing};
use super::outcome::{Evaluation, NodeState, RuleReport};
use super::world::{Ask, Leniencies, Leniency, World};
use crate::model::{Conflict, PolicyKind, RuleKind};
use crate::record::{Outcome, Reason};
use crate::truth::Truth;

/// What a policy is judged against.
pub(super) struct Judge<'a> {
    pub(super) policy: &'a Policy,
    pub(super) ask: &'a Ask,
    pub(super) world: &'a World,
    pub(super) lenient: &'a Leniencies,
    /// Full IRI of the action that is asked for.
    action: String,
}

impl Policy {
    /// Judges a request. Offers never grant; unknown never grants.
    #[must_use]
    pub fn evaluate(&self, ask: &Ask, world: &World, leniencies: &Leniencies) -> Evaluation {
        let mut evaluation = judged(self, ask, world, leniencies);
        let differs = |leniency: &Leniency| {
            let without = judged(self, ask, world, &leniencies.clone().without(*leniency));
            (without.outcome, without.reason, without.rules)
                != (evaluation.outcome, evaluation.reason, evaluation.rules.clone())
        };
        let made_a_difference = leniencies.iter().filter(differs).collect();
        evaluation.made_a_difference = made_a_difference;
        evaluation
    }
}

fn judged(policy: &Policy, ask: &Ask, world: &World, lenient: &Leniencies) -> Evaluation {
    let judge = Judge {
        policy,
        ask,
        world,
        lenient,
        action: full(&ask.action),
    };
    let rules: Vec<RuleReport> = policy.rules.iter().map(|rule| judge.rule(rule)).collect();
    let takes_effect = |kind: RuleKind| rules.iter().any(|report| report.kind == kind && report.takes_effect());
    let reason = match (
        takes_effect(RuleKind::Permission),
        takes_effect(RuleKind::Prohibition),
        policy.conflict.as_slice(),
    ) {
        _ if policy.kind == PolicyKind::Offer => Reason::OnlyAnOffer,
        _ if !policy.actions.knows(&judge.action) => Reason::UnknownAction,
        (false, ..) => Reason::NotGranted,
        (true, false, _) | (true, true, [Conflict::Perm]) => Reason::Granted,
        (true, true, [Conflict::Prohibit]) => Reason::Prohibited,
        // None is `invalid`, and several void the policy as well (Information Model, section 2.10).
        (true, true, _) => Reason::Conflict,
    };
    Evaluation {
        policy: policy.id.clone(),
        kind: policy.kind,
        outcome: if reason == Reason::Granted {
            Outcome::Permit
        } else {
            Outcome::Deny
        },
        reason,
        leniencies: lenient.clone(),
        made_a_difference: Vec::new(),
        rules,
    }
}

impl Judge<'_> {
    fn rule(&self, rule: &Rule) -> RuleReport {
        let mut nodes = Vec::new();
        let action = self.action(rule, &mut nodes);
        let said = |things: &[Thing], fit: Truth| (!things.is_empty()).then_some(fit);
        let target = self.thing(&rule.targets, self.ask.target.as_deref(), &mut nodes);
        let assignee = self.thing(&rule.assignees, self.ask.assignee.as_deref(), &mut nodes);
        let output = self.thing(&rule.outputs, self.ask.output.as_deref(), &mut nodes);
        let assigner = match &self.ask.assigner {
            // Nobody in particular is asked, so whose permission it is does not matter.
            None => Truth::True,
            asked => self.thing(&rule.assigners, asked.as_deref(), &mut nodes),
        };
        let constraints = self.all(&rule.conditions, Looks::World(&rule.id), &mut nodes);
        let (conditions, active, duties) = match rule.kind {
            RuleKind::Permission => {
                let duties: Vec<_> = rule.duties.iter().map(|duty| self.duty(duty)).collect();
                let conditions = constraints.and(Truth::all(duties.iter().map(|duty| duty.passes)));
                let fit = [action, target, assigner, assignee, output, conditions];
                (conditions, Truth::all(fit), duties)
            }
            RuleKind::Prohibition => {
                // Who issued it does not matter, and a remedy makes good what was done; it does not permit it.
                let fit = [action, target, assignee, output, constraints];
                let remedies = rule.duties.iter().map(|remedy| self.duty(remedy)).collect();
                (constraints, Truth::all(fit), remedies)
            }
            RuleKind::Obligation | RuleKind::Duty => {
                let itself = self.duty(rule);
                (constraints, itself.due, vec![itself])
            }
        };
        RuleReport {
            rule: rule.id.clone(),
            kind: rule.kind,
            action: said(&rule.actions, action),
            target: said(&rule.targets, target),
            assigner: said(&rule.assigners, assigner),
            assignee: said(&rule.assignees, assignee),
            conditions,
            active,
            nodes,
            duties,
        }
    }

    /// Whether one of the rule's actions reaches the one that is asked for, narrowed as it is.
    fn action(&self, rule: &Rule, nodes: &mut Vec<NodeState>) -> Truth {
        if rule.actions.is_empty() {
            return if self.lenient.has(Leniency::RuleWithoutAction) {
                Truth::True
            } else {
                Truth::Unknown
            };
        }
        let mut any = Truth::False;
        for action in &rule.actions {
            let reaches = match rule.kind {
                RuleKind::Prohibition => self.policy.actions.prohibits(&action.iri, &self.action, self.lenient),
                _ => self.policy.actions.permits(&action.iri, &self.action, self.lenient),
            };
            let narrowed = self.all(&action.refinements, Looks::Action(self.ask.values()), nodes);
            any = any.or(Truth::of(reaches).and(narrowed));
        }
        any
    }

    /// Whether one of these assets or parties is the one that is asked about, or a collection that it is part of.
    fn thing(&self, things: &[Thing], asked: Option<&str>, nodes: &mut Vec<NodeState>) -> Truth {
        if things.is_empty() {
            return Truth::True;
        }
        let mut any = Truth::False;
        for thing in things {
            let fit = match asked {
                // Where all is said, a request that names nothing is about none of them.
                None if self.world.is_complete => Truth::False,
                None => Truth::Unknown,
                Some(asked) => self.belongs(asked, thing),
            };
            let narrowed = self.all(&thing.refinements, Looks::Thing(asked), nodes);
            any = any.or(fit.and(narrowed));
        }
        any
    }

    fn belongs(&self, asked: &str, thing: &Thing) -> Truth {
        if asked == thing.iri {
            return Truth::True;
        }
        match self.is_part(asked, &thing.iri) {
            Truth::True => Truth::True,
            // What is no collection has no members that nobody has told of.
            _ if !thing.is_collection && !self.has_members(&thing.iri) => Truth::False,
            other => other,
        }
    }

    /// All conditions, each judged and written down.
    pub(super) fn all(&self, conditions: &[Condition], looks: Looks<'_>, nodes: &mut Vec<NodeState>) -> Truth {
        let mut all = Truth::True;
        for condition in conditions {
            all = all.and(self.condition(condition, looks, nodes));
        }
        all
    }
}
