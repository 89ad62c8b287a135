//! OGC API - Processes 1.0, synchronous: the models of this holder, for those who have an agreement.

use super::Refusal;
use crate::models::process::{self, Process};
use crate::node::{Node, traceparent};
use crate::provider::{access, run};
use crate::state::{ModelEntry, digest_bytes};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herleid_vocab::json::{self, Limits};
use serde_json::Value;
use std::sync::Arc;

/// Header with the consumer's `exchange` and `content` of phase `run-request`, base64url of `{"exchange", "content"}`.
pub const EXCHANGE: &str = "herleid-exchange";
/// Header with the tokens of inputs that are passed on, base64url of `{name: token}`.
pub const ONWARD: &str = "herleid-onward";

fn published(node: &Node) -> Result<Vec<(ModelEntry, Vec<u8>)>, Refusal> {
    let entries = node
        .state
        .scan::<ModelEntry>("model/")
        .map_err(|e| Refusal::internal(&e))?;
    let mut found = Vec::new();
    for (_, entry) in entries.into_iter().filter(|(_, e)| e.withdrawn.is_none()) {
        let digest = digest_bytes(&entry.process).unwrap_or_default();
        let description = node.ledger.evidence(&digest).map_err(|e| Refusal::internal(&e))?;
        let description = description
            .ok_or_else(|| Refusal::internal(&"the description of a published model is not in the evidence store"))?;
        found.push((entry, description));
    }
    found.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.published_ms));
    Ok(found)
}

/// `GET /processes`.
pub(super) async fn list(State(node): State<Arc<Node>>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    node.authenticate(&headers)
        .await
        .map_err(|e| Refusal::unauthenticated(&e))?;
    let processes = published(&node)?
        .iter()
        .map(|(_, d)| Process::parse(d))
        .collect::<Result<Vec<_>, _>>();
    let processes = processes.map_err(|e| Refusal::internal(&e))?;
    Ok(Json(process::process_list(&node.public_url, &processes)))
}

/// `GET /processes/{model}`: the description that was recorded when the model was published, byte for byte.
pub(super) async fn describe(
    State(node): State<Arc<Node>>,
    Path(model): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    node.authenticate(&headers)
        .await
        .map_err(|e| Refusal::unauthenticated(&e))?;
    let found = published(&node)?.into_iter().find(|(entry, _)| entry.model == model);
    let (_, description) = found.ok_or_else(|| Refusal::not_found(&format!("there is no model `{model}` here")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], description).into_response())
}

/// `POST /processes/{model}/execution`.
pub(super) async fn execute(
    State(node): State<Arc<Node>>,
    Path(model): Path<String>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let access = access::check(&node, None, &method, path, &headers, &body).await?;
    let sent = sent(&headers)?;
    let trace = traceparent(&node, &headers);
    let (ran, request) = run::execute(&node, &access, &model, &body, &sent, &trace).await?;
    let document = process::document(&ran.outputs, request.outputs()).map_err(|e| Refusal::internal(&e))?;
    node.has_grown();
    Ok(([(header::CONTENT_TYPE, "application/json")], document).into_response())
}

fn sent(headers: &HeaderMap) -> Result<run::Sent, Refusal> {
    let read = |name: &str| -> Result<Value, Refusal> {
        let missing = || {
            Refusal::malformed(&format!(
                "the header `{name}` is missing or not base64url of JSON; this model is run by connectors that keep a log"
            ))
        };
        let text = headers.get(name).and_then(|v| v.to_str().ok()).ok_or_else(missing)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| missing())?;
        json::parse(&bytes, &Limits::MESSAGE).map_err(|_| missing())
    };
    let mut exchange = read(EXCHANGE)?;
    let onward = match headers.contains_key(ONWARD) {
        true => serde_json::from_value(read(ONWARD)?).map_err(|e| Refusal::malformed(&e))?,
        false => std::collections::BTreeMap::new(),
    };
    let mut part = |name: &str| exchange.get_mut(name).map(Value::take).unwrap_or_default();
    Ok(run::Sent {
        exchange: part("exchange"),
        content: part("content"),
        onward,
    })
}
