//! Opens a connector from its configuration, and makes a new one.

use super::{Node, Secrets, SecretsError, witness_signer};
use crate::catalogue;
use crate::config::Config;
use crate::continuing::{self, PlaceError};
use crate::dsp_shell::Negotiator;
use crate::erasure::over::entombed;
use crate::erasure::register::{self, RegisterError};
use crate::handlers::{Handlers, HandlersError};
use crate::identity::{Documents, Fetcher, Foundations, Holder, Membership, Shortcuts, Statuses, UsedTokens};
use crate::journal::Journal;
use crate::net::client::{ClientLimits, ClientSettings, GuardedClient};
use crate::net::error::TlsError;
use crate::pauses::Pauses;
use crate::payloads::{PayloadError, Payloads};
use crate::peers::{Peers, Remembering};
use crate::provider::Giving;
use crate::provider::push::Pushing;
use crate::rim::{SteadyClock, SystemClock, SystemEntropy};
use crate::sources::{Sources, SourcesError};
use crate::stamping::{Stamping, StampingError};
use crate::state::{State, StateError, digest_bytes};
use crate::storage::{self, StorageError};
use crate::trust::TrustStore;
use crate::witnessing::{Standings, Witness, WitnessService};
use herleid_credentials::access_token;
use herleid_credentials::did_document::{DidDocument, DidDocumentError, LogService, Relationship, ServiceError};
use herleid_ledger::note::{NoteError, Signer};
use herleid_ledger::section::SectionName;
use herleid_ledger::witness::{Persist, Response};
use herleid_ledger::{Ledger, LedgerError, Options, WitnessPolicy, WitnessStore};
use herleid_vocab::rim::{Clock, Entropy};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::watch;

/// Why a connector cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Key files.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The log.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Where it lies.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The state beside it.
    #[error(transparent)]
    State(#[from] StateError),
    /// Payloads.
    #[error(transparent)]
    Payloads(#[from] PayloadError),
    /// Where else published bytes come from.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Our own DID document.
    #[error("our own DID document cannot be made: {0}")]
    Document(#[from] DidDocumentError),
    /// Our own log's service entry.
    #[error("our own log cannot stand in our DID document: {0}")]
    Service(#[from] ServiceError),
    /// A key of a log or witness.
    #[error("a key in `[trust]` or `[witness]` is not usable: {0}")]
    Key(#[from] NoteError),
    /// Who decides.
    #[error(transparent)]
    Handlers(#[from] HandlersError),
    /// Time authorities.
    #[error(transparent)]
    Stamping(#[from] StampingError),
    /// The storage directory.
    #[error(transparent)]
    Unusable(#[from] StorageError),
    /// The list of erasures.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// A witness whose memory is not there.
    #[error(
        "the witness's key `{key}` is not used any more (`{path}` says so): what it cosigned was lost with the storage directory, and it could cosign another history of a log; \
         make a new key (`openssl rand -hex 32`, into `{file}`) and give its public half to the logs that name this witness; or set `witness.enabled = false`"
    )]
    WitnessLost {
        /// The verifier key.
        key: String,
        /// What says so.
        path: PathBuf,
        /// Where the key lies.
        file: PathBuf,
    },
    /// An address.
    #[error("`public_url` is not an address: {0}")]
    Url(#[from] url::ParseError),
}

/// Fragment of the one key of a new participant.
const KEY: &str = "key-1";

/// What the log of this participant in `directory` is opened with.
///
/// # Errors
/// When the witnesses that are named make no policy.
pub fn ledger_options(
    config: &Config,
    secrets: &Secrets,
    directory: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Options, LedgerError> {
    Ok(Options {
        dir: directory.to_owned(),
        origin: config.ledger.origin.clone(),
        party: config.participant.did.clone(),
        development: config.development.is_some(),
        signing_key: secrets.log.clone(),
        on_fatal: herleid_ledger::fatal_abort,
        kek: *secrets.kek,
        clock,
        entropy,
        witness_policy: WitnessPolicy::new(
            config.trust.quorum,
            witnesses(config).iter().map(|w| w.verifier.clone()).collect(),
        )?,
    })
}

/// Opens everything that a running connector needs. Nothing listens yet.
///
/// # Errors
/// Says what is wrong and what to do.
pub fn open(config: Config) -> Result<Arc<Node>, OpenError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let secrets = Secrets::load(&config.keys.directory)?;
    let public_url = config.listen.public_url.as_str().to_owned();
    let did = config.participant.did.clone();
    let witnesses = witnesses(&config);
    let directory = continuing::directory(&config.storage.directory, &config.ledger.origin)?;
    let options = |directory: &Path| ledger_options(&config, &secrets, directory, clock.clone(), entropy.clone());
    let ledger = Ledger::open(options(&directory)?)?;
    storage::mark(&config.storage.directory)?;
    if let Some(most) = config.limits.evidence_bytes {
        ledger.bound_evidence(most)?;
    }
    let (mut previous, mut unreadable) = (Vec::new(), Vec::new());
    let listed = register::folders(config.erasure.register.as_deref(), &config.storage.directory)?;
    let listed: Vec<&Path> = listed.iter().map(PathBuf::as_path).collect();
    for (origin, directory) in continuing::previous(&config.storage.directory, ledger.origin())? {
        let over = |erased: &BTreeMap<u64, Vec<SectionName>>| {
            let mut options = options(&directory)?;
            options.origin.clone_from(&origin);
            Ledger::open_closed_apart(options, &directory.join("keys"), erased)
        };
        let all = over(&BTreeMap::new());
        let is_other = |index, leaf: &[u8; 32]| {
            let found = all.as_ref().ok().and_then(|log| log.record(index).ok());
            found.is_some_and(|record| record.leaf() != leaf)
        };
        let mut erased = register::of_log(&listed, &secrets.log, &origin, is_other)?;
        // What those after it say is gone, and a crash or an older backup may have left.
        let said = all.and_then(|log| entombed(&log, std::iter::once(&ledger).chain(&previous)));
        let opened = said.and_then(|said| {
            for (index, sections) in said {
                erased.entry(index).or_default().extend(sections);
            }
            over(&erased)
        });
        match opened {
            Ok(over) => previous.push(over),
            // It was lost for a reason; this log goes on without it.
            Err(error) => unreadable.push(format!(
                "the log `{origin}`, which is over, cannot be read, so nothing of it is served or traced: {error}"
            )),
        }
    }
    let handlers = match &config.decisions.file {
        Some(file) => Handlers::load(file, config.development.as_ref().is_some_and(|d| d.plain_http))?,
        None => Handlers::default(),
    };
    let client = Arc::new(GuardedClient::new(&client_settings(&config))?);
    let state = State::new(ledger.clone());
    let document = document(&config, &secrets, &ledger, &public_url)?;
    let witness = match &config.witness {
        Some(others) => {
            check_witness(&config, &secrets, &public_url)?;
            let known = others.logs.iter().map(|l| l.verifier.clone()).collect();
            let memory = WitnessStore::open(&config.storage.directory.join("witness"))?;
            take_over(&state, &memory)?;
            let signer = witness_signer(&public_url, &secrets)?;
            Some(Arc::new(WitnessService::new(signer, known, memory, clock.clone())))
        }
        None => None,
    };
    let scheme = if public_url.starts_with("http://") {
        "http"
    } else {
        "https"
    };
    let payloads = Payloads::open(&config.storage.directory.join("payloads"))?;
    let (from, most) = (&config.sources, config.limits.payload_bytes);
    let sources = Sources::open(&from.s3, &from.apis, &client_settings(&config), &payloads, most)?;
    let stamping = Stamping::new(&config.timestamps)?;
    let documents = Arc::new(Documents::new(client.clone(), clock.clone(), scheme));
    let fetcher = Fetcher {
        client: client.clone(),
        documents: documents.clone(),
    };
    let (steady, max_age_s) = (Arc::new(SteadyClock::start()), config.identity.status_max_age_s);
    let statuses = Statuses::new(fetcher, clock.clone(), steady, max_age_s);
    let (grown, cosigned) = (watch::Sender::new(ledger.size()), ledger.cosigned());
    Ok(Arc::new(Node {
        stamping,
        manifests: Signer::ed25519(ledger.origin(), secrets.log.clone())?,
        key_id: format!("{did}#{KEY}"),
        catalogue: catalogue::Index::new(catalogue::Describer::of(&config), state.clone()),
        payloads,
        sources,
        documents,
        used: UsedTokens::new(ledger.clone()),
        known_tokens: access_token::Known::default(),
        unauthenticated: AtomicU64::new(0),
        holder: Holder::new(state.clone()),
        handlers,
        shortcuts: Shortcuts::new(config.development.as_ref()),
        membership: Membership::default(),
        statuses,
        foundations: Foundations::default(),
        peers: Peers::new(Remembering {
            ledger: ledger.clone(),
            client: client.clone(),
            scheme,
            clock: clock.clone(),
            entropy: entropy.clone(),
            grown: grown.clone(),
        }),
        journal: Journal::open(&state)?,
        negotiator: Negotiator::default(),
        giving: Giving::default(),
        pushing: Pushing::new(&client, &client_settings(&config))?,
        sandbox: tokio::sync::OnceCell::new(),
        jobs: super::Jobs::default(),
        grown,
        erasing: tokio::sync::Mutex::default(),
        stripping: Pauses::new(crate::erasure::strip::MOST_ROUNDS),
        doubting: Pauses::new(crate::forks::MOST_ROUNDS),
        asked: watch::Sender::new(0),
        identity: secrets.identity,
        trust: TrustStore::open(&config.trust, state.clone())?,
        did,
        public_url,
        scheme,
        document,
        ledger,
        previous,
        unreadable,
        state,
        client,
        witness,
        standings: Standings::of(&witnesses, cosigned.as_deref()),
        witnesses,
        clock,
        entropy,
        config,
    }))
}

/// That the witness's key is not one whose memory was lost.
fn check_witness(config: &Config, secrets: &Secrets, public_url: &str) -> Result<(), OpenError> {
    let key = witness_signer(public_url, secrets)?.verifier().to_string();
    match storage::lost_witness(&config.storage.directory, &key)? {
        None => Ok(()),
        Some(path) => Err(OpenError::WitnessLost {
            key,
            path,
            file: config.keys.directory.join("witness.key"),
        }),
    }
}

/// What builds before 22 November 2026 cosigned was kept within the log's own store: a witness that forgot it would cosign a second
/// history of a log that it knows.
fn take_over(state: &State, memory: &WitnessStore) -> Result<(), OpenError> {
    #[derive(serde::Deserialize)]
    struct Seen {
        size: u64,
        root: String,
        note: String,
    }
    for (key, seen) in state.scan::<Seen>("witnessed/")? {
        let origin = key.trim_start_matches("witnessed/").to_owned();
        if memory.last(&origin)?.is_some() {
            continue;
        }
        let unreadable = || StateError::Format {
            key: key.clone(),
            why: "its root is not 64 hex digits".to_owned(),
        };
        memory.keep(&Response::cosigned_before(Persist {
            origin,
            size: seen.size,
            root: digest_bytes(&seen.root).ok_or_else(unreadable)?,
            note: seen.note,
        }))?;
    }
    Ok(())
}

/// The witnesses of our log.
pub(crate) fn witnesses(config: &Config) -> Vec<Witness> {
    let named = config.trust.witnesses.iter();
    named
        .map(|w| Witness {
            verifier: w.verifier.clone(),
            url: w.url.to_string(),
        })
        .collect()
}

pub(crate) fn client_settings(config: &Config) -> ClientSettings {
    ClientSettings {
        ca_files: config.trust.tls_ca.clone(),
        // The trust store is explicit: whoever names authorities trusts those and no others.
        system_authorities_too: false,
        allow_private_addresses: config.network.allow_private_addresses,
        plain_http_for_development: config.development.as_ref().is_some_and(|d| d.plain_http),
        limits: ClientLimits {
            connect: Duration::from_millis(config.network.connect_timeout_ms),
            total: Duration::from_millis(config.network.request_timeout_ms),
            body_bytes: config.network.max_response_bytes,
            ..ClientLimits::default()
        },
    }
}

fn document(config: &Config, secrets: &Secrets, ledger: &Ledger, public_url: &str) -> Result<DidDocument, OpenError> {
    let url = |path: &str| url::Url::parse(&format!("{public_url}{path}"));
    let dsp = crate::http::DSP_PATH;
    let built = DidDocument::builder(&config.participant.did)
        .key(
            KEY,
            &secrets.identity.public_key(),
            &[
                Relationship::Authentication,
                Relationship::AssertionMethod,
                Relationship::CapabilityInvocation,
            ],
        )
        .credential_service(&url(crate::http::DCP_PATH)?)
        .catalog_service(&url(&format!("{dsp}/catalog"))?)
        .log(&LogService::new(ledger.origin(), &ledger.verifier().to_string())?)
        .build()?;
    Ok(built)
}
