//! What a storage directory says of itself: by which format it was written, and whether a restore was broken off in it.
//!
//! The stores in it have formats of their own (`ledger/`); this one is of the directory as a whole: where logs, payloads and a witness's memory
//! lie, and what the connector keeps beside its log.

use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Newest format of a storage directory that this version reads and writes. 0 is what had no such file.
pub const FORMAT: u64 = 1;
/// This version.
pub const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The file that says the format.
pub(crate) const NAME: &str = "format.json";
/// The file that is there while a restore is under way.
const RESTORING: &str = "restoring";
/// The file that is there from a restore to the next start.
const RESTORED: &str = "restored";
/// The file with the witness's keys that may not be used any more, a line each.
const WITNESS_LOST: &str = "witness-lost";

/// Why a storage directory is not used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A newer version wrote it.
    #[error(
        "`{path}` says that the storage directory has format {found}, written by version {program}; this is version {PROGRAM}, which knows up to format {FORMAT}: \
         use version {program} or a newer one, or restore a backup from before it (docs/backup.md)"
    )]
    Newer {
        /// The file that says so.
        path: PathBuf,
        /// Format found.
        found: u64,
        /// Version of the program that wrote it.
        program: String,
    },
    /// The file is not what it must be.
    #[error(
        "`{path}` is not what this program writes: {why}; expected `{{\"format\":{FORMAT},\"program\":\"...\"}}`: put it back from a backup"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// What a restore left for the next start is not what it must be.
    #[error("`{path}` is not what `herleid restore` writes: {why}; restore the backup again, into another directory")]
    Mark {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A restore was broken off.
    #[error(
        "a restore was broken off (`{path}` is there), so what lies beside it is not complete: run `herleid restore` again; it removes what lies there and begins anew"
    )]
    Restoring {
        /// The file that says so.
        path: PathBuf,
    },
    /// A file.
    #[error("`{path}`: {source}; see to the disk and to who may read and write there")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StorageError + '_ {
    move |source| StorageError::Io {
        path: path.to_owned(),
        source,
    }
}

#[derive(Serialize, Deserialize)]
struct Said {
    format: u64,
    program: String,
}

/// The format of the storage directory: 0 when nothing says one.
fn format(storage: &Path) -> Result<u64, StorageError> {
    let path = storage.join(NAME);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(0),
        Err(error) => return Err(io(&path)(error)),
    };
    // A newer one may say more.
    let said: Said = serde_json::from_slice(&text).map_err(|error| StorageError::Damaged {
        path: path.clone(),
        why: error.to_string(),
    })?;
    match said.format {
        0 => Err(StorageError::Damaged {
            path,
            why: "the format is 0".to_owned(),
        }),
        1..=FORMAT => Ok(said.format),
        found => Err(StorageError::Newer {
            path,
            found,
            program: said.program.chars().filter(|c| !c.is_control()).take(40).collect(),
        }),
    }
}

/// That this version can use the storage directory, also one that is not there. Nothing is written.
///
/// # Errors
/// When a newer version wrote it, or a restore was broken off.
pub fn check(storage: &Path) -> Result<(), StorageError> {
    if is_restoring(storage)? {
        return Err(StorageError::Restoring {
            path: storage.join(RESTORING),
        });
    }
    format(storage).map(|_| ())
}

/// Says that this version uses the directory. Format 0 differs from 1 in this file alone; what older versions kept in other places is taken
/// over where it is read.
///
/// # Errors
/// As [`check`], and when it cannot be written.
pub fn mark(storage: &Path) -> Result<(), StorageError> {
    check(storage)?;
    if format(storage)? == FORMAT {
        return Ok(());
    }
    let said = Said {
        format: FORMAT,
        program: PROGRAM.to_owned(),
    };
    let text = serde_json::to_string(&said).map_err(|error| StorageError::Damaged {
        path: storage.join(NAME),
        why: error.to_string(),
    })?;
    write(storage, NAME, &format!("{text}\n"))
}

/// Writes a file whole or not at all, for its owner alone; durable when this returns.
fn write(storage: &Path, name: &str, text: &str) -> Result<(), StorageError> {
    let (unfinished, path) = (storage.join(format!("{name}.tmp")), storage.join(name));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(&unfinished)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(io(&unfinished))?;
    fs::rename(&unfinished, &path).map_err(io(&path))?;
    sync(storage)
}

fn sync(folder: &Path) -> Result<(), StorageError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io(folder))
}

/// Whether a restore is under way, or was broken off.
pub(crate) fn is_restoring(storage: &Path) -> Result<bool, StorageError> {
    let path = storage.join(RESTORING);
    path.try_exists().map_err(io(&path))
}

/// Says that one is, before anything of it is there.
pub(crate) fn begin_restoring(storage: &Path, what: &str) -> Result<(), StorageError> {
    write(storage, RESTORING, &format!("{what}\n"))
}

/// Says that it is not any more: what is there is durable and was checked, or nothing is there.
pub(crate) fn end_restoring(storage: &Path) -> Result<(), StorageError> {
    let path = storage.join(RESTORING);
    fs::remove_file(&path).map_err(io(&path))?;
    sync(storage)
}

/// The backup that a restore under way, or broken off, is of.
pub(crate) fn restoring(storage: &Path) -> Result<Option<String>, StorageError> {
    Ok(read(&storage.join(RESTORING))?.map(|text| text.trim().to_owned()))
}

/// Forbids the witness's key whose memory is lost: what it cosigned is not known any more, and it could cosign another history. A key that was
/// lost before stays forbidden.
pub(crate) fn lose_witness(storage: &Path, key: &str) -> Result<(), StorageError> {
    let before = read(&storage.join(WITNESS_LOST))?.unwrap_or_default();
    if before.lines().any(|line| line.trim() == key) {
        return Ok(());
    }
    let lines = before.lines().chain([key]).map(|line| format!("{line}\n"));
    write(storage, WITNESS_LOST, &lines.collect::<String>())
}

/// The file that says so, if it forbids `key`.
pub(crate) fn lost_witness(storage: &Path, key: &str) -> Result<Option<PathBuf>, StorageError> {
    let path = storage.join(WITNESS_LOST);
    let found = read(&path)?.unwrap_or_default();
    Ok(found.lines().any(|line| line.trim() == key).then_some(path))
}

/// The text of a file, if it is there.
fn read(path: &Path) -> Result<Option<String>, StorageError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(path)(error)),
    }
}

/// What is known of a storage directory that was restored, until a service has started on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restored {
    /// Of which log.
    pub(crate) origin: String,
    /// Records in the backup.
    pub(crate) size: u64,
    /// When the backup was made: UTC milliseconds since 1970.
    pub(crate) made_ms: u64,
    /// Whether somebody said that nothing was recorded after it was made.
    pub(crate) nothing_since: bool,
}

/// Where that is kept.
pub(crate) fn restored_file(storage: &Path) -> PathBuf {
    storage.join(RESTORED)
}

/// Keeps that the directory was restored.
pub(crate) fn set_restored(storage: &Path, restored: &Restored) -> Result<(), StorageError> {
    let text = serde_json::to_string(restored).map_err(|error| StorageError::Mark {
        path: restored_file(storage),
        why: error.to_string(),
    })?;
    write(storage, RESTORED, &format!("{text}\n"))
}

/// Whether it was, and nothing has started on it since.
pub(crate) fn restored(storage: &Path) -> Result<Option<Restored>, StorageError> {
    let path = restored_file(storage);
    let Some(text) = read(&path)? else { return Ok(None) };
    let said = serde_json::from_str(&text).map_err(|error| StorageError::Mark {
        path,
        why: error.to_string(),
    })?;
    Ok(Some(said))
}

/// A service has started on it.
pub(crate) fn forget_restored(storage: &Path) -> Result<(), StorageError> {
    let path = restored_file(storage);
    match fs::remove_file(&path) {
        Ok(()) => sync(storage),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(&path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_directory_is_marked_and_a_newer_one_is_refused_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        check(&folder.path().join("nowhere")).unwrap();
        check(folder.path()).unwrap();
        assert!(!path.exists(), "a check writes nothing");
        mark(folder.path()).unwrap();
        mark(folder.path()).unwrap();
        check(folder.path()).unwrap();
        for (newer, says) in [
            (
                r#"{"format": 2, "program": "9.1", "more": []}"#,
                "format 2, written by version 9.1",
            ),
            (r#"{"format": 0, "program": "0"}"#, "the format is 0"),
            ("{", "is not what this program writes"),
        ] {
            fs::write(&path, newer).unwrap();
            let error = mark(folder.path()).unwrap_err().to_string();
            assert!(
                error.contains(says) && error.contains(&path.display().to_string()),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), newer);
        }
    }

    #[test]
    fn a_restore_that_was_broken_off_is_seen_and_a_lost_witness_is_forbidden_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        begin_restoring(folder.path(), "a backup").unwrap();
        let error = mark(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("was broken off") && error.contains("herleid restore"),
            "{error}"
        );
        end_restoring(folder.path()).unwrap();
        mark(folder.path()).unwrap();
        assert!(lost_witness(folder.path(), "a").unwrap().is_none());
        lose_witness(folder.path(), "a").unwrap();
        assert!(lost_witness(folder.path(), "a").unwrap().is_some());
        assert!(lost_witness(folder.path(), "b").unwrap().is_none());
        // Lost once more, with a new key: the first one is no better for it.
        for _ in 0..2 {
            lose_witness(folder.path(), "b").unwrap();
        }
        for key in ["a", "b"] {
            assert!(lost_witness(folder.path(), key).unwrap().is_some(), "{key}");
        }
        assert_eq!(fs::read_to_string(folder.path().join(WITNESS_LOST)).unwrap(), "a\nb\n");
    }

    #[test]
    fn that_a_directory_was_restored_is_known_until_something_starts_on_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(restored(folder.path()).unwrap(), None);
        forget_restored(folder.path()).unwrap();
        let said = Restored {
            origin: "a.example/log/1".to_owned(),
            size: 7,
            made_ms: 1,
            nothing_since: false,
        };
        set_restored(folder.path(), &said).unwrap();
        assert_eq!(restored(folder.path()).unwrap(), Some(said));
        fs::write(restored_file(folder.path()), "{}").unwrap();
        let error = restored(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("restored") && error.contains("restore the backup again"),
            "{error}"
        );
        forget_restored(folder.path()).unwrap();
        assert_eq!(restored(folder.path()).unwrap(), None);
    }
}
