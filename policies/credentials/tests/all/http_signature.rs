use crate::party::{MINUTE_MS, NOW_MS, Party, at, flips, holder, issuer, now};
use herleid_credentials::Now;
use herleid_credentials::http_signature::{
    self, COMPONENTS, ContentDigest, Expected, HttpSignatureError, NewSignature, Request, SignatureBase, SignedRequest,
    VerifiedRequest,
};
use http::{HeaderMap, Method};

pub(crate) const URI: &str = "https://knmi.example/data/rain?part=1";
const BODY: &[u8] = br#"{"acknowledged":[]}"#;
const MAX_AGE_MS: u64 = 2 * MINUTE_MS;

/// A request with all that we sign.
pub(crate) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-digest", ContentDigest::of(BODY).to_field().as_str()),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("herleid-transaction", "0190163d-8694-739b-aea5-966c26f8ad90"),
        ("herleid-agreement", "urn:uuid:2"),
        ("accept", "application/json"),
    ] {
        headers.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    headers
}

pub(crate) fn sign(party: &Party, headers: &HeaderMap) -> Result<SignedRequest, HttpSignatureError> {
    let request = Request {
        method: &Method::POST,
        target_uri: URI,
        headers,
    };
    let new = NewSignature {
        created_ms: NOW_MS,
        nonce: "nonce-1",
        key_id: &party.key_id,
        tag: None,
    };
    http_signature::sign(&party.key, &request, &new)
}

/// The headers with their signature.
fn signed(party: &Party, mut headers: HeaderMap) -> HeaderMap {
    let signature = sign(party, &headers).unwrap();
    headers.insert("signature-input", signature.signature_input.parse().unwrap());
    headers.insert("signature", signature.signature.parse().unwrap());
    headers
}

fn verify_as(
    headers: &HeaderMap,
    method: &Method,
    uri: &str,
    body: &[u8],
    now: Now,
) -> Result<VerifiedRequest, HttpSignatureError> {
    let request = Request {
        method,
        target_uri: uri,
        headers,
    };
    let expected = Expected {
        required: &["traceparent", "herleid-transaction"],
        now,
        max_age_ms: MAX_AGE_MS,
    };
    http_signature::parse(request)?.verify(&holder().key.public_key(), &expected, body)
}

pub(crate) fn verify(headers: &HeaderMap) -> Result<VerifiedRequest, HttpSignatureError> {
    verify_as(headers, &Method::POST, URI, BODY, now())
}

pub(crate) fn with(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = signed(&holder(), headers());
    headers.insert(name, value.parse().unwrap());
    headers
}

#[test]
fn a_signed_request_verifies_and_its_base_is_evidence() {
    for party in [holder(), issuer()] {
        let signature = sign(&party, &headers()).unwrap();
        let headers = signed(&party, headers());
        let request = Request {
            method: &Method::POST,
            target_uri: URI,
            headers: &headers,
        };
        let unverified = http_signature::parse(request).unwrap();
        assert_eq!(unverified.key_id().unwrap(), party.key_id);
        let expected = Expected {
            required: &COMPONENTS[..6],
            now: now(),
            max_age_ms: MAX_AGE_MS,
        };
        let verified = unverified.verify(&party.key.public_key(), &expected, BODY).unwrap();
        assert_eq!(verified.base().text(), signature.base);
        assert_eq!(verified.signature(), &signature.signature_bytes);
        assert_eq!(verified.key_thumbprint(), &party.key.public_key().thumbprint());
        assert_eq!(verified.base().value("@method"), Some("POST"));
        assert_eq!(verified.base().value("@target-uri"), Some(URI));
        assert_eq!(verified.base().value("herleid-agreement"), Some("urn:uuid:2"));
        assert_eq!(verified.base().value("accept"), None);
        assert_eq!(verified.base().created_ms(), NOW_MS);
        assert_eq!(verified.base().nonce(), "nonce-1");
        assert_eq!(verified.base().key_id(), party.key_id);
        // What an auditor does, years later, with base, signature and key alone.
        let evidence = SignatureBase::parse(&signature.base).unwrap();
        assert_eq!(&evidence, verified.base());
        party
            .key
            .public_key()
            .verify(evidence.text().as_bytes(), verified.signature())
            .unwrap();
    }
}

#[test]
fn the_base_is_written_as_documented() {
    let signature = sign(&holder(), &headers()).unwrap();
    let parameters = r#"("@method" "@target-uri" "content-digest" "traceparent" "herleid-transaction" "herleid-agreement");created=1592406000;nonce="nonce-1";alg="ed25519";keyid="did:web:app.example#key-1""#;
    assert_eq!(signature.signature_input, format!("herleid={parameters}"));
    let expected = format!(
        "\"@method\": POST\n\"@target-uri\": {URI}\n\"content-digest\": {}\n\
         \"traceparent\": 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n\
         \"herleid-transaction\": 0190163d-8694-739b-aea5-966c26f8ad90\n\"herleid-agreement\": urn:uuid:2\n\
         \"@signature-params\": {parameters}",
        ContentDigest::of(BODY).to_field()
    );
    assert_eq!(signature.base, expected);
}

#[test]
fn absent_fields_are_not_covered_unless_asked_for() {
    let mut few = headers();
    few.remove("content-digest");
    few.remove("herleid-agreement");
    let few = signed(&holder(), few);
    assert!(verify_as(&few, &Method::POST, URI, b"", now()).is_ok());
    for name in ["traceparent", "herleid-transaction"] {
        let mut without = headers();
        without.remove(name);
        assert_eq!(
            verify(&signed(&holder(), without)).unwrap_err(),
            HttpSignatureError::NotCovered {
                component: name.to_owned()
            }
        );
    }
}

#[test]
fn a_field_added_on_the_way_is_refused() {
    let mut without = headers();
    without.remove("herleid-agreement");
    let mut added = signed(&holder(), without);
    assert!(verify(&added).is_ok());
    added.insert("herleid-agreement", "urn:uuid:3".parse().unwrap());
    assert_eq!(
        verify(&added).unwrap_err(),
        HttpSignatureError::NotCovered {
            component: "herleid-agreement".to_owned()
        }
    );
}

#[test]
fn method_target_and_fields_cannot_be_changed() {
    let good = signed(&holder(), headers());
    assert!(verify(&good).is_ok());
    let bad = |result: Result<VerifiedRequest, HttpSignatureError>| {
        assert!(
            matches!(result, Err(HttpSignatureError::Signature { .. })),
            "{result:?}"
        );
    };
    bad(verify_as(&good, &Method::PUT, URI, BODY, now()));
    bad(verify_as(
        &good,
        &Method::POST,
        "https://knmi.example/data/rain?part=2",
        BODY,
        now(),
    ));
    bad(verify_as(
        &good,
        &Method::POST,
        "https://other.example/data/rain?part=1",
        BODY,
        now(),
    ));
    bad(verify(&with(
        "herleid-transaction",
        "0190163d-8694-739b-aea5-966c26f8ad91",
    )));
    bad(verify(&with(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    )));
    // A field that is not ours may change.
    assert!(verify(&with("accept", "*/*")).is_ok());
    let mut removed = good.clone();
    removed.remove("herleid-agreement");
    assert!(matches!(verify(&removed), Err(HttpSignatureError::MissingField { .. })));
}

#[test]
fn the_body_must_be_the_one_digested() {
    let good = signed(&holder(), headers());
    for body in [&b""[..], b"{}", br#"{"acknowledged":[ ]}"#] {
        assert_eq!(
            verify_as(&good, &Method::POST, URI, body, now()).unwrap_err(),
            HttpSignatureError::WrongDigest
        );
    }
    let mut undigested = headers();
    undigested.remove("content-digest");
    let undigested = signed(&holder(), undigested);
    assert_eq!(
        verify(&undigested).unwrap_err(),
        HttpSignatureError::NotCovered {
            component: "content-digest".to_owned()
        }
    );
    let mut other = headers();
    other.insert("content-digest", "sha-512=:AQ==:".parse().unwrap());
    assert_eq!(
        verify(&signed(&holder(), other)).unwrap_err(),
        HttpSignatureError::NoSha256
    );
}

#[test]
fn old_and_future_signatures_are_refused() {
    let good = signed(&holder(), headers());
    let verify_at = |now| verify_as(&good, &Method::POST, URI, BODY, now);
    assert!(verify_at(at(NOW_MS + MAX_AGE_MS - 1)).is_ok());
    assert_eq!(
        verify_at(at(NOW_MS + MAX_AGE_MS)).unwrap_err(),
        HttpSignatureError::TooOld {
            age_ms: MAX_AGE_MS,
            limit_ms: MAX_AGE_MS
        }
    );
    assert_eq!(
        verify_at(at(NOW_MS - 1)).unwrap_err(),
        HttpSignatureError::InTheFuture { ahead_ms: 1 }
    );
    let lenient = Now {
        now_ms: NOW_MS - 1000,
        leeway_ms: 1000,
    };
    let verified = verify_at(lenient).unwrap();
    // As long as it would be accepted, it is remembered.
    assert_eq!(verified.replay_key().expires_at_ms(), NOW_MS + MAX_AGE_MS + 1000);
    assert_eq!(verified.replay_key(), verify_at(lenient).unwrap().replay_key());
}

#[test]
fn repeated_fields_are_refused() {
    for name in [
        "signature",
        "signature-input",
        "traceparent",
        "content-digest",
        "herleid-transaction",
    ] {
        let mut twice = signed(&holder(), headers());
        let value = twice.get(name).unwrap().clone();
        twice.append(name, value);
        assert_eq!(
            verify(&twice).unwrap_err(),
            HttpSignatureError::RepeatedField { field: name.to_owned() }
        );
    }
    let mut twice = headers();
    twice.append("traceparent", "x".parse().unwrap());
    assert!(matches!(
        sign(&holder(), &twice),
        Err(HttpSignatureError::RepeatedField { .. })
    ));
}

#[test]
fn missing_signatures_are_refused() {
    for name in ["signature", "signature-input"] {
        let mut without = signed(&holder(), headers());
        without.remove(name);
        assert_eq!(
            verify(&without).unwrap_err(),
            HttpSignatureError::MissingField { field: name.to_owned() }
        );
    }
}

#[test]
fn another_key_does_not_verify() {
    let good = signed(&holder(), headers());
    let request = Request {
        method: &Method::POST,
        target_uri: URI,
        headers: &good,
    };
    let expected = Expected {
        required: &[],
        now: now(),
        max_age_ms: MAX_AGE_MS,
    };
    let thief = Party::new("did:web:thief.example", herleid_credentials::keys::Algorithm::EdDsa);
    let unverified = http_signature::parse(request).unwrap();
    assert!(matches!(
        unverified.verify(&thief.key.public_key(), &expected, BODY),
        Err(HttpSignatureError::Signature { .. })
    ));
}

#[test]
fn a_flipped_bit_in_what_is_covered_never_verifies() {
    let good = signed(&holder(), headers());
    for name in [
        "signature",
        "signature-input",
        "content-digest",
        "traceparent",
        "herleid-transaction",
        "herleid-agreement",
    ] {
        let value = good.get(name).unwrap().to_str().unwrap().to_owned();
        let mut tried = 0;
        for flipped in flips(&value) {
            // What HTTP does not carry never arrives; white space at either end is not part of a value.
            let Ok(flipped) = flipped.parse::<http::HeaderValue>() else {
                continue;
            };
            let mut headers = good.clone();
            headers.insert(name.parse::<http::HeaderName>().unwrap(), flipped.clone());
            assert!(verify(&headers).is_err(), "{name}: {flipped:?}");
            tried += 1;
        }
        assert!(tried > value.len() * 4, "{name}");
    }
}

#[test]
fn what_was_signed_for_something_else_does_not_count_on_the_data_plane() {
    let party = holder();
    let mut headers = headers();
    let request = Request {
        method: &Method::POST,
        target_uri: URI,
        headers: &headers,
    };
    let new = |tag| NewSignature {
        created_ms: NOW_MS,
        nonce: "nonce-1",
        key_id: &party.key_id,
        tag,
    };
    let signed = http_signature::sign(&party.key, &request, &new(Some("herleid-webhook"))).unwrap();
    assert!(
        signed.signature_input.ends_with(";tag=\"herleid-webhook\""),
        "{}",
        signed.signature_input
    );
    for tag in ["", "a\nb", "\u{e9}"] {
        let refused = http_signature::sign(&party.key, &request, &new(Some(tag)));
        assert!(matches!(refused, Err(HttpSignatureError::Parameter { parameter, .. }) if parameter == "tag"));
    }
    headers.insert("signature-input", signed.signature_input.parse().unwrap());
    headers.insert("signature", signed.signature.parse().unwrap());
    let refused = verify(&headers);
    assert!(
        matches!(&refused, Err(HttpSignatureError::Parameter { parameter, .. }) if parameter == "tag"),
        "{refused:?}"
    );
}
