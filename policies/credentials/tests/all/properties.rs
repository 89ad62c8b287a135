//! Whatever comes from outside: no panic, and nothing believed that was not signed.

use crate::party::{NOW_MS, holder, issuer, membership, membership_vc11, now, payload, trusting, verifier};
use herleid_credentials::access_token;
use herleid_credentials::credential;
use herleid_credentials::did_document::DidDocument;
use herleid_credentials::http_signature::{self, ContentDigest, Request, SignatureBase};
use herleid_credentials::jose::{MAX_BODY_TOKEN_BYTES, UnverifiedJws};
use herleid_credentials::keys::{PublicKey, SigningKey, Thumbprint};
use herleid_credentials::presentation::{self, PresentationQuery, PresentationResponse, Scope};
use herleid_credentials::si_token;
use herleid_vocab::did::Did;
use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names that the parsers look for, and others.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "iss",
        "sub",
        "aud",
        "jti",
        "iat",
        "nbf",
        "exp",
        "vc",
        "vp",
        "@context",
        "type",
        "issuer",
        "holder",
        "id",
        "credentialSubject",
        "credentialStatus",
        "validFrom",
        "validUntil",
        "issuanceDate",
        "verifiableCredential",
        "cnf",
        "jkt",
        "verificationMethod",
        "authentication",
        "publicKeyJwk",
        "kty",
        "crv",
        "x",
        "service",
        "scope",
    ];
    prop_oneof![4 => proptest::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,5}"]
}

fn scalar() -> impl Strategy<Value = Value> {
    let texts = vec![
        "did:web:app.example",
        "did:web:issuer.example",
        "VerifiableCredential",
        "MembershipCredential",
        "https://www.w3.org/ns/credentials/v2",
        "https://www.w3.org/2018/credentials/v1",
        "2020-06-17T15:00:00Z",
        "VerifiablePresentation",
        "Ed25519",
        "OKP",
        "#key-1",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (NOW_MS / 1000 - 100..NOW_MS / 1000 + 100).prop_map(Value::from),
        proptest::sample::select(texts).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    proptest::collection::vec((name(), json_value()), 0..10)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

/// Replaces the `at`-th place of `value`, counted depth first, by `by`.
fn replace(value: &mut Value, at: &mut usize, by: &Value) {
    if *at == 0 {
        *value = by.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, at, by)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, at, by)),
        _ => {}
    }
}

fn verify_credential(token: &str) -> Result<credential::VerifiedCredential, credential::CredentialError> {
    let issuer = issuer();
    credential::verify(
        token,
        &credential::Expected {
            issuer_document: &issuer.document,
            trusted: &trusting(&issuer),
            holder: &holder().did,
            now: now(),
        },
    )
}

fn verify_presentation(token: &str) -> Result<presentation::VerifiedPresentation, presentation::PresentationError> {
    let issuer = issuer();
    let issuer_documents: BTreeMap<Did, DidDocument> =
        [(issuer.did.clone(), issuer.document.clone())].into_iter().collect();
    presentation::verify(
        token,
        &presentation::Expected {
            holder_document: &holder().document,
            audience: &verifier().did,
            nonce: None,
            issuer_documents: &issuer_documents,
            trusted: &trusting(&issuer),
            now: now(),
        },
    )
}

fn verify_access_token(token: &str) -> Result<access_token::AccessToken, access_token::AccessTokenError> {
    let party = holder();
    access_token::verify(
        token,
        &access_token::Expected {
            issuer: &party.did,
            key_id: &party.key_id,
            key: &party.key.public_key(),
            audience: "did:web:app.example",
            request_key: &party.key.public_key().thumbprint(),
            now: now(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let did = holder().did;
        prop_assert!(DidDocument::parse(&bytes, &did).is_err());
        prop_assert!(PresentationQuery::parse(&bytes).is_err());
        prop_assert!(PresentationResponse::parse(&bytes).is_err());
    }

    #[test]
    fn random_texts_never_panic(text in "\\PC*", dotted in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        for text in [&text, &dotted] {
            prop_assert!(UnverifiedJws::parse(text, MAX_BODY_TOKEN_BYTES).is_err());
            prop_assert!(verify_credential(text).is_err());
            prop_assert!(verify_presentation(text).is_err());
            prop_assert!(si_token::claimed_subject(text).is_err());
            prop_assert!(SigningKey::from_pkcs8_pem(text).is_err());
            prop_assert!(SignatureBase::parse(text).is_err());
            prop_assert!(PublicKey::from_multikey(&["z", text].concat()).is_err());
            prop_assert!(text.parse::<Thumbprint>().is_err());
            prop_assert!(ContentDigest::parse(text).is_err());
            prop_assert!(text.parse::<Scope>().is_err());
        }
    }

    #[test]
    fn random_json_is_no_document_and_no_key(value in object()) {
        prop_assert!(DidDocument::parse(value.to_string().as_bytes(), &holder().did).is_err() || value["id"] == "did:web:app.example");
        prop_assert!(PublicKey::from_jwk(&value).is_err());
        prop_assert!(PresentationQuery::parse(value.to_string().as_bytes()).is_err());
    }

    /// Random claims, well signed by a trusted issuer and holder: they are read or refused, and prove nothing by chance.
    #[test]
    fn random_claims_prove_nothing(claims in object()) {
        for media_type in ["JWT", "vc+jwt", "vp+jwt", "at+jwt"] {
            let (by_issuer, by_holder) = (issuer().sign(media_type, &claims), holder().sign(media_type, &claims));
            prop_assert!(verify_credential(&by_issuer).is_err());
            prop_assert!(verify_presentation(&by_holder).is_err());
            prop_assert!(verify_access_token(&by_holder).is_err());
            let expected = si_token::Expected { audience: &verifier().did, now: now() };
            prop_assert!(si_token::verify(&by_holder, &holder().document, &expected).is_err());
        }
    }

    /// A good credential with one place replaced by something else, signed again: whatever is accepted is still about the holder,
    /// by the issuer, of the trusted type, and within its validity.
    #[test]
    fn what_is_accepted_is_what_was_checked(at in 0_usize..24, by in json_value(), vc11 in any::<bool>()) {
        let (issuer, holder) = (issuer(), holder());
        let (token, media_type) = if vc11 {
            (membership_vc11(&issuer, &holder.did), "JWT")
        } else {
            (membership(&issuer, &holder.did), "vc+jwt")
        };
        let mut claims = payload(&token);
        replace(&mut claims, &mut { at }, &by);
        if claims.is_object()
            && let Ok(known) = verify_credential(&issuer.sign(media_type, &claims))
        {
            prop_assert_eq!(known.subject(), &holder.did);
            prop_assert_eq!(known.issuer(), &issuer.did);
            prop_assert!(known.types().iter().all(|own| own == crate::party::TYPE) && !known.types().is_empty());
            prop_assert!(known.valid_from_ms().is_none_or(|from| from <= NOW_MS));
            prop_assert!(known.valid_until_ms().is_none_or(|until| until > NOW_MS));
        }
    }

    #[test]
    fn a_damaged_did_document_never_changes_hands(at in 0_usize..40, by in json_value()) {
        let party = holder();
        let mut value: Value = serde_json::from_slice(party.document.bytes()).unwrap();
        replace(&mut value, &mut { at }, &by);
        if let Ok(document) = DidDocument::parse(value.to_string().as_bytes(), &party.did) {
            prop_assert_eq!(document.id(), &party.did);
            for relationship in herleid_credentials::did_document::Relationship::ALL {
                for (id, _) in document.keys_for(relationship) {
                    prop_assert!(id.starts_with("did:web:app.example#"));
                }
            }
        }
    }

    #[test]
    fn random_signature_fields_never_panic(input in "[ -~]{0,80}", signature in "[ -~]{0,80}", label in "[a-z]{1,3}") {
        let mut headers = HeaderMap::new();
        for (input, signature) in [
            (input.clone(), signature.clone()),
            (format!("{label}=({input})"), format!("{label}=:{signature}:")),
        ] {
            headers.insert("signature-input", HeaderValue::from_str(&input).unwrap());
            headers.insert("signature", HeaderValue::from_str(&signature).unwrap());
            let request = Request { method: &Method::GET, target_uri: "https://knmi.example/", headers: &headers };
            if let Ok(unverified) = http_signature::parse(request) {
                let expected = http_signature::Expected { required: &[], now: now(), max_age_ms: 1000 };
                prop_assert!(unverified.verify(&holder().key.public_key(), &expected, b"").is_err());
            }
        }
    }
}

#[test]
fn replacing_counts_every_place() {
    let mut value = json!({"a": [1, 2], "b": 3});
    replace(&mut value, &mut 3, &json!("x"));
    assert_eq!(value, json!({"a": [1, "x"], "b": 3}));
}
