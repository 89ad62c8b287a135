//! What an outbound call gives back: an answer read whole, or one that is still coming.

use super::client::ClientLimits;
use super::error::{ClientError, Phase};
use super::fault;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Sleep, sleep, timeout};

/// An answer that has been read whole; of any status but a redirect.
#[derive(Debug, Clone)]
#[must_use]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most [`ClientLimits::body_bytes`], or what the call itself allowed.
    pub body: Bytes,
    host: String,
}

impl Response {
    /// The answer itself if its status is 2xx.
    ///
    /// # Errors
    /// [`ClientError::Status`] with the beginning of the body.
    pub fn success(self) -> Result<Self, ClientError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(ClientError::Status {
            host: self.host,
            status: self.status.as_u16(),
            excerpt: fault::excerpt(&self.body),
        })
    }

    /// The body as JSON, parsed strictly (`herleid_vocab::json`), at most 1 MiB and 32 levels.
    ///
    /// # Errors
    /// [`ClientError::NotJson`].
    pub fn json(&self) -> Result<Value, ClientError> {
        herleid_vocab::json::parse(&self.body, &herleid_vocab::json::Limits::MESSAGE).map_err(|why| {
            ClientError::NotJson {
                host: self.host.clone(),
                why,
            }
        })
    }
}

/// An answer whose body is still coming; of any status but a redirect. Dropping it ends the transfer.
#[must_use]
pub struct Streaming {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// `Content-Length`, as the other end states it.
    pub stated_bytes: Option<u64>,
    pub(super) host: String,
    pub(super) body: BoxStream<'static, reqwest::Result<Bytes>>,
    pub(super) deadline: Pin<Box<Sleep>>,
    pub(super) time_limit: Duration,
    pub(super) limits: ClientLimits,
    pub(super) limit_bytes: u64,
    pub(super) read: u64,
}

/// The parts of an answer that is still coming, as a stream; after an error there is nothing more.
pub fn guarded_stream(answer: Streaming) -> BoxStream<'static, Result<Bytes, ClientError>> {
    let parts = futures_util::stream::unfold(Some(answer), |answer| async move {
        let mut answer = answer?;
        match answer.chunk().await {
            Ok(Some(part)) => Some((Ok(part), Some(answer))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    parts.boxed()
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming")
            .field("host", &self.host)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Streaming {
    /// The next part of the body; `None` after the last. Memory is bounded by one part (about 16 KiB to 1 MiB).
    ///
    /// # Errors
    /// Too big (nothing past the limit is handed out), slow, broken off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        let idle = self.limits.idle;
        let next = tokio::select! {
            next = timeout(idle, self.body.next()) => next,
            () = self.deadline.as_mut() => return Err(fault::slow(&self.host, Phase::Total, self.time_limit)),
        };
        let Ok(next) = next else {
            return Err(fault::slow(&self.host, Phase::Idle, idle));
        };
        let Some(part) = next else { return Ok(None) };
        let part = part.map_err(|e| fault::classify(&self.host, &e, &self.limits))?;
        self.read = self.read.saturating_add(part.len() as u64);
        if self.read > self.limit_bytes {
            return Err(self.too_big());
        }
        Ok(Some(part))
    }

    /// Reads the rest of the body: for an answer that turned out to be a message (an error's explanation).
    ///
    /// # Errors
    /// As [`Self::chunk`], with [`ClientLimits::body_bytes`] as the limit if that is smaller.
    pub async fn whole(mut self) -> Result<Response, ClientError> {
        self.limit_bytes = self.limit_bytes.min(self.limits.body_bytes);
        if self.stated_bytes.is_some_and(|stated| stated > self.limit_bytes) {
            return Err(self.too_big());
        }
        let mut body = BytesMut::new();
        while let Some(part) = self.chunk().await? {
            body.extend_from_slice(&part);
        }
        Ok(Response {
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body: body.freeze(),
            host: std::mem::take(&mut self.host),
        })
    }

    /// The same, with no more to come than of a message, and the rest `within` a time.
    pub(super) fn bounded(mut self, within: Duration) -> Result<Self, ClientError> {
        self.limit_bytes = self.limit_bytes.min(self.limits.body_bytes);
        self.time_limit = within;
        self.deadline = Box::pin(sleep(self.time_limit));
        if self.stated_bytes.is_some_and(|stated| stated > self.limit_bytes) {
            return Err(self.too_big());
        }
        Ok(self)
    }

    fn too_big(&self) -> ClientError {
        ClientError::TooBig {
            host: self.host.clone(),
            limit_bytes: self.limit_bytes,
        }
    }
}
