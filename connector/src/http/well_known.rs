//! What anybody may read: our DID document and the protocol versions that we speak.

use super::DSP_PATH;
use crate::node::Node;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// `GET /.well-known/did.json` (did:web).
pub(super) async fn did_document(State(node): State<Arc<Node>>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/did+json")],
        node.document.bytes().to_vec(),
    )
        .into_response()
}

/// `GET /.well-known/dspace-version` (Dataspace Protocol 2025-1, section 4.3).
pub(super) async fn dsp_version() -> Response {
    let body = json!({"protocolVersions": [{"version": "2025-1", "path": DSP_PATH, "binding": "HTTPS",
        "identifierType": "did:web", "auth": {"protocol": "DCP", "version": "1.0", "profile": ["vc20-bssl/jwt", "vc11-sl2021/jwt"]}}]});
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
