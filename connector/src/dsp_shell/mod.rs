//! The shell around the Dataspace Protocol's state machines: keeps processes, answers, sends, and lets policies decide.
//!
//! Every step is durable before it is answered or sent. What is due at this end follows from a process's state alone ([`Kept::due`]),
//! so that a restart in any state carries on, and what could not be decided at one time is decided at another.

mod catalogue;
mod concluding;
mod counterparty;
mod delivery;
mod distrust;
mod ending;
mod everybody;
mod held;
mod listing;
mod manual;
mod negotiations;
mod pages;
mod rounds;
mod steps;
mod transfers;
mod turns;

pub use catalogue::{base_url, own_resource, peer_base};
pub use counterparty::Counterparty;
pub(crate) use counterparty::lies_on_own_host;
pub(crate) use distrust::Stopped;
pub use ending::EndedAgreement;
pub use listing::{Line, Part};
pub use pages::{Read, Total, peer_resource, read_catalogue};
pub use transfers::{Access, check_format, closed};

use crate::commands::Failure;
use crate::dsp::error::Refusal;
use crate::dsp::id::{Address, Id};
use crate::dsp::negotiation::Peer;
use crate::dsp::process::{Process, Protocol};
use crate::node::Node;
use crate::state::{Change, Declares};
use held::Held;
use herleid_ledger::record::Draft;
use herleid_vocab::did::Did;
use rounds::Rounds;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use turns::Turns;

/// How long a command waits for the other end to come to a state.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What was known of the other end when a process was opened: evidence, and what policies need later.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// What the consumer declared.
    #[serde(rename = "purpose")]
    pub declares: Declares,
    /// Key that signed the opening request.
    pub key_id: Option<String>,
    /// The other end's DID document, exact bytes.
    pub did_document: Option<String>,
    /// Its presentations.
    pub presentations: Vec<String>,
    /// Records in the log when it was opened: what was trusted then. Set when it is written.
    #[serde(default)]
    pub log_size: u64,
    /// What was said of the dataset in the catalogue (consumer).
    pub dataset: Option<serde_json::Value>,
    /// The offer that was asked for at first, with its target (consumer).
    #[serde(default)]
    pub asked: Option<serde_json::Value>,
    /// What was found out of the provider when its agreement was verified (consumer): the agreement can then be put on record when it
    /// comes into force, whoever can be reached at that moment.
    #[serde(default)]
    pub counterparty: Option<Counterparty>,
}

/// What this end does about a process: written in one commit with the process's own state, before anything of it is sent.
pub struct Due<P: Protocol> {
    /// What is decided; `None` when the process is at its end and only something of ours is left to be written.
    decision: Option<P::Decision>,
    /// Changes of our own state that belong to it.
    changes: Vec<Change>,
    /// The record that belongs to it.
    record: Option<Draft>,
}

impl<P: Protocol> Due<P> {
    fn decide(decision: P::Decision) -> Self {
        Self {
            decision: Some(decision),
            changes: Vec::new(),
            record: None,
        }
    }
}

/// A protocol whose processes this shell keeps.
pub trait Kept:
    Protocol<State: Send + Sync, Kind: Send + Sync, Message: Send + Sync, Decision: Send + Sync, Facts: Send + Sync>
    + Send
    + Sync
{
    /// Where its processes lie in the state.
    const PREFIX: &'static str;

    /// Whether something is due at this end in the process's state, which may be its last. While our message is on its way, only what
    /// does not wait for its outcome.
    fn is_due(node: &Node, process: &Process<Self>) -> bool;

    /// What is due; may be asked any number of times. `None`: nothing.
    ///
    /// # Errors
    /// When it cannot be found out at this time; it is asked again later.
    fn due(node: Arc<Node>, process: Process<Self>) -> impl Future<Output = Result<Option<Due<Self>>, Refusal>> + Send;

    /// What has to be on record when a message of the other end has led to where the process is now: written in the commit that shows
    /// its new state, before anybody is told of it.
    ///
    /// # Errors
    /// When it cannot be put on record; the message is refused then, and nothing has changed.
    fn to_record(
        node: Arc<Node>,
        process: Process<Self>,
    ) -> impl Future<Output = Result<Option<Due<Self>>, Refusal>> + Send;

    /// What it is about, for those who are told of its changes: identifiers alone.
    fn about(process: &Process<Self>) -> BTreeMap<String, String>;

    /// What else changes with the process, in the same commit.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn beside(node: &Node, process: &Process<Self>) -> Result<Vec<Change>, Refusal>;
}

/// Negotiations and transfers of one connector.
pub struct Negotiator {
    /// One step of a process at a time: a step reads, decides and writes.
    turns: Turns,
    changed: watch::Sender<u64>,
    rounds: Rounds,
    held: Held,
}

impl Default for Negotiator {
    fn default() -> Self {
        Self {
            turns: Turns::default(),
            changed: watch::Sender::new(0),
            rounds: Rounds::default(),
            held: Held::default(),
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

/// The index of what is not finished: as long as the key is there, something may still have to be sent, decided or written.
fn open_key<P: Kept>(pid: &Id) -> String {
    format!("open/{}{pid}", P::PREFIX)
}

fn internal(why: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%why, "a process could not be read or kept");
    Refusal::Internal {
        reference: "see this connector's log".to_owned(),
    }
}

/// The process id that the index entry at `key` names. What cannot be read is never taken for "there is none".
fn named(key: &str, bytes: &[u8]) -> Result<Id, Refusal> {
    let text = String::from_utf8_lossy(bytes);
    text.parse::<Id>()
        .map_err(|e| internal(&format!("`{key}` names no process: {e}")))
}

impl Negotiator {
    /// The process `pid`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn load<P: Kept>(&self, node: &Node, pid: &Id) -> Result<Option<Process<P>>, Refusal> {
        let key = key::<P>(pid);
        let bytes = node.ledger.get(&key).map_err(|e| internal(&format!("`{key}`: {e}")))?;
        bytes
            .map(|bytes| Process::from_bytes(&bytes).map_err(|e| internal(&format!("`{key}`: {e}"))))
            .transpose()
    }

    /// The process that `peer` calls `pid`.
    fn load_by_peer<P: Kept>(&self, node: &Node, peer: &Id, pid: &Id) -> Result<Option<Process<P>>, Refusal> {
        let key = peer_key::<P>(peer, pid);
        match node.ledger.get(&key).map_err(|e| internal(&format!("`{key}`: {e}")))? {
            Some(bytes) => {
                let known = self.load::<P>(node, &named(&key, &bytes)?)?;
                let missing = || internal(&format!("`{key}` names a process that is not there"));
                known.map(Some).ok_or_else(missing)
            }
            None => Ok(None),
        }
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
}

/// Why `what` ended without success, for whoever waited for it: the other end's refusal, or this end's of what the other end sent.
pub(crate) fn ended<P: Protocol>(process: &Process<P>, what: &str) -> Failure {
    let other = process.peer();
    let Some(ended) = process.ended() else {
        return Failure::failed(format!("{what} with `{other}` ended without a reason"));
    };
    let reason = ended.cause.text();
    let here = ended.by == process.role();
    match ended.cause.code.as_deref() {
        Some("undeliverable") if here => Failure::unreachable(format!("{what} with `{other}` was given up: {reason}")),
        // Ended here because the other end would not go on.
        Some("refused") if here => Failure::refused(format!("`{other}` refused {what}: {reason}")),
        _ if here => Failure::untrusted(format!("{what} with `{other}` was ended by this connector: {reason}")),
        _ => Failure::refused(format!("`{other}` refused {what}: {reason}")),
    }
}

/// A participant as the state machines call it.
///
/// # Errors
/// When an identifier or address is not one.
pub fn peer(node: &Node, did: &Did, base: &str) -> Result<Peer, crate::dsp::id::IdError> {
    Ok(Peer {
        id: node.participant_id(did)?,
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
