//! A pull as a consumer's connector asks for it: the token that the provider gave, a transaction of its own, and a signature (RFC 9421) over
//! what it says.

use crate::pair::{Access, Pair};
use herleid::rim::{SystemClock, SystemEntropy};
use herleid_credentials::http_signature::{self, NewSignature};
use herleid_credentials::jose;
use herleid_credentials::keys::SigningKey;
use herleid_vocab::rim::{Clock as _, Entropy as _};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Empty;
use hyper::body::Bytes;

/// What stays the same in all pulls under one access.
pub(crate) struct Puller {
    pub(crate) access: Access,
    pub(crate) provider: String,
    pub(crate) consumer: String,
    key: SigningKey,
    key_id: String,
    path: String,
    /// Where it is, on this machine.
    pub(crate) port: u16,
}

impl Puller {
    pub(crate) fn new(pair: &Pair, access: Access) -> Self {
        let place = access.endpoint.strip_prefix("https://localhost:");
        let place = place.and_then(|place| place.split_once('/'));
        let (port, path) = place.unwrap_or_else(|| panic!("an address of this machine, not `{}`", access.endpoint));
        Self {
            provider: pair.provider.did.clone(),
            consumer: pair.consumer.did.clone(),
            key: pair.key(),
            key_id: format!("{}#key-1", pair.consumer.did),
            port: port.parse().unwrap(),
            path: format!("/{path}"),
            access,
        }
    }

    /// A pull in `transaction` by somebody who knows `seen` records of the provider's log.
    pub(crate) fn request(&self, transaction: &str, seen: u64) -> Request<Empty<Bytes>> {
        let mut headers = HeaderMap::with_capacity(10);
        let mut put = |name: &'static str, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        };
        put("host", &format!("localhost:{}", self.port));
        put("authorization", &format!("Bearer {}", self.access.token));
        put("herleid-transaction", transaction);
        put("herleid-agreement", &self.access.agreement);
        put("traceparent", &trace());
        put("herleid-log-seen", &seen.to_string());
        put("accept", "*/*");
        let says = http_signature::Request {
            method: &Method::GET,
            target_uri: &self.access.endpoint,
            headers: &headers,
        };
        let nonce = jose::fresh_id(&SystemEntropy);
        let new = NewSignature {
            created_ms: SystemClock.now_ms(),
            nonce: &nonce,
            key_id: &self.key_id,
            tag: None,
        };
        let signed = http_signature::sign(&self.key, &says, &new).unwrap();
        let field = |text: &str| HeaderValue::from_str(text).unwrap();
        headers.insert("signature-input", field(&signed.signature_input));
        headers.insert("signature", field(&signed.signature));
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = headers;
        request
    }
}

/// A transaction that nobody has had: a UUIDv7.
pub(crate) fn transaction() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn trace() -> String {
    let mut ids = [0u8; 24];
    SystemEntropy.fill(&mut ids);
    let hex = ids.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (trace, span) = hex.split_at(32);
    format!("00-{trace}-{span}-01")
}
