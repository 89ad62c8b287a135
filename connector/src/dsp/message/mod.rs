//! Every message and answer of the protocol: parsed strictly from bytes, and built.
//!
//! A message is read as plain JSON: `@context` checked against the embedded list, `@type` on every node that has one in its schema,
//! required members, and the rules between members. Members that a schema does not name are tolerated and ignored, as the schemas
//! allow (and as EDC and the conformance kit need).

#[macro_use]
mod macros;

mod address;
mod catalog;
mod negotiation;
mod transfer;
mod version;

pub use address::{DataAddress, EndpointProperty, HTTP_ENDPOINT};
pub use catalog::{CatalogError, CatalogRequest, DatasetRequest};
pub use negotiation::{
    ContractAgreement, ContractNegotiation, ContractNegotiationError, ContractOffer, ContractRequest, EventType,
    NegotiationEvent, NegotiationTermination, Verification,
};
pub use transfer::{
    TransferCompletion, TransferError, TransferProcess, TransferRequest, TransferStart, TransferSuspension,
    TransferTermination,
};
pub use version::{Auth, Version, VersionDocument};

use super::Role;
use super::context;
use super::id::Id;
use super::node::{MessageError, Node};
use herleid_vocab::json::{self, Limits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// One type of message.
pub trait Message: Sized {
    /// Its `@type`.
    const TYPE: &'static str;

    /// Reads the members; context and type are checked already.
    ///
    /// # Errors
    /// Names the member that is missing, wrong or not allowed.
    fn read(node: &Node<'_>) -> Result<Self, MessageError>;

    /// Writes the members; context, type and id are there already.
    fn write(&self, members: &mut Map<String, Value>);

    /// Parses the body of a request or an answer: at most 1 MiB, 32 levels deep.
    ///
    /// # Errors
    /// Says what is wrong and where.
    fn parse(bytes: &[u8]) -> Result<Received<Self>, MessageError> {
        Self::from_value(&json::parse(bytes, &Limits::MESSAGE)?)
    }

    /// As [`Message::parse`], of JSON that was parsed before.
    ///
    /// # Errors
    /// Says what is wrong and where.
    fn from_value(value: &Value) -> Result<Received<Self>, MessageError> {
        let node = Node::root(value)?;
        context::check(node.get("@context"))?;
        node.typed(Self::TYPE)?;
        Ok(Received {
            stamp: Stamp::of(&node)?,
            message: Self::read(&node)?,
        })
    }

    /// The message as JSON, with `id` as its `@id` if one is given.
    fn to_json(&self, id: Option<&str>) -> Value {
        let mut members = Map::new();
        members.insert("@context".to_owned(), context::ours());
        members.insert("@type".to_owned(), Value::from(Self::TYPE));
        if let Some(id) = id {
            members.insert("@id".to_owned(), Value::from(id));
        }
        self.write(&mut members);
        Value::Object(members)
    }
}

/// What the state machines need of every message of a process, whatever its type.
pub trait ProcessMessage {
    /// The process id of `end`; missing in a message that opens a process, for the receiver's end.
    fn pid(&self, end: Role) -> Option<&Id>;

    /// Why, if the message says so.
    fn cause(&self) -> Option<&Cause> {
        None
    }

    /// The message as JSON with `id` as its `@id`.
    fn json(&self, id: &str) -> Value;
}

/// A message as it came from a peer. Only parsing makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received<T> {
    message: T,
    stamp: Stamp,
}

impl<T> Received<T> {
    /// The message.
    pub fn message(&self) -> &T {
        &self.message
    }

    /// By what a repeat of it is recognised.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The message alone.
    pub fn into_message(self) -> T {
        self.message
    }

    /// The same, as one of several types.
    pub fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Received<U> {
        Received {
            message: wrap(self.message),
            stamp: self.stamp,
        }
    }
}

/// By what a repeated message is recognised: its `@id`, if it has one, and a digest of all the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    id: Option<Id>,
    digest: String,
}

impl Stamp {
    fn of(node: &Node<'_>) -> Result<Self, MessageError> {
        let rest: Map<String, Value> = node
            .members()
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "@id" | "@context"))
            .map(|(name, member)| (name.clone(), member.clone()))
            .collect();
        let bytes = json::canonical(&Value::Object(rest))?;
        Ok(Self {
            id: node.id_if_there("@id")?,
            digest: hex::encode(Sha256::digest(&bytes)),
        })
    }

    /// The message's own `@id`.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Lower-case hex of the SHA-256 of the message in RFC 8785 form without `@id` and `@context`.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Why a party ends, suspends or refuses something: a code for programs, reasons for people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// `code`, of the sender's own making.
    pub code: Option<String>,
    /// `reason`; texts from us, anything from peers (the schemas leave the items open).
    pub reason: Vec<Value>,
}

impl Cause {
    /// A cause with one reason in words.
    #[must_use]
    pub fn new(code: &str, reason: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            reason: vec![Value::from(reason)],
        }
    }

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            code: node.text_if_there("code")?.map(str::to_owned),
            // An empty list is against the schema but says the same as none; a termination is not refused over it.
            reason: node.array_if_there("reason", false)?.unwrap_or_default().to_vec(),
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        if let Some(code) = &self.code {
            members.insert("code".to_owned(), Value::from(code.as_str()));
        }
        if !self.reason.is_empty() {
            members.insert("reason".to_owned(), Value::from(self.reason.clone()));
        }
    }

    /// The cause on one line, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let reasons: Vec<String> = self
            .reason
            .iter()
            .map(|reason| match reason {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect();
        match (&self.code, reasons.is_empty()) {
            (Some(code), true) => format!("code {code}"),
            (Some(code), false) => format!("{} (code {code})", reasons.join("; ")),
            (None, true) => "no reason given".to_owned(),
            (None, false) => reasons.join("; "),
        }
    }
}

fn put(members: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    members.insert(name.to_owned(), value.into());
}

fn put_id(members: &mut Map<String, Value>, name: &str, id: &Id) {
    put(members, name, id.as_str());
}

/// Both process ids, which all messages but the initial ones carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pids {
    /// The consumer's.
    pub consumer: Id,
    /// The provider's.
    pub provider: Id,
}

impl Pids {
    /// That of one end.
    #[must_use]
    pub fn of(&self, end: Role) -> &Id {
        match end {
            Role::Consumer => &self.consumer,
            Role::Provider => &self.provider,
        }
    }

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            consumer: node.id("consumerPid")?,
            provider: node.id("providerPid")?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        put_id(members, "consumerPid", &self.consumer);
        put_id(members, "providerPid", &self.provider);
    }
}
