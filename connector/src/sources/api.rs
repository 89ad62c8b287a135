//! An upstream API: its answers are passed on, of what the publication allows. What the holder shows the API to be let in is
//! never shown to the consumer, and nothing of the consumer's request but path and query reaches the API.

use super::{Opening, Reading, Source, SourceError, Wanted};
use crate::net::client::GuardedClient;
use crate::net::error::ClientError;
use crate::net::guarded_stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;
use url::Url;

/// A configured API.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) client: Arc<GuardedClient>,
    pub(super) base: Url,
    /// What the API is shown to let us in.
    pub(super) headers: HeaderMap,
    /// Largest answer that is passed on.
    pub(super) limit_bytes: u64,
}

impl Api {
    async fn read(&self, wanted: &Wanted) -> Result<Reading, SourceError> {
        if wanted.from != 0 || wanted.to.is_some() {
            return Err(super::NotAllowed::NoRange.into());
        }
        let failed = |why: &str| SourceError::Failed(why.to_owned());
        let resource = wanted
            .resource
            .as_ref()
            .ok_or_else(|| failed("no resource was named"))?;
        let url = resource
            .under(&self.base)
            .ok_or_else(|| failed("its address has no paths"))?;
        let mut headers = self.headers.clone();
        headers
            .entry(header::ACCEPT)
            .or_insert(header::HeaderValue::from_static("*/*"));
        let answer = self.client.get_stream(url.as_str(), headers, self.limit_bytes).await;
        let answer = answer.map_err(|e| told(&e))?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(SourceError::Absent(resource.text())),
            status => {
                tracing::warn!(%status, host = url.host_str(), "an upstream API did not answer with 200");
                return Err(SourceError::Failed(format!(
                    "it answered with HTTP status {}",
                    status.as_u16()
                )));
            }
        }
        if let Some(coding) = answer
            .headers
            .get(header::CONTENT_ENCODING)
            .filter(|c| *c != "identity")
        {
            return Err(failed(&format!(
                "it answered in the coding {coding:?}, which was not asked for"
            )));
        }
        let media_type = answer.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        Ok(Reading {
            media_type: media_type.map(|text| text.chars().take(255).collect()),
            pieces: guarded_stream(answer).map_err(|e| told(&e)).boxed(),
        })
    }
}

/// What may be told of an upstream's failure: its class, and neither address nor answer; those go to the operator's log.
fn told(error: &ClientError) -> SourceError {
    tracing::warn!(%error, "an upstream API could not be read");
    SourceError::Failed(match error {
        ClientError::TooBig { limit_bytes, .. } => {
            format!("its answer has more than {limit_bytes} bytes (`limits.payload_bytes`); ask for less")
        }
        other => other.class().to_owned(),
    })
}

impl Source for Api {
    fn has_ranges(&self) -> bool {
        false
    }

    fn open<'a>(&'a self, wanted: &'a Wanted) -> Opening<'a> {
        Box::pin(self.read(wanted))
    }
}
