//! The service's end of the control socket.

use super::error::{Code, ControlError};
use super::progress::Progress;
use super::protocol::Line;
use super::socket::ControlSocket;
use crate::net::server::CancellationToken;
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Media type of an answer: one JSON text a line.
pub const NDJSON: &str = "application/x-ndjson";

/// The caller is on this machine: a request arrives whole or not at all.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// For commands under way when the service is told to stop.
const DRAIN: Duration = Duration::from_secs(30);

type Working = mpsc::Sender<Infallible>;
type Body = BoxBody<Bytes, Infallible>;

/// Serves commands until `stop` is cancelled, then lets those under way finish and removes the socket.
///
/// `handler` gets the command's name, its body and where to report progress. It runs to its end even if the person
/// goes away, so that nothing is left half done; [`Progress::is_closed`] tells it. If it panics, the person gets an error and the service goes on.
pub async fn serve<H, F>(socket: ControlSocket, handler: H, stop: CancellationToken)
where
    H: Fn(String, Value, Progress) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Value, ControlError>> + Send + 'static,
{
    let handler = Arc::new(handler);
    // Each command under way holds one end; when all are dropped, all have ended.
    let (working, mut ended) = mpsc::channel::<Infallible>(1);
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok(stream) => {
                open.spawn(connection(stream, Arc::clone(&handler), working.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a control connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // First no new callers, then the old ones' answers; the file goes when `socket` does.
    drop(working);
    let drained = async {
        while open.join_next().await.is_some() {}
        ended.recv().await;
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("commands were still running after {DRAIN:?}; they are cut off");
        open.shutdown().await;
    }
}

async fn connection<H, F>(stream: UnixStream, handler: Arc<H>, working: Working, stop: CancellationToken)
where
    H: Fn(String, Value, Progress) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Value, ControlError>> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (handler, working) = (Arc::clone(&handler), working.clone());
        async move { Ok::<_, Infallible>(respond(request, handler, working).await) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIME);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "control connection ended early");
    }
}

async fn respond<H, F>(request: Request<Incoming>, handler: Arc<H>, working: Working) -> Response<Body>
where
    H: Fn(String, Value, Progress) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Value, ControlError>> + Send + 'static,
{
    match tokio::time::timeout(REQUEST_TIME, accept(request)).await {
        Ok(Ok((command, body))) => {
            let (progress, lines) = Progress::channel();
            let last = progress.clone();
            let work = async move { handler(command, body, progress).await };
            tokio::spawn(async move {
                // A task of its own, so that a panic becomes an error line instead of a torn answer.
                let line = match tokio::spawn(work).await {
                    Ok(Ok(result)) => Line::Result(result),
                    Ok(Err(error)) => Line::Error(error),
                    Err(_) => Line::Error(
                        ControlError::new(Code::Failed, "the command ended by an error in herleid itself")
                            .next("see the service's own log, and report it"),
                    ),
                };
                last.finish(line).await;
                drop(working);
            });
            answer(StatusCode::OK, streamed(lines))
        }
        Ok(Err((status, error))) => answer(status, whole(&Line::Error(error))),
        Err(_) => answer(
            StatusCode::REQUEST_TIMEOUT,
            whole(&Line::Error(ControlError::new(
                Code::Failed,
                "the request did not arrive in time",
            ))),
        ),
    }
}

type Refusal = (StatusCode, ControlError);

/// The command and its body.
async fn accept(request: Request<Incoming>) -> Result<(String, Value), Refusal> {
    let usage = |status, message: &str| (status, ControlError::new(Code::Usage, message));
    if request.method() != Method::POST {
        return Err(usage(StatusCode::METHOD_NOT_ALLOWED, "commands are sent with POST"));
    }
    let path = request.uri().path();
    let command = match path.strip_prefix("/v1/") {
        Some(name) if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') => name.to_owned(),
        _ => {
            return Err((
                StatusCode::NOT_FOUND,
                ControlError::new(Code::Usage, "there is no such command")
                    .what(path)
                    .expected("/v1/<command>"),
            ));
        }
    };
    let limits = herleid_vocab::json::Limits::MESSAGE;
    let body = Limited::new(request.into_body(), limits.max_bytes)
        .collect()
        .await
        .map_err(|e| {
            (
                StatusCode::PAYLOAD_TOO_LARGE,
                ControlError::new(Code::Usage, "the request cannot be read").what(e.to_string()),
            )
        })?
        .to_bytes();
    let value = herleid_vocab::json::parse(&body, &limits).map_err(|e| {
        (
            StatusCode::BAD_REQUEST,
            ControlError::new(Code::Usage, "the request is not JSON").what(e.to_string()),
        )
    })?;
    Ok((command, value))
}

fn answer(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(NDJSON));
    response
}

fn streamed(lines: mpsc::Receiver<Line>) -> Body {
    let frames = stream::unfold(lines, |mut lines| async move {
        let line = lines.recv().await?;
        Some((Ok(Frame::data(text(&line))), lines))
    });
    BodyExt::boxed(StreamBody::new(frames))
}

fn whole(line: &Line) -> Body {
    BodyExt::boxed(Full::new(text(line)))
}

/// One line with its line feed. JSON escapes those inside, so that a line is always one text.
fn text(line: &Line) -> Bytes {
    let mut bytes = serde_json::to_vec(line).unwrap_or_else(|_| {
        // Only a map with other keys than texts cannot be written, and `Line` holds none.
        br#"{"error":{"code":"failed","message":"the answer has no JSON form"}}"#.to_vec()
    });
    bytes.push(b'\n');
    Bytes::from(bytes)
}
