//! Commands of who keeps the log: backups, putting one back, and for how long it is kept.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `backup`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid backup --out /backup/2026-11-22 --keys /short-lived/2026-11-22")]
pub struct BackupArguments {
    /// The directory to write, for the log, documents and payloads; must not exist yet
    #[arg(long, value_name = "DIRECTORY")]
    pub out: PathBuf,
    /// The directory to write, for the section keys; keep it apart, and for a short time; must not exist yet
    #[arg(long, value_name = "DIRECTORY")]
    pub keys: PathBuf,
}

/// `restore`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid restore --from /backup/2026-11-22 --keys /short-lived/2026-11-22")]
pub struct RestoreArguments {
    /// The directory that a backup wrote with --out
    #[arg(long, value_name = "DIRECTORY")]
    pub from: PathBuf,
    /// The directory that the same backup wrote with --keys
    #[arg(long, value_name = "DIRECTORY")]
    pub keys: PathBuf,
    /// Also where no list of erasures is kept (erasure.register): you know that nothing was erased since
    #[arg(long)]
    pub without_erasures: bool,
    /// Also where no witness can say so: you know that nothing was recorded since
    #[arg(long)]
    pub nothing_since: bool,
}

/// `retention`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid retention plan")]
pub struct RetentionArguments {
    /// What to do
    #[command(subcommand)]
    pub action: RetentionAction,
}

/// What `retention` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum RetentionAction {
    /// Show what is due, and why the rest is not
    #[command(after_help = "Example:\n  herleid retention plan --on 2033-01-01")]
    Plan(RetentionPlanArguments),
    /// Propose to erase what is due, with your token on standard input; another person approves it
    #[command(after_help = "Example:\n  herleid retention apply")]
    Apply(RetentionApplyArguments),
}

/// `retention plan`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RetentionPlanArguments {
    /// What will be due by the beginning of this day (UTC); without it: now
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub on: Option<u64>,
}

/// `retention apply`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RetentionApplyArguments {
    /// In how many days it is gone from backups and from those who received it, too
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub complete_days: u32,
}

/// A day, as UTC milliseconds since 1970.
fn day(text: &str) -> Result<u64, String> {
    let is_day = text.len() == 10;
    let parsed = herleid_vocab::time::parse_rfc3339_ms(&format!("{text}T00:00:00Z"));
    parsed
        .ok()
        .filter(|_| is_day)
        .ok_or_else(|| "expected a day such as 2033-01-01".to_owned())
}
