//! Participants that are known without a DID document, for development: by a constant token (the conformance kit), or by the mock
//! identity of the Eclipse Dataspace Components. They keep no log, and sign nothing: one-sided peers.

use crate::config::{Development, PlainPeer, PlainProof};
use crate::dsp::id::Id;
use herleid_vocab::did::Did;
use http::{HeaderMap, header};
use serde_json::{Value, json};

/// The participants that the configuration names under `[development]`.
#[derive(Debug, Clone, Default)]
pub struct Shortcuts(Vec<PlainPeer>);

impl Shortcuts {
    /// Those of a configuration.
    #[must_use]
    pub fn new(development: Option<&Development>) -> Self {
        Self(development.map(|d| d.peers.clone()).unwrap_or_default())
    }

    /// The one with this DID.
    #[must_use]
    pub fn find(&self, did: &Did) -> Option<&PlainPeer> {
        self.0.iter().find(|peer| peer.did == *did)
    }

    /// Whether this is one with the mock identity of the Eclipse Dataspace Components.
    #[must_use]
    pub fn is_edc(&self, did: &Did) -> bool {
        self.find(did).is_some_and(|peer| peer.proof == PlainProof::Edc)
    }

    /// The one that is called so in messages.
    #[must_use]
    pub fn named(&self, name: &Id) -> Option<&PlainPeer> {
        self.0.iter().find(|peer| peer.name == *name)
    }

    /// The one whose `Authorization` a request carries, exactly once.
    #[must_use]
    pub fn recognise(&self, headers: &HeaderMap) -> Option<&PlainPeer> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (value, None) = (values.next()?.to_str().ok()?, values.next()) else {
            return None;
        };
        self.0.iter().find(|peer| match &peer.proof {
            PlainProof::Token(token) => value == token,
            PlainProof::Edc => claimed(value).is_some_and(|name| name == peer.name.as_str()),
        })
    }
}

/// Whom a token of EDC's mock identity names.
fn claimed(token: &str) -> Option<String> {
    let value: Value = serde_json::from_str(token).ok()?;
    value.get("clientId")?.as_str().map(str::to_owned)
}

/// What such a participant takes for our identity.
#[must_use]
pub fn authorization(peer: &PlainPeer, own: &Did) -> String {
    match &peer.proof {
        PlainProof::Token(token) => token.clone(),
        PlainProof::Edc => json!({"region": "eu", "audience": peer.name, "clientId": own.as_str()}).to_string(),
    }
}

#[cfg(test)]
mod fuzz;
