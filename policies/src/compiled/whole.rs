//! From a policy of ODRL 2.2, as it was read, to a program.

use super::actions::{Bits, Universe};
use super::program::{Act, Atomic, Node, Operand, Program, Rule, Strategy, Test, Text, Texts, Thing, What};
use super::values::{Rights, Typed};
use crate::model::RuleKind;
use crate::odrl::{self, Condition, Leniencies};
use herleid_vocab::terms::ODRL;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

struct Compiler<'a> {
    policy: &'a odrl::Policy,
    lenient: &'a Leniencies,
    texts: Texts,
    actions: Universe,
    /// What the policy itself says has members.
    wholes: BTreeSet<&'a str>,
    /// What actions reach, by their number and whether a prohibition is of them.
    reached: BTreeMap<(usize, bool), Arc<Bits>>,
}

impl Program {
    /// Compiles a policy: what it inherits has been read in its place, and what it says of actions is worked out here. The
    /// leniencies that are on stay on.
    #[must_use]
    pub fn of(policy: &odrl::Policy, leniencies: &Leniencies) -> Self {
        let mut texts = Texts::default();
        let actions = Universe::of(&policy.actions, &mut texts);
        let mut compiler = Compiler {
            policy,
            lenient: leniencies,
            texts,
            actions,
            wholes: policy.part_of.values().flatten().map(String::as_str).collect(),
            reached: BTreeMap::new(),
        };
        let permissions = compiler.kind(RuleKind::Permission);
        let prohibitions = compiler.kind(RuleKind::Prohibition);
        let obligations = compiler.kind(RuleKind::Obligation);
        Self {
            id: policy.id.clone(),
            kind: policy.kind,
            conflict: Strategy::of(&policy.conflict),
            leniencies: leniencies.clone(),
            permissions,
            prohibitions,
            obligations,
            binds: false,
            actions: compiler.actions,
            part_of: policy.part_of.clone(),
        }
    }
}

impl Compiler<'_> {
    fn kind(&mut self, kind: RuleKind) -> Box<[Rule]> {
        let rules = self.policy.rules.iter().filter(|rule| rule.kind == kind);
        rules.map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, rule: &odrl::Rule) -> Rule {
        let name = self.texts.of(&rule.id);
        let parties = rule.parties.iter();
        Rule {
            id: name.clone(),
            key: name.clone(),
            name,
            kind: rule.kind,
            actions: rule.actions.iter().map(|action| self.act(rule.kind, action)).collect(),
            targets: self.things(&rule.targets),
            assigners: self.things(&rule.assigners),
            assignees: self.things(&rule.assignees),
            outputs: self.things(&rule.outputs),
            parties: parties
                .map(|(function, parties)| (self.texts.of(function), parties.clone()))
                .collect(),
            conditions: self.nodes(&rule.conditions),
            duties: rule.duties.iter().map(|duty| self.rule(duty)).collect(),
            counts: false,
            price: None,
            is_silent_on_logs: false,
            over: None,
        }
    }

    fn act(&mut self, kind: RuleKind, action: &odrl::Thing) -> Act {
        // The reader has refused an action that nobody knows; one would reach nothing.
        let number = self.actions.find(&action.iri).unwrap_or(usize::MAX);
        Act {
            reaches: self.reaches(number, kind == RuleKind::Prohibition),
            refinements: self.nodes(&action.refinements),
        }
    }

    /// Rules about one action share what it reaches.
    fn reaches(&mut self, number: usize, is_prohibition: bool) -> Arc<Bits> {
        if let Some(known) = self.reached.get(&(number, is_prohibition)) {
            return known.clone();
        }
        let reached = Arc::new(if is_prohibition {
            self.actions.prohibited(number, self.lenient)
        } else {
            self.actions.permitted(number, self.lenient)
        });
        self.reached.insert((number, is_prohibition), reached.clone());
        reached
    }

    fn things(&mut self, things: &[odrl::Thing]) -> Box<[Thing]> {
        let one = |thing: &odrl::Thing| Thing {
            iri: self.texts.of(&thing.iri),
            is_open: thing.is_collection || self.wholes.contains(&*thing.iri),
            refinements: self.nodes(&thing.refinements),
        };
        things.iter().map(one).collect()
    }

    fn nodes(&mut self, conditions: &[Condition]) -> Box<[Node]> {
        conditions.iter().map(|condition| self.node(condition)).collect()
    }

    fn node(&mut self, condition: &Condition) -> Node {
        let name = self.texts.of(condition.id());
        let test = match condition {
            Condition::Atomic(atomic) => {
                let right = atomic.right.iter().map(|value| Typed::of(value, &mut self.texts));
                Test::Atomic(Atomic {
                    right: Rights::of(right.collect()),
                    operand: operand(&atomic.operand, &mut self.texts),
                    operator: atomic.operator,
                    references: atomic.reference.iter().map(|iri| self.texts.of(iri)).collect(),
                    unit: atomic.unit.as_deref().map(|unit| self.texts.of(unit)),
                })
            }
            Condition::Logical { logic, parts, .. } => Test::Logical {
                logic: *logic,
                parts: self.nodes(parts),
            },
        };
        Node { name, test }
    }
}

fn operand(iri: &str, texts: &mut Texts) -> Operand {
    let local = iri.strip_prefix(ODRL);
    let about: Text = texts.of(local.unwrap_or(iri));
    Operand {
        what: match local {
            Some("dateTime") => What::DateTime,
            Some("event") => What::Event,
            Some("purpose") => What::Purpose,
            Some("count") => What::Count,
            _ => What::Other,
        },
        iri: texts.of(iri),
        about,
    }
}
