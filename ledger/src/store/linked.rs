//! A store as it is at one moment, in another directory.

use super::rocks::{Rocks, store_error};
use crate::error::LedgerError;
use rocksdb::checkpoint::Checkpoint;
use std::path::Path;

impl Rocks {
    /// Makes `to` the store as it is now. Where it lies on another file system the tables are copied. Nothing is flushed: a disk that is full
    /// then fails this, and not the store.
    pub(crate) fn link_into(&self, to: &Path) -> Result<(), LedgerError> {
        let made = Checkpoint::new(&self.db).and_then(|made| made.create_checkpoint_with_log_size(to, u64::MAX));
        made.map_err(|error| store_error(self.dir(), "link its files for a backup", &error))
    }
}
