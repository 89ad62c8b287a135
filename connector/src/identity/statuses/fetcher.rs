//! Where status lists come from.

use super::{StatusFailure, failure};
use crate::identity::Documents;
use crate::net::client::GuardedClient;
use crate::net::error::ClientError;
use herleid_credentials::did_document::DidDocument;
use herleid_vocab::did::Did;
use http::{HeaderMap, HeaderValue, header};
use std::pin::Pin;
use std::sync::Arc;

/// What lies at the address of a list, and the document of the issuer that has to have signed it.
pub(crate) struct Served {
    pub(crate) token: String,
    pub(crate) document: DidDocument,
}

/// A fetch under way.
pub(crate) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Served, StatusFailure>> + Send + 'a>>;

/// Whoever has lists.
pub(crate) trait Fetch: Send + Sync {
    /// What lies at `list` now.
    fn fetch<'a>(&'a self, issuer: &'a Did, list: &'a str) -> Fetching<'a>;
}

/// Lists from the network.
pub(crate) struct Fetcher {
    pub(crate) client: Arc<GuardedClient>,
    pub(crate) documents: Arc<Documents>,
}

impl Fetch for Fetcher {
    fn fetch<'a>(&'a self, issuer: &'a Did, list: &'a str) -> Fetching<'a> {
        Box::pin(self.had(issuer, list))
    }
}

impl Fetcher {
    async fn had(&self, issuer: &Did, list: &str) -> Result<Served, StatusFailure> {
        let document = self.documents.resolve(issuer).await;
        let document = document.map_err(|error| failure(list, &error.to_string(), error.is_passing()))?;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/vc+jwt, application/jwt;q=0.9, */*;q=0.1"),
        );
        // A copy that somebody on the way has kept for an hour would be an hour old.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let answer = self.client.get_json(list, headers).await;
        let answer = answer.and_then(|r| r.success()).map_err(|error: ClientError| {
            tracing::warn!(%list, %error, "a status list could not be fetched");
            failure(list, error.class(), error.is_passing())
        })?;
        let token = std::str::from_utf8(&answer.body);
        let token = token.map_err(|_| failure(list, "it is no token", false))?.to_owned();
        Ok(Served {
            token,
            document: document.document().clone(),
        })
    }
}
