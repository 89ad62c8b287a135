use super::{Algorithm, KeyError, PublicKey};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Map, Value, json};

/// Members that only a private or a symmetric key has (RFC 7518, section 6; RFC 8037, section 2). A document that shows one has
/// given its key away.
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl PublicKey {
    /// Reads a public JSON Web Key: `OKP` with `Ed25519` (RFC 8037, section 2) or `EC` with `P-256` (RFC 7518, section 6.2.1).
    /// `alg`, `use` and `key_ops` are optional but must fit a signature key; other members are passed over (RFC 7517, section 4).
    ///
    /// # Errors
    /// [`KeyError::Jwk`] when malformed or holding a private member, [`KeyError::Unsupported`] for other kinds of key,
    /// [`KeyError::NotOnCurve`].
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let Some(jwk) = jwk.as_object() else {
            return Err(wrong("expected an object"));
        };
        if let Some(name) = SECRET_MEMBERS.iter().find(|name| jwk.contains_key(**name)) {
            return Err(wrong(&format!(
                "it holds the private member `{name}`; replace the key, it has been given away"
            )));
        }
        let kty = text(jwk, "kty")?;
        let crv = text(jwk, "crv").unwrap_or_default();
        let key = match (kty, crv) {
            ("OKP", "Ed25519") => Self::ed25519_from_bytes(&coordinate(jwk, "x")?)?,
            ("EC", "P-256") => {
                let mut point = Vec::with_capacity(65);
                point.push(0x04);
                point.extend_from_slice(&coordinate(jwk, "x")?);
                point.extend_from_slice(&coordinate(jwk, "y")?);
                Self::p256_from_sec1(&point)?
            }
            _ => {
                return Err(KeyError::Unsupported {
                    kind: format!("{kty} {crv}").trim_end().chars().take(80).collect(),
                });
            }
        };
        key.check_purpose(jwk)?;
        Ok(key)
    }

    fn check_purpose(&self, jwk: &Map<String, Value>) -> Result<(), KeyError> {
        if let Some(alg) = jwk.get("alg") {
            // RFC 9864 gave Ed25519 a name of its own beside `EdDSA`; both say the same of such a key.
            let fits =
                alg == self.algorithm().jose_name() || (self.algorithm() == Algorithm::EdDsa && alg == "Ed25519");
            if !fits {
                return Err(wrong("`alg` does not fit the kind of key"));
            }
        }
        if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
            return Err(wrong("`use` is not `sig`"));
        }
        let verifies = |ops: &Value| {
            ops.as_array()
                .is_some_and(|ops| ops.iter().any(|op| op == "verify") && ops.iter().all(Value::is_string))
        };
        if jwk.get("key_ops").is_some_and(|ops| !verifies(ops)) {
            return Err(wrong("`key_ops` does not list `verify`"));
        }
        Ok(())
    }

    /// The key as a JWK with the required members alone, those that its thumbprint covers.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        match self.coordinates() {
            (x, None) => json!({"crv": "Ed25519", "kty": "OKP", "x": x}),
            (x, Some(y)) => json!({"crv": "P-256", "kty": "EC", "x": x, "y": y}),
        }
    }
}

fn wrong(why: &str) -> KeyError {
    KeyError::Jwk { why: why.to_owned() }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Result<&'a str, KeyError> {
    jwk.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| wrong(&format!("the member `{name}` is missing or not a string")))
}

/// 32 bytes in base64url: no padding, no stray bits, never shortened (RFC 7518, section 6.2.1.2).
fn coordinate(jwk: &Map<String, Value>, name: &str) -> Result<[u8; 32], KeyError> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text(jwk, name)?)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| wrong(&format!("the member `{name}` is not 32 bytes in base64url")))
}
