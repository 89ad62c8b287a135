//! How a process is kept: JSON with a format number, checked before anything else is read.

use super::{Process, Protocol};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The format that this version writes and reads. A change of any stored name needs the next number and a way to read the old one.
const FORMAT: u64 = 1;

/// Stands for [`FORMAT`] in the stored JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => Err(serde::de::Error::custom(StoredError::Format {
                found: other.to_string(),
            })),
        }
    }
}

/// Why stored bytes are no process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// Written by another version.
    #[error("stored in format {found}, and this version reads format 1: use the version that wrote it, or migrate")]
    Format {
        /// The format found.
        found: String,
    },
    /// Not what any version wrote.
    #[error("the stored process cannot be read: {why}")]
    Unreadable {
        /// What, and where.
        why: String,
    },
}

impl<P: Protocol> Process<P> {
    /// The bytes to store.
    ///
    /// # Errors
    /// When the process cannot be written as JSON, which would be a fault of this program.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StoredError> {
        serde_json::to_vec(self).map_err(|e| StoredError::Unreadable { why: e.to_string() })
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// Tells a foreign format from damage.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        let unreadable = |e: serde_json::Error| StoredError::Unreadable { why: e.to_string() };
        let value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        match value.get("format") {
            Some(format) if format.as_u64() == Some(FORMAT) => serde_json::from_value(value).map_err(unreadable),
            Some(other) => Err(StoredError::Format {
                found: other.to_string(),
            }),
            None => Err(StoredError::Unreadable {
                why: "it has no format number".to_owned(),
            }),
        }
    }
}
