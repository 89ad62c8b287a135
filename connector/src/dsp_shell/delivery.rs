//! Messages on their way: tried until their outcome is known, at least once, with waits that grow and spread.

use super::Kept;
use crate::dsp::error::reason_in;
use crate::dsp::id::Id;
use crate::dsp::message::Pids;
use crate::dsp::outbox::{Ask, Attempt, Effect, Key, Send, backoff_ms, judge};
use crate::dsp::process::{Event, Outcome};
use crate::net::error::ClientError;
use crate::node::{Node, fresh_trace};
use herleid_vocab::did::Did;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Attempts before a message is given up: with waits of at most five minutes, about two hours.
const MOST_ATTEMPTS: u32 = 32;

/// How long an EDC is left alone before it gets an answer to its last message. It takes down that its message has arrived only after we
/// have acknowledged it. What comes before that it refuses, and in refusing writes back what it knew before: it then forgets that it sent
/// an agreement, makes another one, and the negotiation is lost (seen with 0.15.1; 0.18.0 has mended it).
const BREATH: Duration = Duration::from_secs(1);

/// Starts to send or to ask, if that is what the effect says.
pub(super) fn start<P: Kept>(node: &Arc<Node>, pid: &Id, effect: Effect<P>) {
    match effect {
        Effect::Send(message) => {
            tokio::spawn(send::<P>(node.clone(), pid.clone(), message));
        }
        Effect::Ask(question) => {
            tokio::spawn(ask::<P>(node.clone(), pid.clone(), question));
        }
        Effect::Persist | Effect::Settled(_) | Effect::Answer(_) | Effect::Notify(_) => {}
    }
}

/// Sends `send` until its outcome is known, and reports it.
async fn send<P: Kept>(node: Arc<Node>, pid: Id, send: Send) {
    if !send.opens && node.did_of(&send.peer).is_ok_and(|peer| node.shortcuts.is_edc(&peer)) {
        tokio::time::sleep(BREATH).await;
    }
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
    let process = node.negotiator.load::<P>(node, pid).ok().flatten();
    matches!(process.and_then(|p| p.unsettled()), Some(Effect::Send(s)) if s.key == *key)
}

/// Whether a call that failed so would fail for as long as addresses and configuration are what they are. Trying on would only keep
/// both ends waiting.
fn lasts(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Url { .. }
            | ClientError::Scheme { .. }
            | ClientError::ForbiddenAddress { .. }
            | ClientError::Redirect { .. }
    )
}

/// Whom a message is for, if this connector deals with that participant.
fn addressee(node: &Node, peer: &Id) -> Result<Did, String> {
    let did = node.did_of(peer).map_err(|e| e.to_string())?;
    node.admit(&did).map_err(|e| e.to_string())?;
    Ok(did)
}

/// What becomes of a message that cannot be sent. The other end may read the reason when it can be reached after all, and whoever
/// chooses an address must not learn from it what lies there; the whole reason is for our own command, which waits for an opening only.
fn unsendable<P: Kept>(send: &Send, why: &str) -> Outcome<P> {
    tracing::warn!(peer = %send.peer, %why, "a message cannot be sent");
    Outcome::Refused(if send.opens {
        why.to_owned()
    } else {
        "it cannot be sent to the address that was given".to_owned()
    })
}

async fn attempt<P: Kept>(node: &Arc<Node>, pid: &Id, send: &Send, attempts: u32) -> Result<Outcome<P>, String> {
    let peer = match addressee(node, &send.peer) {
        Ok(peer) => peer,
        Err(why) => return Ok(unsendable(send, &why)),
    };
    let context = node.negotiator.context::<P>(node, pid).map_err(|e| e.to_string())?;
    let headers = node
        .message_headers(&peer, Some(&context.declares), &fresh_trace(node))
        .map_err(|e| e.to_string())?;
    let url = send.to.join(&send.path);
    let body = send.body.to_string();
    let sent = node.client.post_json(&url, headers, body.into()).await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(error) if lasts(&error) => return Ok(unsendable(send, &error.to_string())),
        Err(error) => return Err(error.to_string()),
    };
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
async fn ask<P: Kept>(node: Arc<Node>, pid: Id, ask: Ask) {
    let mut attempts = 0;
    let outcome = loop {
        attempts += 1;
        match state::<P>(&node, &ask).await {
            Ok(outcome) => break outcome,
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

async fn state<P: Kept>(node: &Arc<Node>, ask: &Ask) -> Result<Outcome<P>, String> {
    let Ok(peer) = addressee(node, &ask.peer) else {
        return Ok(Outcome::GaveUp);
    };
    let headers = node
        .message_headers(&peer, None, &fresh_trace(node))
        .map_err(|e| e.to_string())?;
    let answer = match node.client.get_json(&ask.to.join(&ask.path), headers).await {
        Ok(answer) => answer,
        Err(error) if lasts(&error) => return Ok(Outcome::GaveUp),
        Err(error) => return Err(error.to_string()),
    };
    match answer.status.as_u16() {
        200..=299 => {
            let body = answer.json().map_err(|e| e.to_string())?;
            let state = body.get("state").cloned();
            Ok(Outcome::PeerState(state.and_then(|s| serde_json::from_value(s).ok())))
        }
        404 => Ok(Outcome::PeerState(None)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::address::{AddressGuard, Rule};
    use crate::net::error::{Phase, TlsFault};

    #[test]
    fn what_no_waiting_mends_is_not_tried_for_hours() {
        let host = || "peer.example".to_owned();
        let why = || "x".to_owned();
        let address = "10.0.0.1".parse().unwrap();
        let rule: Rule = AddressGuard { allow_private: false }.check(address).unwrap_err();
        for lasting in [
            ClientError::Url {
                url: host(),
                why: why(),
            },
            ClientError::Scheme {
                host: host(),
                scheme: "http".to_owned(),
            },
            ClientError::ForbiddenAddress {
                host: host(),
                address,
                rule,
            },
            ClientError::Redirect {
                host: host(),
                status: 302,
                to: why(),
            },
        ] {
            assert!(lasts(&lasting), "{lasting}");
        }
        for passing in [
            ClientError::NameNotFound {
                host: host(),
                why: why(),
            },
            ClientError::Down {
                host: host(),
                why: why(),
            },
            ClientError::Slow {
                host: host(),
                phase: Phase::Total,
                limit_ms: 1,
            },
            ClientError::Tls {
                host: host(),
                fault: TlsFault::Expired,
            },
            ClientError::Broken {
                host: host(),
                why: why(),
            },
        ] {
            assert!(!lasts(&passing), "{passing}");
        }
    }
}
