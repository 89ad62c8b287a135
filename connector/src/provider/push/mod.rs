//! A push: this end sends the bytes to the address that the consumer named. It is recorded as a pull is, with the consumer's signed
//! order as evidence; then it is tried until it is delivered, the access ends, or it has failed too often.
//!
//! Every attempt sends the whole in the same segment: an endpoint that takes bytes has no ranges, so there is nothing to go on with.
//! As with a pull that is asked for again, that is one record and counts once; where bytes are counted, an attempt after one of which something
//! left is recorded and counts again. What has to survive a stop is [`Entry`].

mod attempt;
mod http;
mod run;
mod s3;
mod target;
#[cfg(test)]
mod target_fuzz;
#[cfg(test)]
mod tests;

pub(crate) use s3::open as open_bucket;
pub(crate) use target::Target;
pub use target::TargetError;

use super::access::{Access, SEGMENT};
use super::pull::{self, Opened};
use crate::dsp::error::Refusal as DspRefusal;
use crate::dsp::id::Id;
use crate::dsp::transfer::{DataTransfer, State, Transfer};
use crate::http::Refusal;
use crate::net::client::{ClientSettings, GuardedClient};
use crate::net::error::TlsError;
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, Change, GrantEntry, StateError, set};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use herleid_policies::Reservation;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What all keys begin with.
const PREFIX: &str = "push/";
/// Pushes of one consumer that are not over: it names the receivers, and how long they take is theirs to decide.
const AT_ONCE: usize = 8;

/// A push that is not over. Where it goes stands in its transfer alone, and is forgotten with that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Its transfer, and its grant.
    pid: String,
    /// To whom.
    consumer: Did,
    /// In which transaction it is recorded.
    transaction: String,
    /// Attempts that failed.
    failures: u32,
    /// None is made before, Unix milliseconds.
    not_before_ms: u64,
    /// The receiver has taken all of it; only the transfer has to be completed.
    delivered: bool,
}

impl Entry {
    fn new(grant: &GrantEntry, transaction: &str) -> Self {
        Self {
            pid: grant.id.clone(),
            consumer: grant.consumer.clone(),
            transaction: transaction.to_owned(),
            failures: 0,
            not_before_ms: 0,
            delivered: false,
        }
    }

    /// The counters in which it has a place already; none before it is recorded.
    ///
    /// # Errors
    /// When the state or the log cannot be read.
    pub(crate) fn places(&self, node: &Node, agreement: &AgreementEntry) -> Result<Vec<Reservation>, StateError> {
        pull::places(node, agreement, &self.consumer, &self.transaction)
    }

    fn key(pid: &str) -> String {
        format!("{PREFIX}{pid}")
    }

    fn kept(&self) -> Result<Change, String> {
        set(Self::key(&self.pid), self).map_err(|e| e.to_string())
    }
}

/// The memory of an end that pushes.
pub struct Pushing {
    /// Calls what lies outside.
    ordinary: Arc<GuardedClient>,
    /// Calls private addresses too: only what the operator names as internal.
    internal: Arc<GuardedClient>,
    /// Of two orders under one transfer the second finds the first.
    orders: tokio::sync::Mutex<()>,
    running: Mutex<HashSet<String>>,
    /// Pushes that are to be there by a commit that is still on its way: they count as those that are.
    starting: Mutex<HashMap<String, Did>>,
}

impl Pushing {
    /// Nothing is pushed yet.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(ordinary: &Arc<GuardedClient>, settings: &ClientSettings) -> Result<Self, TlsError> {
        let mut settings = settings.clone();
        settings.allow_private_addresses = true;
        Ok(Self {
            ordinary: ordinary.clone(),
            internal: Arc::new(GuardedClient::new(&settings)?),
            orders: tokio::sync::Mutex::default(),
            running: Mutex::default(),
            starting: Mutex::default(),
        })
    }

    fn client(&self, internal: bool) -> &Arc<GuardedClient> {
        if internal { &self.internal } else { &self.ordinary }
    }

    /// Takes a push in hand; `false` while somebody has it.
    fn take(&self, pid: &str) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(pid.to_owned())
    }

    /// It is there, or will not come.
    fn started(&self, pid: &str) {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner).remove(pid);
    }

    fn leave(&self, pid: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(pid);
    }
}

/// Where the push of a transfer goes, if the configuration lets it go there.
///
/// # Errors
/// Why not; nothing of it shows a secret.
pub(crate) fn target_of(node: &Node, process: &Transfer, consumer: &Did) -> Result<(Target, bool), TargetError> {
    let target = Target::read(process.format(), process.address())?;
    let internal = target.allowed(node, consumer)?.internal;
    Ok((target, internal))
}

/// The push of a transfer that was held back and goes on; `None`: nothing was begun under it.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn begun(node: &Node, pid: &Id) -> Result<Option<Entry>, StateError> {
    node.state.get(&Entry::key(pid.as_str()))
}

/// What makes a transfer to a peer that keeps no log a push of ours, in the commit that starts it.
///
/// # Errors
/// When too many of its pushes are under way, or the state cannot be read.
pub(crate) fn one_sided(node: &Node, grant: &GrantEntry) -> Result<Change, String> {
    let kept = Entry::new(grant, &node.fresh_id()).kept()?;
    if reserve(node, grant)? { Ok(kept) } else { Err(full()) }
}

/// Takes one of the places of a consumer for a push that is about to be there; `false` when none is left. Counted and noted in one turn:
/// of many that are asked for at once each sees the others.
fn reserve(node: &Node, grant: &GrantEntry) -> Result<bool, String> {
    let mut starting = node.pushing.starting.lock().unwrap_or_else(PoisonError::into_inner);
    let all = node.state.scan::<Entry>(PREFIX).map_err(|e| e.to_string())?;
    let there = all.iter().map(|(_, entry)| (&entry.pid, &entry.consumer));
    let others = there
        .chain(starting.iter())
        .filter(|(pid, consumer)| **consumer == grant.consumer && **pid != grant.id);
    let others: HashSet<&String> = others.map(|(pid, _)| pid).collect();
    if others.len() >= AT_ONCE {
        return Ok(false);
    }
    starting.insert(grant.id.clone(), grant.consumer.clone());
    Ok(true)
}

fn full() -> String {
    format!("{AT_ONCE} pushes to you are under way, and no more are begun at a time; ask again when one is over")
}

/// A push is never asked for in parts.
fn whole() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SEGMENT, HeaderValue::from_static("1"));
    headers
}

/// Takes the order of a push: records it, and begins.
///
/// # Errors
/// The refusal that the consumer is told; a denial is recorded first.
pub(crate) async fn order(node: &Arc<Node>, access: Access, trace: &str) -> Result<(), Refusal> {
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
    let grant = access.grant();
    if !grant.push {
        return Err(Refusal::not_found(
            &"this access is not for a push; fetch the data with GET",
        ));
    }
    let _turn = node.pushing.orders.lock().await;
    let conflict = |why: &str| Err(Refusal::new(StatusCode::CONFLICT, "not-now", &why));
    let known: Option<Entry> = node.state.get(&Entry::key(&grant.id)).map_err(|e| internal(&e))?;
    match known {
        Some(known) if known.transaction == access.transaction() => return Ok(()),
        Some(known) => {
            return conflict(&format!(
                "this transfer is the push {}; one transfer is one push, so ask for another transfer",
                known.transaction
            ));
        }
        None => {}
    }
    let pid: Id = grant.id.parse().map_err(|e| internal(&e))?;
    let process = node
        .negotiator
        .load::<DataTransfer>(node, &pid)
        .map_err(|e| internal(&e))?;
    let Some(process) = process.filter(|process| process.is_open()) else {
        return conflict("the transfer is not open; ask for another one");
    };
    target_of(node, &process, &grant.consumer).map_err(|e| Refusal::denied(&e))?;
    if !reserve(node, grant).map_err(|e| internal(&e))? {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &full()));
    }
    let opened = open(node, access, trace).await;
    // It is there now and counts as such, or will not come.
    node.pushing.started(pid.as_str());
    begin(node, pid, Some(Arc::new(opened?)));
    Ok(())
}

/// Records an order, and that there is a push to be made, in one commit: what is recorded as opened is carried through, whenever this end
/// stops.
async fn open(node: &Node, access: Access, trace: &str) -> Result<Opened, Refusal> {
    let kept = Entry::new(access.grant(), access.transaction()).kept();
    let kept = kept.map_err(|e| Refusal::internal(&e))?;
    let access = access.with(kept.clone());
    let plan = pull::plan(node, &access, &whole(), "", None)?;
    let opened = pull::open_planned(node, &access, &plan, trace).await?;
    if opened.repeated() {
        // Of a draft that repeats a record that is there, nothing is written.
        let kept = node.ledger.put_state(vec![kept]).await;
        kept.map_err(|e| Refusal::internal(&e))?;
    }
    Ok(opened)
}

/// Begins the push of a transfer, or goes on with it, in a task of its own.
pub(crate) fn begin(node: &Arc<Node>, pid: Id, opened: Option<Arc<Opened>>) {
    tokio::spawn(run::run(node.clone(), pid, opened, fresh_trace(node)));
}

/// Goes on with what a stop interrupted.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn resume(node: &Arc<Node>) -> Result<(), DspRefusal> {
    let unreadable = |e: &dyn std::fmt::Display| DspRefusal::Unavailable { why: e.to_string() };
    for (_, entry) in node.state.scan::<Entry>(PREFIX).map_err(|e| unreadable(&e))? {
        begin(node, entry.pid.parse().map_err(|e| unreadable(&e))?, None);
    }
    Ok(())
}

/// Whether what is on its way of a transfer lets a push go on.
fn is_going(process: &Transfer) -> bool {
    process.state() == State::Started && process.underway().is_none()
}
