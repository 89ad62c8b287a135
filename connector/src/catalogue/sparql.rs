//! SPARQL 1.1 queries over the catalogue, in an oxigraph store in memory that is filled after the start.
//!
//! The store is made from the same JSON that goes over the protocol. What changes is noted and made anew before the next query, so that a
//! query sees what was published before it. Nothing can be changed by a query, and nothing is fetched: `SERVICE` is refused.

use super::describe::expanded;
use super::entries::CatalogueError;
use super::index::Index;
use super::page::{Query, page};
use super::rdf::Triples;
use super::sparql_answer::evaluate;
use crate::node::Node;
use oxigraph::model::{NamedNode, NamedNodeRef, NamedOrBlankNode, Quad, Term};
use oxigraph::sparql::CancellationToken;
use oxigraph::store::{StorageError, Store};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest query, in bytes.
pub const QUERY_BYTES: usize = 16_384;
/// Most rows or triples of an answer.
pub(super) const ANSWER_ROWS: usize = 10_000;
/// Longest answer, in bytes: 10,000 rows of 800.
pub(super) const ANSWER_BYTES: usize = 8 << 20;
/// How long a query may take.
pub(super) const QUERY_TIME: Duration = Duration::from_secs(5);
/// Queries at a time; each may use a processor for as long as it may take.
const AT_A_TIME: usize = 2;

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
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The store is being filled, or other queries are running.
    #[error("{0}; try again later")]
    Busy(&'static str),
    /// Too long.
    #[error("the query has {0} bytes; at most {QUERY_BYTES} are read")]
    TooLong(usize),
    /// Not a query.
    #[error("the query is not understood: {0}")]
    Syntax(String),
    /// `SERVICE`.
    #[error("`SERVICE` is refused: nothing is fetched from elsewhere; ask the other end itself")]
    Service,
    /// It cannot be evaluated.
    #[error("the query cannot be answered: {0}")]
    Evaluation(String),
    /// It takes too long.
    #[error("the query took longer than {} s and was stopped; ask for less, or in several queries", QUERY_TIME.as_secs())]
    Timeout,
    /// Too much comes out.
    #[error(
        "the answer has more than {ANSWER_ROWS} rows or {ANSWER_BYTES} bytes, and is not cut off silently: add `LIMIT` and `OFFSET`"
    )]
    TooMuch,
    /// No format that the caller takes.
    #[error("none of the formats of `{0}` is written here: expected {1}")]
    NotAcceptable(String, &'static str),
    /// The fault is on this side.
    #[error("{0}")]
    Internal(String),
}

impl From<CatalogueError> for QueryError {
    fn from(error: CatalogueError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<StorageError> for QueryError {
    fn from(error: StorageError) -> Self {
        Self::Internal(error.to_string())
    }
}

/// The store and what of it is out of date.
pub struct Sparql {
    store: OnceLock<Store>,
    /// Identifiers of what has changed since it was put into the store.
    dirty: Mutex<BTreeSet<String>>,
    /// One at a time puts changes into the store.
    renewing: Mutex<()>,
    running: Arc<Semaphore>,
}

impl Default for Sparql {
    fn default() -> Self {
        Self {
            store: OnceLock::new(),
            dirty: Mutex::default(),
            renewing: Mutex::default(),
            running: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only a panic poisons a lock; a set of identifiers is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sparql {
    pub(super) fn changed(&self, id: &str) {
        lock(&self.dirty).insert(id.to_owned());
    }
}

impl Index {
    /// Fills the store that queries are answered from. Until it is filled, whoever asks is told to come back.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn fill_sparql(node: Arc<Node>) -> Result<(), QueryError> {
        let ids = node.catalogue.contents().await?.ids();
        // No dataset has this identifier, for it may not hold spaces: only what is said of the catalogue itself.
        let nothing = Query::new(&[serde_json::json!({"id": " . "})], None, 1);
        let nothing = nothing.map_err(|e| QueryError::Internal(e.to_string()))?;
        let envelope = page(&node.catalogue, &nothing).await?.body;
        let filling = tokio::task::spawn_blocking(move || node.catalogue.fill_store(&envelope, &ids));
        filling.await.map_err(|e| QueryError::Internal(e.to_string()))?
    }

    fn fill_store(&self, envelope: &str, ids: &[String]) -> Result<(), QueryError> {
        let store = Store::new()?;
        let envelope: Value = serde_json::from_str(envelope).map_err(|e| QueryError::Internal(e.to_string()))?;
        let mut triples = Triples::new(self.describer());
        if let Value::Object(mut members) = envelope {
            // How many there are is to be counted, not remembered.
            members.remove(super::TOTAL_ITEMS);
            triples.node(&members);
        }
        store.extend(triples.quads)?;
        for some in ids.chunks(500) {
            let mut quads = Vec::new();
            for id in some {
                quads.extend(self.quads(id)?);
            }
            let mut loader = store.bulk_loader();
            loader
                .load_quads(quads)
                .map_err(|e| QueryError::Internal(e.to_string()))?;
            // What is not committed is forgotten without a word.
            loader.commit()?;
        }
        // A second filling would find the first one's store there already, and leave it.
        let _first = self.sparql.store.set(store);
        Ok(())
    }

    fn catalogue_iri(&self) -> Option<NamedNode> {
        NamedNode::new(format!("{}#catalogue", self.describer().did)).ok()
    }

    /// The triples of one dataset or model service; none if it is not listed.
    fn quads(&self, id: &str) -> Result<Vec<Quad>, QueryError> {
        let resource = match self.resource(id) {
            Ok(Some(resource)) => resource,
            Ok(None) => return Ok(Vec::new()),
            Err(CatalogueError::State(error)) => return Err(QueryError::Internal(error.to_string())),
            // Left out of the catalogue, as everywhere.
            Err(_) => return Ok(Vec::new()),
        };
        let mut triples = Triples::new(self.describer());
        let json = resource.to_member();
        let node = json.as_object().map(|members| triples.node(members));
        if let (Some(catalogue), Some(node), Ok(dataset)) =
            (self.catalogue_iri(), node, NamedNode::new(expanded("dcat:dataset")))
        {
            let graph = oxigraph::model::GraphName::DefaultGraph;
            triples
                .quads
                .push(Quad::new(catalogue, dataset, Term::from(node), graph));
        }
        Ok(triples.quads)
    }

    /// Puts what has changed into the store.
    fn renew(&self, store: &Store) -> Result<(), QueryError> {
        let _turn = lock(&self.sparql.renewing);
        let changed = std::mem::take(&mut *lock(&self.sparql.dirty));
        for id in &changed {
            let renewed = self.quads(id).and_then(|quads| {
                if let Some(node) = Triples::new(self.describer()).iri(id) {
                    forget(store, &node)?;
                }
                Ok(store.extend(quads)?)
            });
            if let Err(error) = renewed {
                lock(&self.sparql.dirty).extend(changed);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Removes a dataset, and whatever nothing else speaks of once it is gone: its parts, its offers, pages, agents, themes.
fn forget(store: &Store, dataset: &NamedNode) -> Result<(), StorageError> {
    let of_catalogue = expanded("dcat:dataset");
    let link = NamedNodeRef::new_unchecked(&of_catalogue);
    let mut gone: Vec<Quad> = Vec::new();
    for quad in store.quads_for_pattern(None, Some(link), Some(dataset.as_ref().into()), None) {
        gone.push(quad?);
    }
    let mut unspoken: Vec<NamedOrBlankNode> = vec![dataset.clone().into()];
    loop {
        for node in std::mem::take(&mut unspoken) {
            for quad in store.quads_for_pattern(Some(node.as_ref()), None, None, None) {
                gone.push(quad?);
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        let mut transaction = store.start_transaction()?;
        for quad in &gone {
            transaction.remove(quad);
        }
        transaction.commit()?;
        let mut seen = HashSet::new();
        for quad in std::mem::take(&mut gone) {
            let node: NamedOrBlankNode = match quad.object {
                Term::NamedNode(node) => node.into(),
                Term::BlankNode(node) => node.into(),
                Term::Literal(_) => continue,
            };
            let object = node.as_ref().into();
            if seen.insert(node.clone()) && store.quads_for_pattern(None, None, Some(object), None).next().is_none() {
                unspoken.push(node);
            }
        }
    }
}

/// Answers a query.
///
/// # Errors
/// Why there is no answer.
pub async fn answer(node: Arc<Node>, asked: Asked) -> Result<Answered, QueryError> {
    if asked.query.len() > QUERY_BYTES {
        return Err(QueryError::TooLong(asked.query.len()));
    }
    let sparql = &node.catalogue.sparql;
    if sparql.store.get().is_none() {
        return Err(QueryError::Busy("the catalogue is being read into memory"));
    }
    let permit = sparql.running.clone().try_acquire_owned();
    let permit = permit.map_err(|_| QueryError::Busy("other queries are being answered"))?;
    let token = CancellationToken::new();
    let stop = token.clone();
    let evaluating = tokio::task::spawn_blocking(move || {
        // Given back when the evaluation ends, which may be a while after it was stopped.
        let _permit = permit;
        let store = node
            .catalogue
            .sparql
            .store
            .get()
            .ok_or(QueryError::Busy("the store is not there"))?;
        node.catalogue.renew(store)?;
        evaluate(store, &asked, &token)
    });
    match tokio::time::timeout(QUERY_TIME, evaluating).await {
        Ok(done) => done.map_err(|e| QueryError::Internal(e.to_string()))?,
        Err(_) => {
            stop.cancel();
            Err(QueryError::Timeout)
        }
    }
}
