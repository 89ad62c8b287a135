//! The stores as they are between two batches, for a backup that is made while the log goes on.

use super::sequencer::Job;
use super::{Ledger, Shared};
use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, PoisonError};

impl Ledger {
    /// Makes `log/` and `keys/` in the directory `to`, which is there and empty, and lies on the file system of the log: both as they are
    /// between two batches, so that every record there has its keys there. Tables are linked, not copied; what is only in write-ahead logs is
    /// copied. Waits for an erasure that is under way; gives the checkpoint that was signed over what is there.
    ///
    /// Large documents of records that it covers are in the folder of evidence when this returns: they are durable before their records are.
    /// What lies in `to` keeps on disk what is erased from the log meanwhile, until it is removed.
    ///
    /// # Errors
    /// When it cannot be made, or the log was closed. The log itself goes on.
    pub fn snapshot(&self, to: &Path) -> Result<Arc<Checkpoint>, LedgerError> {
        let shared = self.shared();
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let (sender, receiver) = sync_channel(1);
        let to = to.to_owned();
        self.send(Job::Still(Box::new(move |shared| {
            // Whoever asked may have gone.
            drop(sender.send(stores(shared, &to)));
        })))?;
        receiver.recv().map_err(|_| LedgerError::Closed)?
    }
}

fn stores(shared: &Shared, to: &Path) -> Result<Arc<Checkpoint>, LedgerError> {
    shared.log.link_into(&to.join("log"))?;
    shared.keys.rocks().link_into(&to.join("keys"))?;
    Ok(shared.published())
}
