//! The Dataspace Protocol 2025-1 over HTTPS: authenticates, parses, steps the state machine, and answers with what is durable.

use crate::dsp::error::{self, Answer, Family, Refusal};
use crate::dsp::id::Id;
use crate::dsp::negotiation::{self, Contract};
use crate::dsp::path::{Endpoint, NegotiationPost};
use crate::dsp::process::Event;
use crate::dsp::transfer::{self, DataTransfer};
use crate::dsp_shell::{self, Context};
use crate::identity::{Authenticated, AuthenticationError, presented_credentials};
use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use crate::trust::Standing;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use herleid_vocab::json::{JsonError, Limits};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Node>> {
    Router::new().fallback(handle)
}

async fn handle(
    State(node): State<Arc<Node>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(endpoint) = Endpoint::find(method.as_str(), uri.path()) else {
        return respond(&Refusal::NotFound.answer(Family::Catalog, &error::unknown_pids()));
    };
    let family = endpoint.family();
    let body = match body {
        Ok(body) => body,
        Err(error) => return respond(&unread(&error, &headers).answer(family, &error::unknown_pids())),
    };
    if endpoint == Endpoint::Catalog {
        return super::catalogue::request(&node, &method, &uri, &headers, &body).await;
    }
    match answer(&node, &method, endpoint, &headers, &body).await {
        Ok(answer) => respond(&answer),
        Err(refusal) => respond(&refusal.answer(family, &error::pids_in(&body))),
    }
}

/// Why a body was not read: what comes before every handler has no words of the protocol.
fn unread(error: &BytesRejection, headers: &HeaderMap) -> Refusal {
    let limit = Limits::MESSAGE.max_bytes;
    if error.status() != StatusCode::PAYLOAD_TOO_LARGE {
        let why = error.to_string();
        return JsonError::Syntax { why }.into();
    }
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    let found = stated.and_then(|v| v.parse().ok()).unwrap_or(limit).max(limit + 1);
    JsonError::TooLong { found, limit }.into()
}

pub(super) fn respond(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        answer.body.to_string(),
    )
        .into_response()
}

async fn answer(
    node: &Arc<Node>,
    method: &Method,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Answer, Refusal> {
    if *method == Method::POST {
        check_media_type(headers)?;
    }
    // Before it is asked who the caller is: a process is opened only if nothing was withdrawn since.
    let standing = node.trust.standing();
    let caller = node.authenticate(headers).await.map_err(|e| unauthenticated(&e))?;
    let from: Id = node.participant_id(caller.did()).map_err(|_| Refusal::NotFound)?;
    match endpoint {
        // Answered above, for its answer has links.
        Endpoint::Catalog => Err(Refusal::NotFound),
        Endpoint::Dataset(id) => {
            presented_credentials(node, &caller)
                .await
                .map_err(|e| unauthenticated(&e))?;
            let resource = dsp_shell::own_resource(node, &id)
                .map_err(|e| internal(&e))?
                .ok_or(Refusal::NotFound)?;
            Ok(Answer {
                status: 200,
                body: resource.to_json(),
            })
        }
        Endpoint::Negotiation(pid) => {
            let process = node.negotiator.load::<Contract>(node, &pid)?.ok_or(Refusal::NotFound)?;
            process.status(&from)
        }
        Endpoint::Transfer(pid) => {
            let process = node
                .negotiator
                .load::<DataTransfer>(node, &pid)?
                .ok_or(Refusal::NotFound)?;
            process.status(&from)
        }
        Endpoint::OpenNegotiation(post) => open_negotiation(node, &caller, standing, from, post, body).await,
        Endpoint::NegotiationMessage(pid, post) => {
            let message = negotiation::Message::parse(post, body)?;
            settled(
                node.negotiator
                    .step::<Contract>(node, &pid, Event::Received { from, message })
                    .await?,
            )
        }
        Endpoint::OpenTransfer => open_transfer(node, &caller, standing, from, body).await,
        Endpoint::TransferMessage(pid, post) => {
            let message = transfer::Message::parse(Some(post), body)?;
            settled(
                node.negotiator
                    .step::<DataTransfer>(node, &pid, Event::Received { from, message })
                    .await?,
            )
        }
    }
}

fn settled(answer: Option<Answer>) -> Result<Answer, Refusal> {
    answer.ok_or_else(|| internal(&"a step gave no answer"))
}

pub(super) fn internal(cause: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%cause, "internal error");
    Refusal::Internal {
        reference: "see this connector's log".to_owned(),
    }
}

pub(super) fn unauthenticated(error: &AuthenticationError) -> Refusal {
    match error {
        AuthenticationError::Memory(why) => internal(why),
        passing if passing.is_passing() => Refusal::Unavailable {
            why: passing.to_string(),
        },
        other => Refusal::Unauthenticated { why: other.to_string() },
    }
}

pub(super) fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let found = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let essence = found.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("application/ld+json") {
        Ok(())
    } else {
        Err(Refusal::media_type(found))
    }
}

/// What is kept of a caller that opens a process.
async fn context(node: &Arc<Node>, caller: &Authenticated) -> Result<Context, Refusal> {
    let shown = presented_credentials(node, caller)
        .await
        .map_err(|e| unauthenticated(&e))?;
    Ok(Context {
        declares: caller.declares().clone(),
        key_id: caller.key_id().map(str::to_owned),
        did_document: caller
            .document()
            .map(|d| String::from_utf8_lossy(d.bytes()).into_owned()),
        presentations: shown.tokens().map(str::to_owned).collect(),
        ..Context::default()
    })
}

async fn open_negotiation(
    node: &Arc<Node>,
    caller: &Authenticated,
    standing: Standing,
    from: Id,
    post: NegotiationPost,
    body: &Bytes,
) -> Result<Answer, Refusal> {
    let message = negotiation::Message::parse(post, body)?;
    let context = context(node, caller).await?;
    let opened = negotiation::opened(dsp_shell::fresh_pid(node), from.clone(), &message, node.now_ms());
    let taken_up = node
        .negotiator
        .take_up::<Contract>(node, from, message, opened, context, standing);
    settled(taken_up.await?)
}

async fn open_transfer(
    node: &Arc<Node>,
    caller: &Authenticated,
    standing: Standing,
    from: Id,
    body: &Bytes,
) -> Result<Answer, Refusal> {
    let message = transfer::Message::parse(None, body)?;
    let context = context(node, caller).await?;
    let opened = may_transfer(node, caller, message.message())
        .and_then(|()| transfer::opened(dsp_shell::fresh_pid(node), from.clone(), &message, node.now_ms()));
    let taken_up = node
        .negotiator
        .take_up::<DataTransfer>(node, from, message, opened, context, standing);
    settled(taken_up.await?)
}

/// What is asked for is offered, under an agreement between the two.
fn may_transfer(node: &Node, caller: &Authenticated, message: &transfer::Message) -> Result<(), Refusal> {
    let transfer::Message::Request(request) = message else {
        return Ok(());
    };
    let entry = AgreementEntry::key(request.agreement.as_str(), Side::Provider);
    let is_theirs = |entry: &AgreementEntry| entry.other == *caller.did();
    let found: Option<AgreementEntry> = node.state.get(&entry).map_err(|e| internal(&e))?;
    if !found.as_ref().is_some_and(is_theirs) {
        // Whose agreement it was is told why it is none any more.
        for over in &node.previous {
            let before = crate::state::State::new(over.clone())
                .get(&entry)
                .map_err(|e| internal(&e))?;
            if before.as_ref().is_some_and(is_theirs) {
                let why = format!(
                    "the agreement `{}` was concluded under the log `{}` of this participant, which was lost and is over: how much of it was used is not known, \
                     so nothing more is given under it; negotiate anew",
                    request.agreement,
                    over.origin()
                );
                return Err(Refusal::Unusable { why });
            }
        }
        return Err(Refusal::NoAgreement {
            agreement: request.agreement.to_string(),
        });
    }
    dsp_shell::check_format(node, caller.did(), request)
}

#[cfg(test)]
mod tests;
