//! DID documents of others: fetched through the guarded client, kept for a minute, their exact bytes kept as evidence.

use crate::net::client::GuardedClient;
use herleid_credentials::did_document::DidDocument;
use herleid_vocab::did::Did;
use herleid_vocab::rim::Clock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How long a document is believed without asking again: short, so that a withdrawn key stops working soon.
const FRESH_MS: u64 = 60_000;
/// Documents kept at once; strangers must not be able to fill the memory.
const KEPT: usize = 1_000;

/// A document that could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DocumentError {
    /// It could not be fetched.
    #[error("`{did}` could not be resolved at `{url}`: {why}")]
    Fetch {
        /// Whose.
        did: Did,
        /// From where.
        url: String,
        /// What happened.
        why: String,
    },
    /// It is not a right document of that identifier.
    #[error("the document of `{did}` is refused: {why}")]
    Content {
        /// Whose.
        did: Did,
        /// What was expected.
        why: String,
    },
}

/// A document, its exact bytes and when it was had.
#[derive(Debug)]
pub struct Resolved {
    document: DidDocument,
    fetched_ms: u64,
}

impl Resolved {
    /// The checked document.
    #[must_use]
    pub fn document(&self) -> &DidDocument {
        &self.document
    }

    /// The bytes as served: evidence that outlives the document.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.document.bytes()
    }
}

/// The cache.
pub struct Documents {
    client: Arc<GuardedClient>,
    clock: Arc<dyn Clock>,
    /// `https`, or `http` under the development switch that lets connectors speak it.
    scheme: &'static str,
    kept: Mutex<HashMap<Did, Arc<Resolved>>>,
}

impl Documents {
    /// An empty cache that fetches through `client` by `scheme`.
    #[must_use]
    pub fn new(client: Arc<GuardedClient>, clock: Arc<dyn Clock>, scheme: &'static str) -> Self {
        Self {
            client,
            clock,
            scheme,
            kept: Mutex::new(HashMap::new()),
        }
    }

    /// The document of `did`, at most a minute old.
    ///
    /// # Errors
    /// When it cannot be fetched or is not a right document of `did`.
    pub async fn resolve(&self, did: &Did) -> Result<Arc<Resolved>, DocumentError> {
        let now = self.clock.now_ms();
        if let Some(known) = self.fresh(did, now) {
            return Ok(known);
        }
        let resolved = Arc::new(self.fetch(did, now).await?);
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT {
            kept.retain(|_, r| now.saturating_sub(r.fetched_ms) < FRESH_MS);
        }
        if kept.len() < KEPT {
            kept.insert(did.clone(), resolved.clone());
        }
        Ok(resolved)
    }

    fn fresh(&self, did: &Did, now: u64) -> Option<Arc<Resolved>> {
        let kept = lock(&self.kept);
        // A clock that stepped back makes the entry look new; it is then fetched again, which is the safe side.
        kept.get(did)
            .filter(|r| r.fetched_ms <= now && now - r.fetched_ms < FRESH_MS)
            .cloned()
    }

    async fn fetch(&self, did: &Did, fetched_ms: u64) -> Result<Resolved, DocumentError> {
        let content = |why: String| DocumentError::Content { did: did.clone(), why };
        let url = did.web_document_url().map(|url| url.replacen("https", self.scheme, 1));
        let Some(url) = url else {
            let document = DidDocument::resolve_did_key(did).map_err(|e| content(e.to_string()))?;
            return Ok(Resolved { document, fetched_ms });
        };
        let fetch = |why: String| DocumentError::Fetch {
            did: did.clone(),
            url: url.clone(),
            why,
        };
        let response = self
            .client
            .get_json(&url, http::HeaderMap::new())
            .await
            .and_then(|r| r.success());
        let bytes = response.map_err(|e| fetch(e.to_string()))?.body;
        let document = DidDocument::parse(&bytes, did).map_err(|e| content(e.to_string()))?;
        Ok(Resolved { document, fetched_ms })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic while the cache was held leaves at worst a missing entry.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
