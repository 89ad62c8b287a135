//! `trace`: where something came from, or what rests on it, as a tree; or the same as PROV-O, asked by SPARQL.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Trace, TraceAnswer};
use crate::lineage;
use crate::node::Node;
use std::sync::Arc;

/// Traces. Not on a thread that serves others: what is shown is opened and verified, and that may be much.
///
/// # Errors
/// When nothing is known of it, a bound is none, or the query is not understood.
pub(super) async fn trace(node: Arc<Node>, request: Trace, _progress: Progress) -> Result<TraceAnswer, Failure> {
    let task = move || {
        let start = lineage::resolve(&node, &request.what)?;
        match &request.sparql {
            None => lineage::tree(&node, &request, &start).map(TraceAnswer::Tree),
            Some(query) => {
                let records = crate::dossier::closure::follow(start.ledger, start.records)?;
                lineage::sparql(&records, query).map(TraceAnswer::Sparql)
            }
        }
    };
    tokio::task::spawn_blocking(task).await.map_err(Failure::failed)?
}
