//! Why nothing is erased.

use super::{LONGEST, MOST};
use crate::error::{AppendError, LedgerError};
use crate::record::{DraftError, Kind};
use crate::section::SectionName;

/// Why nothing is erased. The log is as it was before, unless it is [unknown](Self::is_unknown).
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nothing is named.
    #[error("nothing is named that is to be erased: name records")]
    Nothing,
    /// Too much at once.
    #[error("{found} records are to be erased at once, at most {MOST} can be: do it in parts")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// A record is named twice.
    #[error("record {index} is named twice: name it once, with all its sections")]
    Twice {
        /// Its number.
        index: u64,
    },
    /// Records of this kind stay.
    #[error(
        "record {index} is `{kind}`: records of this kind say what the log is and what was erased from it, and are never erased: leave it out"
    )]
    Kind {
        /// Its number.
        index: u64,
        /// Its kind.
        kind: Kind,
    },
    /// Records of erasing itself stay.
    #[error(
        "record {index} is of a hold, of a proposal to erase something or of what another party told of an erasure: such records are never erased, leave it out"
    )]
    Act {
        /// Its number.
        index: u64,
    },
    /// This section stays.
    #[error(
        "the section `{section}` of record {index} is never erased: it holds the record's place and nothing else; name others, or none for all that can be erased"
    )]
    Section {
        /// Number of the record.
        index: u64,
        /// The section.
        section: SectionName,
    },
    /// It was erased before.
    #[error("of record {index} {what} was erased before, leave it out; `erased` records say when and why")]
    Before {
        /// Number of the record.
        index: u64,
        /// Which sections, or everything.
        what: String,
    },
    /// The authority cannot stand in a record.
    #[error(
        "the authority is empty, has several lines or is longer than {LONGEST} characters: name a selection list and its category, a decision or a request, in one line"
    )]
    Authority,
    /// The time by which it is complete has passed.
    #[error(
        "it is to be complete by {complete_by_ms}, which has passed (it is {now_ms}; UTC milliseconds since 1970): give a time to come"
    )]
    Past {
        /// The time given.
        complete_by_ms: u64,
        /// The time now.
        now_ms: u64,
    },
    /// The tombstone cannot be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log cannot be read, has no such record or section, or was closed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl EraseError {
    /// Whether the log may have been changed all the same: it was closed before it answered. The next opening knows.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::Ledger(LedgerError::Closed) | Self::Append(AppendError::Ledger(LedgerError::Closed))
        )
    }
}

impl From<DraftError> for EraseError {
    fn from(error: DraftError) -> Self {
        Self::Append(error.into())
    }
}
