//! Transfer processes: the state machine for both roles.
//!
//! | from | to | by a message of the | message |
//! |---|---|---|---|
//! | (nothing) | REQUESTED | consumer | TransferRequestMessage |
//! | REQUESTED | STARTED | provider | TransferStartMessage |
//! | SUSPENDED | STARTED | either | TransferStartMessage |
//! | STARTED | SUSPENDED | either | TransferSuspensionMessage |
//! | STARTED | COMPLETED | either | TransferCompletionMessage |
//! | REQUESTED, STARTED, SUSPENDED | TERMINATED | either | TransferTerminationMessage |
//!
//! Source: transfer process protocol, "State Machine" and "Transfer Termination Message".
//!
//! A transfer is a **push** if its request says where to push to, otherwise a **pull**: then the provider's start says where to fetch.

mod protocol;

pub use protocol::DataTransfer;

use super::Role;
use super::error::Refusal;
use super::id::Id;
use super::message::{
    Cause, DataAddress, Message as _, Received, TransferCompletion, TransferRequest, TransferStart, TransferSuspension,
    TransferTermination,
};
use super::negotiation::Peer;
use super::node::MessageError;
use super::outbox;
use super::path::TransferPost;
use super::process::{self, Opening, Process};
use serde::{Deserialize, Serialize};

named!(
    /// State of a transfer process.
    State, "one of REQUESTED, STARTED, SUSPENDED, COMPLETED, TERMINATED" {
        /// The consumer has asked; the provider starts.
        Requested = "REQUESTED",
        /// Data may flow.
        Started = "STARTED",
        /// No data may flow for now.
        Suspended = "SUSPENDED",
        /// All data is through.
        Completed = "COMPLETED",
        /// Ended before that.
        Terminated = "TERMINATED",
    }
);

named!(
    /// The kinds of messages that the state machine tells apart.
    Kind, "a message of the transfer process protocol" {
        /// The consumer asks.
        Request = "TransferRequestMessage",
        /// Data may flow, for the first time or again.
        Start = "TransferStartMessage",
        /// No data may flow for now.
        Suspension = "TransferSuspensionMessage",
        /// All data is through.
        Completion = "TransferCompletionMessage",
        /// Either ends the transfer.
        Termination = "TransferTerminationMessage",
    }
);

/// A message of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// See [`TransferRequest`].
    Request(TransferRequest),
    /// See [`TransferStart`].
    Start(TransferStart),
    /// See [`TransferSuspension`].
    Suspension(TransferSuspension),
    /// See [`TransferCompletion`].
    Completion(TransferCompletion),
    /// See [`TransferTermination`].
    Termination(TransferTermination),
}

impl Message {
    /// Parses what was posted to the path of `post`; `None` is the path where transfers are opened.
    ///
    /// # Errors
    /// When it is not the message that belongs there, or malformed.
    pub fn parse(post: Option<TransferPost>, bytes: &[u8]) -> Result<Received<Self>, MessageError> {
        Ok(match post {
            None => TransferRequest::parse(bytes)?.map(Self::Request),
            Some(TransferPost::Start) => TransferStart::parse(bytes)?.map(Self::Start),
            Some(TransferPost::Suspension) => TransferSuspension::parse(bytes)?.map(Self::Suspension),
            Some(TransferPost::Completion) => TransferCompletion::parse(bytes)?.map(Self::Completion),
            Some(TransferPost::Termination) => TransferTermination::parse(bytes)?.map(Self::Termination),
        })
    }
}

/// What this end decides. Which decision belongs to which role and state is in the table above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decide {
    /// Let data flow, for the first time (provider) or again (either). A provider says where a pull finds it; without an address, a
    /// resumed pull goes on at the one it had.
    Start(Option<DataAddress>),
    /// Hold it back for now.
    Suspend(Cause),
    /// All of it is through.
    Complete,
    /// End it.
    Terminate(Cause),
}

/// Who opens the connection that data flows through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The consumer fetches.
    Pull,
    /// The provider pushes.
    Push,
}

/// What a transfer is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    agreement: Id,
    format: String,
    push: bool,
    address: Option<DataAddress>,
    /// Of a push: where the provider is told that it may leave.
    #[serde(default)]
    order: Option<DataAddress>,
    #[serde(default)]
    suspended: Option<Suspended>,
}

/// Who suspended a transfer and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspended {
    /// Who.
    pub by: Role,
    /// Why.
    pub cause: Cause,
}

/// A transfer process at one end.
pub type Transfer = Process<DataTransfer>;
/// Something that happens to a transfer.
pub type Event = process::Event<DataTransfer>;
/// What the shell does after a step.
pub type Effect = outbox::Effect<DataTransfer>;
/// A transfer and what the shell does about it.
pub type Step = (Transfer, Vec<Effect>);

pub use super::process::step;

/// Opens a transfer as the consumer: under `agreement`, in `format`; a push if `push_to` says where to, otherwise a pull.
///
/// # Errors
/// Never, for a well-formed table; the type is that of all openings.
pub fn request(
    own_pid: Id,
    peer: Peer,
    agreement: Id,
    format: &str,
    push_to: Option<DataAddress>,
    now_ms: u64,
) -> Result<Step, Refusal> {
    let request = TransferRequest {
        consumer_pid: own_pid.clone(),
        agreement,
        format: format.to_owned(),
        address: push_to,
        callback: peer.callback,
    };
    let opening = Opening {
        role: Role::Consumer,
        own_pid,
        peer: peer.id,
        address: peer.address,
        now_ms,
    };
    let facts = delivery(&request);
    Process::open(opening, Message::Request(request), facts)
}

/// Takes up a transfer that the authenticated participant `from` requested. The caller has looked first for a transfer with the same
/// participant and process id (for that one, the message is an [`Event::Received`]), and has checked that the agreement is in force
/// between the two and that the format is offered.
///
/// # Errors
/// When the message does not open a transfer.
pub fn opened(own_pid: Id, from: Id, received: &Received<Message>, now_ms: u64) -> Result<Step, Refusal> {
    let Message::Request(request) = received.message() else {
        let message = Kind::of(received.message()).to_string();
        return Err(Refusal::NotAnOpening { message });
    };
    let opening = Opening {
        role: Role::Provider,
        own_pid,
        peer: from,
        address: request.callback.clone(),
        now_ms,
    };
    Process::opened(opening, received, delivery(request))
}

fn delivery(request: &TransferRequest) -> Delivery {
    Delivery {
        agreement: request.agreement.clone(),
        format: request.format.clone(),
        push: request.address.is_some(),
        address: request.address.clone(),
        order: None,
        suspended: None,
    }
}

impl Kind {
    /// The kind of a message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        match message {
            Message::Request(_) => Self::Request,
            Message::Start(_) => Self::Start,
            Message::Suspension(_) => Self::Suspension,
            Message::Completion(_) => Self::Completion,
            Message::Termination(_) => Self::Termination,
        }
    }
}

impl Transfer {
    /// Under which agreement.
    #[must_use]
    pub fn agreement(&self) -> &Id {
        &self.facts().agreement
    }

    /// In which format.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.facts().format
    }

    /// Push or pull.
    #[must_use]
    pub fn direction(&self) -> Direction {
        if self.facts().push {
            Direction::Push
        } else {
            Direction::Pull
        }
    }

    /// Whether data may flow. What this end has decided holds at once: a suspension, and also a start, since the consumer may fetch
    /// before its acknowledgement of the start has arrived.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.heading() == State::Started
    }

    /// Who suspended it and why, while both ends know it to be suspended.
    #[must_use]
    pub fn suspended(&self) -> Option<&Suspended> {
        self.facts().suspended.as_ref()
    }

    /// Where data is pushed to; `None` of a pull, and at the end.
    #[must_use]
    pub fn address_of_push(&self) -> Option<&DataAddress> {
        self.address().filter(|_| self.direction() == Direction::Push)
    }

    /// Of a push: where the provider, if it asks for that, is told that it may leave; forgotten at the end.
    #[must_use]
    pub fn order(&self) -> Option<&DataAddress> {
        self.facts().order.as_ref()
    }

    /// Where data is pushed to, or fetched from once the provider has said so; forgotten at the end.
    #[must_use]
    pub fn address(&self) -> Option<&DataAddress> {
        self.facts().address.as_ref()
    }
}
