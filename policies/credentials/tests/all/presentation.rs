use crate::party::{
    MINUTE_MS, NOW_MS, Party, TYPE, altered, at, flips, holder, issuer, membership, membership_vc11, now, payload,
    trusting, verifier,
};
use herleid_credentials::credential::{CredentialError, Profile};
use herleid_credentials::did_document::{DidDocument, DidDocumentError, Relationship};
use herleid_credentials::jose::JoseError;
use herleid_credentials::keys::Algorithm;
use herleid_credentials::presentation::{
    self, Expected, MAX_CREDENTIALS, MAX_LIFETIME_MS, MessageError, NewPresentation, PresentationError,
    PresentationQuery, PresentationResponse, Scope, VerifiedPresentation,
};
use herleid_credentials::{ClaimError, Now};
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

fn good() -> String {
    let (holder, issuer) = (holder(), issuer());
    build(&holder, &[&membership(&issuer, &holder.did)], Profile::Vc20Jose).unwrap()
}

fn good_vc11() -> String {
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

fn verify(token: &str) -> Result<VerifiedPresentation, PresentationError> {
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
        PresentationError::Shape(_)
    ));
    assert!(matches!(
        error_with_vc11("/iss", Value::Null),
        PresentationError::Shape(_)
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
            Err(PresentationError::Key(DidDocumentError::WrongRelationship { .. }))
        ));
    }
    let thief = Party::new("did:web:thief.example", Algorithm::EdDsa);
    assert!(matches!(
        verify(&thief.sign("vp+jwt", &payload(&good()))),
        Err(PresentationError::Key(DidDocumentError::UnknownKey { .. }))
    ));
}

#[test]
fn audience_nonce_and_times_are_checked() {
    assert!(matches!(
        error_with("/aud", json!("did:web:other.example")),
        PresentationError::Claim(ClaimError::WrongAudience { .. })
    ));
    for claim in ["aud", "iat", "exp"] {
        for error in [
            error_with(&format!("/{claim}"), Value::Null),
            error_with_vc11(&format!("/{claim}"), Value::Null),
        ] {
            match error {
                PresentationError::Claim(ClaimError::Missing { claim: named }) => assert_eq!(named, claim),
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
        Err(PresentationError::Claim(ClaimError::Expired { .. }))
    ));
    assert!(matches!(
        verify_as(&good(), &holder.document, None, at(NOW_MS - 1)),
        Err(PresentationError::Claim(ClaimError::IssuedInTheFuture { .. }))
    ));
    assert!(matches!(
        error_with("/nbf", json!(NOW_MS / 1000 + 1)),
        PresentationError::Claim(ClaimError::NotYetValid { .. })
    ));
    assert!(matches!(
        error_with("/exp", json!((NOW_MS + MAX_LIFETIME_MS) / 1000 + 1)),
        PresentationError::Claim(ClaimError::Lifetime { .. })
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
            Err(PresentationError::Jose(JoseError::Type { .. }))
        ));
    }
    assert!(matches!(
        verify(&holder().sign("vp+jwt", &payload(&good_vc11()))),
        Err(PresentationError::Jose(JoseError::Type { .. }))
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
        PresentationError::Shape(_)
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

#[test]
fn scopes_are_read_as_dcp_writes_them() {
    let wanted = Scope::CredentialType("Member".to_owned());
    for text in [
        "org.eclipse.dspace.dcp.vc.type:Member",
        "org.eclipse.dspace.dcp.vc.type:Member:read",
    ] {
        assert_eq!(text.parse::<Scope>().unwrap(), wanted);
    }
    assert_eq!(wanted.to_string(), "org.eclipse.dspace.dcp.vc.type:Member:read");
    let url: Scope = "org.eclipse.dspace.dcp.vc.type:https://example.org/#Member:read"
        .parse()
        .unwrap();
    assert_eq!(url, Scope::CredentialType("https://example.org/#Member".to_owned()));
    let id: Scope = "org.eclipse.dspace.dcp.vc.id:urn:uuid:1".parse().unwrap();
    assert_eq!(id, Scope::CredentialId("urn:uuid:1".to_owned()));
    assert_eq!(id.to_string().parse::<Scope>().unwrap(), id);
    for text in [
        "",
        "Member",
        "org.eclipse.dspace.dcp.vc.type:",
        "org.eclipse.dspace.dcp.vc.type::read",
        "org.eclipse.dspace.dcp.vc.type:Member:write",
        "org.eclipse.dspace.dcp.vc.type:Member:*",
        "org.eclipse.dspace.dcp.vc.id:",
        "org.eclipse.dspace.dcp.vc.type:Two Words",
        "org.eclipse.edc.vc.type:Member:read",
        &format!("org.eclipse.dspace.dcp.vc.type:{}", "x".repeat(600)),
    ] {
        assert!(
            matches!(text.parse::<Scope>(), Err(MessageError::UnsupportedScope { .. })),
            "{text}"
        );
    }
}

fn query(scope: Value) -> Value {
    json!({"@context": ["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"], "type": "PresentationQueryMessage", "scope": scope})
}

fn parse_query(message: &Value) -> Result<PresentationQuery, MessageError> {
    PresentationQuery::parse(message.to_string().as_bytes())
}

#[test]
fn a_query_is_read_back_and_its_faults_are_told_apart() {
    let good = query(json!(["org.eclipse.dspace.dcp.vc.type:MembershipCredential:read"]));
    let read = parse_query(&good).unwrap();
    assert_eq!(read.scopes(), [Scope::CredentialType(TYPE.to_owned())]);
    assert_eq!(read.to_json(), good);

    let mut definition = good.clone();
    definition["presentationDefinition"] = json!({"id": "1", "input_descriptors": []});
    assert_eq!(parse_query(&definition), Err(MessageError::BothWays));
    definition.as_object_mut().unwrap().remove("scope");
    assert_eq!(
        parse_query(&definition),
        Err(MessageError::PresentationDefinitionUnsupported)
    );

    for scope in [
        json!([]),
        json!("x"),
        json!([7]),
        Value::Null,
        json!(vec!["org.eclipse.dspace.dcp.vc.type:X"; 17]),
    ] {
        assert!(
            matches!(
                parse_query(&query(scope.clone())),
                Err(MessageError::Malformed { member: "scope", .. })
            ),
            "{scope}"
        );
    }
    for (member, value) in [
        ("@context", json!("https://w3id.org/dspace-dcp/v1.0/dcp.jsonld")),
        ("@context", json!([])),
        ("@context", json!(["https://w3id.org/tractusx-trust/v0.8"])),
        (
            "@context",
            json!(["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld", {"type": "@id"}]),
        ),
        ("type", json!("PresentationResponseMessage")),
        ("type", json!(["PresentationQueryMessage"])),
        ("type", Value::Null),
    ] {
        let mut message = good.clone();
        message[member] = value.clone();
        match parse_query(&message) {
            Err(MessageError::Malformed { member: named, .. }) => assert_eq!(named, member),
            other => panic!("{member} {value}: {other:?}"),
        }
    }
    assert!(matches!(PresentationQuery::parse(b"{"), Err(MessageError::Json(_))));
    assert!(matches!(
        PresentationQuery::parse(b"[]"),
        Err(MessageError::Malformed { .. })
    ));
}

#[test]
fn what_was_not_shown_is_told() {
    let shown = [verify(&good()).unwrap()];
    let scopes: Vec<Scope> = [
        "org.eclipse.dspace.dcp.vc.type:MembershipCredential",
        "org.eclipse.dspace.dcp.vc.type:AccreditationCredential",
        "org.eclipse.dspace.dcp.vc.type:VerifiableCredential",
        "org.eclipse.dspace.dcp.vc.id:urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
        "org.eclipse.dspace.dcp.vc.id:urn:uuid:other",
    ]
    .into_iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let query = PresentationQuery::new(scopes.clone()).unwrap();
    assert_eq!(query.unmet(&shown), [&scopes[1], &scopes[2], &scopes[4]]);
    assert_eq!(query.unmet(&[]).len(), 5);
}

#[test]
fn a_response_holds_signed_tokens_alone() {
    let good = PresentationResponse::new(vec![good(), good_vc11()]).unwrap();
    let read = PresentationResponse::parse(good.to_json().to_string().as_bytes()).unwrap();
    assert_eq!(read, good);
    assert_eq!(read.presentations().len(), 2);
    let with = |presentation: Value| {
        let mut message = good.to_json();
        message["presentation"] = presentation;
        PresentationResponse::parse(message.to_string().as_bytes())
    };
    assert!(with(json!([])).unwrap().presentations().is_empty());
    for presentation in [json!([{}]), json!("x"), Value::Null, json!(vec!["x"; 17])] {
        assert!(
            matches!(
                with(presentation.clone()),
                Err(MessageError::Malformed {
                    member: "presentation",
                    ..
                })
            ),
            "{presentation}"
        );
    }
}
