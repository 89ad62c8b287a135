//! Whether the log's own disk has room for what linking its files takes: a disk that runs full stops the log, and not the backup alone.

use super::BackupError;
use super::error::io;
use std::fs;
use std::path::Path;

/// Beyond what is copied there: as much as the log writes meanwhile, while no old table can go, a few write-ahead logs of each store.
const BESIDE: u64 = 256 << 20;

/// That the disk of the log in `directory` has room for copies of its write-ahead logs, and for the log to go on.
///
/// # Errors
/// When it has not, or that cannot be found out.
pub(super) fn check(directory: &Path) -> Result<(), BackupError> {
    let mut copied = 0;
    for store in ["log", "keys"] {
        let store = directory.join(store);
        for entry in fs::read_dir(&store).map_err(io(&store, "read"))? {
            let entry = entry.map_err(io(&store, "read"))?;
            if entry.path().extension().is_some_and(|ending| ending == "log") {
                // One that goes meanwhile is not copied.
                copied += entry.metadata().map_or(0, |metadata| metadata.len());
            }
        }
    }
    let found = rustix::fs::statvfs(directory).map_err(|error| io(directory, "looked at")(error.into()))?;
    enough(directory, found.f_bavail.saturating_mul(found.f_frsize), copied)
}

fn enough(directory: &Path, free: u64, copied: u64) -> Result<(), BackupError> {
    let needed = copied.saturating_add(BESIDE);
    if free < needed {
        let path = directory.to_owned();
        return Err(BackupError::Room { path, free, needed });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_would_run_full_is_refused_before_anything_is_linked() {
        let folder = Path::new("/storage");
        enough(folder, BESIDE + 5, 5).unwrap();
        let error = enough(folder, BESIDE + 4, 5).unwrap_err().to_string();
        assert!(
            error.contains("/storage") && error.contains(&(BESIDE + 4).to_string()),
            "{error}"
        );
        let none = tempfile::tempdir().unwrap();
        assert!(check(none.path()).unwrap_err().to_string().contains("log"));
    }
}
