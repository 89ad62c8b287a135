//! Cosignatures: collected until there are enough, then kept.

use super::{Ledger, Shared};
use crate::checkpoint::{Checkpoint, Cosigned};
use crate::error::{AppendError, LedgerError};
use crate::note::{SignatureLine, SignedNote, Verifier};
use crate::store::codec::{COSIGNED, SIGNED};
use crate::store::rocks::Part;
use std::sync::{Arc, PoisonError};

/// Checkpoints whose cosignatures are still being collected: the latest few, since each next one makes them superfluous.
const MAX_COLLECTING: usize = 16;

impl Ledger {
    /// Takes a checkpoint of this log with cosignatures on it, in as many calls as witnesses answer. Once there are enough
    /// for the policy, it is kept (synced) and [`Ledger::cosigned`] gives it. Of each witness the earliest line is kept, and
    /// that one alone: a log that starts often without growing is cosigned anew each time. Returns the witnesses that count
    /// so far.
    ///
    /// # Errors
    /// When the note is not a checkpoint of this log's past, or a cosignature by a named witness does not verify.
    pub fn add_cosignatures(&self, note: SignedNote) -> Result<Vec<Cosigned>, LedgerError> {
        let shared = self.shared();
        let given = Checkpoint::verify(note, self.verifier())?;
        if self.root_at(given.size())? != *given.root() {
            let size = given.size();
            return Err(LedgerError::OtherHistory { size });
        }
        let witnesses = shared.policy.witnesses();
        let keys: Vec<Verifier> = witnesses.iter().chain([self.verifier()]).cloned().collect();
        let mut collecting = shared.collecting.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.cosigned();
        let known: Vec<SignatureLine> = collecting
            .iter()
            .chain(kept.as_deref())
            .filter(|known| known.body() == given.body())
            .flat_map(|known| known.note().signatures().iter().cloned())
            .collect();
        // Checks every line, so that a wrong one is refused before anything is changed.
        let checkpoint = given.merged(&known, &keys)?;
        let counted = checkpoint.cosignatures(witnesses)?;
        collecting.retain(|known| known.body() != checkpoint.body());
        let newer = kept.is_none_or(|kept| kept.size() <= checkpoint.size());
        if shared.policy.is_met_by(counted.len()) && newer {
            let note = checkpoint.note().to_string().into_bytes();
            // The lock is held until it is durable, so that a later, larger one cannot be overtaken by this.
            self.write_blocking(vec![(COSIGNED.to_vec(), Some(note))])
                .map_err(|error| match error {
                    AppendError::Ledger(error) => error,
                    _ => LedgerError::Closed,
                })?;
            collecting.retain(|known| known.size() > checkpoint.size());
            let mut cosigned = shared.cosigned.write().unwrap_or_else(PoisonError::into_inner);
            *cosigned = Some(Arc::new(checkpoint));
        } else if newer {
            if collecting.len() == MAX_COLLECTING {
                collecting.remove(0);
            }
            collecting.push(checkpoint);
        }
        Ok(counted)
    }
}

impl Shared {
    /// Keeps what is signed now where the last one kept is of fewer records: it is not synced when it is signed, and a power cut may have lost
    /// it. Whoever opens the log for reading alone, a copy of it too, shows what is kept.
    pub(super) fn keep_signed(&self, signed: Checkpoint) -> Result<Checkpoint, LedgerError> {
        let rocks = self.keys.rocks();
        let kept = match rocks.get(Part::State, SIGNED)? {
            Some(note) => Checkpoint::verify_bytes(&note, self.signer.verifier())?.size(),
            None => 0,
        };
        if kept < signed.size() {
            let mut batch = rocks.batch();
            batch.put(Part::State, SIGNED, signed.note().to_string().as_bytes())?;
            batch.write_synced()?;
        }
        Ok(signed)
    }
}
