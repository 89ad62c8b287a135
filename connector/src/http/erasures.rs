//! `POST /erasures`: the other end of an agreement has erased what both ends hold of an exchange, and says so (docs/erasure.md).

use super::Refusal;
use crate::erasure::{Notice, take};
use crate::node::Node;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};
use std::sync::Arc;

/// Takes what the caller says.
pub(super) async fn told(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await?;
    let message = json::parse(&body, &Limits::MESSAGE).map_err(|e| Refusal::malformed(&e))?;
    let notice: Notice = serde_json::from_value(message).map_err(|e| {
        Refusal::malformed(&format!(
            "expected `{{\"exchanges\": {{agreement: [transaction]}}, \"ground\": text, \"completeBy\": ms}}`: {e}"
        ))
    })?;
    let recorded = take(&node, caller.did(), notice).await?;
    Ok(Json(json!({"recorded": recorded})))
}
