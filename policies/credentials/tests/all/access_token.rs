use crate::party::{MINUTE_MS, NOW_MS, Party, altered, at, flips, holder, now, payload, verifier};
use herleid_credentials::access_token::{self, AccessToken, AccessTokenError, Expected, Grant, Known, MAX_LIFETIME_MS};
use herleid_credentials::jose::JoseError;
use herleid_credentials::keys::{Algorithm, PublicKey, Thumbprint};
use herleid_credentials::{ClaimError, Now, TokenFault};
use serde_json::{Value, json};

const BASE: &str = "https://knmi.example/data";

fn grant() -> Grant {
    Grant {
        issuer: verifier().did,
        audience: BASE.to_owned(),
        subject: holder().did,
        key: holder().key.public_key().thumbprint(),
        transfer: "urn:uuid:1".to_owned(),
        agreement: "urn:uuid:2".to_owned(),
        dataset: "rain-vlissingen".to_owned(),
        version: "2020-06-17".to_owned(),
    }
}

fn mint() -> String {
    let provider = verifier();
    access_token::mint(
        &provider.key,
        &provider.key_id,
        &grant(),
        "jti-1",
        NOW_MS,
        5 * MINUTE_MS,
    )
    .unwrap()
}

fn verify_with(
    token: &str,
    audience: &str,
    request_key: &Thumbprint,
    now: Now,
) -> Result<AccessToken, AccessTokenError> {
    let provider = verifier();
    access_token::verify(
        token,
        &Expected {
            issuer: &provider.did,
            key_id: &provider.key_id,
            key: &provider.key.public_key(),
            audience,
            request_key,
            now,
        },
    )
}

fn verify(token: &str) -> Result<AccessToken, AccessTokenError> {
    verify_with(token, BASE, &grant().key, now())
}

fn error_with(pointer: &str, value: Value) -> AccessTokenError {
    verify(&verifier().sign("at+jwt", &altered(&payload(&mint()), pointer, value))).unwrap_err()
}

#[test]
fn a_good_token_gives_what_was_granted() {
    let token = verify(&mint()).unwrap();
    assert_eq!(token.grant(), &grant());
    assert_eq!(token.jti(), "jti-1");
    assert_eq!(token.expires_at_ms(), NOW_MS + 5 * MINUTE_MS);
}

#[test]
fn each_missing_claim_is_named() {
    for claim in [
        "iss",
        "aud",
        "sub",
        "jti",
        "iat",
        "exp",
        "transfer",
        "agreement",
        "dataset",
        "version",
    ] {
        match error_with(&format!("/{claim}"), Value::Null) {
            AccessTokenError::Token(TokenFault::Claim(ClaimError::Missing { claim: named })) => {
                assert_eq!(named, claim)
            }
            other => panic!("{claim}: {other:?}"),
        }
    }
}

#[test]
fn a_token_bound_to_no_key_is_refused() {
    for (pointer, value) in [
        ("/cnf", Value::Null),
        ("/cnf", json!("x")),
        ("/cnf/jkt", Value::Null),
        ("/cnf/jkt", json!("")),
        ("/cnf/jkt", json!(1)),
        ("/cnf", json!({"jwk": holder().key.public_key().to_jwk()})),
    ] {
        assert!(
            matches!(error_with(pointer, value.clone()), AccessTokenError::Unbound(_)),
            "{pointer} {value}"
        );
    }
}

#[test]
fn a_token_in_other_hands_is_refused() {
    let thief = Party::new("did:web:thief.example", Algorithm::EdDsa)
        .key
        .public_key()
        .thumbprint();
    assert_eq!(
        verify_with(&mint(), BASE, &thief, now()).unwrap_err(),
        AccessTokenError::KeyMismatch {
            bound: grant().key,
            found: thief
        }
    );
}

#[test]
fn another_data_plane_refuses() {
    for audience in [
        "https://knmi.example/data/",
        "https://knmi.example",
        "http://knmi.example/data",
    ] {
        assert!(matches!(
            verify_with(&mint(), audience, &grant().key, now()),
            Err(AccessTokenError::Token(TokenFault::Claim(
                ClaimError::WrongAudience { .. }
            )))
        ));
    }
}

#[test]
fn another_issuer_or_key_is_refused() {
    assert!(matches!(
        error_with("/iss", json!("did:web:other.example")),
        AccessTokenError::WrongIssuer { .. }
    ));
    let consumer = holder();
    let claims = payload(&mint());
    assert!(matches!(
        verify(&consumer.sign("at+jwt", &claims)),
        Err(AccessTokenError::OtherKey { .. })
    ));
    let forged = access_token::mint(&consumer.key, &verifier().key_id, &grant(), "jti-1", NOW_MS, MINUTE_MS).unwrap();
    assert!(matches!(
        verify(&forged),
        Err(AccessTokenError::Token(TokenFault::Jose(JoseError::Signature { .. })))
    ));
}

#[test]
fn other_kinds_of_token_are_refused() {
    for media_type in ["JWT", "vc+jwt", ""] {
        assert!(matches!(
            verify(&verifier().sign(media_type, &payload(&mint()))),
            Err(AccessTokenError::Token(TokenFault::Jose(JoseError::Type { .. })))
        ));
    }
}

#[test]
fn five_minutes_and_no_longer() {
    let end_ms = NOW_MS + 5 * MINUTE_MS;
    assert!(verify_with(&mint(), BASE, &grant().key, at(end_ms - 1)).is_ok());
    assert!(matches!(
        verify_with(&mint(), BASE, &grant().key, at(end_ms)),
        Err(AccessTokenError::Token(TokenFault::Claim(ClaimError::Expired { .. })))
    ));
    assert!(matches!(
        verify_with(&mint(), BASE, &grant().key, at(NOW_MS - 1)),
        Err(AccessTokenError::Token(TokenFault::Claim(
            ClaimError::IssuedInTheFuture { .. }
        )))
    ));
    assert!(matches!(
        error_with("/exp", json!(NOW_MS / 1000 + 301)),
        AccessTokenError::Token(TokenFault::Claim(ClaimError::Lifetime { .. }))
    ));
    let provider = verifier();
    for lifetime_ms in [0, 999, MAX_LIFETIME_MS + 1] {
        let minted = access_token::mint(&provider.key, &provider.key_id, &grant(), "j", NOW_MS, lifetime_ms);
        assert!(matches!(
            minted,
            Err(AccessTokenError::Token(TokenFault::Claim(ClaimError::Lifetime { .. })))
        ));
    }
}

#[test]
fn a_flipped_bit_anywhere_never_verifies() {
    for flipped in flips(&mint()) {
        assert!(verify(&flipped).is_err(), "{flipped}");
    }
}

/// A known token is one whose signature was right; whether it holds here and now is another question each time.
#[test]
fn of_a_known_token_everything_but_the_signature_is_checked_again() {
    let (provider, known, token) = (verifier(), Known::default(), mint());
    let (consumer, other) = (grant().key, verifier().key.public_key().thumbprint());
    let verify = |token: &str, key: &PublicKey, audience: &str, request_key: &Thumbprint, now: Now| {
        let expected = Expected {
            issuer: &provider.did,
            key_id: &provider.key_id,
            key,
            audience,
            request_key,
            now,
        };
        access_token::verify_known(token, &expected, &known)
    };
    let own = provider.key.public_key();
    // Not because it was asked about before: a wrong signature is never known.
    let forged = access_token::mint(&holder().key, &provider.key_id, &grant(), "jti-1", NOW_MS, MINUTE_MS).unwrap();
    for _ in 0..2 {
        let refused = verify(&forged, &own, BASE, &consumer, now());
        assert!(matches!(
            refused,
            Err(AccessTokenError::Token(TokenFault::Jose(JoseError::Signature { .. })))
        ));
        assert_eq!(verify(&token, &own, BASE, &consumer, now()).unwrap().grant(), &grant());
    }
    for flipped in flips(&token) {
        assert!(verify(&flipped, &own, BASE, &consumer, now()).is_err(), "{flipped}");
    }
    let late = at(NOW_MS + 5 * MINUTE_MS);
    assert!(verify(&token, &own, BASE, &consumer, late).is_err(), "expired");
    assert!(verify(&token, &own, BASE, &other, now()).is_err(), "another key asks");
    assert!(
        verify(&token, &own, "https://a.example", &consumer, now()).is_err(),
        "of another place"
    );
    // Known under one key says nothing of another one.
    let renewed = holder().key.public_key();
    assert!(
        verify(&token, &renewed, BASE, &consumer, now()).is_err(),
        "of a key that was replaced"
    );
    assert!(verify(&token, &own, BASE, &consumer, now()).is_ok());
}

#[test]
fn tokens_that_were_forgotten_are_verified_once_more() {
    let (provider, known) = (verifier(), Known::default());
    let own = provider.key.public_key();
    let consumer = grant().key;
    let expected = Expected {
        issuer: &provider.did,
        key_id: &provider.key_id,
        key: &own,
        audience: BASE,
        request_key: &consumer,
        now: now(),
    };
    let verify = |jti: usize| {
        let token = access_token::mint(
            &provider.key,
            &provider.key_id,
            &grant(),
            &jti.to_string(),
            NOW_MS,
            MINUTE_MS,
        );
        access_token::verify_known(&token.unwrap(), &expected, &known)
    };
    // More than are kept in mind.
    for jti in (0..5_000).chain([0, 4_999]) {
        assert_eq!(verify(jti).unwrap().jti(), jti.to_string());
    }
}
