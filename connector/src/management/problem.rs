//! The one place where failures become answers of the management API: RFC 9457 problem details that say what to do.

use crate::commands::Failure;
use crate::control::error::{Code, ControlError};
use crate::dsp::error::Refusal;
use crate::state::StateError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Display;

/// Why a request was not carried out (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// The kind of problem, as an address that ends in its code.
    #[serde(rename = "type")]
    kind: Box<str>,
    /// The code: the same for all problems of this kind.
    title: &'static str,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What failed.
    detail: Box<str>,
    /// What was found: the member, value or byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Box<str>>,
    /// What was expected instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Box<str>>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Box<str>>,
}

impl Problem {
    /// A problem with a status, a code and a text for people.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Display) -> Self {
        Self {
            kind: format!("https://w3id.org/herleid/problem/{code}").into(),
            title: code,
            status: status.as_u16(),
            detail: detail.to_string().into(),
            found: None,
            expected: None,
            next: None,
        }
    }

    /// 400: the request is not understood.
    pub(super) fn malformed(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
            .next("compare the request with what /management/v1/openapi.json says of it")
    }

    /// 404: there is no such thing.
    pub(super) fn missing(detail: impl Display, next: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "missing", detail).next(next)
    }

    /// 500: the fault is here.
    pub(super) fn failed(detail: impl Display) -> Self {
        tracing::error!(%detail, "a request of the management API failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
            .next("see the service's own log at this moment; `herleid status` says whether the store is well")
    }

    /// 503: not now.
    pub(super) fn busy(detail: impl Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).next("try again in a few seconds")
    }

    /// Says what was expected.
    #[must_use]
    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into().into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into().into());
        self
    }

    /// The status that it is answered with.
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                let asked = HeaderValue::from_static("Bearer realm=\"herleid management\"");
                headers.insert(header::WWW_AUTHENTICATE, asked);
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

/// Which status a kind of failure is answered with.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::Usage => StatusCode::BAD_REQUEST,
        Code::Missing => StatusCode::NOT_FOUND,
        // Understood, and a policy or the other end said no: 403 would be about who asks here.
        Code::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        // What another participant sent does not verify.
        Code::Untrusted => StatusCode::BAD_GATEWAY,
        Code::Unreachable => StatusCode::GATEWAY_TIMEOUT,
        Code::Busy | Code::NotRunning | Code::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
        Code::Failed | Code::Configuration => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let problem = match error.code {
            Code::Failed => Self::failed(&error.message),
            code => Self::new(status(code), code.as_str(), &error.message),
        };
        Self {
            found: error.what.map(Into::into),
            expected: error.expected.map(Into::into),
            next: error.next.map(Into::into).or(problem.next),
            ..problem
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        ControlError::from(failure).into()
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        Self::failed(error)
    }
}

impl From<Refusal> for Problem {
    /// What the state machines refuse of a person.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::missing(
                "there is no such process here",
                "list them with GET /management/v1/negotiations or /transfers",
            ),
            Refusal::InvalidTransition { .. } | Refusal::Underway { .. } => {
                Self::new(StatusCode::CONFLICT, refusal.code(), &refusal)
                    .next("look at its `state`, `underway` and `possible`, and decide again")
            }
            Refusal::Unavailable { .. } => Self::busy(&refusal),
            Refusal::Internal { .. } => Self::failed(&refusal),
            other => {
                let status = StatusCode::from_u16(other.status()).unwrap_or(StatusCode::BAD_REQUEST);
                Self::new(status, other.code(), &other).next("change what the message says, or decide otherwise")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_status_and_says_what_to_do() {
        let expected = [
            (Code::Failed, 500),
            (Code::Usage, 400),
            (Code::Missing, 404),
            (Code::Untrusted, 502),
            (Code::Refused, 422),
            (Code::NotRunning, 503),
            (Code::Unreachable, 504),
            (Code::Busy, 503),
            (Code::Configuration, 500),
            (Code::Interrupted, 503),
        ];
        assert_eq!(expected.map(|(code, _)| code), Code::ALL);
        for (code, status) in expected {
            let error = ControlError::new(code, "it failed").what("x").next("do this");
            let problem = Problem::from(error);
            assert_eq!((problem.status, problem.title), (status, code.as_str()));
            assert_eq!(problem.next.as_deref(), Some("do this"));
        }
    }

    #[test]
    fn what_is_not_possible_now_is_a_conflict_and_never_looks_like_an_internal_error() {
        let refused = Refusal::InvalidTransition {
            message: "ContractAgreementMessage".to_owned(),
            sender: crate::dsp::Role::Provider,
            state: "VERIFIED".to_owned(),
            possible: "nothing".to_owned(),
        };
        let problem = Problem::from(refused);
        assert_eq!((problem.status, problem.title), (409, "invalid-transition"));
        assert!(problem.detail.contains("VERIFIED"), "{}", problem.detail);
        assert_eq!(Problem::from(Refusal::NotFound).status, 404);
        let answer = Problem::busy("not now").into_response();
        assert_eq!(answer.headers().get("retry-after").unwrap(), "5");
        let answer = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "who").into_response();
        assert!(answer.headers().contains_key("www-authenticate"));
    }
}
