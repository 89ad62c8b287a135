//! What a request brings: read strictly, and refused in the form of the API's other refusals.

use super::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use herleid_vocab::json::{self, JsonError, Limits};
use serde::de::DeserializeOwned;

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        // Also what a form in somebody's browser can send would be read otherwise.
        let essence = media_type
            .as_deref()
            .and_then(|text| text.split(';').next())
            .unwrap_or_default()
            .trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let found = media_type.as_deref().unwrap_or("none");
            let what = format!("the body has the media type `{found}`");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", what)
                .expected("Content-Type: application/json")
                .next("send the body as JSON"));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|e| unread(&e))?;
        let value = json::parse(&bytes, &Limits::MESSAGE).map_err(|e| match e {
            JsonError::TooLong { .. } => too_long(&e.to_string()),
            other => Problem::malformed(format!("the body is not JSON: {other}")),
        })?;
        serde_json::from_value(value)
            .map(Self)
            .map_err(|e| Problem::malformed(format!("the body is not what is expected here: {e}")))
    }
}

fn unread(error: &BytesRejection) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_long("the body is too long"),
        _ => Problem::malformed(format!("the body could not be read: {error}")),
    }
}

fn too_long(what: &str) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", what)
        .expected(format!("at most {} bytes", Limits::MESSAGE.max_bytes))
        .next("send less; a dataset is published by naming its file")
}

/// The one parameter of a path, decoded.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name))
            .map_err(|e| Problem::malformed(format!("the path cannot be read: {e}")).expected("percent-encoded UTF-8"))
    }
}
