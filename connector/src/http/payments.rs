//! `GET /payments`: what we have recorded of payments under an agreement with the caller (docs/policies.md, "Payment").

use super::Refusal;
use super::exchanges::Turns;
use crate::node::Node;
use crate::payments::tell;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    agreement: String,
}

/// Tells the caller what it has paid, and what is left of it.
pub(super) async fn of_agreement(
    State(node): State<Arc<Node>>,
    Extension(turns): Extension<Arc<Turns>>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await?;
    let Query(asked) = query.map_err(|e| Refusal::malformed(&e.body_text()))?;
    let did = caller.did().clone();
    // It reads what was recorded under the agreement, and proves up to fifty records.
    let place = turns.take(&did).await?;
    let telling = tokio::task::spawn_blocking(move || {
        let told = tell(&node, &did, &asked.agreement);
        // Held until the work is done, also when the caller has gone away.
        drop(place);
        told
    });
    telling.await.map_err(|e| Refusal::internal(&e))?.map(Json)
}
