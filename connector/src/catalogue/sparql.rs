//! SPARQL 1.1 queries over the catalogue, answered by a process of their own.
//!
//! Anybody who is known may ask, and a query can need any amount of memory, stack and time. So the triples live in a process that has limits
//! and nothing else: a query that breaks it costs its asker a pause, and the others the time to fill a new one. What is published is noted
//! and put there before the next query, so that a query sees what was published before it.

mod checks;
mod frames;
mod host;
mod keep;
mod turns;
mod worker;

pub use keep::IDLE;
pub use worker::sparql_worker;

use super::entries::CatalogueError;
use crate::node::Node;
use checks::check_depth;
pub(super) use checks::check_parts;
use host::{Cause, Link, Lost};
use oxigraph::store::StorageError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{MutexGuard as Turned, Notify};
use turns::{Turn, Turns};

/// Longest query, in bytes.
pub const QUERY_BYTES: usize = 16_384;
/// Most rows or triples of an answer.
pub(super) const ANSWER_ROWS: usize = 10_000;
/// Longest answer, in bytes: 10,000 rows of 800.
pub(super) const ANSWER_BYTES: usize = 8 << 20;
/// How long a query may take.
pub(super) const QUERY_TIME: Duration = Duration::from_secs(5);
/// How long a query waits for its turn: as long as two others before it take.
const WAIT: Duration = Duration::from_secs(12);
/// How long a query waits for the process that is started for it: enough for a thousand datasets.
const START: Duration = Duration::from_secs(2);

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// SPARQL 1.1.
    pub query: String,
    /// The `Accept` header.
    pub accept: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Media type.
    pub media_type: String,
    /// Body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum QueryError {
    /// The store is being filled or cannot be started, or other queries are running.
    #[error("{0}; try again later")]
    Busy(Cow<'static, str>),
    /// This participant's last query is still running.
    #[error("another query of yours is being answered: ask one after the other")]
    OneAtATime,
    /// This participant's query ended the process.
    #[error(
        "an earlier query of yours broke the process that answers queries, for everybody; you may ask again in {0} s, for less"
    )]
    Penalised(u64),
    /// Too long.
    #[error("the query has {0} bytes; at most {QUERY_BYTES} are read")]
    TooLong(usize),
    /// Too deep.
    #[error("brackets stand in one another more than {max} deep, which is not read; write the query flatter", max = checks::DEPTH)]
    TooDeep,
    /// Not a query.
    #[error("the query is not understood: {0}")]
    Syntax(String),
    /// `SERVICE`.
    #[error("`SERVICE` is refused: nothing is fetched from elsewhere; ask the other end itself")]
    Service,
    /// `FROM` or `GRAPH`.
    #[error("`{0}` is refused: there is one graph here, the catalogue; leave it out")]
    Graph(Cow<'static, str>),
    /// It cannot be evaluated.
    #[error("the query cannot be answered: {0}")]
    Evaluation(String),
    /// It takes too long.
    #[error("the query took longer than {} s and was stopped; ask for less, or in several queries", QUERY_TIME.as_secs())]
    Timeout,
    /// It takes too much memory.
    #[error(
        "the query needed more than the {} MiB of memory that all of the catalogue and one query have, and was stopped; ask for less, or in several queries",
        worker::MEMORY_BYTES >> 20
    )]
    Memory,
    /// It takes too much stack.
    #[error("the query is nested too deeply to be evaluated, and was stopped; write it flatter")]
    Stack,
    /// The process ended for another reason.
    #[error("the process that answers queries ended while it answered this one; ask for less, or in several queries")]
    Died,
    /// Too much comes out.
    #[error(
        "the answer has more than {ANSWER_ROWS} rows or {ANSWER_BYTES} bytes, and is not cut off silently: add `LIMIT` and `OFFSET`"
    )]
    TooMuch,
    /// No format that the caller takes.
    #[error("none of the formats of `{0}` is written here: expected {1}")]
    NotAcceptable(String, Cow<'static, str>),
    /// The fault is on this side.
    #[error("{0}")]
    Internal(String),
}

impl QueryError {
    fn busy(why: &'static str) -> Self {
        Self::Busy(why.into())
    }

    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<CatalogueError> for QueryError {
    fn from(error: CatalogueError) -> Self {
        Self::internal(error)
    }
}

impl From<StorageError> for QueryError {
    fn from(error: StorageError) -> Self {
        Self::internal(error)
    }
}

/// The process that answers queries, what of its store is out of date, and who asks.
#[derive(Default)]
pub struct Sparql {
    /// None while nobody asks, and while one is started and filled. Whoever asks something holds it until the answer is there.
    worker: tokio::sync::Mutex<Option<Link>>,
    /// Somebody asks.
    asked: Notify,
    /// A process has been filled, or could not be.
    tried: Notify,
    /// Why the last one could not be started or filled.
    why: Mutex<Option<&'static str>>,
    /// Identifiers of what has changed since it was put into the store.
    dirty: Mutex<BTreeSet<String>>,
    turns: Arc<Turns>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only a panic poisons a lock; a set of identifiers is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sparql {
    pub(super) fn changed(&self, id: &str) {
        lock(&self.dirty).insert(id.to_owned());
    }

    /// The place of the process, with one in it; it is started for whoever asks first.
    async fn started(&self) -> Result<(Turned<'_, Option<Link>>, Link), QueryError> {
        let tried = self.tried.notified();
        tokio::pin!(tried);
        // From here on, and not from when it is waited: a process may be there before that.
        tried.as_mut().enable();
        self.asked.notify_one();
        let place = || async {
            let waiting = tokio::time::timeout(WAIT, self.worker.lock()).await;
            waiting.map_err(|_| QueryError::busy("other queries are being answered"))
        };
        let mut there = place().await?;
        if let Some(link) = there.take() {
            return Ok((there, link));
        }
        drop(there);
        // However that ends, it is looked again.
        let _in_time = tokio::time::timeout(START, tried).await;
        let mut there = place().await?;
        // Out of its place while something is asked of it: what goes wrong leaves none there.
        let link = there.take().ok_or_else(|| self.absent())?;
        Ok((there, link))
    }

    #[cfg(test)]
    pub(super) async fn has_process(&self) -> bool {
        self.worker.lock().await.is_some()
    }

    fn absent(&self) -> QueryError {
        QueryError::busy(lock(&self.why).unwrap_or("the catalogue is being read into memory"))
    }
}

/// Answers a query of a participant.
///
/// # Errors
/// Why there is no answer.
pub async fn answer(node: Arc<Node>, asker: &str, asked: Asked) -> Result<Answered, QueryError> {
    if asked.query.len() > QUERY_BYTES {
        return Err(QueryError::TooLong(asked.query.len()));
    }
    check_depth(&asked.query)?;
    let turn = node.catalogue.sparql.turns.begin(asker, node.now_ms())?;
    // Whoever asked may be gone before the answer; what was begun with the process is ended all the same.
    let task = tokio::spawn(async move { exchange(&node, &turn, &asked).await });
    task.await.map_err(QueryError::internal)?
}

async fn exchange(node: &Arc<Node>, turn: &Turn, asked: &Asked) -> Result<Answered, QueryError> {
    let sparql = &node.catalogue.sparql;
    let (mut place, mut link) = sparql.started().await?;
    if let Err(error) = keep::renew(node, &mut link).await {
        tracing::error!(%error, "what has changed could not be given to the process that answers queries");
        link.kill();
        return Err(QueryError::busy("the catalogue is being read into memory again"));
    }
    match link.ask(asked).await {
        Ok(answered) => {
            if link.replaced > keep::REPLACED {
                link.kill();
            } else {
                *place = Some(link);
            }
            answered
        }
        Err(Lost::Before) => {
            link.kill();
            Err(sparql.absent())
        }
        Err(Lost::Late) => {
            link.kill();
            turn.penalise(node.now_ms());
            Err(QueryError::Timeout)
        }
        Err(Lost::Meanwhile) => {
            turn.penalise(node.now_ms());
            Err(match link.end().await {
                Cause::Memory => QueryError::Memory,
                Cause::Stack => QueryError::Stack,
                Cause::Other(_) => QueryError::Died,
            })
        }
        Err(Lost::Failed(why)) => {
            tracing::error!(%why, "the process that answers queries failed");
            link.kill();
            turn.penalise(node.now_ms());
            Err(QueryError::Died)
        }
    }
}
