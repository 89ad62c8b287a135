//! Commands of who keeps the log: backups, and putting one back.

use clap::Args;
use std::path::PathBuf;

/// `backup`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid backup --out /backup/2026-11-22 --keys /short-lived/2026-11-22"
)]
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
#[command(
    after_help = "Example:\n  herleid restore --from /backup/2026-11-22 --keys /short-lived/2026-11-22"
)]
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
}
