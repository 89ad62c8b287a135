//! What a caller may take its time over: reading a request's body and writing our answer are both bounded, so that a
//! caller who stalls on purpose holds no connection for long ("slow loris"). And what one caller, and all of them together, may
//! have us keep in memory before we know who they are.

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
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

/// The memory for bodies. It is taken before it is known who calls, so nobody gets all of it: each caller has a part.
#[derive(Debug)]
pub(super) struct Budget {
    all: Arc<Semaphore>,
    of_one_bytes: usize,
    callers: Mutex<HashMap<IpAddr, Weak<Semaphore>>>,
}

/// What one caller may take of a [`Budget`], over all of its connections.
#[derive(Debug, Clone)]
pub(super) struct Part {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

impl Budget {
    /// So many bytes for all callers together, and so many for one.
    pub(super) fn new(bytes: usize, of_one_bytes: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
            of_one_bytes: of_one_bytes.min(Semaphore::MAX_PERMITS),
            callers: Mutex::default(),
        }
    }

    /// The part of whoever calls from `address`. It is remembered for as long as one of its connections has it.
    pub(super) fn part(&self, address: IpAddr) -> Part {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.retain(|_, own| own.strong_count() > 0);
        let known = callers.entry(caller(address)).or_default();
        let own = known.upgrade().unwrap_or_else(|| {
            let fresh = Arc::new(Semaphore::new(self.of_one_bytes));
            *known = Arc::downgrade(&fresh);
            fresh
        });
        Part {
            all: Arc::clone(&self.all),
            own,
        }
    }
}

/// Who counts as one caller: an IPv4 address, or the network of an IPv6 address, within which a host may take any (RFC 4291,
/// section 2.5.1: the last 64 bits).
fn caller(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Bytes of the caller's own part, and the same of what all have.
type Taken = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// What one request has taken of the memory for bodies; given back when it is dropped. Bytes count when they have come, not
/// when they are announced: whoever announces much and sends nothing takes nothing from others.
#[derive(Debug)]
pub(super) struct Share {
    part: Part,
    taken: Mutex<Option<Taken>>,
    refused: AtomicBool,
}

impl Share {
    /// Nothing yet of `part`.
    pub(super) fn of(part: &Part) -> Self {
        Self {
            part: part.clone(),
            taken: Mutex::new(None),
            refused: AtomicBool::new(false),
        }
    }

    /// Whether some of the body was not read because the caller's part, or all of the budget, was spent.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    fn take(&self, bytes: usize) -> bool {
        let Some((own, all)) = self.acquire(bytes) else {
            self.refused.store(true, Ordering::SeqCst);
            return false;
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.as_mut() {
            Some((own_before, all_before)) => {
                own_before.merge(own);
                all_before.merge(all);
            }
            None => *taken = Some((own, all)),
        }
        true
    }

    /// The caller's own part first: what it may not have is taken from nobody else, not for a moment.
    fn acquire(&self, bytes: usize) -> Option<Taken> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let own = Arc::clone(&self.part.own).try_acquire_many_owned(bytes).ok()?;
        let all = Arc::clone(&self.part.all).try_acquire_many_owned(bytes).ok()?;
        Some((own, all))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_one_part_over_all_of_its_connections() {
        let budget = Budget::new(1000, 500);
        let from = |address: &str| Share::of(&budget.part(address.parse().unwrap()));
        let (first, second) = (from("192.0.2.1"), from("::ffff:192.0.2.1"));
        assert!(first.take(300) && first.take(100));
        assert!(!second.take(101) && second.was_refused() && !first.was_refused());
        // Another one has its own, until all is spent.
        let other = from("2001:db8::1");
        assert!(other.take(500));
        assert!(!from("2001:db8::ffff").take(1));
        let last = from("2001:db8:0:1::1");
        assert!(last.take(100));
        assert!(!from("192.0.2.2").take(1));
        drop((first, second, last));
        assert!(from("192.0.2.1").take(400));
        drop(other);
        assert!(from("192.0.2.2").take(500));
        assert_eq!(budget.callers.lock().unwrap().len(), 1);
    }
}
