//! What is asked. Paths are absolute: the service's working directory is not the person's.

use super::{
    AgreementList, AnchorsAnswer, CatalogAnswer, Command, CredentialAnswer, DecideAnswer, DossierAnswer,
    NegotiateAnswer, PublishAnswer, PullAnswer, PushAnswer, RunAnswer, StatusAnswer, Trace, TraceAnswer, TransferLine,
    TransferList, WithdrawAnswer, uuid_text,
};
use crate::catalogue::Metadata;
use crate::state::Declares;
use herleid_vocab::did::Did;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use uuid::Uuid;

/// `publish`: offer one version of a dataset, or a model service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// What is published.
    pub source: PublishSource,
    /// Identifier of the dataset or model within this participant's catalogue; stays the same over versions.
    pub id: String,
    /// Version; left out: made from the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Title for people; a dataset has one. A model's package says all that is said of it: with a model, this, `version`,
    /// `description`, `media_type` and `licence` are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Description for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Media type (RFC 6838); left out: guessed from the file's name, else `application/octet-stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The ODRL offer, as JSON-LD; without identifier or assigner these are filled in.
    pub policy: Value,
    /// IRI of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Themes, such as `ENVI`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub theme: Vec<String>,
    /// What else is said of it (docs/catalogue.md); what is left out holds as the configuration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<Metadata>>,
}

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublishSource {
    /// A file: a dataset version.
    File(PathBuf),
    /// An object in an S3 store: a dataset version.
    S3 {
        /// Name of the store in the configuration.
        store: String,
        /// The object's key.
        key: String,
    },
    /// Answers of an API: a dataset version.
    Api {
        /// Name of the API in the configuration.
        api: String,
        /// Paths that may be asked for.
        paths: Vec<String>,
        /// Query parameters that may be given.
        #[serde(default)]
        queries: Vec<String>,
    },
    /// A model package's description file: a model service.
    Model(PathBuf),
}

/// `withdraw`: no longer offer a dataset or model, or one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// Dataset or model.
    pub id: String,
    /// Version; left out: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why; stands in the record.
    pub reason: String,
}

/// `credential`: issue, keep or list verifiable credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum Credential {
    /// Sign a credential about somebody.
    Issue {
        /// Whom it is about.
        subject: Did,
        /// Types besides `VerifiableCredential`.
        types: Vec<String>,
        /// Members of `credentialSubject` besides `id`.
        claims: Map<String, Value>,
        /// Validity from now, in days.
        valid_days: u32,
    },
    /// Keep a credential about ourselves, to show to others.
    Add {
        /// The credential as compact JWS.
        jwt: String,
    },
    /// List the credentials kept.
    List {},
}

/// `catalog`: what a peer offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// DID, or the name that the configuration gives the peer.
    pub peer: String,
    /// At most so many datasets; left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What they must fit: the `filter` of the catalogue request (docs/catalogue.md).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<Value>,
}

/// `negotiate`: come to an agreement over a dataset or model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Negotiate {
    /// DID, or the name that the configuration gives the peer.
    pub peer: String,
    /// Dataset or model.
    pub dataset: String,
    /// Identifier of the offer; left out: the only one there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Purpose stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Legal basis stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Area of use stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_of_use: Option<String>,
}

/// What is declared with a request that can declare all of it.
macro_rules! declaring {
    ($($request:ty),+) => {
        $(impl $request {
            /// What it declares.
            #[must_use]
            pub fn declares(&self) -> Declares {
                Declares {
                    purpose: self.purpose.clone(),
                    legal_basis: self.legal_basis.clone(),
                    area_of_use: self.area_of_use.clone(),
                }
            }
        })+
    };
}

declaring!(Negotiate, Pull, Push);

/// `agreements`: what has been agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreements {
    /// At most so many; left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// `pull`: fetch the data of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// Agreement.
    pub agreement: String,
    /// Purpose stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Legal basis stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Area of use stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_of_use: Option<String>,
    /// Where to put a copy; left out: only in the storage directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<PathBuf>,
    /// Of a dataset that is an API: path and query of the answer wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// `push`: have the data of an agreement sent to an endpoint or bucket of ours.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Agreement.
    pub agreement: String,
    /// Where to: a `DataAddress` of the Dataspace Protocol, with what lets in there.
    pub to: serde_json::Value,
    /// Purpose stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Legal basis stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Area of use stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_of_use: Option<String>,
}

impl std::fmt::Debug for Push {
    /// Without the address, which holds secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Push")
            .field("agreement", &self.agreement)
            .finish_non_exhaustive()
    }
}

/// `transfers`: access that was given or had, and until when it is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfers {
    /// At most so many; left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// What a person does with a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferStep {
    /// Let one begin that was requested.
    Start,
    /// Hold it back for now.
    Suspend,
    /// Let it go on.
    Resume,
    /// All of it is through.
    Complete,
    /// End it.
    Terminate,
}

/// `transfer`: start, suspend, resume, complete or terminate one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Our process id.
    pub id: String,
    /// What to do.
    pub step: TransferStep,
    /// Why; the other end is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where an input of a run comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// What an earlier pull or run brought.
    Transaction(#[serde(with = "uuid_text")] Uuid),
    /// A file of our own: recorded as declared external.
    File(PathBuf),
}

/// `run`: have a model service compute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Agreement over the model service.
    pub agreement: String,
    /// Inputs by the names that the model declares.
    pub inputs: BTreeMap<String, Input>,
    /// Parameters that differ from the defaults; values as text, checked against the model's schema.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Case that the run is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Seed of the model's random numbers; left out: the model's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Purpose stated, as IRI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// An output that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliesOn {
    /// Run, or pull.
    #[serde(with = "uuid_text")]
    pub transaction: Uuid,
    /// Name of the output; for a pull: left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// `decide`: record a decision and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Case number.
    pub case: String,
    /// Title for people.
    pub title: String,
    /// Legal basis, as IRIs.
    pub legal_basis: Vec<String>,
    /// Outputs relied on.
    pub relies_on: Vec<ReliesOn>,
    /// Name of who decides.
    pub author: String,
    /// In what role.
    pub role: String,
    /// For which organisation.
    pub organisation: String,
    /// What people chose, and why.
    pub choices: String,
}

/// `dossier`: write a case down for an auditor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// Case number.
    pub case: String,
    /// The zip to write; must not exist.
    pub out: PathBuf,
}

/// `anchors`: what the service states of itself for an auditor: its keys, its log, the streams that it numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchors {
    /// The file to write; must not exist.
    pub out: PathBuf,
}

/// `status`: how the service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {}

macro_rules! commands {
    ($($request:ident $name:literal $answer:ty;)*) => {
        $(impl Command for $request {
            const NAME: &'static str = $name;
            type Answer = $answer;
        })*
    };
}

commands! {
    Publish "publish" PublishAnswer;
    Withdraw "withdraw" WithdrawAnswer;
    Credential "credential" CredentialAnswer;
    Catalog "catalog" CatalogAnswer;
    Negotiate "negotiate" NegotiateAnswer;
    Agreements "agreements" AgreementList;
    Pull "pull" PullAnswer;
    Push "push" PushAnswer;
    Transfers "transfers" TransferList;
    Transfer "transfer" TransferLine;
    Run "run" RunAnswer;
    Decide "decide" DecideAnswer;
    Trace "trace" TraceAnswer;
    Dossier "dossier" DossierAnswer;
    Anchors "anchors" AnchorsAnswer;
    Status "status" StatusAnswer;
}
