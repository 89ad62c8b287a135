//! Sections: their names, their keys, their MACs, and how they lie at rest (docs/log-format.md, section 2).

use crate::seal::{seal, seal_onto};
use crate::secret::Secret;
use crate::sha::Keyed;
use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use herleid_vocab::rim::Entropy;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use subtle::ConstantTimeEq as _;

/// The registered names, in the order of their text: a map by name is in RFC 8785 order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionName {
    /// Salt and digests of what was exchanged.
    Content,
    /// Who, when, what kind.
    Envelope,
    /// Documents attached, by digest.
    Evidence,
    /// What both ends say alike.
    Exchange,
    /// What this end alone says.
    Facts,
    /// Every parameter of a run.
    Parameters,
    /// Authors and roles.
    People,
    /// What only the log's owner reads.
    Private,
    /// A model run.
    Run,
    /// Place in the stream of an agreement.
    StreamAgreement,
    /// Place in the stream of a case.
    StreamCase,
    /// Place in the stream of a model service and its consumer.
    StreamModel,
}

/// A section name that is not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a section; the names stand in docs/log-format.md, section 2")]
pub struct UnknownSection(pub String);

impl SectionName {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Content,
        Self::Envelope,
        Self::Evidence,
        Self::Exchange,
        Self::Facts,
        Self::Parameters,
        Self::People,
        Self::Private,
        Self::Run,
        Self::StreamAgreement,
        Self::StreamCase,
        Self::StreamModel,
    ];

    /// The name as it stands in a record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Envelope => "envelope",
            Self::Evidence => "evidence",
            Self::Exchange => "exchange",
            Self::Facts => "facts",
            Self::Parameters => "parameters",
            Self::People => "people",
            Self::Private => "private",
            Self::Run => "run",
            Self::StreamAgreement => "stream-agreement",
            Self::StreamCase => "stream-case",
            Self::StreamModel => "stream-model",
        }
    }

    /// Whether the sequencer makes this section, because it needs the record's place in the log.
    #[must_use]
    pub const fn is_made_by_the_log(self) -> bool {
        matches!(
            self,
            Self::Envelope | Self::StreamAgreement | Self::StreamCase | Self::StreamModel
        )
    }
}

impl fmt::Display for SectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SectionName {
    type Err = UnknownSection;

    fn from_str(text: &str) -> Result<Self, UnknownSection> {
        let known = Self::ALL.into_iter().find(|name| name.as_str() == text);
        known.ok_or_else(|| UnknownSection(text.chars().take(80).collect()))
    }
}

impl Serialize for SectionName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SectionName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A section's MAC: HMAC-SHA256, all 32 bytes.
pub type SectionMac = [u8; 32];

/// Whose section: what the encryption at rest is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Origin of the log.
    pub origin: &'a str,
    /// Id of the record, as in its envelope.
    pub record: &'a str,
    /// Name of the section.
    pub name: SectionName,
}

impl Place<'_> {
    /// Associated data: `origin 0x00 record-id 0x00 section-name`.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        [self.origin, self.record, self.name.as_str()].join("\0").into_bytes()
    }
}

/// Associated data of one record's sections, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Associated {
    bytes: Vec<u8>,
    record: usize,
}

impl Associated {
    /// Of this record from now on.
    pub(crate) fn record(&mut self, origin: &str, record: &str) {
        self.bytes.clear();
        for part in [origin, record] {
            self.bytes.extend_from_slice(part.as_bytes());
            self.bytes.push(0);
        }
        self.record = self.bytes.len();
    }

    /// [`Place::associated_data`] of the record's section with this name.
    pub(crate) fn of(&mut self, name: SectionName) -> &[u8] {
        self.bytes.truncate(self.record);
        self.bytes.extend_from_slice(name.as_str().as_bytes());
        &self.bytes
    }
}

/// The stored bytes of a section do not decrypt under its key at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored section does not decrypt: its bytes or its key were altered, or belong to another record")]
pub struct NotAuthentic;

/// HMAC under a key of zeroes, which is what HKDF takes for a salt when there is none (RFC 5869, section 2.2).
static WITHOUT_SALT: LazyLock<Keyed> = LazyLock::new(|| Keyed::new(&[0; 32]));

/// The random 32 bytes that a section's keys come from. Destroying it erases the section. Wiped from memory when dropped.
#[derive(Clone)]
pub struct RootKey(Secret<32>);

impl RootKey {
    /// A fresh one.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Secret::new([0u8; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// One that was stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes, for wrapping. They never leave the log's owner.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Both keys that come from this one.
    #[must_use]
    pub fn keys(&self) -> SectionKeys {
        // HKDF (RFC 5869): extract, then expand to 32 bytes, which are block 1 of SHA-256.
        let extracted = Secret::new(WITHOUT_SALT.mac(self.0.as_slice()));
        let keyed = Keyed::new(&extracted);
        let derive = |info: &[u8]| Secret::new(keyed.mac(info));
        SectionKeys {
            mac: MacKey(derive(b"herleid/1 mac\x01")),
            enc: derive(b"herleid/1 enc\x01"),
        }
    }
}

/// The keys of one section, derived from its root. Wiped from memory when dropped.
#[derive(Clone)]
pub struct SectionKeys {
    mac: MacKey,
    enc: Secret<32>,
}

impl SectionKeys {
    /// HKDF-SHA256 without salt, info `herleid/1 mac`.
    #[must_use]
    pub const fn mac_key(&self) -> &MacKey {
        &self.mac
    }

    /// HKDF-SHA256 without salt, info `herleid/1 enc`.
    #[must_use]
    pub fn enc_key(&self) -> &[u8; 32] {
        &self.enc
    }

    /// Encrypts a section for its place. The key is used for this one message, so the nonce is zero.
    ///
    /// # Errors
    /// Above 2^38 bytes, the cipher's limit; a section has at most 2^20.
    pub fn seal(&self, place: &Place<'_>, section: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
        seal(&self.enc, &[0; 12], &place.associated_data(), section).ok_or(NotAuthentic)
    }

    /// Appends a section as it is encrypted for its place, of which this is the associated data.
    pub(crate) fn seal_onto(&self, to: &mut Vec<u8>, associated: &[u8], section: &[u8]) -> Result<(), NotAuthentic> {
        seal_onto(to, &self.enc, &[0; 12], associated, section).ok_or(NotAuthentic)
    }

    /// Decrypts a section.
    ///
    /// # Errors
    /// When bytes, key or place are not those it was sealed with.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
        let aad = place.associated_data();
        let payload = Payload { msg: sealed, aad: &aad };
        ChaCha20Poly1305::new(&(*self.enc).into())
            .decrypt(&Nonce::default(), payload)
            .map_err(|_| NotAuthentic)
    }
}

impl fmt::Debug for SectionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SectionKeys(..)")
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

/// The key that a section's MAC is made with, and that is handed over to open it. Wiped from memory when dropped.
#[derive(Clone)]
pub struct MacKey(Secret<32>);

impl MacKey {
    /// One that was handed over.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes, for handing over.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// MAC over the bytes of a section.
    #[must_use]
    pub fn mac(&self, section: &[u8]) -> SectionMac {
        Keyed::new(&self.0).mac(section)
    }

    /// Whether `mac` is the MAC over these bytes, in constant time.
    #[must_use]
    pub fn verifies(&self, section: &[u8], mac: &SectionMac) -> bool {
        self.mac(section).ct_eq(mac).into()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// A section handed over: its bytes as text, and the MAC key in hex. Not checked yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The section's bytes, which are UTF-8.
    pub text: String,
    /// The MAC key, 64 lower-case hex digits.
    pub key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn associated_data_of_one_after_the_other_is_that_of_each() {
        let mut all = Associated::default();
        for record in ["0192f0c1-2b3c-7d4e-8f50-112233445501", "r"] {
            let origin = "knmi.example/log/1";
            all.record(origin, record);
            for name in SectionName::ALL {
                assert_eq!(all.of(name), Place { origin, record, name }.associated_data());
            }
        }
    }
}
