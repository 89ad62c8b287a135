//! What can go wrong with a backup, for whoever has to do something about it.

use crate::commands::Failure;
use crate::continuing::PlaceError;
use crate::control::error::{Code, ControlError};
use crate::erasure::register::RegisterError;
use crate::storage::{FORMAT, PROGRAM, StorageError};
use herleid_ledger::LedgerError;
use herleid_ledger::note::NoteError;
use std::fs::FileType;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why a backup is not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// A file or folder.
    #[error("`{path}` cannot be {what}: {source}")]
    Io {
        path: PathBuf,
        what: &'static str,
        source: std::io::Error,
    },
    /// A place that something lies in already.
    #[error("`{path}` is there already; expected a name that is free, and nothing is overwritten")]
    Exists { path: PathBuf },
    /// One place within another.
    #[error("`{path}` lies in `{of}`, {why}; expected a place outside of it")]
    Inside {
        path: PathBuf,
        of: PathBuf,
        why: &'static str,
    },
    /// Storage that is in use by a log.
    #[error(
        "`{path}` is there, so the storage directory holds a log, or what is left of one; expected a directory without"
    )]
    Holds { path: PathBuf },
    /// A folder that is no backup, or half of one.
    #[error("there is no `{path}`: either this is no backup, or it was never finished; expected {expected}")]
    NotABackup { path: PathBuf, expected: &'static str },
    /// A manifest that cannot be used.
    #[error("`{path}` is not the manifest of a backup: {why}; expected what `herleid backup` wrote")]
    Manifest { path: PathBuf, why: String },
    /// A manifest under another key.
    #[error("`{path}` is not signed by the key of this log: {source}")]
    Signature { path: PathBuf, source: NoteError },
    /// Written by a newer version.
    #[error(
        "`{path}` was made by version {program}, format {found}; this is version {PROGRAM}, which knows up to format {FORMAT}"
    )]
    Newer {
        path: PathBuf,
        found: String,
        program: String,
    },
    /// Another party's, or another log's.
    #[error("`{path}` is of the {what} `{found}`, expected `{expected}`")]
    Other {
        path: PathBuf,
        what: &'static str,
        found: String,
        expected: String,
    },
    /// A listed file that is not there.
    #[error("`{path}` is missing; expected a file with the SHA-256 {expected}, as the manifest lists it")]
    Missing { path: PathBuf, expected: String },
    /// A file that is not what the list says.
    #[error("`{path}` was altered or cut: its SHA-256 is {found}, expected {expected}")]
    Differs {
        path: PathBuf,
        found: String,
        expected: String,
    },
    /// A file with more than there can be in all.
    #[error("`{path}` has more than the {most} bytes that are left of what its manifest says of all files together")]
    Long { path: PathBuf, most: u64 },
    /// Neither a file nor a folder.
    #[error("`{path}` {what}; expected files and folders alone: what lies behind anything else would be in no backup")]
    Odd { path: PathBuf, what: &'static str },
    /// What was erased and is in files still.
    #[error(
        "something that was erased stands in files of the log still, or among the payloads, and a backup would keep it beyond the time by which it was to be gone"
    )]
    Unburied,
    /// What is led to cannot be told.
    #[error("which payloads are to be in the backup cannot be told: {why}")]
    Leads { why: String },
    /// Something was recorded since, whoever says otherwise.
    #[error(
        "something was recorded after the backup of {size} records was made: {why} (the list of erasures; the log's own key has signed it), so `--nothing-since` is not true"
    )]
    WentOn { why: String, size: u64 },
    /// A restore of another backup that was broken off.
    #[error(
        "a restore of the backup `{found}` was broken off in this storage directory, and this is the backup `{backup}`: what lies there would be removed"
    )]
    OtherRestore { found: String, backup: String },
    /// Not enough room for what is copied on the log's own disk.
    #[error(
        "the disk of `{path}` has {free} bytes free, and linking the log's files there takes up to {needed}: the log needs room to go on"
    )]
    Room { path: PathBuf, free: u64, needed: u64 },
    /// A payload that is not what its name says.
    #[error("the payload `{path}` has changed on disk: its SHA-256 is {found}, expected its name")]
    Payload { path: PathBuf, found: String },
    /// The log in a backup is not what its manifest says.
    #[error("the log in `{path}` has {found}, expected {expected}, as its manifest says")]
    OtherLog {
        path: PathBuf,
        found: String,
        expected: String,
    },
    /// A log that does not verify.
    #[error("the log in `{path}` does not verify: {source}")]
    Unsound { path: PathBuf, source: LedgerError },
    /// A log that was found damaged before.
    #[error("the log was found damaged, and a backup of it would be worth nothing: {found}")]
    FoundUnsound { found: String },
    /// Nobody can say what was erased since.
    #[error(
        "nothing says what was erased after this backup was made, and restoring it would bring that back: `erasure.register` is not set"
    )]
    NoErasures,
    /// The list of what was erased since.
    #[error(transparent)]
    Erasures(#[from] RegisterError),
    /// The log itself.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Where it lies.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The storage directory.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

pub(super) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, what, source }
}

impl BackupError {
    /// What is neither file nor folder.
    pub(super) fn odd(path: &Path, kind: FileType) -> Self {
        let what = match kind {
            kind if kind.is_symlink() => "is a symbolic link",
            kind if kind.is_dir() => "is a folder",
            _ => "is neither a file nor a folder",
        };
        let path = path.to_owned();
        Self::Odd { path, what }
    }

    fn code(&self) -> Code {
        match self {
            Self::Exists { .. } | Self::Inside { .. } => Code::Usage,
            Self::Holds { .. }
            | Self::NoErasures
            | Self::Erasures(_)
            | Self::Unburied
            | Self::WentOn { .. }
            | Self::OtherRestore { .. } => Code::Refused,
            Self::NotABackup { .. } | Self::Missing { .. } => Code::Missing,
            Self::Signature { .. } | Self::Other { .. } | Self::Differs { .. } | Self::Long { .. } => Code::Untrusted,
            Self::Newer { .. } | Self::Place(_) | Self::Storage(StorageError::Newer { .. }) => Code::Configuration,
            Self::Io { source, .. } if source.kind() == ErrorKind::NotFound => Code::Missing,
            _ => Code::Failed,
        }
    }

    /// What to do next.
    fn next(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                "free space there, or name a place with more; what was half written has been removed, and it can be run again"
            }
            Self::Io { .. } => "see to the place and to who may read and write there, then run it again",
            Self::Exists { .. } => "name another place with `--out` or `--keys`, or move away what is there",
            Self::Inside { .. } => "name another place, on another disk",
            Self::Holds { .. } => {
                "to restore, move the whole storage directory away and keep it: it is evidence of what was lost"
            }
            Self::NotABackup { .. } => "name the two folders that `herleid backup` made with `--from` and `--keys`",
            Self::Manifest { .. } => "use another copy of this backup, or another backup",
            Self::Signature { .. } => {
                "use a backup of this log, with the key files of its participant; where both are right, somebody altered the manifest"
            }
            Self::Newer { .. } => "use that version or a newer one",
            Self::Other { .. } => "use the backup that belongs there, or the configuration that belongs to the backup",
            Self::Missing { .. } | Self::Differs { .. } | Self::Long { .. } => {
                "use another copy of this backup, or another backup"
            }
            Self::Odd { .. } => {
                "put what it leads to in its place, or mount the other disk there, with the service stopped; then run it again"
            }
            Self::Unburied => {
                "it is tried again every minute, in logs that are over less and less often, and at each start and each backup, and the service says why it cannot be done; make the backup when `herleid erase show` says that it is done"
            }
            Self::WentOn { .. } => {
                "restore without it; then `herleid ledger continue` begins a successor log (docs/ledger-lost.md)"
            }
            Self::OtherRestore { .. } => {
                "restore that backup again, or move the whole storage directory away and keep what is of worth in it"
            }
            Self::Leads { .. } => "see what `herleid doctor` says of the log, then run it again",
            Self::Room { .. } => "free space there, then run it again; nothing was linked or copied",
            Self::Payload { .. } => {
                "put the file back from an earlier backup, or move it away: then it is missing, and the backup says nothing of it"
            }
            Self::OtherLog { .. } | Self::Unsound { .. } => {
                "do not use this backup; see what `herleid doctor` says of the log that it is of"
            }
            Self::FoundUnsound { .. } => {
                "see what `herleid doctor` says; to keep the directory as evidence, stop the service and copy it"
            }
            Self::NoErasures | Self::Erasures(_) => {
                "set `erasure.register` to the folder in which erasures are listed (docs/backup.md); or, if nothing was erased since, say `--without-erasures`"
            }
            Self::Ledger(_) | Self::Place(_) | Self::Storage(_) => "see what `herleid doctor` says",
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::new(error.code(), &error).next(error.next())
    }
}

impl From<BackupError> for ControlError {
    fn from(error: BackupError) -> Self {
        Failure::from(error).into()
    }
}
