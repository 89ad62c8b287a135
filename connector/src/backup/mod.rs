//! Backups: a storage directory as it was at one moment, in two parts that can be kept apart and for different times
//! (docs/backup.md, docs/decisions/0023-backup.md).
//!
//! The main part has the log, documents and payloads; the other one the wrapped keys of the sections, without which nothing in the log can be
//! read. Each has its manifest, signed by the log's key. Both are checked after they were made, and again when they are restored.

mod check;
mod command;
mod error;
mod files;
mod make;
mod manifest;
mod over;
mod places;
mod restore;
mod room;

pub(crate) use command::{backup, clear, made};
pub(crate) use error::BackupError;
pub(crate) use restore::{Said, restore};

use crate::config::Config;
use crate::node::Secrets;
use herleid_ledger::Ledger;

/// What a backup is made of.
pub(crate) struct Source<'a> {
    pub(crate) config: &'a Config,
    pub(crate) secrets: &'a Secrets,
    pub(crate) ledger: &'a Ledger,
    /// UTC milliseconds since 1970.
    pub(crate) now_ms: u64,
    /// Names the backup.
    pub(crate) id: String,
}

/// Told how far a step is: its name, what is done, how much there is in all.
pub(crate) type Told<'a> = &'a mut dyn FnMut(&'static str, u64, u64);
