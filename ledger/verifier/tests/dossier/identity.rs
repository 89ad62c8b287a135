//! Who asked: keys, signed requests, tokens and presentations, as connectors make them.

use crate::log::{sha256, sha256_hex};
use herleid_credentials::access_token::{self, Grant};
use herleid_credentials::credential::{self, NewCredential, Profile};
use herleid_credentials::http_signature::{NewSignature, Request, sign};
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_credentials::presentation::{self, NewPresentation};
use herleid_vocab::rim::SeededEntropy;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value, json};

pub const ISSUER: &str = "did:web:issuer.example";
const MEMBERSHIP: &str = "MembershipCredential";

fn key(did: &str) -> SigningKey {
    let [a, b, c, d, ..] = sha256(did.as_bytes());
    SigningKey::generate(
        Algorithm::Es256,
        &SeededEntropy::new(u32::from_be_bytes([a, b, c, d]).into()),
    )
}

fn key_id(did: &str) -> String {
    format!("{did}#key-1")
}

/// The key of a party, as anchors give it.
pub fn anchor(did: &str) -> Value {
    json!([{"id": key_id(did), "jwk": key(did).public_key().to_jwk(), "from": 0, "until": null}])
}

/// The issuer of memberships, as anchors give it.
pub fn issuer() -> Value {
    json!({"did": ISSUER, "types": [MEMBERSHIP], "keys": anchor(ISSUER)})
}

/// The evidence of a request by `caller` to `provider`.
pub fn request(
    caller: &str,
    provider: &str,
    transaction: &str,
    agreement: &str,
    at_ms: u64,
) -> Vec<(&'static str, Vec<u8>)> {
    request_as(&key_id(caller), caller, provider, transaction, agreement, at_ms)
}

/// The same under a key id of one's choice.
pub fn request_as(
    key_name: &str,
    caller: &str,
    provider: &str,
    transaction: &str,
    agreement: &str,
    at_ms: u64,
) -> Vec<(&'static str, Vec<u8>)> {
    let key_pair = key(caller);
    let mut headers = HeaderMap::new();
    for (name, value) in [("herleid-transaction", transaction), ("herleid-agreement", agreement)] {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let request = Request {
        method: &Method::GET,
        target_uri: "https://provider.example/data/1",
        headers: &headers,
    };
    let new = NewSignature {
        created_ms: at_ms,
        nonce: "a-nonce",
        key_id: key_name,
        tag: None,
    };
    let signed = sign(&key_pair, &request, &new).unwrap();
    let grant = Grant {
        issuer: provider.parse().unwrap(),
        audience: "https://provider.example".to_owned(),
        subject: caller.parse().unwrap(),
        key: key_pair.public_key().thumbprint(),
        transfer: "urn:uuid:1".to_owned(),
        agreement: agreement.to_owned(),
        dataset: "urn:example:rain".to_owned(),
        version: "1".to_owned(),
    };
    let token = access_token::mint(&key(provider), &key_id(provider), &grant, "a-token", at_ms, 60_000).unwrap();
    vec![
        ("signature-base", signed.base.into_bytes()),
        ("signature", signed.signature_bytes.to_vec()),
        ("access-token", token.into_bytes()),
    ]
}

/// What `holder` showed to `audience`: a membership, issued by `by`.
pub fn presentation(holder: &str, audience: &str, by: &str, at_ms: u64) -> Vec<u8> {
    let (holder_did, audience_did, issuer_did) =
        (holder.parse().unwrap(), audience.parse().unwrap(), by.parse().unwrap());
    let new = NewCredential {
        id: &format!("urn:sha256:{}", sha256_hex(holder.as_bytes())),
        issuer: &issuer_did,
        subject: &holder_did,
        types: &[MEMBERSHIP],
        claims: &Map::new(),
        valid_from_ms: at_ms - 1_000_000,
        valid_until_ms: at_ms + 1_000_000,
    };
    let credential = credential::issue(&key(by), &key_id(by), &new).unwrap();
    let new = NewPresentation {
        holder: &holder_did,
        audience: &audience_did,
        jti: "a-presentation",
        nonce: None,
        issued_at_ms: at_ms,
        lifetime_ms: 300_000,
        credentials: &[&credential],
        profile: Profile::Vc20Jose,
    };
    presentation::build(&key(holder), &key_id(holder), &new)
        .unwrap()
        .into_bytes()
}
