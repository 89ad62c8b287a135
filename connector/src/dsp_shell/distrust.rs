//! Negotiations and transfers that end because whom they rest on is no longer trusted.

use super::{Context, Kept, Negotiator, context_key, named};
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::Cause;
use crate::dsp::negotiation::{self, Contract};
use crate::dsp::process::Event;
use crate::dsp::transfer::{self, DataTransfer};
use crate::node::Node;
use crate::state::{GrantEntry, StateError, set};
use herleid_vocab::did::Did;
use std::sync::Arc;

/// What has ended.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    /// By this connector's identifiers.
    pub(crate) ended: Vec<Id>,
    /// Whether something has still to end: a message was on its way, or it could not be read or written, which the log tells.
    pub(crate) left: bool,
}

impl Negotiator {
    /// Ends every open process that `which` names by the other end and what was known when it was opened; each is `None` where it cannot
    /// be found out. The other end is told `why` where it is still spoken to; access under a transfer closes in the commit that ends it.
    /// What fails is left, and keeps nothing else from ending.
    pub(crate) async fn end_those(
        &self,
        node: &Arc<Node>,
        why: &str,
        which: impl Fn(Option<&Did>, Option<&Context>) -> bool,
    ) -> Stopped {
        let mut stopped = Stopped::default();
        let closes = |kind| matches!(kind, transfer::Kind::Termination | transfer::Kind::Completion);
        each::<DataTransfer>(node, why, &which, closes, &mut stopped).await;
        let closes = |kind| kind == negotiation::Kind::Termination;
        each::<Contract>(node, why, &which, closes, &mut stopped).await;
        stopped
    }
}

async fn each<P: Kept>(
    node: &Arc<Node>,
    why: &str,
    which: &impl Fn(Option<&Did>, Option<&Context>) -> bool,
    closes: impl Fn(P::Kind) -> bool,
    stopped: &mut Stopped,
) {
    let prefix = format!("open/{}", P::PREFIX);
    let found = match node.ledger.scan(&prefix) {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, %prefix, "what rests on withdrawn trust could not be looked for; it is tried again");
            stopped.left = true;
            return;
        }
    };
    for (key, bytes) in found {
        // What fails in either is logged there, with the key.
        let Ok(pid) = named(&key, &bytes) else {
            stopped.left = true;
            continue;
        };
        let context = match node.state.get::<Context>(&context_key::<P>(&pid)) {
            Ok(context) => context,
            Err(error) => {
                tracing::error!(%error, %pid, "on whose trust a process rests cannot be read");
                None
            }
        };
        let Ok(Some(process)) = node.negotiator.load::<P>(node, &pid) else {
            tracing::error!(%pid, "a process that may rest on withdrawn trust cannot be read, and stays; access under it is closed");
            stopped.left = true;
            if let Err(error) = close(node, &pid, why, |consumer| which(Some(consumer), context.as_ref())) {
                tracing::error!(%error, %pid, "access under it could not be closed; it is tried again");
            }
            continue;
        };
        let peer = node.did_of(process.peer()).ok();
        // Its last message is on its way: nothing can be had under it already.
        if !which(peer.as_ref(), context.as_ref()) || process.underway().is_some_and(&closes) {
            continue;
        }
        let cause = Cause::new("trust-withdrawn", why);
        let ending = node
            .negotiator
            .step::<P>(node, &pid, Event::Decided(P::terminate(cause)));
        match ending.await {
            Ok(_) => stopped.ended.push(pid),
            Err(Refusal::Underway { .. }) => stopped.left = true,
            // It has come to its end meanwhile, or is in force: what was agreed gives nothing to whoever is not trusted.
            Err(Refusal::InvalidTransition { .. } | Refusal::NotFound) => {}
            Err(error) => {
                tracing::error!(%error, %pid, "what rests on withdrawn trust could not be ended; it is tried again");
                stopped.left = true;
            }
        }
    }
}

/// Closes the access that was given under the process `pid`, if it is for whom `which` says.
fn close(node: &Node, pid: &Id, why: &str, which: impl Fn(&Did) -> bool) -> Result<(), StateError> {
    let key = GrantEntry::key(pid.as_str());
    let grant: Option<GrantEntry> = node.state.get(&key)?;
    let Some(mut grant) = grant.filter(|grant| grant.closed.is_none() && which(&grant.consumer)) else {
        return Ok(());
    };
    node.giving.close(&grant.id, why);
    grant.closed = Some(why.to_owned());
    node.state.write(vec![set(key, &grant)?])
}
