//! What people were shown, and that it holds.

use crate::end::{End, Kind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// All that was ever shown.
#[derive(Default)]
pub(crate) struct History {
    /// The last state of each process, by end and the end's identifier.
    states: BTreeMap<(String, Kind, String), String>,
    /// Every change that was shown, in order: end, identifier, state.
    changes: Vec<(&'static str, String, String)>,
    /// Agreements of negotiations that the consumer showed as finalized.
    agreements: BTreeSet<String>,
}

/// How far a negotiation is. In none of this test's is an offer answered with another request.
fn rank(state: &str) -> usize {
    let ranks = [
        "REQUESTED",
        "OFFERED",
        "ACCEPTED",
        "AGREED",
        "VERIFIED",
        "FINALIZED",
        "TERMINATED",
    ];
    ranks
        .iter()
        .position(|name| *name == state)
        .unwrap_or_else(|| panic!("`{state}` is not expected here"))
}

/// Whether a process that was shown in one state may be shown in another later.
fn follows(kind: Kind, before: &str, now: &str) -> bool {
    if before == now {
        return true;
    }
    match kind {
        Kind::Negotiation => !["FINALIZED", "TERMINATED"].contains(&before) && rank(now) > rank(before),
        Kind::Transfer => !["COMPLETED", "TERMINATED"].contains(&before) && now != "REQUESTED",
    }
}

impl History {
    /// What an end shows now: everything that it has shown before is still there, and no state has gone back. An agreement that the
    /// consumer shows as finalized can be looked up at that moment.
    pub(crate) fn saw(&mut self, end: &End, kind: Kind, all: &[Value]) {
        let mut shown = BTreeSet::new();
        for one in all {
            let (pid, state) = (one["pid"].as_str().unwrap(), one["state"].as_str().unwrap());
            assert!(
                shown.insert(pid.to_owned()),
                "{pid} is listed twice at the {}",
                end.name
            );
            let key = (end.name.to_owned(), kind, pid.to_owned());
            let before = self.states.insert(key, state.to_owned());
            if before.as_deref() != Some(state) {
                self.changes.push((end.name, pid.to_owned(), state.to_owned()));
            }
            if let Some(before) = before {
                let still = follows(kind, &before, state);
                assert!(still, "{pid} was {before} at the {}, and is {state} now", end.name);
            }
            if kind == Kind::Negotiation && state == "FINALIZED" && end.name == "consumer" {
                let agreement = one["agreement"].as_str().expect("an agreement in force has a name");
                if !self.agreements.contains(agreement) {
                    let found = end.agreement(agreement);
                    assert!(
                        found.is_some(),
                        "{pid} is FINALIZED, and `{agreement}` is not on record"
                    );
                    self.agreements.insert(agreement.to_owned());
                }
            }
        }
        for (name, of, pid) in self.states.keys() {
            let is_here = name != end.name || *of != kind || shown.contains(pid);
            assert!(is_here, "{pid} was shown at the {name}, and is gone");
        }
    }

    /// What was shown of these.
    pub(crate) fn of(&self, pids: &[&Value]) -> Vec<String> {
        let about = self
            .changes
            .iter()
            .filter(|(_, pid, _)| pids.iter().any(|one| *one == pid));
        about.map(|(end, _, state)| format!("{state} at the {end}")).collect()
    }

    /// How often each state was shown as a new one.
    pub(crate) fn counted(&self) -> BTreeMap<&str, usize> {
        let mut counted = BTreeMap::new();
        for (_, _, state) in &self.changes {
            *counted.entry(state.as_str()).or_default() += 1;
        }
        counted
    }

    /// Agreements that were shown to be in force.
    pub(crate) fn agreements(&self) -> impl Iterator<Item = &str> {
        self.agreements.iter().map(String::as_str)
    }
}

#[test]
fn states_that_go_back_are_seen() {
    let negotiation = |before, now| follows(Kind::Negotiation, before, now);
    assert!(negotiation("REQUESTED", "AGREED") && negotiation("VERIFIED", "TERMINATED"));
    assert!(negotiation("REQUESTED", "OFFERED") && negotiation("ACCEPTED", "AGREED"));
    assert!(!negotiation("ACCEPTED", "OFFERED") && !negotiation("OFFERED", "REQUESTED"));
    assert!(!negotiation("AGREED", "REQUESTED") && !negotiation("FINALIZED", "TERMINATED"));
    let transfer = |before, now| follows(Kind::Transfer, before, now);
    assert!(transfer("STARTED", "SUSPENDED") && transfer("SUSPENDED", "STARTED"));
    assert!(!transfer("STARTED", "REQUESTED") && !transfer("COMPLETED", "TERMINATED"));
}
