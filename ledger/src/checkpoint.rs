//! Checkpoints (C2SP tlog-checkpoint) and what witnesses add to them (C2SP tlog-cosignature).

use crate::merkle::{Hash, empty_root};
use crate::note::{Algorithm, NoteError, SignatureLine, SignedNote, Signer, Verifier};
use crate::tile::decimal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herleid_vocab::json::MAX_INTEGER;
use std::fmt;

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note's text is not a checkpoint.
    #[error("not a checkpoint: {why}; expected three lines: origin, size, base64 of the root")]
    Form {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A checkpoint over no leaves has another root than the empty tree.
    #[error("the checkpoint has size 0 and another root than the empty tree's")]
    EmptyRoot,
    /// The checkpoint is of another log than the key.
    #[error("the checkpoint is of `{found}`, expected one of `{expected}`, whose key was given")]
    Origin {
        /// Origin in the checkpoint.
        found: String,
        /// Name of the key.
        expected: String,
    },
    /// The key given is of a witness, where that of a log is needed, or the other way round.
    #[error("the key `{name}` has the wrong signature type: a log signs with 0x01, a witness with 0x04")]
    KeyType {
        /// Name of the key.
        name: String,
    },
    /// The note or its signatures.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What a checkpoint says: this log, so many leaves, this root. Nothing is checked about who says so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CheckpointBody {
    /// The log's origin: a URL without scheme.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl CheckpointBody {
    /// Reads the text of a note as a checkpoint. Extension lines are refused: our logs have none (docs/log-format.md, section 1).
    ///
    /// # Errors
    /// Says what is wrong with which line.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let form = |why| CheckpointError::Form { why };
        let mut lines = text
            .strip_suffix('\n')
            .ok_or(form("it does not end in a newline"))?
            .split('\n');
        let mut line = |why| lines.next().filter(|line| !line.is_empty()).ok_or(form(why));
        let origin = line("the origin is missing")?;
        let size = line("the size is missing")?;
        let root = line("the root is missing")?;
        if lines.next().is_some() {
            return Err(form("it has more than three lines"));
        }
        let size = decimal(size).ok_or(form("the size is not a decimal number without leading zeroes"))?;
        // Every integer of the format is one that all JSON readers keep exactly.
        if size > MAX_INTEGER {
            return Err(form("the size is above 2^53 - 1"));
        }
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let root: Hash = root.ok_or(form("the root is not the base64 of 32 bytes"))?;
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }

    /// Signs this checkpoint with the log's key.
    ///
    /// # Errors
    /// When the key is a witness's, or is of another log than the origin says.
    pub fn sign(&self, log: &Signer) -> Result<Checkpoint, CheckpointError> {
        fits(&self.origin, log.verifier())?;
        let text = self.to_string();
        let note = SignedNote::new(&text, vec![log.sign(&text, 0)])?;
        Ok(Checkpoint {
            body: self.clone(),
            note,
        })
    }
}

impl fmt::Display for CheckpointBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }
}

fn fits(origin: &str, log: &Verifier) -> Result<(), CheckpointError> {
    if log.algorithm() != Algorithm::Ed25519 {
        return Err(CheckpointError::KeyType {
            name: log.name().to_owned(),
        });
    }
    if log.name() != origin {
        return Err(CheckpointError::Origin {
            found: origin.to_owned(),
            expected: log.name().to_owned(),
        });
    }
    Ok(())
}

/// A checkpoint whose signature by its log has been checked, or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    body: CheckpointBody,
    note: SignedNote,
}

/// A witness's word, checked: at that time this checkpoint was the largest it knew of the log, and consistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    witness: String,
    id: u32,
    time_s: u64,
}

impl Cosigned {
    /// Name of the witness's key.
    #[must_use]
    pub fn witness(&self) -> &str {
        &self.witness
    }

    /// Id of the witness's key.
    #[must_use]
    pub const fn key_id(&self) -> u32 {
        self.id
    }

    /// When, in seconds since 1970, by the witness's clock.
    #[must_use]
    pub const fn time_s(&self) -> u64 {
        self.time_s
    }
}

impl Checkpoint {
    /// The checkpoint of a log before its first record, signed by its key. It fits every history, so signing it binds to
    /// nothing: a log that is about to begin asks its witnesses by it what they saw of this origin (`old` is 0, the proof
    /// empty; see [`crate::witness::Request::new`]). One that saw records answers 409 with their number.
    ///
    /// # Errors
    /// When the key is a witness's.
    pub fn empty(log: &Signer) -> Result<Self, CheckpointError> {
        let body = CheckpointBody {
            origin: log.verifier().name().to_owned(),
            size: 0,
            root: empty_root(),
        };
        body.sign(log)
    }

    /// Checks that `note` is a checkpoint of the log whose key `log` is, signed by that key.
    ///
    /// # Errors
    /// Says which part failed.
    pub fn verify(note: SignedNote, log: &Verifier) -> Result<Self, CheckpointError> {
        let body = CheckpointBody::parse(note.text())?;
        fits(&body.origin, log)?;
        note.verify(std::slice::from_ref(log))?;
        Ok(Self { body, note })
    }

    /// [`Self::verify`] on the bytes of a note.
    ///
    /// # Errors
    /// Says which part failed.
    pub fn verify_bytes(note: &[u8], log: &Verifier) -> Result<Self, CheckpointError> {
        Self::verify(SignedNote::parse(note)?, log)
    }

    /// What it says.
    #[must_use]
    pub const fn body(&self) -> &CheckpointBody {
        &self.body
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.body.origin
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.body.size
    }

    /// Root of the tree.
    #[must_use]
    pub const fn root(&self) -> &Hash {
        &self.body.root
    }

    /// The note, with all lines that came with it.
    #[must_use]
    pub const fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The cosignatures by `witnesses`, the earliest of each; lines by others are left aside. None is not an error.
    ///
    /// # Errors
    /// When a line by one of the witnesses does not verify, and when a key given is not a witness's.
    pub fn cosignatures(&self, witnesses: &[Verifier]) -> Result<Vec<Cosigned>, CheckpointError> {
        if let Some(other) = witnesses.iter().find(|key| key.algorithm() != Algorithm::CosignatureV1) {
            return Err(CheckpointError::KeyType {
                name: other.name().to_owned(),
            });
        }
        let verified = match self.note.verify(witnesses) {
            Err(NoteError::Unsigned { .. }) => Vec::new(),
            other => other?,
        };
        let cosigned = verified.into_iter().filter_map(|signature| {
            Some(Cosigned {
                witness: signature.name().to_owned(),
                id: signature.id(),
                time_s: signature.time_s()?,
            })
        });
        Ok(cosigned.collect())
    }

    /// The same checkpoint with one more signature line.
    ///
    /// # Errors
    /// When the note is full.
    pub fn with(self, line: SignatureLine) -> Result<Self, CheckpointError> {
        Ok(Self {
            body: self.body,
            note: self.note.with(line)?,
        })
    }

    /// The same checkpoint with the line of its log alone, whose key `log` is: others can be added without end.
    ///
    /// # Errors
    /// When that key has not signed it.
    pub fn alone(self, log: &Verifier) -> Result<Self, CheckpointError> {
        self.merged(&[], std::slice::from_ref(log))
    }

    /// The same checkpoint with one line for each of the `known` keys: the earliest of its own lines and `more`, all checked.
    pub(crate) fn merged(self, more: &[SignatureLine], known: &[Verifier]) -> Result<Self, CheckpointError> {
        let note = self.note.merged(more, known)?;
        Ok(Self { body: self.body, note })
    }
}
