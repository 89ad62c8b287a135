//! The kinds of record.

use std::fmt;
use std::str::FromStr;

/// A kind that is not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of record; the kinds stand in docs/log-format.md, section 6")]
pub struct UnknownKind(pub String);

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What a record is about (docs/log-format.md, section 6).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $variant),+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The kind as it stands in an envelope.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}

kinds! {
    /// The first record of every log.
    LogOpened = "log-opened",
    /// A dataset version became available.
    DatasetPublished = "dataset-published",
    /// A model version became available.
    ModelPublished = "model-published",
    /// A dataset version is no longer available.
    DatasetWithdrawn = "dataset-withdrawn",
    /// A model version is no longer available.
    ModelWithdrawn = "model-withdrawn",
    /// An agreement holds from now on.
    AgreementConcluded = "agreement-concluded",
    /// An agreement has ended.
    AgreementTerminated = "agreement-terminated",
    /// Provider: a pull was authorised; written before the first byte leaves.
    PullOpened = "pull-opened",
    /// Provider: what left, when its digest was not known at the start.
    PullServed = "pull-served",
    /// Consumer: what arrived; written before the application gets it.
    PullReceived = "pull-received",
    /// Provider: the consumer's receipts.
    PullAcknowledged = "pull-acknowledged",
    /// A pull broke off.
    PullAborted = "pull-aborted",
    /// Provider: no receipt by the deadline.
    PullUnacknowledged = "pull-unacknowledged",
    /// Provider: a pull of a peer that keeps no log was authorised; written before the first byte leaves.
    OneSidedPullOpened = "one-sided-pull-opened",
    /// Consumer: what arrived from a peer that keeps no log; written before the application gets it.
    OneSidedPullReceived = "one-sided-pull-received",
    /// A request was refused.
    Denied = "denied",
    /// Consumer: asks for a run.
    RunRequested = "run-requested",
    /// Provider: durable before the program runs.
    RunStarted = "run-started",
    /// Provider: outputs.
    RunFinished = "run-finished",
    /// Provider: no outputs.
    RunFailed = "run-failed",
    /// Consumer: outputs arrived.
    RunReceived = "run-received",
    /// A decision, with its author.
    DecisionMade = "decision-made",
    /// The trust store was changed.
    TrustChanged = "trust-changed",
    /// A key was changed.
    KeyChanged = "key-changed",
    /// First record after `log-opened` of a log that follows a lost one.
    Continued = "continued",
    /// A correction of an earlier record.
    Superseded = "superseded",
    /// A tombstone.
    Erased = "erased",
    /// Sections were opened to somebody who is not the counterparty.
    Disclosed = "disclosed",
    /// A run was repeated and compared.
    Replayed = "replayed",
    /// What was had under an agreement was deleted, as the end that had it states; in both ends' logs.
    DeletionStated = "deletion-stated",
    /// A log showed two histories.
    WitnessConflict = "witness-conflict",
}

impl Kind {
    /// Whether records of this kind are never erased: they say what the log is, under which keys, and what was erased from it.
    #[must_use]
    pub const fn is_never_erased(self) -> bool {
        matches!(
            self,
            Self::LogOpened | Self::Continued | Self::KeyChanged | Self::Erased | Self::WitnessConflict
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let known = Self::ALL.iter().copied().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| UnknownKind(text.chars().take(80).collect()))
    }
}
