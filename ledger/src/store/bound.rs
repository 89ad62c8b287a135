//! How much room documents may take: what would pass it is refused before anything is written.

use super::evidence::Evidence;
use super::rocks::{Part, Rocks, store_error};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use rocksdb::properties::{CUR_SIZE_ALL_MEM_TABLES, LIVE_SST_FILES_SIZE};
use std::fs;
use std::io::ErrorKind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bound, and what large documents take of it.
#[derive(Default)]
pub(crate) struct Bound {
    most: OnceLock<u64>,
    large: AtomicU64,
}

impl Bound {
    pub(super) fn came(&self, bytes: u64) {
        self.large.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn went(&self, bytes: u64) {
        // What came before it was counted is not taken away twice.
        let less = |now: u64| Some(now.saturating_sub(bytes));
        let _before = self.large.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl Evidence {
    /// Refuses documents that are new and would pass the bound. Drafts that come at the same moment may pass it together by what they bring.
    pub(crate) fn admit(&self, log: &Rocks, documents: &[([u8; 32], Vec<u8>)]) -> Result<(), LedgerError> {
        let Some(most) = self.bound.most.get().copied() else {
            return Ok(());
        };
        let mut more = 0;
        for (digest, bytes) in documents {
            let (_, file) = self.place(digest);
            if !log.has(Part::Evidence, digest)? && !file.exists() {
                more += bytes.len() as u64;
            }
        }
        if more == 0 {
            return Ok(());
        }
        let used = self.used_bytes(log)?;
        if used.saturating_add(more) > most {
            return Err(LedgerError::EvidenceFull { used, more, most });
        }
        Ok(())
    }

    /// What small documents take is what the tables of the store take, and what is only in memory by the mebibyte; of large ones it is counted.
    fn used_bytes(&self, log: &Rocks) -> Result<u64, LedgerError> {
        let mut used = self.bound.large.load(Ordering::Relaxed);
        for property in [LIVE_SST_FILES_SIZE, CUR_SIZE_ALL_MEM_TABLES] {
            let found = log.db.property_int_value_cf(log.part(Part::Evidence)?, property);
            used += found
                .map_err(|error| store_error(log.dir(), "read", &error))?
                .unwrap_or(0);
        }
        Ok(used)
    }

    /// Counts the large documents.
    fn count(&self) -> Result<u64, LedgerError> {
        let mut bytes = 0;
        for first in 0..=u8::MAX {
            let folder = self.dir().join(format!("{first:02x}"));
            let io = |source| LedgerError::Io {
                path: folder.clone(),
                source,
            };
            for file in fs::read_dir(&folder).map_err(io)? {
                match file.and_then(|file| file.metadata()) {
                    Ok(metadata) => bytes += metadata.len(),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(io(error)),
                }
            }
        }
        Ok(bytes)
    }
}

impl Ledger {
    /// From now on refuses records whose documents would make evidence take more than `most` bytes. Set once, before anything is appended:
    /// large documents are counted now. Gives what documents take.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub fn bound_evidence(&self, most: u64) -> Result<u64, LedgerError> {
        let shared = self.shared();
        let (evidence, log) = (&shared.evidence, &shared.log);
        evidence.bound.large.store(evidence.count()?, Ordering::Relaxed);
        // The first one holds.
        let _ = evidence.bound.most.set(most);
        evidence.used_bytes(log)
    }
}
