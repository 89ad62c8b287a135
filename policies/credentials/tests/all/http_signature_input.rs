//! What a signature says that it covers, and how: read strictly.

use crate::http_signature::{URI, headers, sign, verify, with};
use crate::party::{NOW_MS, holder};
use herleid_credentials::http_signature::{
    self, HttpSignatureError, NewSignature, Request, SignatureBase, VerifiedRequest,
};
use http::{HeaderMap, Method};

/// The good request with another `Signature-Input`, signed for whatever that says where it can be.
fn error_with_input(input: &str) -> HttpSignatureError {
    verify(&with("signature-input", input)).unwrap_err()
}

#[test]
fn inputs_that_are_not_understood_are_refused() {
    let covered = r#""@method" "@target-uri" "content-digest" "traceparent" "herleid-transaction" "herleid-agreement""#;
    let parameters = r#"created=1592406000;nonce="nonce-1";alg="ed25519";keyid="did:web:app.example#key-1""#;
    let good = format!("herleid=({covered});{parameters}");
    assert!(verify(&with("signature-input", &good)).is_ok());
    for (input, expected) in [
        (format!("other=({covered});{parameters}"), "one signature"),
        (format!("{good}, other=()"), "one signature"),
        (format!("{good}, {good}"), "twice"),
        ("herleid=:AQ==:".to_owned(), "one signature"),
        (format!("herleid=({covered} \"@method\");{parameters}"), "stands twice"),
        (
            format!("herleid=({covered} \"accept\";sf);{parameters}"),
            "parameters of components",
        ),
        (format!("herleid=({covered} \"@status\");{parameters}"), "`@status`"),
        (format!("herleid=({covered} \"Accept\");{parameters}"), "`Accept`"),
        (
            format!("herleid=({covered} \"x-absent\");{parameters}"),
            "no field `x-absent`",
        ),
        (format!("herleid=( {covered});{parameters}"), "canonical"),
        (format!("herleid=({covered}); {parameters}"), "canonical"),
        (format!("{good};tag=\"x\""), "`tag`"),
        (format!("{good};created=1"), "twice"),
        (good.replace("created=1592406000;", ""), "does not verify"),
        (
            good.replace("created=1592406000", "created=\"1592406000\""),
            "does not verify",
        ),
        (good.replace("nonce=\"nonce-1\";", ""), "does not verify"),
        (good.replace("alg=\"ed25519\";", ""), "`alg`"),
        (good.replace("ed25519", "ecdsa-p256-sha256"), "algorithm"),
        (good.replace("ed25519", "hmac-sha256"), "algorithm"),
        (
            good.replace(" \"herleid-agreement\"", ""),
            "does not cover `herleid-agreement`",
        ),
        (good.replace("\"@method\" ", ""), "does not cover `@method`"),
        (good.replace("\"@target-uri\" ", ""), "does not cover `@target-uri`"),
        (
            good.replace("\"content-digest\" ", ""),
            "does not cover `content-digest`",
        ),
    ] {
        let error = error_with_input(&input).to_string();
        assert!(error.contains(expected), "{input}: {error}");
    }
}

/// Signs a base with other parameters than ours by hand.
fn verify_with_parameters(parameters: &str) -> Result<VerifiedRequest, HttpSignatureError> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let party = holder();
    let good = sign(&party, &headers()).unwrap();
    let (covered, _) = good.signature_input.split_once(')').unwrap();
    let input = format!("{covered});{parameters}");
    let (lines, _) = good.base.rsplit_once('\n').unwrap();
    let base = format!(
        "{lines}\n\"@signature-params\": {}",
        input.strip_prefix("herleid=").unwrap()
    );
    let signature = BASE64_STANDARD.encode(party.key.sign(base.as_bytes()));
    let mut headers = headers();
    headers.insert("signature-input", input.parse().unwrap());
    headers.insert("signature", format!("herleid=:{signature}:").parse().unwrap());
    verify(&headers)
}

#[test]
fn well_signed_but_incomplete_parameters_are_refused() {
    let all = r#"created=1592406000;nonce="n";alg="ed25519";keyid="k""#;
    assert!(verify_with_parameters(all).is_ok());
    assert!(verify_with_parameters(&format!("{all};expires=1592406001")).is_ok());
    for parameters in [
        r#"nonce="n";alg="ed25519";keyid="k""#,
        r#"created="x";nonce="n";alg="ed25519";keyid="k""#,
        r#"created=1592406000;alg="ed25519";keyid="k""#,
        r#"created=1592406000;nonce="";alg="ed25519";keyid="k""#,
        r#"created=1592406000;nonce=n;alg="ed25519";keyid="k""#,
        r#"created=1592406000;nonce="n";keyid="k""#,
        r#"created=1592406000;nonce="n";alg="ed25519""#,
    ] {
        assert!(
            matches!(
                verify_with_parameters(parameters),
                Err(HttpSignatureError::Parameter { .. })
            ),
            "{parameters}"
        );
    }
    assert!(matches!(
        verify_with_parameters(&format!("{all};expires=1592406000")),
        Err(HttpSignatureError::TooOld { .. })
    ));
}

#[test]
fn targets_must_be_plain_and_normal() {
    let headers = headers();
    let party = holder();
    for uri in [
        "",
        "/data/rain",
        "knmi.example/data",
        "https://knmi.example",
        "HTTPS://knmi.example/",
        "https://KNMI.example/",
        "https://knmi.example:443/",
        "https://knmi.example/a/../b",
        "https://knmi.example/a b",
        "https://user@knmi.example/",
        "https://knmi.example/#x",
        "ftp://knmi.example/",
    ] {
        let request = Request {
            method: &Method::GET,
            target_uri: uri,
            headers: &headers,
        };
        let new = NewSignature {
            created_ms: NOW_MS,
            nonce: "n",
            key_id: "k",
            tag: None,
        };
        assert!(
            matches!(
                http_signature::sign(&party.key, &request, &new),
                Err(HttpSignatureError::TargetUri { .. })
            ),
            "{uri}"
        );
    }
}

#[test]
fn values_and_parameters_must_be_printable() {
    let mut headers = headers();
    headers.insert("traceparent", http::HeaderValue::from_bytes(b"caf\xc3\xa9").unwrap());
    assert!(matches!(
        sign(&holder(), &headers),
        Err(HttpSignatureError::FieldValue { .. })
    ));
    headers.insert("traceparent", "x".repeat(9000).parse().unwrap());
    assert!(matches!(
        sign(&holder(), &headers),
        Err(HttpSignatureError::FieldValue { .. })
    ));
    let request = Request {
        method: &Method::GET,
        target_uri: URI,
        headers: &HeaderMap::new(),
    };
    for (nonce, key_id) in [("", "k"), ("n", ""), ("é", "k"), ("n", "a\nb")] {
        let new = NewSignature {
            created_ms: NOW_MS,
            nonce,
            key_id,
            tag: None,
        };
        assert!(matches!(
            http_signature::sign(&holder().key, &request, &new),
            Err(HttpSignatureError::Parameter { .. })
        ));
    }
}

#[test]
fn bases_that_we_do_not_write_are_not_read_as_evidence() {
    let good = sign(&holder(), &headers()).unwrap().base;
    for base in [
        String::new(),
        good.replace("\"@method\": POST\n", ""),
        good.replacen("\n", "\r\n", 1),
        format!("{good}\n"),
        good.replace("\"@signature-params\"", "\"@signature-param\""),
        good.replace("nonce=\"nonce-1\";", ""),
        good.replace("created=1592406000;", ""),
        good.replace(";nonce", "; nonce"),
        good.replace(": POST", " POST"),
    ] {
        assert!(SignatureBase::parse(&base).is_err(), "{base}");
    }
}
