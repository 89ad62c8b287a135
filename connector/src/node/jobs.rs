//! Where model programs run: a directory that the user who runs them can enter, and nobody else can fill.

use crate::models::sandbox::SandboxError;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

fn refuse(why: String) -> SandboxError {
    SandboxError::NotPossible { why }
}

/// The directory for jobs of the connector that keeps its data in `storage`.
///
/// It lies within the storage, unless Herleid runs as root: then programs run as the user nobody, who must not be able to
/// enter the storage, and the directory lies below `/var/tmp` under a name of its own.
pub(super) fn directory(storage: &Path) -> Result<PathBuf, SandboxError> {
    let own = fs::metadata("/proc/self")
        .map_err(|e| refuse(format!("/proc is not mounted: {e}")))?
        .uid();
    let jobs = match own {
        0 => {
            let storage = fs::canonicalize(storage).map_err(|e| refuse(format!("`{}`: {e}", storage.display())))?;
            let name = hex::encode(Sha256::digest(storage.as_os_str().as_bytes()));
            PathBuf::from(format!("/var/tmp/herleid-jobs-{}", name.get(..16).unwrap_or_default()))
        }
        _ => storage.join("jobs"),
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
}
