//! C2SP tlog-witness: cosigns checkpoints of the logs that the configuration names.

use crate::node::Node;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// `GET /witness/checkpoint/<origin>`: the checkpoint of a log that this witness cosigned last. Not of C2SP tlog-witness: it is how a
/// participant that lost its log learns how far that went.
pub(super) async fn last(State(node): State<Arc<Node>>, Path(origin): Path<String>) -> Response {
    let Some(witness) = &node.witness else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match witness.last(&origin) {
        Ok(Some(note)) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response(),
        Ok(None) => {
            super::Refusal::not_found(&format!("this witness has cosigned nothing of `{origin}`")).into_response()
        }
        Err(error) => super::Refusal::internal(&error).into_response(),
    }
}

/// `POST /witness/add-checkpoint`.
pub(super) async fn add_checkpoint(State(node): State<Arc<Node>>, body: Bytes) -> Response {
    let Some(witness) = node.witness.clone() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match witness.answer(body).await {
        Ok(answer) => {
            if answer.conflict.is_some() {
                // Nobody waits for that; what was found is kept already.
                tokio::spawn(async move {
                    if let Err(error) = crate::forks::record_conflicts(&node).await {
                        tracing::error!(%error, "two histories of a log that this witness found could not be recorded");
                    }
                });
            }
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response()
        }
        Err(error) => super::Refusal::internal(&error).into_response(),
    }
}
