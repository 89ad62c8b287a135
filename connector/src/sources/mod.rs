//! Where the bytes of a dataset version come from: a file in the payload store, an object in an S3 store, an upstream API.
//!
//! What is published of the first two has known digests and never changes; the answers of an API are digested on the way
//! through. `tests/contract.rs` holds every source to the same promises.

mod allowed;
mod api;
mod configured;
mod file;
mod guarded;
mod s3;
#[cfg(test)]
mod tests;

pub use allowed::{Allowed, NotAllowed, Resource};
pub(crate) use configured::{Key, bucket};
pub use configured::{Sources, SourcesError};
pub use file::FileSource;
pub use s3::Found;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::future::Future;
use std::pin::Pin;

/// The largest piece that a source hands out at a time: 1 MiB.
pub const MOST_AT_ONCE: usize = 1 << 20;

/// Why a source gives nothing, or nothing more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// What is there is not what was published.
    #[error("it is no longer what was published: {0}; restore it, or publish what is there as a new version")]
    Changed(String),
    /// The request asks for something that is not given out.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such thing upstream.
    #[error("the source has nothing there: {0}")]
    Absent(String),
    /// The source is down, slow, or answers with an error.
    #[error("the source cannot be read: {0}")]
    Failed(String),
    /// The configuration no longer has what the version refers to.
    #[error("the configuration has no source `{0}` any more; put it back under `[sources]`, or withdraw the version")]
    Unknown(String),
}

/// What is wanted of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// First byte.
    pub from: u64,
    /// Byte after the last; `None`: to the end.
    pub to: Option<u64>,
    /// Which answer, of an API.
    pub resource: Option<Resource>,
}

/// Bytes on their way.
pub struct Reading {
    /// What the source says that they are, if it does.
    pub media_type: Option<String>,
    /// In pieces of at most [`MOST_AT_ONCE`]; an end without an error is the end of what was wanted.
    pub pieces: BoxStream<'static, Result<Bytes, SourceError>>,
}

/// The answer of a source that is still to come.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Reading, SourceError>> + Send + 'a>>;

/// One published version's bytes.
///
/// What every source guarantees: the bytes are those that are wanted, all of them and in order; when what it reads is not what
/// was published, it ends in [`SourceError::Changed`] before anything else is handed out, unless only the whole digest can tell
/// (whoever reads the whole compares that before the last piece); an end without an error is the end; memory is bounded by
/// [`MOST_AT_ONCE`]; dropping it ends the reading and leaves nothing behind.
pub trait Source: Send + Sync {
    /// Whether parts can be had: of what has no known digests there are none.
    fn has_ranges(&self) -> bool;

    /// Starts to read.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn open<'a>(&'a self, wanted: &'a Wanted) -> Opening<'a>;
}
