//! Receipts: taken by `POST /receipts` with `{"agreement": "...", "receipts": [record handed over, ...]}`.

use super::Refusal;
use crate::identity::AuthenticationError;
use crate::node::{Node, traceparent};
use crate::provider::access;
use crate::provider::acknowledge::{self, AcknowledgeError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use herleid_ledger::At;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::Term;
use herleid_ledger::section::SectionName;
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};
use std::sync::Arc;

/// Whoever is not known is told so; that our own memory failed is not the caller's fault.
fn unknown(error: AuthenticationError) -> Refusal {
    match error {
        AuthenticationError::Memory(why) => Refusal::internal(&why),
        other => Refusal::unauthenticated(&other),
    }
}

/// Takes the caller's receipts.
pub(super) async fn acknowledge(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await.map_err(unknown)?;
    let message = json::parse(&body, &Limits::MESSAGE).map_err(|e| Refusal::malformed(&e))?;
    let shape = || Refusal::malformed(&"expected `{\"agreement\": text, \"receipts\": [...]}`");
    let agreement = message.get("agreement").and_then(Value::as_str).ok_or_else(shape)?;
    let receipts = message.get("receipts").and_then(Value::as_array).ok_or_else(shape)?;
    let receipts = receipts
        .iter()
        .cloned()
        .map(HandedOver::from_value)
        .collect::<Result<Vec<_>, _>>();
    let receipts = receipts.map_err(|e| Refusal::malformed(&e))?;
    if receipts.is_empty() {
        return Err(shape());
    }
    let index = acknowledge::take(&node, caller.did(), agreement, &receipts, &traceparent(&node, &headers)).await;
    let index = index.map_err(|e| match e {
        AcknowledgeError::Busy { .. } => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &e),
        e if e.is_own() => Refusal::internal(&e),
        e => Refusal::malformed(&e),
    })?;
    Ok(Json(json!({"acknowledged": receipts.len(), "index": index})))
}

/// `GET /receipts/{transaction}`: our receipts of a transaction with the caller, anew; `Herleid-Log-Seen` as on the data plane.
pub(super) async fn of_transaction(
    State(node): State<Arc<Node>>,
    Path(transaction): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await.map_err(unknown)?;
    let seen = Some(access::seen(&node, &headers)?).filter(|s| *s > 0);
    let mut receipts = Vec::new();
    let indices = node
        .ledger
        .by_term(&Term::Transaction(transaction))
        .map_err(|e| Refusal::internal(&e))?;
    for index in indices {
        let stored = node.ledger.record(index).map_err(|e| Refusal::internal(&e))?;
        let Some(exchange) = stored.value(SectionName::Exchange) else {
            continue;
        };
        let party = |name: &str| exchange.get(name).and_then(Value::as_str).unwrap_or_default();
        // Our record as provider, for its consumer: what we received from others is theirs to hand over.
        if party("provider") != node.did.as_str() || party("consumer") != caller.did().as_str() {
            continue;
        }
        let sections: Vec<SectionName> = RECEIPT_SECTIONS
            .into_iter()
            .filter(|name| stored.sections().contains_key(name))
            .collect();
        let handed = node
            .ledger
            .hand_over(index, &sections, seen, At::Latest)
            .map_err(|e| Refusal::internal(&e))?;
        receipts.push(handed.to_value().map_err(|e| Refusal::internal(&e))?);
    }
    if receipts.is_empty() {
        return Err(Refusal::not_found(&"there is no such transaction with you"));
    }
    Ok(Json(json!({"receipts": receipts})))
}

/// What a receipt opens (docs/log-format.md, section 7).
const RECEIPT_SECTIONS: [SectionName; 5] = [
    SectionName::Exchange,
    SectionName::Content,
    SectionName::StreamAgreement,
    SectionName::StreamModel,
    SectionName::Parameters,
];
