//! In what a world differs from an honest one.

/// What somebody in the case does that they should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    None,
    /// Nobody lies: KNMI's delivery broke off, and went on in a second segment.
    Resumed,
    /// Nobody lies: KNMI's rain is the answer of an API, digested on the way.
    OnTheWay,
    /// As [`Self::Resumed`], and the decision relies on the delivery itself.
    ResumedDelivery,
    /// As [`Self::Resumed`], but the app shows other bytes for the second segment than KNMI recorded.
    AlteredSegment,
    /// KNMI records another exchange than it made.
    AlteredExchange,
    /// The water board records other parameters than it was asked for.
    SwappedParameter,
    /// The water board gives two runs one number.
    ReusedNumber,
    /// The app gives no receipts of KNMI's delivery to the auditor.
    WithheldReceipt,
    /// The decision relies on an output with another digest.
    OtherOutput,
    /// The app records a decision of the policy engine that the engine does not reach.
    OtherPolicyDecision,
    /// The app shows a request that was signed for something else.
    OtherRequest,
    /// The app shows a credential by somebody whom nobody trusts.
    ForgedCredential,
    /// The app passes on other rain than it was given.
    AlteredPassOn,
    /// The app takes a decision to use the rain for one to pass it on.
    BorrowedDecision,
    /// The app records a decision that is said to be by another engine.
    FalseEngine,
    /// The app shows a request under a key that the board does not have.
    FabricatedKey,
    /// KNMI's receipt is signed with a key that it has given up.
    RetiredKey,
    /// Both ends record the second run as one of another model than they exchanged.
    SwappedModel,
    /// The app puts outputs of its own beside the last run.
    ForeignRun,
    /// The app delivers something to itself.
    OneParty,
    /// The board's receipt of the last run does not show its number.
    StrippedNumber,
    /// The board's receipt of the last run does not show what it brought.
    StrippedContent,
    /// The decision counts a section that is no stream.
    StreamOfOtherKind,
    /// No lie: the decision rests on the rain itself.
    ReliesOnDelivery,
    /// No lie: the board's receipt of the last `run-started` does not show the exchange, which another copy does.
    StrippedExchange,
    /// No lie: the second run fails, and both ends record that.
    FailedRun,
    /// No lie: the app's clock is set back by an hour.
    SteppedClock,
    /// The app's clock is set back, and it shows requests that were signed two hours before that.
    StaleRequest,
    /// The decision claims streams without end.
    ManyStreams,
    /// No lie: the pull from KNMI has an id of a later time than what was passed on after it.
    LateId,
    /// The app passes the rain on before it has it, and then pulls it.
    LatePull,
    /// The second run has two outputs of one name.
    TwoOutputs,
}

impl Lie {
    /// Whether the app's clock has been set back.
    pub fn has_clock_set_back(self) -> bool {
        matches!(self, Self::SteppedClock | Self::StaleRequest)
    }
}
