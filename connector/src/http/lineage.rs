//! `GET /lineage`: what a transaction with the caller rests on here, or what rests on it here, for those that the configuration names.

use super::Refusal;
use super::exchanges::Turns;
use crate::control::protocol::{Question, Towards};
use crate::identity::presented_credentials;
use crate::lineage::{Asking, FARTHEST, answer};
use crate::node::{Node, traceparent};
use crate::provider::access;
use crate::provider::grants::record_refusal;
use crate::state::Side;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use herleid_vocab::did::Did;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    transaction: String,
    agreement: String,
    /// The side on which this connector stands.
    side: Side,
    direction: Towards,
    /// How many parties further the question may go.
    hops: u32,
    /// Who waits for the answer besides the caller, between spaces.
    #[serde(default)]
    via: String,
}

/// Parties that may wait for one answer.
const VIA: usize = 8;

/// The lineage of a transaction, as a list of nodes, with the records that they are of.
pub(super) async fn of_transaction(
    State(node): State<Arc<Node>>,
    Extension(turns): Extension<Arc<Turns>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await?;
    presented_credentials(&node, &caller).await?;
    let Query(asked) = asked.map_err(|e| Refusal::malformed(&e.body_text()))?;
    let transaction = asked.transaction.parse();
    let transaction = transaction.map_err(|_| Refusal::malformed(&"`transaction` is a UUID"))?;
    if asked.hops >= FARTHEST {
        return Err(Refusal::malformed(&format!("`hops` is 0 to {}", FARTHEST - 1)));
    }
    let via: Result<BTreeSet<Did>, _> = asked.via.split_whitespace().map(str::parse).collect();
    let mut via = via.map_err(|e| Refusal::malformed(&format!("`via` has identifiers of participants: {e}")))?;
    if via.len() > VIA {
        return Err(Refusal::malformed(&format!("`via` names at most {VIA}")));
    }
    let trace = traceparent(&node, &headers);
    if !node.config.lineage.answers.contains(caller.did()) {
        let facts = json!({"what": "lineage", "party": caller.did().as_str()});
        let why = "no lineage is told to this participant (`[[lineage.answers]]`)";
        let recorded = record_refusal(&node, facts, None, why, &trace).await;
        recorded.map_err(|e| Refusal::internal(&e.to_string()))?;
        return Err(Refusal::denied(
            &"this participant tells you no lineage; ask its operator, who can name you under `[[lineage.answers]]`",
        ));
    }
    let entry = access::agreement_with(&node, caller.did(), &asked.agreement, asked.side)?;
    let seen = Some(access::seen(&node, &headers)?).filter(|seen| *seen > 0);
    let _turn = turns.take(caller.did()).await?;
    via.insert(caller.did().clone());
    via.insert(node.did.clone());
    let asking = Asking {
        direction: asked.direction,
        hops: asked.hops,
        via,
    };
    let question = Question {
        transaction,
        agreement: entry.id,
        side: entry.side,
        other: entry.other,
    };
    answer(&node, question, &asking, seen, trace).await.map(Json)
}
