//! Documents by their SHA-256. Small ones lie in the log's store and become durable in the same write as the record that lists them;
//! large ones, which would only make that store rewrite them, are a file each: `aa/<sha256>`, where `aa` are the first two digits.

use crate::digits::hex32;
use crate::error::LedgerError;
use crate::store::bound::Bound;
use crate::store::rocks::{Part, Rocks};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most bytes of a document that lies in the log's store.
pub(crate) const SMALL: usize = 64 << 10;

/// A folder of large documents. A document that has its name is whole and durable.
pub(crate) struct Evidence {
    dir: PathBuf,
    next: AtomicU64,
    used: Used,
    /// Those that drafts had brought when the process before ended.
    pub(super) brought_before: Vec<[u8; 32]>,
    /// Documents that were to go and had to stay for the moment.
    left: Mutex<BTreeSet<[u8; 32]>>,
    pub(super) bound: Bound,
}

/// Documents that drafts under way bring, and how many do.
type Used = Arc<Mutex<HashMap<[u8; 32], usize>>>;

/// Keeps a document from being removed until the record that lists it has its place, or is refused.
#[derive(Debug)]
pub(crate) struct InUse {
    used: Used,
    digest: [u8; 32],
}

impl InUse {
    pub(crate) const fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(&self.digest) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(used.remove(&self.digest)),
        }
    }
}

/// Name of the file that says how far erasures are finished here: a folder that comes back from a backup says less than the log.
const FINISHED: &str = "erased";

pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError + '_ {
    move |source| LedgerError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Makes what was renamed or made in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), LedgerError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io(dir))
}

/// Makes a directory for its owner alone; one that is there already stays as it is. Its name is durable once its parent
/// has been synced.
pub(crate) fn make_dir(dir: &Path) -> Result<(), LedgerError> {
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(io(dir)(error)),
    }
}

impl Evidence {
    /// Opens or makes the folder, and clears what a crash left half-written.
    pub(crate) fn open(dir: &Path) -> Result<Self, LedgerError> {
        make_dir(dir)?;
        let unfinished = dir.join("tmp");
        make_dir(&unfinished)?;
        // All folders at once: a folder made with its first document could be lost by a power cut, together with a second
        // document that another thread had already put into it.
        for first in 0..=u8::MAX {
            make_dir(&dir.join(format!("{first:02x}")))?;
        }
        sync_dir(dir)?;
        // And the name of the folder itself: without it a power cut could take all large documents at once.
        if let Some(log) = dir.parent() {
            sync_dir(log)?;
        }
        let mut brought_before = Vec::new();
        for file in fs::read_dir(&unfinished).map_err(io(&unfinished))? {
            let file = file.map_err(io(&unfinished))?;
            match file.file_name().to_str().and_then(hex32) {
                Some(digest) => brought_before.push(digest),
                None => fs::remove_file(file.path()).map_err(io(&file.path()))?,
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            next: AtomicU64::new(0),
            used: Used::default(),
            brought_before,
            left: Mutex::default(),
            bound: Bound::default(),
        })
    }

    /// The folder as it is, for reading alone.
    pub(crate) fn to_read(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            next: AtomicU64::new(0),
            used: Used::default(),
            brought_before: Vec::new(),
            left: Mutex::default(),
            bound: Bound::default(),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn place(&self, digest: &[u8; 32]) -> (PathBuf, PathBuf) {
        let name = hex::encode(digest);
        let folder = self.dir.join(name.get(..2).unwrap_or_default());
        let file = folder.join(&name);
        (folder, file)
    }

    /// Keeps a document; when this returns, a power cut can no longer lose it, nor can an erasure until what it gives is dropped.
    pub(crate) fn put(&self, digest: &[u8; 32], bytes: &[u8]) -> Result<InUse, LedgerError> {
        *self.used().entry(*digest).or_default() += 1;
        let in_use = InUse {
            used: Arc::clone(&self.used),
            digest: *digest,
        };
        self.write(digest, bytes)?;
        Ok(in_use)
    }

    pub(super) fn used(&self) -> MutexGuard<'_, HashMap<[u8; 32], usize>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, digest: &[u8; 32], bytes: &[u8]) -> Result<(), LedgerError> {
        let (folder, file) = self.place(digest);
        // A file that is there may have been renamed a moment ago by a thread that has not synced its folder yet.
        if fs::read(&file).is_ok_and(|found| found == bytes) {
            return sync_dir(&folder);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.dir.join("tmp").join(number.to_string());
        let mut new = File::create(&unfinished).map_err(io(&unfinished))?;
        new.write_all(bytes)
            .and_then(|()| new.sync_all())
            .map_err(io(&unfinished))?;
        self.note_brought(digest)?;
        fs::rename(&unfinished, &file).map_err(io(&file))?;
        self.bound.came(bytes.len() as u64);
        sync_dir(&folder)
    }

    /// Removes large documents; those of drafts under way stay for the moment, and are among what is [`Self::left`].
    pub(crate) fn remove(&self, digests: &[[u8; 32]]) -> Result<(), LedgerError> {
        let mut folders = BTreeSet::new();
        // Held, so that none of them is written again meanwhile.
        let used = self.used();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in digests {
            if used.contains_key(digest) {
                left.insert(*digest);
                continue;
            }
            left.remove(digest);
            let (folder, file) = self.place(digest);
            let bytes = file.metadata().map_or(0, |metadata| metadata.len());
            match fs::remove_file(&file) {
                Ok(()) => {
                    self.bound.went(bytes);
                    folders.insert(folder);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(io(&file)(error)),
            }
        }
        folders.iter().try_for_each(|folder| sync_dir(folder))
    }

    /// Documents that were to go, and that drafts under way brought at that moment.
    pub(crate) fn left(&self) -> Vec<[u8; 32]> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.iter().copied().collect()
    }

    /// A record lists it by now.
    pub(crate) fn stays(&self, digest: &[u8; 32]) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).remove(digest);
    }

    /// Removes every large document that `is_listed` does not know. Only while nobody writes.
    pub(crate) fn sweep(
        &self,
        mut is_listed: impl FnMut(&[u8; 32]) -> Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        for first in 0..=u8::MAX {
            let folder = self.dir.join(format!("{first:02x}"));
            for file in fs::read_dir(&folder).map_err(io(&folder))? {
                let name = file.map_err(io(&folder))?.file_name();
                // What has another name is not ours to remove.
                let Some(digest) = name.to_str().and_then(hex32) else {
                    continue;
                };
                if !is_listed(&digest)? {
                    self.remove(&[digest])?;
                }
            }
        }
        Ok(())
    }

    /// How far erasures are finished here: those of all tombstones below this record number.
    pub(crate) fn finished(&self) -> Result<u64, LedgerError> {
        let path = self.dir.join(FINISHED);
        match fs::read_to_string(&path) {
            // A number that cannot be read is none: what is erased twice is erased.
            Ok(text) => Ok(text.trim().parse().unwrap_or(0)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(io(&path)(error)),
        }
    }

    /// Keeps that.
    pub(crate) fn finish(&self, below: u64) -> Result<(), LedgerError> {
        let unfinished = self.dir.join("tmp").join(FINISHED);
        let mut new = File::create(&unfinished).map_err(io(&unfinished))?;
        new.write_all(format!("{below}\n").as_bytes())
            .and_then(|()| new.sync_all())
            .map_err(io(&unfinished))?;
        let file = self.dir.join(FINISHED);
        fs::rename(&unfinished, &file).map_err(io(&file))?;
        sync_dir(&self.dir)
    }

    /// A document in `log` or in the folder, checked against its name; `None` when there is none.
    pub(crate) fn get(&self, log: &Rocks, digest: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError> {
        let (_, file) = self.place(digest);
        let (bytes, place) = match log.get(Part::Evidence, digest)? {
            Some(bytes) => (bytes, log.dir()),
            None => match fs::read(&file) {
                Ok(bytes) => (bytes, file.as_path()),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(io(&file)(error)),
            },
        };
        let found: [u8; 32] = Sha256::digest(&bytes).into();
        if found == *digest {
            return Ok(Some(bytes));
        }
        log.suspect();
        Err(LedgerError::Corrupt {
            dir: place.to_owned(),
            what: format!("the SHA-256 of the document `{}`", hex::encode(digest)),
            expected: hex::encode(digest),
            found: hex::encode(found),
        })
    }
}
