//! What a caller may take its time over: reading a request's body and writing our answer are both bounded, so that a
//! caller who stalls on purpose holds no connection for long ("slow loris"). And what all callers together may have us keep
//! in memory before we know who they are.

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body was not received in time.
#[derive(Debug, thiserror::Error)]
#[error("the request's body did not come within {limit_ms} ms")]
struct BodyTooSlow {
    limit_ms: u64,
}

/// There is no memory left for a request's body.
#[derive(Debug, thiserror::Error)]
#[error("too many request bodies are in memory")]
struct BudgetSpent;

/// What one request has taken of the memory for bodies; given back when it is dropped. Bytes count when they have come, not
/// when they are announced: whoever announces much and sends nothing takes nothing from others.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Semaphore>,
    taken: Mutex<Option<OwnedSemaphorePermit>>,
    refused: AtomicBool,
}

impl Share {
    /// Nothing yet of `budget`, which counts bytes.
    pub(super) fn of(budget: &Arc<Semaphore>) -> Self {
        Self {
            budget: Arc::clone(budget),
            taken: Mutex::new(None),
            refused: AtomicBool::new(false),
        }
    }

    /// Whether some of the body was not read because the budget was spent.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    fn take(&self, bytes: usize) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.budget).try_acquire_many_owned(bytes) else {
            self.refused.store(true, Ordering::SeqCst);
            return false;
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.as_mut() {
            Some(taken) => taken.merge(more),
            None => *taken = Some(more),
        }
        true
    }
}

/// A request's body that ends in an error when the whole of it takes longer than `limit`, or more than is left for bodies.
pub(super) struct TimedBody {
    inner: Incoming,
    limit: Duration,
    deadline: Pin<Box<Sleep>>,
    share: Arc<Share>,
}

impl TimedBody {
    pub(super) fn new(inner: Incoming, limit: Duration, share: Arc<Share>) -> Self {
        Self {
            inner,
            limit,
            deadline: Box::pin(sleep(limit)),
            share,
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            let bytes = match &frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
                _ => 0,
            };
            if !self.share.take(bytes) {
                return Poll::Ready(Some(Err(Box::new(BudgetSpent))));
            }
            return Poll::Ready(frame.map(|f| f.map_err(Into::into)));
        }
        ready!(self.deadline.as_mut().poll(context));
        let limit_ms = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
        Poll::Ready(Some(Err(Box::new(BodyTooSlow { limit_ms }))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A stream on which one write may wait at most `limit` for the other end to read.
pub(super) struct TimedWrites<S> {
    inner: S,
    limit: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedWrites<S> {
    pub(super) fn new(inner: S, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            stalled: None,
        }
    }

    fn watch(&mut self, context: &mut Context<'_>, progress: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if progress.is_ready() {
            self.stalled = None;
            return progress;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the other end does not read our answer",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedWrites<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch(context, progress)
    }

    // Neither waits on a TCP stream, and a flush of nothing is no sign that the other end reads.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.watch(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// How many requests of one connection are being answered, and how many ever were.
#[derive(Debug, Default)]
pub(super) struct Activity {
    in_flight: AtomicUsize,
    begun: AtomicU64,
}

impl Activity {
    /// Counts one request until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        InFlight(Arc::clone(self))
    }

    /// Returns when for a whole `limit` no request was being answered or begun.
    pub(super) async fn idle_for(&self, limit: Duration) {
        let mut seen = self.begun.load(Ordering::SeqCst);
        loop {
            sleep(limit).await;
            let begun = self.begun.load(Ordering::SeqCst);
            if begun == seen && self.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            seen = begun;
        }
    }
}

/// One request being answered.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An answer's body that counts as in flight until it has been sent or given up.
pub(super) struct CountedBody {
    pub(super) inner: axum::body::Body,
    pub(super) _in_flight: InFlight,
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
