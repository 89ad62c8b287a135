use crate::party::{flips, holder, issuer};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use herleid_credentials::jose::{self, JoseError, MAX_HEADER_TOKEN_BYTES, UnverifiedJws};
use herleid_credentials::keys::PublicKey;
use herleid_vocab::rim::SeededEntropy;
use serde_json::{Value, json};

/// RFC 7515, appendix A.3: ES256.
const RFC_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn parse(token: &str) -> Result<UnverifiedJws<'_>, JoseError> {
    UnverifiedJws::parse(token, MAX_HEADER_TOKEN_BYTES)
}

fn encode(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// A token with this header, whose signature is good whatever the header says.
fn with_header(header: &str) -> String {
    let input = format!("{}.{}", encode(header), encode("{}"));
    let signature = holder().key.sign(input.as_bytes());
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn the_token_of_rfc_7515_verifies() {
    let key = PublicKey::from_jwk(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }))
    .unwrap();
    let verified = parse(RFC_TOKEN).unwrap().verify(&key).unwrap();
    assert_eq!(verified.claims()["iss"], "joe");
    assert_eq!(verified.key_id(), None);
    assert_eq!(verified.key_thumbprint(), &key.thumbprint());
}

#[test]
fn what_is_signed_is_read_back() {
    for party in [holder(), issuer()] {
        let token = jose::sign(&party.key, &party.key_id, "x+jwt", Some("x"), &json!({"a": [1, "é"]})).unwrap();
        let jws = parse(&token).unwrap();
        assert_eq!(jws.key_id(), Some(party.key_id.as_str()));
        assert!(jws.has_type("x+jwt") && jws.has_type("application/X+JWT") && !jws.has_type("y+jwt"));
        let verified = jws.verify(&party.key.public_key()).unwrap();
        assert_eq!(Value::Object(verified.claims().clone()), json!({"a": [1, "é"]}));
        assert_eq!(verified.content_type(), Some("x"));
    }
    assert!(jose::sign(&holder().key, "k", "t", None, &json!([])).is_err());
}

#[test]
fn only_the_two_algorithms_are_read() {
    for algorithm in [
        "none", "None", "HS256", "HS512", "RS256", "PS256", "ES384", "ES512", "ES256K", "eddsa", "EdDSA ", "Ed448", "",
    ] {
        let token = with_header(&json!({"alg": algorithm}).to_string());
        assert!(matches!(parse(&token), Err(JoseError::Algorithm { .. })), "{algorithm}");
    }
    assert!(matches!(parse(&with_header("{}")), Err(JoseError::Algorithm { .. })));
    // `none` as it is usually tried: with an empty signature.
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode("{}"));
    assert!(parse(&unsigned).is_err());
}

#[test]
fn the_algorithm_is_the_keys() {
    for (party, other) in [(holder(), issuer()), (issuer(), holder())] {
        let token = party.sign("JWT", &json!({}));
        assert!(matches!(
            parse(&token).unwrap().verify(&other.key.public_key()),
            Err(JoseError::Algorithm { .. })
        ));
    }
    // A header that names the other algorithm, signed by the right key all the same.
    let token = with_header(r#"{"alg":"ES256"}"#);
    assert!(matches!(
        parse(&token).unwrap().verify(&holder().key.public_key()),
        Err(JoseError::Algorithm { .. })
    ));
}

#[test]
fn critical_extensions_are_refused() {
    for header in [
        r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#,
        r#"{"alg":"EdDSA","crit":["exp"]}"#,
        r#"{"alg":"EdDSA","crit":[]}"#,
        r#"{"alg":"EdDSA","crit":null}"#,
    ] {
        assert!(
            matches!(
                parse(&with_header(header)),
                Err(JoseError::Header { member: "crit", .. })
            ),
            "{header}"
        );
    }
}

#[test]
fn a_key_in_the_header_changes_nothing() {
    let stranger = issuer();
    let header = json!({"alg": "ES256", "jwk": stranger.key.public_key().to_jwk(), "jku": "https://evil.example"});
    let input = format!("{}.{}", encode(&header.to_string()), encode("{}"));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(stranger.key.sign(input.as_bytes()));
    let token = format!("{input}.{signature}");
    let other = PublicKey::from_jwk(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }))
    .unwrap();
    assert!(matches!(
        parse(&token).unwrap().verify(&other),
        Err(JoseError::Signature { .. })
    ));
}

#[test]
fn malformed_headers_are_refused() {
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":["EdDSA"]}"#,
        r#"{"alg":"EdDSA","kid":1}"#,
        r#"{"alg":"EdDSA","typ":null}"#,
        r#"{"alg":"EdDSA","cty":{}}"#,
        r#"["EdDSA"]"#,
        r#"{"alg":"EdDSA"} x"#,
        "",
    ] {
        assert!(parse(&with_header(header)).is_err(), "{header}");
    }
}

#[test]
fn malformed_tokens_are_refused() {
    let good = holder().sign("JWT", &json!({"a": 1}));
    assert!(parse(&good).is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}=="),
        format!("{header}.{payload}.{}", &signature[..84]),
        format!("{header}..{signature}"),
        format!("{header}.{}.{signature}", encode("[]")),
        format!("{header}.{}.{signature}", encode(r#"{"a":1,"a":2}"#)),
        format!("{header}.{}.{signature}", encode("\u{feff}{}")),
        format!("{header}.{}.{signature}", encode("1")),
        format!("é.{payload}.{signature}"),
    ] {
        assert!(parse(&token).is_err(), "{token}");
    }
}

#[test]
fn size_is_limited() {
    let token = holder().sign("JWT", &json!({"a": "x".repeat(MAX_HEADER_TOKEN_BYTES)}));
    assert!(matches!(parse(&token), Err(JoseError::TooLong { .. })));
    assert!(UnverifiedJws::parse(&token, token.len()).is_ok());
    assert!(UnverifiedJws::parse(&token, token.len() - 1).is_err());
}

#[test]
fn types_are_compared_as_media_types() {
    let token = holder().sign("application/vc+jwt", &json!({}));
    let jws = parse(&token).unwrap();
    assert!(jws.check_type(&[Some("vc+jwt")], "`vc+jwt`").is_ok());
    assert!(jws.check_type(&[None, Some("JWT")], "`JWT`").is_err());
    let token = with_header(r#"{"alg":"EdDSA"}"#);
    let untyped = parse(&token).unwrap();
    assert!(untyped.check_type(&[None], "none").is_ok());
    assert_eq!(
        untyped.check_type(&[Some("JWT")], "`JWT`").unwrap_err().to_string(),
        "the token's type is `absent`; expected `JWT`"
    );
}

#[test]
fn a_flipped_bit_anywhere_never_verifies() {
    for party in [holder(), issuer()] {
        let token = party.sign("JWT", &json!({"sub": party.did}));
        let key = party.key.public_key();
        let mut tried = 0;
        for flipped in flips(&token) {
            tried += 1;
            let verified = parse(&flipped).and_then(|jws| jws.verify(&key));
            assert!(verified.is_err(), "{flipped}");
        }
        assert!(tried > token.len() * 6);
    }
}

#[test]
fn fresh_ids_are_128_bits() {
    let entropy = SeededEntropy::new(1);
    let (one, two) = (jose::fresh_id(&entropy), jose::fresh_id(&entropy));
    assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&one).unwrap().len(), 16);
    assert_ne!(one, two);
}
