//! Status lists of issuers (W3C Bitstring Status List): fetched through the guarded client, and believed for a bounded time.

use crate::net::client::GuardedClient;
use crate::net::error::ClientError;
use herleid_credentials::Now;
use herleid_credentials::credential::StatusList;
use herleid_credentials::did_document::DidDocument;
use http::{HeaderMap, HeaderValue, header};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Lists kept at once, of at most 1 MiB each. Only issuers that are trusted have any.
const KEPT: usize = 64;
/// How long one fetch may take: whoever waits for it waits with a request, or with bytes that may have to stop.
const FETCH: Duration = Duration::from_secs(10);
/// Before a list that could not be had is asked for again.
const RETRY_MS: u64 = 2_000;

/// A list that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the status list `{list}` could not be had: {why}")]
pub struct StatusFailure {
    /// Where it is.
    list: String,
    /// What kind of failure, in words that may be told to others.
    why: String,
    /// Whether another time it may be had, with nothing changed here or there by anybody.
    pub is_passing: bool,
}

/// What is known of one list.
#[derive(Default)]
struct Known {
    had: Option<(Arc<StatusList>, u64)>,
    failed: Option<(StatusFailure, u64)>,
}

/// The cache.
pub struct Statuses {
    client: Arc<GuardedClient>,
    max_age_ms: u64,
    /// Each fetched by one at a time.
    kept: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

impl Statuses {
    /// An empty cache; a list that was had so long ago counts no more.
    #[must_use]
    pub fn new(client: Arc<GuardedClient>, max_age_s: u64) -> Self {
        Self {
            client,
            max_age_ms: max_age_s.saturating_mul(1_000),
            kept: Mutex::default(),
        }
    }

    /// The list at `list`, signed by the issuer whose document `issuer` gives. Half as old as it may be it is asked for again, so that an
    /// issuer that is down for a moment stops nobody; older than it may be it counts for nothing.
    ///
    /// # Errors
    /// [`StatusFailure`] when it is not known: that denies.
    pub async fn list<E: std::fmt::Display>(
        &self,
        list: &str,
        now: Now,
        issuer: impl Future<Output = Result<DidDocument, E>>,
    ) -> Result<Arc<StatusList>, StatusFailure> {
        let place = self.place(list)?;
        let mut known = place.lock().await;
        let now_ms = now.now_ms;
        // A clock that stepped back makes a list look new; it is then fetched again, which is the safe side.
        let age = |at_ms: u64| now_ms.checked_sub(at_ms).unwrap_or(u64::MAX);
        let bound = |list: &StatusList| self.max_age_ms.min(list.ttl_ms().unwrap_or(u64::MAX));
        let usable = known.had.clone().filter(|(list, at_ms)| age(*at_ms) < bound(list));
        if let Some((list, at_ms)) = &usable
            && age(*at_ms) < bound(list) / 2
        {
            return Ok(list.clone());
        }
        let tried = known.failed.as_ref().filter(|(_, at_ms)| age(*at_ms) < RETRY_MS);
        let failed = match tried {
            Some((failure, _)) => failure.clone(),
            None => match self.fetch(list, now, issuer).await {
                Ok(found) => {
                    let found = Arc::new(found);
                    *known = Known {
                        had: Some((found.clone(), now_ms)),
                        failed: None,
                    };
                    return Ok(found);
                }
                Err(failure) => {
                    known.failed = Some((failure.clone(), now_ms));
                    failure
                }
            },
        };
        usable.map(|(list, _)| list).ok_or(failed)
    }

    fn place(&self, list: &str) -> Result<Arc<tokio::sync::Mutex<Known>>, StatusFailure> {
        // A panic while it was held leaves at worst a missing entry.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.get(list) {
            return Ok(place.clone());
        }
        if kept.len() >= KEPT {
            // Those that nobody waits for; what is asked for again is fetched again.
            kept.retain(|_, place| Arc::strong_count(place) > 1);
        }
        if kept.len() >= KEPT {
            return Err(StatusFailure {
                list: list.to_owned(),
                why: "too many lists are being fetched at this moment".to_owned(),
                is_passing: true,
            });
        }
        Ok(kept.entry(list.to_owned()).or_default().clone())
    }

    async fn fetch<E: std::fmt::Display>(
        &self,
        list: &str,
        now: Now,
        issuer: impl Future<Output = Result<DidDocument, E>>,
    ) -> Result<StatusList, StatusFailure> {
        let failed = |why: String, is_passing: bool| StatusFailure {
            list: list.to_owned(),
            why,
            is_passing,
        };
        let fetching = async {
            let document = issuer.await.map_err(|error| failed(error.to_string(), true))?;
            let mut headers = HeaderMap::new();
            headers.insert(
                header::ACCEPT,
                HeaderValue::from_static("application/vc+jwt, application/jwt;q=0.9, */*;q=0.1"),
            );
            let answer = self.client.get_json(list, headers).await;
            let answer = answer.and_then(|r| r.success()).map_err(|error: ClientError| {
                tracing::warn!(%list, %error, "a status list could not be fetched");
                failed(error.class().to_owned(), error.is_passing())
            })?;
            let token = std::str::from_utf8(&answer.body).map_err(|_| failed("it is no token".to_owned(), false))?;
            StatusList::verify(token.trim(), list, &document, now).map_err(|error| {
                tracing::warn!(%list, %error, "a status list is refused");
                failed(error.to_string(), false)
            })
        };
        let slow = |_| failed(format!("it did not come within {} s", FETCH.as_secs()), true);
        tokio::time::timeout(FETCH, fetching).await.map_err(slow)?
    }
}
