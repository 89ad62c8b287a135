//! Server-sent events (HTML standard, section 9.2).

use super::reader::{Place, ReadError, Reader, Types};
use crate::management::Api;
use crate::management::paging::Query;
use crate::management::problem::Problem;
use crate::net::server::CancellationToken;
use crate::node::Node;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// How often somebody who listens hears something, so that it is noticed on both sides when the other is gone.
const ALIVE: Duration = Duration::from_secs(15);

pub(super) const PARAMETERS: &[(&str, &str)] = &[
    (
        "after",
        "goes on after this place, as the header `Last-Event-ID` does; `0.0` for everything that is kept; without both, what happens from now on",
    ),
    (
        "types",
        "only events of these types, with commas between; one that ends in `*` stands for all that begin so",
    ),
];

pub(super) async fn listen(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), PARAMETERS)?;
    // A browser that comes back sends the header and the address that it had at first.
    let last = match headers.get("last-event-id") {
        Some(value) => Some(
            value
                .to_str()
                .map_err(|_| Problem::malformed("`Last-Event-ID` is not text"))?,
        ),
        None => query.get("after"),
    };
    let place = match last {
        Some(text) => Place::named(&api.node, text)?,
        None => Place::now(&api.node),
    };
    let types = query
        .get("types")
        .map(|t| t.split(',').map(|t| t.trim().to_owned()).collect());
    let types = Types(types.unwrap_or_default()).check()?;
    let room = api.events.0.clone().try_acquire_owned();
    let room = room.map_err(|_| {
        Problem::busy(format!(
            "{} listeners are connected; no more are taken",
            super::LISTENERS
        ))
    })?;
    let listening = Listening {
        grown: api.node.grown.subscribe(),
        changed: api.node.journal.watch(),
        node: api.node.clone(),
        stop: api.stop.clone(),
        reader: Reader::after(place),
        place,
        types,
        greeted: false,
        _room: room,
    };
    let told = unfold(listening, |mut listening| async move {
        let text = listening.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), listening))
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(told)).into_response())
}

/// Somebody who listens.
struct Listening {
    node: Arc<Node>,
    stop: CancellationToken,
    grown: watch::Receiver<u64>,
    changed: watch::Receiver<u64>,
    reader: Reader,
    place: Place,
    types: Types,
    greeted: bool,
    _room: OwnedSemaphorePermit,
}

impl Listening {
    /// The next text to send; `None` at the end. Whoever does not read is not waited for longer than any other caller, and goes on
    /// after the last event it had.
    async fn next(&mut self) -> Option<String> {
        if !self.greeted {
            self.greeted = true;
            // At once, so that the caller knows that it is connected, and from where to go on if nothing ever happens.
            return Some(format!("retry: 2000\nid: {}\n\n", self.place));
        }
        loop {
            self.grown.borrow_and_update();
            self.changed.borrow_and_update();
            match self.wanted().await {
                Ok(Some(text)) => return Some(text),
                Ok(None) => {}
                Err(error) => {
                    // The caller comes back after the last event that it had.
                    tracing::error!(%error, "what happened cannot be read");
                    return None;
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                Ok(()) = self.grown.changed() => {}
                Ok(()) = self.changed.changed() => {}
                () = tokio::time::sleep(ALIVE) => return Some(format!(": alive\nid: {}\n\n", self.place)),
            }
        }
    }

    /// The next event of a type that is wanted, as text.
    async fn wanted(&mut self) -> Result<Option<String>, ReadError> {
        let mut passed_over = 0_u32;
        while let Some((place, event)) = self.reader.next(&self.node)? {
            self.place = place;
            if self.types.want(&event.kind) {
                let data = serde_json::to_string(&event).unwrap_or_default();
                return Ok(Some(format!("id: {place}\nevent: {}\ndata: {data}\n\n", event.kind)));
            }
            passed_over += 1;
            if passed_over.is_multiple_of(64) {
                // Others come in between.
                tokio::task::yield_now().await;
            }
        }
        Ok(None)
    }
}
