//! The connector itself, and this API.

use super::Api;
use super::operations::{Method, Operation};
use super::problem::Problem;
use super::{openapi, page};
use crate::control::protocol::{Status, StatusAnswer};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn operations() -> Vec<Operation> {
    use Method::Get;
    vec![
        Operation::new(
            Get,
            "/status",
            "getStatus",
            "Shows how the connector is, and what a person should look at",
            status,
        )
        .gives::<StatusAnswer>(200),
        Operation::new(
            Get,
            "/openapi.json",
            "getOpenApi",
            "This description: OpenAPI 3.1",
            document,
        )
        .gives::<Value>(200)
        .public(),
        Operation::new(Get, "/", "getPage", "This description, to be read by people", read)
            .gives::<String>(200)
            .text("text/html")
            .public(),
    ]
}

async fn status(State(api): State<Arc<Api>>) -> Result<Json<StatusAnswer>, Problem> {
    api.command(&Status {}).await.map(Json)
}

async fn document() -> Json<Value> {
    Json(openapi::document())
}

async fn read(headers: HeaderMap) -> impl IntoResponse {
    let language = page::language(&headers);
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CONTENT_LANGUAGE, language.code()),
        (header::VARY, "Accept-Language"),
    ];
    (headers, Html(page::html(&openapi::document(), language)))
}
