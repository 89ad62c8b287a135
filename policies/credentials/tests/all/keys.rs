use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use herleid_credentials::keys::{Algorithm, KeyError, PublicKey, SigningKey, Thumbprint};
use herleid_vocab::rim::{Entropy, SeededEntropy};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU8, Ordering};

const BOTH: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Es256];

fn ed25519_jwk() -> Value {
    // RFC 8037, appendix A.2.
    json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn p256_jwk() -> Value {
    // RFC 7515, appendix A.3.
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

#[test]
fn rfc_8037_signature_and_thumbprint_are_reproduced() {
    let key = PublicKey::from_jwk(&ed25519_jwk()).unwrap();
    assert_eq!(key.thumbprint().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    key.verify(
        b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap(),
    )
    .unwrap();
}

#[test]
fn did_key_examples_are_reproduced() {
    // did:key 0.9, test vectors for Ed25519 and P-256.
    let p256 = json!({
        "kty": "EC", "crv": "P-256",
        "x": "fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI", "y": "hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU",
    });
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "lJZrfAjkBXdfjebMHEUI9usidAPhAlssitLXR3OYxbI"});
    for (did, jwk) in [
        ("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", p256),
        ("did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH", ed25519),
    ] {
        let key = PublicKey::from_jwk(&jwk).unwrap();
        assert_eq!(key.to_did_key().unwrap().as_str(), did);
        assert_eq!(
            PublicKey::from_multikey(did.strip_prefix("did:key:").unwrap()).unwrap(),
            key
        );
    }
}

#[test]
fn every_form_of_a_key_leads_back_to_it() {
    for algorithm in BOTH {
        for seed in 0..20 {
            let key = SigningKey::generate(algorithm, &SeededEntropy::new(seed));
            let public = key.public_key();
            assert_eq!(key.algorithm(), algorithm);
            assert_eq!(PublicKey::from_jwk(&public.to_jwk()).unwrap(), public);
            assert_eq!(PublicKey::from_multikey(&public.to_multikey()).unwrap(), public);
            let again = SigningKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap()).unwrap();
            assert_eq!(again.public_key(), public);
            assert_eq!(
                public.thumbprint().as_str().parse::<Thumbprint>().unwrap(),
                public.thumbprint()
            );
            let signature = key.sign(b"rain");
            public.verify(b"rain", &signature).unwrap();
            assert_eq!(public.verify(b"Rain", &signature), Err(KeyError::BadSignature));
            let other = SigningKey::generate(algorithm, &SeededEntropy::new(seed + 100)).public_key();
            assert_eq!(other.verify(b"rain", &signature), Err(KeyError::BadSignature));
        }
    }
}

#[test]
fn a_flipped_bit_in_a_signature_never_verifies() {
    for algorithm in BOTH {
        let key = SigningKey::generate(algorithm, &SeededEntropy::new(3));
        let (public, good) = (key.public_key(), key.sign(b"rain"));
        for bit in 0..good.len() * 8 {
            let mut flipped = good;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                public.verify(b"rain", &flipped),
                Err(KeyError::BadSignature),
                "bit {bit}"
            );
        }
        for length in [0, 63, 65, 128] {
            let mut other = good.to_vec();
            other.resize(length, 0);
            assert_eq!(
                public.verify(b"rain", &other),
                Err(KeyError::BadSignature),
                "{length} bytes"
            );
        }
    }
}

#[test]
fn the_first_draw_outside_of_the_group_is_drawn_again() {
    /// All ones, which is above the order of P-256, then something else.
    struct Stubborn(AtomicU8);
    impl Entropy for Stubborn {
        fn fill(&self, buffer: &mut [u8]) {
            let byte = if self.0.fetch_add(1, Ordering::SeqCst) < 2 {
                0xff
            } else {
                0x11
            };
            buffer.fill(byte);
        }
    }
    let entropy = Stubborn(AtomicU8::new(0));
    let key = SigningKey::generate(Algorithm::Es256, &entropy);
    assert_eq!(entropy.0.load(Ordering::SeqCst), 3);
    key.public_key().verify(b"rain", &key.sign(b"rain")).unwrap();
}

#[test]
fn a_key_does_not_print_itself() {
    for algorithm in BOTH {
        let key = SigningKey::generate(algorithm, &SeededEntropy::new(3));
        let printed = format!("{key:?}");
        let expected = format!(
            "SigningKey({}, {})",
            algorithm.jose_name(),
            key.public_key().thumbprint()
        );
        assert_eq!(printed, expected);
    }
}

#[test]
fn jwks_of_the_rfcs_are_read() {
    for (jwk, algorithm) in [(ed25519_jwk(), Algorithm::EdDsa), (p256_jwk(), Algorithm::Es256)] {
        for jwk in [
            jwk.clone(),
            with(jwk.clone(), "alg", json!(algorithm.jose_name())),
            with(jwk.clone(), "use", json!("sig")),
            with(jwk.clone(), "key_ops", json!(["verify"])),
            with(jwk, "kid", json!("1")),
        ] {
            assert_eq!(PublicKey::from_jwk(&jwk).unwrap().algorithm(), algorithm, "{jwk}");
        }
    }
}

#[test]
fn malformed_jwks_are_refused() {
    let short = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ";
    for jwk in [
        json!(null),
        json!([]),
        json!({}),
        with(ed25519_jwk(), "kty", json!(1)),
        with(ed25519_jwk(), "x", json!(1)),
        with(ed25519_jwk(), "x", json!(short)),
        with(
            ed25519_jwk(),
            "x",
            json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        ),
        // The last character carries two bits that mean nothing; only zero is the canonical text.
        with(ed25519_jwk(), "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp")),
        with(ed25519_jwk(), "x", json!("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
        with(ed25519_jwk(), "d", json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")),
        with(ed25519_jwk(), "alg", json!("ES256")),
        with(ed25519_jwk(), "alg", json!("HS256")),
        with(ed25519_jwk(), "alg", json!(null)),
        with(ed25519_jwk(), "use", json!("enc")),
        with(ed25519_jwk(), "key_ops", json!(["sign"])),
        with(ed25519_jwk(), "key_ops", json!("verify")),
        with(ed25519_jwk(), "key_ops", json!(["verify", 1])),
        with(p256_jwk(), "y", json!(short)),
        with(p256_jwk(), "alg", json!("EdDSA")),
        with(p256_jwk(), "d", json!(1)),
    ] {
        match PublicKey::from_jwk(&jwk) {
            Err(KeyError::Jwk { .. }) => {}
            other => panic!("{jwk}: {other:?}"),
        }
    }
}

#[test]
fn other_kinds_of_key_are_not_supported() {
    for jwk in [
        json!({"kty": "RSA", "n": "AQ", "e": "AQAB"}),
        json!({"kty": "oct"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": "AQ", "y": "AQ"}),
        with(ed25519_jwk(), "kty", json!("EC")),
        with(p256_jwk(), "kty", json!("OKP")),
    ] {
        assert!(
            matches!(PublicKey::from_jwk(&jwk), Err(KeyError::Unsupported { .. })),
            "{jwk}"
        );
    }
    // Multicodec x25519-pub, from did:key 0.9.
    assert!(matches!(
        PublicKey::from_multikey("z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"),
        Err(KeyError::Unsupported { .. })
    ));
}

#[test]
fn bytes_that_are_no_point_are_refused() {
    let ed25519 = |bytes: [u8; 32]| json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(bytes)});
    let mut identity = [0; 32];
    identity[0] = 1;
    // y = p + 1, a second text for the identity; y = 2 has no x; 0 has order 4.
    let mut above = [0xff; 32];
    (above[0], above[31]) = (0xee, 0x7f);
    let mut two = [0; 32];
    two[0] = 2;
    for jwk in [
        ed25519(identity),
        ed25519(above),
        ed25519(two),
        ed25519([0; 32]),
        with(p256_jwk(), "x", p256_jwk()["y"].clone()),
        with(p256_jwk(), "y", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        assert!(
            matches!(PublicKey::from_jwk(&jwk), Err(KeyError::NotOnCurve { .. })),
            "{jwk}"
        );
    }
}

#[test]
fn a_point_has_one_text() {
    // y and y + p are one coordinate (p = 2^255 - 19); only the smaller is the encoding of RFC 8032, section 5.1.2.
    let read = |first: u8, rest: u8, last: u8| {
        let mut bytes = [rest; 32];
        (bytes[0], bytes[31]) = (first, last);
        PublicKey::from_jwk(&json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(bytes)}))
    };
    let mut points = 0;
    for y in 2..19 {
        points += u32::from(read(y, 0, 0).is_ok());
        assert!(read(0xed + y, 0xff, 0x7f).is_err(), "y = {y}");
    }
    assert!(points > 0);
}

#[test]
fn malformed_multikeys_are_refused() {
    let good = PublicKey::from_jwk(&p256_jwk()).unwrap().to_multikey();
    for text in [
        "",
        "z",
        "z1",
        "u7QE",
        &good[1..],
        &format!("{good}1"),
        &good[..good.len() - 1],
        "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvkt0",
        &"z".repeat(1000),
    ] {
        assert!(PublicKey::from_multikey(text).is_err(), "{text}");
    }
}

#[test]
fn other_private_key_files_are_refused_and_not_repeated() {
    let good = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(1))
        .to_pkcs8_pem()
        .unwrap();
    for pem in [
        "",
        "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF",
        &good.replace("PRIVATE", "EC PRIVATE"),
        &good.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        &good.replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu"),
        &good[..good.len() / 2],
    ] {
        let error = SigningKey::from_pkcs8_pem(pem).unwrap_err();
        assert_eq!(error, KeyError::Pkcs8);
        assert!(!error.to_string().contains("MC4C"));
    }
}

#[test]
fn thumbprints_are_43_characters() {
    for text in [
        "",
        "kPrK",
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4l",
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k=",
    ] {
        assert!(text.parse::<Thumbprint>().is_err(), "{text}");
    }
}
