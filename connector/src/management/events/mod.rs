//! What happens here, told as CloudEvents 1.0: to whoever listens (`GET /events`, server-sent events), and to webhooks.
//!
//! Everything that is told is read from what is durable: records from the log, changes of negotiations and transfers from the journal
//! that is written in their commit ([`crate::journal`]). So a listener that was away, or a restart, loses nothing: it goes on after the
//! place that it knows.

mod cloud_event;
mod reader;
mod stream;
mod subscriptions;
mod webhooks;

pub(super) use webhooks::Webhooks;

use super::operations::{Method, Operation, filters};
use super::paging::Page;
use cloud_event::CloudEvent;
use tokio::sync::Semaphore;

/// Listeners at a time: each costs a connection and some kilobytes.
const LISTENERS: usize = 32;

/// Room for those who listen.
pub(super) struct Streams(std::sync::Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(std::sync::Arc::new(Semaphore::new(LISTENERS)))
    }
}

const LIST: &[(&str, &str)] = filters! {};

pub(super) fn operations() -> Vec<Operation> {
    use Method::{Delete, Get, Post};
    vec![
        Operation::new(
            Get,
            "/events",
            "listen",
            "Tells what happens as server-sent events, each a CloudEvent; goes on after the header `Last-Event-ID`",
            stream::listen,
        )
        .query(stream::PARAMETERS)
        .gives::<CloudEvent>(200)
        .text("text/event-stream"),
        Operation::new(
            Post,
            "/subscriptions",
            "subscribe",
            "Has events posted to an address as CloudEvents, at least once each, until they are taken",
            subscriptions::subscribe,
        )
        .takes::<subscriptions::Wanted>()
        .gives::<subscriptions::Shown>(201),
        Operation::new(
            Get,
            "/subscriptions",
            "listSubscriptions",
            "Lists subscriptions, with how far each is behind and what keeps it",
            subscriptions::list,
        )
        .query(LIST)
        .gives::<Page<subscriptions::Shown>>(200),
        Operation::new(
            Get,
            "/subscriptions/{id}",
            "getSubscription",
            "Shows a subscription",
            subscriptions::show,
        )
        .gives::<subscriptions::Shown>(200),
        Operation::new(
            Delete,
            "/subscriptions/{id}",
            "unsubscribe",
            "Ends a subscription",
            subscriptions::unsubscribe,
        )
        .nothing(),
    ]
}
