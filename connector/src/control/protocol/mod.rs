//! Requests and answers of every command, as they go over the socket. Unknown members are refused.
//!
//! A command is a type that implements [`Command`]: its name stands in the path, itself in the body, its
//! [`Command::Answer`] in the `result` line.

mod answers;
mod backup;
mod doctor;
mod duties;
mod erasing;
mod exports;
mod negotiations;
mod offered;
mod payments;
mod reconcile;
mod requests;
mod retention;
mod tracing;
mod uuid_text;

pub use answers::*;
pub use backup::*;
pub use doctor::*;
pub use duties::*;
pub use erasing::*;
pub use exports::*;
pub use negotiations::*;
pub use offered::*;
pub use payments::*;
pub use reconcile::*;
pub use requests::*;
pub use retention::*;
pub use tracing::*;

use super::error::{Code, ControlError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One command.
pub trait Command: Serialize + DeserializeOwned + Send + Sync {
    /// Its name: `POST /v1/<NAME>`.
    const NAME: &'static str;
    /// What it answers.
    type Answer: Serialize + DeserializeOwned + Send;
}

/// Every command's name, for a server that wants to answer "no such command" itself.
pub const NAMES: [&str; 30] = [
    Publish::NAME,
    Withdraw::NAME,
    Credential::NAME,
    Catalog::NAME,
    Negotiate::NAME,
    Negotiations::NAME,
    Negotiation::NAME,
    Agreements::NAME,
    Duties::NAME,
    Duty::NAME,
    Payment::NAME,
    Payments::NAME,
    Pull::NAME,
    Push::NAME,
    Transfers::NAME,
    Transfer::NAME,
    Run::NAME,
    Decide::NAME,
    Trace::NAME,
    Dossier::NAME,
    Anchors::NAME,
    LedgerExport::NAME,
    Erase::NAME,
    Hold::NAME,
    Status::NAME,
    Doctor::NAME,
    Reconcile::NAME,
    Backup::NAME,
    Retention::NAME,
    Offered::NAME,
];

/// Reads the body of a request.
///
/// # Errors
/// [`Code::Usage`], naming the member that is wrong.
pub fn read<C: Command>(body: Value) -> Result<C, ControlError> {
    serde_json::from_value(body).map_err(|e| {
        ControlError::new(Code::Usage, format!("the request `{}` is not understood", C::NAME))
            .what(e.to_string())
            .next("use the same version of herleid for the command line and the service")
    })
}

/// Writes a command's answer.
///
/// # Errors
/// [`Code::Failed`] when it has no JSON form.
pub fn answer<C: Command>(answer: &C::Answer) -> Result<Value, ControlError> {
    serde_json::to_value(answer).map_err(|e| {
        ControlError::new(
            Code::Failed,
            format!("the answer to `{}` has no JSON form: {e}", C::NAME),
        )
    })
}

/// One line of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// How far it is.
    Progress(Step),
    /// Something to tell the person.
    Note(Note),
    /// The end, well.
    Result(Value),
    /// The end, not well.
    Error(ControlError),
}

/// How far one step of a command is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Name of the step, such as `pull`; also the key of its message.
    pub step: String,
    /// Units done.
    pub done: u64,
    /// Units in all, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
}

/// What progress counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Records, files, datasets: anything that is one, two, three.
    Items,
}

/// A message by its key, for the reader's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Key of the message.
    pub key: String,
    /// Its arguments: texts and numbers.
    #[serde(default)]
    pub args: BTreeMap<String, Value>,
}
