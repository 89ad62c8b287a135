//! That a log has two histories, in a form that anybody can check, offline, with the log's key alone.
//!
//! Two checkpoints that one key signed, of one size and with two roots, exclude each other as they are. Of two sizes they do so only with
//! what the larger tree begins with: the root of its first leaves, as many as the smaller checkpoint has, and the consistency proof from
//! there (RFC 9162, section 2.1.4). If that root is another than the smaller checkpoint's, no log has both.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::merkle::{self, Hash, ProofError};
use crate::note::Verifier;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Role of the document that holds a [`Beginning`], beside the two of role `checkpoint` (docs/log-format.md, section 6, `witness-conflict`).
pub const ROLE: &str = "beginning";

/// Media type of that document.
pub const MEDIA_TYPE: &str = "text/plain";

/// First line of its text.
pub const FORMAT: &str = "herleid-beginning/1";

/// Most hashes of a proof: one a level and the first, and sizes are below 2^53 (as [`crate::witness::MAX_PROOF_LINES`]).
const MAX_PROOF: usize = 63;

/// Longest text: the format's name and 64 lines of base64 of 32 bytes.
pub const MAX_BYTES: usize = 32 + (MAX_PROOF + 1) * 45;

/// Why two checkpoints are no proof of two histories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// One of the checkpoints.
    #[error("one of the two checkpoints is not believed: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// They are of two logs.
    #[error("the checkpoints are of two logs, `{one}` and `{other}`, which may differ")]
    Origins {
        /// The first one's.
        one: String,
        /// The second one's.
        other: String,
    },
    /// Both are of one history.
    #[error(
        "the checkpoints of {smaller} and {larger} records are of one history, as far as what came with them shows"
    )]
    OneHistory {
        /// The smaller size.
        smaller: u64,
        /// The larger size.
        larger: u64,
    },
    /// What the larger tree begins with is missing.
    #[error(
        "the checkpoints have two sizes, {smaller} and {larger}: without the root of the first {smaller} records of the larger one, and the proof of it, they contradict nothing"
    )]
    NoBeginning {
        /// The smaller size.
        smaller: u64,
        /// The larger size.
        larger: u64,
    },
    /// What the larger tree is said to begin with is not what it begins with.
    #[error("what the larger tree is said to begin with does not lead to its root: {0}")]
    Proof(#[from] ProofError),
    /// The text is not of its form.
    #[error("not a text of the form `{FORMAT}`: {why}")]
    Form {
        /// What is wrong.
        why: &'static str,
    },
}

/// What a tree begins with: the root of its first leaves, and the consistency proof from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The root of the first leaves.
    pub root: Hash,
    /// The consistency proof from them to the tree.
    pub proof: Vec<Hash>,
}

impl Beginning {
    /// Reads the text.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, ForkError> {
        let form = |why| ForkError::Form { why };
        if text.len() > MAX_BYTES {
            return Err(form("it is longer than any can be"));
        }
        let text = std::str::from_utf8(text).map_err(|_| form("it is not UTF-8"))?;
        let text = text.strip_suffix('\n').ok_or(form("it does not end in a newline"))?;
        let mut lines = text.split('\n');
        if lines.next() != Some(FORMAT) {
            return Err(form("its first line is not the name of the form"));
        }
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        let hashes: Option<Vec<Hash>> = lines.map(hash).collect();
        let mut hashes = hashes.ok_or(form("a line is not the base64 of 32 bytes"))?.into_iter();
        let root = hashes.next().ok_or(form("it has no root"))?;
        let proof: Vec<Hash> = hashes.collect();
        if proof.len() > MAX_PROOF {
            return Err(form("it has more hashes than any proof"));
        }
        Ok(Self { root, proof })
    }
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORMAT}")?;
        for hash in std::iter::once(&self.root).chain(&self.proof) {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        Ok(())
    }
}

/// Two checkpoints of one log that exclude each other, checked. Only [`Fork::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    smaller: Checkpoint,
    larger: Checkpoint,
}

impl Fork {
    /// Checks that `one` and `other`, both signed by one key, exclude each other; `beginning` is of the larger one, and needed where their
    /// sizes differ.
    ///
    /// # Errors
    /// Why they prove nothing.
    pub fn check(one: Checkpoint, other: Checkpoint, beginning: Option<&Beginning>) -> Result<Self, ForkError> {
        if one.origin() != other.origin() {
            return Err(ForkError::Origins {
                one: one.origin().to_owned(),
                other: other.origin().to_owned(),
            });
        }
        let (smaller, larger) = if one.size() <= other.size() {
            (one, other)
        } else {
            (other, one)
        };
        let (from, to) = (smaller.size(), larger.size());
        let begins_with = match beginning {
            _ if from == to => *larger.root(),
            None => {
                return Err(ForkError::NoBeginning {
                    smaller: from,
                    larger: to,
                });
            }
            Some(beginning) => {
                merkle::verify_consistency(from, to, &beginning.proof, &beginning.root, larger.root())?;
                beginning.root
            }
        };
        if begins_with == *smaller.root() {
            return Err(ForkError::OneHistory {
                smaller: from,
                larger: to,
            });
        }
        Ok(Self { smaller, larger })
    }

    /// The same from what is kept: two signed notes and, where their sizes differ, the text of the beginning; `log` is the key of both.
    ///
    /// # Errors
    /// Why they prove nothing.
    pub fn read(notes: [&[u8]; 2], beginning: Option<&[u8]>, log: &Verifier) -> Result<Self, ForkError> {
        let [one, other] = notes.map(|note| Checkpoint::verify_bytes(note, log));
        let beginning = beginning.map(Beginning::parse).transpose()?;
        Self::check(one?, other?, beginning.as_ref())
    }

    /// The checkpoint of fewer records, or one of both.
    #[must_use]
    pub const fn smaller(&self) -> &Checkpoint {
        &self.smaller
    }

    /// The other one.
    #[must_use]
    pub const fn larger(&self) -> &Checkpoint {
        &self.larger
    }
}
