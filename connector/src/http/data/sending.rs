//! The bytes of a pull on their way: hashed, handed to the connection piece by piece, the last one held back until what was sent is
//! known to be right, and recorded.

use super::{Piece, WAITING};
use crate::node::Node;
use crate::provider::pull::{BrokeOff, Opened};
use crate::sources::{Reading, SourceError};
use crate::state::Digests;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::Digest as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long one chunk may wait for a consumer that does not read: as long as a write of the server may. A window of HTTP/2 that
/// stays shut is no write, and would hold this end for ever.
pub(crate) const STALLED: Duration = Duration::from_secs(30);

/// What the connection takes the bytes from.
pub(crate) fn body(opened: &Arc<Opened>) -> (mpsc::Sender<Piece>, axum::body::Body) {
    let (sender, receiver) = mpsc::channel::<Piece>(WAITING);
    let pieces = (receiver, Arc::clone(opened), false);
    let stream = futures_util::stream::unfold(pieces, |(mut receiver, opened, over)| async move {
        // Ended by what is taken, so that the receiver goes with the body and the task that fills it knows how that went.
        if over || (!opened.is_stopped() && opened.length().is_some_and(|length| opened.left() >= length)) {
            return None;
        }
        let piece = if opened.is_stopped() {
            None
        } else {
            receiver.recv().await
        };
        match piece {
            // What had been handed over before it was stopped does not leave either.
            Some(Ok(bytes)) if opened.leave(bytes.len() as u64) => Some((Ok(bytes), (receiver, opened, false))),
            // Nothing at all.
            None if !opened.is_stopped() && opened.length() == Some(0) => None,
            Some(Err(error)) => Some((Err(error), (receiver, opened, true))),
            // An end that looks like the end of the data would be a lie.
            _ => Some((Err(io::Error::other("the pull broke off")), (receiver, opened, true))),
        }
    });
    (sender, axum::body::Body::from_stream(stream))
}

/// Sends what is read, to a connection that takes each piece within `patience`. What is no longer what was published, or cannot be
/// recorded, breaks off before its last piece.
pub(crate) async fn send(
    node: &Node,
    opened: &Opened,
    mut reading: Reading,
    sender: mpsc::Sender<Piece>,
    patience: Duration,
    trace: &str,
) -> Result<(), BrokeOff> {
    // What was published has both digests: BLAKE3 is held against it, in a third of the time that SHA-256 takes. What is only
    // known now gets both.
    let (mut sha256, mut blake3, mut bytes) = (sha2::Sha256::new(), blake3::Hasher::new(), 0u64);
    let mut held: Option<Bytes> = None;
    while let Some(piece) = reading.pieces.next().await {
        let piece = piece.map_err(|e| why(&e))?;
        if piece.is_empty() {
            continue;
        }
        bytes = bytes.saturating_add(piece.len() as u64);
        if opened.length().is_some_and(|length| bytes > length) {
            return Err("the source gave more than was published".into());
        }
        blake3.update(&piece);
        if opened.digests().is_none() {
            sha256.update(&piece);
        }
        if let Some(chunk) = held.replace(piece) {
            hand(&sender, Ok(chunk), patience).await?;
        }
    }
    if opened.length().is_some_and(|length| bytes != length) {
        return Err("the source gave less than was published".into());
    }
    let found = blake3.finalize().to_hex().to_string();
    match opened.digests() {
        Some(published) if published.blake3 != found => {
            return Err(BrokeOff::for_good(format!(
                "the payload changed on disk or at its source: its BLAKE3 is now {found}, expected {}",
                published.blake3
            )));
        }
        Some(_) => {}
        None => {
            let digests = Digests {
                blake3: found,
                sha256: hex::encode(sha256.finalize()),
                bytes,
            };
            opened.served(node, &digests, trace).await?;
        }
    }
    opened.set_length(bytes);
    match held {
        Some(last) => {
            hand(&sender, Ok(last), patience).await?;
            Ok(taken(opened, &sender, patience).await?)
        }
        None => Ok(()),
    }
}

/// What the consumer's record says of a source that failed.
fn why(error: &SourceError) -> BrokeOff {
    match error {
        SourceError::Changed(_) => BrokeOff::for_good(error.to_string()),
        _ => error.to_string().into(),
    }
}

/// Records that it broke off, and breaks the connection.
pub(super) async fn abort(node: &Node, opened: &Opened, reason: &str, trace: &str) {
    opened.stop();
    tracing::warn!(%reason, "a pull broke off");
    if let Err(error) = opened.aborted(node, reason, trace).await {
        tracing::error!(%error, "the abort could not be recorded");
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
    if opened.length().is_none_or(|length| opened.left() < length) {
        return Err("the consumer broke off".to_owned());
    }
    Ok(())
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
