//! OGC API - Processes 1.0, synchronous: the models of this holder, for those who have an agreement.

use super::Refusal;
use crate::identity::presented_credentials;
use crate::models::process::{self, ExecuteRequest, Process, ProcessError, ResponseForm};
use crate::node::{Node, traceparent};
use crate::provider::run::{NotRun, Ran};
use crate::provider::{access, run};
use crate::state::{ModelEntry, digest_bytes};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herleid_vocab::json::{self, Limits};
use serde_json::Value;
use std::sync::Arc;

/// After how many seconds somebody who found all places taken may ask again: half of what a run may last by default.
const RETRY_AFTER_S: &str = "30";
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

/// That the caller is who it says, and has the credentials that are asked for everywhere: what there is to run is told as the
/// catalogue is, to members.
async fn check_caller(node: &Node, headers: &HeaderMap) -> Result<(), Refusal> {
    let caller = node.authenticate(headers).await?;
    presented_credentials(node, &caller).await?;
    Ok(())
}

/// `GET /processes`.
pub(super) async fn list(State(node): State<Arc<Node>>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    check_caller(&node, &headers).await?;
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
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    check_caller(&node, &headers).await?;
    let published = published(&node)?;
    if let Some((_, description)) = published.iter().find(|(entry, _)| entry.model == model) {
        return Ok(([(header::CONTENT_TYPE, process::MEDIA_TYPE)], description.clone()).into_response());
    }
    let known: Vec<&str> = published.iter().map(|(entry, _)| entry.model.as_str()).collect();
    Ok(exception(&ProcessError::no_such_process(&model, &known), uri.path()))
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
    // In a task of its own: this one is dropped when the caller's connection ends, and the run would be killed without an end
    // in the log.
    let running = tokio::spawn(async move { run::execute(&node, &access, &model, &body, &sent, &trace).await });
    match running.await.map_err(|e| Refusal::internal(&e))? {
        Ok((ran, request)) => results(&ran, &request),
        Err(NotRun::Request(error)) => Ok(exception(&error, uri.path())),
        Err(NotRun::Refused(refusal)) => Ok(refused(refusal)),
    }
}

/// The outputs that were asked for, in the form that was asked for (18-062r2, section 7.11.4).
fn results(ran: &Ran, request: &ExecuteRequest) -> Result<Response, Refusal> {
    let raw = match (request.response(), request.outputs()) {
        (ResponseForm::Raw, [only]) => ran.outputs.iter().find(|output| output.name == *only),
        _ => None,
    };
    if let Some(output) = raw {
        let media_type = output.media_type.clone();
        return Ok(([(header::CONTENT_TYPE, media_type)], output.bytes.clone()).into_response());
    }
    let document = process::document(&ran.outputs, request.outputs()).map_err(|e| Refusal::internal(&e))?;
    Ok(([(header::CONTENT_TYPE, process::MEDIA_TYPE)], document).into_response())
}

/// The exception that the standard has for a request that is none (18-062r2, section 7.5).
fn exception(error: &ProcessError, path: &str) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    (
        status,
        [(header::CONTENT_TYPE, process::EXCEPTION_MEDIA_TYPE)],
        error.exception(path).to_string(),
    )
        .into_response()
}

/// A refusal; one that will not be for long says when to come back.
fn refused(refusal: Refusal) -> Response {
    let busy = refusal.status() == StatusCode::SERVICE_UNAVAILABLE;
    let mut response = refusal.into_response();
    if busy {
        let seconds = HeaderValue::from_static(RETRY_AFTER_S);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_all_places_taken_is_told_when_to_come_back() {
        let busy = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &"all places are taken");
        let response = refused(busy);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], RETRY_AFTER_S);
        let denied = refused(Refusal::denied(&"no"));
        assert_eq!(denied.status(), StatusCode::FORBIDDEN);
        assert!(!denied.headers().contains_key(header::RETRY_AFTER));
    }

    #[test]
    fn a_request_that_is_none_gets_the_standards_exception() {
        let response = exception(&ProcessError::no_such_process("sewer", &[]), "/processes/sewer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[header::CONTENT_TYPE], process::EXCEPTION_MEDIA_TYPE);
    }
}
