//! Why a record handed over is not believed.

use super::FORMAT;
use crate::checkpoint::CheckpointError;
use crate::merkle::ProofError;
use crate::section::SectionName;
use herleid_vocab::json::JsonError;

/// Why a record handed over is not believed. Each check has a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// The text is not of the form of section 7: not strict JSON, a member missing, or one too many.
    #[error("not a record handed over (docs/log-format.md, section 7): {why}")]
    Form {
        /// What is wrong, and where.
        why: String,
    },
    /// Another format than this version reads.
    #[error("the format is `{found}`, expected `{FORMAT}`")]
    Format {
        /// The format found.
        found: String,
    },
    /// A section name that is not registered.
    #[error("`{name}` is not the name of a section")]
    UnknownSection {
        /// The name found.
        name: String,
    },
    /// The record has no envelope: no log makes such a record.
    #[error("`macs` does not name `envelope`, which every record has")]
    NoEnvelope,
    /// A MAC is not 64 lower-case hex digits.
    #[error("the MAC of `{section}` is not 64 lower-case hex digits")]
    BadMac {
        /// The section.
        section: SectionName,
    },
    /// An opened section does not stand in the map of MACs.
    #[error("`{section}` is opened, but `macs` does not name it")]
    NotInMacs {
        /// The section.
        section: SectionName,
    },
    /// A key is not 32 bytes long.
    #[error("the key of `{section}` is {found} bytes long, expected 32")]
    BadKeyLength {
        /// The section.
        section: SectionName,
        /// Bytes found.
        found: usize,
    },
    /// A key is not lower-case hex.
    #[error("the key of `{section}` is not lower-case hex")]
    BadKey {
        /// The section.
        section: SectionName,
    },
    /// The section's bytes do not have the MAC that the log holds.
    #[error("the MAC of `{section}` does not fit its bytes and key: the section was altered, or is of another record")]
    MacMismatch {
        /// The section.
        section: SectionName,
    },
    /// The section's bytes are not a section.
    #[error("the bytes of `{section}` are not a section: {error}")]
    SectionForm {
        /// The section.
        section: SectionName,
        /// What is wrong.
        #[source]
        error: JsonError,
    },
    /// A hash of a proof is not the base64 of 32 bytes, or there are too many.
    #[error("hash {place} of `{member}` is not the base64 of 32 bytes, or one too many")]
    ProofForm {
        /// `proof` or `consistency.proof`.
        member: &'static str,
        /// Counted from 1.
        place: usize,
    },
    /// The checkpoint or its signature.
    #[error("the checkpoint is not believed: {0}")]
    Checkpoint(#[source] CheckpointError),
    /// The record says another origin than its checkpoint.
    #[error("the record is of `{found}`, its checkpoint of `{expected}`")]
    Origin {
        /// Origin in the record.
        found: String,
        /// Origin in the checkpoint.
        expected: String,
    },
    /// The record is not in the log at that place.
    #[error("the record is not proved to stand at index {index} of the log: {error}")]
    Inclusion {
        /// The index claimed.
        index: u64,
        /// What does not fit.
        #[source]
        error: ProofError,
    },
    /// No proof that the checkpoint extends the one that the reader knew.
    #[error("no consistency proof from size {known}, which the reader named; {found}")]
    NoConsistency {
        /// Size that the reader knew.
        known: u64,
        /// What was found instead.
        found: String,
    },
    /// The checkpoint does not extend the one that the reader knew: the log shows two histories.
    #[error("the log of size {to} does not extend the one of size {from} that was known before: {error}")]
    Consistency {
        /// Size that the reader knew.
        from: u64,
        /// Size of the record's checkpoint.
        to: u64,
        /// What does not fit.
        #[source]
        error: ProofError,
    },
}
