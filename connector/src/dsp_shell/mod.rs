//! The shell around the Dataspace Protocol's state machines: keeps processes, answers, sends, and lets policies decide.
//!
//! Every step is durable before it is answered or sent. What is due for a process follows from its state alone ([`Kept::drive`]),
//! so that a restart in any state carries on by driving every process once.

mod catalogue;
mod delivery;
mod negotiations;
mod transfers;

pub use catalogue::{Candidate, base_url, check_candidate, own_catalogue, own_resource, peer_base, peer_catalogue};
pub use transfers::Access;

use crate::dsp::error::{Answer, Refusal};
use crate::dsp::id::{Address, Id};
use crate::dsp::negotiation::Peer;
use crate::dsp::outbox::Effect;
use crate::dsp::process::{self, Event, Process, Protocol};
use crate::node::Node;
use crate::state::Change;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// How long a command waits for the other end to come to a state.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What was known of the other end when a process was opened: evidence, and what policies need later.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Purpose that the consumer declared.
    pub purpose: Option<String>,
    /// Key that signed the opening request.
    pub key_id: Option<String>,
    /// The other end's DID document, exact bytes.
    pub did_document: Option<String>,
    /// Its presentations.
    pub presentations: Vec<String>,
    /// What was said of the dataset in the catalogue (consumer).
    pub dataset: Option<serde_json::Value>,
}

/// A protocol whose processes this shell keeps.
pub trait Kept:
    Protocol<State: Send + Sync, Kind: Send + Sync, Message: Send + Sync, Decision: Send + Sync, Facts: Send + Sync>
    + Send
    + Sync
{
    /// Where its processes lie in the state.
    const PREFIX: &'static str;

    /// Does what is due in the process's state; may be called any number of times.
    fn drive(node: Arc<Node>, process: Process<Self>) -> impl Future<Output = ()> + Send;
}

/// Negotiations and transfers of one connector.
pub struct Negotiator {
    /// One step at a time: a step reads, decides and writes.
    turn: tokio::sync::Mutex<()>,
    changed: watch::Sender<u64>,
}

impl Default for Negotiator {
    fn default() -> Self {
        Self {
            turn: tokio::sync::Mutex::new(()),
            changed: watch::Sender::new(0),
        }
    }
}

fn key<P: Kept>(pid: &Id) -> String {
    format!("{}{pid}", P::PREFIX)
}

fn peer_key<P: Kept>(peer: &Id, pid: &Id) -> String {
    format!("by-peer/{}{peer}/{pid}", P::PREFIX)
}

fn context_key<P: Kept>(pid: &Id) -> String {
    format!("context/{}{pid}", P::PREFIX)
}

fn internal(why: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%why, "a process could not be kept");
    Refusal::Internal {
        reference: "see this connector's log".to_owned(),
    }
}

impl Negotiator {
    /// The process `pid`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn load<P: Kept>(&self, node: &Node, pid: &Id) -> Result<Option<Process<P>>, Refusal> {
        let bytes = node.ledger.get(&key::<P>(pid)).map_err(|e| internal(&e))?;
        bytes
            .map(|bytes| Process::from_bytes(&bytes).map_err(|e| internal(&e)))
            .transpose()
    }

    /// The process that `peer` calls `pid`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn load_by_peer<P: Kept>(&self, node: &Node, peer: &Id, pid: &Id) -> Result<Option<Process<P>>, Refusal> {
        let own = node.ledger.get(&peer_key::<P>(peer, pid)).map_err(|e| internal(&e))?;
        let own = own
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.parse::<Id>().ok());
        own.map_or(Ok(None), |own| self.load(node, &own))
    }

    /// What was known when the process was opened.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn context<P: Kept>(&self, node: &Node, pid: &Id) -> Result<Context, Refusal> {
        Ok(node
            .state
            .get(&context_key::<P>(pid))
            .map_err(|e| internal(&e))?
            .unwrap_or_default())
    }

    /// Takes one step of an existing process.
    ///
    /// # Errors
    /// The refusal; nothing has changed then.
    pub async fn step<P: Kept>(&self, node: &Arc<Node>, pid: &Id, event: Event<P>) -> Result<Option<Answer>, Refusal> {
        let _turn = self.turn.lock().await;
        let process = self.load::<P>(node, pid)?.ok_or(Refusal::NotFound)?;
        let (next, effects) = process::step(&process, event, node.now_ms())?;
        self.carry_out(node, next, effects, Vec::new())
    }

    /// Keeps a process that has just been opened.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn open<P: Kept>(
        &self,
        node: &Arc<Node>,
        process: Process<P>,
        effects: Vec<Effect<P>>,
        context: &Context,
    ) -> Result<Option<Answer>, Refusal> {
        let _turn = self.turn.lock().await;
        let context = crate::state::set(context_key::<P>(process.own_pid()), context).map_err(|e| internal(&e))?;
        self.carry_out(node, process, effects, vec![context])
    }

    /// Writes first, then sends and tells; gives the answer to the request that caused it.
    fn carry_out<P: Kept>(
        &self,
        node: &Arc<Node>,
        process: Process<P>,
        effects: Vec<Effect<P>>,
        mut changes: Vec<Change>,
    ) -> Result<Option<Answer>, Refusal> {
        if effects.iter().any(|e| matches!(e, Effect::Persist)) || !changes.is_empty() {
            changes.push((
                key::<P>(process.own_pid()),
                Some(process.to_bytes().map_err(|e| internal(&e))?),
            ));
            if let Some(pid) = process.peer_pid() {
                changes.push((
                    peer_key::<P>(process.peer(), pid),
                    Some(process.own_pid().as_str().as_bytes().to_vec()),
                ));
            }
            node.ledger.put_state_blocking(changes).map_err(|e| internal(&e))?;
        }
        let mut answer = None;
        let mut moved = false;
        for effect in effects {
            match effect {
                Effect::Persist | Effect::Settled(_) => {}
                Effect::Answer(a) => answer = Some(a),
                Effect::Send(send) => {
                    tokio::spawn(delivery::send::<P>(node.clone(), process.own_pid().clone(), send));
                }
                Effect::Ask(ask) => {
                    tokio::spawn(delivery::ask::<P>(node.clone(), process.own_pid().clone(), ask));
                }
                Effect::Notify(_) => moved = true,
            }
        }
        if moved {
            tokio::spawn(P::drive(node.clone(), process));
        }
        self.tell();
        Ok(answer)
    }

    /// Says that something has changed.
    pub fn tell(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Waits until `look` finds something, looking again at every change.
    ///
    /// # Errors
    /// When nothing is found within a minute.
    pub async fn wait_for<T>(&self, mut look: impl FnMut() -> Option<T>) -> Result<T, &'static str> {
        let mut changed = self.changed.subscribe();
        let waiting = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look() {
                    return Ok(found);
                }
                if changed.changed().await.is_err() {
                    return Err("the connector is stopping");
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or(Err(
            "the other end did not come to an answer within a minute; it may still do so: look at `herleid agreements`",
        ))
    }

    /// Carries on after a start: every message on its way is sent again, every process is driven once.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn resume(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        self.resume_one::<crate::dsp::negotiation::Contract>(node)?;
        self.resume_one::<crate::dsp::transfer::DataTransfer>(node)
    }

    fn resume_one<P: Kept>(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        for (_, bytes) in node.ledger.scan(P::PREFIX).map_err(|e| internal(&e))? {
            let process = Process::<P>::from_bytes(&bytes).map_err(|e| internal(&e))?;
            match process.unsettled() {
                Some(Effect::Send(send)) => {
                    tokio::spawn(delivery::send::<P>(node.clone(), process.own_pid().clone(), send));
                }
                Some(Effect::Ask(ask)) => {
                    tokio::spawn(delivery::ask::<P>(node.clone(), process.own_pid().clone(), ask));
                }
                _ => {}
            }
            tokio::spawn(P::drive(node.clone(), process));
        }
        Ok(())
    }
}

/// A participant as the state machines call it.
///
/// # Errors
/// When an identifier or address is not one.
pub fn peer(node: &Node, did: &Did, base: &str) -> Result<Peer, crate::dsp::id::IdError> {
    Ok(Peer {
        id: did.as_str().parse()?,
        address: base.parse::<Address>()?,
        callback: own_base(node).parse()?,
    })
}

/// Our own versioned base.
#[must_use]
pub fn own_base(node: &Node) -> String {
    format!("{}{}", node.public_url, crate::http::DSP_PATH)
}

/// A fresh process id.
#[must_use]
pub fn fresh_pid(node: &Node) -> Id {
    // A UUID in a URN is a valid identifier by its form.
    format!("urn:uuid:{}", node.fresh_id())
        .parse()
        .unwrap_or_else(|_| crate::dsp::error::unknown_pids().consumer)
}
