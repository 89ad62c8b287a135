//! Files copied with their digests, durable before anything says that they are there.

use super::BackupError;
use super::error::io;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Read and written at once.
const PIECE: usize = 1 << 20;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

/// Makes a folder for its owner alone; one that is there stays as it is.
pub(super) fn make_folder(path: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(io(path, "made"))
}

pub(super) fn sync(folder: &Path) -> Result<(), BackupError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io(folder, "synced"))
}

/// Reads a file to its end, in pieces; at most so many bytes of it, and nothing that is no file: a pipe has no end, and a link may lead to one.
fn read(path: &Path, most: u64, mut each: impl FnMut(&[u8]) -> Result<(), BackupError>) -> Result<Held, BackupError> {
    let kind = fs::symlink_metadata(path).map_err(io(path, "read"))?.file_type();
    if !kind.is_file() {
        return Err(BackupError::odd(path, kind));
    }
    let mut file = File::open(path).map_err(io(path, "read"))?;
    let (mut hasher, mut bytes, mut piece) = (Sha256::new(), 0, vec![0u8; PIECE]);
    loop {
        let n = match file.read(&mut piece) {
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(io(path, "read")(error)),
        };
        let got = piece.get(..n).unwrap_or_default();
        if got.is_empty() {
            break;
        }
        bytes += n as u64;
        if bytes > most {
            let path = path.to_owned();
            return Err(BackupError::Long { path, most });
        }
        hasher.update(got);
        each(got)?;
    }
    let sha256 = hex::encode(hasher.finalize());
    Ok(Held { sha256, bytes })
}

/// What a file holds.
pub(super) fn held(path: &Path) -> Result<Held, BackupError> {
    read(path, u64::MAX, |_| Ok(()))
}

/// A new file at `to`, for its owner alone; durable when this returns, but for its name. What has more than `most` bytes is not copied on.
pub(super) fn copy(from: &Path, to: &Path, most: u64) -> Result<Held, BackupError> {
    let mut new = new_file(to)?;
    let held = read(from, most, |piece| new.write_all(piece).map_err(io(to, "written")))?;
    new.sync_all().map_err(io(to, "synced"))?;
    Ok(held)
}

fn new_file(path: &Path) -> Result<File, BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map_err(io(path, "made"))
}

/// A new file with these bytes, likewise.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let mut new = new_file(path)?;
    new.write_all(bytes).map_err(io(path, "written"))?;
    new.sync_all().map_err(io(path, "synced"))
}

/// Files below `folder`, by their path from there, in order; folders named by `skipped` are left out. None where there is no folder. Links and
/// whatever else is neither file nor folder are refused: what is left out without a word is missed when it is too late.
pub(super) fn below(folder: &Path, skipped: &[&str]) -> Result<Vec<PathBuf>, BackupError> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(inner) = waiting.pop() {
        let path = folder.join(&inner);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(io(&path, "read")(error)),
        };
        for entry in entries {
            let entry = entry.map_err(io(&path, "read"))?;
            let kind = entry.file_type().map_err(io(&entry.path(), "read"))?;
            let name = entry.file_name();
            let Some(text) = name.to_str() else {
                let path = entry.path();
                return Err(BackupError::Odd {
                    path,
                    what: "has a name that is no UTF-8",
                });
            };
            if kind.is_dir() {
                if !skipped.contains(&text) {
                    waiting.push(inner.join(name));
                }
            } else if kind.is_file() {
                found.insert(inner.join(name));
            } else {
                return Err(BackupError::odd(&entry.path(), kind));
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Folders that were made for a copy, so that their names can be made durable at its end, and all of it removed if there is none.
#[derive(Default)]
pub(super) struct Made {
    roots: Vec<PathBuf>,
    folders: BTreeSet<PathBuf>,
    is_kept: bool,
}

impl Made {
    /// Folders that are made now, for their owner alone; they and what lies in them go when this is dropped before [`Self::keep`]. One that
    /// somebody else has made meanwhile is theirs.
    pub(super) fn anew(roots: &[&Path]) -> Result<Self, BackupError> {
        let mut made = Self::default();
        for root in roots {
            match DirBuilder::new().mode(0o700).create(root) {
                Ok(()) => made.roots.push((*root).to_owned()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let path = (*root).to_owned();
                    return Err(BackupError::Exists { path });
                }
                Err(error) => return Err(io(root, "made")(error)),
            }
            made.folders.insert((*root).to_owned());
        }
        Ok(made)
    }

    /// Nothing yet, in a folder that is there and stays.
    pub(super) fn within(root: &Path) -> Self {
        Self {
            roots: vec![root.to_owned()],
            folders: BTreeSet::new(),
            is_kept: true,
        }
    }

    /// The folder of a file that is to be made below `root`.
    pub(super) fn folder_of(&mut self, root: &Path, file: &Path) -> Result<(), BackupError> {
        let folder = file.parent().unwrap_or(root);
        if self.folders.contains(folder) {
            return Ok(());
        }
        make_folder(folder)?;
        let up = folder.ancestors().take_while(|path| path.starts_with(root));
        self.folders.extend(up.map(Path::to_owned));
        Ok(())
    }

    /// Makes every name durable.
    pub(super) fn sync(&self) -> Result<(), BackupError> {
        self.folders.iter().rev().try_for_each(|folder| sync(folder))?;
        for root in &self.roots {
            if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
                sync(above)?;
            }
        }
        Ok(())
    }

    /// It stays.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for root in self.roots.iter().filter(|_| !self.is_kept) {
            if let Err(error) = remove(root) {
                tracing::warn!(%error, "what was half made could not be removed");
            }
        }
    }
}

/// Removes a file or folder with all that is in it, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), BackupError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(path, "removed")(error)),
        _ => Ok(()),
    }
}
