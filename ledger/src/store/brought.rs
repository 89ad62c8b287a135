//! Large documents of drafts that come to nothing. A document is durable before its record is, so what a refused draft brought, or one under way
//! when the process ended, is listed by no record; it would stay for ever, and count as room taken: whoever may ask could fill the store with what
//! is refused. Until its draft has become a record, a note with the document's name lies in `tmp`.

use super::evidence::{Evidence, io};
use crate::error::LedgerError;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl Evidence {
    fn note(&self, digest: &[u8; 32]) -> PathBuf {
        self.dir().join("tmp").join(hex::encode(digest))
    }

    /// Notes that a draft brings it. Not synced: a power cut may leave a document without a note, which a restore sweeps away; a process that is
    /// killed leaves both.
    pub(super) fn note_brought(&self, digest: &[u8; 32]) -> Result<(), LedgerError> {
        let note = self.note(digest);
        File::create(&note).map(drop).map_err(io(&note))
    }

    /// Records list these by now, durably.
    pub(crate) fn became_records(&self, digests: &[[u8; 32]]) {
        for digest in digests {
            self.forget(&self.note(digest));
        }
    }

    /// Removes what no record lists and no other draft under way brings. Only on the thread that writes. What cannot be removed is tried again when
    /// the log is opened.
    pub(crate) fn discard(&self, digest: &[u8; 32]) {
        // Held, so that nobody begins to bring it meanwhile.
        let used = self.used();
        if used.contains_key(digest) {
            return;
        }
        let (_, file) = self.place(digest);
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        if self.forget(&file) {
            self.bound.went(bytes);
            self.forget(&self.note(digest));
        }
    }

    /// Whether drafts had brought anything when the process before ended.
    pub(crate) const fn has_brought(&self) -> bool {
        !self.brought_before.is_empty()
    }

    /// Removes, of what drafts had brought when the process before ended, what no record lists. Before anything is appended.
    pub(crate) fn settle_brought(
        &self,
        mut is_listed: impl FnMut(&[u8; 32]) -> Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        for digest in &self.brought_before {
            match is_listed(digest)? {
                true => self.became_records(&[*digest]),
                false => self.discard(digest),
            }
        }
        Ok(())
    }

    /// Whether this file, a document or a note, is gone. One that cannot be removed harms nothing but the room that it takes.
    fn forget(&self, path: &Path) -> bool {
        match fs::remove_file(path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "this file is not needed any more and could not be removed; it is tried again at the next start");
                false
            }
        }
    }
}
