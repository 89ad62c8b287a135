//! Credentials and presentations that others wrote: the test suites of W3C VC-JOSE-COSE and VC Data Model 2.0, where they exist
//! (`shared/spec/vc` beside the checkout). What lies outside of what is checked here stands in a list, with its reason; an entry of
//! that list that passes fails the test.

use crate::party::{Party, TYPE, at, holder, issuer, trusting, verifier};
use herleid_credentials::TokenFault;
use herleid_credentials::credential::{self, CredentialError};
use herleid_credentials::did_document::DidDocument;
use herleid_credentials::jose::{JoseError, MAX_BODY_TOKEN_BYTES, UnverifiedJws};
use herleid_credentials::keys::{KeyError, PublicKey};
use herleid_credentials::presentation::{self, PresentationError};
use herleid_vocab::did::Did;
use herleid_vocab::time::parse_rfc3339_ms;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder with the vectors, or `None` after saying that these tests are skipped.
fn folder(name: &str, tests: &str) -> Option<PathBuf> {
    herleid_vocab::reference::find(tests, &format!("spec/vc/{name}"))
}

fn text(folder: &Path, file: &str) -> String {
    let path = folder.join(file);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .trim()
        .to_owned()
}

fn value(folder: &Path, file: &str) -> Value {
    serde_json::from_str(&text(folder, file)).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    names
}

#[test]
fn jose_cose_keys() {
    let Some(folder) = folder("jose-cose/tests/input", "jose_cose_keys") else {
        return;
    };
    for file in ["vm-ed25519.json", "vm-did-ed25519.json", "vm-p256.json"] {
        let method = value(&folder, file);
        let key = PublicKey::from_jwk(&method["publicKeyJwk"]).unwrap();
        // The suite names its keys by their thumbprints: RFC 7638, computed by somebody else.
        assert_eq!(key.thumbprint().as_str(), method["publicKeyJwk"]["kid"], "{file}");
        assert!(
            matches!(PublicKey::from_jwk(&method["secretKeyJwk"]), Err(KeyError::Jwk { .. })),
            "{file}"
        );
    }
    for file in ["vm-p384.json", "vm-p521.json"] {
        let error = PublicKey::from_jwk(&value(&folder, file)["publicKeyJwk"]).unwrap_err();
        assert!(matches!(error, KeyError::Unsupported { .. }), "{file}");
    }
}

#[test]
fn jose_cose_tokens() {
    let Some(folder) = folder("jose-cose/tests/input", "jose_cose_tokens") else {
        return;
    };
    let key = |file: &str| PublicKey::from_jwk(&value(&folder, file)["publicKeyJwk"]).unwrap();
    let (ed25519, p256) = (key("vm-ed25519.json"), key("vm-p256.json"));
    let signature = |file: &str, key: &PublicKey| {
        let token = text(&folder, file);
        UnverifiedJws::parse(&token, MAX_BODY_TOKEN_BYTES)?
            .verify(key)
            .map(|_| ())
    };
    for (file, key) in [
        ("credential-issuer-match-signed.txt", &ed25519),
        ("credential-jose-bad-media-type.txt", &ed25519),
        ("credential-jose-vc-vp-claims.txt", &ed25519),
        ("credential-jose-minimal.txt", &p256),
        ("presentation-jose-bad-credential.txt", &ed25519),
        ("presentation-jose-bad-media-type.txt", &ed25519),
    ] {
        assert_eq!(signature(file, key), Ok(()), "{file}");
    }
    assert!(matches!(
        signature("credential-jose-bad-signature.txt", &ed25519),
        Err(JoseError::Signature { .. })
    ));
    // ES512 and ES384 are outside: EdDSA and ES256 alone.
    for file in [
        "credential-jose-unknown-extensions.txt",
        "presentation-jose-multiple.txt",
    ] {
        assert!(
            matches!(signature(file, &p256), Err(JoseError::Algorithm { .. })),
            "{file}"
        );
    }

    let refused = |file: &str| credential::claimed_issuer(&text(&folder, file)).unwrap_err();
    assert!(matches!(
        refused("credential-jose-bad-media-type.txt"),
        CredentialError::Token(TokenFault::Jose(JoseError::Type { .. }))
    ));
    assert!(matches!(
        refused("credential-jose-vc-vp-claims.txt"),
        CredentialError::MixedProfiles { .. }
    ));
    // The good ones stop where their issuer, an https URL, is no DID: an issuer that DCP could not resolve.
    for file in ["credential-issuer-match-signed.txt", "credential-jose-minimal.txt"] {
        assert!(
            matches!(refused(file), CredentialError::Token(TokenFault::Shape(shape)) if shape.member() == "issuer"),
            "{file}"
        );
    }
    assert!(matches!(
        presentation::claimed_issuers(&text(&folder, "presentation-jose-bad-credential.txt")),
        Err(PresentationError::Entry { index: 0, .. })
    ));
    assert!(matches!(
        presentation::claimed_issuers(&text(&folder, "presentation-jose-bad-media-type.txt")),
        Err(PresentationError::Token(TokenFault::Jose(JoseError::Type { .. })))
    ));
}

/// Makes `credential` one that our issuer could have issued to our holder, where it does not say otherwise: the suites leave the
/// issuer, and often the subject, to the implementation under test. It gets an end where it has none, without which it would be
/// refused for that and not for what the vector is about.
fn adopt(mut credential: Value, issuer: &Party, holder: &Party) -> Value {
    let members = credential.as_object_mut().unwrap();
    match members.get_mut("issuer") {
        None => {
            members.insert("issuer".to_owned(), json!(issuer.did));
        }
        Some(Value::Object(object)) if !object.contains_key("id") => {
            object.insert("id".to_owned(), json!(issuer.did));
        }
        Some(Value::String(url)) if url.starts_with("https://example.issuer/") => *url = issuer.did.to_string(),
        Some(_) => {}
    }
    if let Some(Value::Object(subject)) = members.get_mut("credentialSubject") {
        subject.insert("id".to_owned(), json!(holder.did));
    }
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.push(json!(TYPE));
    }
    members
        .entry("validUntil")
        .or_insert_with(|| json!("9999-12-31T23:59:59Z"));
    credential
}

fn verify_adopted(credential: &Value) -> Result<(), CredentialError> {
    let (issuer, holder) = (issuer(), holder());
    // A moment when it is valid, if there is one: the vectors are about form.
    let instant = |name: &str| credential[name].as_str().and_then(|text| parse_rfc3339_ms(text).ok());
    let expected = credential::Expected {
        issuer_document: &issuer.document,
        trusted: &trusting(&issuer),
        holder: &holder.did,
        now: at(instant("validFrom").unwrap_or(1_700_000_000_000)),
    };
    credential::verify(&issuer.sign("vc+jwt", credential), &expected).map(|_| ())
}

const IN_PLACE: &str = "contexts in place are refused: read as plain JSON, they could redefine what a term means";
const NO_ENVELOPE: &str = "a credential inside a presentation must be enveloped, or nobody signed it";

/// Files of the data model's suite that are well-formed and refused all the same, and why.
const OUTSIDE: [(&str, &str); 8] = [
    (
        "credential-subject-multiple-ok.json",
        "one subject alone can be the holder",
    ),
    ("credential-termsofuse-ok.json", IN_PLACE),
    ("credential-type-mapped-url-ok.json", IN_PLACE),
    ("presentation-context-combo1-ok.json", NO_ENVELOPE),
    ("presentation-context-combo2-ok.json", IN_PLACE),
    (
        "presentation-enveloped-vc-ok.json",
        "its media type `vc-ld+jwt` is of a draft; it is `vc+jwt` now",
    ),
    ("presentation-holder-object-ok.json", NO_ENVELOPE),
    ("presentation-vc-ok.json", NO_ENVELOPE),
];

/// Whether the file is said to be good, by its name.
fn is_good(file: &str) -> bool {
    file.ends_with("-ok.json")
}

#[test]
fn data_model_credentials() {
    let Some(folder) = folder("data-model", "data_model_credentials") else {
        return;
    };
    let names = folder.join("names-and-descriptions");
    let mut seen = (0, 0);
    for (folder, file) in files(&folder)
        .into_iter()
        .map(|file| (&folder, file))
        .chain(files(&names).into_iter().map(|file| (&names, file)))
        .filter(|(_, file)| !file.starts_with("presentation-"))
    {
        let result = verify_adopted(&adopt(value(folder, &file), &issuer(), &holder()));
        let outside = OUTSIDE.iter().find(|(name, _)| *name == file);
        match (is_good(&file), outside) {
            (true, None) => {
                assert_eq!(result, Ok(()), "{file}");
                seen.0 += 1;
            }
            (true, Some((_, why))) => assert!(result.is_err(), "{file} passes; take it from the list: {why}"),
            (false, _) => {
                assert!(
                    matches!(result, Err(CredentialError::Token(TokenFault::Shape(_)))),
                    "{file}: {result:?}"
                );
                seen.1 += 1;
            }
        }
    }
    assert_eq!(seen, (18, 21), "vectors were added or lost");
}

#[test]
fn jose_cose_credentials() {
    let Some(folder) = folder("jose-cose/tests/input", "jose_cose_credentials") else {
        return;
    };
    let verify = |file: &str| verify_adopted(&adopt(value(&folder, file), &issuer(), &holder()));
    // The two `selective` ones are input for SD-JWT, which is outside; as plain credentials they are good.
    for file in [
        "credential-minimal.json",
        "credential-unknown-extensions.json",
        "credential-selective.json",
        "credential-nested-selective.json",
    ] {
        assert_eq!(verify(file), Ok(()), "{file}");
    }
    assert_eq!(
        verify("credential-full.json"),
        Err(CredentialError::UncheckableStatus {
            status_type: "StatusList2021Entry".to_owned()
        })
    );
}

fn verify_presentation(mut value: Value) -> Result<(), PresentationError> {
    let (issuer, holder) = (issuer(), holder());
    let members = value.as_object_mut().unwrap();
    match members.get_mut("holder") {
        Some(Value::Object(object)) if object.contains_key("id") => {
            object.insert("id".to_owned(), json!(holder.did));
        }
        Some(Value::Object(_)) => {}
        _ => {
            members.insert("holder".to_owned(), json!(holder.did));
        }
    }
    members.insert("aud".to_owned(), json!(verifier().did));
    members.insert("iat".to_owned(), json!(1_700_000_000));
    members.insert("exp".to_owned(), json!(1_700_000_060));
    let issuer_documents: BTreeMap<Did, DidDocument> =
        [(issuer.did.clone(), issuer.document.clone())].into_iter().collect();
    let expected = presentation::Expected {
        holder_document: &holder.document,
        audience: &verifier().did,
        nonce: None,
        issuer_documents: &issuer_documents,
        trusted: &trusting(&issuer),
        now: at(1_700_000_000_000),
    };
    presentation::verify(&holder.sign("vp+jwt", &value), &expected).map(|_| ())
}

#[test]
fn data_model_presentations() {
    let Some(folder) = folder("data-model", "data_model_presentations") else {
        return;
    };
    let mut seen = (0, 0);
    for file in files(&folder)
        .into_iter()
        .filter(|file| file.starts_with("presentation-"))
    {
        let result = verify_presentation(value(&folder, &file));
        let outside = OUTSIDE.iter().find(|(name, _)| *name == file);
        match (is_good(&file), outside) {
            (true, None) => {
                assert_eq!(result, Ok(()), "{file}");
                seen.0 += 1;
            }
            (true, Some((_, why))) => assert!(result.is_err(), "{file} passes; take it from the list: {why}"),
            (false, _) => {
                assert!(
                    matches!(
                        result,
                        Err(PresentationError::Token(TokenFault::Shape(_)) | PresentationError::Entry { .. })
                    ),
                    "{file}: {result:?}"
                );
                seen.1 += 1;
            }
        }
    }
    assert_eq!(seen, (1, 5), "vectors were added or lost");
}

#[test]
fn jose_cose_presentations() {
    let Some(folder) = folder("jose-cose/tests/input", "jose_cose_presentations") else {
        return;
    };
    // Each contains a token whose header is cut off (`yJ...`), an SD-JWT, or both.
    for file in [
        "presentation-single.json",
        "presentation-multiple.json",
        "presentation-selective.json",
    ] {
        let result = verify_presentation(value(&folder, file));
        assert!(
            matches!(
                result,
                Err(PresentationError::Credential { .. } | PresentationError::Entry { .. })
            ),
            "{file}: {result:?}"
        );
    }
}

#[test]
fn data_integrity_key_as_multikey() {
    let Some(folder) = folder("di-eddsa/TestVectors", "data_integrity_key_as_multikey") else {
        return;
    };
    let multikey = value(&folder, "keyPair.json")["publicKeyMultibase"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(PublicKey::from_multikey(&multikey).unwrap().to_multikey(), multikey);
}
