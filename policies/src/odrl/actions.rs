//! Which action includes which, those that a policy defines itself among them.

use super::graph::Graph;
use super::world::{Leniencies, Leniency};
use crate::action::Action;
use std::collections::{BTreeMap, BTreeSet};

/// Actions included in each other; ODRL's own have three levels.
const MAX_LEVELS: usize = 16;

/// Actions beside ODRL's, as a policy defines them: what each is included in, and what it implies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Actions {
    within: BTreeMap<String, BTreeSet<String>>,
    implies: BTreeMap<String, BTreeSet<String>>,
}

impl Actions {
    /// Everything that a graph says with `includedIn` and `implies`. ODRL's own actions stay as they are: a policy must not
    /// make `sell` a part of `use`. Kept are only those that lead up to actions of ODRL, so that there are no circles.
    pub(crate) fn of(graph: &Graph) -> Self {
        let own = |local: &str| -> BTreeMap<String, BTreeSet<String>> {
            let subjects = graph.subjects().filter(|subject| Action::parse(subject).is_none());
            let pairs = subjects.map(|subject| {
                let objects = graph.odrl(subject, local).iter().filter_map(|object| object.node());
                (subject.to_owned(), objects.map(full).collect::<BTreeSet<_>>())
            });
            pairs.filter(|(_, objects)| !objects.is_empty()).collect()
        };
        let mut stated = own("includedIn");
        let mut actions = Self {
            within: BTreeMap::new(),
            implies: own("implies"),
        };
        for _ in 0..MAX_LEVELS {
            let (led_up, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = stated
                .into_iter()
                .partition(|(_, above)| above.iter().all(|wider| actions.knows(wider)));
            actions.within.extend(led_up);
            stated = rest;
        }
        actions
    }

    /// Whether the action is one of ODRL's, or defined by way of them.
    pub(crate) fn knows(&self, iri: &str) -> bool {
        Action::parse(iri).is_some() || self.within.contains_key(iri)
    }

    /// Whether a permission for `rule` reaches `asked`. An action that is included in several others is all of them, so it is
    /// permitted only where each of them is.
    pub(crate) fn permits(&self, rule: &str, asked: &str, lenient: &Leniencies) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![asked]);
        while let Some(next) = open.pop() {
            if next == rule || !seen.insert(next) {
                continue;
            }
            let reached = match (Action::parse(rule), Action::parse(next), self.within.get(next)) {
                (Some(rule), Some(next), _) if lenient.has(Leniency::UseIncludesPassingOn) => next.is_within(rule),
                (Some(rule), Some(next), _) => rule.permits(next),
                (_, None, Some(above)) => {
                    open.extend(above.iter().map(String::as_str));
                    true
                }
                _ => false,
            };
            if !reached {
                return false;
            }
        }
        self.knows(asked)
    }

    /// Whether a prohibition of `rule` reaches `asked`, as [`Action::prohibits`] has it; what is asked must not imply what is
    /// forbidden either.
    pub(crate) fn prohibits(&self, rule: &str, asked: &str, lenient: &Leniencies) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![asked]);
        while let Some(next) = open.pop() {
            if !seen.insert(next) {
                continue;
            }
            if self.reaches(rule, next, lenient) {
                return true;
            }
            open.extend(self.implies.get(next).into_iter().flatten().map(String::as_str));
        }
        false
    }

    fn reaches(&self, rule: &str, asked: &str, lenient: &Leniencies) -> bool {
        let is_lenient = lenient.has(Leniency::PartLeavesWhole);
        match (Action::parse(rule), Action::parse(asked)) {
            (Some(rule), Some(asked)) if is_lenient => asked.is_within(rule),
            (Some(rule), Some(asked)) => rule.prohibits(asked),
            _ => self.lies_within(asked, rule) || (!is_lenient && self.lies_within(rule, asked)),
        }
    }

    /// Whether `narrow` is `wide` or lies below it, whatever it serves.
    fn lies_within(&self, narrow: &str, wide: &str) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![narrow]);
        while let Some(next) = open.pop() {
            let both = (Action::parse(next), Action::parse(wide));
            if next == wide || matches!(both, (Some(next), Some(wide)) if next.is_within(wide)) {
                return true;
            }
            if seen.insert(next) {
                open.extend(self.within.get(next).into_iter().flatten().map(String::as_str));
            }
        }
        false
    }
}

/// The full IRI of an action in any spelling; a deprecated name of the same thing becomes the new one.
pub(crate) fn full(text: &str) -> String {
    match Action::parse(text) {
        Some(action) => action.iri(),
        None => crate::terms::expand(text),
    }
}
