//! What makes a process a contract negotiation.

use super::{Decide, Kind, Message, Negotiation, State, Terms};
use crate::dsp::Role;
use crate::dsp::error::{Family, Refusal};
use crate::dsp::message::{
    Cause, ContractAgreement, ContractNegotiation, ContractOffer, ContractRequest, EventType, Message as _,
    NegotiationEvent, NegotiationTermination, Pids, ProcessMessage, Verification,
};
use crate::dsp::policy::Mismatch;
use crate::dsp::process::Protocol;
use serde_json::Value;

/// The contract negotiation protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {}

impl Protocol for Contract {
    type State = State;
    type Kind = Kind;
    type Message = Message;
    type Decision = Decide;
    type Facts = Terms;

    const FAMILY: Family = Family::Negotiation;
    const TERMINATED: State = State::Terminated;
    const KINDS: &'static [Kind] = Kind::ALL;

    fn next(state: Option<State>, sender: Role, kind: Kind) -> Option<State> {
        use Role::{Consumer, Provider};
        Some(match (state, sender, kind) {
            (None | Some(State::Offered), Consumer, Kind::Request) => State::Requested,
            (None | Some(State::Requested), Provider, Kind::Offer) => State::Offered,
            (Some(State::Offered), Consumer, Kind::Accepted) => State::Accepted,
            (Some(State::Requested | State::Accepted), Provider, Kind::Agreement) => State::Agreed,
            (Some(State::Agreed), Consumer, Kind::Verification) => State::Verified,
            (Some(State::Verified), Provider, Kind::Finalized) => State::Finalized,
            (Some(state), _, Kind::Termination) if !Self::is_terminal(state) => State::Terminated,
            _ => return None,
        })
    }

    fn is_terminal(state: State) -> bool {
        matches!(state, State::Finalized | State::Terminated)
    }

    fn rank(_sender: Role, kind: Kind) -> u8 {
        // The protocol is turn by turn, so only terminations cross. A termination beats what it crosses, but for the finalization:
        // by the diagram the consumer has nothing to terminate in VERIFIED, and the agreement may already be in force at its end.
        match kind {
            Kind::Finalized => 2,
            Kind::Termination => 1,
            _ => 0,
        }
    }

    fn is_request(kind: Kind) -> bool {
        matches!(kind, Kind::Request | Kind::Offer)
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
            Message::Offer(m) => m,
            Message::Agreement(m) => m,
            Message::Verification(m) => m,
            Message::Event(m) => m,
            Message::Termination(m) => m,
        }
    }

    fn answer(pids: &Pids, state: State) -> Value {
        let pids = pids.clone();
        ContractNegotiation { pids, state }.to_json(None)
    }

    fn segment(kind: Kind) -> &'static str {
        match kind {
            Kind::Request => "request",
            Kind::Offer => "offers",
            Kind::Agreement => "agreement",
            Kind::Verification => "agreement/verification",
            Kind::Accepted | Kind::Finalized => "events",
            Kind::Termination => "termination",
        }
    }

    fn decided(decision: &Decide) -> Kind {
        match decision {
            Decide::Offer(_) => Kind::Offer,
            Decide::Agree(_) => Kind::Agreement,
            Decide::Accept => Kind::Accepted,
            Decide::CounterRequest(_) => Kind::Request,
            Decide::Verify => Kind::Verification,
            Decide::Finalize => Kind::Finalized,
            Decide::Terminate(_) => Kind::Termination,
        }
    }

    fn compose(pids: Pids, decision: Decide) -> Message {
        match decision {
            Decide::Offer(offer) => Message::Offer(ContractOffer {
                provider_pid: pids.provider,
                consumer_pid: Some(pids.consumer),
                callback: None,
                offer,
            }),
            Decide::CounterRequest(offer) => Message::Request(ContractRequest {
                consumer_pid: pids.consumer,
                provider_pid: Some(pids.provider),
                callback: None,
                offer,
            }),
            Decide::Agree(agreement) => Message::Agreement(ContractAgreement { pids, agreement }),
            Decide::Accept => Message::Event(NegotiationEvent {
                pids,
                event: EventType::Accepted,
            }),
            Decide::Finalize => Message::Event(NegotiationEvent {
                pids,
                event: EventType::Finalized,
            }),
            Decide::Verify => Message::Verification(Verification { pids }),
            Decide::Terminate(cause) => Self::termination(pids, cause),
        }
    }

    fn termination(pids: Pids, cause: Cause) -> Message {
        Message::Termination(NegotiationTermination { pids, cause })
    }

    fn terminate(cause: Cause) -> Decide {
        Decide::Terminate(cause)
    }

    fn examine(negotiation: &Negotiation, _sender: Role, message: &Message) -> Result<(), Refusal> {
        // "An Agreement MUST be associated with exactly one Dataset"; whether the rest is what was negotiated, the consumer says by
        // verifying or terminating, see `agreement_as_negotiated`.
        match message {
            Message::Agreement(m) if m.agreement.target() != negotiation.standing_offer().target() => Err(Mismatch {
                member: "target",
                negotiated: "the dataset of the last offer",
            }
            .into()),
            _ => Ok(()),
        }
    }

    fn apply(terms: &mut Terms, sender: Role, message: &Message) {
        let offer = match message {
            Message::Request(m) => &m.offer,
            Message::Offer(m) => &m.offer,
            Message::Agreement(m) => {
                terms.agreement = Some(m.agreement.clone());
                return;
            }
            _ => return,
        };
        terms.offer = offer.clone();
        terms.offered_by = sender;
    }

    fn close(_terms: &mut Terms) {}
}
