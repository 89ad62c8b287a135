//! What a record says of an exchange, kept short: a peer decides how long its sections are, and how many there are.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Members of the section (docs/log-format.md, section 5).
const MEMBERS: [&str; 10] = [
    "agreement",
    "bytes",
    "consumer",
    "content",
    "phase",
    "provider",
    "range",
    "segment",
    "subject",
    "transaction",
];

/// An `exchange` section by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    sha256: [u8; 32],
    /// Of each member, only to tell a person which ones differ.
    members: [u64; MEMBERS.len()],
}

impl Said {
    /// Of the section's bytes.
    pub(super) fn of(section: &[u8]) -> Self {
        let values: BTreeMap<String, Value> = serde_json::from_slice(section).unwrap_or_default();
        Self {
            sha256: Sha256::digest(section).into(),
            members: MEMBERS.map(|name| {
                let mut hasher = DefaultHasher::new();
                values.get(name).map(Value::to_string).hash(&mut hasher);
                hasher.finish()
            }),
        }
    }

    /// Whether both are the same bytes.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }

    /// Names of the members that differ.
    pub(super) fn differs(&self, other: &Self) -> String {
        let pairs = self.members.iter().zip(&other.members);
        let differ = MEMBERS.iter().zip(pairs).filter(|(_, (one, other))| one != other);
        differ.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}
