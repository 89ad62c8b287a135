//! What is answered. Digests are lower-case hex; times UTC milliseconds since 1970; sizes in bytes.

use super::{TraceNode, uuid_text};
use crate::witnessing::WitnessStanding;
use herleid_vocab::did::Did;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;
use uuid::Uuid;

/// Answer to `publish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishAnswer {
    /// Dataset or model.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Size in bytes; none of an API, whose answers have their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256, hex; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// BLAKE3, hex; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
    /// Identifiers of the offers.
    pub offers: Vec<String>,
    /// Index of the record in the log.
    pub index: u64,
}

/// Answer to `withdraw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawAnswer {
    /// Dataset or model.
    pub id: String,
    /// Versions withdrawn.
    pub versions: Vec<String>,
    /// Index of the (last) record in the log.
    pub index: u64,
}

/// Answer to `credential`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum CredentialAnswer {
    /// To `issue`.
    Issued {
        /// The credential as compact JWS, to hand to its subject.
        jwt: String,
    },
    /// To `add`.
    Added(CredentialLine),
    /// To `list`.
    List {
        /// The credentials kept.
        credentials: Vec<CredentialLine>,
    },
}

/// One credential kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialLine {
    /// SHA-256 of the JWS, hex.
    pub digest: String,
    /// Who signed it.
    pub issuer: String,
    /// Whom it is about.
    pub subject: String,
    /// Its types.
    pub types: Vec<String>,
    /// Until when it holds, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until_ms: Option<u64>,
    /// Whether it verifies now; if not, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Answer to `catalog`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogAnswer {
    /// Whose catalogue.
    pub peer: Did,
    /// How many there are, also those not listed here.
    pub total: u64,
    /// Whether there are more than `total`: the peer does not say how many, and they were not counted to the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The datasets and model services.
    pub datasets: Vec<CatalogLine>,
}

/// One dataset or model service of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogLine {
    /// Identifier.
    pub id: String,
    /// `dataset` or `model`.
    pub kind: CatalogKind,
    /// Title.
    pub title: String,
    /// Version, if the peer states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Media type, if stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Size in bytes, if stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The offers under which it may be had.
    pub offers: Vec<OfferLine>,
}

/// What a catalogue's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatalogKind {
    /// A dataset.
    Dataset,
    /// A model service.
    Model,
}

/// One offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferLine {
    /// Identifier.
    pub id: String,
    /// The policy in a line of words.
    pub summary: String,
}

/// Answer to `negotiate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NegotiateAnswer {
    /// The agreement.
    pub agreement: String,
    /// State of the negotiation (Dataspace Protocol 2025-1, section 7.1), such as `FINALIZED`.
    pub state: String,
    /// Index of the record in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

/// Answer to `agreements`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementList {
    /// How many there are, also those not listed here.
    pub total: u64,
    /// The agreements, newest first.
    pub agreements: Vec<AgreementLine>,
}

/// On which side of an agreement this participant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Gives.
    Provider,
    /// Takes.
    Consumer,
}

/// One agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementLine {
    /// Identifier.
    pub agreement: String,
    /// Our side.
    pub side: Side,
    /// The other end.
    pub other: Did,
    /// Dataset or model.
    pub dataset: String,
    /// The policy in a line of words.
    pub policy: String,
    /// Until when it may be used; left out: no end stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until_ms: Option<u64>,
    /// Whether it may be used now; if not, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

/// Answer to `pull`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullAnswer {
    /// Transaction: what `run` and `decide` refer to.
    #[serde(with = "uuid_text")]
    pub transaction: Uuid,
    /// Where the bytes are.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
    /// BLAKE3, hex.
    pub blake3: String,
    /// Index of our `pull-received` in the log.
    pub index: u64,
}

/// Answer to `push`: the provider says that all is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushAnswer {
    /// Our process id of the transfer.
    pub transfer: String,
    /// The transaction that the provider recorded; left out with a provider that keeps no log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// What lay there when this connector looked; left out when it could not look, and then it says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<PullAnswer>,
}

/// Answer to `transfers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferList {
    /// How many there are, also those not listed here.
    pub total: u64,
    /// The transfers; those that are open first.
    pub transfers: Vec<TransferLine>,
}

/// One transfer; also the answer to `transfer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferLine {
    /// Our process id.
    pub id: String,
    /// Our side.
    pub side: Side,
    /// The other end.
    pub other: String,
    /// The agreement.
    pub agreement: String,
    /// The format.
    pub format: String,
    /// Until when it is open; left out: it is closed, or the provider has not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until_ms: Option<u64>,
    /// Why nothing may be had under it at this moment; left out: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// State as the protocol calls it.
    pub state: String,
}

/// Answer to `run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAnswer {
    /// Transaction: what `decide` refers to.
    #[serde(with = "uuid_text")]
    pub transaction: Uuid,
    /// Model.
    pub model: String,
    /// Its version.
    pub version: String,
    /// What came out.
    pub outputs: Vec<OutputLine>,
    /// Index of our `run-received` in the log.
    pub index: u64,
}

/// One output of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputLine {
    /// Name that the model gives it.
    pub name: String,
    /// Where the bytes are.
    pub path: PathBuf,
    /// SHA-256, hex.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Answer to `decide`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideAnswer {
    /// Identifier of the record (UUIDv7).
    #[serde(with = "uuid_text")]
    pub record: Uuid,
    /// Its index in the log.
    pub index: u64,
}

/// Answer to `trace`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceAnswer {
    /// The tree, from what was asked for to its sources.
    Tree(Box<TraceNode>),
    /// What the SPARQL query gave: SPARQL 1.1 Query Results JSON Format.
    Sparql(Value),
}

/// Answer to `dossier`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DossierAnswer {
    /// The zip.
    pub path: PathBuf,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
}

/// Answer to `anchors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorsAnswer {
    /// The statement.
    pub path: PathBuf,
    /// Fingerprint of the log's key, to be compared by telephone.
    pub fingerprint: String,
}

/// Answer to `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusAnswer {
    /// This participant.
    #[schemars(with = "String")]
    pub did: Did,
    /// The log's origin.
    pub origin: String,
    /// The log's verifier key, as a witness of it configures it (C2SP signed-note).
    pub log_key: String,
    /// The verifier key of the witness that this connector is for others, as they configure it; none when it is not one.
    pub witness_key: Option<String>,
    /// Records in the log.
    pub size: u64,
    /// Of which witnessed by a quorum.
    pub witnessed_size: u64,
    /// How it stands with each of its witnesses.
    pub witnesses: Vec<WitnessStanding>,
    /// Participants that there are agreements with.
    #[schemars(with = "Vec<String>")]
    pub peers: Vec<Did>,
    /// Datasets, models, agreements, credentials, ... by name.
    pub counts: std::collections::BTreeMap<String, u64>,
    /// What a person should look at, such as development shortcuts that are on.
    pub warnings: Vec<String>,
}
