//! What the tests of the protocol share.

use herleid::dsp::id::Id;
use herleid::dsp::message::Cause;
use herleid::dsp::negotiation::Peer;
use herleid::dsp::policy::{Agreement, Offer};
use serde_json::{Value, json};

pub const CONSUMER: &str = "did:web:app.example";
pub const PROVIDER: &str = "did:web:knmi.example";
pub const NOW: u64 = 1_592_406_000_000;

pub fn id(text: &str) -> Id {
    text.parse().unwrap()
}

/// Where the provider is, as the consumer sees it.
pub fn provider() -> Peer {
    Peer {
        id: id(PROVIDER),
        address: "https://knmi.example/dsp/2025-1".parse().unwrap(),
        callback: "https://app.example/callback/".parse().unwrap(),
    }
}

/// Where the consumer is, as the provider sees it.
pub fn consumer() -> Peer {
    Peer {
        id: id(CONSUMER),
        address: "https://app.example/callback".parse().unwrap(),
        callback: "https://knmi.example/dsp/2025-1".parse().unwrap(),
    }
}

pub fn offer(name: &str) -> Offer {
    let json = json!({
        "@id": format!("urn:offer:{name}"), "@type": "Offer", "target": "urn:dataset:rain",
        "permission": [{"action": "use", "constraint": [
            {"leftOperand": "purpose", "operator": "eq", "rightOperand": name},
        ]}],
    });
    Offer::try_from(json).unwrap()
}

pub fn agreement(of: &Offer) -> Agreement {
    Agreement::from_offer(of, &id("urn:agreement:1"), &id(PROVIDER), &id(CONSUMER), NOW)
}

pub fn cause() -> Cause {
    Cause::new("7", "no longer needed")
}

pub fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}
