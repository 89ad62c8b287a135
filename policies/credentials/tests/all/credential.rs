use crate::party::{
    MINUTE_MS, NOW_MS, Party, TYPE, altered, at, flips, holder, issuer, membership, membership_vc11,
    membership_vc11_claims, now, payload, trusting,
};
use crate::status::{LIST, status_entry};
use herleid_credentials::credential::{self, CredentialError, Expected, Profile, TrustedIssuers, VerifiedCredential};
use herleid_credentials::did_document::{DidDocumentError, Relationship};
use herleid_credentials::jose::{self, JoseError};
use herleid_credentials::keys::Algorithm;
use herleid_credentials::{Now, TokenFault};
use serde_json::{Value, json};

fn verify_by(token: &str, issuer: &Party, now: Now) -> Result<VerifiedCredential, CredentialError> {
    credential::verify(
        token,
        &Expected {
            issuer_document: &issuer.document,
            trusted: &trusting(issuer),
            holder: &holder().did,
            now,
        },
    )
}

pub(crate) fn verify(token: &str) -> Result<VerifiedCredential, CredentialError> {
    verify_by(token, &issuer(), now())
}

pub(crate) fn good() -> String {
    membership(&issuer(), &holder().did)
}

fn good_vc11() -> String {
    membership_vc11(&issuer(), &holder().did)
}

/// The error for the good VC 2.0 with one member changed, `null` for removed, signed again by its issuer.
pub(crate) fn error_with(pointer: &str, value: Value) -> CredentialError {
    let claims = altered(&payload(&good()), pointer, value);
    verify(&issuer().sign("vc+jwt", &claims)).unwrap_err()
}

/// The same for VC 1.1.
pub(crate) fn error_with_vc11(pointer: &str, value: Value) -> CredentialError {
    let claims = altered(&membership_vc11_claims(&issuer(), &holder().did), pointer, value);
    verify(&issuer().sign("JWT", &claims)).unwrap_err()
}

#[test]
fn a_good_credential_of_vc_2_0() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let issuer = Party::new("did:web:issuer.example", algorithm);
        let token = membership(&issuer, &holder().did);
        assert_eq!(credential::claimed_issuer(&token).unwrap(), issuer.did);
        let known = verify_by(&token, &issuer, now()).unwrap();
        assert_eq!(known.id(), Some("urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90"));
        assert_eq!(known.issuer(), &issuer.did);
        assert_eq!(known.subject(), &holder().did);
        assert_eq!(known.types().iter().collect::<Vec<_>>(), [TYPE]);
        assert_eq!(Value::Object(known.claims().clone()), json!({"memberOf": "Zeeland"}));
        assert_eq!(known.valid_from_ms(), Some(NOW_MS - 720 * MINUTE_MS));
        assert_eq!(known.valid_until_ms(), Some(NOW_MS + 720 * MINUTE_MS));
        assert_eq!(known.profile(), Profile::Vc20Jose);
        assert_eq!(known.profile().alias(), "vc20-bssl/jwt");
        assert_eq!(known.key_id(), issuer.key_id);
        assert_eq!(known.token(), token);
    }
}

#[test]
fn a_good_credential_of_vc_1_1() {
    let token = good_vc11();
    assert_eq!(credential::claimed_issuer(&token).unwrap(), issuer().did);
    let known = verify(&token).unwrap();
    assert_eq!(known.id(), Some("0190163d-8694-739b-aea5-966c26f8ad91"));
    assert_eq!(known.types().iter().collect::<Vec<_>>(), [TYPE]);
    assert_eq!(Value::Object(known.claims().clone()), json!({"memberOf": "Zeeland"}));
    assert_eq!(known.profile(), Profile::Vc11Jwt);
    assert_eq!(known.profile().alias(), "vc11-sl2021/jwt");
    // The narrower of `nbf` and `issuanceDate`, `exp` alone.
    assert_eq!(known.valid_from_ms(), Some(NOW_MS - MINUTE_MS));
    assert_eq!(known.valid_until_ms(), Some(NOW_MS + 4 * MINUTE_MS));
}

#[test]
fn without_typ_or_issuer_inside_vc_1_1_is_still_read() {
    let claims = altered(
        &membership_vc11_claims(&issuer(), &holder().did),
        "/vc/issuer",
        Value::Null,
    );
    let claims = altered(&claims, "/vc/credentialSubject/id", Value::Null);
    let known = verify(&issuer().sign("JWT", &claims)).unwrap();
    assert_eq!(known.subject(), &holder().did);
}

#[test]
fn an_issuer_trusted_for_something_else_is_not_trusted() {
    let issuer = issuer();
    let other: TrustedIssuers = [(issuer.did.clone(), vec!["AccreditationCredential".to_owned()])]
        .into_iter()
        .collect();
    let stranger: TrustedIssuers = [("did:web:other.example".parse().unwrap(), vec![TYPE.to_owned()])]
        .into_iter()
        .collect();
    for trusted in [TrustedIssuers::new(), other, stranger] {
        for token in [good(), good_vc11()] {
            let expected = Expected {
                issuer_document: &issuer.document,
                trusted: &trusted,
                holder: &holder().did,
                now: now(),
            };
            assert!(matches!(
                credential::verify(&token, &expected),
                Err(CredentialError::Untrusted { .. })
            ));
        }
    }
}

#[test]
fn only_the_types_that_the_issuer_is_trusted_for_count() {
    let types = json!(["VerifiableCredential", TYPE, "MinisterOfEverything"]);
    let claims = altered(&payload(&good()), "/type", types);
    let known = verify(&issuer().sign("vc+jwt", &claims)).unwrap();
    assert_eq!(known.types().iter().collect::<Vec<_>>(), [TYPE]);
}

#[test]
fn the_type_that_all_have_cannot_be_trusted() {
    let mut trusted = TrustedIssuers::new();
    trusted.trust(issuer().did, "VerifiableCredential");
    assert!(!trusted.knows(&issuer().did));
    assert!(!trusted.is_trusted(&issuer().did, "VerifiableCredential"));
    assert!(matches!(
        error_with("/type", json!(["VerifiableCredential"])),
        CredentialError::Untrusted { .. }
    ));
}

#[test]
fn the_subject_must_be_the_holder() {
    for id in [
        json!("did:web:other.example"),
        json!("did:web:app.example#key-1"),
        Value::Null,
    ] {
        assert!(matches!(
            error_with("/credentialSubject/id", id),
            CredentialError::OtherSubject { .. }
        ));
    }
    let two = json!([{"id": holder().did}, {"id": "did:web:other.example"}]);
    assert_eq!(
        error_with("/credentialSubject", two),
        CredentialError::SeveralSubjects { found: 2 }
    );
    let claims = membership_vc11_claims(&issuer(), &"did:web:other.example".parse().unwrap());
    assert!(matches!(
        verify(&issuer().sign("JWT", &claims)),
        Err(CredentialError::OtherSubject { .. })
    ));
}

#[test]
fn before_and_after_its_validity_it_is_refused() {
    let (from_ms, until_ms) = (NOW_MS - 720 * MINUTE_MS, NOW_MS + 720 * MINUTE_MS);
    assert!(verify_by(&good(), &issuer(), at(from_ms)).is_ok());
    assert!(verify_by(&good(), &issuer(), at(until_ms - 1)).is_ok());
    assert_eq!(
        verify_by(&good(), &issuer(), at(from_ms - 1)).unwrap_err(),
        CredentialError::NotYetValid {
            valid_from_ms: from_ms,
            now_ms: from_ms - 1
        }
    );
    assert_eq!(
        verify_by(&good(), &issuer(), at(until_ms)).unwrap_err(),
        CredentialError::Expired {
            valid_until_ms: until_ms,
            now_ms: until_ms
        }
    );
    for (token, now_ms) in [
        (good_vc11(), NOW_MS - MINUTE_MS - 1),
        (good_vc11(), NOW_MS + 4 * MINUTE_MS),
    ] {
        assert!(verify_by(&token, &issuer(), at(now_ms)).is_err(), "{now_ms}");
    }
    // The token's own `exp` and `nbf` narrow a VC 2.0 too.
    let (seconds, late) = (NOW_MS / 1000, NOW_MS + 720 * MINUTE_MS);
    assert!(
        matches!(error_with("/exp", json!(seconds)), CredentialError::Expired { valid_until_ms, .. } if valid_until_ms < late)
    );
    assert!(matches!(
        error_with("/nbf", json!(seconds + 1)),
        CredentialError::NotYetValid { .. }
    ));
    assert!(matches!(
        error_with("/validUntil", json!("2020-06-17T02:00:00Z")),
        CredentialError::Token(TokenFault::Shape(_))
    ));
}

#[test]
fn a_credential_that_never_ends_is_refused() {
    let endless = error_with("/validUntil", Value::Null);
    assert_eq!(endless, CredentialError::Endless);
    assert!(endless.to_string().contains("must end by itself"), "{endless}");
    assert_eq!(error_with_vc11("/exp", Value::Null), CredentialError::Endless);
    // An end in the token's claims, or in the credential of VC 1.1, is one too.
    let claims = altered(&payload(&good()), "/validUntil", Value::Null);
    let claims = altered(&claims, "/exp", json!(NOW_MS / 1000 + 60));
    assert!(verify(&issuer().sign("vc+jwt", &claims)).is_ok());
    let claims = altered(&membership_vc11_claims(&issuer(), &holder().did), "/exp", Value::Null);
    let claims = altered(&claims, "/vc/expirationDate", json!("2020-06-18T14:00:00Z"));
    assert!(verify(&issuer().sign("JWT", &claims)).is_ok());
}

#[test]
fn a_status_that_is_not_known_denies() {
    let status = status_entry("revocation", 7);
    let not_at_hand = CredentialError::StatusNotAtHand {
        list: LIST.to_owned(),
        issuer: issuer().did,
    };
    assert_eq!(error_with("/credentialStatus", status.clone()), not_at_hand);
    assert_eq!(
        error_with("/credentialStatus", json!([status.clone(), status])),
        not_at_hand
    );
    // Nothing of a list is asked for because of a credential that does not hold otherwise.
    let claims = altered(&payload(&good()), "/credentialStatus", status_entry("revocation", 7));
    let late = verify_by(
        &issuer().sign("vc+jwt", &claims),
        &issuer(),
        at(NOW_MS + 720 * MINUTE_MS),
    );
    assert!(matches!(late, Err(CredentialError::Expired { .. })));
    let refused = |status: Value| match error_with("/credentialStatus", status) {
        CredentialError::UncheckableStatus { status_type } => status_type,
        other => panic!("{other}"),
    };
    assert_eq!(refused(json!([])), "unknown");
    for (member, value) in [
        ("statusPurpose", json!("message")),
        ("statusPurpose", json!("refresh")),
        ("statusPurpose", Value::Null),
        ("statusSize", json!(2)),
        ("statusListIndex", json!(7)),
        ("statusListIndex", json!("-7")),
        ("statusListIndex", json!("07")),
        ("statusListIndex", json!("")),
        ("statusListIndex", json!("99999999999999999999")),
        ("statusListCredential", json!("urn:uuid:1")),
        ("statusListCredential", json!("https://issuer.example/status#1")),
        ("statusListCredential", Value::Null),
    ] {
        let status = altered(
            &json!({"s": status_entry("revocation", 7)}),
            &format!("/s/{member}"),
            value,
        );
        assert_eq!(refused(status["s"].clone()), "BitstringStatusListEntry", "{member}");
    }
    let unknown = json!({"id": "https://issuer.example/x", "type": "SomethingNew"});
    assert_eq!(
        refused(json!([status_entry("revocation", 7), unknown.clone()])),
        "SomethingNew"
    );
    // The other profile has another kind of list (StatusList2021), which nothing here reads.
    for status in [unknown, status_entry("revocation", 7)] {
        assert!(matches!(
            error_with_vc11("/vc/credentialStatus", status),
            CredentialError::UncheckableStatus { .. }
        ));
    }
}

#[test]
fn the_key_must_be_the_issuers_and_for_credentials() {
    let subject = holder().did;
    for relationships in [
        &[][..],
        &[Relationship::Authentication, Relationship::CapabilityInvocation],
    ] {
        let issuer = Party::with("did:web:issuer.example", Algorithm::EdDsa, relationships);
        for token in [membership(&issuer, &subject), membership_vc11(&issuer, &subject)] {
            assert!(matches!(
                verify_by(&token, &issuer, now()),
                Err(CredentialError::Token(TokenFault::Key(
                    DidDocumentError::WrongRelationship { .. }
                )))
            ));
        }
    }
    let (issuer, thief) = (issuer(), Party::new("did:web:thief.example", Algorithm::Es256));
    let claims = payload(&good());
    // Signed with a key of the thief's, under the thief's name; then under the issuer's.
    assert!(matches!(
        verify(&thief.sign("vc+jwt", &claims)),
        Err(CredentialError::Token(TokenFault::Key(
            DidDocumentError::UnknownKey { .. }
        )))
    ));
    let forged = jose::sign(&thief.key, &issuer.key_id, "vc+jwt", None, &claims).unwrap();
    assert!(matches!(
        verify(&forged),
        Err(CredentialError::Token(TokenFault::Jose(JoseError::Signature { .. })))
    ));
    // The thief's document in place of the issuer's.
    let expected = Expected {
        issuer_document: &thief.document,
        trusted: &trusting(&issuer),
        holder: &subject,
        now: now(),
    };
    assert!(matches!(
        credential::verify(&thief.sign("vc+jwt", &claims), &expected),
        Err(CredentialError::OtherDocument { .. })
    ));
    // No key named at all.
    let unnamed = strip_key_id(&issuer, &claims);
    assert!(matches!(
        verify(&unnamed),
        Err(CredentialError::Token(TokenFault::Jose(JoseError::Header {
            member: "kid",
            ..
        })))
    ));
}

fn strip_key_id(issuer: &Party, claims: &Value) -> String {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let header = json!({"alg": issuer.key.algorithm().jose_name(), "typ": "vc+jwt"}).to_string();
    let input = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(header),
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = issuer.key.sign(input.as_bytes());
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_flipped_bit_anywhere_never_verifies() {
    for token in [good(), good_vc11()] {
        for flipped in flips(&token).step_by(3) {
            assert!(verify(&flipped).is_err(), "{flipped}");
        }
    }
}
