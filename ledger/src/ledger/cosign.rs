//! Cosignatures: collected until there are enough, then kept.

use super::Ledger;
use crate::checkpoint::{Checkpoint, CheckpointError, Cosigned};
use crate::error::{AppendError, LedgerError};
use crate::note::{SignatureLine, SignedNote};
use crate::store::codec::COSIGNED;
use std::sync::{Arc, PoisonError};

/// Checkpoints whose cosignatures are still being collected: the latest few, since each next one makes them superfluous.
const MAX_COLLECTING: usize = 16;

impl Ledger {
    /// The note with the log's own line and those of named witnesses: lines of others could fill it up.
    fn without_strangers(&self, note: SignedNote) -> Result<SignedNote, CheckpointError> {
        let known = |line: &&SignatureLine| {
            let mut keys = self.shared().policy.witnesses().iter().chain([self.verifier()]);
            keys.any(|key| key.name() == line.name() && key.id() == line.id())
        };
        let lines: Vec<SignatureLine> = note.signatures().iter().filter(known).cloned().collect();
        if lines.is_empty() {
            // As it is: the check that follows says what is missing.
            return Ok(note);
        }
        Ok(SignedNote::new(note.text(), lines)?)
    }

    /// Takes a checkpoint of this log with cosignatures on it, in as many calls as witnesses answer. Once there are enough
    /// for the policy, it is kept (synced) and [`Ledger::cosigned`] gives it. Returns the witnesses that count so far.
    ///
    /// # Errors
    /// When the note is not a checkpoint of this log's past, or a cosignature by a named witness does not verify.
    pub fn add_cosignatures(&self, note: SignedNote) -> Result<Vec<Cosigned>, LedgerError> {
        let shared = self.shared();
        let mut checkpoint = Checkpoint::verify(self.without_strangers(note)?, self.verifier())?;
        if self.root_at(checkpoint.size())? != *checkpoint.root() {
            let size = checkpoint.size();
            return Err(LedgerError::OtherHistory { size });
        }
        // Refuses a wrong line before it is mixed with right ones.
        checkpoint.cosignatures(shared.policy.witnesses())?;
        let mut collecting = shared.collecting.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.cosigned().into_iter().map(|kept| kept.as_ref().clone());
        let same = kept
            .chain(collecting.iter().cloned())
            .filter(|known| known.body() == checkpoint.body());
        for known in same.collect::<Vec<_>>() {
            for line in known.note().signatures() {
                checkpoint = checkpoint.with(line.clone())?;
            }
        }
        let counted = checkpoint.cosignatures(shared.policy.witnesses())?;
        collecting.retain(|known| known.body() != checkpoint.body());
        let newer = self.cosigned().is_none_or(|kept| kept.size() <= checkpoint.size());
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
