//! Messages of the transfer process protocol.

use super::super::Role;
use super::super::id::{Address, Id};
use super::super::node::{MessageError, Node};
use super::super::transfer::State;
use super::{Cause, DataAddress, Message, Pids, ProcessMessage, put, put_id};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

fn address_if_there(node: &Node<'_>) -> Result<Option<DataAddress>, MessageError> {
    node.get("dataAddress")
        .map(|_| DataAddress::read(&node.child("dataAddress")?))
        .transpose()
}

fn put_address(members: &mut Map<String, Value>, address: Option<&DataAddress>) {
    if let Some(address) = address {
        put(members, "dataAddress", address.to_json());
    }
}

/// The consumer asks for data under an agreement (`transfer/transfer-request-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// The consumer's process id.
    pub consumer_pid: Id,
    /// Under which agreement.
    pub agreement: Id,
    /// Format of a distribution of the dataset.
    pub format: String,
    /// Where to push to; only for a push.
    pub address: Option<DataAddress>,
    /// Where the consumer receives messages.
    pub callback: Address,
}

impl Message for TransferRequest {
    const TYPE: &'static str = "TransferRequestMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            consumer_pid: node.id("consumerPid")?,
            agreement: node.id("agreementId")?,
            format: node.text("format")?.to_owned(),
            address: address_if_there(node)?,
            callback: node.address("callbackAddress")?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        put_id(members, "consumerPid", &self.consumer_pid);
        put_id(members, "agreementId", &self.agreement);
        put(members, "format", self.format.as_str());
        put_address(members, self.address.as_ref());
        put(members, "callbackAddress", self.callback.as_str());
    }
}

impl ProcessMessage for TransferRequest {
    fn pid(&self, end: Role) -> Option<&Id> {
        (end == Role::Consumer).then_some(&self.consumer_pid)
    }

    fn json(&self, id: &str) -> Value {
        self.to_json(Some(id))
    }
}

/// Data is there to be fetched, or is being pushed (`transfer/transfer-start-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferStart {
    /// Both process ids.
    pub pids: Pids,
    /// Where to fetch from; for a pull.
    pub address: Option<DataAddress>,
}

impl Message for TransferStart {
    const TYPE: &'static str = "TransferStartMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            pids: Pids::read(node)?,
            address: address_if_there(node)?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        self.pids.write(members);
        put_address(members, self.address.as_ref());
    }
}

between_both!(TransferStart);

pids_only!(
    /// All data is through (`transfer/transfer-completion-message-schema.json`).
    TransferCompletion,
    "TransferCompletionMessage"
);
with_cause!(
    /// Data is held back for now (`transfer/transfer-suspension-message-schema.json`).
    TransferSuspension,
    "TransferSuspensionMessage"
);
with_cause!(
    /// The transfer is over before its end (`transfer/transfer-termination-message-schema.json`).
    TransferTermination,
    "TransferTerminationMessage"
);
with_cause!(
    /// The answer to what cannot be done (`transfer/transfer-error-schema.json`).
    TransferError,
    "TransferError"
);
with_state!(
    /// The answer: where the transfer stands (`transfer/transfer-process-schema.json`).
    TransferProcess,
    "TransferProcess",
    State
);
