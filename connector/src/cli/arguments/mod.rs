//! The command line's grammar. Each command's help ends in an example that a test parses.

mod checking;
mod erasing;
mod exporting;
mod keeping;
mod negotiating;
mod obliging;
mod paying;
mod proving;
mod sharing;
mod using;

pub use checking::{
    CheckPolicyArguments, DiffArguments, ExplainArguments, ListPoliciesArguments, PolicyAction, PolicyArguments,
    PurposesArguments, SetArguments, ShowPolicyArguments, SuiteArguments, TryArguments,
};
pub use erasing::{
    EraseAction, EraseArguments, EraseDecideArguments, EraseProposeArguments, EraseShowArguments, HoldAction,
    HoldAddArguments, HoldArguments, HoldRemoveArguments, MeantArguments,
};
pub use exporting::{
    CheckTimestampArguments, ContinueArguments, LedgerAction, LedgerArguments, RecordArguments, TimestampsArguments,
};
pub use keeping::{
    BackupArguments, RestoreArguments, RetentionAction, RetentionApplyArguments, RetentionArguments,
    RetentionPlanArguments,
};
pub use negotiating::{NegotiationArguments, NegotiationStep, NegotiationsArguments};
pub use obliging::{DutiesArguments, DutyAction, DutyArguments, FulfilArguments};
pub use paying::{PaidArguments, PaymentAction, PaymentArguments, PaymentsArguments};
pub use proving::{
    AnchorsArguments, DossierArguments, ReconcileArguments, ReplayArguments, TraceArguments, VerifyArguments,
};
pub use sharing::{
    AddArguments, CredentialAction, CredentialArguments, DemoArguments, InitArguments, IssueArguments,
    PublishArguments, ServeArguments, WithdrawArguments,
};
pub use using::{
    AgreementsArguments, CatalogArguments, DecideArguments, NamedInput, NegotiateArguments, PullArguments,
    PushArguments, Relied, RunArguments, TransferArguments, TransfersArguments,
};

use super::text::Language;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Share data under policies you can enforce, and prove years later what a decision rested on.
#[derive(Debug, Parser)]
#[command(
    name = "herleid",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "Exit codes and every command with its options: docs/commands.md")]
pub struct CommandLine {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub chosen: Chosen,
}

/// Options of every command.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The configuration
    #[arg(
        long,
        global = true,
        env = "HERLEID_CONFIG",
        value_name = "FILE",
        default_value = "./herleid.toml"
    )]
    pub config: PathBuf,
    /// Print the result as one JSON object, for scripts; an error too, as {"error": ...}
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of the messages; without it HERLEID_LANG and the system's locale decide
    #[arg(long, global = true, value_name = "LANGUAGE", value_parser = lang())]
    pub lang: Option<Language>,
    /// Allow what [development] in the configuration switches on; every record will show it
    #[arg(long, global = true)]
    pub development: bool,
    /// No progress and no notes; results and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// `en` or `nl`.
fn lang() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(["en", "nl"]).map(|code| {
        if code == "nl" {
            Language::Dutch
        } else {
            Language::English
        }
    })
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Chosen {
    /// Make a participant: keys, an empty log and a commented herleid.toml
    Init(InitArguments),
    /// Run the connector
    Serve(ServeArguments),
    /// Offer a version of a dataset, or a model service, under a policy
    Publish(PublishArguments),
    /// No longer offer a dataset or model service
    Withdraw(WithdrawArguments),
    /// Check, try or compare policies before they are published, or run a suite of ODRL cases
    Policy(PolicyArguments),
    /// Issue, keep or list verifiable credentials
    Credential(CredentialArguments),
    /// Show what a peer offers
    Catalog(CatalogArguments),
    /// Agree with a peer over a dataset or model service
    Negotiate(NegotiateArguments),
    /// List the negotiations, those that wait for a person first
    Negotiations(NegotiationsArguments),
    /// Look at a negotiation, or decide as a person what this end does next
    Negotiation(NegotiationArguments),
    /// List the agreements, and until when each may be used
    Agreements(AgreementsArguments),
    /// List what has to be done under agreements, by whom and by when, and what was stated of it
    Duties(DutiesArguments),
    /// State that you did what you have to do under an agreement
    Duty(DutyArguments),
    /// Show what was paid for uses under an agreement, and what is left of it
    Payments(PaymentsArguments),
    /// Record that uses under an agreement were paid for, or paid back
    Payment(PaymentArguments),
    /// Fetch the data of an agreement, checked and recorded
    Pull(PullArguments),
    /// Have the data of an agreement sent to an endpoint or bucket of yours
    Push(PushArguments),
    /// List the transfers, and until when each is open
    Transfers(TransfersArguments),
    /// Hold a transfer back, let it go on, or end it
    Transfer(TransferArguments),
    /// Have a model service compute, and record what went in and came out
    Run(RunArguments),
    /// Record a decision: who took it, on what legal basis, and what it rests on
    Decide(DecideArguments),
    /// Show what something came from and what rests on it
    Trace(TraceArguments),
    /// Hold this ledger against a peer's: what both recorded of their exchanges
    Reconcile(ReconcileArguments),
    /// Write a case down in one file that an auditor can verify without a network
    Dossier(DossierArguments),
    /// State keys, log and counts for an auditor, or put such statements of several parties together
    Anchors(AnchorsArguments),
    /// Write proofs and time stamps of the log for other programs, check such stamps, continue a lost log
    Ledger(LedgerArguments),
    /// Have something erased from the log, with two people
    Erase(EraseArguments),
    /// Forbid that something is erased
    Hold(HoldArguments),
    /// See what a selection list says is over, and propose to erase it
    Retention(RetentionArguments),
    /// Verify a dossier, trusting only the anchors; needs no configuration and no network
    Verify(VerifyArguments),
    /// Run the models of a dossier again and compare
    Replay(ReplayArguments),
    /// Show how the running service is
    Status(StatusArguments),
    /// Check the whole log: every record, proof, stream and document; the payloads; the logs before it
    Doctor(DoctorArguments),
    /// Copy all that is kept, in two parts, while the service goes on; checked
    Backup(BackupArguments),
    /// Put a backup into a storage directory without a log; checked
    Restore(RestoreArguments),
    /// Show the whole path on this machine: four connectors, rain, a decision, its proof
    Demo(DemoArguments),
    /// Write completions for a shell
    Completions(CompletionsArguments),
}

/// `status`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid status --json")]
pub struct StatusArguments {}

/// `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Examples:\n  herleid doctor --json\n  herleid doctor --rebuild-index")]
pub struct DoctorArguments {
    /// First make the index (of lineage, and of agreements, cases and kinds) anew from the records, where a check found it damaged; with the service stopped
    #[arg(long)]
    pub rebuild_index: bool,
}

/// `completions`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid completions bash > /etc/bash_completion.d/herleid")]
pub struct CompletionsArguments {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `NAME=VALUE`; both parts trimmed of nothing, the name not empty.
pub(super) fn named_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// An absolute IRI (RFC 3987): something, a colon, something.
pub(super) fn iri(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected an IRI such as https://example.org/purpose or urn:...".to_owned()),
    }
}
