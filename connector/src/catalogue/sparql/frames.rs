//! What goes between the connector and the process that answers queries: a message and what belongs to it, each with its length before it.

use super::QueryError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Longest message, without what belongs to it.
const MESSAGE_BYTES: usize = 1 << 20;
/// Most that belongs to a message: 500 descriptions of 128 KiB.
const BODY_BYTES: usize = 64 << 20;

/// What the process is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Put these triples (N-Triples) to the others.
    Add,
    /// Put them in the place of a dataset.
    Replace {
        /// The dataset.
        iri: String,
    },
    /// Answer this query.
    Query {
        /// In a format that this `Accept` header allows.
        accept: Option<String>,
    },
}

/// What the process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It has set its limits, and reads.
    Ready,
    /// It has done that.
    Done,
    /// The answer to a query is what belongs to this.
    Answer {
        /// Its media type.
        media_type: String,
    },
    /// The query has no answer.
    Refused(QueryError),
    /// It could not do that.
    Failed(String),
}

fn broken(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.to_string())
}

/// Both lengths and the message.
fn head(message: &impl Serialize, body: &[u8]) -> io::Result<Vec<u8>> {
    let message = serde_json::to_vec(message)?;
    let too_long = || broken("a message is too long to be sent");
    if message.len() > MESSAGE_BYTES || body.len() > BODY_BYTES {
        return Err(too_long());
    }
    let mut head = Vec::with_capacity(message.len() + 8);
    for length in [message.len(), body.len()] {
        head.extend(u32::try_from(length).map_err(|_| too_long())?.to_be_bytes());
    }
    head.extend(message);
    Ok(head)
}

/// Both lengths, from the eight bytes that say them.
fn lengths(said: [u8; 8]) -> io::Result<(usize, usize)> {
    // Two numbers of four bytes each, the greater half first.
    let both = u64::from_be_bytes(said);
    let message = usize::try_from(both >> 32).map_err(broken)?;
    let body = usize::try_from(both & u64::from(u32::MAX)).map_err(broken)?;
    if message > MESSAGE_BYTES || body > BODY_BYTES {
        return Err(broken(format!("a message of {message} and {body} bytes is not read")));
    }
    Ok((message, body))
}

/// Reads a message; `None` when there are no more.
pub(super) fn read<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(M, Vec<u8>)>> {
    let mut said = [0; 8];
    match from.read_exact(&mut said) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (message, body) = lengths(said)?;
    let mut message = vec![0; message];
    from.read_exact(&mut message)?;
    let mut body = vec![0; body];
    from.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&message)?, body)))
}

/// Writes a message.
pub(super) fn write(to: &mut impl Write, message: &impl Serialize, body: &[u8]) -> io::Result<()> {
    to.write_all(&head(message, body)?)?;
    to.write_all(body)?;
    to.flush()
}

/// As [`read`], without a thread that waits.
pub(super) async fn receive<M: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<(M, Vec<u8>)> {
    let mut said = [0; 8];
    from.read_exact(&mut said).await?;
    let (message, body) = lengths(said)?;
    let mut message = vec![0; message];
    from.read_exact(&mut message).await?;
    let mut body = vec![0; body];
    from.read_exact(&mut body).await?;
    Ok((serde_json::from_slice(&message)?, body))
}

/// As [`write`], without a thread that waits.
pub(super) async fn send(to: &mut (impl AsyncWrite + Unpin), message: &impl Serialize, body: &[u8]) -> io::Result<()> {
    to.write_all(&head(message, body)?).await?;
    to.write_all(body).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_off_or_too_long_is_not() {
        let mut bytes = Vec::new();
        let order = Order::Query {
            accept: Some("text/csv".to_owned()),
        };
        write(&mut bytes, &order, b"ASK {}").unwrap();
        let mut from = bytes.as_slice();
        let (read_back, body) = read::<Order>(&mut from).unwrap().unwrap();
        assert!(matches!(read_back, Order::Query { accept: Some(a) } if a == "text/csv") && body == b"ASK {}");
        assert!(read::<Order>(&mut from).unwrap().is_none());
        assert!(read::<Order>(&mut &bytes[..bytes.len() - 1]).is_err());
        assert!(read::<Reply>(&mut bytes.as_slice()).is_err());
        assert!(read::<Order>(&mut [0xff; 8].as_slice()).is_err());
        assert!(write(&mut Vec::new(), &order, &vec![0; BODY_BYTES + 1]).is_err());
    }
}
