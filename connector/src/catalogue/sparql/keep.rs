//! A process that answers queries is kept: started, filled, given what changes, and started again when it is gone.

use super::frames::Order;
use super::host::{Cause, Link, Lost, Running, start};
use super::{QueryError, lock};
use crate::catalogue::describe::expanded;
use crate::catalogue::entries::CatalogueError;
use crate::catalogue::index::Index;
use crate::catalogue::page::{Query, page};
use crate::catalogue::rdf::Triples;
use crate::node::Node;
use oxigraph::io::{RdfFormat, RdfSerializer};
use oxigraph::model::{GraphName, NamedNode, Quad, Term};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// After how many replaced datasets the process is started anew: its store keeps each version, some 60 triples of 200 bytes, which makes
/// 120 MB of its memory.
pub(super) const REPLACED: usize = 10_000;
/// How many descriptions go over at a time while it is filled.
const AT_A_TIME: usize = 500;
/// After how long without a query the process ends: it holds the whole catalogue in memory for nobody.
pub const IDLE: Duration = Duration::from_secs(900);
/// How long it is waited after a failure, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

impl Index {
    /// Keeps a process that answers queries, as long as somebody asks, for ever. It is started for the first who does; until it is filled,
    /// whoever asks is told to come back. When nobody has asked for the time `idle`, it ends.
    pub async fn keep_sparql(node: Arc<Node>, idle: Duration) {
        let (first, longest) = PAUSES;
        let mut pause = first;
        node.catalogue.sparql.asked.notified().await;
        loop {
            let filled = Self::fill_sparql(node.clone()).await;
            match filled {
                Ok(running) => {
                    pause = first;
                    node.catalogue.sparql.tried.notify_waiters();
                    match until_ended(&node, running, idle).await {
                        Some(cause) => {
                            tracing::warn!(%cause, "the process that answers SPARQL queries has ended, and is started anew");
                        }
                        None => node.catalogue.sparql.asked.notified().await,
                    }
                }
                Err(error) => {
                    *lock(&node.catalogue.sparql.why) = Some(
                        "the process that answers queries could not be started or filled; the operator finds the cause in the connector's log",
                    );
                    node.catalogue.sparql.tried.notify_waiters();
                    let seconds = pause.as_secs();
                    tracing::error!(%error, "SPARQL queries cannot be answered; tried again in {seconds} s");
                    tokio::time::sleep(pause).await;
                    pause = longest.min(pause * 2);
                }
            }
        }
    }

    /// Starts a process and fills it. It is asked from then on, as long as what is returned is there.
    ///
    /// # Errors
    /// When it cannot be started, or the state cannot be read.
    pub async fn fill_sparql(node: Arc<Node>) -> Result<Running, QueryError> {
        let cannot = |why| QueryError::Internal(format!("the process cannot be started: {why}"));
        let (mut link, running) = start().await.map_err(cannot)?;
        if let Err(error) = fill(&node, &mut link).await {
            let cause = running.end(link).await;
            return Err(QueryError::Internal(format!(
                "the process cannot be filled: {error}; {cause}"
            )));
        }
        *lock(&node.catalogue.sparql.why) = None;
        *node.catalogue.sparql.worker.lock().await = Some(link);
        Ok(running)
    }

    /// What is said of one dataset or model service; nothing if it is not listed.
    fn quads(&self, id: &str) -> Result<Vec<Quad>, QueryError> {
        let resource = match self.resource(id) {
            Ok(Some(resource)) => resource,
            Ok(None) => return Ok(Vec::new()),
            Err(CatalogueError::State(error)) => return Err(QueryError::internal(error)),
            // Left out of the catalogue, as everywhere.
            Err(_) => return Ok(Vec::new()),
        };
        let mut triples = Triples::new(self.describer());
        let json = resource.to_member();
        let node = json.as_object().map(|members| triples.node(members));
        let catalogue = NamedNode::new(format!("{}#catalogue", self.describer().did));
        if let (Ok(catalogue), Some(node), Ok(dataset)) = (catalogue, node, NamedNode::new(expanded("dcat:dataset"))) {
            let link = Quad::new(catalogue, dataset, Term::from(node), GraphName::DefaultGraph);
            triples.quads.push(link);
        }
        Ok(triples.quads)
    }
}

/// Waits until a process has ended, of what is said; or until nobody has asked for the time `idle`, and ends it.
async fn until_ended(node: &Arc<Node>, running: Running, idle: Duration) -> Option<Cause> {
    let sparql = &node.catalogue.sparql;
    let ended = running.until_ended();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            cause = &mut ended => {
                *sparql.worker.lock().await = None;
                return Some(cause);
            }
            // The time begins anew.
            () = sparql.asked.notified() => {}
            () = tokio::time::sleep(idle) => {
                // One that is not in its place is being asked something, or ends: not waited for, so that it is known of what it dies.
                let unused = sparql.worker.try_lock().ok().and_then(|mut place| place.take());
                if let Some(link) = unused {
                    link.kill();
                    ended.await;
                    return None;
                }
            }
        }
    }
}

fn written(quads: &[Quad]) -> Result<Vec<u8>, QueryError> {
    let mut writer = RdfSerializer::from_format(RdfFormat::NTriples).for_writer(Vec::new());
    for quad in quads {
        writer.serialize_quad(quad)?;
    }
    Ok(writer.finish()?)
}

fn lost(lost: Lost) -> QueryError {
    QueryError::Internal(match lost {
        Lost::Before | Lost::Meanwhile => "the process is gone".to_owned(),
        Lost::Late => "the process does not answer".to_owned(),
        Lost::Failed(why) => why,
    })
}

/// Reads the state, which blocks.
async fn read<T: Send + 'static>(
    node: &Arc<Node>,
    read: impl FnOnce(&Index) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    let node = node.clone();
    let reading = tokio::task::spawn_blocking(move || read(&node.catalogue));
    reading.await.map_err(QueryError::internal)?
}

async fn fill(node: &Arc<Node>, link: &mut Link) -> Result<(), QueryError> {
    // Before anything is read: what changes from here on is given once more.
    lock(&node.catalogue.sparql.dirty).clear();
    let ids = node.catalogue.contents().await?.ids();
    let envelope = envelope(node).await?;
    link.tell(&Order::Add, &written(&envelope)?).await.map_err(lost)?;
    for some in ids.chunks(AT_A_TIME) {
        let some = some.to_vec();
        let triples = read(node, move |index| {
            let mut quads = Vec::new();
            for id in &some {
                quads.extend(index.quads(id)?);
            }
            written(&quads)
        });
        link.tell(&Order::Add, &triples.await?).await.map_err(lost)?;
    }
    Ok(())
}

/// What is said of the catalogue itself.
async fn envelope(node: &Arc<Node>) -> Result<Vec<Quad>, QueryError> {
    // No dataset has this identifier, for it may not hold spaces.
    let nothing = Query::new(&[json!({"id": " . "})], None, 1).map_err(QueryError::internal)?;
    let envelope = page(&node.catalogue, &nothing).await?.body;
    let envelope: Value = serde_json::from_str(&envelope).map_err(QueryError::internal)?;
    let mut triples = Triples::new(node.catalogue.describer());
    if let Value::Object(mut members) = envelope {
        // How many there are is to be counted, not remembered.
        members.remove(crate::catalogue::TOTAL_ITEMS);
        triples.node(&members);
    }
    Ok(triples.quads)
}

/// Gives the process what has changed.
pub(super) async fn renew(node: &Arc<Node>, link: &mut Link) -> Result<(), QueryError> {
    let changed = std::mem::take(&mut *lock(&node.catalogue.sparql.dirty));
    for id in changed {
        let found = read(node, move |index| {
            let iri = Triples::new(index.describer()).iri(&id);
            let triples = written(&index.quads(&id)?)?;
            Ok(iri.map(|iri| (iri.into_string(), triples)))
        });
        // Should anything go wrong, this process is given up and the next one filled from the state: nothing has to be noted again.
        if let Some((iri, triples)) = found.await? {
            link.tell(&Order::Replace { iri }, &triples).await.map_err(lost)?;
            link.replaced += 1;
        }
    }
    Ok(())
}
