//! Negotiations and transfers, as the simulation needs to know them.

use crate::common::{NOW, agreement, cause, consumer, id, offer, provider};
use herleid::dsp::Role;
use herleid::dsp::error::Refusal;
use herleid::dsp::id::Id;
use herleid::dsp::message::{ContractNegotiation, DataAddress, Message as _, Pids, Received, TransferProcess};
use herleid::dsp::negotiation::{self, Contract};
use herleid::dsp::outbox::Effect;
use herleid::dsp::path::Endpoint;
use herleid::dsp::process::{Process, Protocol};
use herleid::dsp::transfer::{self, DataTransfer};
use serde_json::Value;

/// An opened process and what to do about it.
pub type Opened<P> = Result<(Process<P>, Vec<Effect<P>>), Refusal>;

/// What the simulation needs to know of a protocol.
pub trait Simulated: Protocol {
    fn parse(endpoint: &Endpoint, body: &[u8]) -> Received<Self::Message>;
    fn open(role: Role) -> Opened<Self>;
    fn opened(own_pid: Id, from: Id, received: &Received<Self::Message>) -> Opened<Self>;
    fn decision(process: &Process<Self>, kind: Self::Kind, number: u32) -> Self::Decision;
    fn answer_in(body: &Value) -> (Pids, Self::State);
}

impl Simulated for Contract {
    fn parse(endpoint: &Endpoint, body: &[u8]) -> Received<Self::Message> {
        match endpoint {
            Endpoint::OpenNegotiation(post) | Endpoint::NegotiationMessage(_, post) => {
                negotiation::Message::parse(*post, body).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    fn open(role: Role) -> Opened<Self> {
        match role {
            Role::Consumer => negotiation::request(pid(role), provider(), offer("0"), NOW),
            Role::Provider => negotiation::offer(pid(role), consumer(), offer("0"), NOW),
        }
    }

    fn opened(own_pid: Id, from: Id, received: &Received<Self::Message>) -> Opened<Self> {
        negotiation::opened(own_pid, from, received, NOW)
    }

    fn decision(process: &Process<Self>, kind: Self::Kind, number: u32) -> Self::Decision {
        use negotiation::{Decide, Kind};
        match kind {
            Kind::Request => Decide::CounterRequest(offer(&number.to_string())),
            Kind::Offer => Decide::Offer(offer(&number.to_string())),
            Kind::Accepted => Decide::Accept,
            Kind::Agreement => Decide::Agree(agreement(process.standing_offer())),
            Kind::Verification => Decide::Verify,
            Kind::Finalized => Decide::Finalize,
            Kind::Termination => Decide::Terminate(cause()),
        }
    }

    fn answer_in(body: &Value) -> (Pids, Self::State) {
        let answer = ContractNegotiation::from_value(body).unwrap().into_message();
        (answer.pids, answer.state)
    }
}

impl Simulated for DataTransfer {
    fn parse(endpoint: &Endpoint, body: &[u8]) -> Received<Self::Message> {
        let post = match endpoint {
            Endpoint::OpenTransfer => None,
            Endpoint::TransferMessage(_, post) => Some(*post),
            other => panic!("{other:?}"),
        };
        transfer::Message::parse(post, body).unwrap()
    }

    fn open(_role: Role) -> Opened<Self> {
        transfer::request(
            pid(Role::Consumer),
            provider(),
            id("urn:agreement:1"),
            "HttpData-PULL",
            None,
            NOW,
        )
    }

    fn opened(own_pid: Id, from: Id, received: &Received<Self::Message>) -> Opened<Self> {
        transfer::opened(own_pid, from, received, NOW)
    }

    fn decision(process: &Process<Self>, kind: Self::Kind, number: u32) -> Self::Decision {
        use transfer::{Decide, Kind};
        let address = || DataAddress::http_bearer("https://knmi.example/data", &number.to_string());
        match kind {
            Kind::Request => panic!("a transfer is not requested twice"),
            Kind::Start => Decide::Start((process.role() == Role::Provider).then(address)),
            Kind::Suspension => Decide::Suspend(cause()),
            Kind::Completion => Decide::Complete,
            Kind::Termination => Decide::Terminate(cause()),
        }
    }

    fn answer_in(body: &Value) -> (Pids, Self::State) {
        let answer = TransferProcess::from_value(body).unwrap().into_message();
        (answer.pids, answer.state)
    }
}

pub fn pid(role: Role) -> Id {
    match role {
        Role::Consumer => id("urn:uuid:32541fe6-c580-409e-85a8-8a9a32fbe833"),
        Role::Provider => id("urn:uuid:a343fcbf-99fc-4ce8-8e9b-148c97605aab"),
    }
}

pub fn participant(role: Role) -> Id {
    match role {
        Role::Consumer => consumer().id,
        Role::Provider => provider().id,
    }
}
