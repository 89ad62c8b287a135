//! From triples to a policy, or the list of what was not understood.
//!
//! As with [`crate::Policy::parse`], one thing that is not understood refuses the whole policy: what is skipped may be the very
//! condition that its author relies on.

use super::actions::Actions;
use super::graph::{Graph, RDF, Term};
use super::model::{Policy, Rule, Thing};
use super::world::Leniencies;
use crate::model::{Conflict, PolicyKind, RuleKind};
use crate::problem::{PolicyError, Problem, ProblemKind, Problems, limits, quoted};
use crate::terms::{self, DSPACE, Name, PROFILES};
use herleid_vocab::terms::ODRL;
use std::collections::{BTreeMap, BTreeSet};

/// How to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The leniencies that are on.
    pub leniencies: Leniencies,
    /// Left operands beside ODRL's that the caller can supply values of (full IRIs).
    pub operands: BTreeSet<String>,
}

/// Reads the policy of this name, with every policy that it inherits from, all of which have to be in the graph.
///
/// # Errors
/// [`PolicyError::NotUnderstood`]: places are names of nodes and properties.
pub fn read(graph: &Graph, policy: &str, reading: &Reading) -> Result<Policy, PolicyError> {
    let mut reader = Reader {
        graph,
        reading,
        actions: Actions::of(graph),
        problems: Vec::new(),
        rules: 0,
        conditions: 0,
    };
    let read = reader.policy(policy);
    match (Problems::from_found(reader.problems), read) {
        (Some(problems), _) => Err(PolicyError::NotUnderstood(problems)),
        (None, Some(policy)) => Ok(policy),
        (None, None) => Err(PolicyError::NotUnderstood(Problems::one(Problem {
            at: quoted(policy),
            kind: ProblemKind::WrongShape,
            term: "policy".to_owned(),
            advice: "expected a policy".to_owned(),
        }))),
    }
}

/// Policies that one may inherit from, one after the other.
const MAX_INHERITED: usize = 16;

pub(super) struct Reader<'a> {
    pub(super) graph: &'a Graph,
    pub(super) reading: &'a Reading,
    pub(super) actions: Actions,
    problems: Vec<Problem>,
    pub(super) rules: usize,
    pub(super) conditions: usize,
}

/// What a policy says for all its rules (Information Model, section 2.7.1).
#[derive(Default)]
pub(super) struct Shared {
    pub(super) actions: Vec<Thing>,
    pub(super) targets: Vec<Thing>,
    pub(super) assigners: Vec<Thing>,
    pub(super) assignees: Vec<Thing>,
}

/// What was found on the way up.
#[derive(Default)]
struct Gathered {
    conflict: Vec<Conflict>,
    rules: Vec<Rule>,
    seen: BTreeSet<String>,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, at: &str, kind: ProblemKind, term: &str, advice: impl Into<String>) {
        if self.problems.len() <= limits::MAX_PROBLEMS {
            self.problems.push(Problem {
                at: quoted(at),
                kind,
                term: quoted(term),
                advice: advice.into(),
            });
        }
    }

    fn policy(&mut self, name: &str) -> Option<Policy> {
        let mut gathered = Gathered::default();
        let kind = self.gather(name, &mut Vec::new(), &mut gathered);
        let Gathered {
            conflict,
            mut rules,
            mut seen,
        } = gathered;
        if rules.is_empty() && self.problems.is_empty() {
            let advice = "a policy needs at least one permission, prohibition or obligation";
            self.problem(name, ProblemKind::Missing, "permission", advice);
        }
        if kind == Some(PolicyKind::Agreement) {
            self.demand(name, &rules);
        }
        rules.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
        seen.remove(name);
        Some(Policy {
            id: name.to_owned(),
            kind: kind?,
            conflict,
            rules,
            inherited: seen,
            actions: self.actions.clone(),
            part_of: self.parts(),
        })
    }

    /// An agreement names who, to whom and what (sections 2.1.2 and 2.6).
    fn demand(&mut self, name: &str, rules: &[Rule]) {
        for (property, given) in [
            ("target", (|rule| !rule.targets.is_empty()) as fn(&Rule) -> bool),
            ("assigner", |rule| !rule.assigners.is_empty()),
            ("assignee", |rule| !rule.assignees.is_empty()),
        ] {
            if !rules.iter().all(given) {
                let advice = "each rule of an agreement names its asset and both parties";
                self.problem(name, ProblemKind::Missing, property, advice);
            }
        }
    }

    /// Reads one policy and those that it inherits from; each is read once, however many ways lead to it.
    fn gather(&mut self, name: &str, below: &mut Vec<String>, gathered: &mut Gathered) -> Option<PolicyKind> {
        if below.iter().any(|other| other == name) {
            let advice = format!(
                "policies inherit from each other in a circle: {} > {name}",
                below.join(" > ")
            );
            self.problem(name, ProblemKind::Contradiction, "inheritFrom", advice);
            return None;
        }
        if below.len() > MAX_INHERITED {
            let advice = format!("at most {MAX_INHERITED} policies inherit one from the other");
            self.problem(name, ProblemKind::TooLarge, "inheritFrom", advice);
            return None;
        }
        if !gathered.seen.insert(name.to_owned()) {
            return None;
        }
        if !self.graph.says(name) {
            let advice = "a policy that is inherited from has to be at hand; nothing is fetched";
            self.problem(name, ProblemKind::Missing, "inheritFrom", advice);
            return None;
        }
        const MEMBERS: [&str; 11] = [
            "permission",
            "prohibition",
            "obligation",
            "action",
            "target",
            "assigner",
            "assignee",
            "profile",
            "conflict",
            "inheritFrom",
            "inheritAllowed",
        ];
        self.members(name, &MEMBERS, &[&format!("{DSPACE}timestamp")]);
        let kind = self.kind(name);
        self.profiles(name);
        gathered.conflict.extend(self.conflict(name));
        gathered.conflict.sort_by_key(|conflict| *conflict as u8);
        gathered.conflict.dedup();
        let shared = Shared {
            actions: self.actions_of(name),
            targets: self.things(name, "target", "Asset"),
            assigners: self.things(name, "assigner", "Party"),
            assignees: self.things(name, "assignee", "Party"),
        };
        for kind in [RuleKind::Permission, RuleKind::Prohibition, RuleKind::Obligation] {
            let rules = self.rules(name, kind.member(), kind, &shared, 0);
            gathered.rules.extend(rules);
        }
        below.push(name.to_owned());
        for parent in self.nodes(name, "inheritFrom") {
            self.gather(&parent, below, gathered);
        }
        below.pop();
        kind
    }

    /// Refuses every property of a node that is not understood. `uid`, types and what speaks to people alone may always stand.
    pub(super) fn members(&mut self, node: &str, odrl: &[&str], others: &[&str]) {
        let uid = format!("{ODRL}uid");
        let found: Vec<&str> = self.graph.about(node).map(|(predicate, _)| predicate).collect();
        for predicate in found {
            let understood = match predicate.strip_prefix(ODRL) {
                Some(local) => predicate == uid || odrl.contains(&local),
                None => {
                    predicate == format!("{RDF}type")
                        || others.contains(&predicate)
                        || terms::name(predicate) == Name::Note
                }
            };
            if !understood {
                let advice = format!("expected one of `{}`", odrl.join("`, `"));
                self.problem(node, ProblemKind::UnknownMember, predicate, advice);
            }
        }
        let names = self.graph.objects(node, &uid);
        if names.iter().any(|name| name.text() != node) && !node.starts_with("_:") {
            let advice = "its `uid` names something else";
            self.problem(node, ProblemKind::Contradiction, "uid", advice);
        }
    }

    /// Refuses types of ODRL that do not belong on a node, and with `only` every other type as well.
    pub(super) fn types(&mut self, node: &str, allowed: &[&str], only: bool) -> Vec<String> {
        let mut found = Vec::new();
        for iri in self.graph.types(node) {
            match iri.strip_prefix(ODRL) {
                Some(local) if allowed.contains(&local) => found.push(local.to_owned()),
                None if !only => {}
                _ => {
                    let advice = format!("expected `{}`", allowed.join("` or `"));
                    self.problem(node, ProblemKind::UnknownType, iri, advice);
                }
            }
        }
        found
    }

    fn kind(&mut self, name: &str) -> Option<PolicyKind> {
        let mut stated = self.types(name, &["Offer", "Agreement", "Set", "Policy"], true);
        // `Policy` without a subclass is a Set (section 2.1.1).
        if stated.len() > 1 {
            stated.retain(|kind| kind != "Policy");
        }
        match stated.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["Offer"] => Some(PolicyKind::Offer),
            ["Agreement"] => Some(PolicyKind::Agreement),
            ["Set" | "Policy"] => Some(PolicyKind::Set),
            // A type that is none of a policy's has been refused already.
            [] if !self.graph.types(name).is_empty() => None,
            other => {
                let kind = if other.is_empty() {
                    ProblemKind::Missing
                } else {
                    ProblemKind::Contradiction
                };
                self.problem(name, kind, "@type", "expected one of `Offer`, `Agreement`, `Set`");
                None
            }
        }
    }

    fn profiles(&mut self, name: &str) {
        for profile in self.nodes(name, "profile") {
            if !PROFILES.contains(&profile.as_str()) {
                let advice = "a profile may change what terms mean, and this one is not built in";
                self.problem(name, ProblemKind::UnknownProfile, &profile, advice);
            }
        }
    }

    fn conflict(&mut self, name: &str) -> Vec<Conflict> {
        let mut found = Vec::new();
        for strategy in self.nodes(name, "conflict") {
            match strategy.strip_prefix(ODRL) {
                Some("perm") => found.push(Conflict::Perm),
                Some("prohibit") => found.push(Conflict::Prohibit),
                Some("invalid") => found.push(Conflict::Invalid),
                _ => {
                    let advice = "expected `perm`, `prohibit` or `invalid`";
                    self.problem(name, ProblemKind::WrongShape, &strategy, advice);
                }
            }
        }
        found
    }

    /// The objects of an ODRL property, all of which have to be nodes.
    pub(super) fn nodes(&mut self, node: &str, local: &str) -> Vec<String> {
        let mut found = Vec::new();
        for object in self.graph.odrl(node, local) {
            match object {
                Term::Node(iri) => found.push(iri.clone()),
                Term::Literal { text, .. } => {
                    self.problem(
                        node,
                        ProblemKind::WrongShape,
                        text,
                        format!("`{local}` takes an IRI, not a literal"),
                    );
                }
            }
        }
        found
    }

    /// What the graph says is part of what.
    fn parts(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut parts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for subject in self.graph.subjects() {
            for whole in self.graph.odrl(subject, "partOf").iter().filter_map(Term::node) {
                parts.entry(subject.to_owned()).or_default().insert(whole.to_owned());
            }
        }
        parts
    }
}
