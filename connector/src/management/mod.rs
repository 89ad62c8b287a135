//! The management API: what the people of this connector ask of it over HTTP, on a listener of its own (docs/management-api.md).
//!
//! It asks for its token from the first day, also on loopback. What it does, it does with the functions that the control socket uses
//! (`commands/`) and that the protocol's shell has for a person's decisions; here, requests are read, and answers are given a form.

mod about;
mod access;
mod agreements;
mod door;
mod duties;
mod events;
#[cfg(test)]
mod fuzz;
mod input;
mod negotiations;
mod offers;
mod openapi;
mod operations;
mod page;
mod paging;
mod payments;
mod peers;
mod problem;
mod processes;
#[cfg(test)]
mod tests;
mod token;
mod transfers;
mod trust;
mod views;

pub use door::{Door, ManagementError};

use crate::commands;
use crate::control::progress::Progress;
use crate::control::protocol::Command;
use crate::net::server::CancellationToken;
use crate::node::Node;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::Response;
use problem::Problem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use token::Token;

/// Where the API lies.
pub const BASE: &str = "/management/v1";
/// Largest body that is read: the limit of `herleid_vocab::json::Limits::MESSAGE`.
const BODY_BYTES: usize = 1 << 20;

/// What the handlers share.
struct Api {
    node: Arc<Node>,
    token: Token,
    events: events::Streams,
    webhooks: events::Webhooks,
    stop: CancellationToken,
}

impl Api {
    /// Reads what takes long to read, where it keeps no other request waiting.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Node) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let node = self.node.clone();
        let reading = tokio::task::spawn_blocking(move || read(&node));
        reading.await.map_err(Problem::failed)?
    }

    /// Carries out a command of the control socket: there is one way to do one thing.
    async fn command<C: Command>(&self, request: &C) -> Result<C::Answer, Problem> {
        let body = serde_json::to_value(request).map_err(Problem::failed)?;
        // Nobody looks at how far it is; what must not be left half done goes on all the same.
        let (progress, _) = Progress::channel();
        let node = self.node.clone();
        // In a task of its own: a caller that goes away must not leave it half done.
        let working = tokio::spawn(commands::handle(node, C::NAME.to_owned(), body, progress));
        let answer = working.await.map_err(Problem::failed)??;
        serde_json::from_value(answer).map_err(Problem::failed)
    }
}

fn router(api: Arc<Api>) -> Router {
    let (open, closed): (Vec<_>, Vec<_>) = operations::all().into_iter().partition(|operation| operation.public);
    let closed = Router::new()
        .merge(operations::router(closed))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(api.clone(), with_token));
    operations::router(open)
        .merge(closed)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(map_response(for_one_reader))
        .with_state(api)
}

/// Refuses whoever does not show the token, before anything of the request is looked at: also what there is, is nobody's business.
async fn with_token(State(api): State<Arc<Api>>, request: Request, next: Next) -> Result<Response, Problem> {
    if api.token.is_shown_in(request.headers()) {
        return Ok(next.run(request).await);
    }
    api.node.unauthenticated.fetch_add(1, Ordering::Relaxed);
    let what = match request.headers().contains_key(header::AUTHORIZATION) {
        true => "the header `Authorization` does not hold this connector's token",
        false => "the request has no token",
    };
    Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", what)
        .expected("`Authorization: Bearer <token>`")
        .next("the token stands in the file `management.token` of the connector's keys directory"))
}

async fn unknown(uri: Uri) -> Problem {
    let next = format!("GET {BASE}/openapi.json lists what there is");
    Problem::missing(format!("there is nothing at `{}`", uri.path()), &next)
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let what = format!("`{}` is not asked for with {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", what).next(format!(
        "GET {BASE}/openapi.json says what can be asked for with which method"
    ))
}

/// Answers are for who asked, and are what they say they are.
async fn for_one_reader(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
