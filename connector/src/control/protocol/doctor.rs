//! `doctor`: the whole log checked.

use super::Command;
use serde::{Deserialize, Serialize};

/// `doctor`: check every record of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doctor {}

impl Command for Doctor {
    const NAME: &'static str = "doctor";
    type Answer = DoctorAnswer;
}

/// Answer to `doctor`: what was checked, and is sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoctorAnswer {
    /// The log's origin.
    pub origin: String,
    /// Records checked, from the first.
    pub size: u64,
    /// Root over them, hex: what the log's key has signed.
    pub root: String,
    /// Streams without a gap.
    pub streams: u64,
    /// Documents that records list.
    pub documents: u64,
    /// Sections that were erased.
    pub erased_sections: u64,
    /// Payloads that are what their names say, all of them.
    #[serde(default)]
    pub payloads: u64,
    /// Their bytes.
    #[serde(default)]
    pub payload_bytes: u64,
    /// Logs before this one, which are over: a damaged one is kept as it is, since nothing is recorded in it any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<OverChecked>,
    /// Whether the service was running; if not, the log was opened for this check alone.
    pub running: bool,
    /// What an earlier check found wrong, and is in order now: the log takes records again from the next start.
    pub found_before: Option<String>,
}

/// A log that is over, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverChecked {
    /// Its origin.
    pub origin: String,
    /// Records checked.
    pub size: u64,
    /// What is wrong with it, if anything is.
    pub wrong: Option<String>,
}
