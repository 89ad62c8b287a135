//! Deliveries: each subscription has a task of its own, so that a receiver that is slow or dead keeps nobody else waiting. How far it has
//! come is kept in the state; what was delivered and not kept yet is delivered again after a restart, under the same `id`.

use super::cloud_event::CloudEvent;
use super::reader::{Place, Reader, Types};
use crate::dsp::outbox::backoff_ms;
use crate::net::server::CancellationToken;
use crate::node::Node;
use crate::state::{Change, StateError, set};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where subscriptions lie in the state.
const SUBSCRIPTIONS: &str = "subscription/";
/// Subscriptions at most: so many tasks, and so many events in memory at once.
pub(super) const MOST: usize = 64;
/// Deliveries until the place is kept: so many are repeated after a restart at most.
const UNKEPT: u32 = 16;

/// A subscription as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    /// Its id.
    pub(super) id: String,
    /// Where events are posted.
    pub(super) url: String,
    /// Which events.
    pub(super) types: Types,
    /// What stands in the header `Authorization` of a delivery.
    pub(super) authorization: Option<String>,
    /// When it was made, Unix milliseconds.
    pub(super) created_ms: u64,
    /// Why nothing is posted any more: the receiver said that it is gone.
    pub(super) ended: Option<String>,
}

fn key(id: &str) -> String {
    format!("{SUBSCRIPTIONS}{id}")
}

/// Where it is kept how far a subscription has come; apart from the subscription, which is not written again with every event.
fn place_key(id: &str) -> String {
    format!("subscribed-to/{id}")
}

/// How deliveries go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Going {
    /// How far it has come.
    pub(super) place: Place,
    /// What keeps it from going on.
    pub(super) failing: Option<Failing>,
}

/// A delivery that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failing {
    /// The event.
    pub(super) event: String,
    /// Since when, Unix milliseconds.
    pub(super) since_ms: u64,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// What came of it the last time.
    pub(super) why: String,
    /// When it is tried again, Unix milliseconds.
    pub(super) next_ms: u64,
}

struct Running {
    cancel: CancellationToken,
    going: Arc<Mutex<Going>>,
}

/// All deliveries.
pub(in crate::management) struct Webhooks {
    node: Arc<Node>,
    stop: CancellationToken,
    running: Mutex<BTreeMap<String, Running>>,
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Webhooks {
    /// Starts all deliveries, from where each had come.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(in crate::management) fn start(node: Arc<Node>, stop: CancellationToken) -> Result<Self, StateError> {
        let all = Self {
            node,
            stop,
            running: Mutex::default(),
        };
        for subscription in all.list()? {
            let place = all.node.state.get(&place_key(&subscription.id))?.unwrap_or_default();
            all.run(subscription, place);
        }
        Ok(all)
    }

    /// All subscriptions.
    pub(super) fn list(&self) -> Result<Vec<Subscription>, StateError> {
        let found = self.node.state.scan::<Subscription>(SUBSCRIPTIONS)?;
        Ok(found.into_iter().map(|(_, subscription)| subscription).collect())
    }

    /// The subscription `id`.
    pub(super) fn get(&self, id: &str) -> Result<Option<Subscription>, StateError> {
        self.node.state.get(&key(id))
    }

    /// How deliveries of a subscription go.
    pub(super) fn going(&self, id: &str) -> Option<Going> {
        lock(&self.running).get(id).map(|running| lock(&running.going).clone())
    }

    /// Keeps a new subscription, and begins to deliver after `place`. `false`: there are as many as there may be.
    pub(super) fn add(&self, subscription: Subscription, place: Place) -> Result<bool, StateError> {
        let mut running = lock(&self.running);
        if running.len() >= MOST {
            return Ok(false);
        }
        let (id, kept) = (subscription.id.clone(), set(place_key(&subscription.id), &place)?);
        self.node.state.write(vec![set(key(&id), &subscription)?, kept])?;
        running.insert(id, self.begin(subscription, place));
        Ok(true)
    }

    /// Ends a subscription. `false`: there is none.
    pub(super) fn remove(&self, id: &str) -> Result<bool, StateError> {
        let mut all = lock(&self.running);
        if self.get(id)?.is_none() {
            return Ok(false);
        }
        if let Some(running) = all.remove(id) {
            running.cancel.cancel();
        }
        self.node.state.write(vec![(key(id), None), (place_key(id), None)])?;
        Ok(true)
    }

    fn run(&self, subscription: Subscription, place: Place) {
        let id = subscription.id.clone();
        let running = self.begin(subscription, place);
        lock(&self.running).insert(id, running);
    }

    fn begin(&self, subscription: Subscription, place: Place) -> Running {
        let cancel = self.stop.child_token();
        let going = Arc::new(Mutex::new(Going { place, failing: None }));
        if subscription.ended.is_none() {
            let delivering = Delivering {
                node: self.node.clone(),
                subscription,
                cancel: cancel.clone(),
                going: going.clone(),
                unkept: 0,
            };
            tokio::spawn(delivering.run(place));
        }
        Running { cancel, going }
    }
}

/// One subscription's deliveries.
struct Delivering {
    node: Arc<Node>,
    subscription: Subscription,
    cancel: CancellationToken,
    going: Arc<Mutex<Going>>,
    unkept: u32,
}

/// What came of a delivery.
enum Delivered {
    Taken,
    Gone,
    Stopped,
}

impl Delivering {
    async fn run(mut self, place: Place) {
        let (mut grown, mut changed) = (self.node.grown.subscribe(), self.node.journal.watch());
        let mut reader = Reader::after(place);
        loop {
            grown.borrow_and_update();
            changed.borrow_and_update();
            let next = match reader.next(&self.node) {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, subscription = %self.subscription.id, "what happened cannot be read; deliveries stop until the next start");
                    return;
                }
            };
            if let Some((place, event)) = next {
                if self.subscription.types.want(&event.kind) {
                    match self.deliver(&event).await {
                        Delivered::Taken => {}
                        Delivered::Gone => return self.end(),
                        Delivered::Stopped => return,
                    }
                }
                lock(&self.going).place = place;
                self.unkept += 1;
                if self.unkept >= UNKEPT {
                    self.keep();
                    // Much may have to be passed over that is not wanted; others come in between.
                    tokio::task::yield_now().await;
                }
                if self.cancel.is_cancelled() {
                    return;
                }
                continue;
            }
            self.keep();
            tokio::select! {
                () = self.cancel.cancelled() => return,
                Ok(()) = grown.changed() => {}
                Ok(()) = changed.changed() => {}
            }
        }
    }

    /// Keeps how far it has come.
    fn keep(&mut self) {
        if self.unkept > 0 && !self.cancel.is_cancelled() {
            let place = lock(&self.going).place;
            self.write(set(place_key(&self.subscription.id), &place));
            self.unkept = 0;
        }
    }

    fn write(&self, change: Result<Change, StateError>) {
        let written = change.and_then(|change| self.node.state.write(vec![change]));
        if let Err(error) = written {
            tracing::error!(%error, subscription = %self.subscription.id, "how far a subscription has come could not be kept; what it had is delivered again after a restart");
        }
    }

    /// The receiver wants no more.
    fn end(mut self) {
        self.subscription.ended = Some("the receiver answered 410 Gone".to_owned());
        if !self.cancel.is_cancelled() {
            self.write(set(key(&self.subscription.id), &self.subscription));
        }
        lock(&self.going).failing = None;
    }

    /// Posts an event until it is taken.
    async fn deliver(&mut self, event: &CloudEvent) -> Delivered {
        let since_ms = self.node.now_ms();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let posted = tokio::select! {
                () = self.cancel.cancelled() => return Delivered::Stopped,
                posted = self.post(event) => posted,
            };
            let why = match posted {
                Ok(200..=299) => {
                    lock(&self.going).failing = None;
                    return Delivered::Taken;
                }
                // CloudEvents HTTP 1.1 Web Hooks 1.0.2, section 2.2: it is not to be called again.
                Ok(410) => return Delivered::Gone,
                Ok(status) => format!("it answered with status {status}"),
                Err(why) => why,
            };
            // It may take long: what was taken before is not repeated after a restart meanwhile.
            self.keep();
            let mut random = [0u8; 2];
            self.node.entropy.fill(&mut random);
            let wait_ms = backoff_ms(attempts, u16::from_be_bytes(random));
            tracing::info!(url = %self.subscription.url, %why, attempts, "an event will be posted again");
            lock(&self.going).failing = Some(Failing {
                event: event.id.clone(),
                since_ms,
                attempts,
                why,
                next_ms: self.node.now_ms().saturating_add(wait_ms),
            });
            tokio::select! {
                () = self.cancel.cancelled() => return Delivered::Stopped,
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            }
        }
    }

    /// Posts an event once, in structured content mode (CloudEvents HTTP binding 1.0.2, section 3.2), signed.
    async fn post(&self, event: &CloudEvent) -> Result<u16, String> {
        let mut headers = HeaderMap::new();
        let media_type = HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, media_type);
        // What is no header value was refused when the subscription was made.
        if let Some(Ok(value)) = self.subscription.authorization.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::AUTHORIZATION, value);
        }
        let body = serde_json::to_vec(event).map_err(|e| e.to_string())?;
        // A signature covers the address as it is sent, which is its normal form.
        let url = url::Url::parse(&self.subscription.url).map_err(|e| e.to_string())?;
        self.node
            .sign_webhook(url.as_str(), &mut headers, &body)
            .map_err(|e| e.to_string())?;
        let posted = self.node.client.post_json(url.as_str(), headers, body.into()).await;
        Ok(posted.map_err(|e| e.to_string())?.status.as_u16())
    }
}
