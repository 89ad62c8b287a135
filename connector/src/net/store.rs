//! Calls of a store's client. It hands over bodies of many megabytes, which may take their time as long as they go on, and reads most
//! answers whole before it looks at them: what it cannot know of either is watched here.

use super::answer::Streaming;
use super::client::{GuardedClient, Terms};
use super::error::{ClientError, Phase};
use super::fault;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, header};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::sleep;

/// Bytes of a body that are handed over at a time; whether they are taken shows that it goes on.
const PIECE: usize = 64 << 10;
/// How many times as long as a message may take a store has to answer when it has had all: it may put parts together first.
const ANSWERS: u32 = 10;

impl GuardedClient {
    /// Any method. What a `GET` gives is read in parts, without a limit of its own: whoever reads it knows how much must come. All
    /// other answers, and what says that something failed, are read by whoever asks for them whole: of those no more comes than of a
    /// message. A body may take as long as it goes on.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn any_stream(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Streaming, ClientError> {
        let gives = method == Method::GET;
        let (answer, within) = if body.is_empty() {
            let terms = Terms {
                http: &self.http,
                total: self.limits.stream_total,
                bytes: u64::MAX,
            };
            (self.open(terms, method, url, headers, None).await?, self.limits.total)
        } else {
            let within = self.limits.total.saturating_mul(ANSWERS);
            (self.send_watched(method, url, headers, body).await?, within)
        };
        if gives && answer.status.is_success() {
            return Ok(answer);
        }
        answer.bounded(within)
    }

    /// Sends a body, and gives up when nothing of it is taken any more, or no answer comes after all of it.
    async fn send_watched(
        &self,
        method: Method,
        url: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Streaming, ClientError> {
        let (_, host) = self.admit(url)?;
        let whole = body.len() as u64;
        headers.insert(header::CONTENT_LENGTH, whole.into());
        let taken = Arc::new(AtomicU64::new(0));
        let pieces = stream::unfold((body, Arc::clone(&taken)), |(mut body, taken)| async move {
            if body.is_empty() {
                return None;
            }
            let piece = body.split_to(body.len().min(PIECE));
            taken.fetch_add(piece.len() as u64, Ordering::AcqRel);
            Some((Ok::<_, Infallible>(piece), (body, taken)))
        });
        let terms = Terms {
            http: &self.patient,
            total: self.limits.stream_total,
            bytes: u64::MAX,
        };
        let body = reqwest::Body::wrap_stream(pieces);
        let call = self.open(terms, method, url, headers, Some(body));
        tokio::pin!(call);
        let mut before = None;
        loop {
            let now = taken.load(Ordering::Acquire);
            let limit = if now < whole {
                self.limits.idle
            } else {
                self.limits.total.saturating_mul(ANSWERS)
            };
            if before == Some(now) {
                return Err(fault::slow(&host, Phase::Idle, limit));
            }
            before = Some(now);
            tokio::select! {
                answer = &mut call => return answer,
                () = sleep(limit) => {}
            }
        }
    }
}
