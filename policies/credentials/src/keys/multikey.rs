use super::public::Point;
use super::{KeyError, PublicKey, base58};
use herleid_vocab::did::Did;

/// Multicodec prefixes, as unsigned varints: `ed25519-pub` 0xed and `p256-pub` 0x1200.
const ED25519_PUB: [u8; 2] = [0xed, 0x01];
const P256_PUB: [u8; 2] = [0x80, 0x24];

impl PublicKey {
    /// Reads a Multikey in base58btc, `z6Mk...` for Ed25519, `zDn...` for P-256 (W3C Controlled Identifiers 1.0, section 2.2.2).
    ///
    /// # Errors
    /// [`KeyError::Multikey`], [`KeyError::Unsupported`] for other kinds of key, [`KeyError::NotOnCurve`].
    pub fn from_multikey(text: &str) -> Result<Self, KeyError> {
        let refuse = |why| KeyError::Multikey {
            text: text.chars().take(80).collect(),
            why,
        };
        let encoded = text
            .strip_prefix('z')
            .ok_or_else(|| refuse("it does not begin with `z`, the mark of base58btc"))?;
        let bytes = base58::decode(encoded).ok_or_else(|| refuse("it is not base58, or too long for a key"))?;
        let key = match bytes.split_at_checked(2) {
            Some((prefix, key)) if prefix == ED25519_PUB => Self::ed25519_from_bytes(key)?,
            Some((prefix, key)) if prefix == P256_PUB => Self::p256_from_sec1(key)?,
            Some((prefix, _)) => {
                return Err(KeyError::Unsupported {
                    kind: format!("multicodec 0x{}", hex::encode(prefix)),
                });
            }
            None => return Err(refuse("it is too short for a key")),
        };
        // One key, one text: SEC 1 has other forms of a point than the compressed one that did:key 0.9 asks for.
        if key.to_multikey() == text {
            Ok(key)
        } else {
            Err(refuse("it is not the one text that stands for its key"))
        }
    }

    /// The key as a Multikey in base58btc.
    #[must_use]
    pub fn to_multikey(&self) -> String {
        let mut bytes = Vec::with_capacity(35);
        match &self.0 {
            Point::Ed25519(key) => {
                bytes.extend_from_slice(&ED25519_PUB);
                bytes.extend_from_slice(key.as_bytes());
            }
            Point::P256(key) => {
                bytes.extend_from_slice(&P256_PUB);
                bytes.extend_from_slice(key.to_sec1_point(true).as_bytes());
            }
        }
        format!("z{}", base58::encode(&bytes))
    }

    /// The `did:key` that is this key (W3C CCG did:key 0.9).
    ///
    /// # Errors
    /// [`KeyError::Multikey`] when the identifier's syntax check refuses it, which it does for no key.
    pub fn to_did_key(&self) -> Result<Did, KeyError> {
        let multikey = self.to_multikey();
        format!("did:key:{multikey}").parse().map_err(|_| KeyError::Multikey {
            text: multikey,
            why: "it does not fit the syntax of did:key",
        })
    }
}
