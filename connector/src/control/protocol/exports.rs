//! `ledger`: proofs of single records, and time stamps, in the forms of others.

use super::Command;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `ledger`: write something of the log in a form that programs of others read. What is written must not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum LedgerExport {
    /// A record's proof file (C2SP tlog-proof).
    Proof {
        /// Number of the record, or its leaf hash.
        record: String,
        /// The file.
        out: PathBuf,
    },
    /// A record's COSE receipt (RFC 9942).
    Receipt {
        /// Number of the record, or its leaf hash.
        record: String,
        /// The file.
        out: PathBuf,
    },
    /// All time stamps (RFC 3161), each with the checkpoint that it is of.
    Timestamps {
        /// The directory.
        out: PathBuf,
    },
}

impl Command for LedgerExport {
    const NAME: &'static str = "ledger";
    type Answer = LedgerExported;
}

/// Answer to `ledger`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", untagged)]
pub enum LedgerExported {
    /// A record's proof.
    Record(RecordExported),
    /// The time stamps.
    Timestamps(TimestampsExported),
}

/// A record's proof was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordExported {
    /// The file.
    pub path: PathBuf,
    /// Number of the record.
    pub index: u64,
    /// What the log holds of it, and the proof is of: 33 bytes, hex.
    pub entry: String,
    /// Records that the proof's checkpoint is over.
    pub size: u64,
    /// Names of the witnesses that cosigned that checkpoint.
    pub witnesses: Vec<String>,
    /// The log's verifier key (C2SP signed-note).
    pub log_key: String,
    /// The same key in PEM, as COSE tools want it.
    pub log_key_pem: String,
}

/// The time stamps were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampsExported {
    /// The directory.
    pub path: PathBuf,
    /// What is in it, the oldest first.
    pub timestamps: Vec<TimestampLine>,
}

/// One time stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampLine {
    /// The stamped bytes: a checkpoint.
    pub checkpoint: PathBuf,
    /// The authority's answer.
    pub response: PathBuf,
    /// Records that the checkpoint is over.
    pub size: u64,
    /// The stamped time: UTC milliseconds since 1970.
    pub time_ms: u64,
    /// Subject of the authority's certificate.
    pub authority: String,
    /// Its address.
    pub url: String,
}
