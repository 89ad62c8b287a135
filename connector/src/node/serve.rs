//! `herleid serve`: the log first, then the witnesses' word on it, then doors that open.

use super::damage;
use super::open::{self, open};
use super::started::{Quorum, ask_witnesses};
use super::{Node, OpenError, Secrets, fresh_trace, jobs};
use crate::backup;
use crate::catalogue::{IDLE, Index};
use crate::commands;
use crate::config::Config;
use crate::continuing;
use crate::control::socket::{ControlSocket, SocketError};
use crate::dsp::error::Refusal;
use crate::http;
use crate::management::{Door, ManagementError};
use crate::net::client::GuardedClient;
use crate::net::error::{ServerError, TlsError};
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::net::tls;
use crate::provider::{acknowledge, grants, push, run};
use crate::storage::{self, StorageError};
use crate::witnessing::{self, Told, WitnessingError};
use herleid_ledger::Ledger;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::note::Signer;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often overdue receipts and counted denials are looked for.
const ROUND: Duration = Duration::from_secs(60);

/// Why the service does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The control socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The storage directory.
    #[error("the storage directory `{path}` cannot be made: {source}; see to who may write there")]
    Storage {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The storage directory is not for this version, or is half restored.
    #[error(transparent)]
    Unusable(#[from] StorageError),
    /// What a crash left of a backup.
    #[error("what is left of a backup that was broken off could not be removed: {0}")]
    Backup(String),
    /// The port.
    #[error(transparent)]
    Listen(#[from] ServerError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A witness knows more of the log than is here, or another history.
    #[error(
        "{0}; start a successor log instead of going on with this one (`herleid ledger continue` says how), and keep this directory as it is"
    )]
    Rollback(WitnessingError),
    /// What is stored of the log is damaged, which was found when a witness was to be shown that it only grew.
    #[error("{0}; put back a sound directory, or mend the disk: nothing more is signed over what is damaged")]
    Damaged(WitnessingError),
    /// The list of erasures knows more of the log than is here, or another history.
    #[error(
        "this log went on, or is another history of the one that did: {why} (`erasure.register`; the log's own key has signed it); \
         start a successor log instead of going on with this one (`herleid ledger continue`, with `--even-if-sound` where no witness knows more), and keep this directory as it is"
    )]
    Behind {
        /// What proves it.
        why: String,
    },
    /// Too few witnesses answer.
    #[error(
        "only {reached} of the {needed} witnesses needed answer, so nobody outside can say that this log was not rolled back, and it must not sign: {why}; start the witnesses, or see to the network, then start again"
    )]
    NoQuorum {
        /// How many answered.
        reached: usize,
        /// How many must ([`witnessing::needed_to_start`]).
        needed: usize,
        /// What the last one that did not answer said.
        why: String,
    },
    /// A backup was restored, and nobody can say what came after it.
    #[error(
        "this storage directory was restored from a backup of {size} records of {made} (`{path}` says so), and {confirmed} witnesses that had seen all of these confirm that they were all: \
         uses counted since, agreements ended and parties distrusted would be forgotten, and what is signed next could be a second history; \
         start a successor log (`herleid ledger continue` says how), or name the witnesses that had seen these records; only if you know that nothing was recorded since, \
         move the directory away and restore again with `--nothing-since`"
    )]
    Restored {
        /// The file that says so.
        path: PathBuf,
        /// Records in the backup.
        size: u64,
        /// When it was made.
        made: String,
        /// Witnesses that had seen what is in the backup, and confirmed it.
        confirmed: usize,
    },
    /// The management API.
    #[error(transparent)]
    Management(#[from] ManagementError),
    /// The log does not verify.
    #[error(
        "the log does not verify, so nothing of it is served any more: {found}; change nothing in the directory, and put back a backup or see to the disk; `herleid doctor` says when it is in order"
    )]
    Unsound {
        /// What a check found.
        found: String,
    },
    /// The looking for damage broke off.
    #[error("the watch over the log broke off, and the service stopped with it: {0}; please report this")]
    Watching(String),
    /// The asking of witnesses broke off.
    #[error("the asking of the witnesses broke off, and the service stopped with it: {0}; please report this")]
    Witnessing(String),
    /// Processes that cannot be carried on.
    #[error("stored negotiations or transfers cannot be read: {0}")]
    Resume(Refusal),
}

impl From<WitnessingError> for ServeError {
    fn from(error: WitnessingError) -> Self {
        if error.is_rollback() {
            Self::Rollback(error)
        } else {
            Self::Damaged(error)
        }
    }
}

/// Serves until `stop`; `ready` is told once everything answers.
///
/// # Errors
/// Why it does not start.
pub async fn serve(config: Config, stop: CancellationToken, ready: impl FnOnce(&Node)) -> Result<(), ServeError> {
    let address = config.listen.address;
    let limits = ServerLimits {
        connections: config.limits.connections,
        ..ServerLimits::default()
    };
    let security = match &config.listen.tls {
        Some(files) => Security::Tls(tls::server_config(&files.certificate, &files.key)?),
        // The configuration has no certificate only under `[development] plain_http`, which needs the flag.
        None => Security::PlainForDevelopment,
    };
    // The port before the log: two services of one configuration must not get as far as the log's lock.
    let listener = Listener::bind(address).await?;
    let door = Door::bind(&config).await?;
    let storage = config.storage.directory.clone();
    // And the storage before its log: `herleid ledger continue` holds it while it decides which log goes on.
    make_storage(&storage)?;
    let socket = ControlSocket::open(&storage).await?;
    storage::check(&storage)?;
    // Links of it keep what was erased since.
    backup::clear(&storage).map_err(|e| ServeError::Backup(e.to_string()))?;
    let restored = storage::restored(&storage)?;
    ask_before_the_first_record(&config).await?;
    let node = tokio::task::spawn_blocking(move || open(config))
        .await
        .map_err(|e| ServeError::Resume(Refusal::Unavailable { why: e.to_string() }))??;
    // Before anybody cosigns what is here.
    let behind = crate::erasure::is_behind(&node).map_err(|e| {
        let why = format!("what is listed as erased could not be held against the log: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    if let Some(why) = behind {
        return Err(ServeError::Behind { why });
    }
    ask_witnesses(&node, restored.as_ref()).await?;
    // Before anything is recorded, or signed for others, with a new key.
    crate::identity::history::keep(&node).await.map_err(|e| {
        let why = format!("which keys are ours could not be recorded: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    // Before anybody can ask for another one.
    run::close_interrupted(&node, &fresh_trace(&node)).await.map_err(|e| {
        let why = format!("runs that a stop interrupted could not be recorded as failed: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    // What they ran on. Whoever erases something is told while it cannot be removed.
    match jobs::sweep(&node.config.storage.directory) {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "what runs left that a stop interrupted is removed"),
        Err(error) => tracing::error!(%error, "what runs left that a stop interrupted could not be removed"),
    }
    crate::consumer::pull::sweep(&node).map_err(|e| {
        let why = format!("what is left of pulls that broke off could not be looked through: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    // First: what rests on trust that was withdrawn is not taken up again.
    crate::trust::go_on(&node).await.map_err(|e| {
        let why = format!("what rests on trust that was withdrawn could not be looked through: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    let came = match &restored {
        Some(_) => crate::erasure::Came::Restored,
        None => crate::erasure::Came::Anyhow,
    };
    crate::erasure::go_on(&node, came).await.map_err(|e| {
        let why = format!("what is left of erasures that a stop interrupted could not be removed: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    crate::erasure::again(&node).await.map_err(|e| {
        let why = format!("what was erased after a backup was made could not be erased again: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    if restored.is_some() {
        // From here on it is a log like any other.
        storage::forget_restored(&storage)?;
    }
    node.negotiator.resume(&node).map_err(ServeError::Resume)?;
    crate::consumer::pull::pushed::resume(&node).map_err(|e| {
        let why = format!("pushes that were asked for could not be looked through: {e}");
        ServeError::Resume(Refusal::Unavailable { why })
    })?;
    push::resume(&node).map_err(ServeError::Resume)?;

    let asking = witnessing::keep_asking(
        node.ledger.clone(),
        node.client.clone(),
        node.witnesses.clone(),
        node.grown.subscribe(),
        Told {
            asked: node.asked.clone(),
            standings: node.standings.clone(),
            clock: node.clock.clone(),
        },
    );
    let ended = stop.clone();
    let witnessed = tokio::spawn(async move {
        // However the asking ends, nothing more is signed: a log that a witness knows otherwise, also when that was seen too late to
        // refuse the start, or one that nobody asks about any more.
        let _stops = ended.clone().drop_guard();
        tokio::select! {
            () = ended.cancelled() => Ok(()),
            asked = asking => asked,
        }
    });
    let watched = damage::Watched {
        ledger: node.ledger.clone(),
        clock: node.clock.clone(),
        every_s: node.config.ledger.check_every_s,
    };
    let ended = stop.clone();
    let sound = tokio::spawn(async move {
        // Damage ends the service too: what it would give to others rests on it.
        let _stops = ended.clone().drop_guard();
        damage::watch(watched, ended).await
    });
    let rounds = tokio::spawn(rounds(node.clone(), stop.clone()));
    let forks = tokio::spawn(crate::forks::keep_looking(node.clone(), stop.clone()));
    let stamps = tokio::spawn(crate::stamping::keep_stamping(node.clone()));
    let burying = tokio::spawn(crate::erasure::keep_going_on(node.clone(), stop.clone()));
    let reminding = tokio::spawn(crate::duties::keep_reminding(node.clone()));
    let reconciling = tokio::spawn(crate::reconcile::rounds(node.clone()));
    let handler_node = node.clone();
    let control = crate::control::server::serve(
        socket,
        move |command, body, progress| commands::handle(handler_node.clone(), command, body, progress),
        stop.clone(),
    );
    let (managed, managing) = (node.clone(), stop.clone());
    let management = async move {
        if let Some(door) = door {
            door.serve(managed, managing).await;
        }
    };
    ready(&node);
    // Nobody waits for this: who asks a query before is told to come back.
    let queries = tokio::spawn(Index::keep_sparql(node.clone(), IDLE));
    tokio::join!(
        listener.serve(security, http::router(node.clone()), limits, stop),
        control,
        management
    );
    rounds.abort();
    forks.abort();
    stamps.abort();
    burying.abort();
    reminding.abort();
    reconciling.abort();
    queries.abort();
    match sound.await {
        Ok(sound) => sound?,
        Err(e) => return Err(ServeError::Watching(e.to_string())),
    }
    match witnessed.await {
        Ok(asked) => asked.map_err(ServeError::from),
        Err(e) => Err(ServeError::Witnessing(e.to_string())),
    }
}

/// The storage directory, for its owner alone; one that is there stays as it is.
fn make_storage(storage: &Path) -> Result<(), ServeError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(storage);
    made.map_err(|source| ServeError::Storage {
        path: storage.to_owned(),
        source,
    })
}

/// A log that would begin here signs its first record when it is opened: whether its origin was used before is asked earlier.
async fn ask_before_the_first_record(config: &Config) -> Result<(), ServeError> {
    let witnesses = open::witnesses(config);
    let (storage, origin) = (config.storage.directory.clone(), config.ledger.origin.clone());
    // A log that is over must not even be opened.
    let is_new = move || Ok::<_, OpenError>(Ledger::is_new(&continuing::directory(&storage, &origin)?)?);
    let is_new = tokio::task::spawn_blocking(is_new).await;
    let is_new = is_new.map_err(|e| ServeError::Witnessing(e.to_string()))?;
    if !is_new? || witnesses.is_empty() {
        return Ok(());
    }
    let secrets = Secrets::load(&config.keys.directory).map_err(OpenError::from)?;
    let log = Signer::ed25519(&config.ledger.origin, secrets.log.clone()).map_err(OpenError::from)?;
    let empty = Checkpoint::empty(&log).map_err(|e| ServeError::Witnessing(e.to_string()))?;
    let client = GuardedClient::new(&open::client_settings(config)).map_err(OpenError::from)?;
    let mut quorum = Quorum::of(config);
    for witness in &witnesses {
        quorum.heard(witnessing::ask_of_new(&client, witness, &empty).await)?;
    }
    quorum.reached()
}

/// What has to be looked at from time to time: receipts past their deadline, denials that were only counted, negotiations and
/// transfers that could not be decided.
async fn rounds(node: Arc<Node>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(ROUND);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        let trace = fresh_trace(&node);
        if let Err(error) = acknowledge::record_overdue(&node, &trace).await {
            tracing::error!(%error, "overdue receipts could not be recorded");
        }
        if let Err(error) = grants::flush_denials(&node, &trace).await {
            tracing::error!(%error, "counted denials could not be recorded");
        }
        if let Err(error) = crate::consumer::receipts::resend(&node, &trace).await {
            tracing::error!(%error, "receipts that are owed could not be sent again");
        }
        if let Err(error) = crate::erasure::deliver(&node).await {
            tracing::error!(%error, "who has to be told of what was erased could not be looked through");
        }
        if let Err(error) = node.negotiator.look_again(&node) {
            tracing::error!(%error, "open negotiations and transfers could not be looked at");
        }
    }
}
