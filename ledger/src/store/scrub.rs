//! Making what was deleted from a store leave its files. RocksDB only marks what is deleted: the bytes stay in its write-ahead log and in
//! its tables until these are rewritten for another reason, which may be never.

use super::rocks::{Part, Rocks, store_error};
use crate::error::LedgerError;
use rocksdb::{BottommostLevelCompaction, CompactOptions, FlushOptions};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// What is to be rewritten: a part, and its keys from the first to the last of these; all of them where none is named.
pub(crate) type Touched = (Part, Option<(Vec<u8>, Vec<u8>)>);

/// RocksDB removes files from threads of its own and offers no event to wait for: looked at so often, with this pause.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

impl Rocks {
    /// Rewrites what was touched and waits until the files that held it before are gone. `false` when some still stand there, because
    /// somebody reads them: opening the store removes them.
    pub(crate) fn scrub(&self, touched: &[Touched]) -> Result<bool, LedgerError> {
        // What is flushed leaves the write-ahead log, and all parts share that.
        self.flush()?;
        let mut options = CompactOptions::default();
        options.set_exclusive_manual_compaction(false);
        // Without this the lowest level would be left as it is.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        for (part, keys) in touched {
            let (from, to) = keys.as_ref().map(|(from, to)| (from, to)).unzip();
            self.db.compact_range_cf_opt(self.part(*part)?, from, to, &options);
        }
        for _ in 0..LOOKS {
            if !self.has_left_files()? {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(false)
    }

    fn flush(&self) -> Result<(), LedgerError> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        let parts = Part::ALL.into_iter().filter_map(|part| self.part(part).ok());
        let parts: Vec<_> = parts.collect();
        let flushed = self.db.flush_cfs_opt(&parts, &options);
        flushed.map_err(|error| store_error(self.dir(), "flush", &error))
    }

    /// Whether there are tables that the store no longer uses, or more write-ahead logs than the one being written.
    fn has_left_files(&self) -> Result<bool, LedgerError> {
        let live = self.db.live_files();
        let live = live.map_err(|error| store_error(self.dir(), "list the files of", &error))?;
        let live: BTreeSet<String> = live
            .into_iter()
            .map(|file| file.name.trim_start_matches('/').to_owned())
            .collect();
        let io = |source| LedgerError::Io {
            path: self.dir().to_owned(),
            source,
        };
        let (mut logs, mut left) = (0, false);
        for file in fs::read_dir(self.dir()).map_err(io)? {
            let name = file.map_err(io)?.file_name().to_string_lossy().into_owned();
            logs += u32::from(name.ends_with(".log"));
            left |= name.ends_with(".sst") && !live.contains(&name);
        }
        Ok(left || logs > 1)
    }
}
