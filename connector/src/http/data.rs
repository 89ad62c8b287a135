//! The data plane: `GET /data/{grant}`.

use super::Refusal;
use crate::node::{Node, traceparent};
use crate::provider::access::{self, RECEIPT};
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
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;

/// Bytes read from disk at a time.
const CHUNK: usize = 256 << 10;

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
    let file_path = access.grant().digests.as_ref().map(|d| node.payloads.path(&d.sha256));
    let file = match file_path {
        Some(path) => tokio::fs::File::open(path.map_err(|e| Refusal::internal(&e))?)
            .await
            .map_err(|e| Refusal::internal(&e))?,
        None => return Err(Refusal::not_found(&"this access is for running a model, not for data")),
    };
    let opened = pull::open(&node, &access, &trace).await?;
    let receipt = opened.receipt().to_bytes().map_err(|e| Refusal::internal(&e))?;
    let (sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(4);
    let mut response = Response::new(Body::from_stream(futures_util::stream::unfold(
        receiver,
        |mut receiver| async move { receiver.recv().await.map(|item| (item, receiver)) },
    )));
    let answer = response.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|e| Refusal::internal(&e));
    answer.insert(RECEIPT, value(&URL_SAFE_NO_PAD.encode(receipt))?);
    answer.insert(header::CONTENT_LENGTH, opened.digests().bytes.into());
    answer.insert(header::CONTENT_TYPE, value(opened.media_type())?);
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    tokio::spawn(send(node, opened, file, sender, trace));
    Ok(response)
}

/// Sends the file while hashing it. A file that is no longer what was published breaks off before its last chunk.
async fn send(
    node: Arc<Node>,
    opened: Opened,
    mut file: tokio::fs::File,
    sender: mpsc::Sender<Result<Bytes, io::Error>>,
    trace: String,
) {
    let mut sent = 0u64;
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
                if let Some(chunk) = held.replace(buffer.into()) {
                    let length = chunk.len() as u64;
                    if sender.send(Ok(chunk)).await.is_err() {
                        break Err("the consumer broke off".to_owned());
                    }
                    sent += length;
                }
            }
            Err(e) => break Err(format!("the payload could not be read: {e}")),
        }
    };
    let outcome = match (outcome, held) {
        (Ok(()), Some(last)) => sender
            .send(Ok(last))
            .await
            .map_err(|_| "the consumer broke off".to_owned()),
        (outcome, _) => outcome,
    };
    if let Err(reason) = outcome {
        tracing::warn!(%reason, "a pull broke off");
        // The consumer may be gone already; what counts is the record.
        let _gone = sender.send(Err(io::Error::other(reason.clone()))).await;
        if let Err(error) = opened.aborted(&node, sent, &reason, &trace).await {
            tracing::error!(%error, "the abort could not be recorded");
        }
    }
}
