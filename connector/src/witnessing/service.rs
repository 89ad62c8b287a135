//! The witness that this connector may be for others.

use super::WitnessingError;
use bytes::Bytes;
use herleid_ledger::fork::Beginning;
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::{Signer, Verifier};
use herleid_ledger::witness::{self, Conflict, Response};
use herleid_ledger::{Page, WitnessStore};
use herleid_vocab::rim::Clock;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// The witness that this connector is for others. Its memory lies apart from the log: a log directory that is lost or restored
/// must not let it cosign a second history of another's log.
pub struct WitnessService {
    signer: Signer,
    known_logs: Vec<Verifier>,
    memory: WitnessStore,
    clock: Arc<dyn Clock>,
    /// Held from reading the last size until the new one is durable: two requests must not cosign two histories.
    turn: Mutex<()>,
    doors: Arc<Semaphore>,
}

/// Threads that answer at once: one waits for the disk while another reads what it was sent.
const AT_ONCE: usize = 2;

impl WitnessService {
    /// The key that it signs with, as logs name their witnesses.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.signer.verifier().to_string()
    }

    /// A witness for `known_logs` that signs with `signer` and remembers in `memory`.
    #[must_use]
    pub fn new(signer: Signer, known_logs: Vec<Verifier>, memory: WitnessStore, clock: Arc<dyn Clock>) -> Self {
        Self {
            signer,
            known_logs,
            memory,
            clock,
            turn: Mutex::new(()),
            doors: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Its own verifier key.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    /// Answers a request (C2SP tlog-witness, `add-checkpoint`); what it cosigns is durable before the answer exists.
    ///
    /// # Errors
    /// When its memory cannot be read or written: no answer leaves then.
    pub fn add_checkpoint(&self, request: &[u8]) -> Result<Response, WitnessingError> {
        let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut failed = None;
        let stored = |origin: &str| match self.memory.last(origin) {
            Ok(found) => found.map(|seen| (seen.size, seen.root)),
            Err(error) => {
                failed = Some(error);
                None
            }
        };
        let response = witness::respond(&self.signer, stored, &self.known_logs, request, self.clock.now_ms());
        if let Some(error) = failed {
            return Err(WitnessingError::Memory(error));
        }
        self.memory.keep(&response).map_err(WitnessingError::Memory)?;
        Ok(response)
    }

    /// The checkpoint of the log `origin` that this witness cosigned last, as the log signed it: whoever lost a log learns from it how far
    /// that went.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn last(&self, origin: &str) -> Result<Option<String>, WitnessingError> {
        let seen = self.memory.last(origin).map_err(WitnessingError::Memory)?;
        // What was asked before a first record is no checkpoint of anything.
        Ok(seen.filter(|seen| seen.size > 0).map(|seen| seen.note))
    }

    /// Answers a request as [`Self::add_checkpoint`] does, in a thread that may wait for the disk. Whoever asks is not known: at most
    /// [`AT_ONCE`] such threads are taken, however many ask.
    ///
    /// # Errors
    /// As [`Self::add_checkpoint`].
    pub async fn answer(self: Arc<Self>, request: Bytes) -> Result<Response, WitnessingError> {
        let service = self.clone();
        let Ok(door) = self.doors.clone().acquire_owned().await else {
            return Err(WitnessingError::Ledger("this witness is being stopped".to_owned()));
        };
        let answered = tokio::task::spawn_blocking(move || {
            let answer = service.add_checkpoint(&request);
            // Held until the work is done, also when whoever asked has gone away.
            drop(door);
            answer
        })
        .await;
        answered.unwrap_or_else(|error| Err(WitnessingError::Ledger(error.to_string())))
    }

    /// The first `limit` pairs of checkpoints by which a log showed this witness two histories.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn conflicts(&self, limit: usize) -> Result<Page, WitnessingError> {
        self.memory.conflicts(limit).map_err(WitnessingError::Memory)
    }

    /// The first `limit` pairs of which nobody knows yet whether they are of one history.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn doubts(&self, limit: usize) -> Result<Page, WitnessingError> {
        self.memory.doubts(limit).map_err(WitnessingError::Memory)
    }

    /// The first `limit` conflicts of one log.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn conflicts_of(&self, origin: &str, limit: usize) -> Result<Page, WitnessingError> {
        self.memory.conflicts_of(origin, limit).map_err(WitnessingError::Memory)
    }

    /// The first `limit` doubts about one log.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn doubts_of(&self, origin: &str, limit: usize) -> Result<Page, WitnessingError> {
        self.memory.doubts_of(origin, limit).map_err(WitnessingError::Memory)
    }

    /// Keys of the logs that it witnesses; a key's name is the origin.
    #[must_use]
    pub fn log_keys(&self) -> &[Verifier] {
        &self.known_logs
    }

    /// Settles a doubt: `forked` says what the larger tree begins with, where the two are of two histories.
    ///
    /// # Errors
    /// When its memory cannot be written.
    pub fn settle(
        &self,
        doubt: &Conflict,
        root: &Hash,
        forked: Option<Option<Beginning>>,
    ) -> Result<(), WitnessingError> {
        let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let settled = self.memory.settle(doubt, root, forked);
        settled.map_err(WitnessingError::Memory)
    }

    /// Holds the memory, as whoever waits for the disk does.
    #[cfg(test)]
    pub(super) fn hold(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The key of a log that it witnesses.
    #[must_use]
    pub fn log_key(&self, origin: &str) -> Option<Verifier> {
        self.known_logs.iter().find(|key| key.name() == origin).cloned()
    }

    /// Why it cosigns nothing any more, after a write that failed; none while it does.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.memory.failed()
    }
}
