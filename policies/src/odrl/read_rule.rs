//! Rules, and the actions, assets and parties that they are about.

use super::actions::full;
use super::graph::{RDF, Term};
use super::model::{Parties, Rule, Thing};
use super::read::{Reader, Shared};
use super::world::Leniency;
use crate::action::Action;
use crate::model::RuleKind;
use crate::problem::{ProblemKind, limits};
use std::collections::BTreeSet;

/// Functions of parties in a duty beside assigner and assignee (Common Vocabulary, section 4.1.4).
const FUNCTIONS: [&str; 9] = [
    "attributedParty",
    "compensatedParty",
    "consentedParty",
    "consentingParty",
    "contractedParty",
    "contractingParty",
    "informedParty",
    "trackedParty",
    "trackingParty",
];

/// Duties within duties: consequences of consequences.
const MAX_DUTIES: usize = 4;

impl Reader<'_> {
    pub(super) fn rules(&mut self, of: &str, member: &str, kind: RuleKind, shared: &Shared, depth: usize) -> Vec<Rule> {
        let mut rules = Vec::new();
        for name in self.nodes(of, member) {
            self.rules += 1;
            if self.rules > limits::MAX_RULES || depth > MAX_DUTIES {
                if self.rules <= limits::MAX_RULES + 1 {
                    let advice = format!(
                        "at most {} rules are read, at most {MAX_DUTIES} duties within each other",
                        limits::MAX_RULES
                    );
                    self.problem(&name, ProblemKind::TooLarge, member, advice);
                }
                return rules;
            }
            rules.push(self.rule(&name, member, kind, shared, depth));
        }
        rules
    }

    fn rule(&mut self, name: &str, member: &str, kind: RuleKind, shared: &Shared, depth: usize) -> Rule {
        // A remedy must have no consequence of its own (Information Model, section 2.6.7).
        let duties = match (kind, member) {
            (RuleKind::Permission, _) => "duty",
            (RuleKind::Prohibition, _) => "remedy",
            (_, "remedy") => "",
            _ => "consequence",
        };
        let mut members = vec!["action", "target", "assigner", "assignee", "constraint", "output"];
        members.extend([duties].iter().filter(|duties| !duties.is_empty()));
        if matches!(kind, RuleKind::Duty | RuleKind::Obligation) {
            members.extend(FUNCTIONS);
        }
        self.members(name, &members, &[]);
        let type_name = match kind {
            RuleKind::Permission => "Permission",
            RuleKind::Prohibition => "Prohibition",
            RuleKind::Obligation | RuleKind::Duty => "Duty",
        };
        self.types(name, &[type_name, "Rule"], true);
        let own = Shared {
            actions: self.actions_of(name),
            targets: self.things(name, "target", "Asset"),
            assigners: self.things(name, "assigner", "Party"),
            assignees: self.things(name, "assignee", "Party"),
        };
        let actions = self.merged(name, "action", own.actions, &shared.actions);
        let is_judged = matches!(kind, RuleKind::Permission | RuleKind::Prohibition);
        if actions.is_empty() && !(is_judged && self.reading.leniencies.has(Leniency::RuleWithoutAction)) {
            let advice = "a rule says which action it is about, as `use` (Information Model 2.2, section 2.6)";
            self.problem(name, ProblemKind::Missing, "action", advice);
        }
        let parties = self.parties(name, kind);
        let duties = if duties.is_empty() {
            Vec::new()
        } else {
            self.rules(name, duties, RuleKind::Duty, &Shared::default(), depth + 1)
        };
        Rule {
            id: name.to_owned(),
            kind,
            actions,
            targets: self.merged(name, "target", own.targets, &shared.targets),
            assigners: self.merged(name, "assigner", own.assigners, &shared.assigners),
            assignees: self.merged(name, "assignee", own.assignees, &shared.assignees),
            outputs: self.things(name, "output", "Asset"),
            parties,
            conditions: self.conditions(name, "constraint"),
            duties,
        }
    }

    fn parties(&mut self, name: &str, kind: RuleKind) -> Parties {
        let mut parties = Parties::new();
        if matches!(kind, RuleKind::Duty | RuleKind::Obligation) {
            for function in FUNCTIONS {
                let found: BTreeSet<String> = self.nodes(name, function).into_iter().collect();
                if !found.is_empty() {
                    parties.insert(function.to_owned(), found);
                }
            }
        }
        parties
    }

    /// What the rule says, or else what the policy says for all; both may say the same.
    fn merged(&mut self, name: &str, member: &str, own: Vec<Thing>, shared: &[Thing]) -> Vec<Thing> {
        if own.is_empty() {
            return shared.to_vec();
        }
        if !shared.is_empty() && own != shared {
            let advice = "the rule and the policy around it say different things; say it in one place";
            self.problem(name, ProblemKind::Contradiction, member, advice);
        }
        own
    }

    /// The actions of a node, each with its refinements.
    pub(super) fn actions_of(&mut self, of: &str) -> Vec<Thing> {
        let mut actions = Vec::new();
        for name in self.nodes(of, "action") {
            let value = format!("{RDF}value");
            let values: Vec<String> = self
                .graph
                .objects(&name, &value)
                .iter()
                .map(|v| v.text().to_owned())
                .collect();
            let iri = match values.as_slice() {
                [] => full(&name),
                [one] => full(one),
                _ => {
                    self.problem(&name, ProblemKind::Contradiction, "rdf:value", "expected one action");
                    continue;
                }
            };
            if self.graph.says(&name) {
                self.members(&name, &["refinement", "includedIn", "implies"], &[&value]);
            }
            if !self.actions.knows(&iri) {
                let advice = match Action::replacement(&iri) {
                    Some(new) => format!("ODRL 2.2 deprecates it; write `{new}`"),
                    None => {
                        "expected an action of ODRL 2.2, or one that is defined here by `includedIn`, without going in \
                             circles"
                            .to_owned()
                    }
                };
                self.problem(of, ProblemKind::UnknownAction, &iri, advice);
            }
            actions.push(Thing {
                iri,
                is_collection: false,
                refinements: self.conditions(&name, "refinement"),
            });
        }
        actions
    }

    /// The assets or parties of a node, each with its refinements.
    pub(super) fn things(&mut self, of: &str, member: &str, class: &str) -> Vec<Thing> {
        let collection = format!("{class}Collection");
        let mut things = Vec::new();
        for name in self.nodes(of, member) {
            if self.graph.says(&name) {
                self.members(&name, &["source", "refinement", "partOf"], &[]);
            }
            let is_collection = self.types(&name, &[class, &collection], false).contains(&collection);
            let iri = match (name.starts_with("_:"), self.graph.odrl(&name, "source")) {
                (false, _) => name.clone(),
                // Without a name of its own a collection is what its source says.
                (true, [Term::Node(source)]) => source.clone(),
                (true, _) => {
                    let advice = "a blank node names nothing; give it an IRI, or one `source`";
                    self.problem(of, ProblemKind::Missing, member, advice);
                    continue;
                }
            };
            things.push(Thing {
                iri,
                is_collection,
                refinements: self.conditions(&name, "refinement"),
            });
        }
        things
    }
}
