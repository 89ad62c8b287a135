//! Why a draft is not a record, and which rule a record breaks.

use super::Kind;
use crate::exchange::ExchangeError;
use crate::section::SectionName;
use herleid_vocab::json::JsonError;

/// Why a draft is refused before it reaches the log. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A section that the log makes itself was given.
    #[error("the section `{section}` is made by the log; a draft of `{kind}` cannot bring it")]
    MadeByLog {
        /// Kind of the draft.
        kind: Kind,
        /// The section.
        section: SectionName,
    },
    /// A section or a stream was given twice.
    #[error("the draft of `{kind}` brings the section `{section}` twice")]
    Twice {
        /// Kind of the draft.
        kind: Kind,
        /// The section.
        section: SectionName,
    },
    /// A rule of the kind is broken.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// `evidence.documents` as given is not a list.
    #[error("`evidence.documents` of the draft of `{kind}` is not an array")]
    Documents {
        /// Kind of the draft.
        kind: Kind,
    },
    /// `exchange.content` is not the MAC over `content`.
    #[error("`exchange.content` of the draft of `{kind}` does not commit to its `content` section")]
    ContentMac {
        /// Kind of the draft.
        kind: Kind,
    },
    /// `exchange` or `content` is not of its form.
    #[error("draft of `{kind}`: {error}")]
    Exchange {
        /// Kind of the draft.
        kind: Kind,
        /// What is wrong.
        #[source]
        error: ExchangeError,
    },
    /// A section cannot be written.
    #[error("draft of `{kind}`, section `{section}`: {error}")]
    Section {
        /// Kind of the draft.
        kind: Kind,
        /// The section.
        section: SectionName,
        /// What is wrong.
        #[source]
        error: JsonError,
    },
    /// The envelope would not be a section.
    #[error(
        "draft of `{kind}`: its envelope, which names {prior} earlier records, cannot be written: {error}; name fewer, such as the last of each stream"
    )]
    Envelope {
        /// Kind of the draft.
        kind: Kind,
        /// Earlier records that it names.
        prior: usize,
        /// What is wrong.
        #[source]
        error: JsonError,
    },
    /// The trace context is not a W3C `traceparent`.
    #[error(
        "`{found}` is not a W3C traceparent: expected `00-<32 hex>-<16 hex>-<2 hex>`, lower case, ids not all zero"
    )]
    Trace {
        /// What was given, cut off at 80 characters.
        found: String,
    },
    /// A key of the once-keys, counters or state is too long.
    #[error("a key of {found} bytes is too long: at most {limit} are kept")]
    KeyLength {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// Which rule of its kind a record breaks ([`Kind::check`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A section that the kind needs is missing.
    #[error("a `{kind}` record needs the section `{section}` (docs/log-format.md, section 6)")]
    Missing {
        /// Kind of the record.
        kind: Kind,
        /// The section.
        section: SectionName,
    },
    /// A member that the kind needs is missing.
    #[error("a `{kind}` record needs `{section}.{member}` (docs/log-format.md, section 6)")]
    Member {
        /// Kind of the record.
        kind: Kind,
        /// The section.
        section: SectionName,
        /// The member, or the alternatives.
        member: String,
    },
    /// A member has another value than the kind allows.
    #[error("a `{kind}` record has `{section}.{member}` {expected}, found `{found}`")]
    Value {
        /// Kind of the record.
        kind: Kind,
        /// The section.
        section: SectionName,
        /// The member.
        member: &'static str,
        /// What is allowed.
        expected: String,
        /// What the record has.
        found: String,
    },
    /// A document that the kind needs is not listed.
    #[error("a `{kind}` record needs {expected} document(s) of role `{role}` in `evidence.documents`, found {found}")]
    Role {
        /// Kind of the record.
        kind: Kind,
        /// The role.
        role: &'static str,
        /// How many at least.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// `exchange` stands there without `content`, or the other way round.
    #[error("a `{kind}` record has both `exchange` and `content` or neither, since the one commits to the other")]
    ExchangeAlone {
        /// Kind of the record.
        kind: Kind,
    },
}
