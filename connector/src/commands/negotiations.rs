//! `negotiations` and `negotiation`: what waits for whom, and what a person decides about it.

use super::{Failure, summary};
use crate::control::progress::Progress;
use crate::control::protocol::{
    Negotiation as Asked, NegotiationAnswer, NegotiationLine, NegotiationList, Negotiations, Side,
};
use crate::dsp::Role;
use crate::dsp::id::Id;
use crate::dsp::negotiation::{Contract, Negotiation, State};
use crate::dsp::process::{Process, Protocol};
use crate::dsp_shell::Line;
use crate::handlers::{Decider, NegotiationAction};
use crate::node::Node;
use std::cmp::Reverse;
use std::sync::Arc;

/// Who has to act for a negotiation to go on, and what is to be done.
pub(crate) enum Turn {
    /// The other end.
    Theirs(String),
    /// This end, as its rules say.
    Ours(&'static str, Decider<NegotiationAction>),
}

/// Whose turn it is; nobody's when it is over.
pub(crate) fn turn(node: &Node, process: &Negotiation) -> Option<Turn> {
    if matches!(process.state(), State::Finalized | State::Terminated) {
        return None;
    }
    if let Some(kind) = process.underway() {
        return Some(Turn::Theirs(format!("acknowledge this connector's {kind}")));
    }
    let theirs = |what: &str| Some(Turn::Theirs(what.to_owned()));
    let ours = match (process.role(), process.state()) {
        (Role::Provider, State::Requested) => "agree to the request, make an offer, or end it",
        (Role::Provider, State::Accepted) => "agree, or end it",
        (Role::Provider, State::Verified) => "declare the agreement in force",
        (Role::Consumer, State::Offered) => "accept the offer, ask for another, or end it",
        (Role::Consumer, State::Agreed) => "verify the agreement, or end it",
        (Role::Provider, State::Offered) => return theirs("accept the offer, or ask for another"),
        (Role::Provider, State::Agreed) => return theirs("verify the agreement"),
        (Role::Consumer, State::Requested) => return theirs("agree to the request, or make an offer"),
        (Role::Consumer, State::Accepted) => return theirs("agree"),
        (Role::Consumer, State::Verified) => return theirs("declare the agreement in force"),
        (_, State::Finalized | State::Terminated) => return None,
    };
    Some(Turn::Ours(ours, node.handlers.negotiation(process).decider))
}

/// What can be decided at this end in the state that a negotiation is in.
pub(crate) fn possible(process: &Negotiation) -> Vec<NegotiationAction> {
    let possible = |action: &NegotiationAction| process.may(action.kind()).is_ok();
    NegotiationAction::ALL.into_iter().filter(possible).collect()
}

/// The participant at the other end, by its DID also where messages call it otherwise.
pub(crate) fn counterparty<P: Protocol>(node: &Node, process: &Process<P>) -> String {
    named(node, process.peer())
}

/// A participant, by its DID also where messages call it otherwise.
pub(crate) fn named(node: &Node, peer: &Id) -> String {
    let known = node.did_of(peer);
    known.map_or_else(|_| peer.to_string(), |did| did.to_string())
}

/// Lists negotiations, those that wait for a person first: they must not be among the ones that a limit leaves out.
pub(super) async fn list(
    node: Arc<Node>,
    request: Negotiations,
    _progress: Progress,
) -> Result<NegotiationList, Failure> {
    let most = request
        .limit
        .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let listed = tokio::task::spawn_blocking(move || listed(&node, most)).await;
    listed.map_err(|e| Failure::failed(format!("the list broke off: {e}")))?
}

/// Reads all that are open, since each may wait for somebody, and of those that are over as many as there is room for.
fn listed(node: &Node, most: usize) -> Result<NegotiationList, Failure> {
    let over = |line: &Line| {
        [State::Finalized, State::Terminated]
            .iter()
            .any(|state| state.name() == line.state)
    };
    let open = node
        .negotiator
        .list::<Contract>(node, |line| !over(line), None, usize::MAX)?;
    let mut lines: Vec<_> = open.items.iter().map(|one| line(node, one)).collect();
    // Identifiers of this end begin with the time at which they were made.
    lines.sort_by_cached_key(|one| (!one.waits(), Reverse(one.id.clone())));
    let waiting = lines.iter().filter(|one| one.waits()).count() as u64;
    lines.truncate(most);
    let room = most - lines.len();
    let ended = node.negotiator.list::<Contract>(node, over, None, room)?;
    lines.extend(ended.items.iter().map(|one| line(node, one)));
    Ok(NegotiationList {
        total: (open.total + ended.total) as u64,
        waiting,
        negotiations: lines,
    })
}

fn line(node: &Node, process: &Negotiation) -> NegotiationLine {
    let (who, what) = match turn(node, process) {
        Some(Turn::Theirs(what)) => (Some("counterparty"), Some(what)),
        Some(Turn::Ours(what, decider)) => (Some(decider.who()), Some(what.to_owned())),
        None => (None, None),
    };
    NegotiationLine {
        id: process.own_pid().to_string(),
        side: match process.role() {
            Role::Provider => Side::Provider,
            Role::Consumer => Side::Consumer,
        },
        other: counterparty(node, process),
        dataset: process.standing_offer().target().to_string(),
        state: process.state().to_string(),
        who: who.map(str::to_owned),
        what,
        possible: possible(process),
    }
}

/// Shows one, after what a person has decided about it, if anything.
///
/// # Errors
/// When there is none, it is not this end's turn, or its state does not allow the decision; nothing has changed then.
pub(super) async fn negotiation(
    node: Arc<Node>,
    request: Asked,
    _progress: Progress,
) -> Result<NegotiationAnswer, Failure> {
    let missing = || {
        Failure::missing(format!("there is no negotiation `{}`", request.id))
            .next("`herleid negotiations --limit 0` lists them all")
    };
    let pid: Id = request.id.parse().map_err(|_| missing())?;
    let load = || node.negotiator.load::<Contract>(&node, &pid)?.ok_or_else(missing);
    let process = load()?;
    // Only a termination carries a reason: who gives one elsewhere would believe that the other end reads it.
    if request.reason.is_some() && request.decide != Some(NegotiationAction::Terminate) {
        return Err(
            Failure::usage("a reason is told to the other end only when the negotiation is ended")
                .next("leave `--reason` out, or end it with `herleid negotiation terminate`"),
        );
    }
    let Some(action) = request.decide else {
        return shown(&node, &process);
    };
    let decided = node
        .negotiator
        .decide_negotiation(&node, &pid, action, request.reason.as_deref());
    decided.await.map_err(|refusal| {
        let line = line(&node, &process);
        Failure::from(refusal).next(next(&line))
    })?;
    shown(&node, &load()?)
}

/// What there is to do instead of what was refused.
fn next(line: &NegotiationLine) -> String {
    let words: Vec<&str> = line.possible.iter().map(|action| action.name()).collect();
    match (words.is_empty(), line.who.is_some()) {
        (false, _) => format!("decide one of: {}", words.join(", ")),
        (true, true) => "wait for the other end; `herleid negotiation show` tells when it has acted".to_owned(),
        (true, false) => "it is over; a new agreement takes a new negotiation".to_owned(),
    }
}

fn shown(node: &Node, process: &Negotiation) -> Result<NegotiationAnswer, Failure> {
    let context = node.negotiator.context::<Contract>(node, process.own_pid())?;
    let offer = process.standing_offer().as_value();
    Ok(NegotiationAnswer {
        negotiation: line(node, process),
        underway: process.underway().map(|kind| kind.to_string()),
        purpose: context.declares.purpose,
        legal_basis: context.declares.legal_basis,
        area_of_use: context.declares.area_of_use,
        offer: offer.clone(),
        policy: summary(offer),
        agreement: process.agreement().map(|agreement| agreement.id().to_string()),
        ended: process
            .ended()
            .map(|ended| format!("{}: {}", ended.by, ended.cause.text())),
        created_ms: process.created_ms(),
        changed_ms: process.changed_ms(),
    })
}
