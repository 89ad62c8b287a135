//! Commands of who uses: agree, pull, run, decide.

use super::{iri, named_value};
use crate::control::protocol::TransferStep;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::str::FromStr;
use uuid::Uuid;

/// `catalog`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = "Examples:\n  herleid catalog did:web:knmi.example\n  \
                  herleid catalog did:web:knmi.example --search 'rain vlissingen' --theme ENVI --from 2020-06-17")]
pub struct CatalogArguments {
    /// The peer: its identifier
    pub peer: String,
    /// How many to show; 0 shows all
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u64,
    /// Only what holds these words, in title, description, keywords or publisher
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// Only of this theme, such as ENVI
    #[arg(long, value_name = "THEME")]
    pub theme: Option<String>,
    /// Only with this keyword
    #[arg(long, value_name = "WORD")]
    pub keyword: Option<String>,
    /// Only of this publisher: its name or identifier
    #[arg(long, value_name = "NAME")]
    pub publisher: Option<String>,
    /// Only in this format, or of this media type
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Only what touches this box, in degrees
    #[arg(long, value_name = "W,S,E,N", value_delimiter = ',', allow_negative_numbers = true)]
    pub bbox: Vec<f64>,
    /// Only what is about a time from this day on
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Only what is about a time until this day
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
}

impl CatalogArguments {
    /// What is asked for, as the `filter` of a catalogue request (docs/catalogue.md); a peer of another make may refuse it.
    #[must_use]
    pub fn filter(&self) -> Vec<Value> {
        let named = [
            ("text", &self.search),
            ("theme", &self.theme),
            ("keyword", &self.keyword),
            ("publisher", &self.publisher),
            ("format", &self.format),
        ];
        let given = named
            .into_iter()
            .filter_map(|(name, value)| Some(json!({ name: value.as_ref()? })));
        let mut filter: Vec<Value> = given.collect();
        if !self.bbox.is_empty() {
            filter.push(json!({"bbox": self.bbox}));
        }
        let ends = [("start", &self.from), ("end", &self.until)];
        let period: Map<String, Value> = ends
            .into_iter()
            .filter_map(|(name, day)| Some((name.to_owned(), Value::from(day.clone()?))))
            .collect();
        if !period.is_empty() {
            filter.push(json!({"temporal": period}));
        }
        filter
    }
}

/// `negotiate`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid negotiate did:web:knmi.example rain-vlissingen \\\n    \
                  --purpose https://w3id.org/dpv#PublicBenefit"
)]
pub struct NegotiateArguments {
    /// The peer: its identifier
    pub peer: String,
    /// Dataset or model service in its catalogue
    pub dataset: String,
    /// Which offer; without it: the only one there is
    #[arg(long, value_name = "OFFER")]
    pub offer: Option<String>,
    /// What it is for
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub purpose: Option<String>,
    /// On what legal basis it is used: of the list in docs/purposes.md, or a law
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub legal_basis: Option<String>,
    /// For which area it is used
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub area_of_use: Option<String>,
}

/// `agreements`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid agreements --limit 0")]
pub struct AgreementsArguments {
    /// How many to show; 0 shows all
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u64,
}

/// `pull`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid pull urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d --out rain.csv")]
pub struct PullArguments {
    /// The agreement
    pub agreement: String,
    /// What it is for
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub purpose: Option<String>,
    /// On what legal basis it is used: of the list in docs/purposes.md, or a law
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub legal_basis: Option<String>,
    /// For which area it is used
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub area_of_use: Option<String>,
    /// Where to put a copy
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Of a dataset that is an API: the path and query wanted
    #[arg(long, value_name = "PATH[?QUERY]")]
    pub resource: Option<String>,
}

/// `push`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid push urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d --to bucket.json")]
pub struct PushArguments {
    /// The agreement
    pub agreement: String,
    /// Where to: a file with a DataAddress (docs/transfers.md), readable by its owner alone
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// What it is for
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub purpose: Option<String>,
    /// On what legal basis it is used: of the list in docs/purposes.md, or a law
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub legal_basis: Option<String>,
    /// For which area it is used
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub area_of_use: Option<String>,
}

/// `transfers`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid transfers --limit 0")]
pub struct TransfersArguments {
    /// How many to show; 0 shows all
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u64,
}

/// `transfer`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid transfer suspend urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d \\\n    \
                  --reason 'gauge under repair'"
)]
pub struct TransferArguments {
    /// What to do with it
    #[arg(value_parser = step())]
    pub step: TransferStep,
    /// The transfer, as `herleid transfers` lists it
    pub id: String,
    /// Why; the other end is told
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

fn step() -> impl TypedValueParser<Value = TransferStep> {
    PossibleValuesParser::new(["start", "suspend", "resume", "complete", "terminate"]).map(|word| match word.as_str() {
        "start" => TransferStep::Start,
        "suspend" => TransferStep::Suspend,
        "resume" => TransferStep::Resume,
        "complete" => TransferStep::Complete,
        _ => TransferStep::Terminate,
    })
}

/// `run`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid run urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e \\\n    \
                  --input rain=0192f0c1-2b3c-7d4e-8f50-112233445566 --input sewer=network.json \\\n    \
                  --set storage_mm=7 --case Z2026-17"
)]
pub struct RunArguments {
    /// The agreement over the model service
    pub agreement: String,
    /// An input: what a pull or run brought (its transaction), or a file of your own; may be given several times
    #[arg(long = "input", value_name = "NAME=TRANSACTION|FILE")]
    pub inputs: Vec<NamedInput>,
    /// A parameter that differs from the model's default; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = named_value)]
    pub parameters: Vec<(String, String)>,
    /// The case that the run is for
    #[arg(long)]
    pub case: Option<String>,
    /// Seed of the model's random numbers
    #[arg(long)]
    pub seed: Option<u64>,
    /// What it is for
    #[arg(long, value_name = "IRI", value_parser = iri)]
    pub purpose: Option<String>,
}

/// One `--input`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedInput {
    /// The name that the model declares.
    pub name: String,
    /// Where it comes from: a UUID is a transaction, anything else a file (`./` before it makes any name a file).
    pub source: Result<Uuid, PathBuf>,
}

impl FromStr for NamedInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = named_value(text)?;
        if value.is_empty() {
            return Err("expected NAME=TRANSACTION or NAME=FILE".to_owned());
        }
        let source = hyphenated(&value).ok_or_else(|| PathBuf::from(value));
        Ok(Self { name, source })
    }
}

/// A UUID in its usual form of 36 characters, and in no other.
fn hyphenated(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// `decide`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid decide --case Z2026-17 --title 'Close the tunnel' \\\n    \
                  --legal-basis https://wetten.overheid.nl/BWBR0006622 \\\n    \
                  --relies-on 0192f0c1-2b3c-7d4e-8f50-112233445566:overflow \\\n    \
                  --author 'A. de Wit' --role 'duty officer' --organisation Vlissingen \\\n    \
                  --choices 'closed for three hours'"
)]
pub struct DecideArguments {
    /// Case number
    #[arg(long)]
    pub case: String,
    /// Title, for people
    #[arg(long)]
    pub title: String,
    /// Legal basis; may be given several times
    #[arg(long, value_name = "IRI", value_parser = iri, required = true)]
    pub legal_basis: Vec<String>,
    /// What the decision rests on: a run and one of its outputs, or a pull; may be given several times
    #[arg(long, value_name = "TRANSACTION[:OUTPUT]", required = true)]
    pub relies_on: Vec<Relied>,
    /// Name of who decides
    #[arg(long, value_name = "NAME")]
    pub author: String,
    /// In what role
    #[arg(long)]
    pub role: String,
    /// For which organisation
    #[arg(long, value_name = "NAME")]
    pub organisation: String,
    /// What people chose and why; @FILE reads it from a file
    #[arg(long, value_name = "TEXT|@FILE")]
    pub choices: String,
}

/// One `--relies-on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relied {
    /// Run or pull.
    pub transaction: Uuid,
    /// Output of the run.
    pub output: Option<String>,
}

impl FromStr for Relied {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (transaction, output) = match text.split_once(':') {
            Some((transaction, output)) => (transaction, Some(output)),
            None => (text, None),
        };
        match (hyphenated(transaction), output) {
            (None, _) | (_, Some("")) => Err("expected a transaction (a UUID), or TRANSACTION:OUTPUT".to_owned()),
            (Some(transaction), output) => Ok(Self {
                transaction,
                output: output.map(str::to_owned),
            }),
        }
    }
}
