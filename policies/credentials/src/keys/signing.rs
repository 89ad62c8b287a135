use super::{Algorithm, KeyError, PublicKey, SIGNATURE_BYTES};
use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::KeypairBytes;
use herleid_vocab::rim::Entropy;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// A private key. Its bytes are overwritten when it is dropped; it cannot be cloned (share it behind an `Arc`) or printed.
pub struct SigningKey(Secret);

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl SigningKey {
    /// A fresh key.
    ///
    /// Ed25519: the 32 bytes are the seed (RFC 8032, section 5.1.5). P-256: drawn again while not in 1..n (FIPS 186-5,
    /// appendix A.2.2), which happens once in 2^32 draws.
    #[must_use]
    pub fn generate(algorithm: Algorithm, entropy: &dyn Entropy) -> Self {
        match algorithm {
            Algorithm::EdDsa => {
                let seed = Zeroizing::new(entropy.bytes32());
                Self(Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed)))
            }
            Algorithm::Es256 => loop {
                let scalar = Zeroizing::new(entropy.bytes32());
                if let Ok(key) = p256::ecdsa::SigningKey::from_slice(scalar.as_slice()) {
                    return Self(Secret::P256(key));
                }
            },
        }
    }

    /// Reads an unencrypted PKCS#8 key in PEM (RFC 5958, RFC 7468; Ed25519 as in RFC 8410, version 1 or 2).
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] for anything else; the text is never repeated in the error.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_pem(pem) {
            return Ok(Self(Secret::Ed25519(key)));
        }
        p256::ecdsa::SigningKey::from_pkcs8_pem(pem)
            .map(|key| Self(Secret::P256(key)))
            .map_err(|_| KeyError::Pkcs8)
    }

    /// The key as unencrypted PKCS#8 in PEM. Ed25519 is written in version 1, which every TLS library reads.
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] when the encoder refuses, which it does for no key that this type can hold.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let pem = match &self.0 {
            Secret::Ed25519(key) => {
                let mut pair = KeypairBytes {
                    secret_key: key.to_bytes(),
                    public_key: None,
                };
                let pem = pair.to_pkcs8_pem(LineEnding::LF);
                pair.secret_key.zeroize();
                pem
            }
            Secret::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
        };
        pem.map_err(|_| KeyError::Pkcs8)
    }

    /// The algorithm that this key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Secret::Ed25519(_) => Algorithm::EdDsa,
            Secret::P256(_) => Algorithm::Es256,
        }
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        match &self.0 {
            Secret::Ed25519(key) => PublicKey::from_ed25519(key.verifying_key()),
            Secret::P256(key) => PublicKey::from_p256(*key.verifying_key()),
        }
    }

    /// Signs `message`; deterministic for both kinds (RFC 8032; RFC 6979).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        match &self.0 {
            Secret::Ed25519(key) => key.sign(message).to_bytes(),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey({}, {})",
            self.algorithm().jose_name(),
            self.public_key().thumbprint()
        )
    }
}
