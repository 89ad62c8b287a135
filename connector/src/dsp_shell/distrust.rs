//! Negotiations and transfers that end because whom they rest on is no longer trusted.

use super::{Kept, Negotiator, rounds};
use crate::dsp::error::Refusal;
use crate::dsp::id::Id;
use crate::dsp::message::Cause;
use crate::dsp::negotiation::{self, Contract};
use crate::dsp::process::Event;
use crate::dsp::transfer::{self, DataTransfer};
use crate::node::Node;
use herleid_vocab::did::Did;
use std::sync::Arc;

/// What has ended.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    /// By this connector's identifiers.
    pub(crate) ended: Vec<Id>,
    /// Whether something has still to end: a message was on its way.
    pub(crate) left: bool,
}

impl Negotiator {
    /// Ends every open process that `which` names by the other end and the presentations it showed. The other end is told `why` where it
    /// is still spoken to; access under a transfer closes in the commit that ends it.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub(crate) async fn end_those(
        &self,
        node: &Arc<Node>,
        why: &str,
        which: impl Fn(&Did, &[String]) -> bool,
    ) -> Result<Stopped, Refusal> {
        let mut stopped = Stopped::default();
        let closes = |kind| matches!(kind, transfer::Kind::Termination | transfer::Kind::Completion);
        each::<DataTransfer>(node, why, &which, closes, &mut stopped).await?;
        let closes = |kind| kind == negotiation::Kind::Termination;
        each::<Contract>(node, why, &which, closes, &mut stopped).await?;
        Ok(stopped)
    }
}

async fn each<P: Kept>(
    node: &Arc<Node>,
    why: &str,
    which: &impl Fn(&Did, &[String]) -> bool,
    closes: impl Fn(P::Kind) -> bool,
    stopped: &mut Stopped,
) -> Result<(), Refusal> {
    for process in rounds::open_processes::<P>(node, &format!("open/{}", P::PREFIX))? {
        let pid = process.own_pid();
        let shown = node.negotiator.context::<P>(node, pid)?.presentations;
        let named = node.did_of(process.peer()).is_ok_and(|peer| which(&peer, &shown));
        // Its last message is on its way: nothing can be had under it already.
        if !named || process.underway().is_some_and(&closes) {
            continue;
        }
        let cause = Cause::new("trust-withdrawn", why);
        let ending = node
            .negotiator
            .step::<P>(node, pid, Event::Decided(P::terminate(cause)));
        match ending.await {
            Ok(_) => stopped.ended.push(pid.clone()),
            Err(Refusal::Underway { .. }) => stopped.left = true,
            // It has come to its end meanwhile, or is in force: what was agreed gives nothing to whoever is not trusted.
            Err(Refusal::InvalidTransition { .. } | Refusal::NotFound) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}
