//! What can go wrong with a log on disk.

use crate::checkpoint::CheckpointError;
use crate::handover::HandoverError;
use crate::record::DraftError;
use crate::section::SectionName;
use std::path::PathBuf;

/// Why a log cannot be opened, read or checked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process, or this one, has the log or the witness's memory open.
    #[error(
        "the store in `{dir}` is in use by another process (or opened twice by this one): stop that process, or give another directory"
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// A receipt could not be made.
    #[error(transparent)]
    Receipt(#[from] crate::cose::CoseError),
    /// A file could not be read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The store refused to read or write.
    #[error("the store in `{dir}` failed to {what}: {message}")]
    Store {
        /// Directory of the store.
        dir: PathBuf,
        /// What was to be done.
        what: &'static str,
        /// What RocksDB says.
        message: String,
    },
    /// The directory was written by a newer version.
    #[error("the store in `{dir}` has format {found}, this version knows up to {known}: use the newer program")]
    Newer {
        /// Directory of the store.
        dir: PathBuf,
        /// Format found.
        found: u64,
        /// Newest format known.
        known: u64,
    },
    /// The directory belongs to another party, another log or another key.
    #[error(
        "the store in `{dir}` is of {what} `{found}`, expected `{expected}`: check the directory and the configuration"
    )]
    OtherOwner {
        /// Directory of the store.
        dir: PathBuf,
        /// What differs.
        what: &'static str,
        /// As stored.
        found: String,
        /// As configured.
        expected: String,
    },
    /// The key-encryption key is not the one the store was made with.
    #[error(
        "the section keys in `{dir}` do not open with the given key-encryption key: it is another key, or the store was altered"
    )]
    WrongKek {
        /// Directory of the store.
        dir: PathBuf,
    },
    /// Something stored is not what it must be. Nothing was changed; restore a backup or continue in a new log.
    #[error("the store in `{dir}` is damaged: {what} is {found}, expected {expected}")]
    Corrupt {
        /// Directory of the log, or of the witness's memory.
        dir: PathBuf,
        /// What is damaged.
        what: String,
        /// What was expected.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The log was checked and does not verify: nothing more is written or signed.
    #[error(
        "the log in `{dir}` does not verify, so nothing more is recorded in it: {found}; stop the service if it runs, and see what `herleid doctor` says"
    )]
    Unsound {
        /// Directory of the log.
        dir: PathBuf,
        /// What a check found.
        found: String,
    },
    /// An option that no log can have.
    #[error("option `{option}`: {why}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// No such record.
    #[error("there is no record {index}: the log has {size}")]
    NoRecord {
        /// Index asked for.
        index: u64,
        /// Size of the log.
        size: u64,
    },
    /// No such size to prove from.
    #[error("no consistency proof from size {from} to {to}: sizes up to {size} can be proved, the smaller one first")]
    NoSize {
        /// Size to prove from.
        from: u64,
        /// Size to prove to.
        to: u64,
        /// Size of the log.
        size: u64,
    },
    /// The record does not have this section.
    #[error("record {index} has no section `{section}`")]
    NoSection {
        /// Index of the record.
        index: u64,
        /// The section.
        section: SectionName,
    },
    /// The section was erased.
    #[error("the section `{section}` of record {index} was erased")]
    Erased {
        /// Index of the record.
        index: u64,
        /// The section.
        section: SectionName,
    },
    /// Documents would take more room than they may.
    #[error(
        "documents in evidence take {used} bytes, and {more} more would pass the {most} that are allowed (`limits.evidence_bytes`): raise that, with room on the disk, or have erased what is not needed any more"
    )]
    EvidenceFull {
        /// Bytes that they take.
        used: u64,
        /// Bytes that would come.
        more: u64,
        /// Bytes that they may take.
        most: u64,
    },
    /// No quorum of witnesses has cosigned a checkpoint that covers the record.
    #[error(
        "record {index} is not yet under a checkpoint that enough witnesses cosigned; the latest such checkpoint covers {cosigned} records"
    )]
    NotCosigned {
        /// Index of the record.
        index: u64,
        /// Records covered.
        cosigned: u64,
    },
    /// A checkpoint that is not this log's.
    #[error("the checkpoint is not this log's: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint of this log over another history.
    #[error("the checkpoint of size {size} has another root than this log: one of the two was forged")]
    OtherHistory {
        /// Size of the checkpoint.
        size: u64,
    },
    /// A record made by this log does not pass a reader's checks.
    #[error("record {index} does not verify: {error}")]
    Record {
        /// Index of the record.
        index: u64,
        /// The check that failed.
        #[source]
        error: HandoverError,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

impl LedgerError {
    /// Whether it is the index alone that is damaged, of lineage or of terms: it can be made anew from the records
    /// ([`crate::Ledger::rebuild_lineage`]).
    #[must_use]
    pub fn is_of_index(&self) -> bool {
        matches!(self, Self::Corrupt { what, .. } if what.contains("lineage index") || what.contains("index of terms"))
    }

    /// Whether a check that ends with it has found damage. What could not be read for another reason (no descriptors left, a disk that is not
    /// there) may be in order.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Io { .. }
            | Self::InUse { .. }
            | Self::Newer { .. }
            | Self::OtherOwner { .. }
            | Self::Option { .. }
            | Self::EvidenceFull { .. }
            | Self::Closed => false,
            // RocksDB's word for checksums that do not fit; it has others for what it cannot read.
            Self::Store { message, .. } => message.starts_with("Corruption"),
            _ => true,
        }
    }

    /// Whether one thing that is stored was altered, or a block of a table in which it lies: others beside it may be in order. Of a key that does
    /// not open that is so once the store was opened with the key that opens all.
    #[must_use]
    pub fn is_altered(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::WrongKek { .. } => true,
            Self::Store { .. } => self.is_damage(),
            _ => false,
        }
    }
}

/// Why a draft did not become a record. The log is as it was before; the draft took no number.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The draft breaks a rule of its kind.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// There is a record for this once-key, made from another request.
    #[error(
        "`{key}` was recorded before with other content, as record {index}: the same transaction cannot mean two things"
    )]
    Conflict {
        /// The once-key.
        key: String,
        /// Index of the earlier record.
        index: u64,
    },
    /// The counter would pass its bound.
    #[error("`{key}` stands at {used}; {add} more would pass the {at_most} allowed")]
    Exhausted {
        /// The counter.
        key: String,
        /// Where it stands.
        used: u64,
        /// What was to be added.
        add: u64,
        /// The bound.
        at_most: u64,
    },
    /// More would be released than is reserved.
    #[error("`{key}` stands at {used}; {amount} cannot be released")]
    Unreserved {
        /// The counter.
        key: String,
        /// Where it stands.
        used: u64,
        /// What was to be released.
        amount: u64,
    },
    /// `log-opened` is made by the log.
    #[error("`log-opened` is the first record of a log, which makes it itself")]
    LogOpened,
    /// `erased` is made by the log.
    #[error("`erased` says what the log has erased, which makes that record itself: use `Ledger::erase`")]
    Erased,
    /// Reading back failed, or the log was closed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
