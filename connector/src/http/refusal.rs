//! The one place where refusals of resources outside the Dataspace Protocol become HTTP answers (RFC 9457 problem details).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::fmt::Display;

/// A refusal: what a caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Refusal {
    /// A refusal with a machine-readable code and a text for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: &dyn Display) -> Self {
        Self {
            status,
            code,
            detail: detail.to_string(),
        }
    }

    /// 400: the request is not understood.
    #[must_use]
    pub fn malformed(detail: &dyn Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401: the caller is not known.
    #[must_use]
    pub fn unauthenticated(detail: &dyn Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// 403: a policy says no.
    #[must_use]
    pub fn denied(detail: &dyn Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "denied", detail)
    }

    /// 404: there is nothing, or nothing for this caller: the same answer for both.
    #[must_use]
    pub fn not_found(detail: &dyn Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 500: our own fault. The cause goes to the operator's log; the caller learns only where to ask.
    #[must_use]
    pub fn internal(cause: &dyn Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            &"the connector failed; its operator finds the cause in the connector's log",
        )
    }

    /// The machine-readable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The text for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"type": format!("https://w3id.org/herleid/problem/{}", self.code), "title": self.code, "status": self.status.as_u16(), "detail": self.detail});
        (
            self.status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body.to_string(),
        )
            .into_response()
    }
}
