//! A payload of our own store.

use super::{Opening, Reading, Source, SourceError, Wanted};
use crate::payloads::{PayloadError, Payloads};
use crate::state::Digests;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

/// Bytes read from disk at a time.
const CHUNK: u64 = 256 << 10;
/// A payload of so many bytes takes less time to read than to hand to another thread.
const SMALL: u64 = 64 << 10;

/// A payload, by its digests.
pub struct FileSource {
    payloads: Payloads,
    digests: Digests,
}

/// A file that is being read.
struct Begun {
    file: File,
    /// What has been read and not yet been handed out.
    piece: Option<Bytes>,
    /// How many bytes are still to be read.
    left: u64,
}

impl FileSource {
    /// The payload with these digests.
    #[must_use]
    pub fn new(payloads: &Payloads, digests: &Digests) -> Self {
        Self {
            payloads: payloads.clone(),
            digests: digests.clone(),
        }
    }

    async fn read(&self, wanted: &Wanted) -> Result<Reading, SourceError> {
        let (payloads, digests, wanted) = (self.payloads.clone(), self.digests.clone(), wanted.clone());
        // All that waits for the disk is done at once: of a small payload here, as what is kept beside the log is read, of another by a thread
        // that may wait longer.
        let begun = if digests.bytes <= SMALL {
            begin(&payloads, &digests, &wanted)?
        } else {
            let begun = tokio::task::spawn_blocking(move || begin(&payloads, &digests, &wanted)).await;
            begun.map_err(|e| failed(&e))??
        };
        // After an error there is nothing more.
        let pieces = stream::unfold(Some(begun), |begun| async move {
            let mut begun = begun?;
            if let Some(piece) = begun.piece.take() {
                return Some((Ok(piece), Some(begun)));
            }
            if begun.left == 0 {
                return None;
            }
            let read = tokio::task::spawn_blocking(move || begun.next()).await;
            match read.map_err(|e| failed(&e)).flatten() {
                Ok((piece, begun)) => Some((Ok(piece), Some(begun))),
                Err(why) => Some((Err(why), None)),
            }
        });
        Ok(Reading {
            media_type: None,
            pieces: pieces.boxed(),
        })
    }
}

fn failed(error: &dyn std::fmt::Display) -> SourceError {
    SourceError::Failed(error.to_string())
}

/// Opens the payload at the first byte that is wanted, and reads the first piece.
fn begin(payloads: &Payloads, digests: &Digests, wanted: &Wanted) -> Result<Begun, SourceError> {
    let (from, to) = (wanted.from, wanted.to.unwrap_or(digests.bytes));
    if (from, to) != (0, digests.bytes) {
        // Of a part nobody can tell whether it is what was published: the whole is looked at first.
        payloads.verify(&digests.sha256).map_err(|e| match e {
            PayloadError::Changed { .. } => SourceError::Changed(e.to_string()),
            e => failed(&e),
        })?;
    }
    let path = payloads.path(&digests.sha256).map_err(|e| failed(&e))?;
    let mut file = File::open(path).map_err(|e| failed(&e))?;
    let found = file.metadata().map_err(|e| failed(&e))?.len();
    if found != digests.bytes {
        let expected = digests.bytes;
        return Err(SourceError::Changed(format!(
            "it has {found} bytes, expected {expected}"
        )));
    }
    if from > 0 {
        file.seek(SeekFrom::Start(from)).map_err(|e| failed(&e))?;
    }
    let begun = Begun {
        file,
        piece: None,
        left: to.saturating_sub(from),
    };
    if begun.left == 0 {
        return Ok(begun);
    }
    let (piece, begun) = begun.next()?;
    Ok(Begun {
        piece: Some(piece),
        ..begun
    })
}

impl Begun {
    /// Reads the next piece; waits for the disk.
    fn next(mut self) -> Result<(Bytes, Self), SourceError> {
        let most = self.left.min(CHUNK);
        let mut buffer = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
        let read = (&mut self.file).take(most).read_to_end(&mut buffer);
        read.map_err(|e| failed(&e))?;
        if buffer.is_empty() {
            let why = format!("{} bytes are missing at its end", self.left);
            return Err(SourceError::Changed(why));
        }
        self.left = self.left.saturating_sub(buffer.len() as u64);
        Ok((Bytes::from(buffer), self))
    }
}

impl Source for FileSource {
    fn has_ranges(&self) -> bool {
        true
    }

    fn open<'a>(&'a self, wanted: &'a Wanted) -> Opening<'a> {
        Box::pin(self.read(wanted))
    }
}
