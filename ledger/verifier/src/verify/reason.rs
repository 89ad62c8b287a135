//! Why an element got its verdict: a code for programs, and a sentence for people in two languages.

mod english;
mod nederlands;

use super::text::Language;
use serde::Serialize;

/// Who says how long a stream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "who", rename_all = "kebab-case")]
pub enum StatedBy {
    /// Its own numbers, as far as they are there.
    OwnNumbers,
    /// Receipts of the other end.
    Receipts,
    /// The decision.
    Decision,
    /// That party, in the anchors.
    Party {
        /// Which.
        did: String,
    },
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $({ $($field:ident: $type:ty),+ })?),+ $(,)?) => {
        /// Why. Texts are in [`Reason::text`].
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
        #[expect(missing_docs, reason = "the fields' names say what they hold; the sentences are in `english.rs`")]
        pub enum Reason {
            $($(#[$doc])* $name $({ $($field: $type),+ })?),+
        }
    };
}

reasons! {
    /// A check of a lower layer refused; its own words.
    Refused { why: String },
    /// So many files are as listed.
    Files { count: u64 },
    /// The zip has a file that the manifest does not list.
    NotListed,
    /// The manifest lists a file that the zip does not have.
    ListedButAbsent,
    /// The file's length or SHA-256 is another than listed.
    OtherDigest,
    /// No anchors were given.
    NoAnchors,
    /// The anchors do not know this log.
    NotAnchored,
    /// Neither anchors nor dossier have a key for this origin.
    NoKey { origin: String },
    /// The anchors have another key for this log.
    OtherKey,
    /// The log is another party's.
    OtherParty { claimed: String, anchored: String },
    /// The key did not count at that time.
    KeyNotValidThen { at_ms: u64 },
    /// These witnesses cosigned.
    Witnessed { by: Vec<String>, at_ms: u64 },
    /// The key counted for a time only, and nothing tells when this was signed.
    Undated,
    /// Too few witnesses, or none from outside.
    NotWitnessed { found: u64, quorum: u64, outside: bool },
    /// The time lies in the future of the auditor's clock.
    InTheFuture { what: String, at_ms: u64 },
    /// A record says that it was written after witnesses had seen it.
    DatedLater { source: String, at_ms: u64, seen_ms: u64 },
    /// A record carries another checkpoint than its log's.
    OtherCheckpoint { file: String },
    /// Records and receipts are longer together than is read.
    TooManyRecords { bytes: u64, limit: u64 },
    /// A record is not of the form of its kind.
    RecordForm { what: String },
    /// The party wrote records with development shortcuts on.
    Development { did: String },
    /// The party wrote records after its clock had been set back.
    ClockStepped { did: String },
    /// The party of the manifest has no log in `logs.json`.
    PartyWithoutLog,
    /// Signature or record are about another manifest.
    SignsOther,
    /// Two roots for one size.
    ForkedLog { size: u64, one: String, other: String },
    /// Two records at one index.
    ForkedIndex { index: u64, one: String, other: String },
    /// The same root as the anchors saw.
    SameAsAnchored { size: u64 },
    /// The anchors saw another size than the dossier shows.
    NoCommonSize { size: u64 },
    /// The first record of the party's log is not there.
    NoLogOpened,
    /// The first record says something else than the anchors.
    OpenedOther { member: String },
    /// Two records with one number.
    ReusedNumber { n: u64, one: String, other: String },
    /// A record does not name the one before it.
    BrokenChain { n: u64, source: String },
    /// Numbers do not follow the order of the log.
    NumbersOutOfOrder { n: u64 },
    /// Two streams for one model and consumer.
    SplitStream,
    /// A number is not there.
    MissingNumber { kind: String, n: u64, length: u64, of: String, by: StatedBy },
    /// More numbers are not there than are named.
    MissingMore { more: u64 },
    /// A record has a number that is not opened.
    HiddenNumber { kind: String, source: String },
    /// The model's provider gave a run no number.
    NotCounted { did: String },
    /// A run is counted, and its contents are kept back.
    ClosedRun { n: u64, length: u64, of: String },
    /// All numbers are there.
    Counted { length: u64, closed: u64, of: String, by: StatedBy },
    /// The numbers that are there fit; nobody says how many there should be.
    CountedInPart { seen: u64, of: String },
    /// A record that another rests on is not there.
    NoPrior { source: String },
    /// So many named predecessors are there.
    PriorFound { count: u64 },
    /// One party stands at both ends.
    SameEnds,
    /// The two ends have different bytes.
    AlteredExchange { one: String, other: String },
    /// The two ends differ in a section that must be equal.
    EndsDiffer { section: String, one: String, other: String },
    /// A record of the exchange is in the log of somebody who is neither end.
    NotAnEnd { did: String },
    /// One end recorded one exchange more than once.
    ReusedTransaction { did: String, count: u64 },
    /// Only one end is there.
    OneEnd { present: String, absent: String },
    /// The content section is not what the exchange commits to.
    ContentDoesNotFit { source: String },
    /// The record's own inputs, parameters or outputs are not what was exchanged.
    OtherThanExchanged { source: String },
    /// There is no opened section to compare with.
    NotOpened { section: String, of: String },
    /// A run stands in a record without an exchange, where anybody could put it.
    RunWithoutExchange { source: String },
    /// A run is of another transaction, agreement or model than the exchange that it stands with.
    RunOfOther { source: String },
    /// A run has a status that is none, or that its exchange does not fit.
    OtherStatus { status: String, source: String },
    /// A run has no exchange of that phase.
    NoExchange { phase: String },
    /// Both ends agree on the run.
    Ran { model: String, status: String },
    /// The runner's own data.
    DeclaredOwn,
    /// No pull brought this input.
    NoPull { transaction: String },
    /// The pull was of another dataset or version.
    OtherDataset,
    /// The pull was made under another agreement.
    OtherAgreement,
    /// Somebody else pulled it.
    PulledByOther { consumer: String },
    /// The pull brought other bytes.
    OtherThanPulled,
    /// What was passed on had come as something else.
    OtherThanReceived { did: String },
    /// What was passed on had been published as something else.
    OtherThanPublished { did: String },
    /// Nothing shows where the one who passed it on had it from.
    NoSource { did: String },
    /// It came in several segments, and nothing shows the whole.
    InSegments,
    /// The decision is not there, or not opened.
    NoDecision,
    /// The decision is of another party or case than the manifest says.
    OtherDecision,
    /// The author is not opened.
    NoAuthor,
    /// Who decided.
    DecidedBy { name: String, role: String },
    /// The run's output has another digest than the decision says.
    OtherOutput,
    /// The run or its output is not there.
    NoOutput,
    /// The run has not finished, or not both ends show its result.
    NotFinished { status: String },
    /// What the decision relies on was delivered to somebody else.
    DeliveredToOther { did: String },
    /// The delivery brought something else than the decision says.
    OtherDelivery,
    /// A file's name is not its digest.
    NotItsDigest,
    /// A file's BLAKE3 digest or length is another than the record says.
    OtherBlake3 { source: String },
    /// A file that a record names is not there.
    NoFile { role: String, source: String },
    /// No record names the file.
    NamedByNoRecord,
    /// The file is only compared with the manifest.
    OnlyListed,
    /// A file of a kind that this version does not know.
    UnknownFile,
    /// The policy decided on is not among the evidence.
    NoPolicy { file: String },
    /// It was given although the decision denies.
    ServedThoughDenied,
    /// It was denied although the decision permits.
    DeniedThoughPermitted,
    /// The decision is about other parties.
    DecidedForOther,
    /// The decision is about something else than its record.
    DecidedOther { member: String },
    /// The agreement that was decided under is not there.
    NoAgreement { agreement: String },
    /// A signed request is about something else, or somebody else's.
    OtherRequest { member: String },
    /// The request was made at another time than its record.
    NotNear { created_ms: u64, recorded_ms: u64 },
    /// The anchors have no key to check it with.
    NoKeyAnchor { key: String },
    /// The document it belongs with is not there.
    Incomplete { what: String },
    /// So many pulls between these parties.
    FalsePulls { count: u64 },
    /// So many runs between these parties.
    FalseRuns { count: u64 },
    /// A log with another history.
    RewrittenLog { origin: String },
    /// Runs that nobody logged.
    UnloggedRuns,
    /// Data that were false at the source.
    FalseSource,
    /// Collusion of both ends.
    BothEnds,
    /// What came after the last cosigned checkpoint.
    UnseenTail,
}

impl Reason {
    /// A lower layer's refusal, in its words.
    pub(crate) fn refused(error: impl std::fmt::Display) -> Self {
        Self::Refused { why: error.to_string() }
    }

    /// A sentence for people, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => english::sentence(self),
            Language::Nederlands => nederlands::sentence(self),
        }
    }
}

/// Minute precision in UTC: what people compare with their own files.
pub(crate) fn moment(at_ms: u64) -> String {
    let text = herleid_vocab::time::format_rfc3339_ms(at_ms);
    let minute = text.get(..16).unwrap_or(&text);
    format!("{} UTC", minute.replace('T', " "))
}
