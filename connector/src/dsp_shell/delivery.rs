//! Messages on their way: tried until their outcome is known, at least once, with waits that grow and spread.

use super::Kept;
use crate::dsp::error::reason_in;
use crate::dsp::id::Id;
use crate::dsp::message::Pids;
use crate::dsp::outbox::{Ask, Attempt, Key, Send, backoff_ms, judge};
use crate::dsp::process::{Event, Outcome};
use crate::node::{Node, fresh_trace};
use herleid_vocab::did::Did;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Attempts before a message is given up: with waits of at most five minutes, about two hours.
const MOST_ATTEMPTS: u32 = 32;

/// Sends `send` until its outcome is known, and reports it.
pub(super) async fn send<P: Kept>(node: Arc<Node>, pid: Id, send: Send) {
    let mut attempts = 0;
    let outcome = loop {
        attempts += 1;
        match attempt::<P>(&node, &pid, &send, attempts).await {
            Ok(outcome) => break outcome,
            Err(why) if attempts >= MOST_ATTEMPTS => {
                tracing::warn!(peer = %send.peer, %why, "a message was given up");
                break Outcome::GaveUp;
            }
            Err(why) => tracing::info!(peer = %send.peer, %why, attempts, "a message will be tried again"),
        }
        pause(&node, attempts).await;
        if !still_on_its_way::<P>(&node, &pid, &send.key) {
            return;
        }
    };
    report::<P>(&node, &pid, send.key, outcome).await;
}

async fn pause(node: &Node, attempts: u32) {
    let mut random = [0u8; 2];
    node.entropy.fill(&mut random);
    tokio::time::sleep(Duration::from_millis(backoff_ms(attempts, u16::from_be_bytes(random)))).await;
}

fn still_on_its_way<P: Kept>(node: &Node, pid: &Id, key: &Key) -> bool {
    use crate::dsp::outbox::Effect;
    let process = node.negotiator.load::<P>(node, pid).ok().flatten();
    matches!(process.and_then(|p| p.unsettled()), Some(Effect::Send(s)) if s.key == *key)
}

async fn attempt<P: Kept>(node: &Arc<Node>, pid: &Id, send: &Send, attempts: u32) -> Result<Outcome<P>, String> {
    let peer: Did = send
        .peer
        .as_str()
        .parse()
        .map_err(|e: herleid_vocab::did::DidError| e.to_string())?;
    let context = node.negotiator.context::<P>(node, pid).map_err(|e| e.to_string())?;
    let headers = node
        .message_headers(&peer, context.purpose.as_deref(), &fresh_trace(node))
        .map_err(|e| e.to_string())?;
    let url = send.to.join(&send.path);
    let answer = node
        .client
        .post_json(&url, headers, send.body.to_string().into())
        .await
        .map_err(|e| e.to_string())?;
    match judge(answer.status.as_u16(), attempts) {
        Attempt::Delivered => Ok(Outcome::Acknowledged(pids(&answer.body, send.opens)?)),
        Attempt::Refused => Ok(Outcome::Refused(reason_in(answer.status.as_u16(), &answer.body))),
        Attempt::Retry => Err(reason_in(answer.status.as_u16(), &answer.body)),
    }
}

/// The process ids of an answer; one to an opening message must have them.
fn pids(body: &[u8], needed: bool) -> Result<Option<Pids>, String> {
    let value: Option<Value> = herleid_vocab::json::parse(body, &herleid_vocab::json::Limits::MESSAGE).ok();
    let id = |name: &str| value.as_ref()?.get(name)?.as_str()?.parse::<Id>().ok();
    match (id("consumerPid"), id("providerPid")) {
        (Some(consumer), Some(provider)) => Ok(Some(Pids { consumer, provider })),
        _ if needed => Err("the answer has no process ids".to_owned()),
        _ => Ok(None),
    }
}

/// Asks the other end where it stands, and reports it.
pub(super) async fn ask<P: Kept>(node: Arc<Node>, pid: Id, ask: Ask) {
    let mut attempts = 0;
    let outcome = loop {
        attempts += 1;
        match state::<P>(&node, &ask).await {
            Ok(state) => break Outcome::PeerState(state),
            Err(why) if attempts >= MOST_ATTEMPTS => {
                tracing::warn!(peer = %ask.peer, %why, "asking was given up");
                break Outcome::GaveUp;
            }
            Err(why) => tracing::info!(peer = %ask.peer, %why, attempts, "will ask again"),
        }
        pause(&node, attempts).await;
    };
    report::<P>(&node, &pid, ask.key, outcome).await;
}

async fn state<P: Kept>(node: &Arc<Node>, ask: &Ask) -> Result<Option<P::State>, String> {
    let peer: Did = ask
        .peer
        .as_str()
        .parse()
        .map_err(|e: herleid_vocab::did::DidError| e.to_string())?;
    let headers = node
        .message_headers(&peer, None, &fresh_trace(node))
        .map_err(|e| e.to_string())?;
    let answer = node
        .client
        .get_json(&ask.to.join(&ask.path), headers)
        .await
        .map_err(|e| e.to_string())?;
    match answer.status.as_u16() {
        200..=299 => {
            let body = answer.json().map_err(|e| e.to_string())?;
            Ok(body.get("state").cloned().and_then(|s| serde_json::from_value(s).ok()))
        }
        404 => Ok(None),
        other => Err(format!("status {other}")),
    }
}

async fn report<P: Kept>(node: &Arc<Node>, pid: &Id, key: Key, outcome: Outcome<P>) {
    if let Err(why) = node
        .negotiator
        .step::<P>(node, pid, Event::Delivery { key, outcome })
        .await
    {
        tracing::error!(%why, "the outcome of a message could not be kept; it is sent again after a restart");
    }
}
