//! Messages of the contract negotiation protocol.

use super::super::Role;
use super::super::id::{Address, Id};
use super::super::negotiation::State;
use super::super::node::{MessageError, Node};
use super::super::policy::{Agreement, Offer};
use super::{Cause, Message, Pids, ProcessMessage, put, put_id};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Exactly one of `callbackAddress` (opens a negotiation) and the other end's process id (continues one).
fn either(node: &Node<'_>, pid_name: &'static str) -> Result<(Option<Address>, Option<Id>), MessageError> {
    let callback = node.address_if_there("callbackAddress")?;
    let pid = node.id_if_there(pid_name)?;
    let found = match (&callback, &pid) {
        (Some(_), Some(_)) => "both",
        (None, None) => "neither",
        _ => return Ok((callback, pid)),
    };
    Err(MessageError::ExactlyOne {
        one: "callbackAddress",
        other: pid_name,
        found,
    })
}

fn write_either(members: &mut Map<String, Value>, callback: Option<&Address>, pid_name: &str, pid: Option<&Id>) {
    if let Some(address) = callback {
        put(members, "callbackAddress", address.as_str());
    }
    if let Some(pid) = pid {
        put_id(members, pid_name, pid);
    }
}

/// The consumer asks for an agreement, or answers an offer with one of its own (`negotiation/contract-request-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRequest {
    /// The consumer's process id.
    pub consumer_pid: Id,
    /// The provider's process id: in every request but the one that opens the negotiation.
    pub provider_pid: Option<Id>,
    /// Where the consumer receives messages: only in the request that opens the negotiation.
    pub callback: Option<Address>,
    /// What is asked for.
    pub offer: Offer,
}

impl Message for ContractRequest {
    const TYPE: &'static str = "ContractRequestMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        let (callback, provider_pid) = either(node, "providerPid")?;
        Ok(Self {
            consumer_pid: node.id("consumerPid")?,
            provider_pid,
            callback,
            offer: Offer::read(&node.child("offer")?)?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        put_id(members, "consumerPid", &self.consumer_pid);
        write_either(
            members,
            self.callback.as_ref(),
            "providerPid",
            self.provider_pid.as_ref(),
        );
        put(members, "offer", self.offer.as_value().clone());
    }
}

impl ProcessMessage for ContractRequest {
    fn pid(&self, end: Role) -> Option<&Id> {
        match end {
            Role::Consumer => Some(&self.consumer_pid),
            Role::Provider => self.provider_pid.as_ref(),
        }
    }

    fn json(&self, id: &str) -> Value {
        self.to_json(Some(id))
    }
}

/// The provider makes an offer (`negotiation/contract-offer-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractOffer {
    /// The provider's process id.
    pub provider_pid: Id,
    /// The consumer's process id: in every offer but the one that opens the negotiation.
    pub consumer_pid: Option<Id>,
    /// Where the provider receives messages: only in the offer that opens the negotiation.
    pub callback: Option<Address>,
    /// What is offered.
    pub offer: Offer,
}

impl Message for ContractOffer {
    const TYPE: &'static str = "ContractOfferMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        let (callback, consumer_pid) = either(node, "consumerPid")?;
        Ok(Self {
            provider_pid: node.id("providerPid")?,
            consumer_pid,
            callback,
            offer: Offer::read(&node.child("offer")?)?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        put_id(members, "providerPid", &self.provider_pid);
        write_either(
            members,
            self.callback.as_ref(),
            "consumerPid",
            self.consumer_pid.as_ref(),
        );
        put(members, "offer", self.offer.as_value().clone());
    }
}

impl ProcessMessage for ContractOffer {
    fn pid(&self, end: Role) -> Option<&Id> {
        match end {
            Role::Consumer => self.consumer_pid.as_ref(),
            Role::Provider => Some(&self.provider_pid),
        }
    }

    fn json(&self, id: &str) -> Value {
        self.to_json(Some(id))
    }
}

/// The provider agrees (`negotiation/contract-agreement-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractAgreement {
    /// Both process ids.
    pub pids: Pids,
    /// The agreement, whole.
    pub agreement: Agreement,
}

impl Message for ContractAgreement {
    const TYPE: &'static str = "ContractAgreementMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            pids: Pids::read(node)?,
            agreement: Agreement::read(&node.child("agreement")?)?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        self.pids.write(members);
        put(members, "agreement", self.agreement.as_value().clone());
    }
}

between_both!(ContractAgreement);

/// `eventType`: which party may send which is the state machine's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventType {
    /// The consumer accepts the provider's offer.
    #[serde(rename = "ACCEPTED")]
    Accepted,
    /// The provider declares the agreement in force.
    #[serde(rename = "FINALIZED")]
    Finalized,
}

impl EventType {
    /// As in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Finalized => "FINALIZED",
        }
    }
}

/// An offer was accepted, or an agreement came into force (`negotiation/contract-negotiation-event-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NegotiationEvent {
    /// Both process ids.
    pub pids: Pids,
    /// Which.
    pub event: EventType,
}

impl Message for NegotiationEvent {
    const TYPE: &'static str = "ContractNegotiationEventMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            pids: Pids::read(node)?,
            event: match node.text("eventType")? {
                "ACCEPTED" => EventType::Accepted,
                "FINALIZED" => EventType::Finalized,
                _ => return Err(node.form("eventType", "`ACCEPTED` or `FINALIZED`")),
            },
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        self.pids.write(members);
        put(members, "eventType", self.event.name());
    }
}

between_both!(NegotiationEvent);

pids_only!(
    /// The consumer confirms the agreement (`negotiation/contract-agreement-verification-message-schema.json`).
    Verification,
    "ContractAgreementVerificationMessage"
);
with_cause!(
    /// Either party gives up (`negotiation/contract-negotiation-termination-message-schema.json`).
    NegotiationTermination,
    "ContractNegotiationTerminationMessage"
);
with_cause!(
    /// The answer to what cannot be done (`negotiation/contract-negotiation-error-schema.json`).
    ContractNegotiationError,
    "ContractNegotiationError"
);
with_state!(
    /// The answer: where the negotiation stands (`negotiation/contract-negotiation-schema.json`).
    ContractNegotiation,
    "ContractNegotiation",
    State
);
