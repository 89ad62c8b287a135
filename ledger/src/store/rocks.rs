//! RocksDB, set up so that what was synced stays and what was damaged is noticed.

use super::links::looked_up;
use super::settings::{CACHE_BYTES, options, settings};
use crate::error::LedgerError;
use rocksdb::properties::{BACKGROUND_ERRORS, CURRENT_SUPER_VERSION_NUMBER};
use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, Direction, IteratorMode, Options, ReadOptions, WriteBatch,
    WriteOptions,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Parts of a store that are compacted apart: what grows in order is never rewritten for the sake of what does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Head, streams, counters, once-keys, callers' state.
    State,
    /// Sections and MAC maps by index.
    Records,
    /// Hashes and entries by place in the tree.
    Tiles,
    /// Terms and leaf hashes.
    Index,
    /// Small documents by their SHA-256.
    Evidence,
}

impl Part {
    pub(crate) const ALL: [Self; 5] = [Self::State, Self::Records, Self::Tiles, Self::Index, Self::Evidence];

    pub(super) const fn name(self) -> &'static str {
        match self {
            // RocksDB always has this one.
            Self::State => "default",
            Self::Records => "records",
            Self::Tiles => "tiles",
            Self::Index => "index",
            Self::Evidence => "evidence",
        }
    }
}

/// One RocksDB store.
pub(crate) struct Rocks {
    pub(crate) db: DB,
    dir: PathBuf,
    cache: Cache,
    /// Opened before RocksDB syncs anything in it.
    folder: File,
    /// The store's version when `folder` was synced last.
    synced: Mutex<u64>,
    /// Whether anything was met that cannot be what was written.
    suspected: AtomicBool,
    /// Entries that scans looked at.
    #[cfg(test)]
    pub(crate) visited: std::sync::atomic::AtomicU64,
}

/// Names of the parts of a store; none when there is no store yet.
fn parts_of(dir: &Path, options: &Options) -> Result<Vec<String>, LedgerError> {
    // The file by which RocksDB knows a store.
    let named = dir.join("CURRENT");
    let there = named
        .try_exists()
        .map_err(|source| LedgerError::Io { path: named, source })?;
    if !there {
        return Ok(Vec::new());
    }
    DB::list_cf(options, dir).map_err(|error| store_error(dir, "read", &error))
}

impl Rocks {
    /// Opens or makes the store in `dir`, which belongs to the log in `log_dir`.
    pub(crate) fn open(dir: &Path, parts: &[Part], log_dir: &Path) -> Result<Self, LedgerError> {
        let cache = Cache::new_lru_cache(CACHE_BYTES);
        let mut options_all = settings(&cache).map_err(|error| store_error(dir, "set up", &error))?;
        options_all.create_if_missing(true);
        options_all.create_missing_column_families(true);
        let folder = File::open(dir).map_err(|source| LedgerError::Io {
            path: dir.to_owned(),
            source,
        })?;
        let there = parts_of(dir, &options_all)?;
        if let Some(unknown) = there.iter().find(|name| !parts.iter().any(|part| part.name() == *name)) {
            return Err(LedgerError::Store {
                dir: dir.to_owned(),
                what: "open",
                message: format!(
                    "it has a part `{unknown}` that this version does not know; a newer version wrote it, use that one"
                ),
            });
        }
        // A store that is there is opened as it is: whose it is has to be known before anything is added to it.
        let opened = parts
            .iter()
            .filter(|part| there.is_empty() || there.iter().any(|name| part.name() == name));
        let descriptors = opened.map(|part| ColumnFamilyDescriptor::new(part.name(), options(*part, parts, &cache)));
        let db = DB::open_cf_descriptors(&options_all, dir, descriptors).map_err(|error| {
            let message = error.to_string();
            // RocksDB has no kind of its own for this: "While lock file: .../LOCK: Resource temporarily unavailable",
            // or "lock hold by current process".
            if message.contains("lock file") || message.contains("lock hold by") {
                let dir = log_dir.to_owned();
                LedgerError::InUse { dir }
            } else {
                store_error(dir, "open", &error)
            }
        })?;
        let dir = dir.to_owned();
        Ok(Self {
            db,
            dir,
            cache,
            folder,
            synced: Mutex::new(0),
            suspected: AtomicBool::new(false),
            #[cfg(test)]
            visited: std::sync::atomic::AtomicU64::new(0),
        })
    }

    /// Opens the store in `dir` as it is, for reading alone: not a byte of it changes, and no lock is taken. Nobody may write into it
    /// meanwhile.
    pub(crate) fn open_to_read(dir: &Path, parts: &[Part]) -> Result<Self, LedgerError> {
        let cache = Cache::new_lru_cache(CACHE_BYTES);
        let options_all = settings(&cache).map_err(|error| store_error(dir, "set up", &error))?;
        let folder = File::open(dir).map_err(|source| LedgerError::Io {
            path: dir.to_owned(),
            source,
        })?;
        let there = parts_of(dir, &options_all)?;
        let opened = parts.iter().filter(|part| there.iter().any(|name| part.name() == name));
        let descriptors = opened.map(|part| ColumnFamilyDescriptor::new(part.name(), options(*part, parts, &cache)));
        let db = DB::open_cf_descriptors_read_only(&options_all, dir, descriptors, false);
        Ok(Self {
            db: db.map_err(|error| store_error(dir, "open for reading", &error))?,
            dir: dir.to_owned(),
            cache,
            folder,
            synced: Mutex::new(0),
            suspected: AtomicBool::new(false),
            #[cfg(test)]
            visited: std::sync::atomic::AtomicU64::new(0),
        })
    }

    /// Adds the parts that an older version did not have.
    pub(crate) fn complete(&mut self, parts: &[Part]) -> Result<(), LedgerError> {
        for part in parts {
            if self.db.cf_handle(part.name()).is_none() {
                let made = self.db.create_cf(part.name(), &options(*part, parts, &self.cache));
                made.map_err(|error| store_error(&self.dir, "add a part to", &error))?;
            }
        }
        Ok(())
    }

    /// Fails once anything has failed that RocksDB does in its own threads. Where it takes the error for one that passes (a full disk) it goes
    /// on by itself, and a write may succeed after a sync that did not.
    pub(crate) fn unharmed(&self) -> Result<(), LedgerError> {
        self.sync_names()?;
        let failed = self.db.property_int_value(BACKGROUND_ERRORS);
        match failed.map_err(|error| store_error(&self.dir, "read", &error))? {
            Some(0) => Ok(()),
            _ => {
                // RocksDB has no other way to ask for the reason than to refuse something.
                let refused = self.db.write(WriteBatch::default()).err();
                let why = refused.map(|error| error.to_string());
                Err(LedgerError::Store {
                    dir: self.dir.clone(),
                    what: "write or sync its tables in the background",
                    message: why.unwrap_or_else(|| "the last lines of the file LOG in it say why".to_owned()),
                })
            }
        }
    }

    /// Makes sure that the write-ahead log has its name. RocksDB synced the folder when it began the log, but a flush that starts at that moment
    /// may do so first, through the same descriptor; and the kernel tells each descriptor once that something was lost. The flush would be told
    /// then, and the write's own sync succeed. This descriptor is told as well.
    fn sync_names(&self) -> Result<(), LedgerError> {
        // A write-ahead log begins with a new version of some part.
        let mut version = 0u64;
        for part_name in Part::ALL.map(Part::name) {
            if let Some(part) = self.db.cf_handle(part_name) {
                let number = self.db.property_int_value_cf(part, CURRENT_SUPER_VERSION_NUMBER);
                let number = number.map_err(|error| store_error(&self.dir, "read", &error))?;
                version += number.ok_or_else(|| LedgerError::Store {
                    dir: self.dir.clone(),
                    what: "tell the version of a part of it",
                    message: part_name.to_owned(),
                })?;
            }
        }
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced != version {
            self.folder.sync_all().map_err(|source| LedgerError::Io {
                path: self.dir.clone(),
                source,
            })?;
            *synced = version;
        }
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn part(&self, part: Part) -> Result<&ColumnFamily, LedgerError> {
        self.db.cf_handle(part.name()).ok_or_else(|| LedgerError::Store {
            dir: self.dir.clone(),
            what: "find a part of it",
            message: part.name().to_owned(),
        })
    }

    /// Something was met that cannot be what was written: the log has to be checked.
    pub(crate) fn suspect(&self) {
        self.suspected.store(true, Ordering::Relaxed);
    }

    /// Whether [`Self::suspect`] was called since this was asked last.
    pub(crate) fn was_suspected(&self) -> bool {
        self.suspected.swap(false, Ordering::Relaxed)
    }

    /// What kept a read from its end.
    fn unread(&self, error: &rocksdb::Error) -> LedgerError {
        let error = store_error(&self.dir, "read", error);
        if error.is_damage() {
            self.suspect();
        }
        error
    }

    pub(crate) fn get(&self, part: Part, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        let value = self.db.get_cf(self.part(part)?, key);
        value.map_err(|error| self.unread(&error))
    }

    /// Whether there is something under this key.
    pub(crate) fn has(&self, part: Part, key: &[u8]) -> Result<bool, LedgerError> {
        let value = self.db.get_pinned_cf(self.part(part)?, key);
        Ok(value.map_err(|error| self.unread(&error))?.is_some())
    }

    /// Calls `each(key after prefix, value)` for all keys with this prefix, in order, until it gives `false`.
    pub(crate) fn scan(
        &self,
        part: Part,
        prefix: &[u8],
        each: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), LedgerError> {
        // What tables know, most of them know not to have: a transaction that nobody has had is looked for at every pull, and without
        // this a block of every table would be read each time.
        let is_known = part == Part::Index && looked_up(prefix).is_some_and(|known| known.len() == prefix.len());
        let mut options = ReadOptions::default();
        options.set_total_order_seek(!is_known);
        options.set_prefix_same_as_start(is_known);
        self.scan_with(options, part, prefix, prefix, each)
    }

    /// The same, beginning at the key `from`.
    pub(crate) fn scan_from(
        &self,
        part: Part,
        prefix: &[u8],
        from: &[u8],
        each: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), LedgerError> {
        let mut options = ReadOptions::default();
        // All that follows, whatever it begins with.
        options.set_total_order_seek(true);
        self.scan_with(options, part, prefix, from, each)
    }

    fn scan_with(
        &self,
        options: ReadOptions,
        part: Part,
        prefix: &[u8],
        from: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), LedgerError> {
        let from = IteratorMode::From(from, Direction::Forward);
        for item in self.db.iterator_cf_opt(self.part(part)?, options, from) {
            let (key, value) = item.map_err(|error| self.unread(&error))?;
            #[cfg(test)]
            self.visited.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            match key.strip_prefix(prefix) {
                Some(rest) if each(rest, &value) => {}
                _ => break,
            }
        }
        Ok(())
    }

    /// Begins a batch.
    pub(crate) fn batch(&self) -> Batch<'_> {
        self.batch_of(0)
    }

    /// Begins a batch that will have about so many bytes, for which there is room then.
    pub(crate) fn batch_of(&self, bytes: usize) -> Batch<'_> {
        Batch {
            store: self,
            parts: Part::ALL.map(|part| self.db.cf_handle(part.name())),
            batch: WriteBatch::with_capacity_bytes(bytes),
        }
    }
}

/// Writes that are kept together or not at all.
pub(crate) struct Batch<'a> {
    store: &'a Rocks,
    /// Those that the store has, in the order of [`Part::ALL`].
    parts: [Option<&'a ColumnFamily>; Part::ALL.len()],
    batch: WriteBatch,
}

impl<'a> Batch<'a> {
    fn part(&self, part: Part) -> Result<&'a ColumnFamily, LedgerError> {
        match self.parts.get(part as usize) {
            Some(Some(known)) => Ok(*known),
            _ => self.store.part(part),
        }
    }

    pub(crate) fn put(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<(), LedgerError> {
        self.batch.put_cf(self.part(part)?, key, value);
        Ok(())
    }

    pub(crate) fn delete(&mut self, part: Part, key: &[u8]) -> Result<(), LedgerError> {
        self.batch.delete_cf(self.part(part)?, key);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Writes the batch and returns when a power cut can no longer lose it.
    pub(crate) fn write_synced(self) -> Result<(), LedgerError> {
        self.write(true)
    }

    /// Writes the batch into the operating system's hands: a killed process keeps it, a power cut may not.
    pub(crate) fn write_unsynced(self) -> Result<(), LedgerError> {
        self.write(false)
    }

    fn write(self, sync: bool) -> Result<(), LedgerError> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        let written = self.store.db.write_opt(self.batch, &options);
        written.map_err(|error| store_error(&self.store.dir, "write", &error))?;
        self.store.unharmed()
    }
}

pub(super) fn store_error(dir: &Path, what: &'static str, error: &rocksdb::Error) -> LedgerError {
    LedgerError::Store {
        dir: dir.to_owned(),
        what,
        message: error.to_string(),
    }
}
