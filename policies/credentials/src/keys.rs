//! Keys of the two kinds that Herleid signs and verifies with: Ed25519 (RFC 8032) and ECDSA over P-256 with SHA-256 (FIPS 186-5).

mod base58;
mod jwk;
mod multikey;
mod public;
mod signing;

pub use public::{PublicKey, Thumbprint};
pub use signing::SigningKey;

/// Length of a signature in bytes, the same for both kinds: `R | S` (RFC 8032) and `r | s` big-endian (RFC 7518, section 3.4).
pub const SIGNATURE_BYTES: usize = 64;

/// A signature algorithm; one key has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519, `EdDSA` in JOSE (RFC 8037).
    EdDsa,
    /// ECDSA with P-256 and SHA-256, `ES256` in JOSE (RFC 7518, section 3.4).
    Es256,
}

impl Algorithm {
    /// The name in a JOSE header's `alg` (RFC 7518, section 3.1; RFC 8037, section 3.1).
    #[must_use]
    pub const fn jose_name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The name in the `alg` parameter of an HTTP message signature (RFC 9421, section 6.2.2).
    #[must_use]
    pub const fn http_name(self) -> &'static str {
        match self {
            Self::EdDsa => "ed25519",
            Self::Es256 => "ecdsa-p256-sha256",
        }
    }
}

/// Why a key or a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a JSON Web Key as RFC 7517, RFC 7518 section 6.2 and RFC 8037 section 2 define it.
    #[error("not a usable public JWK: {why}")]
    Jwk {
        /// What is wrong with it.
        why: String,
    },
    /// A well-formed key of a kind that Herleid does not use.
    #[error("a key of the kind `{kind}` is not supported; expected Ed25519 or P-256")]
    Unsupported {
        /// The kind that was found.
        kind: String,
    },
    /// The bytes are no point of the curve, or one that gives no security (small order).
    #[error("the bytes are not a public key on {curve}")]
    NotOnCurve {
        /// The curve's name.
        curve: &'static str,
    },
    /// A private key file that is not unencrypted PKCS#8 in PEM (RFC 5958, RFC 7468) of one of the two kinds.
    #[error("not a private key that can be used: expected unencrypted PKCS#8 in PEM, holding Ed25519 or P-256")]
    Pkcs8,
    /// Not a Multikey in base58btc (W3C Controlled Identifiers 1.0, section 2.2.2).
    #[error("`{text}` is not a Multikey: {why}")]
    Multikey {
        /// The text, cut off at 80 characters.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Not a JWK thumbprint.
    #[error("`{text}` is not a SHA-256 JWK thumbprint: expected 43 characters of base64url")]
    Thumbprint {
        /// The text, cut off at 80 characters.
        text: String,
    },
    /// The signature was not made by this key over these bytes.
    #[error("the signature does not verify under this key")]
    BadSignature,
}
