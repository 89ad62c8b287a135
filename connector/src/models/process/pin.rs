//! What a request says of an input besides its content: where it comes from, and its digests.

use crate::state::Digests;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An input as `run.inputs` records it (docs/log-format.md, section 6), without its name and media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The dataset; `None` for content that is of no published dataset.
    pub dataset: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The agreement under which it was pulled; `None` when it is the sender's own.
    pub agreement: Option<String>,
    /// The pull that brought it to the sender; `None` when it is the sender's own.
    pub transaction: Option<String>,
    /// SHA-256 of its bytes, 64 lower-case hex digits.
    pub sha256: String,
    /// BLAKE3 of its bytes, 64 lower-case hex digits.
    pub blake3: String,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Pin {
    /// The pin of content that stands for itself.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let Digests { blake3, sha256, bytes } = Digests::of(bytes);
        Self {
            dataset: None,
            version: None,
            agreement: None,
            transaction: None,
            sha256,
            blake3,
            bytes,
        }
    }

    /// Checks the form of the digests.
    pub(crate) fn checked(self) -> Result<Self, String> {
        for (name, digest) in [("sha256", &self.sha256), ("blake3", &self.blake3)] {
            if digest.len() != 64 || !digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(format!("its `{name}` is not 64 lower-case hex digits"));
            }
        }
        if self.bytes > herleid_vocab::json::MAX_INTEGER {
            return Err("its `bytes` is above 2^53 - 1".to_owned());
        }
        Ok(self)
    }

    /// Checks that content is what this says.
    ///
    /// # Errors
    /// Says which digest or length differs.
    pub fn check(&self, content: &[u8]) -> Result<(), String> {
        self.check_digests(&Digests::of(content))
    }

    /// Checks that the content with these digests is what this says: all of them, since each may be what a reader checks later.
    ///
    /// # Errors
    /// Says which digest or length differs.
    pub fn check_digests(&self, found: &Digests) -> Result<(), String> {
        for (name, found, said) in [
            ("length", &found.bytes.to_string(), &self.bytes.to_string()),
            ("SHA-256", &found.sha256, &self.sha256),
            ("BLAKE3", &found.blake3, &self.blake3),
        ] {
            if found != said {
                return Err(format!("its {name} is {found}, but the request says {said}"));
            }
        }
        Ok(())
    }

    /// The first member that says where the content comes from; `None` when it stands for itself.
    pub(crate) fn provenance(&self) -> Option<&'static str> {
        let members = [
            ("dataset", &self.dataset),
            ("version", &self.version),
            ("agreement", &self.agreement),
            ("transaction", &self.transaction),
        ];
        let said = members.into_iter().find(|(_, value)| value.is_some());
        said.map(|(name, _)| name)
    }

    /// The entry of `run.inputs`.
    #[must_use]
    pub fn recorded(&self, name: &str, media_type: &str) -> Value {
        json!({
            "name": name, "mediaType": media_type,
            "dataset": self.dataset, "version": self.version, "agreement": self.agreement, "transaction": self.transaction,
            "sha256": self.sha256, "blake3": self.blake3, "bytes": self.bytes,
        })
    }
}
