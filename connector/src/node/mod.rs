//! A running connector: everything that its handlers and commands share.

mod activity;
mod damage;
mod jobs;
mod logs;
mod open;
mod secrets;
mod serve;
mod signing;
mod started;

pub(crate) use jobs::Jobs;
pub use open::{OpenError, ledger_options, open};
pub(crate) use open::{client_settings, witnesses};
pub(crate) use secrets::read_private;
pub use secrets::{Secrets, SecretsError, make_management_token, management_token};
pub use serve::{ServeError, serve};
pub use signing::{SigningError, fresh_trace, traceparent};
pub(crate) use signing::{fresh_traceparent, header};

use crate::catalogue;
use crate::config::Config;
use crate::dsp::error::Refusal as DspRefusal;
use crate::dsp::id::{Id, IdError};
use crate::dsp_shell::Negotiator;
use crate::handlers::Handlers;
use crate::identity::{
    Authenticated, AuthenticationError, Documents, Foundations, Holder, Membership, Shortcuts, Statuses, UsedTokens,
    authenticate,
};
use crate::journal::Journal;
use crate::models::sandbox::{Sandbox, SandboxError};
use crate::net::client::GuardedClient;
use crate::pauses::Pauses;
use crate::payloads::Payloads;
use crate::peers::Peers;
use crate::provider::Giving;
use crate::provider::push::Pushing;
use crate::sources::Sources;
use crate::stamping::Stamping;
use crate::state::{AgreementEntry, LogIdentity, State, StateError};
use crate::trust::TrustStore;
use crate::witnessing::{Standings, Witness, WitnessService};
use herleid_credentials::did_document::DidDocument;
use herleid_credentials::keys::SigningKey;
use herleid_credentials::{Now, access_token};
use herleid_ledger::note::{NoteError, Signer};
use herleid_ledger::record::Draft;
use herleid_ledger::{AppendError, Ledger, LedgerError, Recorded};
use herleid_vocab::did::Did;
use herleid_vocab::rim::{Clock, Entropy};
use http::HeaderMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OnceCell, watch};

/// How far the clocks of two parties may differ.
pub(crate) const LEEWAY_MS: u64 = 30_000;
/// Programs that run at once; others wait.
const PARALLEL_RUNS: usize = 2;

/// A running connector.
pub struct Node {
    /// Its configuration.
    pub config: Config,
    /// Who it is.
    pub did: Did,
    /// Its public base URL, without trailing slash.
    pub public_url: String,
    /// `https`, or `http` under a development switch.
    pub scheme: &'static str,
    /// Its DID document as served.
    pub document: DidDocument,
    /// Signs for the participant.
    pub identity: SigningKey,
    /// Absolute DID URL of that key.
    pub key_id: String,
    /// The log.
    pub ledger: Ledger,
    /// Logs of ours that are over, the latest first, to be read alone.
    pub previous: Vec<Ledger>,
    /// What is wrong with logs of ours that are over, for whoever looks at the status.
    pub unreadable: Vec<String>,
    /// What lies beside the log.
    pub state: State,
    /// What is published.
    pub catalogue: catalogue::Index,
    /// Where payloads lie.
    pub payloads: Payloads,
    /// Where else published bytes come from.
    pub sources: Sources,
    /// The one outbound client.
    pub client: Arc<GuardedClient>,
    /// Documents of others.
    pub documents: Arc<Documents>,
    /// Tokens that were used.
    pub used: UsedTokens,
    /// Access tokens of ours whose signature need not be verified anew with each request.
    pub known_tokens: access_token::Known,
    /// Requests refused since the start because their callers were not known: counted, never recorded.
    pub unauthenticated: AtomicU64,
    /// Our own credentials.
    pub holder: Holder,
    /// Who decides about negotiations and transfers.
    pub handlers: Handlers,
    /// Participants that are known without a DID document; none without the development flag.
    pub shortcuts: Shortcuts,
    /// Who is dealt with, and whose credentials count for what.
    pub trust: TrustStore,
    /// Credentials of others, for a few minutes.
    pub membership: Membership,
    /// Status lists of issuers.
    pub statuses: Statuses,
    /// What access that was given rests on.
    pub foundations: Foundations,
    /// What others' logs showed before.
    pub peers: Peers,
    /// What became of negotiations and transfers, for those who are told.
    pub journal: Journal,
    /// Negotiations and transfers.
    pub negotiator: Negotiator,
    /// What is being given at this moment.
    pub giving: Giving,
    /// What is being pushed at this moment.
    pub pushing: Pushing,
    /// The witness that we are for others, if we are.
    pub witness: Option<Arc<WitnessService>>,
    sandbox: OnceCell<Sandbox>,
    /// What runs leave on the disk.
    pub(crate) jobs: Jobs,
    /// Our own witnesses.
    pub witnesses: Vec<Witness>,
    /// How it stands with each of them.
    pub standings: Standings,
    /// Who stamps our checkpoints.
    pub stamping: Stamping,
    /// Tells the asking of witnesses that the log has grown.
    pub grown: watch::Sender<u64>,
    /// Told when a round of asking is over.
    pub asked: watch::Sender<u64>,
    /// Held by whoever has something erased, or forbids it: no hold slips in between.
    pub(crate) erasing: tokio::sync::Mutex<()>,
    /// How long logs that are over are left alone.
    pub(crate) stripping: Pauses,
    /// How long tiles are not asked of logs that our witness has doubts about.
    pub(crate) doubting: Pauses,
    /// Signs manifests of dossiers with the log's key (docs/dossier-format.md); their text can never be a checkpoint's.
    pub manifests: Signer,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Node {
    /// Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// This instant, with the leeway that clocks of others are given.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            now_ms: self.now_ms(),
            leeway_ms: LEEWAY_MS,
        }
    }

    /// Where model programs run; made at the first run, refused where the walls cannot be built.
    ///
    /// # Errors
    /// What is missing, and which package brings it.
    pub async fn sandbox(&self) -> Result<&Sandbox, SandboxError> {
        self.sandbox
            .get_or_try_init(|| async {
                let jobs = jobs::directory(&self.config.storage.directory)?;
                Sandbox::open(&jobs, PARALLEL_RUNS).await
            })
            .await
    }

    /// Appends to the log, with the processing activity where a rule names one, and lets its witnesses know.
    ///
    /// # Errors
    /// When the draft is refused; a failed write ends the process.
    pub async fn append(&self, draft: Draft) -> Result<Recorded, AppendError> {
        let recorded = self.ledger.append(self.of_activity(draft)).await?;
        self.has_grown();
        Ok(recorded)
    }

    /// Appends to the log, and holds `kept` until the record is durable or refused, also when nobody waits for it any more.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn append_keeping<T: Send + 'static>(&self, draft: Draft, kept: T) -> Result<Recorded, AppendError> {
        let (ledger, draft) = (self.ledger.clone(), self.of_activity(draft));
        let appending = tokio::spawn(async move {
            let recorded = ledger.append(draft).await;
            drop(kept);
            recorded
        });
        let recorded = appending.await.map_err(|_| LedgerError::Closed)??;
        self.has_grown();
        Ok(recorded)
    }

    /// A fresh UUIDv7, for transactions and processes.
    #[must_use]
    pub fn fresh_id(&self) -> String {
        fresh_uuid_v7(self.now_ms(), self.entropy.as_ref())
    }

    /// Checks who sends a request.
    ///
    /// # Errors
    /// Says which check failed.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Authenticated, AuthenticationError> {
        if let Some(caller) = Authenticated::by_shortcut(&self.shortcuts, headers) {
            self.admit(caller.did())?;
            return Ok(caller);
        }
        let admit = |claimed: &Did| self.admit(claimed);
        let caller = authenticate(headers, &self.documents, &self.used, &self.did, self.now(), admit).await;
        self.count_refusal(&caller);
        caller
    }

    /// Counts a caller that is not known; our own failure to remember its token is no refusal.
    pub(crate) fn count_refusal<T>(&self, checked: &Result<T, AuthenticationError>) {
        if checked
            .as_ref()
            .is_err_and(|e| !matches!(e, AuthenticationError::Memory(_)) && !e.is_passing())
        {
            self.unauthenticated.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// That this participant is dealt with at all (`trust.peers`), in either direction.
    ///
    /// # Errors
    /// When the configuration names others and not this one.
    pub fn admit(&self, peer: &Did) -> Result<(), AuthenticationError> {
        if self.trust.admits(peer) {
            Ok(())
        } else {
            Err(AuthenticationError::NotAdmitted(peer.clone()))
        }
    }

    /// Whether a participant keeps no log, as the configuration says: it is dealt with all the same, where the policy permits it.
    #[must_use]
    pub fn is_one_sided(&self, peer: &Did) -> bool {
        self.trust.is_one_sided(peer) || self.shortcuts.find(peer).is_some()
    }

    /// What a participant is called in messages of the Dataspace Protocol: its DID, unless the configuration says otherwise.
    ///
    /// # Errors
    /// When the DID is too long for an identifier.
    pub fn participant_id(&self, peer: &Did) -> Result<Id, IdError> {
        match self.shortcuts.find(peer) {
            Some(known) => Ok(known.name.clone()),
            None => peer.as_str().parse(),
        }
    }

    /// Whom an identifier in a message names.
    ///
    /// # Errors
    /// [`DspRefusal::NotFound`] when it is no participant's.
    pub fn did_of(&self, id: &Id) -> Result<Did, DspRefusal> {
        match self.shortcuts.named(id) {
            Some(known) => Ok(known.did.clone()),
            None => id.as_str().parse().map_err(|_| DspRefusal::NotFound),
        }
    }

    /// Our own log, as others know it.
    #[must_use]
    pub fn own_log(&self) -> LogIdentity {
        LogIdentity {
            did: self.did.clone(),
            origin: self.ledger.origin().to_owned(),
            verifier_key: self.ledger.verifier().to_string(),
        }
    }

    /// The logs of everybody with whom there is an agreement, by origin. An origin that several participants claim is that of
    /// the one whose host it lies on; if it lies on none of theirs, it is nobody's.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn other_logs(&self) -> Result<BTreeMap<String, LogIdentity>, StateError> {
        let agreements = self.state.scan::<AgreementEntry>("agreement/")?;
        Ok(logs::by_origin(
            agreements.into_iter().filter_map(|(_, entry)| entry.other_log),
        ))
    }

    /// The path of a log's origin on this host, when the origin lies on it.
    #[must_use]
    pub fn log_path(&self, origin: &str) -> Option<String> {
        let host = self.public_url.split_once("://").map_or("", |(_, host)| host);
        let path = origin.strip_prefix(host)?;
        (path.starts_with('/') && path.len() > 1).then(|| path.to_owned())
    }

    /// How many records a quorum of witnesses has seen.
    #[must_use]
    pub fn witnessed_size(&self) -> u64 {
        self.ledger.cosigned().map_or(0, |c| c.size())
    }

    /// Says that the log has grown, so that its witnesses are asked.
    pub fn has_grown(&self) {
        self.grown.send_replace(self.ledger.size());
    }
}

/// The checkpoint of a log that is served: cosigned if there is one of the latest size, else as we signed it. A log that is over gets no more
/// cosignatures: of it what was cosigned last is served, since nobody outside vouches for what came after.
#[must_use]
pub(crate) fn served_checkpoint(ledger: &Ledger) -> String {
    let latest = ledger.checkpoint();
    let cosigned = ledger
        .cosigned()
        .filter(|c| c.size() == latest.size() || ledger.is_over());
    cosigned.unwrap_or(latest).note().to_string()
}

/// A UUIDv7 (RFC 9562, section 5.7) of this instant.
#[must_use]
pub fn fresh_uuid_v7(now_ms: u64, entropy: &dyn Entropy) -> String {
    let mut random = [0u8; 10];
    entropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(now_ms, &random)
        .into_uuid()
        .to_string()
}

/// The verifier key of the log `origin` that these secrets sign for.
///
/// # Errors
/// When the origin cannot name a key.
pub fn log_verifier_key(origin: &str, secrets: &Secrets) -> Result<String, NoteError> {
    Ok(Signer::ed25519(origin, secrets.log.clone())?.verifier().to_string())
}

/// The verifier key of the witness at `public_url` that these secrets cosign for.
///
/// # Errors
/// When the address cannot name a key.
pub fn witness_verifier_key(public_url: &str, secrets: &Secrets) -> Result<String, NoteError> {
    Ok(witness_signer(public_url, secrets)?.verifier().to_string())
}

pub(crate) fn witness_signer(public_url: &str, secrets: &Secrets) -> Result<Signer, NoteError> {
    let host = public_url.split_once("://").map_or(public_url, |(_, host)| host);
    Signer::cosigner(
        &format!("{}/witness", host.trim_end_matches('/')),
        secrets.witness.clone(),
    )
}
