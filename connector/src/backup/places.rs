//! Where a backup may lie: in two places of its own, neither within what it is a backup of.

use super::BackupError;
use super::error::io;
use std::path::{Path, PathBuf};

/// The path without links and steps back; its last part need not be there.
fn real(path: &Path) -> Result<PathBuf, BackupError> {
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    // One that does not end in a name ends in a step back.
    match path.canonicalize() {
        Ok(real) => Ok(real),
        Err(_) => Ok(above.canonicalize().map_err(io(above, "found"))?.join(name)),
    }
}

/// That both places are free, apart from each other, and outside of `storage` and `secrets`.
///
/// # Errors
/// Names the place and what it must not be.
pub(super) fn check(out: &Path, keys: &Path, storage: &Path, secrets: &Path) -> Result<(), BackupError> {
    for path in [out, keys] {
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(BackupError::Exists { path: path.to_owned() });
        }
    }
    let (own, other) = (real(out)?, real(keys)?);
    let within = |path: &Path, of: &Path, why| {
        Err(BackupError::Inside {
            path: path.to_owned(),
            of: of.to_owned(),
            why,
        })
    };
    for (path, real_path) in [(out, &own), (keys, &other)] {
        if real_path.starts_with(real(storage)?) {
            return within(path, storage, "which it is a backup of");
        }
        if real_path.starts_with(real(secrets)?) {
            return within(path, secrets, "where the key files are");
        }
    }
    if other.starts_with(&own) {
        return within(keys, out, "and section keys are kept apart, for a shorter time");
    }
    if own.starts_with(&other) {
        return within(out, keys, "and section keys are kept apart, for a shorter time");
    }
    Ok(())
}
