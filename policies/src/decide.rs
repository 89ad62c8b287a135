//! From a policy, a request and facts to a decision.

use crate::action::Action;
use crate::amount::Amount;
use crate::compiled::Fit;
use crate::era::Era;
use crate::facts::{Facts, Request, SIZE, fact};
use crate::failing;
use crate::model::{self, Digest, PolicyKind, Rule};
use crate::payment;
use crate::policy::Policy;
use crate::problem::PolicyError;
use crate::record::{DecisionRecord, FORMAT, Mode, Outcome, PolicyReference, Reason, RecordedProblem, Reservation};
use crate::truth::Truth;
use herleid_vocab::time::format_rfc3339_ms;

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

impl Policy {
    /// The decision alone, as [`Policy::decide`] comes to it: what is not recorded may be shown, and nothing may rest on it.
    #[must_use]
    pub fn judge(&self, request: &Request, facts: &Facts) -> Reason {
        if Action::parse(&request.action).is_none() {
            return Reason::UnknownAction;
        }
        self.program.verdict(request, facts, Mode::Decide).reason
    }

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
            for (rule, _) in self.volumes() {
                if facts.values("volume", Some(&rule)).is_none() {
                    facts = facts.with_volume(&rule, 0, "no agreement yet", request.now_ms);
                }
            }
            facts = self.before_first_use(
                facts,
                "no agreement yet; to be done before the first use",
                request.now_ms,
            );
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
        facts.connector(),
        request.now_ms,
    );
    DecisionRecord {
        format: FORMAT.to_owned(),
        engine: ENGINE.to_owned(),
        tables: Era::default().digest().hex(),
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

/// What a grant by this rule takes: a place for this execution, all the bytes that may leave with it, and what it costs.
fn reservations(policy: &Policy, rule: &Rule, facts: &Facts) -> Vec<Reservation> {
    let counter = policy.counter(rule);
    let take = |counter: String, amount: u64| {
        move |at_most| Reservation {
            rule: rule.id.clone(),
            counter,
            amount,
            at_most,
        }
    };
    let bytes = model::volume_counter(&counter);
    let executions = rule.at_most().map(take(counter, 1));
    // It grants only where the size is known; of nothing nothing is taken.
    let size = facts.number(SIZE, None).unwrap_or_default();
    let volume = rule.volume_at_most().filter(|_| size > 0).map(take(bytes, size));
    let account = payment::account(&policy.id);
    // It grants only where the credit is known, and reaches.
    let price = rule.price().filter(|price| *price > Amount::NOTHING);
    let price = price.zip(facts.credit(&account));
    let payment = price.map(|(price, credit)| take(account, price.millionths())(credit.paid.millionths()));
    executions.into_iter().chain(volume).chain(payment).collect()
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
    let verdict = policy.program.verdict(&request, facts, mode);
    let trace = policy.program.trace(&request, facts);
    let granting = verdict.granting.and_then(|place| policy.permissions.get(place));
    record.reason = verdict.reason;
    if let (Reason::Granted, Some(rule)) = (record.reason, granting) {
        record.outcome = Outcome::Permit;
        record.granted_by = Some(rule.id.clone());
        record.reservations = reservations(policy, rule, facts);
    } else {
        let question = failing::Question {
            policy,
            request: &request,
            facts,
        };
        let permissions: Vec<(&Rule, Fit)> = policy.permissions.iter().zip(trace.permissions).collect();
        let prohibitions = policy.prohibitions.iter().zip(trace.prohibitions);
        let applying: Vec<&Rule> = prohibitions
            .filter(|(_, fit)| fit.forbids() != Truth::False)
            .map(|(rule, _)| rule)
            .collect();
        // Named where nothing else is in the way: records of before, whose policies had obligations that decided nothing, stay as they are.
        let is_broken = verdict.reason == Reason::ObligationBroken;
        let broken: Vec<&Rule> = policy
            .obligations
            .iter()
            .zip(trace.broken)
            .filter_map(|(rule, is_this)| (is_broken && is_this).then_some(rule))
            .collect();
        let granted = permissions.iter().any(|(_, fit)| fit.grants() == Truth::True);
        let standing = failing::Standing {
            prohibitions: &applying,
            obligations: &broken,
        };
        (record.failing, record.failing_more) = failing::set(&question, &trace.steps, &permissions, &standing, granted);
    }
    record.trace = trace.steps;
    Decision { record }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiled::{Program, Rules};
    use crate::model::Conflict;
    use serde_json::json;
    use std::sync::Arc;

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
            let rules = Rules {
                permissions: &policy.permissions,
                prohibitions: &policy.prohibitions,
                obligations: &policy.obligations,
            };
            policy.program = Arc::new(Program::enforced(&policy.id, policy.kind, conflict, &rules));
            let decision = policy.decide(&request, &Facts::none().with_counterparty_log(true, "here", 0));
            assert_eq!(decision.record.reason, reason);
            assert_eq!(decision.is_permit(), conflict == Conflict::Perm);
        }
    }
}
