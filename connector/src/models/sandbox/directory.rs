//! The directory of one job: who may read what in it, and that it goes when the job is over.

use super::JOB_PREFIX;
use super::error::SandboxError;
use super::host::{Identity, NOBODY};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Job directories that somebody in this process uses, by their full paths: what else is there is left over.
static IN_USE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn in_use() -> std::sync::MutexGuard<'static, BTreeSet<PathBuf>> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory that goes when this value goes.
#[derive(Debug)]
pub(super) struct JobDirectory {
    pub(super) path: PathBuf,
    identity: Identity,
}

impl JobDirectory {
    /// Makes the directory for the job `id`.
    pub(super) fn create(jobs: &Path, id: &str, identity: Identity) -> Result<Self, SandboxError> {
        let safe = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if id.is_empty() || id.len() > 64 || !id.bytes().all(safe) {
            return Err(SandboxError::Job {
                why: format!("`{}` cannot name a job", id.escape_debug()),
            });
        }
        let jobs = fs::canonicalize(jobs).map_err(SandboxError::io(jobs))?;
        let path = jobs.join(format!("{JOB_PREFIX}{id}"));
        {
            // Nothing takes away what is made in this moment.
            let mut used = in_use();
            // Fails where it exists: a job is never run into what another one left.
            DirBuilder::new()
                .mode(0o700)
                .create(&path)
                .map_err(SandboxError::io(&path))?;
            used.insert(path.clone());
        }
        let directory = Self { path, identity };
        directory.share(&directory.path, 0o750)?;
        Ok(directory)
    }

    /// Lets who runs read, and nobody else: as root by the group nobody, otherwise the owner alone.
    pub(super) fn share(&self, path: &Path, mode: u32) -> Result<(), SandboxError> {
        let failed = SandboxError::io(path);
        match self.identity {
            Identity::Own => fs::set_permissions(path, Permissions::from_mode(mode & 0o700)).map_err(failed),
            Identity::Nobody => {
                chown(path, Some(0), Some(NOBODY)).map_err(&failed)?;
                fs::set_permissions(path, Permissions::from_mode(mode)).map_err(&failed)
            }
        }
    }

    /// A folder of the job directory that who runs can read.
    pub(super) fn folder(&self, name: &str) -> Result<(), SandboxError> {
        let path = self.path.join(name);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(SandboxError::io(&path))?;
        self.share(&path, 0o750)
    }

    /// A new file of the job directory that who runs can read.
    pub(super) fn file(&self, name: &str, mode: u32) -> Result<File, SandboxError> {
        let path = self.path.join(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(SandboxError::io(&path))?;
        self.share(&path, mode)?;
        Ok(file)
    }

    /// `out/`, the one place where the program may write.
    pub(super) fn open_output(&self) -> Result<(), SandboxError> {
        let path = self.path.join("out");
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(SandboxError::io(&path))?;
        match self.identity {
            Identity::Own => Ok(()),
            Identity::Nobody => chown(&path, Some(NOBODY), Some(NOBODY)).map_err(SandboxError::io(&path)),
        }
    }
}

impl Drop for JobDirectory {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a job directory could not be removed; the next start, or erasure, sweeps it");
        }
        in_use().remove(&self.path);
    }
}

/// Removes every job directory in `jobs` that nobody uses.
pub(super) fn sweep(jobs: &Path) -> Result<usize, SandboxError> {
    let jobs = fs::canonicalize(jobs).map_err(SandboxError::io(jobs))?;
    let mut removed = 0;
    for entry in fs::read_dir(&jobs).map_err(SandboxError::io(&jobs))? {
        let entry = entry.map_err(SandboxError::io(&jobs))?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(JOB_PREFIX) && !in_use().contains(&path) {
            match remove(&path) {
                // Whoever used it has removed it just now.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => {
                    other.map_err(SandboxError::io(&path))?;
                    removed += 1;
                }
            }
        }
    }
    Ok(removed)
}

/// Removes a tree, also where a program has taken its own folders' permissions away.
fn remove(path: &Path) -> std::io::Result<()> {
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    fs::remove_dir_all(path)
}
