//! Runs that were going on when the connector stopped: their end is recorded before anything new begins.

use super::record::failed;
use super::started;
use crate::node::Node;
use crate::provider::pull::reserved;
use crate::state::StateError;
use herleid_ledger::LedgerError;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What all keys of this state begin with.
const OPEN: &str = "run-open/";

/// A run that has started and not ended: written in the commit of `run-started`, removed in that of its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenRun {
    pub(super) agreement: String,
    pub(super) consumer: Did,
    pub(super) model: String,
    pub(super) version: String,
}

/// The key of the open run of `transaction` of `consumer`: what one consumer chooses is not the key of another one's run.
pub(super) fn open_key(consumer: &Did, transaction: &str) -> String {
    format!("{OPEN}{consumer}/{transaction}")
}

/// The runs that are going on, by what names each of them. What they run on lies on the disk until they are over.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn going_on(node: &Node) -> Result<BTreeSet<String>, StateError> {
    let open = node.state.scan::<OpenRun>(OPEN)?;
    Ok(open.into_iter().map(|(key, _)| key).collect())
}

/// Records `run-failed`, with the reason `interrupted`, for every run that a stop of the connector left without an end; gives
/// how many. To be called before anybody can ask for a run.
///
/// # Errors
/// When the state cannot be read or the log cannot be written.
pub async fn close_interrupted(node: &Node, trace: &str) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let mut closed = 0;
    for (key, open) in node.state.scan::<OpenRun>(OPEN)? {
        // Neither an identifier nor a transaction has a slash in it.
        let transaction = key.rsplit('/').next().unwrap_or_default();
        let run = interrupted(node, transaction, &open)?;
        let draft = failed(run, &open.agreement, &open.consumer, transaction, trace);
        let started = started(node, &open.consumer, transaction)?;
        let places = started.map(|stored| reserved(&stored)).unwrap_or_default();
        let draft = crate::payments::give_back(draft, &places);
        node.append(draft.put(key.clone(), None)).await?;
        tracing::warn!(%transaction, "a run was interrupted when the connector stopped; it is recorded as failed");
        closed += 1;
    }
    Ok(closed)
}

/// The section `run` of its end: as it was started, and what is known without that where the section was erased.
fn interrupted(node: &Node, transaction: &str, open: &OpenRun) -> Result<Value, LedgerError> {
    let mut run = json!({
        "transaction": transaction, "agreement": open.agreement, "model": open.model, "version": open.version,
        "inputs": [], "outputs": [], "seed": null, "case": null,
    });
    let started = started(node, &open.consumer, transaction)?;
    if let Some(as_started) = started.and_then(|stored| stored.value(SectionName::Run)) {
        run = as_started;
    }
    if let Some(members) = run.as_object_mut() {
        for (member, value) in [
            ("status", json!("failed")),
            ("reason", json!("interrupted")),
            ("environment", json!({})),
        ] {
            members.insert(member.to_owned(), value);
        }
    }
    Ok(run)
}
