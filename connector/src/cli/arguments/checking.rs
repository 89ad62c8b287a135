//! `policy`: a policy looked at before it is published, and suites of others run.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `policy`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid policy check policy.json")]
pub struct PolicyArguments {
    /// What to do
    #[command(subcommand)]
    pub action: PolicyAction,
}

/// What `policy` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PolicyAction {
    /// Say whether a policy is understood, where it is not, and who sees to each condition
    Check(CheckPolicyArguments),
    /// Reach a recorded decision again from its record and the policy alone, and say why it came out so
    Explain(ExplainArguments),
    /// Run a suite of ODRL cases, and say of each whether it comes out as expected
    Suite(SuiteArguments),
}

/// `policy check`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid policy check policy.json")]
pub struct CheckPolicyArguments {
    /// The policy, in JSON
    #[arg(value_name = "FILE")]
    pub policy: PathBuf,
}

/// `policy explain`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid policy explain decision.json --policy agreement.json")]
pub struct ExplainArguments {
    /// The decision record, in JSON
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// The policy that was decided on, in JSON
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// Say only what this party may see; without it everything, as the holder may
    #[arg(long = "to", value_name = "DID")]
    pub reader: Option<String>,
}

/// `policy suite`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid policy suite odrl-suite\n  herleid policy suite odrl-suite --strict --json"
)]
pub struct SuiteArguments {
    /// The suite: `test_cases`, `policies`, `requests` and `sotw`, or folders of evaluation requests
    #[arg(value_name = "DIRECTORY")]
    pub directory: PathBuf,
    /// Read policies as Herleid does, without the leniencies that the suite counts on
    #[arg(long)]
    pub strict: bool,
}
