//! Agreements on record: concluded when they come into force, terminated when the negotiation ends without that after all.

use super::counterparty::{Counterparty, Obstacle};
use super::{Due, internal};
use crate::deciding::{self, Asker, Decided};
use crate::dsp::Role;
use crate::dsp::error::Refusal;
use crate::dsp::message::Cause;
use crate::dsp::negotiation::{Contract, Negotiation, State};
use crate::dsp::policy::{Agreement, Offer};
use crate::identity::{Lapse, claimed, look_at};
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, LogIdentity, Side, set};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_policies::{Policy, PolicyError};
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// SHA-256 of the agreement in its RFC 8785 form, as logged.
fn digest(agreement: &Agreement) -> String {
    herleid_policies::Document::read(agreement.as_value()).digest().hex()
}

/// The entry of this very agreement, if it is on record on `side`.
///
/// # Errors
/// Lasting, when its id stands for something else: whoever chooses the id (the provider) used it twice, and one of the two would be
/// looked up for the other.
pub(super) fn on_record(
    node: &Node,
    agreement: &Agreement,
    other: &Did,
    side: Side,
) -> Result<Option<AgreementEntry>, Obstacle> {
    let key = AgreementEntry::key(agreement.id().as_str(), side);
    let entry: Option<AgreementEntry> = node.state.get(&key).map_err(|e| internal(&e))?;
    match entry {
        Some(entry) if !entry.stands_for(other, &digest(agreement)) => Err(Obstacle::Lasting(Cause::new(
            "reused-id",
            &format!(
                "the agreement id `{}` was used before, for another agreement: choose a new one",
                agreement.id()
            ),
        ))),
        entry => Ok(entry),
    }
}

/// Whether the negotiation ended well at the consumer, and its agreement is on record: nothing is left to be done.
pub(super) fn is_done(node: &Node, process: &Negotiation) -> bool {
    let finalized = process.role() == Role::Consumer && process.state() == State::Finalized;
    let Some(agreement) = process.agreement().filter(|_| finalized) else {
        return false;
    };
    let other = node.did_of(process.peer());
    // What cannot be read is looked at again, and named then.
    other.is_ok_and(|other| matches!(on_record(node, agreement, &other, Side::Consumer), Ok(Some(_))))
}

/// Whether the agreement is what accepting the offer makes, as policies are read here: what is compared to the letter could still
/// be read otherwise, or not at all.
///
/// # Errors
/// Names what differs, or is not understood.
pub(super) fn means_the_same(agreement: &Agreement, offer: &Offer) -> Result<(), PolicyError> {
    Policy::parse(agreement.as_value())?.check_made_of(&Policy::parse(offer.as_value())?)
}

/// Records that a negotiation was denied to `party`.
///
/// # Errors
/// When the log cannot be written: the denial is not told then.
pub(super) async fn record_denial(node: &Node, party: &Did, decided: &Decided) -> Result<(), Obstacle> {
    let facts = json!({"what": "negotiation", "party": party.as_str(), "decision": decided.record()});
    let recorded = crate::provider::grants::record_denial(node, facts, None, decided, &fresh_trace(node)).await;
    recorded.map_err(|e| internal(&e))?;
    Ok(())
}

/// The status lists that say that the credentials that `party` has shown hold now.
///
/// # Errors
/// Lasting, and recorded, when one does not; passing when that cannot be found out at this moment.
async fn shown_still_holds(node: &Node, party: &Did, presentations: &[String]) -> Result<Vec<Document>, Obstacle> {
    let lost = match look_at(node, presentations).await {
        Ok(lists) => return Ok(lists),
        Err(lost) => lost,
    };
    if lost.how == Lapse::Unknown {
        return Err(Obstacle::Passing(Refusal::Unavailable { why: lost.why }));
    }
    let facts = json!({"what": "negotiation", "party": party.as_str()});
    let (evidence, trace) = (lost.evidence(), fresh_trace(node));
    let recorded = crate::provider::grants::record_lost(node, facts, None, &lost.why, evidence, &trace).await;
    recorded.map_err(|e| internal(&e))?;
    Err(Obstacle::Lasting(Cause::new("credentials", &lost.why)))
}

fn stream(entry: &AgreementEntry) -> StreamKey {
    StreamKey::Agreement {
        agreement: entry.id.clone(),
        side: entry.side.into(),
        other: entry.other.clone(),
    }
}

fn terms(draft: Draft, entry: &AgreementEntry) -> Draft {
    draft
        .term(Term::Agreement(entry.id.clone()))
        .term(Term::Party(entry.other.clone()))
        .term(Term::Dataset(entry.target.clone()))
}

/// What is to be written for the agreement to be on record on this side; `None` when it is already, or there is none.
///
/// # Errors
/// What keeps it from being concluded, see [`on_record`] and [`Counterparty::of`].
pub(super) async fn conclude(
    node: &Arc<Node>,
    process: &Negotiation,
    side: Side,
) -> Result<Option<Due<Contract>>, Obstacle> {
    let Some(agreement) = process.agreement() else {
        return Ok(None);
    };
    let other = node.did_of(process.peer())?;
    if on_record(node, agreement, &other, side)?.is_some() {
        return Ok(None);
    }
    let context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    let counterparty = match context.counterparty {
        Some(known) => known,
        None => Counterparty::of(node, &other).await?,
    };
    let sha256 = digest(agreement);
    let entry = AgreementEntry {
        id: agreement.id().to_string(),
        side,
        other: other.clone(),
        agreement: agreement.as_value().clone(),
        sha256: sha256.clone(),
        target: agreement.target().to_string(),
        declares: context.declares.clone(),
        other_log: counterparty.log.clone(),
        other_base: counterparty.base,
        dataset: context.dataset.clone(),
        terminated: None,
    };
    let shown = claimed(&context.presentations);
    let (provider, consumer, asker) = match side {
        Side::Provider => (&node.did, &other, Asker::by_token(&other).showing(&shown)),
        Side::Consumer => (&other, &node.did, Asker::ourselves(&node.did)),
    };
    let asker = asker.delivering_nothing().declaring(&context.declares);
    let decided = deciding::under_new_agreement(node, &entry, deciding::USE, &asker).map_err(|e| internal(&e))?;
    if side == Side::Provider && !decided.is_permit() {
        // The offer would have granted it, the agreement does not: a rule is for somebody else, or its time has passed meanwhile.
        record_denial(node, &other, &decided).await?;
        return Err(Obstacle::Lasting(Cause::new("policy-denied", &decided.refusal(&other))));
    }
    // What was shown when the negotiation began may be days old: a person decides in between, the consumer verifies when it likes.
    let looked_at = match side {
        Side::Provider => shown_still_holds(node, &other, &context.presentations).await?,
        Side::Consumer => Vec::new(),
    };
    // With a one-sided peer there is one log only, and the record says so.
    let logs: Vec<LogIdentity> = std::iter::once(node.own_log()).chain(counterparty.log).collect();
    let facts = json!({
        "agreement": entry.id, "side": side.as_str(), "provider": provider.as_str(), "consumer": consumer.as_str(),
        "logs": logs, "policy": sha256, "decision": decided.record(), "target": entry.target,
    });
    let document = |role: &str, media_type: &str, bytes: Vec<u8>| Document {
        role: role.to_owned(),
        media_type: media_type.to_owned(),
        bytes,
    };
    let mut draft = Draft::new(Kind::AgreementConcluded, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .evidence(document("agreement", "application/ld+json", decided.policy_bytes))
        .stream(stream(&entry))
        .once(
            format!("agreement/{}/{}", side.as_str(), entry.id),
            Sha256::digest(sha256.as_bytes()).into(),
        );
    if let Some(bytes) = context.did_document {
        draft = draft.evidence(document("did-document", "application/did+json", bytes.into_bytes()));
    }
    for token in context.presentations {
        draft = draft.evidence(document("presentation", "application/vp+jwt", token.into_bytes()));
    }
    for list in looked_at {
        draft = draft.evidence(list);
    }
    Ok(Some(Due {
        decision: None,
        changes: vec![set(AgreementEntry::key(&entry.id, side), &entry).map_err(|e| internal(&e))?],
        record: Some(terms(draft, &entry)),
    }))
}

/// Provider: an agreement that was put on record with its finalization, but whose negotiation ended all the same (the finalization
/// could not be delivered, or crossed a termination that the consumer holds to), gives no access. `None` when there is none, or that
/// is on record already.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn terminate(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Due<Contract>>, Obstacle> {
    let Some(agreement) = process.agreement() else {
        return Ok(None);
    };
    let other = node.did_of(process.peer())?;
    let entry = on_record(node, agreement, &other, Side::Provider)?;
    let Some(entry) = entry.filter(|entry| entry.terminated.is_none()) else {
        return Ok(None);
    };
    let reason = process.ended().map(|ended| ended.cause.text()).unwrap_or_default();
    let (entry, draft) = ended(node, entry, &format!("the negotiation was terminated: {reason}"));
    Ok(Some(Due {
        decision: None,
        changes: vec![set(AgreementEntry::key(&entry.id, entry.side), &entry).map_err(|e| internal(&e))?],
        record: Some(draft),
    }))
}

/// The entry of an agreement that has ended, and the record that says so.
pub(super) fn ended(node: &Node, entry: AgreementEntry, reason: &str) -> (AgreementEntry, Draft) {
    let (entry, facts) = terminated(entry, reason);
    let draft = Draft::new(Kind::AgreementTerminated, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .stream(stream(&entry))
        .once(
            format!("agreement-terminated/{}/{}", entry.side.as_str(), entry.id),
            Sha256::digest(entry.sha256.as_bytes()).into(),
        );
    let draft = terms(draft, &entry);
    (entry, draft)
}

/// The entry of an agreement that has ended, and the facts of the record that says so. The reason may be a peer's, so it is kept
/// short and on one line.
fn terminated(mut entry: AgreementEntry, reason: &str) -> (AgreementEntry, Value) {
    let reason: String = reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect();
    let facts = json!({"agreement": entry.id, "reason": reason});
    entry.terminated = Some(reason);
    (entry, facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_that_ended_says_why_in_few_words() {
        let other: Did = "did:web:app.example".parse().unwrap();
        let entry = AgreementEntry {
            id: "urn:agreement:1".to_owned(),
            side: Side::Provider,
            other,
            agreement: json!({}),
            sha256: "ab".repeat(32),
            target: "rain".to_owned(),
            declares: Default::default(),
            other_log: None,
            other_base: "https://app.example/dsp/2025-1".to_owned(),
            dataset: None,
            terminated: None,
        };
        let (entry, facts) = terminated(entry, &format!("no\nlonger needed {}", "x".repeat(100_000)));
        let reason = entry.terminated.unwrap();
        assert!(reason.starts_with("no longer needed x"), "{reason}");
        assert_eq!(reason.chars().count(), 500);
        assert_eq!(facts, json!({"agreement": "urn:agreement:1", "reason": reason}));
    }
}
