//! Carrying on: after a start, and from time to time, it is looked again at what is not finished.

mod order;

use super::{Kept, Negotiator, delivery, internal, named, open_key};
use crate::dsp::error::Refusal;
use crate::dsp::negotiation::Contract;
use crate::dsp::process::Process;
use crate::dsp::transfer::DataTransfer;
use crate::node::Node;
use order::{Order, Waiting};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Processes of one protocol that one round takes up, however many wait: as many slow peers cost as many tasks, and no more.
const AT_ONCE: usize = 64;
/// The pause after the first round that came to nothing.
const FIRST_PAUSE_MS: u64 = 120_000;
/// Doubled five times at most: 64 minutes.
const MOST_DOUBLINGS: u32 = 5;
const LONGEST_PAUSE_MS: u64 = FIRST_PAUSE_MS << MOST_DOUBLINGS;

/// When what is due in a process is looked at again. In memory only: a start looks at everything once.
#[derive(Default)]
pub(super) struct Rounds {
    looked: Arc<Mutex<BTreeMap<String, Looked>>>,
    /// Whose turn it is, by protocol.
    orders: Mutex<BTreeMap<&'static str, Order>>,
}

#[derive(Debug, Default)]
struct Looked {
    /// Tasks that do what is due in the process at this moment.
    running: u32,
    /// Rounds that have taken the process up since it last went on.
    rounds: u32,
    /// No round takes it up before, Unix milliseconds.
    not_before_ms: u64,
}

/// As long as it is kept, no round takes the process up.
pub(super) struct Running {
    all: Arc<Mutex<BTreeMap<String, Looked>>>,
    key: String,
}

fn lock<T>(all: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock was held leaves at worst a pause that is too long or too short, or a turn that comes twice.
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        let Some(looked) = all.get_mut(&self.key) else { return };
        looked.running = looked.running.saturating_sub(1);
        if looked.running == 0 && looked.rounds == 0 {
            all.remove(&self.key);
        }
    }
}

impl Rounds {
    /// Says that a task does what is due in the process at `key`, until the answer is dropped.
    pub(super) fn running(&self, key: String) -> Running {
        lock(&self.looked).entry(key.clone()).or_default().running += 1;
        Running {
            all: self.looked.clone(),
            key,
        }
    }

    /// The process at `key` went on: what failed before says nothing about what is due now.
    pub(super) fn begin_anew(&self, key: &str) {
        if let Some(looked) = lock(&self.looked).get_mut(key) {
            looked.rounds = 0;
            looked.not_before_ms = 0;
        }
    }

    /// Whether this round takes up the process at `key`; if so, the next one that may is later each time.
    fn may(&self, key: &str, now_ms: u64) -> bool {
        let mut all = lock(&self.looked);
        let looked = all.entry(key.to_owned()).or_default();
        let wait_ms = looked.not_before_ms.saturating_sub(now_ms);
        // A longer wait than there is comes from a clock that was set back.
        if looked.running > 0 || (1..=LONGEST_PAUSE_MS).contains(&wait_ms) {
            return false;
        }
        looked.not_before_ms = now_ms.saturating_add(FIRST_PAUSE_MS << looked.rounds.min(MOST_DOUBLINGS));
        looked.rounds = looked.rounds.saturating_add(1);
        true
    }

    /// Which of what is `waiting` this round takes up: by turns of the peers, so that nobody waits for what another one has kept open.
    fn take(&self, protocol: &'static str, mut waiting: Waiting, now_ms: u64) -> Vec<String> {
        let mut orders = lock(&self.orders);
        let order = orders.entry(protocol).or_default();
        order.forget_all_but(&waiting);
        let mut taken = Vec::new();
        while taken.len() < AT_ONCE
            && let Some(key) = order.next(&mut waiting)
        {
            if self.may(&key, now_ms) {
                taken.push(key);
            }
        }
        taken
    }

    /// Forgets what is not open any more, of the keys that begin with `prefix`.
    fn forget(&self, prefix: &str, open: &BTreeSet<String>) {
        lock(&self.looked).retain(|key, looked| looked.running > 0 || !key.starts_with(prefix) || open.contains(key));
    }
}

/// The processes that are not finished. One that cannot be read is named in the log and passed over: it answers its own requests with
/// an error, and keeps nobody else waiting.
pub(super) fn open_processes<P: Kept>(node: &Node, prefix: &str) -> Result<Vec<Process<P>>, Refusal> {
    let found = node
        .ledger
        .scan(prefix)
        .map_err(|e| internal(&format!("`{prefix}`: {e}")))?;
    let load = |(key, bytes): (String, Vec<u8>)| {
        // What fails in either is logged there, with the key.
        let pid = named(&key, &bytes).ok()?;
        let process = node.negotiator.load::<P>(node, &pid).ok()?;
        if process.is_none() {
            tracing::error!(%key, "an open process is not there; the store is damaged");
        }
        process
    };
    Ok(found.into_iter().filter_map(load).collect())
}

/// The process that lies at `key`, if it can be read; else the log says which cannot.
pub(super) fn readable<P: Kept>(key: &str, bytes: &[u8]) -> Option<Process<P>> {
    let read = Process::from_bytes(bytes);
    read.map_err(|error| tracing::error!(%key, %error, "a stored process cannot be read"))
        .ok()
}

impl Negotiator {
    /// Carries on after a start: every message on its way is sent again, and what is due is done.
    ///
    /// # Errors
    /// When the state cannot be read at all.
    pub fn resume(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        self.resume_all::<Contract>(node)?;
        self.resume_all::<DataTransfer>(node)
    }

    fn resume_all<P: Kept>(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        self.complete_lines::<P>(node)?;
        for process in open_processes::<P>(node, &format!("open/{}", P::PREFIX))? {
            self.held.note(&process);
            if let Some(effect) = process.unsettled() {
                delivery::start(node, process.own_pid(), effect);
            }
            if P::is_due(node, &process) {
                self.look(node, process);
            }
        }
        Ok(())
    }

    /// Takes up again what was due and could not be done when it became due (a peer's document could not be had, say): some
    /// processes at a time, each with pauses that grow.
    ///
    /// # Errors
    /// When the state cannot be read at all.
    pub fn look_again(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        self.look_again_at::<Contract>(node)?;
        self.look_again_at::<DataTransfer>(node)
    }

    fn look_again_at<P: Kept>(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        let prefix = format!("open/{}", P::PREFIX);
        let mut open = BTreeSet::new();
        let (mut due, mut waiting) = (BTreeMap::new(), Waiting::new());
        for process in open_processes::<P>(node, &prefix)? {
            let key = open_key::<P>(process.own_pid());
            open.insert(key.clone());
            if P::is_due(node, &process) {
                let of_peer = waiting.entry(process.peer().to_string()).or_default();
                of_peer.insert(key.clone());
                due.insert(key, process);
            }
        }
        for key in self.rounds.take(P::PREFIX, waiting, node.now_ms()) {
            if let Some(process) = due.remove(&key) {
                self.look(node, process);
            }
        }
        self.rounds.forget(&prefix, &open);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
