//! The processing activity that a record belongs to (Logboek Dataverwerkingen): by the rules that say how long it is kept (docs/retention.md).

use super::Node;
use crate::config::{RetentionOf, RetentionRule};
use crate::state::{AgreementEntry, Side};
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use serde_json::Value;

impl Node {
    /// The same draft, with its activity where a rule is about it.
    pub(super) fn of_activity(&self, draft: Draft) -> Draft {
        let rules = &self.config.retention.rules;
        if rules.is_empty() {
            return draft;
        }
        match self
            .names(&draft)
            .iter()
            .find_map(|(of, name)| longest(rules, *of, name))
        {
            Some(rule) => draft.activity(&rule.activity),
            None => draft,
        }
    }

    /// What rules can be about in it, the nearest first. Envelopes under an agreement are shown to its other end, also after an erasure: of what a case
    /// is about nothing stands there.
    fn names(&self, draft: &Draft) -> Vec<(RetentionOf, String)> {
        let (mut names, mut cases) = (Vec::new(), Vec::new());
        if draft.kind() == Kind::Denied {
            // By what the plan calls it.
            let party = draft.given(SectionName::Facts).and_then(|facts| facts.get("party"));
            names.extend(
                party
                    .and_then(Value::as_str)
                    .map(|party| (RetentionOf::Denial, party.to_owned())),
            );
        }
        let mut is_shared = false;
        for term in draft.found_by() {
            match term {
                Term::Case(case) => cases.push((RetentionOf::Case, case)),
                Term::Agreement(id) => {
                    is_shared = true;
                    names.extend(self.target(&id).map(|target| (RetentionOf::Agreement, target)));
                }
                _ => {}
            }
        }
        if !is_shared {
            names.append(&mut cases);
        }
        names
    }

    /// What an agreement is about; it may be concluded by this very record.
    fn target(&self, agreement: &str) -> Option<String> {
        [Side::Provider, Side::Consumer].into_iter().find_map(|side| {
            let entry = self.state.get_shared::<AgreementEntry>(&AgreementEntry::key(agreement, side));
            // What was done is recorded all the same, without its activity.
            let entry = entry.inspect_err(|error| {
                tracing::warn!(%error, %agreement, "the activity of a record is left out, because its agreement cannot be read");
            });
            entry.ok().flatten().map(|entry| entry.target.clone())
        })
    }
}

/// Of several rules that are about one thing the longest counts, as in the plan.
fn longest<'a>(rules: &'a [RetentionRule], of: RetentionOf, name: &str) -> Option<&'a RetentionRule> {
    let about = rules.iter().filter(|rule| rule.of == of && rule.is_about(name));
    about.max_by_key(|rule| rule.keep.due_ms(0).unwrap_or(u64::MAX))
}
