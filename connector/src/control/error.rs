//! The one form in which a command fails: over the socket, on the screen and as an exit code.

use super::protocol::Note;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The kind of failure; each has its exit code (docs/commands.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Something went wrong that no other code says; also: a verification that failed.
    Failed,
    /// The command was not understood.
    Usage,
    /// What was asked for is not there.
    Missing,
    /// It is there, but nothing vouches for it.
    Untrusted,
    /// A policy or the other party said no.
    Refused,
    /// No `herleid serve` is running here.
    NotRunning,
    /// The other party is down or too slow.
    Unreachable,
    /// Another process, or another command, holds what is needed.
    Busy,
    /// The configuration is missing or wrong.
    Configuration,
    /// The person stopped it.
    Interrupted,
}

impl Code {
    /// Every code, in the order of their exit codes.
    pub const ALL: [Self; 10] = [
        Self::Failed,
        Self::Usage,
        Self::Missing,
        Self::Untrusted,
        Self::Refused,
        Self::NotRunning,
        Self::Unreachable,
        Self::Busy,
        Self::Configuration,
        Self::Interrupted,
    ];

    /// The process's exit code: 1 to 9, and 130 for an interruption as shells have it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Missing => 3,
            Self::Untrusted => 4,
            Self::Refused => 5,
            Self::NotRunning => 6,
            Self::Unreachable => 7,
            Self::Busy => 8,
            Self::Configuration => 9,
            Self::Interrupted => 130,
        }
    }

    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Missing => "missing",
            Self::Untrusted => "untrusted",
            Self::Refused => "refused",
            Self::NotRunning => "not-running",
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Configuration => "configuration",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A command's failure, for a person and for a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
pub struct ControlError {
    /// The kind.
    pub code: Code,
    /// What failed, in English, lower case, without a full stop.
    pub message: String,
    /// What was found: the clause, file, byte or value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What was expected instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What to do next: a command, or who must act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The message by its key, for the reader's language; [`Self::message`] is the fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Box<Note>>,
}

impl ControlError {
    /// A failure of kind `code` that says `message`.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            what: None,
            expected: None,
            next: None,
            note: None,
        }
    }

    /// Adds what was found.
    #[must_use]
    pub fn what(mut self, what: impl Into<String>) -> Self {
        self.what = Some(what.into());
        self
    }

    /// Adds what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds the message by its key and arguments, for the reader's language.
    #[must_use]
    pub fn note(mut self, key: impl Into<String>, args: BTreeMap<String, Value>) -> Self {
        self.note = Some(Box::new(Note { key: key.into(), args }));
        self
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
