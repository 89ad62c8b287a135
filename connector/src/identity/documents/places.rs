//! Whose turn it is to fetch: one fetch per participant, few per host, so many in all. A host that says nothing holds the places of
//! its own, and no others.

use super::{DocumentError, Resolved, lock};
use herleid_vocab::did::Did;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Mutex as Queue, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long somebody waits for a turn, or for the fetch of another.
const PATIENCE: Duration = Duration::from_secs(5);
/// Documents fetched at once from one host, whatever its ports.
const PER_HOST: usize = 2;

pub(super) type Had = Result<Arc<Resolved>, DocumentError>;

/// A fetch, held by whoever does it; those who wait find in it what came of it.
type Flight = Arc<Queue<Option<Had>>>;

/// Places to fetch from.
pub(super) struct Places {
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    flights: Mutex<HashMap<Did, Flight>>,
}

/// What somebody gets who asks for a turn.
pub(super) enum Turn<'a> {
    /// Somebody else fetched it meanwhile.
    Had(Had),
    /// It is to be fetched now.
    Ours(Ours<'a>),
}

/// A turn; the places are free again when it is dropped.
pub(super) struct Ours<'a> {
    // In this order: who is next finds the flight free and no place taken.
    _of_all: OwnedSemaphorePermit,
    _of_host: OwnedSemaphorePermit,
    held: OwnedMutexGuard<Option<Had>>,
    waiting: Waiting<'a>,
}

impl Ours<'_> {
    /// Says what came of it to those who wait for it. Whoever asks later fetches anew.
    pub(super) fn tell(mut self, had: &Had) {
        *self.held = Some(had.clone());
        lock(&self.waiting.places.flights).remove(self.waiting.did);
    }
}

/// Somebody who is somewhere between asking and having; the last one leaves nothing behind.
struct Waiting<'a> {
    places: &'a Places,
    did: &'a Did,
    host: &'a str,
    flight: Option<Flight>,
    turns: Option<Arc<Semaphore>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Clones are made under the lock, so that one that is left is the map's own.
        let mut flights = lock(&self.places.flights);
        drop(self.flight.take());
        if flights.get(self.did).is_some_and(|f| Arc::strong_count(f) == 1) {
            flights.remove(self.did);
        }
        drop(flights);
        let mut hosts = lock(&self.places.hosts);
        drop(self.turns.take());
        if hosts.get(self.host).is_some_and(|h| Arc::strong_count(h) == 1) {
            hosts.remove(self.host);
        }
    }
}

impl Places {
    pub(super) fn new(all: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            hosts: Mutex::new(HashMap::new()),
            flights: Mutex::new(HashMap::new()),
        }
    }

    /// A turn to fetch the document of `did`, or what another fetch of it brought. `None`: neither came in time.
    pub(super) async fn turn<'a>(&'a self, did: &'a Did) -> Option<Turn<'a>> {
        let host = host(did);
        let flight = lock(&self.flights).entry(did.clone()).or_default().clone();
        let new = || Arc::new(Semaphore::new(PER_HOST));
        let turns = lock(&self.hosts).entry(host.to_owned()).or_insert_with(new).clone();
        let waiting = Waiting {
            places: self,
            did,
            host,
            flight: Some(Arc::clone(&flight)),
            turns: Some(Arc::clone(&turns)),
        };
        let turn = async move {
            let held = flight.lock_owned().await;
            if let Some(had) = &*held {
                return Some(Turn::Had(had.clone()));
            }
            // The host's first: who waits for that one must not hold a place that others could use.
            let of_host = turns.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn::Ours(Ours {
                _of_all: of_all,
                _of_host: of_host,
                held,
                waiting,
            }))
        };
        timeout(PATIENCE, turn).await.ok().flatten()
    }
}

/// The host that a `did:web` names, without its port: ports cost nobody anything.
fn host(did: &Did) -> &str {
    let rest = did.as_str().strip_prefix("did:web:").unwrap_or_default();
    let host = rest.split(':').next().unwrap_or_default();
    host.split_once("%3A").map_or(host, |(name, _)| name)
}
