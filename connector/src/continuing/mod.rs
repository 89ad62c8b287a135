//! What becomes of a log that was lost: its successor, under an origin and in a folder of its own, and what is left of the one before.
//!
//! Nothing is written into the old log, and nothing more is signed under its origin (docs/decisions/0019-a-successor-log.md).

mod begin;
mod inspect;
mod place;

pub use begin::{Begun, begin, begun};
pub use inspect::{Inspected, Old, inspect};
pub use place::{PlaceError, directory, of, previous};
pub(crate) use place::{next, parts};

use crate::net::error::TlsError;
use crate::node::SecretsError;
use crate::storage::StorageError;
use crate::witnessing::WitnessingError;
use herleid_ledger::checkpoint::CheckpointError;
use herleid_ledger::note::NoteError;
use herleid_ledger::{AppendError, LedgerError};
use std::path::PathBuf;

/// Why a log is not continued. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ContinuingError {
    /// Where the logs lie.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A log.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The storage directory.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Key files.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The outbound client.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An origin that cannot name a key.
    #[error("the log's key cannot be used: {0}")]
    Key(#[from] NoteError),
    /// A checkpoint of our own.
    #[error("a checkpoint cannot be made: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The first records of the successor.
    #[error("the successor's first records were not taken: {0}")]
    Append(#[from] AppendError),
    /// A folder.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file given with `--checkpoint`.
    #[error(
        "`{path}` is no checkpoint of `{origin}`: {why}; expected a signed note of that log, as a witness or a peer keeps it"
    )]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// The log.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// The origin has no number to count on from.
    #[error("`{origin}` has no successor: expected `<host>[:<port>]/log/<number>`")]
    NoNumber {
        /// The origin.
        origin: String,
    },
    /// Too few witnesses answer.
    #[error(
        "only {reached} of the {needed} witnesses needed answer, so nobody can say how far `{origin}` went: {why}; see to the network, or name under `trust.witnesses` \
         only witnesses that are still there, then run this again"
    )]
    NoQuorum {
        /// The log.
        origin: String,
        /// How many answered.
        reached: usize,
        /// How many must.
        needed: usize,
        /// What the last one that did not answer said.
        why: String,
    },
    /// The successor has a history already, which is not here.
    #[error(
        "`{successor}` was begun before: the witness `{witness}` has seen {size} records of it, and they are not in `{storage}`; \
         set `ledger.origin = \"{successor}\"`, the log that was lost last, and run this again"
    )]
    BegunElsewhere {
        /// The successor's origin.
        successor: String,
        /// Who has seen it.
        witness: String,
        /// How many records.
        size: u64,
        /// The storage directory.
        storage: PathBuf,
    },
    /// Witnesses asked.
    #[error(transparent)]
    Witness(#[from] WitnessingError),
    /// Nothing is lost.
    #[error(
        "nothing of `{origin}` is known to be lost: its {size} records are here, and no witness that was asked has seen more or others; start it with `herleid serve`. \
         If `herleid doctor` found it damaged, say `--even-if-sound`"
    )]
    Sound {
        /// The log.
        origin: String,
        /// Its records.
        size: u64,
    },
}
