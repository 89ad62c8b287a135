//! What is asked of a trace, and its nodes.

use crate::state::Side;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which way a trace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Towards {
    /// To what something rests on.
    #[default]
    Up,
    /// To what rests on it.
    Down,
}

impl Towards {
    /// Whether it is the way that is taken when none is named.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self == Self::Up
    }
}

/// `trace`: where something came from, or what rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Digest, transaction, record, agreement, case, dataset, model or time range; `<origin>/` before it asks that log of ours alone.
    pub what: String,
    /// Which way.
    #[serde(default, skip_serializing_if = "Towards::is_up")]
    pub direction: Towards,
    /// Steps at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Pulls, runs and decisions shown at most; all that are found are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// So many parties away others are asked what they know, 1 to 4; without it, nobody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub across: Option<u32>,
    /// A SPARQL query over the PROV-O of it, instead of the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparql: Option<String>,
}

/// One node of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceNode {
    /// `decision`, `run`, `parameters`, `pull`, `receipt`, `elsewhere`, `file`, `log`, or the kind of a record.
    pub kind: String,
    /// For people.
    pub label: String,
    /// SHA-256 of the content, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whose record it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<Did>,
    /// Index in that party's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Origin of the log of ours that it is of, where that is not the one that was searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Whether proofs and digests were checked for this answer, and held. Of what another party told: whether its record was proved to be
    /// in its log, and of such a kind.
    pub verified: bool,
    /// Who told it, if it is not of a log of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by: Option<Did>,
    /// Whether it stands elsewhere in this tree too, with what lies behind it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// How many of those that follow from here in this log are not shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidden: u64,
    /// Whether nobody looked behind it: it stands at the greatest depth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_followed: bool,
    /// Of what lies in another party's log: whether that party was asked what it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// What that party can be asked; never told.
    #[serde(skip)]
    pub question: Option<Box<Question>>,
    /// What it rests on, or what rests on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TraceNode>,
    /// At the top: how much was found and shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Box<TraceSummary>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references over")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What another party can be asked: about a transaction that it shares with us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The transaction.
    pub transaction: Uuid,
    /// The agreement under which it was.
    pub agreement: String,
    /// The side of this end.
    pub side: Side,
    /// The other end.
    pub other: Did,
}

/// What became of the question to another party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// In a word.
    pub state: AskedState,
    /// Why.
    pub why: String,
}

/// What became of the question to another party, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskedState {
    /// It was not asked.
    NotAsked,
    /// It answered: what it told stands below.
    Answered,
    /// It does not tell us.
    Refused,
    /// It says that it knows nothing of it.
    Unknown,
    /// It is down, or did not answer in time.
    Unreachable,
    /// It answered what cannot be used.
    Failed,
}

/// How much a trace found, and how much of it is shown. Pulls, runs, decisions and publications count, each once, however many records
/// it has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSummary {
    /// Which way it went.
    pub direction: Towards,
    /// How many were found.
    pub found: u64,
    /// Whether there are more, which were not counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// How many of them are shown.
    pub shown: u64,
    /// Steps at most.
    pub depth: u32,
    /// How many stand at the greatest depth, so that nobody looked behind them.
    pub not_followed: u64,
    /// Decisions found.
    pub decisions: u64,
    /// Runs found.
    pub runs: u64,
    /// Pulls and pushes found.
    pub pulls: u64,
    /// The cases that are touched.
    pub cases: Counted<String>,
    /// The other parties that are touched.
    pub parties: Counted<Did>,
    /// The streams in which what was found stands.
    pub streams: Counted<StreamLine>,
    /// What was recorded where the trace begins and leads nowhere, so that it is not drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<Aside>,
    /// Other parties that were asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub asked: u64,
    /// Those of them that answered.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub answered: u64,
    /// Origin of the log of ours that was searched.
    pub log: String,
    /// Other logs of ours, which are over, that know of what was asked for too: `<origin>/` before it asks there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Logs of ours of which nobody knows it, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsearched: Vec<String>,
}

/// A list that may have been cut, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted<T> {
    /// How many there are.
    pub found: u64,
    /// The first of them.
    pub shown: Vec<T>,
}

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self {
            found: 0,
            shown: Vec::new(),
        }
    }
}

/// Records of one kind that a trace tells of and does not draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aside {
    /// Kind of the records.
    pub kind: String,
    /// Their numbers.
    pub records: Counted<u64>,
}

/// One stream of numbered records: how much of it a trace found and shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamLine {
    /// `agreement`, `model` or `case`.
    pub kind: String,
    /// The agreement, model service or case.
    pub of: String,
    /// The other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<Did>,
    /// Records in the stream, those that this trace does not lead to included.
    pub records: u64,
    /// Runs in it, those that this trace does not lead to included; absent where it is too long to count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// Runs in it that were found.
    pub runs_found: u64,
    /// Runs in it that are shown.
    pub runs_shown: u64,
    /// Pulls, runs, decisions and publications in it that were found.
    pub found: u64,
    /// Those of them that are shown.
    pub shown: u64,
}
