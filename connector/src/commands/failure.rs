//! Failures of commands, before they become what the control socket carries.

use crate::control::error::{Code, ControlError};
use crate::dsp::error::Refusal;
use crate::net::error::ClientError;
use std::fmt::Display;

/// Why a command failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    code: Code,
    message: String,
    next: Option<String>,
}

impl Failure {
    /// A failure of one kind.
    #[must_use]
    pub fn new(code: Code, message: impl Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            next: None,
        }
    }

    /// Something went wrong here.
    #[must_use]
    pub fn failed(message: impl Display) -> Self {
        Self::new(Code::Failed, message)
    }

    /// The request makes no sense.
    #[must_use]
    pub fn usage(message: impl Display) -> Self {
        Self::new(Code::Usage, message)
    }

    /// What was asked for is not there.
    #[must_use]
    pub fn missing(message: impl Display) -> Self {
        Self::new(Code::Missing, message)
    }

    /// A policy or the other end said no.
    #[must_use]
    pub fn refused(message: impl Display) -> Self {
        Self::new(Code::Refused, message)
    }

    /// What came does not verify: nothing of it is used.
    #[must_use]
    pub fn untrusted(message: impl Display) -> Self {
        Self::new(Code::Untrusted, message)
    }

    /// The other end cannot be reached.
    #[must_use]
    pub fn unreachable(message: impl Display) -> Self {
        Self::new(Code::Unreachable, message)
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Says first what it is about.
    #[must_use]
    pub fn about(mut self, what: impl Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Says at its end what else there is to know.
    #[must_use]
    pub fn and(mut self, more: impl Display) -> Self {
        self.message = format!("{}{more}", self.message);
        self
    }

    /// The kind.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }
}

impl From<Failure> for ControlError {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.code, failure.message);
        match failure.next {
            Some(next) => error.next(next),
            None => error,
        }
    }
}

impl From<Refusal> for Failure {
    /// What the state machines refuse of a person.
    fn from(refusal: Refusal) -> Self {
        match &refusal {
            Refusal::NotFound => Self::missing(&refusal),
            Refusal::Unavailable { .. } => Self::new(Code::Busy, &refusal),
            Refusal::Internal { .. } => Self::failed(&refusal),
            _ => Self::refused(&refusal),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new(error.code(), error)
    }
}

macro_rules! failed_from {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::failed(error)
            }
        })+
    };
}

failed_from!(
    crate::state::StateError,
    crate::payloads::PayloadError,
    crate::node::SigningError,
    herleid_ledger::LedgerError,
    herleid_ledger::AppendError,
    herleid_vocab::json::JsonError,
);
