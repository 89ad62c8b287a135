use super::{Algorithm, KeyError};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ed25519_dalek::Verifier as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// A public key of one of the two kinds, checked to be a point of its curve.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(pub(super) Point);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Point {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

impl PublicKey {
    pub(super) fn from_ed25519(key: ed25519_dalek::VerifyingKey) -> Self {
        Self(Point::Ed25519(key))
    }

    pub(super) fn from_p256(key: p256::ecdsa::VerifyingKey) -> Self {
        Self(Point::P256(key))
    }

    /// Reads the 32 bytes of RFC 8032, section 5.1.2, in their one canonical form; points of small order are refused, since
    /// under them one signature verifies for many messages.
    pub(super) fn ed25519_from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let refused = KeyError::NotOnCurve { curve: "Ed25519" };
        let Ok(array) = <&[u8; 32]>::try_from(bytes) else {
            return Err(refused);
        };
        match ed25519_dalek::VerifyingKey::from_bytes(array) {
            Ok(key) if !key.is_weak() && key.to_edwards().compress().as_bytes() == array => Ok(Self::from_ed25519(key)),
            _ => Err(refused),
        }
    }

    /// Reads a point in SEC 1 form, compressed or not.
    pub(super) fn p256_from_sec1(bytes: &[u8]) -> Result<Self, KeyError> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes)
            .map(Self::from_p256)
            .map_err(|_| KeyError::NotOnCurve { curve: "P-256" })
    }

    /// The algorithm that signatures under this key have.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Point::Ed25519(_) => Algorithm::EdDsa,
            Point::P256(_) => Algorithm::Es256,
        }
    }

    /// Checks `signature` (64 bytes) over `message`.
    ///
    /// Ed25519 by the strict rules (RFC 8032, section 5.1.7, cofactorless, canonical `S`, no small-order `R`). For P-256 both
    /// `s` and `n - s` are valid, as FIPS 186-5 has it, so a signature is never an identifier: replays are recognised by
    /// what was signed.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`], whatever the cause.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        let good = match &self.0 {
            Point::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| key.verify_strict(message, &signature))
                .is_ok(),
            Point::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify(message, &signature))
                .is_ok(),
        };
        if good { Ok(()) } else { Err(KeyError::BadSignature) }
    }

    /// The RFC 7638 thumbprint with SHA-256, the key's name in `cnf.jkt` (RFC 9449, section 6.1).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        // RFC 7638, section 3.2: the required members alone, in lexicographic order, without white space.
        let canonical = match self.coordinates() {
            (x, None) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            (x, Some(y)) => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
        };
        Thumbprint(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes())))
    }

    /// `x` and, for P-256, `y`, in base64url.
    pub(super) fn coordinates(&self) -> (String, Option<String>) {
        match &self.0 {
            Point::Ed25519(key) => (BASE64_URL_SAFE_NO_PAD.encode(key.as_bytes()), None),
            Point::P256(key) => {
                let point = key.to_sec1_point(false);
                // Uncompressed: 0x04 | x (32) | y (32); SEC 1, section 2.3.3.
                let (x, y) = point.as_bytes().split_at_checked(33).unwrap_or_default();
                let x = x.split_at_checked(1).map_or(x, |(_, x)| x);
                (BASE64_URL_SAFE_NO_PAD.encode(x), Some(BASE64_URL_SAFE_NO_PAD.encode(y)))
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.algorithm().jose_name(), self.thumbprint())
    }
}

/// The SHA-256 thumbprint of a public key (RFC 7638): 43 characters of base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Thumbprint(String);

impl Thumbprint {
    /// The 43 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Thumbprint {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match BASE64_URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(KeyError::Thumbprint {
                text: text.chars().take(80).collect(),
            }),
        }
    }
}
