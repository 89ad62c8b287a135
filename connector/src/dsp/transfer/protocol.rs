//! What makes a process a transfer.

use super::{Decide, Delivery, Direction, Kind, Message, State, Suspended, Transfer};
use crate::dsp::Role;
use crate::dsp::error::{Family, Refusal};
use crate::dsp::message::{
    Cause, Message as _, Pids, ProcessMessage, TransferCompletion, TransferProcess, TransferStart, TransferSuspension,
    TransferTermination,
};
use crate::dsp::process::Protocol;
use serde_json::Value;

/// The transfer process protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataTransfer {}

impl Protocol for DataTransfer {
    type State = State;
    type Kind = Kind;
    type Message = Message;
    type Decision = Decide;
    type Facts = Delivery;

    const FAMILY: Family = Family::Transfer;
    const TERMINATED: State = State::Terminated;
    const KINDS: &'static [Kind] = Kind::ALL;

    fn next(state: Option<State>, sender: Role, kind: Kind) -> Option<State> {
        Some(match (state, sender, kind) {
            (None, Role::Consumer, Kind::Request) => State::Requested,
            (Some(State::Requested), Role::Provider, Kind::Start) => State::Started,
            (Some(State::Suspended), _, Kind::Start) => State::Started,
            (Some(State::Started), _, Kind::Suspension) => State::Suspended,
            (Some(State::Started), _, Kind::Completion) => State::Completed,
            (Some(state), _, Kind::Termination) if !Self::is_terminal(state) => State::Terminated,
            _ => return None,
        })
    }

    fn is_terminal(state: State) -> bool {
        matches!(state, State::Completed | State::Terminated)
    }

    fn rank(sender: Role, kind: Kind) -> u8 {
        // The more final message wins. A provider's start beats a consumer's: it may carry a new address.
        match (kind, sender) {
            (Kind::Request, _) => 0,
            (Kind::Start, Role::Consumer) => 1,
            (Kind::Start, Role::Provider) => 2,
            (Kind::Suspension, _) => 3,
            (Kind::Completion, _) => 4,
            (Kind::Termination, _) => 5,
        }
    }

    fn is_request(kind: Kind) -> bool {
        kind == Kind::Request
    }

    fn is_termination(kind: Kind) -> bool {
        kind == Kind::Termination
    }

    fn kind(message: &Message) -> Kind {
        Kind::of(message)
    }

    fn part(message: &Message) -> &dyn ProcessMessage {
        match message {
            Message::Request(m) => m,
            Message::Start(m) => m,
            Message::Suspension(m) => m,
            Message::Completion(m) => m,
            Message::Termination(m) => m,
        }
    }

    fn answer(pids: &Pids, state: State) -> Value {
        let pids = pids.clone();
        TransferProcess { pids, state }.to_json(None)
    }

    fn segment(kind: Kind) -> &'static str {
        match kind {
            Kind::Request => "request",
            Kind::Start => "start",
            Kind::Suspension => "suspension",
            Kind::Completion => "completion",
            Kind::Termination => "termination",
        }
    }

    fn decided(decision: &Decide) -> Kind {
        match decision {
            Decide::Start(_) => Kind::Start,
            Decide::Suspend(_) => Kind::Suspension,
            Decide::Complete => Kind::Completion,
            Decide::Terminate(_) => Kind::Termination,
        }
    }

    fn compose(pids: Pids, decision: Decide) -> Message {
        match decision {
            Decide::Start(address) => Message::Start(TransferStart { pids, address }),
            Decide::Suspend(cause) => Message::Suspension(TransferSuspension { pids, cause }),
            Decide::Complete => Message::Completion(TransferCompletion { pids }),
            Decide::Terminate(cause) => Self::termination(pids, cause),
        }
    }

    fn termination(pids: Pids, cause: Cause) -> Message {
        Message::Termination(TransferTermination { pids, cause })
    }

    fn terminate(cause: Cause) -> Decide {
        Decide::Terminate(cause)
    }

    fn examine(transfer: &Transfer, sender: Role, message: &Message) -> Result<(), Refusal> {
        // "The dataAddress MUST be provided if the current transfer is a pull transfer"; a resumed pull that names none goes on at
        // the one it had.
        match message {
            Message::Start(m)
                if sender == Role::Provider
                    && transfer.direction() == Direction::Pull
                    && m.address.is_none()
                    && transfer.address().is_none() =>
            {
                Err(Refusal::AddressMissing)
            }
            _ => Ok(()),
        }
    }

    fn apply(delivery: &mut Delivery, sender: Role, message: &Message) {
        match message {
            Message::Start(start) => {
                delivery.suspended = None;
                // In a push the address is the consumer's, and a start of the consumer's carries none that anybody would need.
                // What comes with the provider's is where it wants to be told that the push may leave.
                if sender == Role::Provider && start.address.is_some() {
                    let place = if delivery.push {
                        &mut delivery.order
                    } else {
                        &mut delivery.address
                    };
                    place.clone_from(&start.address);
                }
            }
            Message::Suspension(suspension) => {
                delivery.suspended = Some(Suspended {
                    by: sender,
                    cause: suspension.cause.clone(),
                });
            }
            _ => {}
        }
    }

    fn strip(message: &mut Message) {
        // Whoever takes the request up now only learns that it has ended; there is nothing to be pushed anywhere.
        if let Message::Request(request) = message {
            request.address = None;
        }
    }

    fn close(delivery: &mut Delivery) {
        delivery.address = None;
        delivery.order = None;
        delivery.suspended = None;
    }
}
