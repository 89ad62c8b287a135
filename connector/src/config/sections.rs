//! The configuration, section by section, as the rest of the connector uses it. Only `Config::read` makes one.

use super::base_url::BaseUrl;
use crate::dsp::id::Id;
use herleid_ledger::note::Verifier;
use herleid_vocab::did::Did;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything that `herleid.toml` and the environment say, checked; named as in the file. Paths are absolute or start at the
/// process's directory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Who this is.
    pub participant: Participant,
    /// Where it listens.
    pub listen: Listen,
    /// Where the log, the payloads and the agreements are kept.
    pub storage: Directory,
    /// Its log.
    pub ledger: Ledger,
    /// Where the private keys are.
    pub keys: Directory,
    /// Who is believed, and in what.
    pub trust: Trust,
    /// Who stamps its checkpoints.
    pub timestamps: super::Timestamps,
    /// When its log is held against those of its peers.
    pub reconcile: super::Reconcile,
    /// Who is told what transactions with it rest on.
    pub lineage: super::Lineage,
    /// What it is as a witness of others; `None` when it is none.
    pub witness: Option<WitnessOfOthers>,
    /// Whether it issues credentials.
    pub issuer: Issuer,
    /// What peers have to present.
    pub identity: Identity,
    /// Who decides about negotiations and transfers.
    pub decisions: Decisions,
    /// How it calls others.
    pub network: Network,
    /// What it allows others.
    pub limits: Limits,
    /// Whence published bytes come, besides files.
    pub sources: Sources,
    /// Where bytes may be pushed to.
    pub push: super::Push,
    /// What a model program may use.
    pub models: Models,
    /// Its management API; `None` when it has none.
    pub management: Option<Management>,
    /// What holds for all that it publishes.
    pub catalogue: Catalogue,
    /// Who may erase.
    pub erasure: super::Erasure,
    /// How long what is kept.
    pub retention: super::Retention,
    /// What it writes about itself.
    pub log: Log,
    /// Which development shortcuts are on; `None` when none is. What the envelope of every record says.
    pub development: Option<Development>,
}

/// Sections `[storage]` and `[keys]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Directory {
    /// The directory.
    pub directory: PathBuf,
}

/// Section `[ledger]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ledger {
    /// Origin of the log: `<host>[:<port>]/log/<number>`.
    pub origin: String,
    /// Seconds after which the whole log is checked again; 0: never.
    pub check_every_s: u64,
}

/// Section `[witness]` of a connector that is one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WitnessOfOthers {
    /// The logs whose checkpoints it cosigns; at least one.
    pub logs: Vec<WitnessedLog>,
}

/// Section `[issuer]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issuer {
    /// Whether it issues credentials.
    pub enabled: bool,
}

/// Section `[identity]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Identity {
    /// Types of credentials that every peer has to present.
    pub required_credentials: Vec<String>,
    /// Seconds that an issuer's status list is believed.
    pub status_max_age_s: u64,
}

/// Section `[decisions]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decisions {
    /// The rules; `None`: policies decide alone.
    pub file: Option<PathBuf>,
}

/// Section `[participant]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Participant {
    /// Its identifier.
    pub did: Did,
    /// Its name.
    pub name: String,
}

/// Section `[listen]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
    /// Where others reach it.
    pub public_url: BaseUrl,
    /// Certificate and key; `None` only with `development.plain_http`.
    pub tls: Option<TlsFiles>,
}

/// The service's certificate and its key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

/// Section `[trust]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Trust {
    /// Certificate authorities, PEM; empty: those of the operating system.
    pub tls_ca: Vec<PathBuf>,
    /// Who may issue what.
    pub issuers: Vec<TrustedIssuer>,
    /// The only participants dealt with; `None` is everybody with the required credentials, an empty list nobody.
    pub peers: Option<Vec<Did>>,
    /// Participants without a log that are dealt with all the same.
    pub one_sided: Vec<Did>,
    /// Who is asked to cosign.
    pub witnesses: Vec<TrustedWitness>,
    /// Cosignatures that make a record witnessed; at most the number of witnesses.
    pub quorum: usize,
}

/// One of `trust.issuers`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrustedIssuer {
    /// Who.
    pub did: Did,
    /// Types of credentials it may issue.
    pub types: Vec<String>,
}

/// One of `trust.witnesses`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrustedWitness {
    /// Checks its cosignatures; its algorithm is `CosignatureV1`.
    pub verifier: Verifier,
    /// `add-checkpoint` is posted below this address (C2SP tlog-witness).
    pub url: BaseUrl,
}

/// One of `witness.logs`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WitnessedLog {
    /// Checks the log's checkpoints; its name is the origin, its algorithm Ed25519.
    pub verifier: Verifier,
}

/// Section `[network]`: the client that makes every call to others.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Network {
    /// Whether loopback and private addresses may be called.
    pub allow_private_addresses: bool,
    /// Until a connection is given up, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Until an answer that is no payload must be complete, in milliseconds.
    pub request_timeout_ms: u64,
    /// Largest such answer, in bytes.
    pub max_response_bytes: u64,
}

/// Section `[limits]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Pulls under one agreement that may wait for an acknowledgement.
    pub outstanding_per_agreement: u64,
    /// Negotiations, and transfers, that one peer may keep open here.
    pub open_per_peer: usize,
    /// After which a pull counts as not acknowledged, in seconds.
    pub acknowledge_deadline_s: u64,
    /// How long a token is valid, in seconds.
    pub token_lifetime_s: u64,
    /// Largest payload that is pulled, in bytes.
    pub payload_bytes: u64,
    /// Most bytes of documents in evidence; `None`: as many as there is room for.
    pub evidence_bytes: Option<u64>,
    /// Connections at a time.
    pub connections: usize,
}

/// Section `[sources]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sources {
    /// Buckets whose objects can be published.
    pub s3: Vec<S3Source>,
    /// APIs whose answers can be published.
    pub apis: Vec<UpstreamApi>,
}

/// One of `sources.s3`: a bucket.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct S3Source {
    /// What publications call it.
    pub name: String,
    /// Where the store is.
    pub endpoint: BaseUrl,
    /// Its region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Whether it may lie on a private address.
    pub internal: bool,
    /// File with the key that lets us in.
    pub credentials: PathBuf,
}

/// One of `sources.apis`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UpstreamApi {
    /// What publications call it.
    pub name: String,
    /// Where its paths begin.
    pub url: BaseUrl,
    /// Whether it may lie on a private address.
    pub internal: bool,
    /// File with the headers that it is shown.
    pub headers: PathBuf,
}

/// Section `[models]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Models {
    /// What a run may use at most; a model whose package asks for more is not published.
    pub sandbox: super::Sandbox,
}

/// Section `[management]` of a connector that has a management API.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Management {
    /// Address and port.
    pub address: SocketAddr,
    /// Directories whose files may be published through it.
    pub publish_from: Vec<PathBuf>,
}

/// Section `[catalogue]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Catalogue {
    /// Whom to ask; `None`: the participant.
    pub contact_name: Option<String>,
    /// Their e-mail address.
    pub contact_email: Option<String>,
    /// A page by which they can be reached.
    pub contact_url: Option<String>,
    /// Name of who publishes; `None`: the participant.
    pub publisher: Option<String>,
    /// What the publisher is.
    pub publisher_type: Option<String>,
    /// Language of descriptions.
    pub language: String,
    /// `offer`, or the IRI of a licence.
    pub licence: String,
    /// `public`, `restricted` or `non-public`.
    pub access_rights: String,
    /// Themes.
    pub theme: Vec<String>,
    /// Datasets on a page.
    pub page: usize,
}

/// Section `[log]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// Whether each line is a JSON object.
    pub json: bool,
}

/// Section `[development]`; there only with the flag `--development`, and at least one of them is on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Development {
    /// `http://` is served and called too.
    pub plain_http: bool,
    /// Peers are asked for no credentials.
    pub mock_identity: bool,
    /// Participants that are known without a DID document.
    pub peers: Vec<PlainPeer>,
}

/// A participant that is known without a DID document, for development alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPeer {
    /// What it is called here, and in records.
    pub did: Did,
    /// What it is called in messages.
    pub name: Id,
    /// Its versioned base.
    pub address: BaseUrl,
    /// How it is known.
    pub proof: PlainProof,
}

/// How a participant without a DID document is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainProof {
    /// By this `Authorization`, sent and expected unchanged.
    Token(String),
    /// By the mock identity of the Eclipse Dataspace Components.
    Edc,
}
