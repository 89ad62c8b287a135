//! `POST /data/{grant}`: the consumer's signed word that a push may leave. The record of a push needs it as that of a pull does: what
//! this end alone says of another one's transaction proves nothing.

use super::Refusal;
use crate::node::{Node, traceparent};
use crate::provider::access;
use crate::provider::push;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Takes an order; 202 once it is recorded. The same order again is answered the same.
pub(in crate::http) async fn order(
    State(node): State<Arc<Node>>,
    Path(grant): Path<String>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    if !body.is_empty() {
        return Err(Refusal::malformed(&"an order of a push has no body; leave it out"));
    }
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let access = access::check(&node, Some(&grant), &method, path, &headers, &[]).await?;
    if uri.query().is_some() {
        return Err(Refusal::malformed(&"an order of a push has no query; leave it out"));
    }
    let transaction = access.transaction().to_owned();
    let trace = traceparent(&node, &headers);
    // In a task of its own: a caller that goes away must not leave a push that is recorded and never begun.
    let ordered = tokio::spawn(async move { push::order(&node, access, &trace).await });
    ordered.await.map_err(|e| Refusal::internal(&e))??;
    Ok((StatusCode::ACCEPTED, Json(json!({"transaction": transaction}))))
}
