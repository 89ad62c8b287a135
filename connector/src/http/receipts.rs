//! Receipts: taken by `POST /receipts` with `{"agreement": "...", "receipts": [record handed over, ...]}`.

use super::Refusal;
use crate::node::{Node, traceparent};
use crate::provider::access;
use crate::provider::acknowledge::{self, AcknowledgeError};
use crate::provider::kind_of;
use crate::state::{AgreementEntry, Side};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, StoredRecord};
use herleid_vocab::did::Did;
use herleid_vocab::json::{self, Limits};
use serde_json::{Value, json};
use std::sync::Arc;

/// Takes the caller's receipts.
pub(super) async fn acknowledge(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await?;
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
        AcknowledgeError::Receipt { ref error, .. } if error.is_passing() => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &e)
        }
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
    let caller = node.authenticate(&headers).await?;
    let seen = Some(access::seen(&node, &headers)?).filter(|s| *s > 0);
    let mut receipts = Vec::new();
    let indices = node
        .ledger
        .by_term(&Term::Transaction(transaction))
        .map_err(|e| Refusal::internal(&e))?;
    for index in indices {
        let stored = node.ledger.record(index).map_err(|e| Refusal::internal(&e))?;
        let opened = match stored.value(SectionName::Exchange) {
            // Our record as provider, for its consumer: what we received from others is theirs to hand over.
            Some(exchange) if is_for(&exchange, &node.did, caller.did()) => RECEIPT_SECTIONS.as_slice(),
            None if is_failed_run_of(&node, &stored, caller.did())? => FAILED_RUN_SECTIONS.as_slice(),
            _ => continue,
        };
        let sections: Vec<SectionName> = opened
            .iter()
            .copied()
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

fn is_for(exchange: &Value, provider: &Did, consumer: &Did) -> bool {
    let party = |name: &str| exchange.get(name).and_then(Value::as_str).unwrap_or_default();
    party("provider") == provider.as_str() && party("consumer") == consumer.as_str()
}

/// Whether the record says that a run which `consumer` asked us for failed: it has nothing that was exchanged, and its agreement
/// tells for whom it was.
fn is_failed_run_of(node: &Node, stored: &StoredRecord, consumer: &Did) -> Result<bool, Refusal> {
    if kind_of(stored) != Some(Kind::RunFailed) {
        return Ok(false);
    }
    let run = stored.value(SectionName::Run).unwrap_or_default();
    let agreement = run.get("agreement").and_then(Value::as_str).unwrap_or_default();
    let entry: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(agreement, Side::Provider))
        .map_err(|e| Refusal::internal(&e))?;
    Ok(entry.is_some_and(|entry| entry.other == *consumer))
}

/// What is opened of a run that failed: there is no exchange, so the kind and the run speak for themselves.
const FAILED_RUN_SECTIONS: [SectionName; 3] = [SectionName::Envelope, SectionName::Run, SectionName::StreamAgreement];

/// What a receipt opens (docs/log-format.md, section 7).
const RECEIPT_SECTIONS: [SectionName; 5] = [
    SectionName::Exchange,
    SectionName::Content,
    SectionName::StreamAgreement,
    SectionName::StreamModel,
    SectionName::Parameters,
];
