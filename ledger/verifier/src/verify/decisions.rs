//! Policy decisions: each must be about what its record is about, and is evaluated again from its record and the policy among
//! the evidence.

use super::doubt::{Doubt, report};
use super::explanations::Explanations;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Findings};
use crate::dossier::Archive;
use herleid_ledger::exchange::{Exchange, Subject};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_policies::{Action, DecisionRecord, Mismatch, Mode, Outcome, Request, reevaluate};
use herleid_vocab::json::{self, Limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Seek};

/// A policy's canonical bytes; the evaluator has limits of its own below this.
const LIMITS: Limits = Limits::MESSAGE;

/// An agreement as one end recorded it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreed<'a> {
    pub(super) provider: &'a str,
    pub(super) consumer: &'a str,
    policy: &'a str,
}

/// Every record of an agreement that is shown, by the agreement's id.
pub(super) type Agreements<'a> = BTreeMap<&'a str, Vec<Agreed<'a>>>;

/// Finds what was agreed.
pub(super) fn agreements(records: &[Rec]) -> Agreements<'_> {
    let mut agreements = Agreements::new();
    for rec in records {
        let fact = |member| rec.text(SectionName::Facts, member);
        let is_agreement = rec.kind().is_none_or(|kind| kind == Kind::AgreementConcluded);
        // Only this kind says on which side its writer stands.
        if is_agreement
            && fact("side").is_some()
            && let (Some(id), Some(provider), Some(consumer), Some(policy)) =
                (fact("agreement"), fact("provider"), fact("consumer"), fact("policy"))
        {
            let agreed = Agreed {
                provider,
                consumer,
                policy,
            };
            agreements.entry(id).or_default().push(agreed);
        }
    }
    agreements
}

/// Binds every recorded decision to its record, and evaluates it again.
pub(super) fn check<R: Read + Seek>(
    archive: &mut Archive<R>,
    records: &[Rec],
    agreements: &Agreements<'_>,
    explanations: &Explanations,
    findings: &mut Findings,
) {
    for rec in records.iter().filter(|rec| !rec.is_receipt) {
        if let Some(decision) = rec.section(SectionName::Facts).and_then(|facts| facts.get("decision")) {
            let result = DecisionRecord::parse(decision)
                .map_err(Doubt::failed)
                .and_then(|parsed| {
                    let about = About::of(rec, &parsed);
                    about.check(agreements, explanations)?;
                    match (again(archive, decision, &parsed, explanations), about.fits_outcome()) {
                        // A decision that was altered is that first; one that cannot be looked at again may still contradict the record.
                        (Err(altered @ Doubt::Failed(_)), _) => Err(altered),
                        (_, Err(contradiction)) => Err(contradiction),
                        (result, Ok(())) => result,
                    }
                });
            report(result, Check::Policy, &rec.source, findings);
        }
    }
}

fn again<R: Read + Seek>(
    archive: &mut Archive<R>,
    decision: &Value,
    parsed: &DecisionRecord,
    explanations: &Explanations,
) -> Result<(), Doubt> {
    let sha256 = &parsed.policy.sha256;
    let file = format!("evidence/{sha256}");
    if !archive.contains(&file) {
        let explained = explanations.file("evidence", sha256);
        return Err(Doubt::missing(Reason::NoPolicy { file }, explained));
    }
    let bytes = archive.read(&file, LIMITS.max_bytes as u64).map_err(Doubt::failed)?;
    let policy = json::parse(&bytes, &LIMITS).map_err(Doubt::failed)?;
    match reevaluate(&policy, decision) {
        Ok(_) => Ok(()),
        // Any name of an engine can be written down: that this version cannot follow it vouches for nothing.
        Err(error @ Mismatch::Tables { .. }) => Err(Doubt::Untrusted(Reason::refused(error))),
        Err(error) => Err(Doubt::failed(error)),
    }
}

/// What a decision was taken for, as its record shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// An agreement was concluded.
    Agreeing,
    /// Something was given, or a model run: a pull was opened, a run started.
    Giving,
    /// Nothing was: it was denied.
    Denying,
}

/// A decision, and the record that it stands in.
struct About<'a> {
    rec: &'a Rec,
    decision: &'a DecisionRecord,
    purpose: Purpose,
    exchange: Option<Exchange>,
}

impl<'a> About<'a> {
    fn of(rec: &'a Rec, decision: &'a DecisionRecord) -> Self {
        let has_fact = |member| rec.text(SectionName::Facts, member).is_some();
        let has_exchange = rec.record.macs().contains_key(&SectionName::Exchange);
        let purpose = match rec.kind() {
            Some(Kind::AgreementConcluded) => Purpose::Agreeing,
            Some(Kind::Denied) => Purpose::Denying,
            Some(_) => Purpose::Giving,
            // Without its envelope the other sections tell; in doubt something was given.
            None if has_fact("side") => Purpose::Agreeing,
            None if has_fact("what") && !has_exchange => Purpose::Denying,
            None => Purpose::Giving,
        };
        Self {
            rec,
            decision,
            purpose,
            exchange: rec.record.exchange().and_then(Result::ok),
        }
    }

    fn other(member: &str) -> Doubt {
        Doubt::Failed(Reason::DecidedOther {
            member: member.to_owned(),
        })
    }

    fn fits_outcome(&self) -> Result<(), Doubt> {
        match (self.purpose, self.decision.outcome) {
            (Purpose::Denying, Outcome::Permit) => Err(Doubt::Failed(Reason::DeniedThoughPermitted)),
            (Purpose::Agreeing | Purpose::Giving, Outcome::Deny) => Err(Doubt::Failed(Reason::ServedThoughDenied)),
            _ => Ok(()),
        }
    }

    fn check(&self, agreements: &Agreements<'_>, explanations: &Explanations) -> Result<(), Doubt> {
        let decision = self.decision;
        // What an offer would grant is for negotiations; nothing is given by it.
        if self.purpose != Purpose::Denying && decision.mode != Mode::Decide {
            return Err(Self::other("mode"));
        }
        let Some(agreement) = self.agreement()? else {
            if self.purpose == Purpose::Denying {
                return Ok(());
            }
            let what = "the agreement that it was decided under".to_owned();
            let explained = explanations.section(self.rec, SectionName::Exchange);
            return Err(Doubt::missing(Reason::Incomplete { what }, explained));
        };
        // The policy of an agreement has the agreement's id for its own.
        if decision.policy.id.as_deref().is_some_and(|id| id != agreement) {
            return Err(Self::other("agreement"));
        }
        let Some(agreed) = agreements.get(agreement.as_str()) else {
            return Err(Doubt::missing(Reason::NoAgreement { agreement }, None));
        };
        if agreed.iter().any(|agreed| agreed.policy != decision.policy.sha256) {
            return Err(Self::other("policy"));
        }
        let request = &decision.request;
        let is_party = |agreed: &Agreed<'_>| {
            // Compared as a record would hold it: what is too long for one is cut off there.
            let expected = Request::new(agreed.consumer, agreed.provider, "", 0);
            (&request.assignee, &request.assigner) == (&expected.assignee, &expected.assigner)
        };
        if !agreed.iter().all(is_party) {
            return Err(Doubt::Failed(Reason::DecidedForOther));
        }
        match self.purpose {
            Purpose::Denying => Ok(()),
            Purpose::Agreeing | Purpose::Giving => self.asked(),
        }
    }

    /// The agreement's id, which the record may name more than once.
    fn agreement(&self) -> Result<Option<String>, Doubt> {
        let named = self.rec.text(SectionName::Facts, "agreement");
        let exchanged = self.exchange.as_ref().map(|exchange| exchange.agreement.as_str());
        let run = self.rec.text(SectionName::Run, "agreement");
        let all = [exchanged, named, run];
        let first = all.into_iter().flatten().next();
        if all.into_iter().flatten().any(|one| Some(one) != first) {
            return Err(Self::other("agreement"));
        }
        Ok(first.map(str::to_owned))
    }

    /// The right action on the right thing: use by the one who gets it, or passing on to a recipient who is named.
    fn asked(&self) -> Result<(), Doubt> {
        let request = &self.decision.request;
        let (to, what) = match &self.exchange {
            Some(exchange) => (Some(exchange.consumer.as_str()), Some(subject(exchange))),
            None => (None, self.rec.text(SectionName::Facts, "target")),
        };
        if what.is_some_and(|what| Request::new("", "", what, 0).target != request.target) {
            return Err(Self::other("subject"));
        }
        let is_onward = match &self.exchange {
            Some(exchange) => {
                let gives = request.assignee == exchange.consumer.as_str();
                if !gives && request.assignee != exchange.provider.as_str() {
                    return Err(Doubt::Failed(Reason::DecidedForOther));
                }
                if gives && request.assigner != exchange.provider.as_str() {
                    return Err(Doubt::Failed(Reason::DecidedForOther));
                }
                !gives
            }
            None => self.purpose == Purpose::Giving && request.assignee == self.rec.did.as_str(),
        };
        let action = Action::parse(&request.action);
        let fits = if is_onward {
            action.is_some_and(|action| action.name() == "distribute")
        } else {
            action.is_some_and(Action::is_own_use)
        };
        if !fits {
            return Err(Self::other("action"));
        }
        let recipient = self.recipient();
        // Who passes something on decides for one recipient; a holder has named it in the agreement.
        if (is_onward && recipient.is_none()) || (to.is_some() && recipient.is_some() && to != recipient) {
            return Err(Self::other("recipient"));
        }
        Ok(())
    }

    /// The one recipient among the facts.
    fn recipient(&self) -> Option<&str> {
        recipient(self.decision)
    }
}

/// The recipient that a decision was taken for, if its facts name exactly one.
pub(super) fn recipient(decision: &DecisionRecord) -> Option<&str> {
    let fact = decision.facts.iter().find(|fact| fact.about == "recipient")?;
    match fact.values.as_slice() {
        [one] if !fact.cut => Some(one.as_str()),
        _ => None,
    }
}

fn subject(exchange: &Exchange) -> &str {
    match &exchange.subject {
        Subject::Dataset { dataset, .. } => dataset,
        Subject::Model { model, .. } => model,
    }
}
