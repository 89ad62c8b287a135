//! The one server: an [`axum::Router`] over TLS, bounded in connections, headers, bodies and time.
//!
//! [`Listener::bind`] first (so that a port in use is known before anything else starts, and port 0 can be asked what it
//! became), then [`Listener::serve`].

use super::bounded::{Activity, Budget, CountedBody, Part, Share, TimedBody, TimedWrites};
use super::error::ServerError;
use super::tls::ALPN_H2;
use axum::Router;
use axum::extract::ConnectInfo;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
pub use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// What is kept of one connection in one direction while the other end, or we, do not read: HTTP/2's window for all of its
/// requests' bodies, an answer's part that waits to be sent, HTTP/1.1's buffer.
const BUFFER_BYTES: u16 = u16::MAX;

/// What a caller may take of us. One request's body is limited in bytes by its route (axum's `DefaultBodyLimit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at the same time; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Requests at the same time on one HTTP/2 connection.
    pub streams: u32,
    /// Bytes of request bodies in memory, over all connections: from their arrival until the request is answered. Who brings
    /// more than is left is answered 503 and may try again.
    pub bodies_bytes: usize,
    /// The same over all connections of one caller: bodies are read before it is known who sends them, and one host must not be
    /// able to have all others answered 503.
    pub bodies_of_one_bytes: usize,
    /// From accepting to the end of the TLS handshake.
    pub handshake: Duration,
    /// For a request's head; also how long a kept-alive HTTP/1.1 connection may be idle.
    pub header: Duration,
    /// For the whole of a request's body.
    pub body: Duration,
    /// How long one write may wait for a caller who does not read.
    pub write: Duration,
    /// How long an HTTP/2 connection without requests is kept.
    pub idle: Duration,
    /// Bytes of a request's head.
    pub header_bytes: u32,
    /// For requests being answered when the server is told to stop.
    pub drain: Duration,
}

impl Default for ServerLimits {
    /// What strangers can have us hold at the very worst: 1,024 connections with 16 requests, each with a head of 32 KiB and
    /// an answer that they do not read (strangers get at most 10 KiB, 256 entries of the log), and 128 KiB of windows and TLS:
    /// 1,024 x (16 x 42 KiB + 128 KiB) = 800 MiB. And 64 MiB of bodies, of which one caller can have an eighth: eight of the
    /// longest messages (1 MiB).
    fn default() -> Self {
        Self {
            connections: 1024,
            streams: 16,
            bodies_bytes: 64 << 20,
            bodies_of_one_bytes: (64 << 20) / 8,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(15),
            body: Duration::from_secs(60),
            write: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            header_bytes: 32 * 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// How connections are secured.
#[derive(Debug, Clone)]
pub enum Security {
    /// TLS 1.3 or 1.2; HTTP/2 or HTTP/1.1 as the caller's ALPN asks. From [`super::tls::server_config`].
    Tls(Arc<rustls::ServerConfig>),
    /// Plain HTTP/1.1, for development only; the caller sees to it that `--development` was given.
    PlainForDevelopment,
    /// Plain HTTP/1.1 that does not leave this machine; the caller sees to it that the address is a loopback one.
    PlainOnLoopback,
}

/// A bound address, not serving yet.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    local: SocketAddr,
}

impl Listener {
    /// Binds `address`; port 0 lets the system choose.
    ///
    /// # Errors
    /// Port in use, not permitted, or no such address, each with what to do.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let refused = |source: std::io::Error| match source.kind() {
            ErrorKind::AddrInUse => ServerError::PortInUse { address },
            ErrorKind::PermissionDenied => ServerError::NotPermitted { address },
            ErrorKind::AddrNotAvailable => ServerError::NoSuchAddress { address },
            _ => ServerError::Listen { address, source },
        };
        let tcp = TcpListener::bind(address).await.map_err(refused)?;
        let local = tcp.local_addr().map_err(refused)?;
        Ok(Self { tcp, local })
    }

    /// The address that callers can use, with the port that was chosen.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Serves `router` until `stop` is cancelled; then lets requests finish for at most `limits.drain` and returns.
    ///
    /// Each request carries [`ConnectInfo<SocketAddr>`] of its caller.
    pub async fn serve(self, security: Security, router: Router, limits: ServerLimits, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(limits.connections));
        let bodies = Budget::new(limits.bodies_bytes, limits.bodies_of_one_bytes);
        let mut open = JoinSet::new();
        loop {
            while open.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accept(&self.tcp, &places) => accepted,
            };
            let Some((stream, peer, place)) = accepted else { break };
            let shared = Shared {
                router: router.clone(),
                limits,
                bodies: bodies.part(peer.ip()),
                stop: stop.clone(),
            };
            let connection = connection(stream, peer, security.clone(), shared);
            open.spawn(async move {
                connection.await;
                drop(place);
            });
        }
        drop(self.tcp);
        let drained = async { while open.join_next().await.is_some() {} };
        if timeout(limits.drain, drained).await.is_err() {
            tracing::warn!(
                "requests were still being answered after {:?}; they are cut off",
                limits.drain
            );
            open.shutdown().await;
        }
    }
}

/// What a connection is given.
struct Shared {
    router: Router,
    limits: ServerLimits,
    /// Its caller's part of the memory for request bodies.
    bodies: Part,
    stop: CancellationToken,
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// Waits for a free place, then for a caller. `None` only when the semaphore is closed, which nobody does.
async fn accept(tcp: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match tcp.accept().await {
            Ok((stream, peer)) => {
                // Answers are small messages more often than not; Nagle's delay would cost 40 ms on each.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, %error, "no TCP_NODELAY");
                }
                return Some((stream, peer, place));
            }
            Err(error) => {
                // Out of file descriptors, or a caller that left already: the next attempt may work, a busy loop may not.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, security: Security, shared: Shared) {
    let limits = shared.limits;
    let stream = TimedWrites::new(stream, limits.write);
    match security {
        Security::PlainForDevelopment | Security::PlainOnLoopback => requests(stream, false, peer, shared).await,
        Security::Tls(config) => match timeout(limits.handshake, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(tls)) => {
                let h2 = tls.get_ref().1.alpn_protocol() == Some(ALPN_H2);
                requests(tls, h2, peer, shared).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took longer than {:?}", limits.handshake),
        },
    }
}

/// Told to whoever brings a body that there is no memory for now.
fn busy() -> Response<axum::body::Body> {
    let text = r#"{"type":"about:blank","title":"busy","status":503,"detail":"too many requests are being read; try again in 2 seconds"}"#;
    let mut response = Response::new(axum::body::Body::from(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

async fn requests<S>(stream: S, h2: bool, peer: SocketAddr, shared: Shared)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Shared {
        router,
        limits,
        bodies,
        stop,
    } = shared;
    let activity = Arc::new(Activity::default());
    let counted = Arc::clone(&activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let in_flight = counted.begin();
        // Lives until the request is answered: so long its handler may keep what came.
        let share = Arc::new(Share::of(&bodies));
        async move {
            let charged = Arc::clone(&share);
            let mut request = request.map(|body| axum::body::Body::new(TimedBody::new(body, limits.body, charged)));
            request.extensions_mut().insert(ConnectInfo(peer));
            let Ok(answer) = router.oneshot(request).await;
            let response = if share.was_refused() { busy() } else { answer };
            Ok::<Response<CountedBody>, Infallible>(response.map(|inner| CountedBody {
                inner,
                _in_flight: in_flight,
            }))
        }
    });
    // The version comes from ALPN, never from sniffing the first bytes: waiting for those would have no time limit.
    let io = TokioIo::new(stream);
    if h2 {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .initial_stream_window_size(u32::from(BUFFER_BYTES))
            .initial_connection_window_size(u32::from(BUFFER_BYTES))
            .max_send_buf_size(usize::from(BUFFER_BYTES))
            .max_header_list_size(limits.header_bytes)
            .keep_alive_interval(limits.header)
            .keep_alive_timeout(limits.header);
        run(
            builder.serve_connection(io, service),
            |c| c.graceful_shutdown(),
            &activity,
            limits.idle,
            peer,
            stop,
        )
        .await;
    } else {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header)
            .max_buf_size(usize::from(BUFFER_BYTES))
            .max_header_size(usize::try_from(limits.header_bytes).unwrap_or(usize::MAX));
        run(
            builder.serve_connection(io, service),
            |c| c.graceful_shutdown(),
            &activity,
            limits.idle,
            peer,
            stop,
        )
        .await;
    }
}

/// Drives one connection to its end; asks it to finish when the server stops or nothing has been asked for a while.
async fn run<C>(
    connection: C,
    finish: impl Fn(Pin<&mut C>),
    activity: &Activity,
    idle: Duration,
    peer: SocketAddr,
    stop: CancellationToken,
) where
    C: Future<Output = hyper::Result<()>>,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop.cancelled() => None,
        () = activity.idle_for(idle) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            finish(connection.as_mut());
            // Whoever does not let go, or never asked anything, is left after another such while.
            tokio::select! {
                ended = connection => ended,
                () = activity.idle_for(idle) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended early");
    }
}
