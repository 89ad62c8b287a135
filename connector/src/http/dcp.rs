//! Our credential service (DCP 1.0): shows our credentials to those we asked something of, and to nobody else.

use super::Refusal;
use crate::identity::HolderError;
use crate::node::Node;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use herleid_credentials::presentation::{MessageError, PresentationQuery};
use std::sync::Arc;

/// `POST /dcp/presentations/query`.
pub(super) async fn presentations(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let caller = node.authenticate(&headers).await?;
    let query = PresentationQuery::parse(&body).map_err(|e| match e {
        MessageError::PresentationDefinitionUnsupported => Refusal::new(StatusCode::NOT_IMPLEMENTED, "not-built", &e),
        other => Refusal::malformed(&other),
    })?;
    let answer = node.holder.present(&node, &caller, &query).map_err(|e| match e {
        HolderError::Access(_) => Refusal::unauthenticated(&e),
        HolderError::Own(_) => Refusal::internal(&e),
    })?;
    Ok((
        [(header::CONTENT_TYPE, "application/json")],
        answer.to_json().to_string(),
    )
        .into_response())
}
