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
    /// Whether the service was running; if not, the log was opened for this check alone.
    pub running: bool,
    /// What an earlier check found wrong, and is in order now: the log takes records again from the next start.
    pub found_before: Option<String>,
}
