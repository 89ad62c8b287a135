//! Where model programs run: a directory that the user who runs them can enter, and nobody else can fill.

use crate::models::sandbox::{self, SandboxError};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

fn refuse(why: String) -> SandboxError {
    SandboxError::NotPossible { why }
}

fn own() -> Result<u32, SandboxError> {
    let own = fs::metadata("/proc/self");
    Ok(own.map_err(|e| refuse(format!("/proc is not mounted: {e}")))?.uid())
}

/// Within the storage.
fn within(storage: &Path) -> PathBuf {
    storage.join("jobs")
}

/// Where the user nobody can enter it, whom programs run as when Herleid runs as root.
fn beside(storage: &Path) -> Result<PathBuf, SandboxError> {
    let storage = fs::canonicalize(storage).map_err(|e| refuse(format!("`{}`: {e}", storage.display())))?;
    let name = hex::encode(Sha256::digest(storage.as_os_str().as_bytes()));
    Ok(PathBuf::from(format!(
        "/var/tmp/herleid-jobs-{}",
        name.get(..16).unwrap_or_default()
    )))
}

/// The directory for jobs of the connector that keeps its data in `storage`.
///
/// It lies within the storage, unless Herleid runs as root: then programs run as the user nobody, who must not be able to
/// enter the storage, and the directory lies below `/var/tmp` under a name of its own.
pub(super) fn directory(storage: &Path) -> Result<PathBuf, SandboxError> {
    let own = own()?;
    let jobs = match own {
        0 => beside(storage)?,
        _ => within(storage),
    };
    let made = fs::DirBuilder::new().mode(0o711).create(&jobs);
    let found = fs::symlink_metadata(&jobs).map_err(|e| refuse(format!("`{}` cannot be made: {e}", jobs.display())))?;
    // Somebody else's directory of that name could be changed under a running program.
    if made.is_err() && (!found.is_dir() || found.uid() != own || found.mode() & 0o022 != 0) {
        return Err(refuse(format!(
            "`{}` exists and is not a directory of ours that only we can write; remove it",
            jobs.display()
        )));
    }
    Ok(jobs)
}

/// Removes what runs left on the disk that are over: copies of their inputs, and their parameters. Wherever this connector ran them, also as another
/// user before. What does not exist is not made.
///
/// # Errors
/// When something cannot be looked at or removed.
pub(super) fn sweep(storage: &Path) -> Result<usize, SandboxError> {
    let own = own()?;
    let mut places = vec![(within(storage), true)];
    if own == 0 {
        places.push((beside(storage)?, false));
    }
    let mut removed = 0;
    for (jobs, is_within) in places {
        let found = match fs::symlink_metadata(&jobs) {
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(|e| refuse(format!("`{}` cannot be looked at: {e}", jobs.display())))?,
        };
        // Everybody can make something of that name below `/var/tmp`.
        if !found.is_dir() || !(is_within || found.uid() == own) {
            return Err(refuse(format!(
                "`{}`, where copies of what models ran on may lie, is not a directory of ours; see what it is, and remove it",
                jobs.display()
            )));
        }
        removed += sandbox::sweep(&jobs)?;
    }
    Ok(removed)
}

/// What runs leave on the disk, as erasing has to know it.
#[derive(Default)]
pub(crate) struct Jobs {
    /// The mark of the last erasure, and which of the runs are still going on that were when it was first looked at.
    pending: Mutex<Option<(String, BTreeSet<String>)>>,
}

impl Jobs {
    /// Whether nothing lies there that was brought before the erasure with this mark: the runs that were going on then, of those that are `open` now,
    /// are over, and what they left is removed.
    ///
    /// # Errors
    /// When something cannot be looked at or removed.
    pub(crate) fn are_gone(&self, storage: &Path, mark: &str, open: BTreeSet<String>) -> Result<bool, SandboxError> {
        let is_over = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let runs = match pending.take() {
                Some((of, runs)) if of == mark => runs.intersection(&open).cloned().collect(),
                _ => open,
            };
            let is_over = runs.is_empty();
            *pending = Some((mark.to_owned(), runs));
            is_over
        };
        sweep(storage)?;
        Ok(is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_storage_has_one_directory_and_a_foreign_one_is_refused() {
        let storage = tempfile::tempdir().unwrap();
        let jobs = directory(storage.path()).unwrap();
        assert_eq!(directory(storage.path()).unwrap(), jobs);
        fs::remove_dir(&jobs).unwrap();
        std::os::unix::fs::symlink("/tmp", &jobs).unwrap();
        assert!(directory(storage.path()).is_err());
        fs::remove_file(&jobs).unwrap();
    }

    #[test]
    fn what_a_run_left_is_swept_wherever_it_ran_and_nothing_is_made_for_that() {
        let storage = tempfile::tempdir().unwrap();
        assert_eq!(sweep(storage.path()).unwrap(), 0);
        assert_eq!(fs::read_dir(storage.path()).unwrap().count(), 0);
        let jobs = directory(storage.path()).unwrap();
        for place in [&jobs, &within(storage.path())] {
            fs::create_dir_all(place.join("job-1/in")).unwrap();
            fs::write(place.join("job-1/in/letter.txt"), "A. de Vries").unwrap();
            fs::write(place.join("else"), "not ours").unwrap();
        }
        let places = BTreeSet::from([jobs.clone(), within(storage.path())]);
        assert_eq!(sweep(storage.path()).unwrap(), places.len());
        for place in places {
            assert!(!place.join("job-1").exists() && place.join("else").exists());
        }
        fs::remove_dir_all(&jobs).unwrap();
    }

    #[test]
    fn runs_that_were_going_on_are_waited_for_and_later_ones_are_not() {
        let storage = tempfile::tempdir().unwrap();
        let jobs = Jobs::default();
        let are_gone = |mark: &str, open: &[&str]| {
            let open = open.iter().map(|run| (*run).to_owned()).collect();
            jobs.are_gone(storage.path(), mark, open).unwrap()
        };
        assert!(!are_gone("log/1 7", &["a", "b"]));
        assert!(!are_gone("log/1 7", &["b", "c"]), "b is still going on");
        assert!(are_gone("log/1 7", &["c", "a"]), "these have begun since");
        assert!(!are_gone("log/1 9", &["c"]), "another erasure");
        fs::write(within(storage.path()), "no directory").unwrap();
        assert!(jobs.are_gone(storage.path(), "log/1 9", BTreeSet::new()).is_err());
    }
}
