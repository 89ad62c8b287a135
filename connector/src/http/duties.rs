//! `POST /duties`: the other end of an agreement states that it did as it was obliged to, with a record of its log (docs/policies.md).

use super::Refusal;
use crate::duties::take;
use crate::node::Node;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use herleid_ledger::handover::HandedOver;
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};
use std::sync::Arc;

/// Takes the caller's statement, and answers with our record of it.
pub(super) async fn stated(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await?;
    let message = json::parse(&body, &Limits::MESSAGE).map_err(|e| Refusal::malformed(&e))?;
    let shape = || {
        Refusal::malformed(&"expected `{\"agreement\": text, \"obligation\": text, \"record\": record handed over}`")
    };
    let text = |member: &str| message.get(member).and_then(Value::as_str).ok_or_else(shape);
    let (agreement, obligation) = (text("agreement")?, text("obligation")?);
    let record = message.get("record").cloned().ok_or_else(shape)?;
    let record = HandedOver::from_value(record).map_err(|e| Refusal::malformed(&e))?;
    let ours = take(&node, caller.did(), agreement, obligation, &record).await?;
    let record = ours.to_value().map_err(|e| Refusal::internal(&e))?;
    Ok(Json(json!({ "record": record })))
}
