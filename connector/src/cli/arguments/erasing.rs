//! Commands of who has something erased, or forbids it.

use clap::{Args, Subcommand};

/// Which records are meant; one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[group(required = true, multiple = false)]
pub struct MeantArguments {
    /// Number of a record, from 0; may be given several times
    #[arg(long, value_name = "NUMBER")]
    pub record: Vec<u64>,
    /// The records of this case
    #[arg(long, value_name = "CASE")]
    pub case: Option<String>,
    /// The records under this agreement, but for the agreement itself
    #[arg(long, value_name = "AGREEMENT")]
    pub agreement: Option<String>,
}

/// `erase`. Who proposes, approves or rejects gives a token of their own on standard input.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid erase list")]
pub struct EraseArguments {
    /// What to do
    #[command(subcommand)]
    pub action: EraseAction,
}

/// What `erase` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum EraseAction {
    /// Say what is to be erased, and why, with your token on standard input; nothing is before another person approves
    Propose(EraseProposeArguments),
    /// Approve what another person proposed, with your own token on standard input: it is erased at once, and does not come back
    #[command(after_help = "Example:\n  herleid erase approve 0192f0c1-2b3c-7d4e-8f50-112233445566")]
    Approve(EraseDecideArguments),
    /// End a proposal, with your token on standard input
    #[command(after_help = "Example:\n  herleid erase reject 0192f0c1-2b3c-7d4e-8f50-112233445566")]
    Reject(EraseDecideArguments),
    /// List what was proposed, erased and rejected
    #[command(after_help = "Example:\n  herleid erase list --json")]
    List,
    /// List what other parties said they have erased of what they exchanged with you
    #[command(after_help = "Example:\n  herleid erase told --json")]
    Told,
    /// Look at one proposal
    #[command(after_help = "Example:\n  herleid erase show 0192f0c1-2b3c-7d4e-8f50-112233445566")]
    Show(EraseShowArguments),
}

/// `erase propose`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid erase propose --case Z2026-17 --ground archiefwet \\\n    \
                  --authority 'Selectielijst gemeenten 2020, 11.1'\n  \
                  herleid erase propose --record 12 --section people --ground avg-17 \\\n    \
                  --authority 'request 2026-204' --complete-days 14\n  \
                  herleid erase propose --case Z2025-3 --log knmi.example/log/1 --ground avg-17 \\\n    \
                  --authority 'request 2026-205'"
)]
pub struct EraseProposeArguments {
    /// Which records
    #[command(flatten)]
    pub what: MeantArguments,
    /// Of this log, which is over, by its origin; without it: of the one that goes on
    #[arg(long, value_name = "ORIGIN")]
    pub log: Option<String>,
    /// Only this section; without it: all but the exchange that the other end holds too; may be given several times
    #[arg(long = "section", value_name = "NAME")]
    pub sections: Vec<String>,
    /// On which ground: avg-17, avg-5, archiefwet, court-order or agreement
    #[arg(long, value_name = "GROUND")]
    pub ground: String,
    /// By whose authority: a selection list and its category, a request, a decision
    #[arg(long, value_name = "TEXT")]
    pub authority: String,
    /// In how many days it is gone from backups and from those who received it, too
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub complete_days: u32,
}

/// `erase approve`, `erase reject`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EraseDecideArguments {
    /// The proposal, as `herleid erase list` shows it
    pub id: String,
}

/// `erase show`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EraseShowArguments {
    /// The proposal, as `herleid erase list` shows it
    pub id: String,
}

/// `hold`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid hold list")]
pub struct HoldArguments {
    /// What to do
    #[command(subcommand)]
    pub action: HoldAction,
}

/// What `hold` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum HoldAction {
    /// Forbid that something is erased, with your token on standard input
    Add(HoldAddArguments),
    /// Allow it again, with your token on standard input
    Remove(HoldRemoveArguments),
    /// List what may not be erased
    #[command(after_help = "Example:\n  herleid hold list --json")]
    List,
}

/// `hold add`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid hold add --case Z2026-17 --reason 'appeal 26/1234'")]
pub struct HoldAddArguments {
    /// Which records
    #[command(flatten)]
    pub what: MeantArguments,
    /// Why, in one line; recorded
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `hold remove`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid hold remove 0192f0c1-2b3c-7d4e-8f50-112233445566")]
pub struct HoldRemoveArguments {
    /// The hold, as `herleid hold list` shows it
    pub id: String,
}
