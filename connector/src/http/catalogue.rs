//! The catalogue as others get it: page by page over the Dataspace Protocol, its public part as RDF, and queries over it.

use super::Refusal;
use super::dsp::{check_media_type, internal, respond, unauthenticated};
use crate::catalogue::{
    Asked, DocumentFormat, Page, QUERY_BYTES, Query, QueryError, TokenError, answer, page, page_as,
};
use crate::dsp::error::{self as dsp_error, Family};
use crate::dsp::message::{CatalogRequest, Message as _};
use crate::dsp::path::CATALOG;
use crate::dsp_shell;
use crate::identity::presented_credentials;
use crate::node::Node;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;
use std::sync::Arc;
use url::form_urlencoded;

/// The parameter of a link that says where a page begins.
const TOKEN: &str = "continuationToken";

/// `POST catalog/request`, and what its links lead to, by either method.
pub(super) async fn request(
    node: &Arc<Node>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    match requested(node, method, uri, headers, body).await {
        Ok(page) => {
            let base = format!("{}/{CATALOG}", dsp_shell::own_base(node));
            shown(&base, &page, page.body.clone().into_bytes(), "application/json")
        }
        Err(refusal) => respond(&refusal.answer(Family::Catalog, &dsp_error::unknown_pids())),
    }
}

async fn requested(
    node: &Arc<Node>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Page, dsp_error::Refusal> {
    let token = parameter(uri, TOKEN);
    if *method == Method::POST {
        check_media_type(headers)?;
    } else if token.is_none() {
        return Err(dsp_error::Refusal::Filter(
            "a catalogue is requested by POST; GET is for the links of its pages".to_owned(),
        ));
    }
    let caller = node.authenticate(headers).await.map_err(|e| unauthenticated(&e))?;
    let filter = if *method == Method::POST {
        CatalogRequest::parse(body)?.into_message().filter
    } else {
        Vec::new()
    };
    presented_credentials(node, &caller)
        .await
        .map_err(|e| unauthenticated(&e))?;
    let query = Query::new(&filter, token.as_deref(), node.config.catalogue.page).map_err(refused)?;
    page(&node.catalogue, &query).await.map_err(|e| internal(&e))
}

fn refused(error: TokenError) -> dsp_error::Refusal {
    match error {
        TokenError::Filter(filter) => dsp_error::Refusal::Filter(filter.to_string()),
        other => dsp_error::Refusal::Token(other.to_string()),
    }
}

/// The value of a parameter of the address.
fn parameter(uri: &Uri, wanted: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs
        .filter(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
        .last()
}

/// A page with its links (RFC 8288; catalog HTTPS binding, "Pagination").
fn shown(base: &str, page: &Page, body: Vec<u8>, media_type: &'static str) -> Response {
    let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, media_type)], body).into_response();
    for (token, relation) in [(&page.previous, "previous"), (&page.next, "next")] {
        let link = token
            .as_ref()
            .map(|token| format!("<{base}?{TOKEN}={token}>; rel=\"{relation}\""));
        // Base, token and relation are ASCII.
        if let Some(link) = link.and_then(|link| HeaderValue::try_from(link).ok()) {
            response.headers_mut().append(header::LINK, link);
        }
    }
    response
}

/// `GET /catalog.ttl`: what is public, as Turtle.
pub(super) async fn turtle(State(node): State<Arc<Node>>, uri: Uri) -> Response {
    public(&node, &uri, DocumentFormat::Turtle).await
}

/// `GET /catalog.jsonld`: what is public, as JSON-LD.
pub(super) async fn json_ld(State(node): State<Arc<Node>>, uri: Uri) -> Response {
    public(&node, &uri, DocumentFormat::JsonLd).await
}

async fn public(node: &Arc<Node>, uri: &Uri, format: DocumentFormat) -> Response {
    let made = async {
        let token = parameter(uri, TOKEN);
        let query = Query::public(token.as_deref(), node.config.catalogue.page);
        let query = query.map_err(|e| Refusal::malformed(&e))?;
        let made = page_as(&node.catalogue, &query, format).await;
        let (page, body) = made.map_err(|e| Refusal::internal(&e))?;
        let base = format!("{}{}", node.public_url, uri.path());
        Ok::<_, Refusal>(shown(&base, &page, body, format.media_type()))
    };
    made.await.unwrap_or_else(IntoResponse::into_response)
}

/// `GET /sparql?query=` (SPARQL 1.1 Protocol, 2.1.1).
pub(super) async fn sparql_get(State(node): State<Arc<Node>>, uri: Uri, headers: HeaderMap) -> Response {
    let parameters = uri.query().unwrap_or_default().as_bytes().to_vec();
    asked(&node, &headers, || query_in(&parameters)).await
}

/// `POST /sparql`, the query as a form or as it stands (SPARQL 1.1 Protocol, 2.1.2 and 2.1.3).
pub(super) async fn sparql_post(State(node): State<Arc<Node>>, headers: HeaderMap, body: Bytes) -> Response {
    let query = || {
        let found = text(&headers, &header::CONTENT_TYPE).unwrap_or_default();
        let essence = found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/sparql-query" => match std::str::from_utf8(&body) {
                Ok(query) => Ok(query.to_owned()),
                Err(e) => Err(Refusal::malformed(&format!("the query is not UTF-8: {e}"))),
            },
            "application/x-www-form-urlencoded" => query_in(&body),
            "application/sparql-update" => Err(read_only()),
            _ => Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                &format!(
                    "`{}`: expected application/sparql-query or application/x-www-form-urlencoded",
                    crate::dsp::id::excerpt(&found)
                ),
            )),
        }
    };
    asked(&node, &headers, query).await
}

fn read_only() -> Refusal {
    Refusal::denied(
        &"this endpoint only answers questions: nothing in the catalogue is changed by SPARQL; `herleid publish` does that",
    )
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
}

/// The query among parameters.
fn query_in(parameters: &[u8]) -> Result<String, Refusal> {
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(parameters).collect();
    let has = |wanted: &str| pairs.iter().any(|(name, _)| name == wanted);
    if has("update") {
        return Err(read_only());
    }
    if let Some(graph) = ["default-graph-uri", "named-graph-uri"]
        .into_iter()
        .find(|name| has(name))
    {
        return Err(Refusal::malformed(&format!(
            "`{graph}`: there is one graph here, the catalogue; leave it out"
        )));
    }
    let mut queries = pairs.iter().filter(|(name, _)| name == "query");
    match (queries.next(), queries.next()) {
        (Some((_, query)), None) => Ok(query.clone().into_owned()),
        _ => Err(Refusal::malformed(&"expected exactly one parameter `query`")),
    }
}

/// Whoever may have the catalogue may ask it questions.
async fn asked(node: &Arc<Node>, headers: &HeaderMap, query: impl FnOnce() -> Result<String, Refusal>) -> Response {
    let answered = async {
        let caller = node.authenticate(headers).await?;
        presented_credentials(node, &caller).await?;
        let asked = Asked {
            query: query()?,
            accept: text(headers, &header::ACCEPT),
        };
        Ok::<_, Refusal>(answer(node.clone(), &caller.did().to_string(), asked).await)
    };
    match answered.await {
        Ok(Ok(answered)) => ([(header::CONTENT_TYPE, answered.media_type)], answered.body).into_response(),
        Ok(Err(error)) => {
            let mut response = query_refused(&error).into_response();
            let seconds = match error {
                QueryError::Penalised(seconds) => Some(seconds),
                QueryError::OneAtATime => Some(1),
                _ => None,
            };
            if let Some(seconds) = seconds {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn query_refused(error: &QueryError) -> Refusal {
    let (status, code) = match error {
        QueryError::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        QueryError::OneAtATime => (StatusCode::TOO_MANY_REQUESTS, "one-at-a-time"),
        QueryError::Penalised(_) => (StatusCode::TOO_MANY_REQUESTS, "penalised"),
        QueryError::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
        QueryError::Syntax(_) | QueryError::Evaluation(_) => (StatusCode::BAD_REQUEST, "malformed"),
        QueryError::TooDeep => (StatusCode::BAD_REQUEST, "too-deep"),
        QueryError::Service => (StatusCode::BAD_REQUEST, "service-not-supported"),
        QueryError::Graph(_) => (StatusCode::BAD_REQUEST, "graph-not-supported"),
        // Coming back would not help; asking otherwise would.
        QueryError::Timeout => (StatusCode::UNPROCESSABLE_ENTITY, "too-slow"),
        QueryError::Memory | QueryError::Stack | QueryError::Died => {
            (StatusCode::UNPROCESSABLE_ENTITY, "too-demanding")
        }
        QueryError::TooMuch => (StatusCode::UNPROCESSABLE_ENTITY, "too-much"),
        QueryError::NotAcceptable(..) => (StatusCode::NOT_ACCEPTABLE, "not-acceptable"),
        QueryError::Internal(_) => return Refusal::internal(error),
    };
    Refusal::new(status, code, error)
}

/// The query is the longest thing in an address or body here.
const _: () = assert!(QUERY_BYTES < super::MESSAGE_BYTES, "a query fits into a message");
