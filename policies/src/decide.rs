//! From a policy, a request and facts to a decision.

use crate::action::Action;
use crate::canonical::sha256;
use crate::evaluate::{RuleTruth, World};
use crate::facts::{EnforcedBy, Facts, Request, fact};
use crate::failing;
use crate::model::{Conflict, Digest, PolicyKind, Rule};
use crate::policy::Policy;
use crate::problem::PolicyError;
use crate::purpose;
use crate::record::{
    DecisionRecord, FORMAT, Mode, Outcome, PolicyReference, Reason, RecordedProblem, Reservation, Step,
};
use crate::truth::Truth;
use herleid_vocab::time::format_rfc3339_ms;
use std::sync::OnceLock;

/// Name and version of the evaluator, as recorded.
pub(crate) const ENGINE: &str = concat!("herleid-policies/", env!("CARGO_PKG_VERSION"));

/// A decision. Only the evaluator makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    record: DecisionRecord,
}

impl Decision {
    /// Permit or deny.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.record.outcome
    }

    /// Whether it is a permit. A permit with reservations holds only once they are taken.
    #[must_use]
    pub fn is_permit(&self) -> bool {
        self.record.outcome == Outcome::Permit
    }

    /// What has to be reserved in the commit that records the decision.
    #[must_use]
    pub fn reservations(&self) -> &[Reservation] {
        &self.record.reservations
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &DecisionRecord {
        &self.record
    }
}

/// Stands among the tables, and changes when the same policy, request and facts come to give something else. In 2, a
/// prohibition of a part of what is asked applies, and a duty does not lapse with its deadline; in 3, a permission that says nothing
/// of parties without a log does not hold for them.
const SEMANTICS: &str = "semantics 3";

/// SHA-256 of the tables that decisions rest on, one row a line.
pub(crate) fn tables_digest() -> Digest {
    static DIGEST: OnceLock<Digest> = OnceLock::new();
    *DIGEST.get_or_init(|| {
        let rows: Vec<String> = std::iter::once(SEMANTICS.to_owned())
            .chain(Action::table())
            .chain(purpose::table())
            .collect();
        sha256(rows.join("\n").as_bytes())
    })
}

impl Policy {
    /// Decides a request. An offer never grants; see [`Policy::would_grant`].
    #[must_use]
    pub fn decide(&self, request: &Request, facts: &Facts) -> Decision {
        decide(self, request, facts, Mode::Decide)
    }

    /// What an offer would grant if it were an agreement between the two ends of the request about its target, for
    /// negotiation and dry runs. Counters of an agreement that does not exist yet stand at 0. The record says so.
    #[must_use]
    pub fn would_grant(&self, request: &Request, facts: &Facts) -> Decision {
        let mut facts = facts.clone();
        if self.kind == PolicyKind::Offer {
            for counter in self.counters() {
                if facts.values("count", Some(&counter)).is_none() {
                    facts = facts.with_count(&counter, 0, "no agreement yet", request.now_ms);
                }
            }
        }
        decide(self, request, &facts, Mode::WouldGrant)
    }
}

fn reference(policy: &Policy) -> PolicyReference {
    PolicyReference {
        id: Some(policy.id.clone()),
        kind: Some(policy.kind.name().to_owned()),
        sha256: policy.digest.hex(),
    }
}

/// Everything but the judgement.
fn blank(mode: Mode, policy: PolicyReference, request: &Request, facts: &Facts, reason: Reason) -> DecisionRecord {
    let now = fact(
        "dateTime",
        None,
        vec![format_rfc3339_ms(request.now_ms)],
        "time of the request",
        EnforcedBy::Provider,
        request.now_ms,
    );
    DecisionRecord {
        format: FORMAT.to_owned(),
        engine: ENGINE.to_owned(),
        tables: tables_digest().hex(),
        mode,
        policy,
        request: request.clone(),
        facts: facts.clone().with(now).iter().cloned().collect(),
        outcome: Outcome::Deny,
        reason,
        granted_by: None,
        problems: Vec::new(),
        trace: Vec::new(),
        failing: Vec::new(),
        failing_more: 0,
        reservations: Vec::new(),
    }
}

/// The denial that a policy which is not understood gives, with the message that publishing it would give.
pub(crate) fn not_understood(
    error: &PolicyError,
    digest: Digest,
    request: &Request,
    facts: &Facts,
    mode: Mode,
) -> Decision {
    let policy = PolicyReference {
        id: None,
        kind: None,
        sha256: digest.hex(),
    };
    let mut request = request.bounded();
    if let Some(action) = Action::parse(&request.action) {
        request.action = action.iri();
    }
    let mut record = blank(mode, policy, &request, facts, Reason::NotUnderstood);
    record.problems = RecordedProblem::list(error);
    Decision { record }
}

fn decide(policy: &Policy, request: &Request, facts: &Facts, mode: Mode) -> Decision {
    let mut request = request.bounded();
    let Some(asked) = Action::parse(&request.action) else {
        let mut record = blank(mode, reference(policy), &request, facts, Reason::UnknownAction);
        record.problems = vec![RecordedProblem {
            at: String::new(),
            kind: "unknown-action".to_owned(),
            term: crate::problem::quoted(&request.action),
            message: format!(
                "`{}` in the request is an unknown action: expected an action of ODRL 2.2, as `use` or `distribute`",
                crate::problem::quoted(&request.action)
            ),
        }];
        return Decision { record };
    };
    request.action = asked.iri();
    let mut record = blank(mode, reference(policy), &request, facts, Reason::NotGranted);
    let world = World {
        policy,
        request: &request,
        action: asked,
        facts,
    };
    let mut trace: Vec<Step> = Vec::new();
    let permissions: Vec<(&Rule, RuleTruth)> = policy
        .permissions
        .iter()
        .map(|rule| (rule, world.permission(rule, &mut trace)))
        .collect();
    let prohibitions: Vec<(&Rule, RuleTruth)> = policy
        .prohibitions
        .iter()
        .map(|rule| (rule, world.prohibition(rule, &mut trace)))
        .collect();
    policy
        .obligations
        .iter()
        .for_each(|rule| world.obligation(rule, &mut trace));

    // A permission that does not count spares the counter of one that does.
    let granting = permissions
        .iter()
        .filter(|(_, truth)| truth.grants() == Truth::True)
        .map(|(rule, _)| *rule)
        .min_by_key(|rule| rule.at_most().is_some());
    let applying: Vec<&Rule> = prohibitions
        .iter()
        .filter(|(_, truth)| truth.forbids() != Truth::False)
        .map(|(rule, _)| *rule)
        .collect();
    let may_grant = policy.kind != PolicyKind::Offer || mode == Mode::WouldGrant;
    record.reason = match (granting, applying.is_empty(), policy.conflict) {
        _ if !may_grant => Reason::OnlyAnOffer,
        (None, ..) => Reason::NotGranted,
        (Some(_), true, _) | (Some(_), false, Conflict::Perm) => Reason::Granted,
        (Some(_), false, Conflict::Prohibit) => Reason::Prohibited,
        (Some(_), false, Conflict::Invalid) => Reason::Conflict,
    };
    if let (Reason::Granted, Some(rule)) = (record.reason, granting) {
        record.outcome = Outcome::Permit;
        record.granted_by = Some(rule.id.clone());
        record.reservations = rule
            .at_most()
            .map(|at_most| Reservation {
                rule: rule.id.clone(),
                counter: policy.counter(rule),
                at_most,
            })
            .into_iter()
            .collect();
    } else {
        (record.failing, record.failing_more) =
            failing::set(&world, &trace, &permissions, &applying, granting.is_some());
    }
    record.trace = trace;
    Decision { record }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_way_of_settling_a_conflict() {
        let mut policy = Policy::parse(&json!({
            "@type": "Set", "@id": "urn:s", "target": "urn:t",
            "permission": [{"action": "use"}], "prohibition": [{"action": "use"}]
        }))
        .unwrap();
        let request = Request::new("urn:a", "urn:b", "urn:t", 0);
        for (conflict, reason) in [
            (Conflict::Invalid, Reason::Conflict),
            (Conflict::Prohibit, Reason::Prohibited),
            (Conflict::Perm, Reason::Granted),
        ] {
            policy.conflict = conflict;
            let decision = policy.decide(&request, &Facts::none());
            assert_eq!(decision.record.reason, reason);
            assert_eq!(decision.is_permit(), conflict == Conflict::Perm);
        }
    }
}
