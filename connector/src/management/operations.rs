//! What the API can be asked, once: the routes that are served and the OpenAPI document are both made of this list, so that nothing is
//! served that is not described.

use super::openapi::Shape;
use super::{Api, BASE, about, agreements, duties, events, negotiations, offers, payments, peers, transfers, trust};
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, post};
use schemars::JsonSchema;
use std::sync::Arc;

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// As a member of a path item of OpenAPI.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

/// One operation.
pub(super) struct Operation {
    /// Its method.
    pub(super) method: Method,
    /// Its path below [`super::BASE`], with parameters in braces.
    pub(super) path: &'static str,
    /// Its name for generated clients.
    pub(super) id: &'static str,
    /// What it does, in one sentence.
    pub(super) about: &'static str,
    /// Under which heading it is listed.
    pub(super) tag: &'static str,
    /// Parameters of its query, and what they mean.
    pub(super) query: &'static [(&'static str, &'static str)],
    /// What its body is.
    pub(super) body: Option<Shape>,
    /// With which status it answers.
    pub(super) status: u16,
    /// In which media type.
    pub(super) media_type: &'static str,
    /// And with what.
    pub(super) answer: Option<Shape>,
    /// Whether it shows nothing of this connector, and is answered without the token.
    pub(super) public: bool,
    handler: MethodRouter<Arc<Api>>,
}

impl Operation {
    /// An operation that answers with a 200 and nothing yet.
    pub(super) fn new<H, T>(
        method: Method,
        path: &'static str,
        id: &'static str,
        about: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Arc<Api>>,
        T: 'static,
    {
        Self {
            handler: match method {
                Method::Get => get(handler),
                Method::Post => post(handler),
                Method::Delete => delete(handler),
            },
            method,
            path,
            id,
            about,
            tag: "",
            query: &[],
            body: None,
            status: 200,
            media_type: "application/json",
            answer: None,
            public: false,
        }
    }

    /// With these parameters in its query.
    pub(super) fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    /// With this body.
    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        let body: Shape = |schemas| schemas.subschema_for::<T>();
        Self {
            body: Some(body),
            ..self
        }
    }

    /// Answered with this, in JSON.
    pub(super) fn gives<T: JsonSchema>(self, status: u16) -> Self {
        let answer: Shape = |schemas| schemas.subschema_for::<T>();
        Self {
            status,
            answer: Some(answer),
            ..self
        }
    }

    /// Answered in another media type.
    pub(super) fn text(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    /// Answered with 204, and nothing else.
    pub(super) fn nothing(self) -> Self {
        Self { status: 204, ..self }
    }

    /// Answered without the token.
    pub(super) fn public(self) -> Self {
        Self { public: true, ..self }
    }
}

/// The parameters of a list: its own filters, then those that every list has.
macro_rules! filters {
    ($($name:literal: $about:literal),* $(,)?) => {
        &[
            $(($name, $about),)*
            ("limit", "how many to show, from 1 to 500; without it, 50"),
            ("after", "shows what follows: the `next` of the page before"),
        ]
    };
}
pub(super) use filters;

/// All operations, in the order in which they are described.
pub(super) fn all() -> Vec<Operation> {
    let groups = [
        ("Publishing", offers::operations()),
        ("Other participants", peers::operations()),
        ("Trust", trust::operations()),
        ("Negotiations", negotiations::operations()),
        ("Agreements", agreements::operations()),
        ("Duties", duties::operations()),
        ("Payments", payments::operations()),
        ("Transfers", transfers::operations()),
        ("Events", events::operations()),
        ("This connector", about::operations()),
    ];
    let of_group =
        |(tag, operations): (&'static str, Vec<Operation>)| operations.into_iter().map(move |o| Operation { tag, ..o });
    groups.into_iter().flat_map(of_group).collect()
}

/// The routes of these operations.
pub(super) fn router(operations: Vec<Operation>) -> Router<Arc<Api>> {
    let routed = |router: Router<Arc<Api>>, operation: Operation| {
        router.route(&format!("{BASE}{}", operation.path), operation.handler)
    };
    operations.into_iter().fold(Router::new(), routed)
}
