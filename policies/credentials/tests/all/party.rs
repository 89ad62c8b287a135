//! Participants, instants and tokens that the tests share.

use herleid_credentials::Now;
use herleid_credentials::credential::{self, NewCredential, TrustedIssuers};
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::jose;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_vocab::did::Did;
use herleid_vocab::rim::SeededEntropy;
use serde_json::{Map, Value, json};

/// 17 June 2020, 15:00 UTC.
pub(crate) const NOW_MS: u64 = 1_592_406_000_000;
pub(crate) const MINUTE_MS: u64 = 60_000;
pub(crate) const TYPE: &str = "MembershipCredential";

pub(crate) fn now() -> Now {
    at(NOW_MS)
}

pub(crate) fn at(now_ms: u64) -> Now {
    Now { now_ms, leeway_ms: 0 }
}

pub(crate) struct Party {
    pub(crate) did: Did,
    pub(crate) key: SigningKey,
    pub(crate) key_id: String,
    pub(crate) document: DidDocument,
}

impl Party {
    /// A participant whose one key has all relationships.
    pub(crate) fn new(did: &str, algorithm: Algorithm) -> Self {
        Self::with(did, algorithm, &Relationship::ALL)
    }

    pub(crate) fn with(did: &str, algorithm: Algorithm, relationships: &[Relationship]) -> Self {
        let did: Did = did.parse().unwrap();
        let seed = did
            .as_str()
            .bytes()
            .fold(7, |seed: u64, b| seed.wrapping_mul(31) + u64::from(b));
        let key = SigningKey::generate(algorithm, &SeededEntropy::new(seed));
        let document = DidDocument::builder(&did)
            .key("key-1", &key.public_key(), relationships)
            .build()
            .unwrap();
        Self {
            key_id: format!("{did}#key-1"),
            did,
            key,
            document,
        }
    }

    /// Signs whatever claims a test wants.
    pub(crate) fn sign(&self, media_type: &str, claims: &Value) -> String {
        jose::sign(&self.key, &self.key_id, media_type, None, claims).unwrap()
    }
}

pub(crate) fn holder() -> Party {
    Party::new("did:web:app.example", Algorithm::EdDsa)
}

pub(crate) fn verifier() -> Party {
    Party::new("did:web:knmi.example", Algorithm::EdDsa)
}

pub(crate) fn issuer() -> Party {
    Party::new("did:web:issuer.example", Algorithm::Es256)
}

pub(crate) fn trusting(issuer: &Party) -> TrustedIssuers {
    [(issuer.did.clone(), vec![TYPE.to_owned()])].into_iter().collect()
}

/// A membership credential of VC 2.0, valid for a day around now.
pub(crate) fn membership(issuer: &Party, subject: &Did) -> String {
    let claims: Map<String, Value> = json!({"memberOf": "Zeeland"}).as_object().unwrap().clone();
    credential::issue(
        &issuer.key,
        &issuer.key_id,
        &NewCredential {
            id: "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
            issuer: &issuer.did,
            subject,
            types: &[TYPE],
            claims: &claims,
            valid_from_ms: NOW_MS - 720 * MINUTE_MS,
            valid_until_ms: NOW_MS + 720 * MINUTE_MS,
        },
    )
    .unwrap()
}

/// The same, of VC 1.1, as the Eclipse conformance kit writes it: `jti` is not `vc.id`, the claims name the validity.
pub(crate) fn membership_vc11(issuer: &Party, subject: &Did) -> String {
    issuer.sign("JWT", &membership_vc11_claims(issuer, subject))
}

pub(crate) fn membership_vc11_claims(issuer: &Party, subject: &Did) -> Value {
    json!({
        "iss": issuer.did, "sub": subject, "jti": "0190163d-8694-739b-aea5-966c26f8ad91",
        "nbf": NOW_MS / 1000 - 60, "iat": NOW_MS / 1000 - 60, "exp": NOW_MS / 1000 + 240,
        "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"], "id": "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
            "type": ["VerifiableCredential", TYPE], "issuer": issuer.did, "issuanceDate": "2020-06-17T14:00:00Z",
            "credentialSubject": {"id": subject, "memberOf": "Zeeland"},
        },
    })
}

/// `token` with the member at `pointer` set, or with `null` removed, signed again by `party`.
pub(crate) fn altered(claims: &Value, pointer: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = claims.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(members) if value.is_null() => {
            members.remove(name);
        }
        Value::Object(members) => {
            members.insert(name.to_owned(), value);
        }
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        other => panic!("{other}"),
    }
    claims
}

/// The payload of a compact token.
pub(crate) fn payload(token: &str) -> Value {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Every text that differs from `text` in one bit and is still a text.
pub(crate) fn flips(text: &str) -> impl Iterator<Item = String> + '_ {
    (0..text.len()).flat_map(move |at| {
        (0..8).filter_map(move |bit| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            String::from_utf8(bytes).ok()
        })
    })
}
