//! Negotiations decided by policy: a request for an offer of ours is agreed to if the offer's rules grant it, else ended with
//! the reason.

use super::concluding::{self, did};
use super::counterparty::{Counterparty, Obstacle};
use super::{Context, Due, Kept, ended, fresh_pid, internal, peer};
use crate::commands::Failure;
use crate::deciding::{self, Asker};
use crate::dsp::Role;
use crate::dsp::catalog::Resource;
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::Cause;
use crate::dsp::negotiation::{self, Contract, Decide, Negotiation, State};
use crate::dsp::policy::{Agreement, Offer};
use crate::dsp::process::Process;
use crate::node::Node;
use crate::state::{AgreementEntry, Change, Side};
use herleid_vocab::did::Did;
use std::sync::Arc;

impl Kept for Contract {
    const PREFIX: &'static str = "negotiation/";

    fn is_due(process: &Process<Self>) -> bool {
        match (process.role(), process.state()) {
            (Role::Provider, State::Requested | State::Accepted | State::Verified)
            | (Role::Consumer, State::Offered | State::Agreed) => process.underway().is_none(),
            (Role::Consumer, State::Finalized) => true,
            (Role::Provider, State::Terminated) => process.agreement().is_some(),
            _ => false,
        }
    }

    async fn due(node: Arc<Node>, process: Process<Self>) -> Result<Option<Due<Self>>, Refusal> {
        look(&node, &process).await.or_else(Obstacle::due)
    }

    fn beside(_node: &Node, _process: &Process<Self>) -> Result<Vec<Change>, Refusal> {
        Ok(Vec::new())
    }
}

/// What is due in a state for a role, see [`Kept::is_due`].
async fn look(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Due<Contract>>, Obstacle> {
    let decision = match (process.role(), process.state()) {
        (Role::Provider, State::Requested) => on_request(node, process).await?,
        (Role::Provider, State::Accepted) => agree(node, process).await?,
        (Role::Provider, State::Verified) => return finalize(node, process).await.map(Some),
        (Role::Provider, State::Terminated) => return concluding::terminate(node, process),
        (Role::Consumer, State::Offered) => not_asked_for(),
        (Role::Consumer, State::Agreed) => verify(node, process).await?,
        (Role::Consumer, State::Finalized) => return in_force(node, process).await,
        _ => return Ok(None),
    };
    Ok(Some(Due::decide(decision)))
}

fn terminate(code: &str, reason: &str) -> Decide {
    Decide::Terminate(Cause::new(code, reason))
}

fn own_id(node: &Node) -> Result<Id, Refusal> {
    node.did.as_str().parse().map_err(|_| Refusal::NotFound)
}

/// Provider: the offer of ours that is asked for, in our own words; else why the negotiation ends. What is agreed on is what we
/// published, never the consumer's spelling of it, or whoever asks could choose what we evaluate later.
fn ours(node: &Node, process: &Negotiation) -> Result<Result<Offer, Decide>, Obstacle> {
    let asked = process.standing_offer();
    let Some(resource) = super::own_resource(node, asked.target()).map_err(|e| internal(&e))? else {
        return Ok(Err(terminate(
            "unknown-offer",
            "there is no such dataset or model here; request the catalogue again",
        )));
    };
    let Some(ours) = resource.offer(asked.id()) else {
        return Ok(Err(terminate(
            "unknown-offer",
            "there is no such offer here; request the catalogue again",
        )));
    };
    let ours = ours.with_target(asked.target());
    let own_id = own_id(node)?;
    let as_ours = Agreement::from_offer(asked, asked.id(), &own_id, process.peer(), node.now_ms());
    Ok(match as_ours.check(&ours, &own_id, process.peer()) {
        Ok(()) => Ok(ours),
        Err(mismatch) => Err(terminate(
            "policy-mismatch",
            &format!("{mismatch}; counter-offers are not accepted here"),
        )),
    })
}

/// Provider: is it an offer of ours, and would it grant what is asked?
async fn on_request(node: &Arc<Node>, process: &Negotiation) -> Result<Decide, Obstacle> {
    let ours = match ours(node, process)? {
        Ok(ours) => ours,
        Err(end) => return Ok(end),
    };
    let consumer = did(process.peer())?;
    let context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    let asker = Asker::by_token(&consumer, context.purpose.as_deref());
    let decided =
        deciding::under_offer(node, ours.as_value(), ours.target().as_str(), &asker).map_err(|e| internal(&e))?;
    if decided.is_permit() {
        return agree(node, process).await;
    }
    concluding::record_denial(node, &consumer, &decided).await?;
    Ok(terminate("policy-denied", &decided.refusal(&consumer)))
}

/// Provider: an agreement, with a consumer that it can be recorded with.
async fn agree(node: &Arc<Node>, process: &Negotiation) -> Result<Decide, Obstacle> {
    let ours = match ours(node, process)? {
        Ok(ours) => ours,
        Err(end) => return Ok(end),
    };
    Counterparty::of(node, &did(process.peer())?).await?;
    Ok(Decide::Agree(Agreement::from_offer(
        &ours,
        &fresh_pid(node),
        &own_id(node)?,
        process.peer(),
        node.now_ms(),
    )))
}

/// Provider: the agreement is recorded in the commit that declares it to be in force. A termination that comes before finds nothing
/// to undo, and one that comes after is no longer possible.
async fn finalize(node: &Arc<Node>, process: &Negotiation) -> Result<Due<Contract>, Obstacle> {
    let concluded = concluding::conclude(node, process, Side::Provider).await?;
    let finalized = Due::decide(Decide::Finalize);
    Ok(match concluded {
        Some(concluded) => Due {
            decision: finalized.decision,
            ..concluded
        },
        None => finalized,
    })
}

/// Consumer: an offer that was not asked for, or another than was asked for.
fn not_asked_for() -> Decide {
    terminate(
        "counter-offer",
        "counter-offers are not accepted here, nor offers that were not asked for",
    )
}

/// Consumer: the agreement must be what was negotiated, to the letter and in meaning, and one that can be recorded and used.
async fn verify(node: &Arc<Node>, process: &Negotiation) -> Result<Decide, Obstacle> {
    let agreement = match process.agreement_as_negotiated(&own_id(node)?) {
        Ok(agreement) => agreement,
        Err(why) => return Ok(terminate("policy-mismatch", &why.to_string())),
    };
    if let Err(why) = concluding::means_the_same(agreement, process.standing_offer()) {
        return Ok(terminate("policy-mismatch", &why.to_string()));
    }
    let provider = did(process.peer())?;
    concluding::on_record(node, agreement, &provider, Side::Consumer)?;
    Counterparty::of(node, &provider).await?;
    Ok(Decide::Verify)
}

/// Consumer: the agreement is in force, and is recorded. It cannot be terminated any more, so an obstacle that was not there when it
/// was verified is waited for, whatever it is.
async fn in_force(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Due<Contract>>, Obstacle> {
    match concluding::conclude(node, process, Side::Consumer).await {
        Err(Obstacle::Lasting(cause)) => Err(Obstacle::Passing(Refusal::Unavailable { why: cause.text() })),
        other => other,
    }
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
        let opened = negotiation::request(pid.clone(), peer, offer.with_target(resource.id()), node.now_ms())
            .map_err(Failure::failed)?;
        let document = node.documents.resolve(provider).await?;
        let context = Context {
            purpose: purpose.map(str::to_owned),
            did_document: Some(String::from_utf8_lossy(document.document().bytes()).into_owned()),
            dataset: Some(resource.to_json()),
            ..Context::default()
        };
        self.open(node, opened, &context).await.map_err(Failure::failed)?;
        self.wait_for(|| {
            let process = self.load::<Contract>(node, &pid).ok()??;
            if process.state() == State::Terminated {
                return Some(Err(ended(&process, "the negotiation")));
            }
            match concluding::on_record(node, process.in_force()?, provider, Side::Consumer) {
                Ok(entry) => entry.map(Ok),
                Err(Obstacle::Lasting(cause)) => Some(Err(Failure::untrusted(format!(
                    "the agreement with `{provider}` cannot be used: {}",
                    cause.text()
                )))),
                Err(Obstacle::Passing(_)) => None,
            }
        })
        .await
        .map_err(Failure::unreachable)?
    }
}

#[cfg(test)]
mod tests;
