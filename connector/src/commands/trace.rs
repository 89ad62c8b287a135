//! `trace`: where something came from, as a tree; or the same as PROV-O, asked by SPARQL.

use super::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Trace, TraceAnswer};
use crate::lineage;
use crate::node::Node;
use herleid_ledger::record::Term;
use herleid_ledger::{Ledger, LedgerError};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Traces.
///
/// # Errors
/// When nothing is known of it, or the query is not understood.
pub(super) async fn trace(node: Arc<Node>, request: Trace, _progress: Progress) -> Result<TraceAnswer, Failure> {
    let (ledger, start) = resolve(&node, &request.what)?;
    match request.sparql {
        None => Ok(TraceAnswer::Tree(lineage::tree(&node, ledger, &request.what, &start)?)),
        Some(query) => {
            let records = crate::dossier::closure::follow(ledger, start)?;
            let task = move || lineage::sparql(&records, &query);
            tokio::task::spawn_blocking(task)
                .await
                .map_err(Failure::failed)?
                .map(TraceAnswer::Sparql)
        }
    }
}

/// The records that a person means, and the log of ours that they are of: the one that goes on, else the latest of those that are over and
/// know of it. `<origin>/<number>` is a record of one of them.
fn resolve<'a>(node: &'a Node, what: &str) -> Result<(&'a Ledger, BTreeSet<u64>), Failure> {
    for ledger in std::iter::once(&node.ledger).chain(&node.previous) {
        let of_it = what
            .strip_prefix(ledger.origin())
            .and_then(|rest| rest.strip_prefix('/'));
        let found = known(ledger, of_it.unwrap_or(what))?;
        if !found.is_empty() {
            return Ok((ledger, found));
        }
    }
    Err(
        Failure::missing(format!("nothing in this ledger is, or rests on, `{what}`"))
            .next("give a case number, a transaction, a SHA-256, an agreement, a dataset or the number of a record"),
    )
}

/// The records of one log: by index, record id, transaction, digest, leaf, case, agreement, dataset or model.
fn known(ledger: &Ledger, what: &str) -> Result<BTreeSet<u64>, LedgerError> {
    let mut found = BTreeSet::new();
    if let Some(index) = what.parse::<u64>().ok().filter(|index| *index < ledger.size()) {
        found.insert(index);
    }
    if let Some(digest) = crate::state::digest_bytes(what) {
        found.extend(ledger.by_leaf(&digest)?);
        for term in [Term::Digest(digest), Term::RunInput(digest), Term::RunOutput(digest)] {
            found.extend(ledger.by_term(&term)?);
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
        found.extend(ledger.by_term(&term)?);
    }
    Ok(found)
}
