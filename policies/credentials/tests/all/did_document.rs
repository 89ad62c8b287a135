use crate::party::Party;
use herleid_credentials::did_document::{
    CATALOG_SERVICE, CREDENTIAL_SERVICE, DATA_SERVICE, DidDocument, DidDocumentError, LOG_SERVICE, LogService,
    Relationship,
};
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_vocab::did::Did;
use herleid_vocab::rim::SeededEntropy;
use serde_json::{Value, json};

const VKEY: &str = "knmi.example/log/1+12345678+AXdhdGVy";

fn did() -> Did {
    "did:web:knmi.example".parse().unwrap()
}

fn jwk(seed: u64) -> Value {
    SigningKey::generate(Algorithm::Es256, &SeededEntropy::new(seed))
        .public_key()
        .to_jwk()
}

/// A document with two keys, as another implementation might write it.
fn document() -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"], "id": did(),
        "verificationMethod": [
            {"id": "did:web:knmi.example#a", "type": "JsonWebKey2020", "controller": did(), "publicKeyJwk": jwk(1)},
            {"id": "#b", "type": "JsonWebKey", "controller": did(), "publicKeyJwk": jwk(2)},
        ],
        "authentication": ["#a"],
        "assertionMethod": ["did:web:knmi.example#b", "did:web:other.example#x"],
        "capabilityInvocation": [
            "#b",
            {"id": "#c", "type": "JsonWebKey", "controller": did(), "publicKeyJwk": jwk(3)},
        ],
        "service": [
            {"id": "#cs", "type": "CredentialService", "serviceEndpoint": "https://knmi.example/credentials"},
            {"id": "#x", "type": ["Other", "CatalogService"], "serviceEndpoint": {"uri": "https://knmi.example"}},
        ],
    })
}

fn parse(document: &Value) -> Result<DidDocument, DidDocumentError> {
    DidDocument::parse(document.to_string().as_bytes(), &did())
}

/// `document` with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = document();
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    document
}

#[test]
fn our_own_document_is_read_as_it_was_built() {
    let keys = [Algorithm::EdDsa, Algorithm::Es256]
        .map(|algorithm| SigningKey::generate(algorithm, &SeededEntropy::new(5)).public_key());
    let url = |text: &str| text.parse().unwrap();
    let log = LogService::new("knmi.example/log/1", VKEY).unwrap();
    let document = DidDocument::builder(&did())
        .key("key-1", &keys[0], &Relationship::ALL)
        .key("key-2", &keys[1], &[Relationship::AssertionMethod])
        .credential_service(&url("https://knmi.example/dcp"))
        .catalog_service(&url("https://knmi.example/dsp/catalog"))
        .data_service(&url("https://knmi.example/dsp"))
        .log(&log)
        .build()
        .unwrap();
    let again = DidDocument::parse(document.bytes(), &did()).unwrap();
    assert_eq!(again.id(), &did());
    for relationship in Relationship::ALL {
        let (id, key) = again.key_for(Some("did:web:knmi.example#key-1"), relationship).unwrap();
        assert_eq!((id, key), ("did:web:knmi.example#key-1", &keys[0]));
    }
    let assertion: Vec<_> = again.keys_for(Relationship::AssertionMethod).collect();
    assert_eq!(
        assertion,
        [
            ("did:web:knmi.example#key-1", &keys[0]),
            ("did:web:knmi.example#key-2", &keys[1])
        ]
    );
    assert_eq!(
        again.endpoint(CREDENTIAL_SERVICE).unwrap().as_str(),
        "https://knmi.example/dcp"
    );
    assert_eq!(
        again.endpoint(CATALOG_SERVICE).unwrap().as_str(),
        "https://knmi.example/dsp/catalog"
    );
    assert_eq!(
        again.endpoint(DATA_SERVICE).unwrap().as_str(),
        "https://knmi.example/dsp"
    );
    assert_eq!(again.log().unwrap(), log);
    assert_eq!((log.origin(), log.verifier_key()), ("knmi.example/log/1", VKEY));
}

#[test]
fn a_builder_that_repeats_itself_is_refused() {
    let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(5)).public_key();
    let twice = DidDocument::builder(&did())
        .key("k", &key, &[])
        .key("k", &key, &[])
        .build();
    assert!(matches!(twice, Err(DidDocumentError::Malformed { .. })));
}

#[test]
fn keys_are_found_by_id_and_use() {
    let document = parse(&document()).unwrap();
    let found = |key_id: &str, relationship| {
        document
            .key_for(Some(key_id), relationship)
            .map(|(id, _)| id.to_owned())
    };
    for (key_id, relationship) in [
        ("did:web:knmi.example#a", Relationship::Authentication),
        ("did:web:knmi.example#b", Relationship::AssertionMethod),
        ("did:web:knmi.example#b", Relationship::CapabilityInvocation),
        ("did:web:knmi.example#c", Relationship::CapabilityInvocation),
    ] {
        assert_eq!(found(key_id, relationship).unwrap(), key_id);
    }
    for (key_id, relationship) in [
        ("did:web:knmi.example#a", Relationship::AssertionMethod),
        ("did:web:knmi.example#a", Relationship::CapabilityInvocation),
        ("did:web:knmi.example#b", Relationship::Authentication),
        ("did:web:knmi.example#c", Relationship::Authentication),
    ] {
        assert_eq!(
            found(key_id, relationship),
            Err(DidDocumentError::WrongRelationship {
                key_id: key_id.to_owned(),
                relationship
            })
        );
    }
    for key_id in [
        "a",
        "#a",
        "did:web:other.example#x",
        "did:web:knmi.example",
        "did:web:knmi.example#A",
        "",
    ] {
        assert!(
            matches!(
                found(key_id, Relationship::AssertionMethod),
                Err(DidDocumentError::UnknownKey { .. })
            ),
            "{key_id}"
        );
    }
    assert_eq!(
        document.key_for(None, Relationship::Authentication),
        Err(DidDocumentError::NoKeyNamed { did: did(), found: 3 })
    );
}

#[test]
fn a_single_key_needs_no_name_but_its_use() {
    let party = Party::with(
        "did:web:knmi.example",
        Algorithm::EdDsa,
        &[Relationship::CapabilityInvocation],
    );
    let key = party
        .document
        .key_for(None, Relationship::CapabilityInvocation)
        .unwrap();
    assert_eq!(key.0, party.key_id);
    assert!(matches!(
        party.document.key_for(None, Relationship::Authentication),
        Err(DidDocumentError::WrongRelationship { .. })
    ));
}

#[test]
fn keys_that_cannot_be_used_do_not_spoil_the_others() {
    for (pointer, value) in [
        ("/verificationMethod/1/controller", json!("did:web:other.example")),
        (
            "/verificationMethod/1/publicKeyJwk",
            json!({"kty": "RSA", "n": "AQ", "e": "AQAB"}),
        ),
        ("/verificationMethod/1/publicKeyJwk/crv", json!("P-384")),
        (
            "/verificationMethod/1/publicKeyJwk",
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AQ", "d": "AQ"}),
        ),
        (
            "/verificationMethod/1",
            json!({"id": "#b", "type": "Ed25519VerificationKey2018", "controller": did(), "publicKeyBase58": "2"}),
        ),
        (
            "/verificationMethod/1",
            json!({"id": "#b", "type": "Ed25519VerificationKey2020", "controller": did(), "publicKeyMultibase":
                   "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"}),
        ),
        (
            "/verificationMethod/1",
            json!({"id": "#b", "type": "Multikey", "controller": did(), "publicKeyMultibase": "z6Mk"}),
        ),
    ] {
        let document = parse(&with(pointer, value.clone())).unwrap_or_else(|e| panic!("{value}: {e}"));
        assert!(
            document
                .key_for(Some("did:web:knmi.example#a"), Relationship::Authentication)
                .is_ok()
        );
        assert!(
            matches!(
                document.key_for(Some("did:web:knmi.example#b"), Relationship::AssertionMethod),
                Err(DidDocumentError::UnusableKey { .. })
            ),
            "{value}"
        );
        assert_eq!(document.keys_for(Relationship::AssertionMethod).count(), 0);
    }
}

#[test]
fn a_multikey_method_is_read() {
    let key = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(5)).public_key();
    let method = json!({"id": "#b", "type": "Multikey", "controller": did(), "publicKeyMultibase": key.to_multikey()});
    let document = parse(&with("/verificationMethod/1", method)).unwrap();
    let found = document
        .key_for(Some("did:web:knmi.example#b"), Relationship::AssertionMethod)
        .unwrap();
    assert_eq!(found.1, &key);
}

#[test]
fn somebody_elses_document_is_refused() {
    for id in [
        "did:web:other.example",
        "did:web:KNMI.example",
        "did:web:knmi.example#a",
        "did:web:knmi.example:",
    ] {
        assert!(
            matches!(parse(&with("/id", json!(id))), Err(DidDocumentError::WrongId { .. })),
            "{id}"
        );
    }
}

#[test]
fn malformed_documents_are_refused() {
    let many: Vec<Value> = (0..65).map(|n| json!(format!("#{n}"))).collect();
    for (pointer, value) in [
        ("", json!([])),
        ("/id", json!(1)),
        ("/verificationMethod", json!({})),
        ("/verificationMethod/0", json!("#a")),
        ("/verificationMethod/0/id", json!(1)),
        ("/verificationMethod/0/id", json!("#")),
        ("/verificationMethod/0/id", json!("a")),
        ("/verificationMethod/0/id", json!("did:web:other.example#a")),
        ("/verificationMethod/0/id", json!("did:web:knmi.example.evil#a")),
        ("/verificationMethod/0/id", json!("#b")),
        ("/verificationMethod/0/type", json!(null)),
        ("/verificationMethod/0/controller", json!(null)),
        (
            "/verificationMethod/0",
            json!({"id": "#a", "type": "JsonWebKey", "controller": did(), "publicKeyJwk": jwk(1), "publicKeyMultibase": "z6Mk"}),
        ),
        ("/authentication", json!("#a")),
        ("/authentication/0", json!(1)),
        ("/authentication", json!(many)),
        ("/capabilityInvocation/1/id", json!("#a")),
        ("/service", json!({})),
        ("/service/0", json!(1)),
        ("/service/0/id", json!("#x")),
        ("/service/0/type", json!([1])),
        ("/service/0/type", json!(null)),
        ("/service/0/serviceEndpoint", json!(1)),
    ] {
        assert!(
            matches!(
                parse(&with(pointer, value.clone())),
                Err(DidDocumentError::Malformed { .. })
            ),
            "{pointer} {value}"
        );
    }
    let text = document().to_string();
    for bytes in [
        text.replacen("{", r#"{"id":"did:web:knmi.example","#, 1).into_bytes(),
        text.as_bytes()[..text.len() - 1].to_vec(),
        [text.as_bytes(), b" x"].concat(),
        b"\xff".to_vec(),
    ] {
        assert!(matches!(
            DidDocument::parse(&bytes, &did()),
            Err(DidDocumentError::Json { .. })
        ));
    }
}

#[test]
fn services_are_one_of_a_kind_with_a_plain_address() {
    let document = parse(&document()).unwrap();
    assert_eq!(
        document.endpoint(CREDENTIAL_SERVICE).unwrap().as_str(),
        "https://knmi.example/credentials"
    );
    // An object where a URL is needed; none; two.
    for service_type in [CATALOG_SERVICE, DATA_SERVICE] {
        assert!(
            matches!(document.endpoint(service_type), Err(DidDocumentError::Service { .. })),
            "{service_type}"
        );
    }
    let two = parse(&with("/service/1/type", json!("CredentialService"))).unwrap();
    assert!(
        two.endpoint(CREDENTIAL_SERVICE)
            .unwrap_err()
            .to_string()
            .contains("more than one")
    );
    for endpoint in [
        "knmi.example",
        "/credentials",
        "ftp://knmi.example/",
        "file:///etc/passwd",
        "https://user@knmi.example/",
        "https://:secret@knmi.example/",
        "https://knmi.example/?a",
        "https://knmi.example/#a",
        "data:text/plain,x",
    ] {
        let document = parse(&with("/service/0/serviceEndpoint", json!(endpoint))).unwrap();
        assert!(document.endpoint(CREDENTIAL_SERVICE).is_err(), "{endpoint}");
    }
}

#[test]
fn a_log_has_an_origin_and_a_key_of_that_name() {
    let log = |endpoint: Value| {
        let service = json!({"id": "#log", "type": LOG_SERVICE, "serviceEndpoint": endpoint});
        parse(&with("/service/0", service)).unwrap().log()
    };
    assert!(log(json!({"origin": "knmi.example/log/1", "verifierKey": VKEY})).is_ok());
    for endpoint in [
        json!("https://knmi.example/log/1"),
        json!({}),
        json!({"origin": "knmi.example/log/1"}),
        json!({"origin": "knmi.example/log/2", "verifierKey": VKEY}),
        json!({"origin": "knmi.example/log/1", "verifierKey": "knmi.example/log/1"}),
        json!({"origin": "", "verifierKey": "+12345678+AXdhdGVy"}),
        json!({"origin": "a b", "verifierKey": "a b+1+A"}),
        json!({"origin": "a+b", "verifierKey": "a+b+1+A"}),
        json!({"origin": 1, "verifierKey": VKEY}),
    ] {
        assert!(log(endpoint.clone()).is_err(), "{endpoint}");
    }
}

#[test]
fn did_key_resolves_to_itself() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let key = SigningKey::generate(algorithm, &SeededEntropy::new(5)).public_key();
        let did = key.to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&did).unwrap();
        assert_eq!(document.id(), &did);
        let id = format!("{did}#{}", key.to_multikey());
        for relationship in Relationship::ALL {
            assert_eq!(document.key_for(Some(&id), relationship).unwrap().1, &key);
            assert_eq!(document.key_for(None, relationship).unwrap().0, id);
        }
    }
    for did in [
        "did:web:knmi.example",
        "did:key:z6Mk",
        "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",
    ] {
        assert!(matches!(
            DidDocument::resolve_did_key(&did.parse().unwrap()),
            Err(DidDocumentError::NotADidKey { .. })
        ));
    }
}
