//! The demonstration: rain in, decision out, traced and verified, by processes that trust each other for nothing.
//!
//! Everything is done as users do it: each party is a `herleid serve` of its own, spoken to over its control socket; this
//! module only plays the people at the keyboards.

mod certificates;
mod descriptions;
mod offers;
mod party;
mod scenario;
mod setup;
mod telling;

pub use telling::Telling;

use crate::control::error::ControlError;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Why the demonstration stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The directory holds something else.
    #[error(
        "`{0}` exists and was not made by `herleid demo`; nothing is removed: move it away, or name another directory with `--directory`"
    )]
    NotOurs(PathBuf),
    /// Something could not be prepared.
    #[error("{what} could not be prepared: {why}")]
    Setup {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// A process did not start.
    #[error("`{name}` did not start: {why}")]
    Start {
        /// Which party.
        name: &'static str,
        /// Its last words.
        why: String,
    },
    /// A command failed that should succeed.
    #[error("`{name}` could not {command}: {error}")]
    Command {
        /// Which party.
        name: &'static str,
        /// Which command.
        command: String,
        /// What it answered.
        error: Box<ControlError>,
    },
    /// A command succeeded that must be refused.
    #[error("{what} was not refused: this must never happen; keep the directory and report it")]
    NotRefused {
        /// What was tried.
        what: &'static str,
    },
    /// An answer lacks what it should have.
    #[error("an answer has no `{pointer}`: {answer}")]
    Answer {
        /// JSON pointer.
        pointer: String,
        /// The answer.
        answer: String,
    },
    /// The dossier does not verify.
    #[error("the dossier does not verify: {0}")]
    NotVerified(String),
    /// The run could not be repeated.
    #[error("the run could not be repeated: {0}")]
    Replay(String),
}

/// What the demonstration made.
#[derive(Debug, serde::Serialize)]
pub struct Made {
    /// The dossier.
    pub dossier: PathBuf,
    /// The anchors, gathered apart from it.
    pub anchors: PathBuf,
    /// The verdict on the dossier.
    pub verdict: String,
    /// How the repeated run compares.
    pub replay: String,
    /// The three refusals, as a user sees them.
    pub refusals: Vec<String>,
}

/// Runs the demonstration in `directory`, telling each step.
///
/// # Errors
/// When any step fails, or when something that must be refused is not.
pub async fn run(directory: &Path, telling: &mut Telling) -> Result<Made, DemoError> {
    let parties = setup::prepare(directory, telling)?;
    scenario::play(directory, parties, telling).await
}

/// The text at `pointer` of an answer.
fn text(answer: &Value, pointer: &str) -> Result<String, DemoError> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| DemoError::Answer {
        pointer: pointer.to_owned(),
        answer: answer.to_string(),
    })
}
