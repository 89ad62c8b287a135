//! `trace`: where something came from, or what rests on it, as a tree; or the same as PROV-O, asked by SPARQL.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Trace, TraceAnswer};
use crate::lineage;
use crate::node::Node;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Traces. Not on a thread that serves others: what is shown is opened and verified, and that may be much.
///
/// # Errors
/// When nothing is known of it, a bound is none, or the query is not understood.
pub(super) async fn trace(node: Arc<Node>, request: Trace, _progress: Progress) -> Result<TraceAnswer, Failure> {
    let (direction, hops) = (request.direction, across(&request)?);
    let of = node.clone();
    let task = move || {
        let start = lineage::resolve(&node, &request.what)?;
        match &request.sparql {
            None => lineage::tree(&node, &request, &start).map(|tree| TraceAnswer::Tree(Box::new(tree))),
            Some(query) => {
                let records = crate::dossier::closure::follow(start.ledger, start.records)?;
                lineage::sparql(&records, query).map(TraceAnswer::Sparql)
            }
        }
    };
    let mut answer = tokio::task::spawn_blocking(task).await.map_err(Failure::failed)??;
    if let (TraceAnswer::Tree(tree), Some(hops)) = (&mut answer, hops) {
        let asking = lineage::Asking {
            direction,
            hops,
            via: BTreeSet::from([of.did.clone()]),
        };
        let (asked, answered) = asking.complete(&of, tree).await;
        if let Some(summary) = &mut tree.summary {
            (summary.asked, summary.answered) = (asked, answered);
        }
    }
    Ok(answer)
}

/// How many parties away others are asked, if they are.
fn across(request: &Trace) -> Result<Option<u32>, Failure> {
    match request.across {
        Some(hops) if !(1..=lineage::FARTHEST).contains(&hops) => Err(Failure::usage(format!(
            "`across` is {hops}, expected 1 to {}",
            lineage::FARTHEST
        ))),
        hops => Ok(hops),
    }
}
