use crate::party::{
    MINUTE_MS, NOW_MS, Party, TYPE, altered, at, flips, holder, issuer, membership, membership_vc11, now, payload,
    trusting, verifier,
};
use herleid_credentials::credential::{CredentialError, Profile};
use herleid_credentials::did_document::{DidDocument, DidDocumentError, Relationship};
use herleid_credentials::jose::JoseError;
use herleid_credentials::keys::Algorithm;
use herleid_credentials::presentation::{
    self, Expected, MAX_CREDENTIALS, MAX_LIFETIME_MS, NewPresentation, PresentationError, VerifiedPresentation,
};
use herleid_credentials::{ClaimError, Now, TokenFault};
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn build(by: &Party, credentials: &[&str], profile: Profile) -> Result<String, PresentationError> {
    presentation::build(
        &by.key,
        &by.key_id,
        &NewPresentation {
            holder: &by.did,
            audience: &verifier().did,
            jti: "jti-1",
            nonce: Some("nonce-1"),
            issued_at_ms: NOW_MS,
            lifetime_ms: 5 * MINUTE_MS,
            credentials,
            profile,
        },
    )
}

pub(crate) fn good() -> String {
    let (holder, issuer) = (holder(), issuer());
    build(&holder, &[&membership(&issuer, &holder.did)], Profile::Vc20Jose).unwrap()
}

pub(crate) fn good_vc11() -> String {
    let (holder, issuer) = (holder(), issuer());
    build(&holder, &[&membership_vc11(&issuer, &holder.did)], Profile::Vc11Jwt).unwrap()
}

fn verify_as(
    token: &str,
    holder_document: &DidDocument,
    nonce: Option<&str>,
    now: Now,
) -> Result<VerifiedPresentation, PresentationError> {
    let issuer = issuer();
    let issuer_documents: BTreeMap<Did, DidDocument> =
        [(issuer.did.clone(), issuer.document.clone())].into_iter().collect();
    presentation::verify(
        token,
        &Expected {
            holder_document,
            audience: &verifier().did,
            nonce,
            issuer_documents: &issuer_documents,
            trusted: &trusting(&issuer),
            now,
        },
    )
}

pub(crate) fn verify(token: &str) -> Result<VerifiedPresentation, PresentationError> {
    verify_as(token, &holder().document, None, now())
}

fn error_with(pointer: &str, value: Value) -> PresentationError {
    verify(&holder().sign("vp+jwt", &altered(&payload(&good()), pointer, value))).unwrap_err()
}

fn error_with_vc11(pointer: &str, value: Value) -> PresentationError {
    verify(&holder().sign("JWT", &altered(&payload(&good_vc11()), pointer, value))).unwrap_err()
}

#[test]
fn good_presentations_of_both_profiles() {
    for (token, profile) in [(good(), Profile::Vc20Jose), (good_vc11(), Profile::Vc11Jwt)] {
        let issuers: Vec<Did> = presentation::claimed_issuers(&token).unwrap().into_iter().collect();
        assert_eq!(issuers, [issuer().did]);
        let shown = verify_as(&token, &holder().document, Some("nonce-1"), now()).unwrap();
        assert_eq!(shown.holder(), &holder().did);
        assert_eq!(shown.profile(), profile);
        assert_eq!(shown.credentials().len(), 1);
        assert!(shown.credentials()[0].types().contains(TYPE));
        assert_eq!(shown.expires_at_ms(), NOW_MS + 5 * MINUTE_MS);
        assert_eq!(shown.key_id(), holder().key_id);
        assert_eq!(shown.key_thumbprint(), &holder().key.public_key().thumbprint());
        assert_eq!(shown.token(), token);
        assert_eq!(shown.replay_key().unwrap().expires_at_ms(), NOW_MS + 5 * MINUTE_MS);
    }
}

#[test]
fn somebody_elses_presentation_is_refused() {
    for (pointer, value) in [
        ("/holder", json!("did:web:other.example")),
        ("/iss", json!("did:web:other.example")),
        ("/sub", json!("did:web:other.example")),
    ] {
        assert!(
            matches!(error_with(pointer, value), PresentationError::OtherHolder { .. }),
            "{pointer}"
        );
    }
    for (pointer, value) in [
        ("/iss", json!("did:web:other.example")),
        ("/sub", json!("did:web:other.example")),
        ("/vp/holder", json!("did:web:other.example")),
    ] {
        assert!(
            matches!(error_with_vc11(pointer, value), PresentationError::OtherHolder { .. }),
            "{pointer}"
        );
    }
    assert!(matches!(
        error_with("/holder", Value::Null),
        PresentationError::Token(TokenFault::Shape(_))
    ));
    assert!(matches!(
        error_with_vc11("/iss", Value::Null),
        PresentationError::Token(TokenFault::Shape(_))
    ));
    // A thief presents the holder's credential as its own.
    let thief = Party::new("did:web:thief.example", Algorithm::EdDsa);
    for (credential, profile) in [
        (membership(&issuer(), &holder().did), Profile::Vc20Jose),
        (membership_vc11(&issuer(), &holder().did), Profile::Vc11Jwt),
    ] {
        let token = build(&thief, &[&credential], profile).unwrap();
        assert!(matches!(
            verify_as(&token, &thief.document, None, now()),
            Err(PresentationError::Credential {
                index: 0,
                source: CredentialError::OtherSubject { .. }
            })
        ));
    }
}

#[test]
fn the_key_must_be_the_holders_and_for_presentations() {
    let credential = membership(&issuer(), &holder().did);
    for relationships in [
        &[][..],
        &[Relationship::AssertionMethod, Relationship::CapabilityInvocation],
    ] {
        let party = Party::with("did:web:app.example", Algorithm::EdDsa, relationships);
        let token = build(&party, &[&credential], Profile::Vc20Jose).unwrap();
        assert!(matches!(
            verify_as(&token, &party.document, None, now()),
            Err(PresentationError::Token(TokenFault::Key(
                DidDocumentError::WrongRelationship { .. }
            )))
        ));
    }
    let thief = Party::new("did:web:thief.example", Algorithm::EdDsa);
    assert!(matches!(
        verify(&thief.sign("vp+jwt", &payload(&good()))),
        Err(PresentationError::Token(TokenFault::Key(
            DidDocumentError::UnknownKey { .. }
        )))
    ));
}

#[test]
fn audience_nonce_and_times_are_checked() {
    assert!(matches!(
        error_with("/aud", json!("did:web:other.example")),
        PresentationError::Token(TokenFault::Claim(ClaimError::WrongAudience { .. }))
    ));
    for claim in ["aud", "iat", "exp"] {
        for error in [
            error_with(&format!("/{claim}"), Value::Null),
            error_with_vc11(&format!("/{claim}"), Value::Null),
        ] {
            match error {
                PresentationError::Token(TokenFault::Claim(ClaimError::Missing { claim: named })) => {
                    assert_eq!(named, claim)
                }
                other => panic!("{claim}: {other:?}"),
            }
        }
    }
    let holder = holder();
    assert_eq!(
        verify_as(&good(), &holder.document, Some("nonce-2"), now()).unwrap_err(),
        PresentationError::WrongNonce
    );
    let without = holder.sign("vp+jwt", &altered(&payload(&good()), "/nonce", Value::Null));
    assert!(verify_as(&without, &holder.document, Some("nonce-1"), now()).is_err());
    assert!(verify_as(&without, &holder.document, None, now()).is_ok());
    let end_ms = NOW_MS + 5 * MINUTE_MS;
    assert!(matches!(
        verify_as(&good(), &holder.document, None, at(end_ms)),
        Err(PresentationError::Token(TokenFault::Claim(ClaimError::Expired { .. })))
    ));
    assert!(matches!(
        verify_as(&good(), &holder.document, None, at(NOW_MS - 1)),
        Err(PresentationError::Token(TokenFault::Claim(
            ClaimError::IssuedInTheFuture { .. }
        )))
    ));
    assert!(matches!(
        error_with("/nbf", json!(NOW_MS / 1000 + 1)),
        PresentationError::Token(TokenFault::Claim(ClaimError::NotYetValid { .. }))
    ));
    assert!(matches!(
        error_with("/exp", json!((NOW_MS + MAX_LIFETIME_MS) / 1000 + 1)),
        PresentationError::Token(TokenFault::Claim(ClaimError::Lifetime { .. }))
    ));
}

#[test]
fn a_presentation_without_jti_has_no_replay_key() {
    let token = holder().sign("vp+jwt", &altered(&payload(&good()), "/jti", Value::Null));
    assert!(verify(&token).unwrap().replay_key().is_none());
}

#[test]
fn one_bad_credential_refuses_all() {
    let (holder, issuer) = (holder(), issuer());
    let good = membership(&issuer, &holder.did);
    let about_other = membership(&issuer, &"did:web:other.example".parse().unwrap());
    let token = build(&holder, &[&good, &about_other], Profile::Vc20Jose).unwrap();
    assert!(matches!(
        verify(&token),
        Err(PresentationError::Credential {
            index: 1,
            source: CredentialError::OtherSubject { .. }
        })
    ));
    let stranger = Party::new("did:web:stranger.example", Algorithm::EdDsa);
    let token = build(
        &holder,
        &[&good, &membership(&stranger, &holder.did)],
        Profile::Vc20Jose,
    )
    .unwrap();
    assert!(matches!(
        verify(&token),
        Err(PresentationError::NoIssuerDocument { index: 1, .. })
    ));
    let token = build(&holder, &[&good, "not.a.token"], Profile::Vc20Jose).unwrap();
    assert!(matches!(
        verify(&token),
        Err(PresentationError::Credential { index: 1, .. })
    ));
    assert!(presentation::claimed_issuers(&token).is_err());
}

#[test]
fn the_profiles_are_never_mixed() {
    let (holder, issuer) = (holder(), issuer());
    let (two, one) = (membership(&issuer, &holder.did), membership_vc11(&issuer, &holder.did));
    for (credential, profile) in [(&one, Profile::Vc20Jose), (&two, Profile::Vc11Jwt)] {
        let token = build(&holder, &[credential], profile).unwrap();
        assert!(matches!(verify(&token), Err(PresentationError::MixedProfiles { .. })));
    }
    for error in [
        error_with("/vp", json!({})),
        error_with("/vc", json!({})),
        error_with_vc11("/@context", json!([])),
        error_with_vc11("/vc", json!({})),
    ] {
        assert!(matches!(error, PresentationError::MixedProfiles { .. }), "{error:?}");
    }
}

#[test]
fn other_kinds_of_token_are_refused() {
    for media_type in ["JWT", "vc+jwt", "at+jwt"] {
        assert!(matches!(
            verify(&holder().sign(media_type, &payload(&good()))),
            Err(PresentationError::Token(TokenFault::Jose(JoseError::Type { .. })))
        ));
    }
    assert!(matches!(
        verify(&holder().sign("vp+jwt", &payload(&good_vc11()))),
        Err(PresentationError::Token(TokenFault::Jose(JoseError::Type { .. })))
    ));
}

#[test]
fn entries_must_be_signed_credentials() {
    let token = membership(&issuer(), &holder().did);
    let entry = |id: String| json!([{"@context": "https://www.w3.org/ns/credentials/v2", "type": "EnvelopedVerifiableCredential", "id": id}]);
    for value in [
        json!([token]),
        json!([{"type": "EnvelopedVerifiableCredential", "id": format!("data:application/vc+jwt,{token}")}]),
        json!([{"@context": "https://www.w3.org/ns/credentials/v2", "id": format!("data:application/vc+jwt,{token}")}]),
        entry(token.clone()),
        entry(format!("data:application/vc+sd-jwt,{token}")),
        entry(format!("data:application/vc+jwt;base64,{token}")),
        json!([payload(&token)]),
        json!([7]),
    ] {
        assert!(
            matches!(
                error_with("/verifiableCredential", value.clone()),
                PresentationError::Entry { index: 0, .. }
            ),
            "{value}"
        );
    }
    for value in [json!([{}]), json!([payload(&token)])] {
        assert!(matches!(
            error_with_vc11("/vp/verifiableCredential", value),
            PresentationError::Entry { index: 0, .. }
        ));
    }
    let many: Vec<&str> = std::iter::repeat_n(token.as_str(), MAX_CREDENTIALS + 1).collect();
    assert!(build(&holder(), &many, Profile::Vc20Jose).is_err());
    assert!(matches!(
        error_with_vc11("/vp/verifiableCredential", json!(many)),
        PresentationError::Token(TokenFault::Shape(_))
    ));
}

#[test]
fn a_flipped_bit_anywhere_never_verifies() {
    for token in [good(), good_vc11()] {
        for flipped in flips(&token).step_by(7) {
            assert!(verify(&flipped).is_err(), "{flipped}");
        }
    }
}
