//! The vectors of RFC 9421, appendix B, for the two algorithms that are used here. Keys, messages and signatures are the RFC's.

use super::base::SignatureInput;
use super::verify::single_member;
use super::{ContentDigest, Request};
use crate::keys::{PublicKey, SigningKey};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::HeaderMap;
use serde_json::json;

/// B.2, test-request, without the fields that the vectors do not cover.
fn test_request() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        (
            "content-digest",
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ),
        ("content-length", "18"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    headers
}

/// B.1.4, test-key-ed25519.
fn ed25519_public() -> PublicKey {
    PublicKey::from_jwk(&json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "test-key-ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs",
    }))
    .unwrap()
}

#[test]
fn b_2_6_signature_base_and_signature_are_reproduced() {
    let field = r#"("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
    let input = SignatureInput::from_member(single_member("sig-b26", &format!("sig-b26={field}")).unwrap()).unwrap();
    let headers = test_request();
    let base = input
        .base(&Request {
            method: &http::Method::POST,
            target_uri: "https://example.com/foo?param=Value&Pet=dog",
            headers: &headers,
        })
        .unwrap();
    let expected = [
        r#""date": Tue, 20 Apr 2021 02:07:55 GMT"#,
        r#""@method": POST"#,
        r#""@path": /foo"#,
        r#""@authority": example.com"#,
        r#""content-type": application/json"#,
        r#""content-length": 18"#,
        &format!(r#""@signature-params": {field}"#),
    ]
    .join("\n");
    assert_eq!(base, expected);

    let signature = BASE64_STANDARD
        .decode("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
        .unwrap();
    ed25519_public().verify(base.as_bytes(), &signature).unwrap();

    // B.1.4 as PKCS#8: Ed25519 is deterministic, so signing must give the RFC's very bytes.
    let key = SigningKey::from_pkcs8_pem(
        "-----BEGIN PRIVATE KEY-----\n\
         MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n\
         -----END PRIVATE KEY-----\n",
    )
    .unwrap();
    assert_eq!(key.public_key(), ed25519_public());
    assert_eq!(key.sign(base.as_bytes()).to_vec(), signature);
}

#[test]
fn b_2_4_signature_verifies() {
    // A response, whose `@status` we never sign: the base is taken from the RFC, the key from B.1.3.
    let base = [
        r#""@status": 200"#,
        r#""content-type": application/json"#,
        r#""content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"#,
        r#""content-length": 23"#,
        r#""@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#,
    ]
    .join("\n");
    let key = PublicKey::from_jwk(&json!({
        "kty": "EC", "crv": "P-256", "kid": "test-key-ecc-p256",
        "x": "qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA", "y": "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0",
    }))
    .unwrap();
    let signature = BASE64_STANDARD
        .decode("wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==")
        .unwrap();
    key.verify(base.as_bytes(), &signature).unwrap();
    assert!(key.verify(base.replace("200", "201").as_bytes(), &signature).is_err());
}

#[test]
fn derived_components_follow_section_2_2() {
    let headers = HeaderMap::new();
    let value = |target_uri: &str, component: &str| {
        let member = single_member("x", &format!(r#"x=("{component}")"#)).unwrap();
        let request = Request {
            method: &http::Method::GET,
            target_uri,
            headers: &headers,
        };
        let base = SignatureInput::from_member(member).unwrap().base(&request).ok()?;
        let line = base.lines().next().unwrap().to_owned();
        Some(line.split_once(": ").unwrap().1.to_owned())
    };
    let uri = "https://www.example.com/path?param=value";
    assert_eq!(value(uri, "@method").unwrap(), "GET");
    assert_eq!(value(uri, "@target-uri").unwrap(), uri);
    assert_eq!(value(uri, "@authority").unwrap(), "www.example.com");
    assert_eq!(
        value("https://example.com:8443/", "@authority").unwrap(),
        "example.com:8443"
    );
    assert_eq!(value(uri, "@path").unwrap(), "/path");
    assert_eq!(value(uri, "@query").unwrap(), "?param=value");
    assert_eq!(value("https://example.com/path", "@query").unwrap(), "?");
    for unknown in [
        "@status",
        "@query-param",
        "@request-target",
        "@scheme",
        "Date",
        "a b",
        "",
        "x\\\"",
    ] {
        assert_eq!(value(uri, unknown), None, "{unknown}");
    }
}

#[test]
fn rfc_9530_digests_are_reproduced() {
    // RFC 9530, appendix B.1 and B.2.
    for (content, field) in [
        (
            &b"{\"hello\": \"world\"}\n"[..],
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        ),
        (b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    ] {
        assert_eq!(ContentDigest::of(content).to_field(), field);
        assert_eq!(ContentDigest::parse(field).unwrap(), ContentDigest::of(content));
        let with_others = format!("sha-512=:AQ==:, {field}");
        assert_eq!(ContentDigest::parse(&with_others).unwrap(), ContentDigest::of(content));
    }
    for field in [
        "",
        "sha-512=:AQ==:",
        "sha-256=:AQ==:",
        "sha-256=(\"x\")",
        "SHA-256=:AQ==:",
    ] {
        assert!(ContentDigest::parse(field).is_err(), "{field}");
    }
}
