//! The keys that sign notes and check them: verifier keys, Ed25519 and `cosignature/v1`.

use super::{NoteError, SignatureLine};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// How a key signs (C2SP signed-note, "Signature types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Type 0x01: Ed25519 over the note's text.
    Ed25519,
    /// Type 0x04: Ed25519 over a time and the note's text (C2SP tlog-cosignature, `cosignature/v1`).
    CosignatureV1,
}

impl Algorithm {
    const fn type_byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }
}

/// Whether a key may have this name: not empty, no Unicode space, no `+`, and nothing that a note cannot hold.
#[must_use]
pub fn name_allowed(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ')
}

/// Key id: the first four bytes of `SHA-256(name | 0x0A | type | public key)`.
#[must_use]
pub fn key_id(name: &str, algorithm: Algorithm, key: &[u8; 32]) -> u32 {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', algorithm.type_byte()])
        .chain_update(key)
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d])
}

/// A public key with its name: checks signatures. Written and read as a C2SP verifier key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: u32,
    algorithm: Algorithm,
    key: VerifyingKey,
}

impl Verifier {
    /// A key under a name.
    ///
    /// # Errors
    /// When no key can have that name, or the key is weak or not in its one encoding.
    pub fn new(name: &str, algorithm: Algorithm, key: VerifyingKey) -> Result<Self, NoteError> {
        if !name_allowed(name) {
            return Err(NoteError::Name { name: name.to_owned() });
        }
        key_allowed(&key).map_err(|why| NoteError::Vkey {
            vkey: format!("{name}, key {}", STANDARD.encode(key.as_bytes())),
            why,
        })?;
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, algorithm, key.as_bytes()),
            algorithm,
            key,
        })
    }

    /// Reads a verifier key (vkey), `<name>+<hex id>+<base64 of type and key>`.
    ///
    /// # Errors
    /// When it is malformed, its id does not fit its key, its type is unknown, or its key is one of the few weak ones.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        parse_vkey(vkey).map_err(|why| NoteError::Vkey {
            vkey: vkey.chars().take(120).collect(),
            why,
        })
    }

    /// Name of the key; for a log its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// How the key signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key itself.
    #[must_use]
    pub const fn public_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Checks one signature over `text`; gives the time, in seconds since 1970, when the type carries one.
    pub(super) fn check(&self, text: &str, bytes: &[u8]) -> Option<Option<u64>> {
        let strict = |message: &[u8], signature: &[u8]| {
            let signature = Signature::from_slice(signature).ok()?;
            self.key.verify_strict(message, &signature).ok()
        };
        match self.algorithm {
            Algorithm::Ed25519 => strict(text.as_bytes(), bytes).map(|()| None),
            Algorithm::CosignatureV1 => {
                let (time, signature) = bytes.split_first_chunk::<8>()?;
                let time_s = u64::from_be_bytes(*time);
                // C2SP tlog-cosignature bounds the time by 2^63 - 1; tlog-witness forbids zero.
                if time_s == 0 || time_s > i64::MAX as u64 {
                    return None;
                }
                strict(cosigned_message(time_s, text).as_bytes(), signature).map(|()| Some(time_s))
            }
        }
    }
}

impl Verifier {
    /// Whether this is the key's plain signature over bytes that are no text.
    pub(crate) fn verifies_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// One key has one encoding (or it would have several ids), and not everybody can sign for it.
fn key_allowed(key: &VerifyingKey) -> Result<(), &'static str> {
    if key.to_edwards().compress().as_bytes() != key.as_bytes() {
        return Err("its key is not in canonical form: y is not below p");
    }
    if key.is_weak() {
        return Err("its key has a small order, so that anybody can sign for it");
    }
    Ok(())
}

fn parse_vkey(vkey: &str) -> Result<Verifier, &'static str> {
    // Neither a name nor hex may hold a `+`, base64 may.
    let (name, rest) = vkey.split_once('+').ok_or("it has no `+`")?;
    let (id, encoded) = rest.split_once('+').ok_or("it has only one `+`")?;
    if !name_allowed(name) {
        return Err("its name is empty or has spaces");
    }
    if id.len() != 8 || !id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err("its id is not 8 lower-case hex digits");
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| "its key is not base64")?;
    let (algorithm, key) = match bytes.split_first() {
        Some((0x01, key)) => (Algorithm::Ed25519, key),
        Some((0x04, key)) => (Algorithm::CosignatureV1, key),
        _ => return Err("its type is neither 0x01 (Ed25519) nor 0x04 (cosignature/v1)"),
    };
    let key: [u8; 32] = key.try_into().map_err(|_| "its key is not 32 bytes long")?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| "its key is not a point of the curve")?;
    key_allowed(&key)?;
    let verifier = Verifier::new(name, algorithm, key).map_err(|_| "its name is not allowed")?;
    if format!("{:08x}", verifier.id) == id {
        Ok(verifier)
    } else {
        Err("its id does not belong to its name and key")
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.algorithm.type_byte()];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(bytes))
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(vkey: &str) -> Result<Self, NoteError> {
        Self::parse(vkey)
    }
}

fn cosigned_message(time_s: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

/// A private key with its name: makes signature lines.
#[derive(Clone)]
pub struct Signer {
    verifier: Verifier,
    key: SigningKey,
}

impl Signer {
    /// A key that signs texts, type 0x01.
    ///
    /// # Errors
    /// When no key can have that name.
    pub fn ed25519(name: &str, key: SigningKey) -> Result<Self, NoteError> {
        let verifier = Verifier::new(name, Algorithm::Ed25519, key.verifying_key())?;
        Ok(Self { verifier, key })
    }

    /// A witness's key, type 0x04. Must not be the key of a log as well (C2SP signed-note, "Verifier keys").
    ///
    /// # Errors
    /// When no key can have that name.
    pub fn cosigner(name: &str, key: SigningKey) -> Result<Self, NoteError> {
        let verifier = Verifier::new(name, Algorithm::CosignatureV1, key.verifying_key())?;
        Ok(Self { verifier, key })
    }

    /// The public part.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs `text`, which ends in a newline. `time_s` (seconds since 1970, not zero) goes into a cosignature; a key of
    /// type 0x01 does not use it.
    #[must_use]
    pub fn sign(&self, text: &str, time_s: u64) -> SignatureLine {
        let bytes = match self.verifier.algorithm {
            Algorithm::Ed25519 => self.key.sign(text.as_bytes()).to_bytes().to_vec(),
            Algorithm::CosignatureV1 => {
                let mut bytes = time_s.to_be_bytes().to_vec();
                let message = cosigned_message(time_s, text);
                bytes.extend_from_slice(&self.key.sign(message.as_bytes()).to_bytes());
                bytes
            }
        };
        SignatureLine {
            name: self.verifier.name.clone(),
            id: self.verifier.id,
            bytes,
        }
    }
}

impl Signer {
    /// A plain signature over bytes that are no text, for formats other than notes ([`crate::cose`]).
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).to_bytes().to_vec()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the private key.
        f.debug_tuple("Signer").field(&self.verifier.to_string()).finish()
    }
}
