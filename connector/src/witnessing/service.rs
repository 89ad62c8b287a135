//! The witness that this connector may be for others.

use super::WitnessingError;
use herleid_ledger::WitnessStore;
use herleid_ledger::note::{Signer, Verifier};
use herleid_ledger::witness::{self, Conflict, Response};
use herleid_vocab::rim::Clock;
use std::sync::{Arc, Mutex};

/// The witness that this connector is for others. Its memory lies apart from the log: a log directory that is lost or restored
/// must not let it cosign a second history of another's log.
pub struct WitnessService {
    signer: Signer,
    known_logs: Vec<Verifier>,
    memory: WitnessStore,
    clock: Arc<dyn Clock>,
    /// Held from reading the last size until the new one is durable: two requests must not cosign two histories.
    turn: Mutex<()>,
}

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

    /// Logs that showed this witness two histories, each with both checkpoints as proof.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, WitnessingError> {
        self.memory.conflicts().map_err(WitnessingError::Memory)
    }
}
