//! How a request comes out under a compiled policy of ODRL 2.2.

use super::duty::DutyTruth;
use super::judge::{Judge, Sink, Verdict};
use super::known::Scene;
use super::program::{Program, Rule, Text, Thing};
use crate::model::RuleKind;
use crate::odrl::{Ask, Deontic, DutyReport, Evaluation, NodeState, RuleReport, World};
use crate::record::{Outcome, Reason};
use crate::truth::Truth;

impl Program {
    /// Decides a request, and looks at nothing that does not matter to it. Offers never grant; unknown never grants.
    #[must_use]
    pub fn judge(&self, ask: &Ask, world: &World) -> Reason {
        self.verdict_on(&Scene { ask, world }, ask).reason
    }

    fn verdict_on(&self, scene: &Scene<'_>, ask: &Ask) -> Verdict {
        Judge::new(self, scene, &ask.action).verdict(false)
    }

    /// Decides a request and says how every node came out. Which leniencies made a difference is not looked into.
    #[must_use]
    pub fn evaluate(&self, ask: &Ask, world: &World) -> Evaluation {
        let scene = Scene { ask, world };
        let judge = Judge::new(self, &scene, &ask.action);
        let rules = self
            .permissions
            .iter()
            .chain(&self.prohibitions)
            .chain(&self.obligations);
        let reason = judge.verdict(false).reason;
        Evaluation {
            policy: self.id.clone(),
            kind: self.kind,
            outcome: if reason == Reason::Granted {
                Outcome::Permit
            } else {
                Outcome::Deny
            },
            reason,
            leniencies: self.leniencies.clone(),
            made_a_difference: Vec::new(),
            rules: rules.map(|rule| report(&judge, rule)).collect(),
        }
    }
}

fn report(judge: &Judge<'_, Scene<'_>>, rule: &Rule) -> RuleReport {
    let mut told = Told::default();
    let fit = judge.fit(rule, &mut told);
    let (conditions, active) = match rule.kind {
        RuleKind::Permission => (fit.constraints.and(fit.duties), fit.grants()),
        RuleKind::Prohibition => (fit.constraints, fit.forbids()),
        RuleKind::Obligation | RuleKind::Duty => (fit.constraints, judge.told_duty(rule, &mut told).due),
    };
    let said = |things: &[Thing], fit: Truth| (!things.is_empty()).then_some(fit);
    RuleReport {
        rule: rule.name.to_string(),
        kind: rule.kind,
        action: (!rule.actions.is_empty()).then_some(fit.action),
        target: said(&rule.targets, fit.target),
        assigner: said(&rule.assigners, fit.assigner),
        assignee: said(&rule.assignees, fit.assignee),
        conditions,
        active,
        nodes: told.nodes,
        duties: told.duties,
    }
}

/// What one rule tells.
#[derive(Default)]
struct Told {
    nodes: Vec<NodeState>,
    duties: Vec<DutyReport>,
    /// The nodes of the duty that is being judged.
    of_duty: Option<Vec<NodeState>>,
}

impl Sink for Told {
    const LOOKS_AT_ALL: bool = true;

    fn node(&mut self, name: &Text, satisfied: Truth) {
        let nodes = self.of_duty.as_mut().unwrap_or(&mut self.nodes);
        nodes.push(NodeState {
            node: name.to_string(),
            satisfied,
        });
    }

    fn begin_duty(&mut self) {
        self.of_duty = Some(Vec::new());
    }

    fn duty(&mut self, duty: &Rule, truth: DutyTruth) {
        self.duties.push(DutyReport {
            rule: duty.name.to_string(),
            due: truth.due,
            performed: truth.performed,
            deontic: match (truth.is_missed, truth.done) {
                (_, Truth::True) => Deontic::Fulfilled,
                (true, _) => Deontic::Violated,
                (false, _) => Deontic::NotSet,
            },
            passes: truth.passes,
            nodes: self.of_duty.take().unwrap_or_default(),
        });
    }
}
