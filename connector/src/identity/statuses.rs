//! Status lists of issuers (W3C Bitstring Status List): fetched through the guarded client, and believed for a bounded time. Each is kept
//! for its issuer and its address together: what one issuer says of the address of another's list changes nothing for the other.

mod fetcher;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use fetcher::{Fetch, Fetcher};

use crate::node::LEEWAY_MS;
use herleid_credentials::Now;
use herleid_credentials::credential::StatusList;
use herleid_vocab::did::Did;
use herleid_vocab::rim::Clock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How long one fetch may take, and whoever waits for it: they wait with a request, or with bytes that may have to stop.
pub(super) const LONGEST: Duration = Duration::from_secs(10);
/// Before a list that could not be had is asked for again.
const RETRY_MS: u64 = 2_000;
/// The least time for which a list is believed that says that it may not be kept at all: otherwise every look would be a fetch.
const LEAST_MS: u64 = 1_000;
/// Lists of one issuer that are kept at once, of at most 1 MiB of bits each. Only issuers that are trusted have any.
const KEPT: usize = 16;
/// Addresses of one issuer for which it is remembered how late their latest list was.
const REMEMBERED: usize = 1_024;
/// Lists of one issuer that are fetched at once.
const AT_ONCE: usize = 4;
/// A list that was asked for so recently is not put out for another: what is being sent rests on it, and looks every second.
const RESTS_MS: u64 = 15_000;

/// A list that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the status list `{list}` could not be had: {why}")]
pub struct StatusFailure {
    /// Where it is.
    pub(crate) list: String,
    /// What kind of failure, in words that may be told to others.
    pub(crate) why: String,
    /// Whether another time it may be had, with nothing changed here or there by anybody.
    pub is_passing: bool,
}

type Outcome = Result<Arc<StatusList>, StatusFailure>;
/// A fetch under way: what comes of it.
type Flight = watch::Receiver<Option<Outcome>>;

/// A moment, by the clock that says what is valid, and by one that nobody can set back.
#[derive(Clone, Copy)]
struct At {
    wall_ms: u64,
    steady_ms: u64,
}

impl At {
    /// How long ago `then` was. A clock that stepped back makes nothing younger; one that stood still while the machine slept neither.
    fn since(self, then: Self) -> u64 {
        let steady = self.steady_ms.saturating_sub(then.steady_ms);
        steady.max(self.wall_ms.saturating_sub(then.wall_ms))
    }
}

/// What is known of one list.
struct Known {
    /// With the moment at which its fetch began.
    had: Option<(Arc<StatusList>, At)>,
    /// With the moment at which it failed.
    failed: Option<(StatusFailure, At)>,
    flight: Option<Flight>,
    used: At,
}

impl Known {
    fn flight(&self) -> Option<&Flight> {
        // One that ended without a word has gone with its task.
        self.flight.as_ref().filter(|flight| flight.has_changed().is_ok())
    }
}

/// What is known of one issuer's lists.
struct OfIssuer {
    lists: HashMap<String, Known>,
    /// The latest list that was ever had from each address: whoever serves them must not be able to go back. Kept when the list is not.
    latest: HashMap<String, (u64, u64)>,
    fetching: Arc<Semaphore>,
}

impl OfIssuer {
    fn new() -> Self {
        Self {
            lists: HashMap::new(),
            latest: HashMap::new(),
            fetching: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Whether there is room for one more: the list that was not asked for the longest is put out for it.
    fn makes_room(&mut self, now: At) -> bool {
        if self.lists.len() < KEPT {
            return true;
        }
        let idle = self
            .lists
            .iter()
            .filter(|(_, known)| known.flight().is_none() && now.since(known.used) >= RESTS_MS);
        let least = idle.max_by_key(|(_, known)| now.since(known.used));
        let least = least.map(|(list, _)| list.clone());
        least.is_some_and(|list| self.lists.remove(&list).is_some())
    }
}

impl OfIssuer {
    /// That the list is no earlier one than one that was had from its address before.
    fn goes_on(&mut self, found: &StatusList) -> Result<(), StatusFailure> {
        let (list, order) = (found.list(), found.age_order());
        if self.latest.get(list).is_some_and(|latest| order < *latest) {
            tracing::warn!(%list, "an older status list is served than was had before");
            let why = "what is served is an older one than was had before; whoever serves it has to say what is so now";
            return Err(failure(list, why, true));
        }
        if self.latest.len() >= REMEMBERED && !self.latest.contains_key(list) {
            let first = self.latest.iter().min_by_key(|(_, order)| **order);
            if let Some(first) = first.map(|(list, _)| list.clone()) {
                self.latest.remove(&first);
            }
        }
        self.latest.insert(list.to_owned(), order);
        Ok(())
    }
}

/// The cache.
pub struct Statuses(Arc<Inner>);

struct Inner {
    fetch: Box<dyn Fetch>,
    clock: Arc<dyn Clock>,
    steady: Arc<dyn Clock>,
    max_age_ms: u64,
    longest: Duration,
    issuers: Mutex<HashMap<Did, OfIssuer>>,
}

/// What a look at the cache brings.
enum Look {
    Had(Arc<StatusList>),
    Comes(Flight),
}

impl Statuses {
    /// An empty cache; a list whose fetch began so long ago counts no more. `steady` tells ages, and never steps back.
    pub(crate) fn new(
        fetch: impl Fetch + 'static,
        clock: Arc<dyn Clock>,
        steady: Arc<dyn Clock>,
        max_age_s: u64,
    ) -> Self {
        Self(Arc::new(Inner {
            fetch: Box::new(fetch),
            clock,
            steady,
            max_age_ms: max_age_s.saturating_mul(1_000),
            longest: LONGEST,
            issuers: Mutex::default(),
        }))
    }

    /// The list of `issuer` at `list`. Half as old as it may be it is asked for again, while whoever asks goes on with the one that is at
    /// hand, so that an issuer that is slow or down for a moment stops nobody; older than it may be it counts for nothing, and whoever
    /// asks waits for another, for ten seconds at most.
    ///
    /// # Errors
    /// [`StatusFailure`] when it is not known: that denies.
    pub async fn list(&self, issuer: &Did, list: &str) -> Result<Arc<StatusList>, StatusFailure> {
        let mut flight = match self.0.look(issuer, list)? {
            Look::Had(had) => return Ok(had),
            Look::Comes(flight) => flight,
        };
        let outcome = tokio::time::timeout(self.0.longest, flight.wait_for(Option::is_some)).await;
        let outcome = outcome.map_err(|_| self.0.slow(list))?;
        match outcome.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            Ok(None) | Err(_) => Err(failure(list, "asking for it broke off", true)),
        }
    }
}

fn failure(list: &str, why: &str, is_passing: bool) -> StatusFailure {
    StatusFailure {
        list: list.to_owned(),
        why: why.to_owned(),
        is_passing,
    }
}

impl Inner {
    fn now(&self) -> At {
        At {
            wall_ms: self.clock.now_ms(),
            steady_ms: self.steady.now_ms(),
        }
    }

    /// The time by which validity is told.
    fn validity(&self) -> Now {
        Now {
            now_ms: self.clock.now_ms(),
            leeway_ms: LEEWAY_MS,
        }
    }

    fn issuers(&self) -> MutexGuard<'_, HashMap<Did, OfIssuer>> {
        // A panic while it was held leaves at worst a missing entry.
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slow(&self, list: &str) -> StatusFailure {
        let why = format!("it did not come within {} s", self.longest.as_secs());
        failure(list, &why, true)
    }

    /// For how long a list is believed.
    fn bound(&self, list: &StatusList) -> u64 {
        let own = list.ttl_ms().unwrap_or(u64::MAX).max(LEAST_MS);
        self.max_age_ms.min(own)
    }

    /// What is at hand now; a fetch is begun when it is time for one.
    fn look(self: &Arc<Self>, issuer: &Did, list: &str) -> Result<Look, StatusFailure> {
        let mut issuers = self.issuers();
        let now = self.now();
        let of_issuer = issuers.entry(issuer.clone()).or_insert_with(OfIssuer::new);
        if !of_issuer.lists.contains_key(list) && !of_issuer.makes_room(now) {
            return Err(failure(list, "too many lists of its issuer are looked at now", true));
        }
        let fetching = of_issuer.fetching.clone();
        let known = of_issuer.lists.entry(list.to_owned()).or_insert(Known {
            had: None,
            failed: None,
            flight: None,
            used: now,
        });
        known.used = now;
        let usable = known.had.as_ref().map(|(had, at)| (had, now.since(*at)));
        let validity = self.validity();
        let usable = usable.filter(|(had, age)| *age < self.bound(had) && had.is_valid(validity));
        if let Some((had, age)) = usable
            && age < self.bound(had) / 2
        {
            return Ok(Look::Had(had.clone()));
        }
        let usable = usable.map(|(had, _)| had.clone());
        let tried = known.failed.as_ref().filter(|(_, at)| now.since(*at) < RETRY_MS);
        if let (None, Some((failed, _))) = (known.flight(), tried) {
            return usable.map(Look::Had).ok_or_else(|| failed.clone());
        }
        let flight = match known.flight() {
            Some(flight) => flight.clone(),
            None => {
                let (tell, flight) = watch::channel(None);
                known.flight = Some(flight.clone());
                // In a task of its own: it goes on when whoever asked has gone, and nobody who has a list waits for it.
                tokio::spawn(self.clone().bring(issuer.clone(), list.to_owned(), fetching, tell));
                flight
            }
        };
        Ok(usable.map_or(Look::Comes(flight), Look::Had))
    }

    /// Fetches a list, and tells those who wait what came of it.
    async fn bring(
        self: Arc<Self>,
        issuer: Did,
        list: String,
        fetching: Arc<Semaphore>,
        tell: watch::Sender<Option<Outcome>>,
    ) {
        let bringing = async {
            let gone = |_| failure(&list, "too many lists of its issuer are fetched", true);
            let _place = fetching.acquire_owned().await.map_err(gone)?;
            // What it says was so when it was asked for, not when it came.
            let began = self.now();
            let served = self.fetch.fetch(&issuer, &list).await?;
            let found = StatusList::verify(served.token.trim(), &list, &served.document, self.validity());
            let found = found.map_err(|error| {
                tracing::warn!(%list, %error, "a status list is refused");
                failure(&list, &error.to_string(), false)
            })?;
            Ok((Arc::new(found), began))
        };
        let brought = tokio::time::timeout(self.longest, bringing).await;
        let brought = brought.unwrap_or_else(|_| Err(self.slow(&list)));
        let mut issuers = self.issuers();
        let now = self.now();
        let of_issuer = issuers.entry(issuer).or_insert_with(OfIssuer::new);
        let brought = brought.and_then(|(found, began)| of_issuer.goes_on(&found).map(|()| (found, began)));
        if let Some(known) = of_issuer.lists.get_mut(&list) {
            known.flight = None;
            match &brought {
                Ok((found, began)) => {
                    known.had = Some((found.clone(), *began));
                    known.failed = None;
                }
                Err(failed) => known.failed = Some((failed.clone(), now)),
            }
        }
        // Under the lock: who looks now finds what those find who waited.
        tell.send_replace(Some(brought.map(|(found, _)| found)));
    }
}
