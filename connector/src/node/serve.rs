//! `herleid serve`: the log first, then the witnesses' word on it, then doors that open.

use super::{Node, OpenError, fresh_trace, open};
use crate::commands;
use crate::config::Config;
use crate::control::socket::{ControlSocket, SocketError};
use crate::dsp::error::Refusal;
use crate::http;
use crate::net::error::{ServerError, TlsError};
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::net::tls;
use crate::provider::{acknowledge, grants};
use crate::witnessing::{self, WitnessingError};
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
    /// The port.
    #[error(transparent)]
    Listen(#[from] ServerError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A witness knows more of the log than is here, or another history.
    #[error("{0}; start a successor log instead of going on with this one, and keep this directory as it is")]
    Rollback(WitnessingError),
    /// Too few witnesses answer.
    #[error(
        "only {reached} of the {quorum} witnesses needed answer, so nobody outside can say that this log was not rolled back, and it must not sign: {why}; start the witnesses, or see to the network, then start again"
    )]
    NoQuorum {
        /// How many answered.
        reached: usize,
        /// How many must.
        quorum: usize,
        /// What the last one that did not answer said.
        why: String,
    },
    /// The asking of witnesses broke off.
    #[error("the asking of the witnesses broke off, and the service stopped with it: {0}; please report this")]
    Witnessing(String),
    /// Processes that cannot be carried on.
    #[error("stored negotiations or transfers cannot be read: {0}")]
    Resume(Refusal),
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
    let storage = config.storage.directory.clone();
    let node = tokio::task::spawn_blocking(move || open(config))
        .await
        .map_err(|e| ServeError::Resume(Refusal::Unavailable { why: e.to_string() }))??;
    let socket = ControlSocket::open(&storage).await?;
    ask_witnesses(&node).await?;
    node.negotiator.resume(&node).map_err(ServeError::Resume)?;

    let asking = witnessing::keep_asking(
        node.ledger.clone(),
        node.client.clone(),
        node.witnesses.clone(),
        node.grown.subscribe(),
        node.asked.clone(),
    );
    let ended = stop.clone();
    let witnessed = tokio::spawn(async move {
        tokio::select! {
            () = ended.cancelled() => Ok(()),
            asked = asking => {
                // A log that a witness knows otherwise signs nothing more, also when it was seen too late to refuse the start.
                ended.cancel();
                asked
            }
        }
    });
    let rounds = tokio::spawn(rounds(node.clone(), stop.clone()));
    let handler_node = node.clone();
    let control = crate::control::server::serve(
        socket,
        move |command, body, progress| commands::handle(handler_node.clone(), command, body, progress),
        stop.clone(),
    );
    ready(&node);
    tokio::join!(
        listener.serve(security, http::router(node.clone()), limits, stop),
        control
    );
    rounds.abort();
    match witnessed.await {
        Ok(asked) => asked.map_err(ServeError::Rollback),
        Err(e) => Err(ServeError::Witnessing(e.to_string())),
    }
}

/// Before this log signs anything more, its witnesses say how far they saw it.
async fn ask_witnesses(node: &Node) -> Result<(), ServeError> {
    let mut reached = 0;
    let mut why = String::new();
    for witness in &node.witnesses {
        match witnessing::ask(&node.ledger, &node.client, witness, 0).await {
            Ok(_) => reached += 1,
            Err(error) if error.is_rollback() => return Err(ServeError::Rollback(error)),
            Err(error) => why = error.to_string(),
        }
    }
    let quorum = node.config.trust.quorum;
    if reached < quorum {
        Err(ServeError::NoQuorum { reached, quorum, why })
    } else {
        Ok(())
    }
}

/// What has to be looked at from time to time: receipts past their deadline, denials that were only counted.
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
    }
}
