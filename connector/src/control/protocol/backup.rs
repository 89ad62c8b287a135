//! `backup`: the storage directory as it is, in two parts.

use super::Command;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `backup`: make one while the service goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Where log, documents and payloads go; must not exist.
    pub out: PathBuf,
    /// Where the section keys go; must not exist.
    pub keys: PathBuf,
}

impl Command for Backup {
    const NAME: &'static str = "backup";
    type Answer = BackupAnswer;
}

/// Answer to `backup`: what was made, read back and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupAnswer {
    /// Identifier of the backup; both parts have it.
    pub backup: String,
    /// Where log, documents and payloads are.
    pub out: PathBuf,
    /// Where the section keys are.
    pub keys: PathBuf,
    /// The log's origin.
    pub origin: String,
    /// Records in it.
    pub size: u64,
    /// Root over them, hex.
    pub root: String,
    /// Files in both parts.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// As of when: UTC milliseconds since 1970.
    pub made_ms: u64,
    /// Logs that are over and do not verify, each with what is wrong: they are kept as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsound: Vec<String>,
    /// Logs that are over and are not in it, each with the reason: they cannot be read, and something was erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}
