//! Commands of who shares: a participant, its datasets and its credentials.

use super::{SetArguments, iri, named_value};
use clap::{Args, Subcommand};
use herleid_vocab::did::Did;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `init`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid init --did did:web:water.example --name 'Water board' --listen 0.0.0.0:7101"
)]
pub struct InitArguments {
    /// Identifier of the participant; its host is where others will find it
    #[arg(long)]
    pub did: Did,
    /// Name of the participant, for people
    #[arg(long)]
    pub name: String,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7101")]
    pub listen: SocketAddr,
    /// Where others reach the service; without it: https and the host of the identifier
    #[arg(long, value_name = "URL", value_parser = iri)]
    pub public_url: Option<String>,
    /// TLS certificate chain (PEM); without it and --tls-key one is to be put in herleid.toml later
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Directory to make it in; must not hold a connector yet
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    pub directory: PathBuf,
}

/// `serve`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid serve --config /etc/herleid/herleid.toml")]
pub struct ServeArguments {}

/// `publish`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  herleid publish rain.csv --id rain-vlissingen --title 'Rain, hourly' \\\n    \
                  --description 'Gauge 310' --theme ENVI --policy offer.json\n  \
                  herleid publish rain.csv --id rain-vlissingen --metadata rain.toml \\\n    \
                  --policy pilot --set from=2027-01-01+01:00 --set until=2027-06-30+02:00\n  \
                  herleid publish rain.csv --id rain-vlissingen --metadata rain.toml --policy offer.json\n  \
                  herleid publish --model sewer/model.toml --id sewer --metadata sewer.toml --policy offer.json\n  \
                  herleid publish --s3 archive/2020/rain.csv --id rain-2020 \\\n    \
                  --metadata rain.toml --policy offer.json\n  \
                  herleid publish --api weather --path 'collections/rain/items' --query bbox --query limit \\\n    \
                  --id rain-live --metadata rain.toml --policy offer.json"
)]
pub struct PublishArguments {
    /// The file to publish as one version of a dataset
    #[arg(value_name = "FILE", required_unless_present_any = ["model", "s3", "api"])]
    pub file: Option<PathBuf>,
    /// Publish a model service instead: the description in its package
    #[arg(long, value_name = "PACKAGE", conflicts_with = "file")]
    pub model: Option<PathBuf>,
    /// Publish an object instead: a store of the configuration, and the object's key
    #[arg(long, value_name = "STORE/KEY", conflicts_with_all = ["file", "model"])]
    pub s3: Option<String>,
    /// Publish answers of an API of the configuration instead
    #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "model", "s3"], requires = "paths")]
    pub api: Option<String>,
    /// A path of the API that may be asked for; * stands for any one part; may be given several times
    #[arg(long = "path", value_name = "PATH", requires = "api")]
    pub paths: Vec<String>,
    /// A query parameter that may be given, or NAME=VALUE for that value alone; may be given several times
    #[arg(long = "query", value_name = "NAME", requires = "api")]
    pub queries: Vec<String>,
    /// Identifier in your catalogue; the same for every version
    #[arg(long)]
    pub id: String,
    /// Title, for people; a model's stands in its package
    #[arg(long, required_unless_present_any = ["model", "metadata"], conflicts_with = "model")]
    pub title: Option<String>,
    /// The ODRL offer: a JSON file, or the name of a ready-made policy (`herleid policy list`)
    #[arg(long, value_name = "FILE|NAME")]
    pub policy: PathBuf,
    /// What belongs in its open places
    #[command(flatten)]
    pub places: SetArguments,
    /// Version; without it: made from the digest
    #[arg(long = "version", value_name = "VERSION", conflicts_with = "model")]
    pub release: Option<String>,
    /// Description, for people
    #[arg(long, value_name = "TEXT", conflicts_with = "model")]
    pub description: Option<String>,
    /// Media type; without it: guessed from the file's name
    #[arg(long, value_name = "TYPE", conflicts_with = "model")]
    pub media_type: Option<String>,
    /// Licence
    #[arg(long, value_name = "IRI", value_parser = iri, conflicts_with = "model")]
    pub licence: Option<String>,
    /// Theme, such as ENVI; may be given several times
    #[arg(long, value_name = "THEME")]
    pub theme: Vec<String>,
    /// What is said of it, as a TOML file: description, theme, contact, ... (docs/catalogue.md)
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
}

/// `withdraw`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid withdraw rain-vlissingen --version 2020-06 --reason 'gauge was defective'")]
pub struct WithdrawArguments {
    /// Dataset or model service
    pub id: String,
    /// Version; without it: all of them
    #[arg(long = "version", value_name = "VERSION")]
    pub release: Option<String>,
    /// Why; stands in the record
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `credential`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid credential list")]
pub struct CredentialArguments {
    /// What to do
    #[command(subcommand)]
    pub action: CredentialAction,
}

/// What `credential` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CredentialAction {
    /// Sign a credential about somebody else and print it
    Issue(IssueArguments),
    /// Keep a credential about yourself, to show to peers
    Add(AddArguments),
    /// List the credentials kept, and whether each still verifies
    #[command(after_help = "Example:\n  herleid credential list --json")]
    List,
}

/// `credential issue`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Example:\n  herleid credential issue --subject did:web:app.example \\\n    \
                  --type MembershipCredential --claim memberOf=Geonovum > membership.jwt"
)]
pub struct IssueArguments {
    /// Whom it is about
    #[arg(long, value_name = "DID")]
    pub subject: Did,
    /// Its type; may be given several times
    #[arg(long = "type", value_name = "TYPE", required = true)]
    pub types: Vec<String>,
    /// What it says of the subject; may be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = named_value)]
    pub claims: Vec<(String, String)>,
    /// For how many days it holds
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub valid_days: u32,
}

/// `credential add`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid credential add membership.jwt")]
pub struct AddArguments {
    /// The file that holds it, as compact JWS; - reads standard input
    pub file: PathBuf,
}

/// `demo`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  herleid demo --directory demo")]
pub struct DemoArguments {
    /// Where the four connectors live and the dossier is put; what a demo made there before is replaced
    #[arg(long, value_name = "DIRECTORY", default_value = "demo")]
    pub directory: PathBuf,
}
