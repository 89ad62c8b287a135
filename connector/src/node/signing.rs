//! What we say to others: self-issued tokens on protocol messages, and signed requests: on the data plane, and to webhooks.

use super::Node;
use crate::identity::authorization;
use crate::state::Declares;
use herleid_credentials::http_signature::{self, ContentDigest, NewSignature, Request};
use herleid_credentials::jose;
use herleid_credentials::si_token::{self, SelfIssued};
use herleid_vocab::did::Did;
use herleid_vocab::rim::Entropy;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// The `tag` of what is posted to webhooks (RFC 9421, section 2.3).
const WEBHOOK: &str = "herleid-webhook";

/// Why a request could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the request could not be signed: {0}")]
pub struct SigningError(pub String);

impl Node {
    /// How long a token that we sign is valid: as configured, and no longer than any verifier takes one.
    #[must_use]
    pub fn token_lifetime_ms(&self) -> u64 {
        lifetime_ms(self.config.limits.token_lifetime_s)
    }

    /// The headers of a protocol message to `audience`: a fresh self-issued token with a token for our credential service,
    /// what is declared and the trace.
    ///
    /// # Errors
    /// When the token cannot be minted, or `trust.peers` does not admit the audience.
    pub fn message_headers(
        &self,
        audience: &Did,
        declares: Option<&Declares>,
        trace: &str,
    ) -> Result<HeaderMap, SigningError> {
        self.admit(audience).map_err(|e| SigningError(e.to_string()))?;
        if let Some(peer) = self.shortcuts.find(audience) {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::AUTHORIZATION, header(&authorization(peer, &self.did))?);
            headers.insert(HeaderName::from_static("traceparent"), header(trace)?);
            return Ok(headers);
        }
        let access = self
            .holder
            .access_token(self, audience)
            .map_err(|e| SigningError(e.to_string()))?;
        let token = self.self_issued(audience, Some(&access), declares)?;
        let mut headers = HeaderMap::new();
        headers.insert(http::header::AUTHORIZATION, header(&format!("Bearer {token}"))?);
        headers.insert(HeaderName::from_static("traceparent"), header(trace)?);
        Ok(headers)
    }

    /// A self-issued token for `audience`; `token` is the access token that it carries.
    ///
    /// # Errors
    /// When it cannot be minted.
    pub fn self_issued(
        &self,
        audience: &Did,
        token: Option<&str>,
        declares: Option<&Declares>,
    ) -> Result<String, SigningError> {
        let jti = jose::fresh_id(self.entropy.as_ref());
        let says = SelfIssued {
            subject: &self.did,
            audience,
            jti: &jti,
            issued_at_ms: self.now_ms(),
            lifetime_ms: self.token_lifetime_ms(),
            token,
            purpose: declares.and_then(|all| all.purpose.as_deref()),
            legal_basis: declares.and_then(|all| all.legal_basis.as_deref()),
            area_of_use: declares.and_then(|all| all.area_of_use.as_deref()),
        };
        si_token::mint(&self.identity, &self.key_id, &says).map_err(|e| SigningError(e.to_string()))
    }

    /// Signs a request with this connector's key (RFC 9421): its method, its target, and the digest (RFC 9530) of its body if it has one.
    /// `url` is in normal form, as it will be sent. Each attempt is signed anew: a receiver may refuse what is old, or came before.
    ///
    /// # Errors
    /// When `url` is no absolute address in normal form, or a field cannot be signed; nothing may be sent then.
    pub fn sign_request(
        &self,
        method: &Method,
        url: &str,
        headers: &mut HeaderMap,
        body: &[u8],
    ) -> Result<(), SigningError> {
        self.sign(method, url, headers, body, None)
    }

    /// Signs what is posted to a webhook. The key is that of all requests; the tag keeps one from being taken for the other.
    ///
    /// # Errors
    /// As [`Self::sign_request`].
    pub fn sign_webhook(&self, url: &str, headers: &mut HeaderMap, body: &[u8]) -> Result<(), SigningError> {
        self.sign(&Method::POST, url, headers, body, Some(WEBHOOK))
    }

    fn sign(
        &self,
        method: &Method,
        url: &str,
        headers: &mut HeaderMap,
        body: &[u8],
        tag: Option<&str>,
    ) -> Result<(), SigningError> {
        if !body.is_empty() {
            headers.insert("content-digest", header(&ContentDigest::of(body).to_field())?);
        }
        let request = Request {
            method,
            target_uri: url,
            headers,
        };
        let nonce = jose::fresh_id(self.entropy.as_ref());
        let new = NewSignature {
            created_ms: self.now_ms(),
            nonce: &nonce,
            key_id: &self.key_id,
            tag,
        };
        let signed = http_signature::sign(&self.identity, &request, &new).map_err(|e| SigningError(e.to_string()))?;
        headers.insert("signature-input", header(&signed.signature_input)?);
        headers.insert("signature", header(&signed.signature)?);
        Ok(())
    }
}

pub(crate) fn header(value: &str) -> Result<HeaderValue, SigningError> {
    HeaderValue::from_str(value).map_err(|e| SigningError(format!("`{value}` cannot stand in a header: {e}")))
}

/// The trace of an incoming request if it has a right one (W3C Trace Context, level 1), else a fresh one.
#[must_use]
pub fn traceparent(node: &Node, headers: &HeaderMap) -> String {
    let given = headers.get("traceparent").and_then(|v| v.to_str().ok());
    match given.filter(|text| is_traceparent(text)) {
        Some(text) => text.to_owned(),
        None => fresh_trace(node),
    }
}

fn lifetime_ms(configured_s: u64) -> u64 {
    configured_s.saturating_mul(1000).min(si_token::MAX_LIFETIME_MS)
}

/// A fresh trace.
#[must_use]
pub fn fresh_trace(node: &Node) -> String {
    fresh_traceparent(node.entropy.as_ref())
}

/// A fresh trace, for what happens without a request or deep within one.
pub(crate) fn fresh_traceparent(entropy: &dyn Entropy) -> String {
    let mut ids = [0u8; 24];
    entropy.fill(&mut ids);
    let text = hex::encode(ids);
    let (trace, span) = text.split_at(32);
    format!("00-{trace}-{span}-01")
}

fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        ["00", trace, span, flags] => {
            hex(trace, 32)
                && hex(span, 16)
                && hex(flags, 2)
                && trace.bytes().any(|b| b != b'0')
                && span.bytes().any(|b| b != b'0')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_last_as_configured_and_no_longer_than_they_are_taken() {
        assert_eq!(lifetime_ms(10), 10_000);
        assert_eq!(lifetime_ms(300), 300_000);
        assert_eq!(lifetime_ms(3_600), si_token::MAX_LIFETIME_MS);
    }
}
