//! `trace`: where something came from, as a tree; or the same as PROV-O, asked by SPARQL.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Trace, TraceAnswer};
use crate::lineage;
use crate::node::Node;
use herleid_ledger::record::Term;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Traces.
///
/// # Errors
/// When nothing is known of it, or the query is not understood.
pub(super) async fn trace(node: Arc<Node>, request: Trace, _progress: Progress) -> Result<TraceAnswer, Failure> {
    let start = resolve(&node, &request.what)?;
    match request.sparql {
        None => Ok(TraceAnswer::Tree(lineage::tree(&node, &request.what, &start)?)),
        Some(query) => {
            let records = crate::dossier::closure::follow(&node, start)?;
            let task = move || lineage::sparql(&records, &query);
            tokio::task::spawn_blocking(task)
                .await
                .map_err(Failure::failed)?
                .map(TraceAnswer::Sparql)
        }
    }
}

/// The records that a person means: by index, record id, transaction, digest, leaf, case, agreement, dataset or model.
fn resolve(node: &Node, what: &str) -> Result<BTreeSet<u64>, Failure> {
    let mut found = BTreeSet::new();
    if let Some(index) = what.parse::<u64>().ok().filter(|index| *index < node.ledger.size()) {
        found.insert(index);
    }
    if let Some(digest) = crate::state::digest_bytes(what) {
        found.extend(node.ledger.by_leaf(&digest)?);
        for term in [Term::Digest(digest), Term::RunInput(digest), Term::RunOutput(digest)] {
            found.extend(node.ledger.by_term(&term)?);
        }
    }
    let text = what.to_owned();
    for term in [
        Term::Case(text.clone()),
        Term::Transaction(text.clone()),
        Term::Agreement(text.clone()),
        Term::Dataset(text.clone()),
        Term::Model(text),
    ] {
        found.extend(node.ledger.by_term(&term)?);
    }
    if found.is_empty() {
        return Err(
            Failure::missing(format!("nothing in this ledger is, or rests on, `{what}`")).next(
                "give a case number, a transaction, a SHA-256, an agreement, a dataset or the number of a record",
            ),
        );
    }
    Ok(found)
}
