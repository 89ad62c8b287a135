//! From a program and what is known to the value of each rule.

use super::condition::Looks;
use super::duty::DutyTruth;
use super::known::Known;
use super::program::{Act, Program, Rule, Strategy, Text, Thing};
use crate::model::{PolicyKind, RuleKind};
use crate::odrl::Leniency;
use crate::record::Reason;
use crate::truth::Truth;

/// Who wants to know how single nodes came out.
pub(super) trait Sink {
    /// Whether every node is to be looked at, also where the outcome is clear without it.
    const LOOKS_AT_ALL: bool;
    fn node(&mut self, name: &Text, value: Truth);
    /// What comes until [`Sink::duty`] is of a duty.
    fn begin_duty(&mut self);
    fn duty(&mut self, duty: &Rule, truth: DutyTruth);
}

/// Nobody does: only what decides is looked at.
pub(super) struct Nobody;

impl Sink for Nobody {
    const LOOKS_AT_ALL: bool = false;
    fn node(&mut self, _: &Text, _: Truth) {}
    fn begin_duty(&mut self) {}
    fn duty(&mut self, _: &Rule, _: DutyTruth) {}
}

/// How the parts of one rule came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) action: Truth,
    pub(crate) target: Truth,
    pub(crate) assigner: Truth,
    pub(crate) assignee: Truth,
    pub(crate) output: Truth,
    pub(crate) constraints: Truth,
    pub(crate) duties: Truth,
}

impl Fit {
    const NOT_LOOKED_AT: Self = Self {
        action: Truth::True,
        target: Truth::True,
        assigner: Truth::True,
        assignee: Truth::True,
        output: Truth::True,
        constraints: Truth::True,
        duties: Truth::True,
    };

    /// Whether a permission holds.
    pub(crate) fn grants(self) -> Truth {
        self.forbids().and(self.assigner).and(self.duties)
    }

    /// Whether a prohibition holds. Who issued it does not matter, and a remedy makes good what was done; it permits nothing.
    pub(crate) fn forbids(self) -> Truth {
        Truth::all([self.action, self.target, self.assignee, self.output, self.constraints])
    }
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) reason: Reason,
    /// The place of the permission that grants among the permissions.
    pub(crate) granting: Option<usize>,
}

/// A program, and what it is judged against.
pub(super) struct Judge<'a, K> {
    pub(super) program: &'a Program,
    pub(super) known: &'a K,
    /// The number of the action that is asked for; `None` where nobody knows it.
    pub(super) action: Option<usize>,
    pub(super) now_ms: Option<i64>,
    pub(super) is_one_sided: bool,
}

impl<'a, K: Known> Judge<'a, K> {
    pub(super) fn new(program: &'a Program, known: &'a K, action: &str) -> Self {
        Self {
            program,
            known,
            action: program.actions.find(action),
            // Beyond the range of a moment there is nothing to compare with.
            now_ms: known.now_ms().map(|now| i64::try_from(now).unwrap_or(i64::MAX)),
            is_one_sided: known.is_one_sided(),
        }
    }

    /// Decides. Offers never grant, unless they are weighed as if they were agreements; unknown never grants.
    pub(super) fn verdict(&self, offers_grant: bool) -> Verdict {
        let no = |reason| Verdict { reason, granting: None };
        if self.program.kind == PolicyKind::Offer && !offers_grant {
            return no(Reason::OnlyAnOffer);
        }
        if !self.knows_action() {
            return no(Reason::UnknownAction);
        }
        let mut granting: Option<(usize, u64)> = None;
        for (place, rule) in self.program.permissions.iter().enumerate() {
            // A permission that does not count spares the counter of one that does, and a cheaper one spares what was paid.
            let price = rule.price.unwrap_or_default();
            let is_better = granting.is_none_or(|(_, best)| !rule.counts || price < best);
            if is_better && self.fit(rule, &mut Nobody).grants() == Truth::True {
                granting = Some((place, price));
                if !rule.counts {
                    break;
                }
            }
        }
        let granting = granting.map(|(place, _)| place);
        if granting.is_none() {
            return no(Reason::NotGranted);
        }
        let mut prohibitions = self.program.prohibitions.iter();
        let is_forbidden = self.program.conflict != Strategy::Grants
            && prohibitions.any(|rule| self.fit(rule, &mut Nobody).forbids() != Truth::False);
        let reason = match (is_forbidden, self.program.conflict) {
            (false, _) | (true, Strategy::Grants) => Reason::Granted,
            (true, Strategy::Forbids) => Reason::Prohibited,
            (true, Strategy::Voids) => Reason::Conflict,
        };
        if reason == Reason::Granted && self.program.obligations.iter().any(|rule| self.is_broken(rule)) {
            return no(Reason::ObligationBroken);
        }
        Verdict { reason, granting }
    }

    pub(super) fn knows_action(&self) -> bool {
        self.action.is_some_and(|action| self.program.actions.knows(action))
    }

    /// Judges the parts of a rule, and no more of them than somebody wants to know.
    pub(super) fn fit<S: Sink>(&self, rule: &Rule, sink: &mut S) -> Fit {
        let asked = self.known.asked();
        let mut fit = Fit::NOT_LOOKED_AT;
        let is_over = |value: Truth| !S::LOOKS_AT_ALL && value == Truth::False;
        fit.action = self.action(rule, sink);
        if is_over(fit.action) {
            return fit;
        }
        fit.target = self.things(&rule.targets, asked.target, sink);
        if is_over(fit.target) {
            return fit;
        }
        fit.assignee = self.things(&rule.assignees, asked.assignee, sink);
        if is_over(fit.assignee) {
            return fit;
        }
        fit.output = self.things(&rule.outputs, asked.output, sink);
        if asked.assigner.is_some() {
            // When nobody in particular is asked, whose permission it is does not matter.
            fit.assigner = self.things(&rule.assigners, asked.assigner, sink);
        }
        let is_permission = rule.kind == RuleKind::Permission;
        if is_over(fit.output) || (is_permission && is_over(fit.assigner)) {
            return fit;
        }
        fit.constraints = self.all(&rule.conditions, Looks::World(&rule.key), sink);
        if is_permission && rule.is_silent_on_logs && self.is_one_sided {
            fit.constraints = Truth::False;
        }
        if is_over(fit.constraints) {
            return fit;
        }
        // Remedies are looked at for those only who want to know.
        if is_permission || (S::LOOKS_AT_ALL && rule.kind == RuleKind::Prohibition) {
            for duty in &rule.duties {
                fit.duties = fit.duties.and(self.told_duty(duty, sink).passes);
            }
        }
        fit
    }

    /// Judges a duty and says so.
    pub(super) fn told_duty<S: Sink>(&self, duty: &Rule, sink: &mut S) -> DutyTruth {
        sink.begin_duty();
        let truth = self.duty(duty, sink);
        sink.duty(duty, truth);
        truth
    }

    /// Whether one of the rule's actions reaches the one that is asked for, narrowed as it is.
    fn action<S: Sink>(&self, rule: &Rule, sink: &mut S) -> Truth {
        if rule.actions.is_empty() {
            let is_every = self.program.leniencies.has(Leniency::RuleWithoutAction);
            return if is_every { Truth::True } else { Truth::Unknown };
        }
        let mut any = Truth::False;
        for Act { reaches, refinements } in &rule.actions {
            let reached = Truth::of(self.action.is_some_and(|action| reaches.has(action)));
            if S::LOOKS_AT_ALL || reached == Truth::True {
                any = any.or(reached.and(self.all(refinements, Looks::Action(self.known.of_action()), sink)));
            }
        }
        any
    }

    /// Whether one of these assets or parties is the one that is asked about, or a collection that it is part of.
    pub(super) fn things<S: Sink>(&self, things: &[Thing], asked: Option<&str>, sink: &mut S) -> Truth {
        if things.is_empty() {
            return Truth::True;
        }
        let mut any = Truth::False;
        for thing in things {
            let fit = match asked {
                // Where all is said, a request that names nothing is about none of them.
                None if self.known.is_complete() => Truth::False,
                None => Truth::Unknown,
                Some(asked) if asked == &*thing.iri => Truth::True,
                // What is no collection has no members that nobody has told of.
                Some(_) if !thing.is_open && !self.known.has_members(&thing.iri) => Truth::False,
                Some(asked) => self.is_part(asked, &thing.iri),
            };
            if S::LOOKS_AT_ALL || fit != Truth::False {
                any = any.or(fit.and(self.all(&thing.refinements, Looks::Thing(asked), sink)));
            }
        }
        any
    }
}
