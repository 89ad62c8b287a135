//! Every refusal, its HTTP status and its body: the one place where they are decided.
//!
//! | status | when |
//! |---|---|
//! | 400 | the message is malformed, impossible in this state, or contradicts what was negotiated; a filter that is not supported |
//! | 401 | it is not known who asks |
//! | 404 | unknown, or another party's: the same words for both, so that nobody can probe |
//! | 413, 415 | too long; not JSON |
//! | 500 | the fault is on this side |
//! | 503 | passing: on this side, or what is needed to know who asks could not be had |
//!
//! What a policy or an offer says is not decided while a request waits: the process begins, and is ended with the reason.
//!
//! The body is the protocol's own: ContractNegotiationError and TransferError with both process ids, CatalogError.

use super::Role;
use super::id::{Id, excerpt};
use super::message::{CatalogError, Cause, ContractNegotiationError, Message, Pids, TransferError};
use super::node::MessageError;
use super::policy::Mismatch;
use herleid_vocab::json::{self, JsonError, Limits};
use serde_json::Value;

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body, to be sent as `application/json`.
    pub body: Value,
}

/// Which part of the protocol, and with it which error message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Catalogue and datasets.
    Catalog,
    /// Contract negotiations.
    Negotiation,
    /// Transfer processes.
    Transfer,
}

/// Why a request or a decision is refused. The text is for the people at the other end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message itself is wrong.
    #[error("malformed message: {0}")]
    Malformed(#[from] MessageError),
    /// The body is not announced as JSON.
    #[error("the media type `{found}` is not accepted: send `application/json`")]
    MediaType {
        /// What was announced, cut short.
        found: String,
    },
    /// The state machine does not allow it.
    #[error("invalid transition: {message} from the {sender} is not possible in state {state}; possible: {possible}")]
    InvalidTransition {
        /// Kind of message.
        message: String,
        /// Who sent it, or would.
        sender: Role,
        /// State in which it is impossible.
        state: String,
        /// What that party may send instead.
        possible: String,
    },
    /// A decision while a message of ours is on its way.
    #[error("{message} has to wait: {underway} is on its way, and its outcome is not known yet")]
    Underway {
        /// What was decided.
        message: String,
        /// What is on its way.
        underway: String,
    },
    /// A message that continues a process was sent to where processes are opened, or the other way round.
    #[error("{message} does not open a negotiation or a transfer: send it to the path of an existing one")]
    NotAnOpening {
        /// Kind of message.
        message: String,
    },
    /// Unknown, or another party's.
    #[error("not found: you have no negotiation, transfer or dataset of this id here")]
    NotFound,
    /// A process id that belongs to another process.
    #[error("wrong process id: the message names `{found}`, this process has `{expected}`")]
    WrongPid {
        /// Found in the message.
        found: String,
        /// Known.
        expected: String,
    },
    /// A process id that already stands for another request.
    #[error("the process id `{pid}` was used before, for another request: choose a new one")]
    ReusedPid {
        /// Which.
        pid: String,
    },
    /// A message id that already stands for another message.
    #[error("the message id `{id}` was used before, for another message: choose a new one")]
    ReusedMessageId {
        /// Which.
        id: String,
    },
    /// An agreement that is not in force between the two, known or not.
    #[error("there is no agreement `{agreement}` in force between you and this participant")]
    NoAgreement {
        /// Which.
        agreement: String,
    },
    /// A way of transferring data that no dataset here has.
    #[error("{asked} is not offered here; offered: {offered}")]
    Format {
        /// Which way.
        asked: String,
        /// What there is.
        offered: &'static str,
    },
    /// A push that cannot be, or that this connector does not let go there.
    #[error("the push is refused: {why}")]
    Push {
        /// Why; nothing of what is secret in the address.
        why: String,
    },
    /// A pull was started without saying where the data is.
    #[error("the transfer start has no `dataAddress`, and in a pull nobody else can say where the data is")]
    AddressMissing,
    /// A filter that is not supported, with which are.
    #[error("{0}")]
    Filter(String),
    /// A token of a page that is not one of ours.
    #[error("{0}")]
    Token(String),
    /// What is proposed is not what was negotiated.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// What the message would bring into force cannot be recorded and used here, and no waiting mends it.
    #[error("what this would bring into force cannot be used here: {why}")]
    Unusable {
        /// What is wrong with it.
        why: String,
    },
    /// It is not known who asks.
    #[error("not authenticated: {why}")]
    Unauthenticated {
        /// What is missing or wrong with the token.
        why: String,
    },
    /// The answer to an opening message did not have what it must.
    #[error("the answer that should carry the other end's process id could not be read: try again")]
    AnswerNeeded,
    /// Passing: the same message may be accepted later.
    #[error("not available at the moment: {why}; try again later")]
    Unavailable {
        /// What is being waited for.
        why: String,
    },
    /// A fault of this side.
    #[error("internal error, reference `{reference}`: the fault is on this side, and nothing was changed")]
    Internal {
        /// Under which the operator finds it in the log.
        reference: String,
    },
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        Self::Malformed(error.into())
    }
}

impl Refusal {
    /// HTTP status. Never 404 but for what is not found: peers take 404 for "not yet" and try again.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(MessageError::Json(JsonError::TooLong { .. })) => 413,
            Self::MediaType { .. } => 415,
            Self::Malformed(_)
            | Self::InvalidTransition { .. }
            | Self::Underway { .. }
            | Self::NotAnOpening { .. }
            | Self::WrongPid { .. }
            | Self::ReusedPid { .. }
            | Self::ReusedMessageId { .. }
            | Self::NoAgreement { .. }
            | Self::Format { .. }
            | Self::Push { .. }
            | Self::AddressMissing
            | Self::Filter(_)
            | Self::Token(_)
            | Self::Mismatch(_)
            | Self::Unusable { .. }
            | Self::AnswerNeeded => 400,
            Self::Unauthenticated { .. } => 401,
            Self::NotFound => 404,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }

    /// `code` of the protocol's error bodies: stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(MessageError::ContextUnknown { .. }) => "unknown-context",
            Self::Malformed(MessageError::Json(JsonError::TooLong { .. })) => "too-long",
            Self::Malformed(_) => "malformed",
            Self::MediaType { .. } => "media-type",
            Self::InvalidTransition { .. } => "invalid-transition",
            Self::Underway { .. } => "underway",
            Self::NotAnOpening { .. } => "not-an-opening",
            Self::NotFound => "not-found",
            Self::WrongPid { .. } => "wrong-pid",
            Self::ReusedPid { .. } => "reused-pid",
            Self::ReusedMessageId { .. } => "reused-message-id",
            Self::NoAgreement { .. } => "no-agreement",
            Self::Format { .. } => "format",
            Self::Push { .. } => "push",
            Self::AddressMissing => "address-missing",
            Self::Filter(_) => "filter-not-supported",
            Self::Token(_) => "continuation-token",
            Self::Mismatch(_) => "policy-mismatch",
            Self::Unusable { .. } => "unusable",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::AnswerNeeded => "answer-needed",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal { .. } => "internal",
        }
    }

    /// The HTTP answer. `pids` are those of the process, or [`pids_in`] the request when there is none; they are left out of a 404,
    /// which is the same for an unknown process and for another party's.
    #[must_use]
    pub fn answer(&self, family: Family, pids: &Pids) -> Answer {
        let cause = Cause::new(self.code(), &on_one_line(&self.to_string()));
        let pids = if matches!(self, Self::NotFound) {
            unknown_pids()
        } else {
            pids.clone()
        };
        let body = match family {
            Family::Catalog => CatalogError { cause }.to_json(None),
            Family::Negotiation => ContractNegotiationError { pids, cause }.to_json(None),
            Family::Transfer => TransferError { pids, cause }.to_json(None),
        };
        Answer {
            status: self.status(),
            body,
        }
    }

    /// A refusal for a media type, from the value of the header.
    #[must_use]
    pub fn media_type(found: &str) -> Self {
        Self::MediaType { found: excerpt(found) }
    }
}

/// Stands for a process id that does not exist or is not known: the nil UUID, "no value" (RFC 9562, 5.9). The schemas want both ids
/// also where only one can be known.
const UNKNOWN_PID: &str = "urn:uuid:00000000-0000-0000-0000-000000000000";

/// Process ids for an error about no process in particular.
#[must_use]
pub fn unknown_pids() -> Pids {
    Pids {
        consumer: Id::constant(UNKNOWN_PID),
        provider: Id::constant(UNKNOWN_PID),
    }
}

/// The process ids that a request names, as far as it can be read: for the error about a message that could not be accepted.
#[must_use]
pub fn pids_in(body: &[u8]) -> Pids {
    let mut pids = unknown_pids();
    if let Ok(value) = json::parse(body, &Limits::MESSAGE) {
        let named = |name: &str| value.get(name)?.as_str()?.parse().ok();
        if let Some(pid) = named("consumerPid") {
            pids.consumer = pid;
        }
        if let Some(pid) = named("providerPid") {
            pids.provider = pid;
        }
    }
    pids
}

/// What a peer's error says, on one line: from a protocol error if it is one, else the first characters of the body.
#[must_use]
pub fn reason_in(status: u16, body: &[u8]) -> String {
    let told = json::parse(body, &Limits::MESSAGE).ok().and_then(|value| {
        let cause = Cause {
            code: value.get("code").and_then(Value::as_str).map(str::to_owned),
            reason: value
                .get("reason")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
        };
        (cause != Cause::default()).then(|| cause.text())
    });
    let told = on_one_line(&told.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()));
    if told.trim().is_empty() {
        format!("HTTP {status} without a reason")
    } else {
        format!("HTTP {status}: {}", told.trim())
    }
}

/// A text that holds words of a peer, fit to be shown and kept: 500 characters say what there is to say.
fn on_one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect()
}

#[cfg(test)]
mod tests;
