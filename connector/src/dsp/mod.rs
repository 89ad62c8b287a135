//! Dataspace Protocol 2025-1 without a socket, a clock or a source of randomness.
//!
//! | module | what |
//! |---|---|
//! | [`message`] | every message and answer, parsed strictly from bytes and built |
//! | [`policy`] | offers and agreements as the protocol carries them; what they mean is `herleid_policies`' |
//! | [`negotiation`], [`transfer`] | the two state machines: an event in, a new state and effects out |
//! | [`process`] | what both have in common: ids, repeats, the one message on its way, crossing messages |
//! | [`outbox`] | the effects, and how often a message is tried |
//! | [`catalog`] | our catalogue as DCAT, and a peer's read into the same model |
//! | [`path`] | endpoints: which request is meant, and where a message goes |
//! | [`error`] | every refusal, its HTTP status and its protocol body, in one place |
//!
//! The shell (HTTP, store, tokens, timers) authenticates a request, parses it, calls `step`, makes the new state durable, and
//! only then answers and sends. docs/dsp.md describes the whole from the outside.

#[macro_use]
mod names;

pub mod catalog;
pub mod context;
pub mod error;
pub mod id;
pub mod message;
pub mod negotiation;
pub mod node;
pub mod outbox;
pub mod path;
pub mod policy;
pub mod process;
pub mod transfer;
mod xsd;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Version of the protocol, as the version document names it.
pub const VERSION: &str = "2025-1";

/// Which of the two parties: of a negotiation, of a transfer, or as the sender of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks for data.
    Consumer,
    /// Offers data.
    Provider,
}

impl Role {
    /// The party at the other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Consumer => Self::Provider,
            Self::Provider => Self::Consumer,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumer => "consumer",
            Self::Provider => "provider",
        })
    }
}
