use super::HttpSignatureError;
use super::structured::{self, Member};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a message's content, as the field `Content-Digest` carries it (RFC 9530, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// Digests `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// Reads the field's value. Other algorithms beside `sha-256` are passed over (RFC 9530, section 2).
    ///
    /// # Errors
    /// [`HttpSignatureError::Structured`], [`HttpSignatureError::NoSha256`].
    pub fn parse(field: &str) -> Result<Self, HttpSignatureError> {
        let members = structured::dictionary(field).map_err(|source| HttpSignatureError::Structured {
            field: "content-digest",
            source,
        })?;
        members
            .into_iter()
            .find_map(|(algorithm, member)| match member {
                Member::Bytes(bytes) if algorithm == "sha-256" => bytes.try_into().ok().map(Self),
                _ => None,
            })
            .ok_or(HttpSignatureError::NoSha256)
    }

    /// The field's value, `sha-256=:...:`.
    #[must_use]
    pub fn to_field(&self) -> String {
        format!("sha-256=:{}:", BASE64_STANDARD.encode(self.0))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.0
    }
}
