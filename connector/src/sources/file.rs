//! A payload of our own store.

use super::{Opening, Reading, Source, SourceError, Wanted};
use crate::payloads::{PayloadError, Payloads};
use crate::state::Digests;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};

/// Bytes read from disk at a time.
const CHUNK: usize = 256 << 10;

/// A payload, by its digests.
pub struct FileSource {
    payloads: Payloads,
    digests: Digests,
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
        let failed = |e: &dyn std::fmt::Display| SourceError::Failed(e.to_string());
        let (from, to) = (wanted.from, wanted.to.unwrap_or(self.digests.bytes));
        if (from, to) != (0, self.digests.bytes) {
            // Of a part nobody can tell whether it is what was published: the whole is looked at first.
            let (payloads, digests) = (self.payloads.clone(), self.digests.clone());
            let looked = tokio::task::spawn_blocking(move || payloads.verify(&digests.sha256)).await;
            looked.map_err(|e| failed(&e))?.map_err(|e| match e {
                PayloadError::Changed { .. } => SourceError::Changed(e.to_string()),
                e => failed(&e),
            })?;
        }
        let path = self.payloads.path(&self.digests.sha256).map_err(|e| failed(&e))?;
        let mut file = File::open(path).await.map_err(|e| failed(&e))?;
        let found = file.metadata().await.map_err(|e| failed(&e))?.len();
        if found != self.digests.bytes {
            let expected = self.digests.bytes;
            return Err(SourceError::Changed(format!(
                "it has {found} bytes, expected {expected}"
            )));
        }
        file.seek(SeekFrom::Start(from)).await.map_err(|e| failed(&e))?;
        let pieces = stream::unfold((file, to.saturating_sub(from)), |(mut file, left)| async move {
            if left == 0 {
                return None;
            }
            let mut buffer = vec![0u8; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
            match file.read(&mut buffer).await {
                Ok(0) => {
                    let why = SourceError::Changed(format!("{left} bytes are missing at its end"));
                    Some((Err(why), (file, 0)))
                }
                Ok(n) => {
                    buffer.truncate(n);
                    Some((Ok(Bytes::from(buffer)), (file, left - n as u64)))
                }
                Err(e) => Some((Err(SourceError::Failed(e.to_string())), (file, 0))),
            }
        });
        Ok(Reading {
            media_type: None,
            pieces: pieces.boxed(),
        })
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
