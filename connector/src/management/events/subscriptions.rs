//! Subscriptions: made, shown, ended.

use super::LIST;
use super::reader::{Place, Types};
use super::webhooks::{MOST, Subscription};
use crate::config::BaseUrl;
use crate::management::Api;
use crate::management::input::{Body, Named};
use crate::management::paging::{Order, Page, Query};
use crate::management::problem::Problem;
use crate::management::views::moment;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is to be posted where.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SubscriptionRequest")]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Where events are posted: an `https://` address.
    url: String,
    /// Only events of these types; one that ends in `*` stands for all that begin so. Left out: all.
    #[serde(default)]
    types: Vec<String>,
    /// What is to stand in the header `Authorization` of each delivery, such as `Bearer <token>`, so that the receiver knows who posts. It
    /// is kept, and never shown again.
    #[serde(default)]
    authorization: Option<String>,
    /// Begins after this place, as in `Last-Event-ID`; `0.0` for everything that is kept. Left out: from now on.
    #[serde(default)]
    after: Option<String>,
}

/// A subscription.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Subscription")]
pub(super) struct Shown {
    /// Its identifier.
    id: String,
    /// Where events are posted.
    url: String,
    /// Which types of events; empty: all.
    types: Vec<String>,
    /// Whether deliveries carry an `Authorization`.
    authorized: bool,
    /// When it was made (RFC 3339).
    created: String,
    /// How far it has come.
    place: String,
    /// How many events happened since, of all types.
    behind: u64,
    /// What keeps it from going on; nothing when all is well.
    failing: Option<Failing>,
    /// Why nothing is posted any more; nothing while it goes on.
    ended: Option<String>,
}

/// A delivery that fails.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FailingDelivery")]
struct Failing {
    /// The event.
    event: String,
    /// Since when (RFC 3339).
    since: String,
    /// How often it was tried.
    attempts: u32,
    /// What came of it the last time.
    why: String,
    /// When it is tried again (RFC 3339).
    next_attempt: String,
}

fn shown(api: &Api, subscription: Subscription) -> Shown {
    let going = api.webhooks.going(&subscription.id).unwrap_or_default();
    Shown {
        url: subscription.url,
        types: subscription.types.0,
        authorized: subscription.authorization.is_some(),
        created: moment(subscription.created_ms),
        place: going.place.to_string(),
        behind: going.place.behind(&api.node),
        failing: going.failing.map(|failing| Failing {
            event: failing.event,
            since: moment(failing.since_ms),
            attempts: failing.attempts,
            why: failing.why,
            next_attempt: moment(failing.next_ms),
        }),
        ended: subscription.ended,
        id: subscription.id,
    }
}

fn missing(id: &str) -> Problem {
    Problem::missing(
        format!("there is no subscription `{id}`"),
        "list them with GET /management/v1/subscriptions",
    )
}

pub(super) async fn subscribe(
    State(api): State<Arc<Api>>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let plain_http = api.node.config.development.as_ref().is_some_and(|d| d.plain_http);
    check_url(&wanted.url, plain_http)?;
    if wanted
        .authorization
        .as_deref()
        .is_some_and(|value| value.is_empty() || HeaderValue::from_str(value).is_err())
    {
        return Err(
            Problem::malformed("`authorization` cannot stand in a header").expected("a text such as `Bearer <token>`")
        );
    }
    let place = match &wanted.after {
        Some(text) => Place::named(&api.node, text)?,
        None => Place::now(&api.node),
    };
    let subscription = Subscription {
        id: api.node.fresh_id(),
        url: wanted.url,
        types: Types(wanted.types).check()?,
        authorization: wanted.authorization,
        created_ms: api.node.now_ms(),
        ended: None,
    };
    if !api.webhooks.add(subscription.clone(), place)? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "too-many",
            format!("there are {MOST} subscriptions, and no more are taken"),
        )
        .next("end one that is not needed with DELETE /management/v1/subscriptions/{id}"));
    }
    Ok((StatusCode::CREATED, Json(shown(&api, subscription))))
}

fn check_url(text: &str, plain_http: bool) -> Result<(), Problem> {
    let wrong = |what: &str| {
        Problem::malformed(format!("`url` {what}")).expected("an `https://` address without user or fragment")
    };
    let url = url::Url::parse(text).map_err(|e| wrong(&format!("is not an address: {e}")))?;
    let base = url.origin().ascii_serialization();
    match BaseUrl::parse(&base, plain_http) {
        None => Err(wrong(&format!("begins with `{}://`", url.scheme()))),
        Some(_) if !url.username().is_empty() || url.password().is_some() => Err(wrong("holds a user or a password")),
        Some(_) if url.fragment().is_some() || text.len() > 2_048 => {
            Err(wrong("has a fragment, or is longer than 2,048 characters"))
        }
        Some(_) => Ok(()),
    }
}

pub(super) async fn list(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Result<Json<Page<Shown>>, Problem> {
    let query = Query::read(query.as_deref(), LIST)?;
    let page = query.page(api.webhooks.list()?, Order::Descending, |subscription| {
        subscription.id.clone()
    })?;
    page.show(|subscription| Ok(shown(&api, subscription))).map(Json)
}

pub(super) async fn show(State(api): State<Arc<Api>>, Named(id): Named) -> Result<Json<Shown>, Problem> {
    let subscription = api.webhooks.get(&id)?.ok_or_else(|| missing(&id))?;
    Ok(Json(shown(&api, subscription)))
}

pub(super) async fn unsubscribe(State(api): State<Arc<Api>>, Named(id): Named) -> Result<StatusCode, Problem> {
    match api.webhooks.remove(&id)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing(&id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_posted_to_addresses_that_are_called_and_no_others() {
        for good in ["https://a.example/hook", "https://a.example:8443/hook?key=1"] {
            assert!(check_url(good, false).is_ok(), "{good}");
        }
        assert!(check_url("http://localhost:9000/hook", true).is_ok());
        for bad in [
            "http://a.example/hook",
            "ftp://a.example",
            "a.example",
            "https://u:p@a.example/",
            "https://a.example/#x",
            "file:///etc/passwd",
            "https://",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
    }
}
