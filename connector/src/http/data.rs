//! The data plane: `GET /data/{grant}`.

use super::Refusal;
use crate::node::{Node, traceparent};
use crate::provider::access::{self, Access, RECEIPT};
use crate::provider::pull::{self, Opened};
use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{mpsc, oneshot};

/// Bytes read from disk at a time.
const CHUNK: usize = 256 << 10;
/// Chunks that wait for the consumer: 1 MiB for each pull.
const WAITING: usize = 4;
/// How long one chunk may wait for a consumer that does not read: as long as a write of the server may. A window of HTTP/2 that
/// stays shut is no write, and would hold this end for ever.
const STALLED: Duration = Duration::from_secs(30);

/// A chunk, or why there are no more.
type Piece = Result<Bytes, io::Error>;

/// Serves a dataset version. What leaves has been decided and recorded; the last chunk waits until the digest is confirmed.
pub(super) async fn pull(
    State(node): State<Arc<Node>>,
    Path(grant): Path<String>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let access = access::check(&node, Some(&grant), &method, path, &headers, &[]).await?;
    let trace = traceparent(&node, &headers);
    let (answer, answered) = oneshot::channel();
    // In a task of its own: this one is dropped when the caller's connection ends, and a pull that was recorded as opened would
    // never be recorded as broken off.
    tokio::spawn(serve(node, access, trace, answer));
    let broke_off = |_| Refusal::internal(&"the task that serves a pull broke off");
    answered.await.map_err(broke_off)?
}

/// Opens the pull, answers with its head, and sends the bytes.
async fn serve(node: Arc<Node>, access: Access, trace: String, answer: oneshot::Sender<Result<Response, Refusal>>) {
    let (opened, file) = match open(&node, &access, &trace).await {
        Ok(open) => open,
        Err(refusal) => return drop(answer.send(Err(refusal))),
    };
    let opened = Arc::new(opened);
    let (sender, receiver) = mpsc::channel(WAITING);
    let response = response(&opened, receiver);
    let refused = response.is_err();
    // Whoever has gone takes the answer with it, and with the answer the receiver: sending then ends before the first byte.
    drop(answer.send(response));
    if refused {
        abort(&node, &opened, "the answer could not be made", &trace).await;
    } else {
        send(&node, &opened, file, sender, &trace).await;
    }
}

async fn open(node: &Node, access: &Access, trace: &str) -> Result<(Opened, File), Refusal> {
    let Some(digests) = &access.grant().digests else {
        return Err(Refusal::not_found(&"this access is for running a model, not for data"));
    };
    let path = node.payloads.path(&digests.sha256).map_err(|e| Refusal::internal(&e))?;
    let file = File::open(path).await.map_err(|e| Refusal::internal(&e))?;
    Ok((pull::open(node, access, trace).await?, file))
}

fn response(opened: &Arc<Opened>, receiver: mpsc::Receiver<Piece>) -> Result<Response, Refusal> {
    let receipt = opened.receipt().map(|receipt| receipt.to_bytes()).transpose();
    let receipt = receipt.map_err(|e| Refusal::internal(&e))?;
    let pieces = (receiver, Arc::clone(opened));
    let mut response = Response::new(Body::from_stream(futures_util::stream::unfold(
        pieces,
        |(mut receiver, opened)| async move {
            // Ended by what is taken, so that the receiver goes with the body and the task that fills it knows how that went.
            if opened.left() >= opened.digests().bytes {
                return None;
            }
            let piece = receiver.recv().await?;
            if let Ok(bytes) = &piece {
                opened.leave(bytes.len() as u64);
            }
            Some((piece, (receiver, opened)))
        },
    )));
    let answer = response.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|e| Refusal::internal(&e));
    if let Some(receipt) = receipt {
        answer.insert(RECEIPT, value(&URL_SAFE_NO_PAD.encode(receipt))?);
    }
    answer.insert(header::CONTENT_LENGTH, opened.digests().bytes.into());
    answer.insert(header::CONTENT_TYPE, value(opened.media_type())?);
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    Ok(response)
}

/// Sends the file while hashing it. A file that is no longer what was published breaks off before its last chunk.
async fn send(node: &Node, opened: &Opened, mut file: File, sender: mpsc::Sender<Piece>, trace: &str) {
    let mut hasher = sha2::Sha256::new();
    let mut held: Option<Bytes> = None;
    let outcome = loop {
        let mut buffer = vec![0u8; CHUNK];
        match file.read(&mut buffer).await {
            Ok(0) => {
                let found = hex::encode(hasher.finalize());
                break if found == opened.digests().sha256 {
                    Ok(())
                } else {
                    Err(format!("the payload changed on disk: its SHA-256 is now {found}"))
                };
            }
            Ok(n) => {
                buffer.truncate(n);
                hasher.update(&buffer);
                if let Some(chunk) = held.replace(buffer.into())
                    && let Err(why) = hand(&sender, Ok(chunk), STALLED).await
                {
                    break Err(why);
                }
            }
            Err(e) => break Err(format!("the payload could not be read: {e}")),
        }
    };
    let outcome = match (outcome, held) {
        (Ok(()), Some(last)) => hand(&sender, Ok(last), STALLED).await,
        (outcome, _) => outcome,
    };
    let outcome = match outcome {
        Ok(()) => taken(opened, &sender, STALLED).await,
        failed => failed,
    };
    match outcome {
        // Also of a dataset without bytes.
        Ok(()) => opened.leave(0),
        Err(reason) => {
            abort(node, opened, &reason, trace).await;
            // The consumer may be gone already; what counts is the record.
            let _gone = hand(&sender, Err(io::Error::other(reason)), STALLED).await;
        }
    }
}

/// Hands one piece to the connection, if that takes it before the consumer has to count as gone.
async fn hand(sender: &mpsc::Sender<Piece>, piece: Piece, patience: Duration) -> Result<(), String> {
    match tokio::time::timeout(patience, sender.send(piece)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err("the consumer broke off".to_owned()),
        Err(_) => Err(format!("the consumer read nothing for {} s", patience.as_secs())),
    }
}

/// Waits until the connection has taken what was handed to it, or the consumer has to count as gone.
async fn taken(opened: &Opened, sender: &mpsc::Sender<Piece>, patience: Duration) -> Result<(), String> {
    let mut before = opened.left();
    while tokio::time::timeout(patience, sender.closed()).await.is_err() {
        let left = opened.left();
        if left == before {
            return Err(format!("the consumer read nothing for {} s", patience.as_secs()));
        }
        before = left;
    }
    if opened.left() < opened.digests().bytes {
        return Err("the consumer broke off".to_owned());
    }
    Ok(())
}

async fn abort(node: &Node, opened: &Opened, reason: &str, trace: &str) {
    tracing::warn!(%reason, "a pull broke off");
    if let Err(error) = opened.aborted(node, reason, trace).await {
        tracing::error!(%error, "the abort could not be recorded");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece() -> Piece {
        Ok(Bytes::from_static(b"rain"))
    }

    #[tokio::test]
    async fn a_consumer_that_reads_nothing_does_not_hold_this_end() {
        let (sender, mut receiver) = mpsc::channel(1);
        let patience = Duration::from_millis(20);
        assert_eq!(hand(&sender, piece(), patience).await, Ok(()));
        let stalled = hand(&sender, piece(), patience).await.unwrap_err();
        assert!(stalled.contains("read nothing"), "{stalled}");
        assert!(receiver.recv().await.is_some());
        assert_eq!(hand(&sender, piece(), patience).await, Ok(()));
        drop(receiver);
        let gone = hand(&sender, piece(), patience).await.unwrap_err();
        assert!(gone.contains("broke off"), "{gone}");
    }
}
