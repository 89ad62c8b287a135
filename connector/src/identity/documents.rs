//! DID documents of others: fetched through the guarded client, kept for a minute, their exact bytes kept as evidence.

mod places;

use crate::commands::Failure;
use crate::control::error::Code;
use crate::net::client::GuardedClient;
use herleid_credentials::did_document::DidDocument;
use herleid_vocab::did::Did;
use herleid_vocab::rim::Clock;
use places::{Places, Turn};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How long a document is believed without asking again: short, so that a withdrawn key stops working soon.
const FRESH_MS: u64 = 60_000;
/// Documents kept at once; strangers must not be able to fill the memory.
const KEPT: usize = 1_000;
/// Documents fetched at once because of a request that claims to come from there.
const CLAIMED_AT_ONCE: usize = 16;
/// Documents fetched at once because we want to deal with their owners: a place of their own, which strangers cannot take.
const WANTED_AT_ONCE: usize = 16;

/// A document that could not be had. Its text says what kind of failure it was and no more, since whoever made us look is told it
/// too; [`Self::why`] and our own log say what exactly happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It could not be fetched.
    #[error("`{did}` could not be resolved: {class} (the connector's log says more)")]
    Fetch {
        /// Whose.
        did: Did,
        /// What kind of failure.
        class: &'static str,
        /// Who must act.
        code: Code,
        /// What happened, for our own people.
        why: String,
    },
    /// It is not a right document of that identifier.
    #[error(
        "the document of `{did}` is refused: it is not a right document of that identifier (the connector's log says more)"
    )]
    Content {
        /// Whose.
        did: Did,
        /// What is wrong with it, for our own people.
        why: String,
    },
    /// Too many are being fetched.
    #[error("`{did}` was not resolved: too many documents are being fetched at this moment")]
    Busy {
        /// Whose.
        did: Did,
    },
}

impl DocumentError {
    /// All that is known of it, for the people of this connector.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Fetch { did, why, .. } => format!("the document of `{did}` could not be fetched: {why}"),
            Self::Content { did, why } => format!("the document of `{did}` is refused: {why}"),
            Self::Busy { .. } => format!("{self}; try again"),
        }
    }

    /// Whether the document may be had in a while, with nothing changed here or there by anybody: whoever asked has done nothing
    /// wrong then. An address that may not be called, or a host that does not prove who it is, stays what it is.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Fetch { code, .. } => matches!(code, Code::Unreachable | Code::Failed),
            Self::Content { .. } => false,
        }
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        let code = match &error {
            DocumentError::Fetch { code, .. } => *code,
            DocumentError::Content { .. } => Code::Untrusted,
            DocumentError::Busy { .. } => Code::Busy,
        };
        Self::new(code, error.why())
    }
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
    claimed: Places,
    wanted: Places,
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
            claimed: Places::new(CLAIMED_AT_ONCE),
            wanted: Places::new(WANTED_AT_ONCE),
        }
    }

    /// The document of a participant that we want to deal with, at most a minute old; kept.
    ///
    /// # Errors
    /// When it cannot be fetched or is not a right document of `did`.
    pub async fn resolve(&self, did: &Did) -> Result<Arc<Resolved>, DocumentError> {
        let resolved = self.had(did, &self.wanted).await?;
        self.keep(&resolved);
        Ok(resolved)
    }

    /// The document of whoever a request claims to come from, at most a minute old. It is not kept before the claim holds
    /// ([`Self::keep`]): strangers would otherwise decide what stands in the cache.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub async fn resolve_claimed(&self, did: &Did) -> Result<Arc<Resolved>, DocumentError> {
        self.had(did, &self.claimed).await
    }

    /// Keeps a document of which it is known by now that its owner signed the request for which it was had. What a `did:key`
    /// says stands in the identifier: there is nothing to keep.
    pub fn keep(&self, resolved: &Arc<Resolved>) {
        let did = resolved.document.id();
        if did.web_document_url().is_none() {
            return;
        }
        let now = self.clock.now_ms();
        let mut kept = lock(&self.kept);
        if kept
            .get(did)
            .is_some_and(|known| known.fetched_ms >= resolved.fetched_ms)
        {
            return;
        }
        if kept.len() >= KEPT {
            kept.retain(|_, r| now.saturating_sub(r.fetched_ms) < FRESH_MS);
        }
        if kept.len() < KEPT {
            kept.insert(did.clone(), Arc::clone(resolved));
        }
    }

    async fn had(&self, did: &Did, places: &Places) -> Result<Arc<Resolved>, DocumentError> {
        let now = self.clock.now_ms();
        if let Some(known) = self.fresh(did, now) {
            return Ok(known);
        }
        let resolved = |document| {
            Arc::new(Resolved {
                document,
                fetched_ms: now,
            })
        };
        let Some(url) = did.web_document_url() else {
            let document = DidDocument::resolve_did_key(did).map_err(|e| unusable(did, &e))?;
            return Ok(resolved(document));
        };
        match places.turn(did).await {
            None => Err(DocumentError::Busy { did: did.clone() }),
            Some(Turn::Had(had)) => had,
            Some(Turn::Ours(turn)) => {
                let had = self.fetch(did, &url.replacen("https", self.scheme, 1)).await;
                let had = had.map(resolved);
                turn.tell(&had);
                had
            }
        }
    }

    fn fresh(&self, did: &Did, now: u64) -> Option<Arc<Resolved>> {
        let kept = lock(&self.kept);
        // A clock that stepped back makes the entry look new; it is then fetched again, which is the safe side.
        kept.get(did)
            .filter(|r| r.fetched_ms <= now && now - r.fetched_ms < FRESH_MS)
            .cloned()
    }

    async fn fetch(&self, did: &Did, url: &str) -> Result<DidDocument, DocumentError> {
        let answer = self.client.get_json(url, http::HeaderMap::new()).await;
        let answer = answer.and_then(|r| r.success()).map_err(|error| {
            tracing::info!(%did, %url, %error, "a DID document could not be fetched");
            DocumentError::Fetch {
                did: did.clone(),
                class: error.class(),
                code: error.code(),
                why: error.to_string(),
            }
        })?;
        DidDocument::parse(&answer.body, did).map_err(|e| unusable(did, &e))
    }
}

fn unusable(did: &Did, error: &dyn std::fmt::Display) -> DocumentError {
    tracing::info!(%did, %error, "a DID document is refused");
    DocumentError::Content {
        did: did.clone(),
        why: error.to_string(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic while the cache was held leaves at worst a missing entry.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
