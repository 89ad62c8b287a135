//! Both ends of witnessing: the witness that this connector may be for others, and the asking of our own witnesses.

mod asking;
mod enough;
mod rounds;
mod seen;
mod service;
mod standing;
#[cfg(test)]
mod tests;

pub use asking::{Witness, ask, cosigned_by};
pub use enough::needed_to_start;
pub use rounds::{Told, keep_asking};
pub use seen::{ask_of_new, last_of, not_continued, seen_by};
pub use service::WitnessService;
pub use standing::{Standings, WitnessStanding};

use herleid_ledger::LedgerError;

/// Why witnessing failed.
#[derive(Debug, thiserror::Error)]
pub enum WitnessingError {
    /// The memory of the witness that we are for others failed.
    #[error("what this witness remembers cannot be read or written, so it cosigns nothing: {0}")]
    Memory(LedgerError),
    /// Our own log could not be read.
    #[error("the log could not be read for its witness: {0}")]
    Ledger(String),
    /// The witness could not be reached.
    #[error("the witness `{name}` could not be reached: {why}")]
    Unreachable {
        /// Name of its key.
        name: String,
        /// What happened.
        why: String,
    },
    /// The witness refused.
    #[error("the witness `{name}` refused the checkpoint: {why}")]
    Refused {
        /// Name of its key.
        name: String,
        /// Its words.
        why: String,
    },
    /// What we store of our own log does not lead to what we signed.
    #[error(
        "the tiles of `{origin}` in the storage directory are damaged: from its first {old} records they do not lead to the checkpoint of {size} records that it signed, \
         so no witness can be shown that the log only grew; stop the service and run `herleid doctor`, which names what is damaged"
    )]
    Damaged {
        /// Our origin.
        origin: String,
        /// Where the proof begins.
        old: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// The witness knows more of our log than we do.
    #[error(
        "the witness `{name}` has seen {witnessed} records of `{origin}`, this log has {own}: records were lost (a backup was restored, or the directory was cloned); \
         the log must not go on under this origin"
    )]
    Behind {
        /// Name of its key.
        name: String,
        /// Our origin.
        origin: String,
        /// Size that the witness cosigned.
        witnessed: u64,
        /// Our size.
        own: u64,
    },
    /// The witness cosigned another history of our log.
    #[error(
        "the witness `{name}` has seen another history of `{origin}` than this log of {own} records (a backup was restored and gone on with, or the directory was cloned): {why}; \
         the log must not go on under this origin"
    )]
    Inconsistent {
        /// Name of its key.
        name: String,
        /// Our origin.
        origin: String,
        /// Our size.
        own: u64,
        /// Its words.
        why: String,
    },
    /// The witness knows a successor of our log.
    #[error(
        "the witness `{name}` has seen {size} records of `{successor}`, which continues `{origin}`: a backup from before that was put back, or a copy of the directory goes on elsewhere; \
         the log must not go on under this origin"
    )]
    Continued {
        /// Name of its key.
        name: String,
        /// Our origin.
        origin: String,
        /// The successor's.
        successor: String,
        /// Records of that.
        size: u64,
    },
}

impl WitnessingError {
    /// Whether the witness says that this log is not the one it knows: going on would sign a second history.
    #[must_use]
    pub const fn is_rollback(&self) -> bool {
        matches!(
            self,
            Self::Behind { .. } | Self::Inconsistent { .. } | Self::Continued { .. }
        )
    }

    /// Whether nothing more may be signed: asking again cannot mend it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.is_rollback() || matches!(self, Self::Damaged { .. })
    }
}
