//! The log as C2SP tlog-tiles serves it. It shows nothing: entries are commitments.

use super::Refusal;
use crate::dossier::closure::kind;
use crate::node::{Node, served_checkpoint};
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_ledger::tile::{FULL_WIDTH, Level, TilePath};
use herleid_ledger::{At, Ledger};
use serde_json::Value;
use std::sync::Arc;

/// The resources of one log; this connector may have several, of which all but one are over.
pub(super) fn router(ledger: &Ledger) -> Router<Arc<Node>> {
    Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*path}", get(tile))
        .route("/continued", get(continued))
        .layer(Extension(ledger.clone()))
}

/// The latest checkpoint, with cosignatures when its witnesses have answered.
async fn checkpoint(Extension(ledger): Extension<Ledger>) -> Result<Response, Refusal> {
    Ok((
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        served_checkpoint(&ledger),
    )
        .into_response())
}

/// The record by which this log says which one it continues, opened: whoever knows that one learns from it to believe this one. It says
/// nothing of any person.
async fn continued(Extension(ledger): Extension<Ledger>) -> Result<Json<Value>, Refusal> {
    let none = || Refusal::not_found(&format!("the log `{}` continues no other", ledger.origin()));
    if ledger.size() < 2 {
        return Err(none());
    }
    let record = ledger.record(1).map_err(|e| Refusal::internal(&e))?;
    if kind(&record) != Some(Kind::Continued) {
        return Err(none());
    }
    let open = [SectionName::Envelope, SectionName::Facts];
    let handed = ledger.hand_over(1, &open, None, At::Latest);
    let value = handed.map_err(|e| Refusal::internal(&e))?.to_value();
    Ok(Json(value.map_err(|e| Refusal::internal(&e))?))
}

async fn tile(Extension(ledger): Extension<Ledger>, Path(path): Path<String>) -> Result<Response, Refusal> {
    let tile: TilePath = format!("tile/{path}").parse().map_err(|e| Refusal::not_found(&e))?;
    if !tile.within(ledger.size()) {
        return Err(Refusal::not_found(&format!("the log has no `{tile}` yet")));
    }
    let bytes = match tile.level() {
        Level::Hashes(level) => ledger.tile(level, tile.index(), tile.width()),
        Level::Entries => ledger.entries(tile.index(), tile.width()),
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
