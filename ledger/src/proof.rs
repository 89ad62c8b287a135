//! A proof file (C2SP tlog-proof): that a record stands in a log, in one text that programs of others read.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::merkle::{self, Hash, MAX_PROOF_HASHES, ProofError};
use crate::note::{MAX_NOTE_BYTES, NoteError, SignedNote, Verifier};
use crate::tile::decimal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// First line of a proof file.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest proof file that is read: header and index, `extra` of at most 64 KiB, 65 lines of 45 bytes, a note.
pub const MAX_PROOF_BYTES: usize = 128 + (64 << 10) + MAX_PROOF_HASHES * 45 + MAX_NOTE_BYTES;

/// Why a proof file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    /// It is not of the form.
    #[error("not a proof file (C2SP tlog-proof): {why}")]
    Form {
        /// What is wrong.
        why: &'static str,
    },
    /// Its checkpoint is not a note.
    #[error("the proof file's checkpoint: {0}")]
    Note(#[from] NoteError),
    /// Its checkpoint is not one of this log.
    #[error("the proof file's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not where it says.
    #[error("the proof file does not prove this entry at index {index}: {error}")]
    Inclusion {
        /// Where the file says that the entry stands.
        index: u64,
        /// What does not fit.
        error: ProofError,
    },
}

/// A proof file, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: SignedNote,
}

impl ProofFile {
    /// The file for the record at `index`; `hashes` is its inclusion proof under `checkpoint`, leaf to root.
    #[must_use]
    pub fn new(index: u64, hashes: Vec<Hash>, checkpoint: &Checkpoint) -> Self {
        Self {
            index,
            hashes,
            checkpoint: checkpoint.note().clone(),
        }
    }

    /// Reads a file. What an `extra` line says is signed by nobody, and is left aside.
    ///
    /// # Errors
    /// Says what is wrong with which part.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        let form = |why| ProofFileError::Form { why };
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(form("it is longer than any proof can be"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| form("it is not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or(form("it has no blank line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(form("its first line is not `c2sp.org/tlog-proof@v1`"));
        }
        if let Some(extra) = lines.next_if(|line| line.starts_with("extra ")) {
            let extra = extra.strip_prefix("extra ").map(|text| STANDARD.decode(text));
            if !matches!(extra, Some(Ok(_))) {
                return Err(form("its `extra` is not base64"));
            }
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal);
        let index = index.ok_or(form("it has no line `index` with a decimal number"))?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(form("it has more hashes than any proof"));
            }
            let hash = STANDARD.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok());
            hashes.push(hash.ok_or(form("one of its hashes is not the base64 of 32 bytes"))?);
        }
        let checkpoint = SignedNote::parse(note.as_bytes())?;
        Ok(Self {
            index,
            hashes,
            checkpoint,
        })
    }

    /// Where it says that the entry stands.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Checks that `entry` stands in the log whose key `log` is; gives the checkpoint that says so.
    ///
    /// # Errors
    /// Names the check that failed.
    pub fn verify(&self, entry: &[u8], log: &Verifier) -> Result<Checkpoint, ProofFileError> {
        let checkpoint = Checkpoint::verify(self.checkpoint.clone(), log)?;
        let (leaf, index) = (merkle::leaf_hash(entry), self.index);
        merkle::verify_inclusion(&leaf, index, checkpoint.size(), &self.hashes, checkpoint.root())
            .map_err(|error| ProofFileError::Inclusion { index, error })?;
        Ok(checkpoint)
    }
}

impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nindex {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
