//! Payloads that go: not while somebody keeps them for a record that is still to come, and again where a backup brought them back.

use super::{PayloadError, Payloads, failed, sync};
use crate::state::Digests;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Deref;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Name of the file that says how far erasures are carried out in this folder: one that comes back from a backup says less than the log.
const ERASED: &str = "erased";

/// SHA-256, and how many keep the payload.
pub(super) type Used = Arc<Mutex<HashMap<String, usize>>>;

/// A payload that has its name, and that no erasure removes until this is dropped: by then a record has to lead to it.
#[derive(Debug)]
#[must_use = "dropped before a record leads to the payload, an erasure may remove that"]
pub struct Kept {
    digests: Digests,
    used: Used,
}

impl Kept {
    /// Its digests.
    #[must_use]
    pub const fn digests(&self) -> &Digests {
        &self.digests
    }
}

impl Deref for Kept {
    type Target = Digests;

    fn deref(&self) -> &Digests {
        &self.digests
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(&self.digests.sha256) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(used.remove(&self.digests.sha256)),
        }
    }
}

impl Payloads {
    /// Begins to keep a payload.
    pub(super) fn keeps(&self, digests: Digests) -> Kept {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used.entry(digests.sha256.clone()).or_default() += 1;
        Kept {
            digests,
            used: Arc::clone(&self.used),
        }
    }

    /// Removes a payload if nobody keeps it and `is_unused` finds no use of it. Its name is gone when this returns, also after a power cut.
    /// `false` when somebody keeps it at this moment: ask again.
    ///
    /// # Errors
    /// When it cannot be removed, or `is_unused` cannot tell.
    pub fn remove_unused<E: From<PayloadError>>(
        &self,
        sha256: &str,
        is_unused: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        let path = self.path(sha256)?;
        // Held to the end: whoever kept it before has its record by now, and whoever begins to writes it anew.
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(sha256) {
            return Ok(false);
        }
        if !is_unused()? {
            return Ok(true);
        }
        let failed = |source| PayloadError::File {
            path: path.clone(),
            what: "removed",
            source,
        };
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(e) => return Err(failed(e).into()),
        }
        sync(path.parent().unwrap_or(&self.directory)).map_err(failed)?;
        Ok(true)
    }

    /// SHA-256 of every payload.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn all(&self) -> Result<Vec<String>, PayloadError> {
        let folders: Vec<_> = self.folders().collect::<Result<_, _>>()?;
        Ok(folders.into_iter().flatten().collect())
    }

    /// The same folder by folder: one that cannot be read keeps the others from nothing.
    pub fn folders(&self) -> impl Iterator<Item = Result<Vec<String>, PayloadError>> {
        (0..=u8::MAX).map(|first| self.names_in(&self.directory.join(format!("{first:02x}"))))
    }

    fn names_in(&self, folder: &Path) -> Result<Vec<String>, PayloadError> {
        let failed = |source| failed(folder, "read", source);
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            // A restored store has those that it needs, until it is opened.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            // What has another name is not ours.
            if self.path(&name).is_ok() {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// Those that came, or came back, since it was said how far erasures are.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn changed(&self) -> Result<Vec<String>, PayloadError> {
        let changed_s = |path: &Path| match fs::metadata(path) {
            Ok(metadata) => Ok(metadata.ctime()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(i64::MIN),
            Err(e) => Err(failed(path, "read", e)),
        };
        // When a file was last changed is for the file system to say: nobody restores that. Within a second it is not known which came first.
        let said_s = changed_s(&self.directory.join(ERASED))?.saturating_sub(1);
        let mut found = Vec::new();
        for sha256 in self.all()? {
            if changed_s(&self.path(&sha256)?)? >= said_s {
                found.push(sha256);
            }
        }
        Ok(found)
    }

    /// How far erasures are carried out here; `None` when none ever was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn erased(&self) -> Result<Option<String>, PayloadError> {
        Self::erased_in(&self.directory)
    }

    /// [`Self::erased`] of a store in `directory` that need not be open; nothing is written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn erased_in(directory: &Path) -> Result<Option<String>, PayloadError> {
        let path = directory.join(ERASED);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            // What cannot be understood says nothing: what is erased twice is erased.
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(e) => Err(failed(&path, "read", e)),
        }
    }

    /// Says how far they are, durably.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_erased(&self, text: &str) -> Result<(), PayloadError> {
        let path = self.directory.join(ERASED);
        let written = tempfile::Builder::new()
            .prefix(super::RECEIVING)
            .tempfile_in(&self.directory)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|e| e.error)
            });
        let synced = written.and_then(|_: File| sync(&self.directory));
        synced.map_err(|source| failed(&path, "written", source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_keeps_is_not_removed_and_nobody_is_asked_whether_it_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        let unused = || Ok::<bool, PayloadError>(true);
        let (first, second) = (store.put(b"rain").unwrap(), store.put(b"rain").unwrap());
        let sha256 = first.sha256.clone();
        let asked = || Err(PayloadError::Name("nobody is to be asked".to_owned()));
        assert!(!store.remove_unused(&sha256, asked).unwrap());
        drop(first);
        assert!(
            !store.remove_unused(&sha256, asked).unwrap(),
            "the other one still keeps it"
        );
        drop(second);
        assert_eq!(store.all().unwrap(), std::slice::from_ref(&sha256));
        assert!(
            store
                .remove_unused(&sha256, || Ok::<bool, PayloadError>(false))
                .unwrap()
        );
        assert_eq!(store.read(&sha256).unwrap(), b"rain", "a record leads to it");
        assert!(store.remove_unused(&sha256, unused).unwrap());
        assert!(store.read(&sha256).is_err() && store.all().unwrap().is_empty());
        assert!(store.remove_unused(&sha256, unused).unwrap(), "it is gone already");
        let outside = store.remove_unused("../x", unused);
        assert!(matches!(outside, Err(PayloadError::Name(_))));
    }

    #[test]
    fn how_far_erasures_are_is_kept_and_no_payload() {
        let directory = tempfile::tempdir().unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        assert_eq!(store.erased().unwrap(), None);
        for text in ["log/1 7", "log/1 12"] {
            store.set_erased(text).unwrap();
            assert_eq!(
                Payloads::open(directory.path()).unwrap().erased().unwrap().as_deref(),
                Some(text)
            );
        }
        assert!(store.all().unwrap().is_empty());
    }
}
