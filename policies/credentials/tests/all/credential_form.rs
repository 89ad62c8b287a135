//! Form: one profile, one kind of token, members as the data models have them.

use crate::credential::{error_with, error_with_vc11, good, verify};
use crate::party::{MINUTE_MS, NOW_MS, TYPE, altered, holder, issuer, membership_vc11_claims, payload};
use herleid_credentials::credential::{self, CredentialError, NewCredential};
use herleid_credentials::jose::{self, JoseError};
use herleid_credentials::{ClaimError, TokenFault};
use serde_json::{Map, Value, json};

#[test]
fn the_profiles_are_never_mixed() {
    let mixed = |error: CredentialError| assert!(matches!(error, CredentialError::MixedProfiles { .. }), "{error:?}");
    mixed(error_with("/vc", json!({})));
    mixed(error_with("/vp", json!({})));
    mixed(error_with("/issuanceDate", json!("2020-06-17T14:00:00Z")));
    mixed(error_with("/expirationDate", json!("2020-06-18T14:00:00Z")));
    mixed(error_with_vc11("/@context", json!([])));
    mixed(error_with_vc11("/vp", json!({})));
    mixed(error_with_vc11("/vc/validFrom", json!("2020-06-17T14:00:00Z")));
    mixed(error_with_vc11("/vc/validUntil", json!("2020-06-18T14:00:00Z")));
    let claims = membership_vc11_claims(&issuer(), &holder().did);
    mixed(verify(&issuer().sign("vc+jwt", &claims)).unwrap_err());
    // The other version's context.
    let v2 = json!(["https://www.w3.org/ns/credentials/v2"]);
    assert!(matches!(
        error_with_vc11("/vc/@context", v2),
        CredentialError::Token(TokenFault::Shape(_))
    ));
    let v1 = json!(["https://www.w3.org/2018/credentials/v1"]);
    assert!(matches!(
        error_with("/@context", v1),
        CredentialError::Token(TokenFault::Shape(_))
    ));
}

#[test]
fn other_kinds_of_token_are_refused() {
    for media_type in ["JWT", "at+jwt", "vp+jwt", "vc+sd-jwt", "vc+ld+json", ""] {
        assert!(
            matches!(
                verify(&issuer().sign(media_type, &payload(&good()))),
                Err(CredentialError::Token(TokenFault::Jose(JoseError::Type { .. })))
            ),
            "{media_type}"
        );
    }
    let issuer = issuer();
    let token = jose::sign(&issuer.key, &issuer.key_id, "vc+jwt", Some("vp"), &payload(&good())).unwrap();
    assert!(matches!(
        verify(&token),
        Err(CredentialError::Token(TokenFault::Jose(JoseError::Header {
            member: "cty",
            ..
        })))
    ));
}

#[test]
fn claims_and_members_must_agree() {
    for (pointer, value) in [
        ("/iss", json!("did:web:other.example")),
        ("/sub", json!("did:web:other.example")),
        ("/jti", json!("urn:uuid:other")),
    ] {
        assert!(
            matches!(error_with(pointer, value), CredentialError::Contradiction { .. }),
            "{pointer}"
        );
    }
    for (pointer, value) in [
        ("/vc/issuer", json!("did:web:other.example")),
        ("/vc/credentialSubject/id", json!("did:web:other.example")),
    ] {
        assert!(
            matches!(error_with_vc11(pointer, value), CredentialError::Contradiction { .. }),
            "{pointer}"
        );
    }
    for claim in ["/iat", "/nbf", "/exp"] {
        let text = json!("2010-01-01T19:23:24Z");
        assert!(matches!(
            error_with(claim, text.clone()),
            CredentialError::Token(TokenFault::Claim(ClaimError::Malformed { .. }))
        ));
        assert!(matches!(
            error_with_vc11(claim, text),
            CredentialError::Token(TokenFault::Claim(ClaimError::Malformed { .. }))
        ));
    }
}

#[test]
fn malformed_members_are_refused() {
    for (pointer, value) in [
        ("/issuer", json!("https://issuer.example")),
        ("/issuer", json!({"name": "KNMI"})),
        ("/issuer", Value::Null),
        ("/credentialSubject", json!({})),
        ("/credentialSubject", json!("did:web:app.example")),
        ("/credentialSubject", Value::Null),
        ("/credentialSubject/id", json!(7)),
        ("/type", json!([TYPE])),
        ("/type", json!(["VerifiableCredential", TYPE, TYPE])),
        ("/type", json!(["VerifiableCredential", "two words"])),
        ("/type", json!(7)),
        ("/validFrom", json!("2020-06-17")),
        ("/validFrom", json!("2020-06-17T00:00:00")),
        ("/validUntil", json!(7)),
        ("/id", json!("not a url")),
    ] {
        assert!(
            matches!(
                error_with(pointer, value.clone()),
                CredentialError::Token(TokenFault::Shape(_))
            ),
            "{pointer} {value}"
        );
    }
    for (pointer, value) in [
        ("/vc", json!("x")),
        ("/vc/type", json!(["VerifiableCredential", 7])),
        ("/vc/credentialStatus", json!({"type": "StatusList2021Entry"})),
        ("/vc/issuanceDate", json!("yesterday")),
    ] {
        assert!(
            matches!(
                error_with_vc11(pointer, value.clone()),
                CredentialError::Token(TokenFault::Shape(_))
            ),
            "{pointer} {value}"
        );
    }
    let undated = altered(&membership_vc11_claims(&issuer(), &holder().did), "/nbf", Value::Null);
    let undated = altered(&undated, "/vc/issuanceDate", Value::Null);
    assert!(matches!(
        verify(&issuer().sign("JWT", &undated)),
        Err(CredentialError::Token(TokenFault::Shape(_)))
    ));
}

#[test]
fn nothing_is_issued_that_would_not_be_accepted() {
    let (issuer, subject, claims) = (issuer(), holder().did, Map::new());
    let new = NewCredential {
        id: "urn:uuid:1",
        issuer: &issuer.did,
        subject: &subject,
        types: &[TYPE],
        claims: &claims,
        valid_from_ms: NOW_MS,
        valid_until_ms: NOW_MS + MINUTE_MS,
    };
    let issue = |new: &NewCredential<'_>| credential::issue(&issuer.key, &issuer.key_id, new);
    assert!(verify(&issue(&new).unwrap()).is_ok());
    for bad in [
        NewCredential { id: "not a url", ..new },
        NewCredential {
            types: &["two words"],
            ..new
        },
        NewCredential {
            types: &[TYPE, TYPE],
            ..new
        },
        NewCredential {
            valid_until_ms: NOW_MS,
            ..new
        },
    ] {
        assert!(
            matches!(issue(&bad), Err(CredentialError::Token(TokenFault::Shape(_)))),
            "{bad:?}"
        );
    }
}
