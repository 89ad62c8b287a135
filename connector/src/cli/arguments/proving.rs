//! Commands of who has to prove, and of who wants to see proof.

use super::named_value;
use clap::Args;
use std::path::PathBuf;
use uuid::Uuid;

/// `trace`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid trace Z2026-17\n  herleid trace rain-vlissingen@2020-06-17 --down\n  herleid trace 2026-06-17T00:00:00Z/2026-06-18T00:00:00Z --down --limit 20\n  herleid trace Z2026-17 --across 2\n  herleid trace Z2026-17 --sparql @inputs.rq"
)]
pub struct TraceArguments {
    /// A digest, transaction, record, agreement, case number, dataset, dataset@version, model or time range FROM/UNTIL
    pub what: String,
    /// Show what rests on it, instead of what it rests on
    #[arg(long, conflicts_with = "sparql")]
    pub down: bool,
    /// Steps to go at most, 1 to 48
    #[arg(long, value_name = "STEPS", conflicts_with = "sparql")]
    pub depth: Option<u32>,
    /// Pulls, runs and decisions to show at most, 1 to 10000 (500 if not given); all are counted
    #[arg(long, value_name = "N", conflicts_with = "sparql")]
    pub limit: Option<u32>,
    /// Ask the other parties too, each about what it shares with this one, and so on so many parties away, 1 to 4
    #[arg(long, value_name = "PARTIES", conflicts_with = "sparql")]
    pub across: Option<u32>,
    /// Ask the case's PROV-O a SPARQL query instead; @FILE reads it from a file
    #[arg(long, value_name = "QUERY|@FILE")]
    pub sparql: Option<String>,
}

/// `reconcile`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid reconcile did:web:knmi.example\n  herleid reconcile did:web:knmi.example \\\n    --agreement urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d"
)]
pub struct ReconcileArguments {
    /// The peer: its identifier
    pub peer: String,
    /// This agreement alone; without it: all with the peer
    #[arg(long, value_name = "AGREEMENT")]
    pub agreement: Option<String>,
}

/// `dossier`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid dossier Z2026-17 --out dossier.zip")]
pub struct DossierArguments {
    /// Case number
    pub case: String,
    /// The zip to write; must not exist yet
    #[arg(long, value_name = "FILE", default_value = "dossier.zip")]
    pub out: PathBuf,
}

/// `anchors`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid anchors --out knmi.json\n  herleid anchors --merge knmi.json --merge app.json --out anchors.json"
)]
pub struct AnchorsArguments {
    /// Put these statements together instead of making one; each party makes its own
    #[arg(long, value_name = "FILE")]
    pub merge: Vec<PathBuf>,
    /// The file to write; must not exist yet
    #[arg(long, value_name = "FILE", default_value = "anchors.json")]
    pub out: PathBuf,
}

/// `verify`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid verify dossier.zip --anchors anchors.json")]
pub struct VerifyArguments {
    /// The dossier
    #[arg(value_name = "FILE")]
    pub dossier: PathBuf,
    /// Keys of the parties and witnesses, obtained elsewhere than from who made the dossier; without it nothing is trusted
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
}

/// `replay`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid replay dossier.zip --anchors anchors.json --set storage_mm=9")]
pub struct ReplayArguments {
    /// The dossier
    #[arg(value_name = "FILE")]
    pub dossier: PathBuf,
    /// Keys of the parties and witnesses, obtained elsewhere than from who made the dossier
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// Only this run; without it: every run of the dossier
    #[arg(long, value_name = "TRANSACTION")]
    pub run: Option<Uuid>,
    /// Change a parameter, to see what another choice would have given; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = named_value)]
    pub parameters: Vec<(String, String)>,
}
