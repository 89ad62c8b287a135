use crate::party::{MINUTE_MS, NOW_MS, Party, altered, at, flips, holder, now, payload, verifier};
use herleid_credentials::did_document::{DidDocument, DidDocumentError, Relationship};
use herleid_credentials::jose::JoseError;
use herleid_credentials::keys::Algorithm;
use herleid_credentials::si_token::{self, Authenticated, Expected, MAX_LIFETIME_MS, SelfIssued, SiTokenError};
use herleid_credentials::{ClaimError, Now, TokenFault};
use serde_json::{Value, json};

fn says<'a>(subject: &'a Party, audience: &'a Party) -> SelfIssued<'a> {
    SelfIssued {
        subject: &subject.did,
        audience: &audience.did,
        jti: "jti-1",
        issued_at_ms: NOW_MS,
        lifetime_ms: 5 * MINUTE_MS,
        token: None,
        purpose: None,
        legal_basis: None,
        area_of_use: None,
    }
}

fn mint() -> String {
    let party = holder();
    si_token::mint(&party.key, &party.key_id, &says(&party, &verifier())).unwrap()
}

fn verify_at(token: &str, now: Now) -> Result<Authenticated, SiTokenError> {
    let expected = Expected {
        audience: &verifier().did,
        now,
    };
    si_token::verify(token, &holder().document, &expected)
}

fn verify(token: &str) -> Result<Authenticated, SiTokenError> {
    verify_at(token, now())
}

/// The error for the good token with one claim changed, `null` for removed, signed again by its subject.
fn error_with(claim: &str, value: Value) -> SiTokenError {
    let claims = altered(&payload(&mint()), &format!("/{claim}"), value);
    verify(&holder().sign("JWT", &claims)).unwrap_err()
}

#[test]
fn a_good_token_says_who_it_is() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let party = Party::new("did:web:app.example", algorithm);
        let audience = verifier();
        let new = SelfIssued {
            token: Some("for-your-eyes"),
            purpose: Some("https://w3id.org/herleid/purpose#flooding"),
            ..says(&party, &audience)
        };
        let token = si_token::mint(&party.key, &party.key_id, &new).unwrap();
        assert_eq!(si_token::claimed_subject(&token).unwrap(), party.did);
        let expected = Expected {
            audience: &verifier().did,
            now: now(),
        };
        let known = si_token::verify(&token, &party.document, &expected).unwrap();
        assert_eq!(known.did(), &party.did);
        assert_eq!(known.jti(), "jti-1");
        assert_eq!(known.expires_at_ms(), NOW_MS + 5 * MINUTE_MS);
        assert_eq!(known.token(), Some("for-your-eyes"));
        assert_eq!(known.purpose(), Some("https://w3id.org/herleid/purpose#flooding"));
        assert_eq!(known.key_id(), party.key_id);
        assert_eq!(known.key_thumbprint(), &party.key.public_key().thumbprint());
        assert!(!format!("{known:?}").contains("for-your-eyes"));
    }
}

#[test]
fn a_did_key_can_speak_too() {
    let key = holder().key;
    let did = key.public_key().to_did_key().unwrap();
    let document = DidDocument::resolve_did_key(&did).unwrap();
    let audience = verifier();
    let new = SelfIssued {
        subject: &did,
        ..says(&audience, &audience)
    };
    let key_id = format!("{did}#{}", key.public_key().to_multikey());
    let token = si_token::mint(&key, &key_id, &new).unwrap();
    let expected = Expected {
        audience: &audience.did,
        now: now(),
    };
    assert_eq!(si_token::verify(&token, &document, &expected).unwrap().did(), &did);
}

#[test]
fn each_missing_claim_is_named() {
    for claim in ["iss", "sub", "aud", "jti", "iat", "exp"] {
        match error_with(claim, Value::Null) {
            SiTokenError::Token(TokenFault::Claim(ClaimError::Missing { claim: named })) => assert_eq!(named, claim),
            other => panic!("{claim}: {other:?}"),
        }
    }
}

#[test]
fn each_malformed_claim_is_named() {
    for (claim, value) in [
        ("iss", json!("did:example:1")),
        ("sub", json!(7)),
        ("aud", json!([])),
        ("aud", json!([verifier().did, "did:web:other.example"])),
        ("jti", json!("")),
        ("jti", json!(5)),
        ("iat", json!("2020-06-17T15:00:00Z")),
        ("exp", json!("never")),
        ("exp", json!(u64::MAX)),
        ("nbf", json!(false)),
        ("token", json!("")),
        ("token", json!({})),
        ("purpose", json!(1)),
    ] {
        match error_with(claim, value.clone()) {
            SiTokenError::Token(TokenFault::Claim(ClaimError::Malformed { claim: named, .. })) => {
                assert_eq!(named, claim)
            }
            other => panic!("{claim} {value}: {other:?}"),
        }
    }
}

#[test]
fn speaking_for_somebody_else_is_refused() {
    for claim in ["iss", "sub"] {
        assert!(matches!(
            error_with(claim, json!("did:web:other.example")),
            SiTokenError::IssuerIsNotSubject { .. }
        ));
    }
}

#[test]
fn another_audience_is_refused() {
    for audience in [
        "did:web:other.example",
        "did:web:knmi.example:x",
        "did:web:KNMI.example",
        "",
    ] {
        assert!(matches!(
            error_with("aud", json!(audience)),
            SiTokenError::Token(TokenFault::Claim(ClaimError::WrongAudience { .. }))
        ));
    }
    let one = altered(&payload(&mint()), "/aud", json!([verifier().did]));
    assert!(verify(&holder().sign("JWT", &one)).is_ok());
}

#[test]
fn an_expired_token_is_refused_to_the_millisecond() {
    let end_ms = NOW_MS + 5 * MINUTE_MS;
    assert!(verify_at(&mint(), at(end_ms - 1)).is_ok());
    assert_eq!(
        verify_at(&mint(), at(end_ms)).unwrap_err(),
        SiTokenError::Token(TokenFault::Claim(ClaimError::Expired {
            expired_at_ms: end_ms,
            now_ms: end_ms
        }))
    );
    let lenient = |now_ms| Now {
        now_ms,
        leeway_ms: 2000,
    };
    assert!(verify_at(&mint(), lenient(end_ms + 1999)).is_ok());
    assert!(verify_at(&mint(), lenient(end_ms + 2000)).is_err());
}

#[test]
fn a_token_from_the_future_is_refused() {
    assert_eq!(
        verify_at(&mint(), at(NOW_MS - 1)).unwrap_err(),
        SiTokenError::Token(TokenFault::Claim(ClaimError::IssuedInTheFuture {
            issued_at_ms: NOW_MS,
            now_ms: NOW_MS - 1
        }))
    );
    let lenient = Now {
        now_ms: NOW_MS - 2000,
        leeway_ms: 2000,
    };
    assert!(verify_at(&mint(), lenient).is_ok());
}

#[test]
fn a_token_not_yet_valid_is_refused() {
    assert_eq!(
        error_with("nbf", json!(NOW_MS / 1000 + 1)),
        SiTokenError::Token(TokenFault::Claim(ClaimError::NotYetValid {
            valid_from_ms: NOW_MS + 1000,
            now_ms: NOW_MS
        }))
    );
    let valid = altered(&payload(&mint()), "/nbf", json!(NOW_MS / 1000));
    assert!(verify(&holder().sign("JWT", &valid)).is_ok());
}

#[test]
fn a_token_for_too_long_or_backwards_is_refused() {
    for seconds in [16 * 60, 3600 * 24 * 365] {
        assert!(matches!(
            error_with("exp", json!(NOW_MS / 1000 + seconds)),
            SiTokenError::Token(TokenFault::Claim(ClaimError::Lifetime { .. }))
        ));
    }
    let backwards = altered(&payload(&mint()), "/exp", json!(NOW_MS / 1000 - 1));
    let lenient = Now {
        now_ms: NOW_MS,
        leeway_ms: 5000,
    };
    assert!(matches!(
        verify_at(&holder().sign("JWT", &backwards), lenient),
        Err(SiTokenError::Token(TokenFault::Claim(ClaimError::Lifetime {
            found_ms: -1000,
            ..
        })))
    ));
    let party = holder();
    for lifetime_ms in [0, 999, MAX_LIFETIME_MS + 1, u64::MAX] {
        let new = SelfIssued {
            lifetime_ms,
            ..says(&party, &party)
        };
        assert!(
            si_token::mint(&party.key, &party.key_id, &new).is_err(),
            "{lifetime_ms}"
        );
    }
}

#[test]
fn the_key_must_be_the_subjects_and_for_this_use() {
    let audience = verifier();
    let expected = Expected {
        audience: &audience.did,
        now: now(),
    };
    for relationships in [
        &[][..],
        &[Relationship::Authentication],
        &[Relationship::AssertionMethod, Relationship::Authentication],
    ] {
        let party = Party::with("did:web:app.example", Algorithm::EdDsa, relationships);
        let token = si_token::mint(&party.key, &party.key_id, &says(&party, &audience)).unwrap();
        assert!(matches!(
            si_token::verify(&token, &party.document, &expected),
            Err(SiTokenError::Token(TokenFault::Key(
                DidDocumentError::WrongRelationship { .. }
            )))
        ));
    }
    // Somebody else's key under its own name, and under the subject's.
    let (party, thief) = (holder(), Party::new("did:web:thief.example", Algorithm::EdDsa));
    let named = si_token::mint(&thief.key, &thief.key_id, &says(&party, &audience)).unwrap();
    assert!(matches!(
        verify(&named),
        Err(SiTokenError::Token(TokenFault::Key(
            DidDocumentError::UnknownKey { .. }
        )))
    ));
    let borrowed = si_token::mint(&thief.key, &party.key_id, &says(&party, &audience)).unwrap();
    assert!(matches!(
        verify(&borrowed),
        Err(SiTokenError::Token(TokenFault::Jose(JoseError::Signature { .. })))
    ));
    // The thief's own token, with the document of the one it robs.
    let own = si_token::mint(&thief.key, &thief.key_id, &says(&thief, &audience)).unwrap();
    assert!(matches!(verify(&own), Err(SiTokenError::OtherDocument { .. })));
}

#[test]
fn other_kinds_of_token_are_refused() {
    let claims = payload(&mint());
    for media_type in ["at+jwt", "vc+jwt", "vp+jwt", "dpop+jwt", ""] {
        assert!(
            matches!(
                verify(&holder().sign(media_type, &claims)),
                Err(SiTokenError::Token(TokenFault::Jose(JoseError::Type { .. })))
            ),
            "{media_type}"
        );
    }
    for claim in ["vc", "vp"] {
        assert_eq!(error_with(claim, json!({})), SiTokenError::OtherKind { claim });
    }
}

#[test]
fn replays_are_recognised_for_as_long_as_they_would_be_accepted() {
    let lenient = Now {
        now_ms: NOW_MS,
        leeway_ms: 2000,
    };
    let key = verify_at(&mint(), lenient).unwrap().replay_key();
    assert_eq!(key, verify_at(&mint(), lenient).unwrap().replay_key());
    assert_eq!(key.expires_at_ms(), NOW_MS + 5 * MINUTE_MS + 2000);
    assert!(
        verify_at(
            &mint(),
            Now {
                now_ms: key.expires_at_ms(),
                leeway_ms: 2000
            }
        )
        .is_err()
    );
    assert!(
        verify_at(
            &mint(),
            Now {
                now_ms: key.expires_at_ms() - 1,
                leeway_ms: 2000
            }
        )
        .is_ok()
    );
    let other = altered(&payload(&mint()), "/jti", json!("jti-2"));
    assert_ne!(
        verify(&holder().sign("JWT", &other)).unwrap().replay_key().bytes(),
        key.bytes()
    );
}

#[test]
fn a_flipped_bit_anywhere_never_verifies() {
    for flipped in flips(&mint()) {
        assert!(verify(&flipped).is_err(), "{flipped}");
    }
}

#[test]
fn errors_are_for_people() {
    assert_eq!(
        verify_at(&mint(), at(NOW_MS + 5 * MINUTE_MS)).unwrap_err().to_string(),
        "the self-issued token is refused: the token expired at 2020-06-17T15:05:00.000Z, it is 2020-06-17T15:05:00.000Z; \
         ask for a new one, or set the clock"
    );
}
