//! The lies by their names, and what else keeps a receipt from being accepted.

use crate::state::StateError;
use herleid_ledger::fork::Beginning;
use herleid_ledger::handover::HandoverError;
use herleid_ledger::section::SectionName;
use serde_json::Value;

/// What a peer did that an honest one does not do.
#[derive(Debug, thiserror::Error)]
pub enum Lie {
    /// No receipt came with the data.
    #[error(
        "receipt withheld: `{peer}` sent data without the receipt for it; nothing of it is used: ask its operator for the record of transaction {transaction}"
    )]
    ReceiptWithheld {
        /// Who.
        peer: String,
        /// Which transaction.
        transaction: String,
    },
    /// The receipt does not verify.
    #[error("receipt invalid: what `{peer}` handed over does not verify: {error}")]
    ReceiptInvalid {
        /// Who.
        peer: String,
        /// Which check failed.
        error: HandoverError,
    },
    /// The receipt verifies, but a section of it says what no log writes.
    #[error("receipt invalid: `{section}` in the record that `{peer}` handed over is not of its form: {why}")]
    ReceiptMalformed {
        /// Who.
        peer: String,
        /// The section.
        section: SectionName,
        /// What was found and what was expected.
        why: String,
    },
    /// The receipt is about something else than what was asked for and received.
    #[error(
        "exchange altered: `{peer}` recorded `{member}` as `{recorded}`, this end asked for and received `{expected}`"
    )]
    ExchangeAltered {
        /// Who.
        peer: String,
        /// Which member of `exchange`.
        member: String,
        /// What the peer recorded.
        recorded: String,
        /// What this end knows.
        expected: String,
    },
    /// A number of a stream was given to two records.
    #[error(
        "number reused: `{peer}` gave number {n} of its stream {stream} to two records (leaves {first} and {second}); the second is kept as proof"
    )]
    NumberReused {
        /// Who.
        peer: String,
        /// Stream id.
        stream: String,
        /// The number.
        n: u64,
        /// Leaf seen first.
        first: String,
        /// Leaf seen now.
        second: String,
    },
    /// One stream got two ids: by starting anew, a peer could leave records out without a gap in the numbers.
    #[error(
        "stream changed: `{peer}` numbered this `{section}` in the stream {first} before and now in {second}; the record that says so is kept as proof"
    )]
    StreamChanged {
        /// Who.
        peer: String,
        /// The section.
        section: SectionName,
        /// Id seen first.
        first: String,
        /// Id seen now.
        second: String,
    },
    /// The log says that it has fewer records than it showed: it went back, and will show another history next.
    #[error(
        "log forked: `{origin}` says that it has fewer records than the {known} that it showed before; what it takes up from here is a second history: keep this message, and ask its operator"
    )]
    LogShrunk {
        /// The log.
        origin: String,
        /// Size before.
        known: u64,
    },
    /// Two histories of one log.
    #[error(
        "log forked: `{origin}` showed a checkpoint of size {size} that does not continue the one of size {known} seen before; both are kept, with what proves it"
    )]
    LogForked {
        /// The log.
        origin: String,
        /// Size now.
        size: u64,
        /// Size before.
        known: u64,
        /// Where they differ: what the larger of both trees begins with, without which the two prove nothing.
        beginning: Option<Beginning>,
    },
}

impl Lie {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ReceiptWithheld { .. } => "receipt withheld",
            Self::ReceiptInvalid { .. } | Self::ReceiptMalformed { .. } => "receipt invalid",
            Self::ExchangeAltered { .. } => "exchange altered",
            Self::NumberReused { .. } => "number reused",
            Self::StreamChanged { .. } => "stream changed",
            Self::LogForked { .. } | Self::LogShrunk { .. } => "log forked",
        }
    }

    /// Whether what was handed over proves it to others: it bears the signature of the log's own key.
    #[must_use]
    pub(super) const fn is_proved(&self) -> bool {
        matches!(
            self,
            Self::ReceiptMalformed { .. }
                | Self::NumberReused { .. }
                | Self::StreamChanged { .. }
                | Self::LogForked { .. }
        )
    }
}

/// Why a receipt is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The peer lied, or its receipt was altered on the way.
    #[error(transparent)]
    Lie(#[from] Lie),
    /// The other log's key is not usable.
    #[error("the log key of `{origin}` is not usable: {why}")]
    Key {
        /// The log.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// The proof that continues what was seen before could not be had: neither that it does nor that it does not is known.
    #[error("`{origin}` could not be asked to prove that it continues what it showed before: {why}")]
    Unproved {
        /// The log.
        origin: String,
        /// What happened.
        why: String,
    },
    /// Our own memory failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ReceiptError {
    /// Whether the same receipt may be accepted in a while: nothing was found out against whoever handed it over.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unproved { .. })
    }
}

/// Compares two `exchange` sections member by member and names the first difference.
///
/// # Errors
/// [`Lie::ExchangeAltered`].
pub fn same_exchange(peer: &str, recorded: &Value, expected: &Value) -> Result<(), Lie> {
    let altered = |member: &str, recorded: &Value, expected: &Value| Lie::ExchangeAltered {
        peer: peer.to_owned(),
        member: member.to_owned(),
        recorded: recorded.to_string(),
        expected: expected.to_string(),
    };
    let (Some(found), Some(wanted)) = (recorded.as_object(), expected.as_object()) else {
        return Err(altered("exchange", recorded, expected));
    };
    for (name, value) in wanted {
        let other = found.get(name).unwrap_or(&Value::Null);
        if other != value {
            return Err(altered(name, other, value));
        }
    }
    match found.keys().find(|name| !wanted.contains_key(*name)) {
        Some(extra) => Err(altered(extra, found.get(extra).unwrap_or(&Value::Null), &Value::Null)),
        None => Ok(()),
    }
}
