//! Negotiations decided by policy: a request for an offer of ours is agreed to if the offer's rules grant it, else ended with
//! the reason.

use super::{Context, Kept, fresh_pid, internal, peer, peer_base};
use crate::commands::Failure;
use crate::deciding::{self, Asker};
use crate::dsp::Role;
use crate::dsp::catalog::Resource;
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::Cause;
use crate::dsp::negotiation::{self, Contract, Decide, Negotiation, State};
use crate::dsp::policy::Agreement;
use crate::dsp::process::{Event, Process};
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, Side, set};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

impl Kept for Contract {
    const PREFIX: &'static str = "negotiation/";

    async fn drive(node: Arc<Node>, process: Process<Self>) {
        if process.underway().is_some() {
            return;
        }
        let due = match (process.role(), process.state()) {
            (Role::Provider, State::Requested) => on_request(&node, &process).await,
            (Role::Provider, State::Accepted) => agree(&node, &process),
            (Role::Provider, State::Verified) => finalize(&node, &process).await,
            (Role::Consumer, State::Agreed) => verify(&node, &process),
            (Role::Consumer, State::Finalized) => conclude(&node, &process, Side::Consumer).await.map(|()| None),
            _ => Ok(None),
        };
        let decision = match due {
            Ok(Some(decision)) => decision,
            Ok(None) => {
                node.negotiator.tell();
                return;
            }
            Err(why) => {
                tracing::error!(%why, pid = %process.own_pid(), "a negotiation could not be decided");
                return;
            }
        };
        if let Err(why) = node
            .negotiator
            .step::<Self>(&node, process.own_pid(), Event::Decided(decision))
            .await
        {
            tracing::info!(%why, "a decision came too late");
        }
    }
}

fn did(id: &Id) -> Result<Did, Refusal> {
    id.as_str().parse().map_err(|_| Refusal::NotFound)
}

fn terminate(code: &str, reason: &str) -> Decide {
    Decide::Terminate(Cause::new(code, reason))
}

/// Provider: is it an offer of ours, and would it grant what is asked?
async fn on_request(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Decide>, Refusal> {
    let asked = process.standing_offer();
    let Some(resource) = super::own_resource(node, asked.target()).map_err(|e| internal(&e))? else {
        return Ok(Some(terminate(
            "unknown-offer",
            "there is no such dataset or model here; request the catalogue again",
        )));
    };
    let Some(ours) = resource.offer(asked.id()) else {
        return Ok(Some(terminate(
            "unknown-offer",
            "there is no such offer here; request the catalogue again",
        )));
    };
    let own_id: Id = node.did.as_str().parse().map_err(|_| Refusal::NotFound)?;
    let as_ours = Agreement::from_offer(asked, asked.id(), &own_id, process.peer(), node.now_ms());
    if let Err(mismatch) = as_ours.check(&ours.with_target(asked.target()), &own_id, process.peer()) {
        return Ok(Some(terminate(
            "policy-mismatch",
            &format!("{mismatch}; counter-offers are not accepted here"),
        )));
    }
    let consumer = did(process.peer())?;
    let context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    let asker = Asker {
        did: &consumer,
        purpose: context.purpose.as_deref(),
    };
    let decided =
        deciding::under_offer(node, ours.as_value(), asked.target().as_str(), &asker).map_err(|e| internal(&e))?;
    if decided.is_permit() {
        return agree(node, process);
    }
    let facts = json!({"what": "negotiation", "party": consumer.as_str(), "decision": decided.record()});
    let recorded = crate::provider::grants::record_denial(node, facts, None, &decided, &fresh_trace(node)).await;
    recorded.map_err(|e| internal(&e))?;
    Ok(Some(terminate("policy-denied", &decided.refusal(&consumer))))
}

fn agree(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Decide>, Refusal> {
    let own_id: Id = node.did.as_str().parse().map_err(|_| Refusal::NotFound)?;
    let id = fresh_pid(node);
    Ok(Some(Decide::Agree(Agreement::from_offer(
        process.standing_offer(),
        &id,
        &own_id,
        process.peer(),
        node.now_ms(),
    ))))
}

/// Provider: the agreement is recorded before it is declared to be in force.
async fn finalize(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Decide>, Refusal> {
    conclude(node, process, Side::Provider).await?;
    Ok(Some(Decide::Finalize))
}

/// Consumer: the agreement must be what was negotiated, to the letter.
fn verify(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Decide>, Refusal> {
    let own: Id = node.did.as_str().parse().map_err(|_| Refusal::NotFound)?;
    Ok(Some(match process.agreement_as_negotiated(&own) {
        Ok(_) => Decide::Verify,
        Err(why) => terminate("policy-mismatch", &why.to_string()),
    }))
}

/// Records the agreement on this side, once.
async fn conclude(node: &Arc<Node>, process: &Negotiation, side: Side) -> Result<(), Refusal> {
    let Some(agreement) = process.agreement() else {
        return Ok(());
    };
    let key = AgreementEntry::key(agreement.id().as_str(), side);
    if node.ledger.get(&key).map_err(|e| internal(&e))?.is_some() {
        return Ok(());
    }
    let other = did(process.peer())?;
    let context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    let other_log = crate::consumer::log_of(node, &other).await.map_err(|e| internal(&e))?;
    let value: Value = agreement.clone().into();
    let document = herleid_policies::Document::read(&value);
    let sha256 = document.digest().hex();
    let entry = AgreementEntry {
        id: agreement.id().to_string(),
        side,
        other: other.clone(),
        agreement: value,
        sha256: sha256.clone(),
        target: agreement.target().to_string(),
        purpose: context.purpose.clone(),
        other_base: peer_base(node, &other).await.map_err(|e| internal(&e))?,
        other_log: other_log.clone(),
        dataset: context.dataset.clone(),
        terminated: None,
    };
    let recipient = match side {
        Side::Provider => &other,
        Side::Consumer => &node.did,
    };
    let asker = Asker {
        did: recipient,
        purpose: context.purpose.as_deref(),
    };
    let decided = deciding::under_agreement(node, &entry, deciding::USE, &asker).map_err(|e| internal(&e))?;
    let (provider, consumer) = match side {
        Side::Provider => (&node.did, &other),
        Side::Consumer => (&other, &node.did),
    };
    let facts = json!({
        "agreement": entry.id, "side": side.as_str(), "provider": provider.as_str(), "consumer": consumer.as_str(),
        "logs": [node.own_log(), other_log], "policy": sha256, "decision": decided.record(), "target": entry.target,
    });
    let document = |role: &str, media_type: &str, bytes: Vec<u8>| Document {
        role: role.to_owned(),
        media_type: media_type.to_owned(),
        bytes,
    };
    let mut draft = Draft::new(Kind::AgreementConcluded, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .evidence(document(
            "agreement",
            "application/ld+json",
            decided.policy_bytes.clone(),
        ))
        .stream(StreamKey::Agreement {
            agreement: entry.id.clone(),
            side: side.into(),
            other: other.clone(),
        })
        .term(Term::Agreement(entry.id.clone()))
        .term(Term::Party(other))
        .term(Term::Dataset(entry.target.clone()))
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
    let (key, value) = set(key, &entry).map_err(|e| internal(&e))?;
    node.append(draft.put(key, value)).await.map_err(|e| internal(&e))?;
    node.negotiator.tell();
    Ok(())
}

impl super::Negotiator {
    /// Negotiates, as the consumer, the offer `offer` about `resource` of `provider`.
    ///
    /// # Errors
    /// When the provider refuses, with its reason, or does not answer.
    pub async fn request_agreement(
        &self,
        node: &Arc<Node>,
        provider: &Did,
        base: &str,
        resource: &Resource,
        offer: &Id,
        purpose: Option<&str>,
    ) -> Result<AgreementEntry, Failure> {
        let offer = resource
            .offer(offer)
            .ok_or_else(|| Failure::missing(format!("`{}` is not offered under `{offer}`", resource.id())))?;
        let pid = fresh_pid(node);
        let peer = peer(node, provider, base).map_err(Failure::usage)?;
        let (process, effects) =
            negotiation::request(pid.clone(), peer, offer.with_target(resource.id()), node.now_ms())
                .map_err(Failure::failed)?;
        let document = node.documents.resolve(provider).await.map_err(Failure::unreachable)?;
        let context = Context {
            purpose: purpose.map(str::to_owned),
            did_document: Some(String::from_utf8_lossy(document.document().bytes()).into_owned()),
            dataset: Some(resource.to_json()),
            ..Context::default()
        };
        self.open(node, process, effects, &context)
            .await
            .map_err(Failure::failed)?;
        let ended = self
            .wait_for(|| {
                let process = self.load::<Contract>(node, &pid).ok()??;
                match process.state() {
                    State::Terminated => Some(Err(process.ended().map(|e| e.cause.text()).unwrap_or_default())),
                    State::Finalized => {
                        let id = process.agreement()?.id().clone();
                        let entry = node
                            .state
                            .get::<AgreementEntry>(&AgreementEntry::key(id.as_str(), Side::Consumer))
                            .ok()??;
                        Some(Ok(entry))
                    }
                    _ => None,
                }
            })
            .await
            .map_err(Failure::unreachable)?;
        ended.map_err(|reason| Failure::refused(format!("`{provider}` refused the negotiation: {reason}")))
    }
}
