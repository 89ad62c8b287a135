//! Negotiations decided by policy: a request for an offer of ours is agreed to if the offer's rules grant it, else ended with
//! the reason.

use super::concluding;
use super::counterparty::{Counterparty, Obstacle};
use super::everybody;
use super::{Due, Kept, context_key, ended, fresh_pid, internal};
use crate::commands::Failure;
use crate::deciding::{self, Asker};
use crate::dsp::Role;
use crate::dsp::catalog::Resource;
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::Cause;
use crate::dsp::negotiation::{Contract, Decide, Negotiation, State};
use crate::dsp::policy::{Agreement, Offer};
use crate::dsp::process::Process;
use crate::handlers::{self, Decider, Handlers, NegotiationAction};
use crate::identity::claimed;
use crate::node::Node;
use crate::state::{AgreementEntry, Change, Declares, Side, set};
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Kept for Contract {
    const PREFIX: &'static str = "negotiation/";

    fn is_due(node: &Node, process: &Process<Self>) -> bool {
        is_due_under(&node.handlers, process) && !concluding::is_done(node, process)
    }

    async fn due(node: Arc<Node>, process: Process<Self>) -> Result<Option<Due<Self>>, Refusal> {
        look(&node, &process).await.or_else(Obstacle::due)
    }

    /// Consumer: the agreement, so that whoever sees FINALIZED can use it at once.
    async fn to_record(node: Arc<Node>, process: Process<Self>) -> Result<Option<Due<Self>>, Refusal> {
        match (process.role(), process.state()) {
            (Role::Consumer, State::Finalized) => {
                let concluded = concluding::conclude(&node, &process, Side::Consumer).await;
                concluded.map_err(Obstacle::refusal)
            }
            _ => Ok(None),
        }
    }

    fn about(process: &Process<Self>) -> BTreeMap<String, String> {
        let offer = process.standing_offer();
        let agreement = process.agreement().map(|a| ("agreement", a.id()));
        let known = [("dataset", offer.target()), ("offer", offer.id())]
            .into_iter()
            .chain(agreement);
        known.map(|(name, id)| (name.to_owned(), id.to_string())).collect()
    }

    fn beside(_node: &Node, _process: &Process<Self>) -> Result<Vec<Change>, Refusal> {
        Ok(Vec::new())
    }
}

fn is_due_under(handlers: &Handlers, process: &Negotiation) -> bool {
    match (process.role(), process.state()) {
        (Role::Consumer, State::Finalized) => true,
        (Role::Provider, State::Terminated) => process.agreement().is_some(),
        (_, State::Finalized | State::Terminated) => false,
        _ if process.underway().is_some() => false,
        (role, state) => match handlers.negotiation(process).decider {
            Decider::Policy => by_policy(role, state).is_some(),
            Decider::Person | Decider::Hold => false,
            Decider::Webhook | Decider::Rule(_) => true,
        },
    }
}

/// What this end does when policies decide alone; `None` when it is the other end's turn. An offer that was not asked for is answered
/// with a termination unless somebody else is to decide.
const fn by_policy(role: Role, state: State) -> Option<NegotiationAction> {
    match (role, state) {
        (Role::Provider, State::Requested | State::Accepted) => Some(NegotiationAction::Agree),
        (Role::Provider, State::Verified) => Some(NegotiationAction::Finalize),
        (Role::Consumer, State::Offered) => Some(NegotiationAction::Accept),
        (Role::Consumer, State::Agreed) => Some(NegotiationAction::Verify),
        _ => None,
    }
}

/// What is due in a state for a role, see [`Kept::is_due`].
async fn look(node: &Arc<Node>, process: &Negotiation) -> Result<Option<Due<Contract>>, Obstacle> {
    match (process.role(), process.state()) {
        (Role::Provider, State::Terminated) => return concluding::terminate(node, process),
        (Role::Consumer, State::Finalized) => return in_force(node, process).await,
        _ => {}
    }
    let ruling = node.handlers.negotiation(process);
    tokio::time::sleep(ruling.after).await;
    let (action, reason) = match ruling.decider {
        Decider::Policy => (by_policy(process.role(), process.state()), ruling.reason),
        Decider::Person | Decider::Hold => (None, None),
        Decider::Rule(action) => (Some(action), ruling.reason),
        Decider::Webhook => {
            let data = described(process);
            let subject = process.own_pid().as_str();
            let answer = handlers::ask(node, "eu.herleid.negotiation.decision-needed", subject, data).await?;
            (answer.decide, answer.reason)
        }
    };
    match action {
        Some(action) => carry(node, process, action, reason.as_deref(), By::Rule)
            .await
            .map(Some),
        None => Ok(None),
    }
}

/// What whoever decides is shown of a negotiation.
pub(super) fn described(process: &Negotiation) -> Value {
    let possible: Vec<String> = process.possible().iter().map(ToString::to_string).collect();
    json!({
        "pid": process.own_pid(), "role": process.role(), "state": process.state(), "counterparty": process.peer(),
        "offer": process.standing_offer().as_value(), "possible": possible,
    })
}

/// Who wants something done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A policy, a rule or a webhook.
    Rule,
    /// Somebody who has seen the offer that is on the table.
    Person,
}

/// What doing `action` comes to: what policies do not grant ends the negotiation, or is refused, instead.
pub(super) async fn carry(
    node: &Arc<Node>,
    process: &Negotiation,
    action: NegotiationAction,
    reason: Option<&str>,
    by: By,
) -> Result<Due<Contract>, Obstacle> {
    let decision = match action {
        NegotiationAction::Offer => match granted(node, process).await? {
            Ok(ours) => Decide::Offer(ours),
            Err(end) => end,
        },
        NegotiationAction::Agree => match granted(node, process).await? {
            Ok(ours) => agree(node, process, &ours).await?,
            Err(end) => end,
        },
        NegotiationAction::Finalize => return finalize(node, process).await,
        NegotiationAction::Accept => accept(node, process, by)?,
        NegotiationAction::Counter => counter(node, process)?,
        NegotiationAction::Verify => return verify(node, process).await,
        NegotiationAction::Terminate => {
            terminate("declined", reason.unwrap_or("this connector does not go on with it"))
        }
    };
    Ok(Due::decide(decision))
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
    let differs = match as_ours.check(&ours, &own_id, process.peer()) {
        // Connectors that keep no log tell an offer again in their own way. It is agreed on in ours, so nothing is lost by that.
        Err(mismatch) if node.is_one_sided(&node.did_of(process.peer())?) => asked.asks_for(&ours).or_else(|_| {
            let without = everybody::as_anybody_asks(&ours).map_err(|_| mismatch.clone())?;
            asked.asks_for(&without).map_err(|_| mismatch)
        }),
        other => other,
    };
    Ok(match differs {
        Ok(()) => Ok(ours),
        Err(mismatch) => Err(terminate(
            "policy-mismatch",
            &format!("{mismatch}; counter-offers are not accepted here"),
        )),
    })
}

/// Provider: the offer of ours that is asked for, if it would grant what is asked; else why the negotiation ends.
async fn granted(node: &Arc<Node>, process: &Negotiation) -> Result<Result<Offer, Decide>, Obstacle> {
    let ours = match ours(node, process)? {
        Ok(ours) => ours,
        Err(end) => return Ok(Err(end)),
    };
    let consumer = node.did_of(process.peer())?;
    let context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    let shown = claimed(&context.presentations);
    let asker = Asker::by_token(&consumer)
        .declaring(&context.declares)
        .showing(&shown)
        .delivering_nothing();
    let decided =
        deciding::under_offer(node, ours.as_value(), ours.target().as_str(), &asker).map_err(|e| internal(&e))?;
    if decided.is_permit() {
        return Ok(Ok(ours));
    }
    concluding::record_denial(node, &consumer, &decided).await?;
    Ok(Err(terminate("policy-denied", &decided.refusal(&consumer))))
}

/// Provider: an agreement, with a consumer that it can be recorded with.
async fn agree(node: &Arc<Node>, process: &Negotiation, ours: &Offer) -> Result<Decide, Obstacle> {
    Counterparty::of(node, &node.did_of(process.peer())?).await?;
    Ok(Decide::Agree(Agreement::from_offer(
        ours,
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

/// Consumer: what was asked for at first; `None` when the provider opened the negotiation.
fn asked(node: &Node, process: &Negotiation) -> Result<Option<Offer>, Obstacle> {
    let context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    let offer = context.asked.map(Offer::try_from).transpose();
    offer.map_err(|e| internal(&e).into())
}

/// Consumer: an offer is accepted unseen if it is what was asked for; anything else may bind to what nobody has read.
fn accept(node: &Node, process: &Negotiation, by: By) -> Result<Decide, Obstacle> {
    if by == By::Person {
        return Ok(Decide::Accept);
    }
    let own_id = own_id(node)?;
    let offered = process.standing_offer();
    let same = asked(node, process)?.is_some_and(|asked| {
        let (provider, id) = (process.peer(), offered.id());
        let agreed = Agreement::from_offer(offered, id, provider, &own_id, node.now_ms());
        agreed.check(&asked, provider, &own_id).is_ok() && concluding::means_the_same(&agreed, &asked).is_ok()
    });
    Ok(if same { Decide::Accept } else { not_asked_for() })
}

/// Consumer: what was asked for at first is asked for again.
fn counter(node: &Node, process: &Negotiation) -> Result<Decide, Obstacle> {
    Ok(match asked(node, process)? {
        Some(offer) => Decide::CounterRequest(offer),
        None => not_asked_for(),
    })
}

/// Consumer: an offer that was not asked for, or another than was asked for.
fn not_asked_for() -> Decide {
    terminate(
        "counter-offer",
        "counter-offers are not accepted here, nor offers that were not asked for",
    )
}

/// Consumer: the agreement must be what was negotiated, to the letter and in meaning, and one that can be recorded and used. What is
/// needed for that is kept with the decision: once the agreement is in force, nobody is asked for anything.
async fn verify(node: &Arc<Node>, process: &Negotiation) -> Result<Due<Contract>, Obstacle> {
    let mismatch = |why: &dyn std::fmt::Display| Ok(Due::decide(terminate("policy-mismatch", &why.to_string())));
    let agreement = match process.agreement_as_negotiated(&own_id(node)?) {
        Ok(agreement) => agreement,
        Err(why) => return mismatch(&why),
    };
    if let Err(why) = concluding::means_the_same(agreement, process.standing_offer()) {
        return mismatch(&why);
    }
    let provider = node.did_of(process.peer())?;
    concluding::on_record(node, agreement, &provider, Side::Consumer)?;
    let mut context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    context.counterparty = Some(Counterparty::of(node, &provider).await?);
    let kept = set(context_key::<Contract>(process.own_pid()), &context).map_err(|e| internal(&e))?;
    Ok(Due {
        changes: vec![kept],
        ..Due::decide(Decide::Verify)
    })
}

/// Consumer: a negotiation that was finalized without its agreement on record, by a version that recorded it afterwards. It cannot be
/// terminated any more, so an obstacle that was not there when it was verified is waited for, whatever it is.
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
        declares: &Declares,
    ) -> Result<AgreementEntry, Failure> {
        let offer = resource
            .offer(offer)
            .ok_or_else(|| Failure::missing(format!("`{}` is not offered under `{offer}`", resource.id())))?;
        let dataset = Some(resource.to_json());
        let offer = offer.with_target(resource.id());
        let pid = self
            .open_negotiation(node, provider, base, offer, declares, dataset)
            .await?;
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
pub(super) mod in_force_tests;
#[cfg(test)]
mod tests;
