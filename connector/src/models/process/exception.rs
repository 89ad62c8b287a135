//! What a request gets instead of a result: an exception document (18-062r2, section 7.5; RFC 7807).

use herleid_vocab::json::JsonError;
use herleid_vocab::terms::HERLEID;
use serde_json::{Value, json};

/// The one exception type that 18-062r2 prescribes for what is built here (requirement `/req/core/process-exception/no-such-process`).
const NO_SUCH_PROCESS: &str = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process";

/// Why a request is refused before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// No model of that name here.
    #[error("there is no process `{id}` here{}", did_you_mean(.nearest))]
    NoSuchProcess {
        /// What was asked for.
        id: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// Not JSON, or too long.
    #[error("the execute request cannot be read: {0}")]
    Syntax(#[from] JsonError),
    /// A member has another JSON type than the standard gives it.
    #[error("`{member}` of the execute request is {found}; expected {expected}")]
    WrongType {
        /// The member, `/` for the whole.
        member: String,
        /// What was found.
        found: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A member that the standard does not know.
    #[error("the execute request has an unknown member `{member}`{}", did_you_mean(.nearest))]
    UnknownMember {
        /// The member.
        member: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// Part of the standard that is not built.
    #[error("`{member}` of the execute request: {why}")]
    NotSupported {
        /// The member.
        member: String,
        /// What is supported.
        why: &'static str,
    },
    /// An input or parameter that the model does not have.
    #[error("the model has no input or parameter `{name}`{}", did_you_mean(.nearest))]
    UnknownInput {
        /// What was given.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// Inputs or parameters without a default that were not given.
    #[error("the request lacks {}; the process description says what each one is", quoted(.names))]
    Missing {
        /// All that lack.
        names: Vec<String>,
    },
    /// An input that is not what the model takes.
    #[error("input `{name}` is refused: {why}")]
    Input {
        /// The input.
        name: String,
        /// What was found and what was expected.
        why: String,
    },
    /// A parameter with a value that the model does not take.
    #[error("parameter `{name}` is refused: {why}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What was found and what was expected.
        why: String,
    },
    /// An output that the model does not have.
    #[error("the model has no output `{name}`{}", did_you_mean(.nearest))]
    UnknownOutput {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
}

impl ProcessError {
    pub(crate) fn no_such_process(id: &str, known: &[&str]) -> Self {
        Self::NoSuchProcess {
            id: shorten(id),
            nearest: closest(id, known),
        }
    }

    /// The HTTP status (RFC 9110): 404, 413 or 400.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NoSuchProcess { .. } => 404,
            Self::Syntax(JsonError::TooLong { .. }) => 413,
            _ => 400,
        }
    }

    /// The exception's `type`: the standard's where it prescribes one, else a term of Herleid.
    #[must_use]
    pub fn type_iri(&self) -> String {
        let term = match self {
            Self::NoSuchProcess { .. } => return NO_SUCH_PROCESS.to_owned(),
            Self::Syntax(_) | Self::WrongType { .. } => "unreadableExecuteRequest",
            Self::UnknownMember { .. } => "unknownMember",
            Self::NotSupported { .. } => "notSupported",
            Self::UnknownInput { .. } => "unknownInput",
            Self::Missing { .. } => "missingInput",
            Self::Input { .. } => "refusedInput",
            Self::Parameter { .. } => "refusedParameter",
            Self::UnknownOutput { .. } => "unknownOutput",
        };
        format!("{HERLEID}{term}")
    }

    /// The exception document; `instance` is the path that was asked for.
    #[must_use]
    pub fn exception(&self, instance: &str) -> Value {
        let title = match self.status() {
            404 => "No such process",
            413 => "Request too long",
            _ => "Invalid execute request",
        };
        exception(&self.type_iri(), title, self.status(), &self.to_string(), instance)
    }
}

fn exception(kind: &str, title: &str, status: u16, detail: &str, instance: &str) -> Value {
    json!({"type": kind, "title": title, "status": status, "detail": detail, "instance": instance})
}

/// The nearest of the known names, when one is near enough to be meant.
pub(crate) fn closest(name: &str, known: &[&str]) -> Option<String> {
    known
        .iter()
        .map(|one| (strsim::damerau_levenshtein(name, one), *one))
        .filter(|(distance, one)| *distance <= 1 + one.len() / 4)
        .min()
        .map(|(_, one)| one.to_owned())
}

pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

fn did_you_mean(name: &Option<String>) -> String {
    name.as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
