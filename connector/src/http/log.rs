//! The log as C2SP tlog-tiles serves it. It shows nothing: entries are commitments.

use super::Refusal;
use crate::node::Node;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use herleid_ledger::tile::{FULL_WIDTH, Level, TilePath};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*path}", get(tile))
}

/// The latest checkpoint, with cosignatures when its witnesses have answered.
async fn checkpoint(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    Ok((
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        node.served_checkpoint(),
    )
        .into_response())
}

async fn tile(State(node): State<Arc<Node>>, Path(path): Path<String>) -> Result<Response, Refusal> {
    let tile: TilePath = format!("tile/{path}").parse().map_err(|e| Refusal::not_found(&e))?;
    if !tile.within(node.ledger.size()) {
        return Err(Refusal::not_found(&format!("the log has no `{tile}` yet")));
    }
    let bytes = match tile.level() {
        Level::Hashes(level) => node.ledger.tile(level, tile.index(), tile.width()),
        Level::Entries => node.ledger.entries(tile.index(), tile.width()),
    };
    let bytes = bytes
        .map_err(|e| Refusal::internal(&e))?
        .ok_or_else(|| Refusal::not_found(&format!("the log has no `{tile}`")))?;
    let mut response = (StatusCode::OK, bytes).into_response();
    // A full tile never changes; a partial one never changes either, but is superseded.
    let cache = if tile.width() == FULL_WIDTH {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=60"
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    Ok(response)
}
