//! Commands of who has to do something under an agreement, or waits for it.

use clap::{Args, Subcommand};

/// `duties`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid duties --agreement urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d")]
pub struct DutiesArguments {
    /// Only those under this agreement
    #[arg(long, value_name = "AGREEMENT")]
    pub agreement: Option<String>,
    /// How many to show; 0 shows all
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u64,
}

/// `duty`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid duty fulfil urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d delete \\\n    \
                  --statement 'Deleted after the assessment; no copies were made.'"
)]
pub struct DutyArguments {
    /// What to do
    #[command(subcommand)]
    pub action: DutyAction,
}

/// What `duty` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DutyAction {
    /// Do what this connector can do of an obligation of yours, and state to the other party that it was done
    #[command(
        after_help = "Example:\n  herleid duty fulfil urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d delete \\\n    \
                      --statement 'Deleted after the assessment; no copies were made.'"
    )]
    Fulfil(FulfilArguments),
}

/// `duty fulfil`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FulfilArguments {
    /// The agreement
    #[arg(value_name = "AGREEMENT")]
    pub agreement: String,
    /// The obligation, as `herleid duties` shows it, or its action (delete, inform) where there is one of it; delete removes the data from this connector
    #[arg(value_name = "OBLIGATION")]
    pub obligation: String,
    /// What was done, in your own words; recorded by both parties
    #[arg(long, value_name = "TEXT")]
    pub statement: String,
}
