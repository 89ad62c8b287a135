//! An object in an S3 store, pinned by its entity tag and, where the bucket keeps versions, by its version.

use super::{MOST_AT_ONCE, Opening, Reading, Source, SourceError, Wanted};
use crate::state::Digests;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore as _};
use sha2::Digest as _;
use std::sync::Arc;

/// A configured store: one bucket.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) bucket: Arc<AmazonS3>,
}

/// What an object is at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its digests.
    pub digests: Digests,
    /// Its entity tag.
    pub etag: String,
    /// Its version, of a bucket that keeps versions.
    pub version: Option<String>,
}

/// A published object.
pub(super) struct Object {
    pub(super) store: Store,
    pub(super) key: String,
    pub(super) etag: String,
    pub(super) version: Option<String>,
    pub(super) bytes: u64,
}

fn path(key: &str) -> Result<Path, SourceError> {
    Path::parse(key).map_err(|e| SourceError::Failed(format!("`{key}` cannot be the key of an object: {e}")))
}

/// The store's answer in our words; its own go to the operator's log, since they name hosts and buckets.
fn told(key: &str, error: &Error) -> SourceError {
    tracing::warn!(%error, %key, "an object could not be read");
    match error {
        Error::Precondition { .. } => SourceError::Changed("another object lies in its place".to_owned()),
        Error::NotFound { .. } => SourceError::Absent("the object is gone".to_owned()),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            SourceError::Failed("the store does not let this connector in".to_owned())
        }
        _ => SourceError::Failed("the store gave no usable answer".to_owned()),
    }
}

impl Store {
    /// Reads an object whole, and says what it is: what is published of it from now on.
    pub(super) async fn look(&self, key: &str) -> Result<Found, SourceError> {
        let got = self.bucket.get_opts(&path(key)?, GetOptions::default()).await;
        let got = got.map_err(|e| told(key, &e))?;
        let (meta, mut pieces) = (got.meta.clone(), got.into_stream());
        let etag = meta.e_tag.ok_or_else(|| {
            SourceError::Failed(
                "the store gives the object no entity tag, so nobody could tell that it changed".to_owned(),
            )
        })?;
        let (mut blake3, mut sha256, mut bytes) = (blake3::Hasher::new(), sha2::Sha256::new(), 0);
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|e| told(key, &e))?;
            blake3.update(&piece);
            sha256.update(&piece);
            bytes += piece.len() as u64;
        }
        if bytes != meta.size {
            return Err(SourceError::Failed(format!(
                "the store said {} bytes and gave {bytes}",
                meta.size
            )));
        }
        Ok(Found {
            digests: Digests {
                blake3: blake3.finalize().to_hex().to_string(),
                sha256: hex::encode(sha256.finalize()),
                bytes,
            },
            etag,
            version: meta.version,
        })
    }
}

impl Object {
    async fn read(&self, wanted: &Wanted) -> Result<Reading, SourceError> {
        let (from, to) = (wanted.from, wanted.to.unwrap_or(self.bytes));
        if from >= to {
            // No store gives a range without bytes.
            return Ok(Reading {
                media_type: None,
                pieces: stream::empty().boxed(),
            });
        }
        let options = GetOptions {
            if_match: Some(self.etag.clone()),
            version: self.version.clone(),
            range: ((from, to) != (0, self.bytes)).then_some(GetRange::Bounded(from..to)),
            ..GetOptions::default()
        };
        let got = self.store.bucket.get_opts(&path(&self.key)?, options).await;
        let got = got.map_err(|e| told(&self.key, &e))?;
        // A store that knows no conditions gives what is there.
        let same = got.meta.e_tag.as_ref() == Some(&self.etag) && got.meta.size == self.bytes;
        if !same || got.range != (from..to) {
            return Err(SourceError::Changed("another object lies in its place".to_owned()));
        }
        let (key, want) = (self.key.clone(), to - from);
        let pieces = got.into_stream().map(move |piece| piece.map_err(|e| told(&key, &e)));
        Ok(Reading {
            media_type: None,
            pieces: exactly(pieces.boxed(), want).flat_map(small).boxed(),
        })
    }
}

/// The same pieces, if together they are so many bytes.
fn exactly(
    pieces: stream::BoxStream<'static, Result<Bytes, SourceError>>,
    bytes: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, SourceError>> + Send {
    let cut = || SourceError::Failed("the store did not give as many bytes as it said".to_owned());
    stream::unfold((pieces, Some(bytes)), move |(mut pieces, left)| async move {
        let left = left?;
        match pieces.next().await {
            Some(Ok(piece)) => match left.checked_sub(piece.len() as u64) {
                Some(left) => Some((Ok(piece), (pieces, Some(left)))),
                None => Some((Err(cut()), (pieces, None))),
            },
            Some(Err(e)) => Some((Err(e), (pieces, None))),
            None if left == 0 => None,
            None => Some((Err(cut()), (pieces, None))),
        }
    })
}

/// A piece in parts that are small enough.
pub(super) fn small<E: Send + 'static>(piece: Result<Bytes, E>) -> stream::Iter<std::vec::IntoIter<Result<Bytes, E>>> {
    let mut parts = Vec::new();
    match piece {
        Ok(mut bytes) => {
            while bytes.len() > MOST_AT_ONCE {
                parts.push(Ok(bytes.split_to(MOST_AT_ONCE)));
            }
            parts.push(Ok(bytes));
        }
        Err(e) => parts.push(Err(e)),
    }
    stream::iter(parts)
}

impl Source for Object {
    fn has_ranges(&self) -> bool {
        true
    }

    fn open<'a>(&'a self, wanted: &'a Wanted) -> Opening<'a> {
        Box::pin(self.read(wanted))
    }
}
