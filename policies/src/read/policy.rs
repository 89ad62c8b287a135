//! The policy itself.

use super::rule::Shared;
use super::{Field, Reader, list};
use crate::canonical::{self, Draft};
use crate::model::{Conflict, PolicyKind, Rule, RuleKind};
use crate::moment::Moment;
use crate::policy::Policy;
use crate::problem::ProblemKind;
use crate::terms::{CONTEXTS, PREFIXES, PROFILES, odrl_local};
use serde_json::Value;

/// What may stand in a policy.
const MEMBERS: [&str; 13] = [
    "@context",
    "@id",
    "@type",
    "profile",
    "target",
    "assigner",
    "assignee",
    "action",
    "permission",
    "prohibition",
    "obligation",
    "timestamp",
    "conflict",
];

impl Reader {
    pub(super) fn policy(&mut self, json: &Value) -> Option<Policy> {
        let (field, map) = self.object(&Field {
            at: String::new(),
            value: json,
        })?;
        let members = self.members(&field, map, &MEMBERS);
        if let Some(context) = members.get("@context") {
            self.context(context);
        }
        let kind = self.kind(members.get("@type"), &field.at);
        let id = match members.get("@id") {
            Some(id) => self.iri(id, &[]),
            None => {
                let advice = "a policy needs an IRI of its own, as `urn:uuid:...`";
                self.problem(&field.at, ProblemKind::Missing, "@id", advice);
                None
            }
        };
        // An empty list of profiles says what none says, and some connectors write it.
        let profile = members.get("profile").filter(|profile| !profile.items().is_empty());
        let profiles = self.iris(profile, &[]);
        for profile in profiles.iter().filter(|profile| !PROFILES.contains(&profile.as_str())) {
            let at = format!("{}/profile", field.at);
            let advice = "a profile may change what terms mean, and this one is not built in";
            self.problem(&at, ProblemKind::UnknownProfile, profile, advice);
        }
        if let Some(conflict) = members.get("conflict") {
            self.conflict(conflict);
        }
        let timestamp = members.get("timestamp").and_then(|stamp| self.timestamp(stamp, kind));
        let shared = Shared {
            actions: self.actions(members.get("action")),
            targets: self.iris(members.get("target"), &["Asset"]),
            assigners: self.iris(members.get("assigner"), &["Party"]),
            assignees: self.iris(members.get("assignee"), &["Party"]),
        };
        let mut rules = |kind: RuleKind| self.rules(members.get(kind.member()), kind, &shared);
        let draft = Draft {
            kind: kind?,
            id: id?,
            profiles,
            timestamp,
            conflict: Conflict::Invalid,
            permissions: rules(RuleKind::Permission),
            prohibitions: rules(RuleKind::Prohibition),
            obligations: rules(RuleKind::Obligation),
        };
        self.complete(&draft, &field.at);
        self.problems.is_empty().then(|| canonical::finish(draft))
    }

    fn context(&mut self, field: &Field<'_>) {
        for item in field.items() {
            match item.value {
                Value::String(uri) if CONTEXTS.contains(&uri.as_str()) => {}
                Value::Object(map) => {
                    for (prefix, namespace) in map {
                        let known = PREFIXES.iter().any(|(name, iri)| name == prefix && namespace == iri);
                        if !known {
                            let advice = "only the prefixes built in may be declared, with the meaning built in";
                            let at = item.below(prefix, namespace).at;
                            self.problem(&at, ProblemKind::UnknownContext, prefix, advice);
                        }
                    }
                }
                other => {
                    let advice = format!("contexts are never fetched; built in are {}", list(&CONTEXTS));
                    self.problem(&item.at, ProblemKind::UnknownContext, &super::shown(other), advice);
                }
            }
        }
    }

    fn kind(&mut self, field: Option<&Field<'_>>, at: &str) -> Option<PolicyKind> {
        const EXPECTED: &str = "expected one of `Offer`, `Agreement`, `Set`";
        let Some(field) = field else {
            self.problem(at, ProblemKind::Missing, "@type", EXPECTED);
            return None;
        };
        let mut stated = self.stated_type(field, &["Offer", "Agreement", "Set", "Policy"]);
        // ODRL makes `Policy` without a subclass a Set (Information Model, section 2.1.1).
        if stated.len() > 1 {
            stated.retain(|name| name != "Policy");
        }
        match stated.as_slice() {
            [name] => match name.as_str() {
                "Offer" => Some(PolicyKind::Offer),
                "Agreement" => Some(PolicyKind::Agreement),
                _ => Some(PolicyKind::Set),
            },
            [] => None,
            _ => {
                self.problem(&field.at, ProblemKind::Contradiction, "@type", EXPECTED);
                None
            }
        }
    }

    /// `invalid` is what holds without the member, so nothing is lost when a peer drops it; the other two would be.
    fn conflict(&mut self, field: &Field<'_>) {
        let Some(text) = self.text(field, &[]) else { return };
        if odrl_local(&text) != Some("invalid") {
            let advice = "the protocol's JSON-LD context does not define `conflict`, so a peer would hold a policy with \
                          another meaning; leave it out (a conflict then voids the policy) and write rules that do not clash";
            self.problem(&field.at, ProblemKind::DroppedByProtocol, "conflict", advice);
        }
    }

    fn timestamp(&mut self, field: &Field<'_>, kind: Option<PolicyKind>) -> Option<String> {
        if kind.is_some_and(|kind| kind != PolicyKind::Agreement) {
            let advice = "only an agreement has a time at which it was made";
            self.problem(&field.at, ProblemKind::UnknownMember, "timestamp", advice);
            return None;
        }
        let text = match field.value {
            // The one typed literal outside right operands.
            Value::Object(map) if map.contains_key("@value") => {
                let members = self.members(field, map, &["@value", "@type"]);
                if let Some(datatype) = members.get("@type") {
                    self.stated_datatype(datatype, &["dateTime", "string"]);
                }
                self.plain(members.get("@value")?)?
            }
            _ => self.text(field, &[])?,
        };
        match Moment::parse(&text) {
            Ok(moment) if !moment.is_day() => Some(moment.text().to_owned()),
            _ => {
                self.problem(
                    &field.at,
                    ProblemKind::WrongShape,
                    &text,
                    "expected a time as `2026-12-31T23:59:59Z`",
                );
                None
            }
        }
    }

    /// What a policy of its kind must say (Information Model, sections 2.1.1 to 2.1.3 and 2.6).
    fn complete(&mut self, draft: &Draft, at: &str) {
        let all = || {
            draft
                .permissions
                .iter()
                .chain(&draft.prohibitions)
                .chain(&draft.obligations)
        };
        // Said only when nothing else is wrong: a rule that was not understood is not a missing one.
        if all().next().is_none() && self.problems.is_empty() {
            let advice = "a policy needs at least one permission, prohibition or obligation";
            self.problem(at, ProblemKind::Missing, "permission", advice);
        }
        // The target of an offer is the dataset that it stands with; a Set without one speaks of every asset.
        if draft.kind != PolicyKind::Agreement {
            return;
        }
        let mut demand = |name: &str, given: fn(&Rule) -> bool, advice: &str| {
            if !all().all(given) {
                self.problem(at, ProblemKind::Missing, name, advice);
            }
        };
        demand(
            "target",
            |rule| rule.scope.target.is_some(),
            "without a target it would hold for every asset",
        );
        demand(
            "assigner",
            |rule| rule.scope.assigner.is_some(),
            "an agreement names who grants",
        );
        demand(
            "assignee",
            |rule| rule.scope.assignee.is_some(),
            "an agreement names to whom it grants",
        );
    }
}
