//! The data plane: `GET /data/{grant}`, and `GET /data/{grant}/{path}` for a dataset that is an API.

mod order;
pub(crate) mod sending;

pub(super) use order::order;

use super::Refusal;
use crate::node::{Node, traceparent};
use crate::provider::access::{self, Access, RECEIPT, RECEIPT_AFTER, SEGMENT};
use crate::provider::pull::{self, Opened, Plan};
use crate::sources::Reading;
use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::io;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Pieces that wait for the consumer: of 256 KiB as a rule, 1 MiB for each pull.
const WAITING: usize = 4;

/// A piece, or why there are no more.
pub(crate) type Piece = Result<Bytes, io::Error>;

/// Serves a dataset version. What leaves has been decided and recorded; the last piece waits until the digest is confirmed.
pub(super) async fn pull(
    state: State<Arc<Node>>,
    Path(grant): Path<String>,
    uri: OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    of_resource(state, Path((grant, String::new())), uri, method, headers).await
}

/// The same of a path within the dataset, which is an API.
pub(super) async fn of_resource(
    State(node): State<Arc<Node>>,
    Path((grant, _)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let access = access::check_first(&node, Some(&grant), &method, path, &headers, &[]).await?;
    // As it was sent and signed: whoever decodes it decides what it means.
    let within = uri.path().splitn(4, '/').nth(3).unwrap_or_default();
    let planned = if access.grant().push {
        Err(Refusal::denied(
            &"this access is for a push: nothing is fetched with it",
        ))
    } else {
        pull::plan(&node, &access, &headers, within, uri.query())
    };
    let plan = match planned {
        Ok(plan) => plan,
        Err(refusal) => {
            access.keep().await?;
            return match refusal.status() {
                StatusCode::RANGE_NOT_SATISFIABLE => Ok(not_satisfiable(&access, refusal)),
                _ => Err(refusal),
            };
        }
    };
    let trace = traceparent(&node, &headers);
    let (answer, answered) = oneshot::channel();
    // In a task of its own: this one is dropped when the caller's connection ends, and a pull that was recorded as opened would
    // never be recorded as broken off.
    tokio::spawn(serve(node, access, plan, trace, answer));
    let broke_off = |_| Refusal::internal(&"the task that serves a pull broke off");
    answered.await.map_err(broke_off)?
}

/// 416 says how long the version is (RFC 9110, section 15.5.17).
fn not_satisfiable(access: &Access, refusal: Refusal) -> Response {
    let length = access.grant().digests.as_ref().map_or(0, |digests| digests.bytes);
    let mut response = refusal.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// Opens the pull, answers with its head, and sends the bytes.
async fn serve(
    node: Arc<Node>,
    access: Access,
    plan: Plan,
    trace: String,
    answer: oneshot::Sender<Result<Response, Refusal>>,
) {
    let (opened, reading) = match open(&node, &access, &plan, &trace).await {
        Ok(open) => open,
        Err(refusal) => return drop(answer.send(Err(refusal))),
    };
    let (sender, body) = sending::body(&opened);
    let response = response(&opened, &plan, body);
    let refused = response.is_err();
    // Whoever has gone takes the answer with it, and with the answer the receiver: sending then ends before the first byte.
    drop(answer.send(response));
    if refused {
        return sending::abort(&node, &opened, "the answer could not be made", &trace).await;
    }
    let sent = tokio::select! {
        // It is known as being sent, and may still be, before the first byte leaves.
        biased;
        lost = pull::ended(&node, access.grant(), &opened) => Err(lost.why.into()),
        sent = sending::send(&node, &opened, reading, sender, sending::STALLED, &trace) => sent,
    };
    match sent {
        // Also of a dataset without bytes.
        Ok(()) => drop(opened.leave(0)),
        Err(broke) => sending::abort(&node, &opened, &broke.why, &trace).await,
    }
}

async fn open(node: &Node, access: &Access, plan: &Plan, trace: &str) -> Result<(Arc<Opened>, Reading), Refusal> {
    let opened = Arc::new(pull::open_planned(node, access, plan, trace).await?);
    // Only now: nothing is asked of a source for somebody who may not have it.
    match plan.source().open(&plan.wanted()).await {
        Ok(reading) => {
            if let (None, Some(media_type)) = (plan.known(), &reading.media_type) {
                opened.set_media_type(media_type.clone());
            }
            Ok((opened, reading))
        }
        Err(error) => {
            sending::abort(node, &opened, &error.to_string(), trace).await;
            Err(pull::refused(&error))
        }
    }
}

fn response(opened: &Arc<Opened>, plan: &Plan, body: Body) -> Result<Response, Refusal> {
    let mut response = Response::new(body);
    let value = |text: &str| HeaderValue::from_str(text).map_err(|e| Refusal::internal(&e));
    let receipt = match (opened.receipt(), opened.digests()) {
        (Some(receipt), _) => Some(URL_SAFE_NO_PAD.encode(receipt.to_bytes().map_err(|e| Refusal::internal(&e))?)),
        (None, None) => Some(RECEIPT_AFTER.to_owned()),
        // Who keeps no log gets none, and no parts.
        (None, Some(_)) => None,
    };
    let answer = response.headers_mut();
    if let Some(receipt) = &receipt {
        answer.insert(RECEIPT, value(receipt)?);
    }
    answer.insert(SEGMENT, opened.segment().into());
    answer.insert(header::CONTENT_TYPE, value(&opened.media_type())?);
    if let Some(length) = opened.length() {
        answer.insert(header::CONTENT_LENGTH, length.into());
    }
    let ranges = if receipt.is_some() && plan.source().has_ranges() {
        "bytes"
    } else {
        "none"
    };
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static(ranges));
    let Some(known) = plan.known() else {
        return Ok(response);
    };
    answer.insert(header::ETAG, value(&pull::etag(known))?);
    // RFC 9530: the digest of the whole version, and of what this message carries.
    let digest = hex::decode(&known.sha256).map_err(|e| Refusal::internal(&e))?;
    let digest = value(&format!("sha-256=:{}:", STANDARD.encode(digest)))?;
    answer.insert("repr-digest", digest.clone());
    if plan.is_part() {
        let (from, length) = (opened.from(), opened.length().unwrap_or_default());
        let range = format!("bytes {from}-{}/{}", (from + length).saturating_sub(1), known.bytes);
        answer.insert(header::CONTENT_RANGE, value(&range)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    } else {
        answer.insert("content-digest", digest);
    }
    Ok(response)
}
