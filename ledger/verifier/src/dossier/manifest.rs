//! `manifest.json`: the list of all files, which the party signs and logs.

use super::{FileName, MAX_ENTRIES};
use crate::object::{object, objects_by_name};
use herleid_vocab::did::Did;
use herleid_vocab::json;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The value of `format`, and the first line of what is signed.
pub(super) const FORMAT: &str = "herleid-dossier/1";

/// Longest manifest: an entry takes 64 hex digits, a name of at most 255 bytes and some 40 bytes more; 24 MiB.
pub(crate) const MAX_MANIFEST_BYTES: usize = MAX_ENTRIES * (64 + 255 + 48);

/// What the dossier is of; the part of the manifest that the maker states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestHead {
    /// Case number, as in the `decision-made` record.
    pub case: String,
    /// The party that made the dossier.
    pub party: Did,
    /// Origin of that party's log.
    pub origin: String,
    /// When it was made: UTC milliseconds since 1970.
    pub made_ms: u64,
    /// Leaf hash of the `decision-made` record that the dossier explains.
    pub root: [u8; 32],
}

/// What the manifest says of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// Length in bytes.
    pub bytes: u64,
}

/// A manifest in the one form that the format gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What the dossier is of.
    pub head: ManifestHead,
    /// Every file but the three manifest files, by name.
    pub files: BTreeMap<FileName, Listed>,
}

/// Why bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON as the formats read it.
    #[error(transparent)]
    Json(#[from] json::JsonError),
    /// A member is missing, unknown or of another type.
    #[error("the manifest is not as docs/dossier-format.md says: {0}")]
    Members(String),
    /// JSON, but not the RFC 8785 form.
    #[error("the manifest is not in RFC 8785 form")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    format: String,
    case: String,
    party: Did,
    origin: String,
    made: u64,
    root: String,
    #[serde(deserialize_with = "objects_by_name")]
    files: BTreeMap<String, RawListed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListed {
    sha256: String,
    bytes: u64,
}

impl Manifest {
    /// The bytes of `manifest.json`.
    ///
    /// # Errors
    /// When a number is too large for JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let raw = Raw {
            format: FORMAT.to_owned(),
            case: self.head.case.clone(),
            party: self.head.party.clone(),
            origin: self.head.origin.clone(),
            made: self.head.made_ms,
            root: hex::encode(self.head.root),
            files: self
                .files
                .iter()
                .map(|(name, listed)| {
                    let raw = RawListed {
                        sha256: hex::encode(listed.sha256),
                        bytes: listed.bytes,
                    };
                    (name.to_string(), raw)
                })
                .collect(),
        };
        let value = serde_json::to_value(raw).map_err(|e| ManifestError::Members(e.to_string()))?;
        Ok(json::canonical(&value)?)
    }

    /// Reads `manifest.json`.
    ///
    /// # Errors
    /// Says what is not as the format gives it.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let limits = json::Limits {
            max_bytes: MAX_MANIFEST_BYTES,
            max_depth: 4,
        };
        let value = json::parse(bytes, &limits)?;
        if json::canonical(&value)? != bytes {
            return Err(ManifestError::NotCanonical);
        }
        let raw: Raw = object(value).map_err(|e| ManifestError::Members(e.to_string()))?;
        if raw.format != FORMAT {
            return Err(ManifestError::Members(format!(
                "format is `{}`, expected `{FORMAT}`",
                raw.format.chars().take(40).collect::<String>()
            )));
        }
        let mut files = BTreeMap::new();
        for (name, listed) in raw.files {
            let name = FileName::parse(name.as_bytes()).map_err(|e| ManifestError::Members(e.to_string()))?;
            let listed = Listed {
                sha256: digest(&listed.sha256, name.as_str())?,
                bytes: integer(listed.bytes, name.as_str())?,
            };
            files.insert(name, listed);
        }
        Ok(Self {
            head: ManifestHead {
                case: raw.case,
                party: raw.party,
                origin: raw.origin,
                made_ms: integer(raw.made, "made")?,
                root: digest(&raw.root, "root")?,
            },
            files,
        })
    }
}

fn integer(value: u64, member: &str) -> Result<u64, ManifestError> {
    if value <= json::MAX_INTEGER {
        Ok(value)
    } else {
        Err(ManifestError::Members(format!(
            "`{member}`: the number is above 2^53 - 1"
        )))
    }
}

fn digest(text: &str, member: &str) -> Result<[u8; 32], ManifestError> {
    crate::hex32(text).ok_or_else(|| ManifestError::Members(format!("`{member}`: expected 64 lower-case hex digits")))
}

/// The text of the signed note in `manifest.json.sig`, for a manifest of that SHA-256.
#[must_use]
pub fn signed_text(manifest_digest: &[u8; 32]) -> String {
    format!("{FORMAT}\n{}\n", hex::encode(manifest_digest))
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
