//! Runs that were going on when the connector stopped: their end is recorded before anything new begins.

use super::record::failed;
use crate::node::Node;
use crate::provider::kind_of;
use herleid_ledger::LedgerError;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

/// The key of the open run of `transaction`.
pub(super) fn open_key(transaction: &str) -> String {
    format!("{OPEN}{transaction}")
}

/// Records `run-failed`, with the reason `interrupted`, for every run that a stop of the connector left without an end; gives
/// how many. To be called before anybody can ask for a run.
///
/// # Errors
/// When the state cannot be read or the log cannot be written.
pub async fn close_interrupted(node: &Node, trace: &str) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let mut closed = 0;
    for (key, open) in node.state.scan::<OpenRun>(OPEN)? {
        let transaction = key.strip_prefix(OPEN).unwrap_or_default();
        let run = interrupted(node, transaction, &open)?;
        let draft = failed(run, &open.agreement, &open.consumer, transaction, trace);
        node.append(draft).await?;
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
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let stored = node.ledger.record(index)?;
        if kind_of(&stored) == Some(Kind::RunStarted)
            && let Some(started) = stored.value(SectionName::Run)
        {
            run = started;
        }
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
