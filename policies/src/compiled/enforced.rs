//! From a policy that a connector enforces to a program, and its rules judged.

use super::actions::Universe;
use super::duty::DutyTruth;
use super::judge::{Fit, Judge, Nobody, Sink, Verdict};
use super::known::Shown;
use super::program::{Act, Atomic, Node, Operand, Over, Program, Rule, Strategy, Test, Text, Texts, Thing, What};
use super::values::{Rights, Span, Typed};
use crate::amount::Amount;
use crate::facts::{Facts, Request};
use crate::model::{self, Conflict, Constraint, PolicyKind, Right, RuleKind};
use crate::odrl::{Actions, Decimal, Leniencies};
use crate::operand::Operand as Enforced;
use crate::payment;
use crate::record::{Mode, Step};
use crate::truth::Truth;
use std::sync::Arc;

/// The rules of a policy, in canonical order.
pub(crate) struct Rules<'a> {
    pub(crate) permissions: &'a [model::Rule],
    pub(crate) prohibitions: &'a [model::Rule],
    pub(crate) obligations: &'a [model::Rule],
}

struct Compiler<'a> {
    id: &'a str,
    actions: Universe,
    texts: Texts,
}

impl Program {
    /// Compiles what the enforced reader understood. Nodes are named by their places in the canonical document.
    pub(crate) fn enforced(id: &str, kind: PolicyKind, conflict: Conflict, rules: &Rules<'_>) -> Self {
        let mut texts = Texts::default();
        let mut compiler = Compiler {
            id,
            actions: Universe::of(&Actions::default(), &mut texts),
            texts,
        };
        let mut compile = |rules: &[model::Rule]| rules.iter().map(|rule| compiler.rule(rule, None)).collect();
        Self {
            id: id.to_owned(),
            kind,
            conflict: Strategy::of(&[conflict]),
            leniencies: Leniencies::strict(),
            permissions: compile(rules.permissions),
            prohibitions: compile(rules.prohibitions),
            obligations: compile(rules.obligations),
            binds: true,
            actions: compiler.actions,
            part_of: std::collections::BTreeMap::new(),
        }
    }

    /// What is decided; nothing is looked at that does not matter to it.
    pub(crate) fn verdict(&self, request: &Request, facts: &Facts, mode: Mode) -> Verdict {
        let known = Shown { request, facts };
        Judge::new(self, &known, &request.action).verdict(mode == Mode::WouldGrant)
    }

    /// How every node comes out, in the order of the record: what is within a rule before the rule.
    pub(crate) fn trace(&self, request: &Request, facts: &Facts) -> Trace {
        let known = Shown { request, facts };
        let judge = Judge::new(self, &known, &request.action);
        let mut steps = Steps(Vec::new());
        let mut rules = |rules: &[Rule], value: fn(Fit) -> Truth| -> Vec<Fit> {
            let fits = rules.iter().map(|rule| {
                let fit = judge.fit(rule, &mut steps);
                steps.0.push(Step::rule(&rule.name, &rule.id, fit, value(fit)));
                fit
            });
            fits.collect()
        };
        let permissions = rules(&self.permissions, Fit::grants);
        let prohibitions = rules(&self.prohibitions, Fit::forbids);
        // Whether an obligation was fulfilled; what decides is whether it is past its date.
        let obligations = self.obligations.iter().map(|rule| {
            let truth = judge.duty(rule, &mut Nobody);
            steps.0.push(Step::node(&rule.name, truth.performed));
            judge.is_broken(rule)
        });
        let broken = obligations.collect();
        Trace {
            steps: steps.0,
            permissions,
            prohibitions,
            broken,
        }
    }
}

impl Compiler<'_> {
    /// `whole` is what the permission costs that a duty belongs to.
    fn rule(&mut self, rule: &model::Rule, whole: Option<Amount>) -> Rule {
        let whole = match rule.kind {
            RuleKind::Permission => rule.price(),
            _ => whole,
        };
        let id = self.texts.of(&rule.id);
        let key = match rule.kind {
            RuleKind::Permission => self.texts.of(&model::counter(self.id, rule)),
            RuleKind::Duty if rule.price().is_some() => self.texts.of(&payment::account(self.id)),
            _ => id.clone(),
        };
        let number = self.actions.find(rule.action.name()).unwrap_or(usize::MAX);
        let strict = Leniencies::strict();
        Rule {
            name: self.texts.of(&rule.at),
            id,
            key,
            kind: rule.kind,
            actions: Box::new([Act {
                reaches: Arc::new(match rule.kind {
                    RuleKind::Prohibition => self.actions.prohibited(number, &strict),
                    _ => self.actions.permitted(number, &strict),
                }),
                refinements: Box::default(),
            }]),
            targets: self.thing(rule.scope.target.as_deref()),
            assigners: self.thing(rule.scope.assigner.as_deref()),
            assignees: self.thing(rule.scope.assignee.as_deref()),
            outputs: Box::default(),
            parties: Box::default(),
            conditions: self.nodes(&rule.constraints, whole),
            duties: rule.duties.iter().map(|duty| self.rule(duty, whole)).collect(),
            counts: rule.at_most().is_some() || rule.volume_at_most().is_some() || rule.price().is_some(),
            // One payment answers for all that a use costs.
            price: rule.price().and(whole).map(Amount::millionths),
            is_silent_on_logs: rule.kind == RuleKind::Permission && !rule.names(Enforced::CounterpartyLog),
            over: rule.over_from_ms().map(|from_ms| Over {
                from_ms,
                ends_use: rule.ends_use(),
            }),
        }
    }

    /// Nothing said is everything: what an agreement must say, the reader has seen to.
    fn thing(&mut self, iri: Option<&str>) -> Box<[Thing]> {
        let one = |iri| Thing {
            iri: self.texts.of(iri),
            is_open: false,
            refinements: Box::default(),
        };
        iri.map(one).into_iter().collect()
    }

    fn nodes(&mut self, constraints: &[Constraint], whole: Option<Amount>) -> Box<[Node]> {
        let nodes = constraints.iter().map(|constraint| self.node(constraint, whole));
        nodes.collect()
    }

    fn node(&mut self, constraint: &Constraint, whole: Option<Amount>) -> Node {
        let test = match constraint {
            Constraint::Atomic(atomic) => Test::Atomic(Atomic {
                operand: self.operand(atomic.operand),
                operator: atomic.operator,
                right: Rights::of(match &atomic.right {
                    Right::Moment(moment) => vec![Typed::Moment(Span::of(moment))],
                    Right::Count(limit) => vec![Typed::number(Decimal::from(*limit))],
                    Right::Amount(amount) => {
                        let price = whole.unwrap_or(*amount);
                        vec![Typed::number(Decimal::from(price.millionths()))]
                    }
                    Right::Iris(iris) => iris.iter().map(|iri| Typed::Name(self.texts.of(iri))).collect(),
                }),
                references: Box::default(),
                unit: None,
            }),
            Constraint::Logical { logic, parts, .. } => Test::Logical {
                logic: *logic,
                parts: self.nodes(parts, whole),
            },
        };
        Node {
            name: self.texts.of(constraint.at()),
            test,
        }
    }

    fn operand(&mut self, operand: Enforced) -> Operand {
        Operand {
            what: match operand {
                Enforced::DateTime => What::DateTime,
                Enforced::Purpose => What::Purpose,
                Enforced::Spatial | Enforced::AreaOfUse => What::Area,
                Enforced::LegalBasis => What::Basis,
                Enforced::Count => What::Count,
                Enforced::Volume => What::Volume,
                Enforced::PayAmount => What::Price,
                Enforced::Recipient | Enforced::CounterpartyLog => What::Other,
            },
            iri: self.texts.of(&operand.iri()),
            about: self.texts.of(operand.name()),
        }
    }
}

/// How every node came out.
pub(crate) struct Trace {
    pub(crate) steps: Vec<Step>,
    /// In the order of the policy, here and below.
    pub(crate) permissions: Vec<Fit>,
    pub(crate) prohibitions: Vec<Fit>,
    /// Which obligations of who asks are past their date, or were broken.
    pub(crate) broken: Vec<bool>,
}

struct Steps(Vec<Step>);

impl Sink for Steps {
    const LOOKS_AT_ALL: bool = true;

    fn node(&mut self, name: &Text, value: Truth) {
        self.0.push(Step::node(name, value));
    }

    fn begin_duty(&mut self) {}

    fn duty(&mut self, duty: &Rule, truth: DutyTruth) {
        self.0.push(Step::node(&duty.name, truth.passes));
    }
}
