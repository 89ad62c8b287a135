//! `ledger`: what of the log programs of others read, time stamps checked, and a lost log continued.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `ledger`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid ledger proof 12 --out 12.tlog-proof")]
pub struct LedgerArguments {
    /// What to do
    #[command(subcommand)]
    pub action: LedgerAction,
}

/// What `ledger` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum LedgerAction {
    /// Write a record's proof as a c2sp.org/tlog-proof file
    #[command(after_help = "Example:\n  herleid ledger proof 12 --out 12.tlog-proof")]
    Proof(RecordArguments),
    /// Write a record's proof as a COSE receipt (RFC 9942)
    #[command(after_help = "Example:\n  herleid ledger receipt 12 --out 12.cose")]
    Receipt(RecordArguments),
    /// Write the time stamps on checkpoints (RFC 3161), each with its checkpoint
    Timestamps(TimestampsArguments),
    /// Check a time stamp; needs no configuration and no network
    CheckTimestamp(CheckTimestampArguments),
    /// Begin the successor of a log that was lost; says what it would do, and does it with --confirm
    Continue(ContinueArguments),
}

/// `ledger continue`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Examples:\n  herleid ledger continue\n  \
                  herleid ledger continue --confirm knmi.example/log/1")]
pub struct ContinueArguments {
    /// Do it; the origin of the log that is over, typed out
    #[arg(long, value_name = "ORIGIN")]
    pub confirm: Option<String>,
    /// A checkpoint of that log which somebody kept; may be given several times
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
    /// Also when nothing is known to be lost, as when `herleid doctor` found damage
    #[arg(long)]
    pub even_if_sound: bool,
}

/// `ledger proof`, `ledger receipt`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RecordArguments {
    /// Number of the record, from 0, or its leaf hash
    pub record: String,
    /// The file to write; must not exist yet
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `ledger timestamps`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid ledger timestamps --out timestamps")]
pub struct TimestampsArguments {
    /// The directory to write; must not exist yet
    #[arg(long, value_name = "DIRECTORY")]
    pub out: PathBuf,
}

/// `ledger check-timestamp`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid ledger check-timestamp 300.checkpoint 300.tsr \\\n    \
                  --authority tsa.pem --log-key log.vkey"
)]
pub struct CheckTimestampArguments {
    /// The checkpoint
    #[arg(value_name = "CHECKPOINT")]
    pub checkpoint: PathBuf,
    /// The time authority's answer
    #[arg(value_name = "ANSWER")]
    pub response: PathBuf,
    /// Certificates (PEM) that the authority's own must lead to
    #[arg(long, value_name = "FILE")]
    pub authority: PathBuf,
    /// A file with the log's verifier key, as `herleid status` shows it
    #[arg(long, value_name = "FILE")]
    pub log_key: PathBuf,
}
