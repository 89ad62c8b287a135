//! What is kept of versions that were published, withdrawn ones too.

use super::{Digests, SourceEntry};
use crate::catalogue::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An offer as published: the ODRL offer without target, and the SHA-256 of its canonical bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferEntry {
    /// Its `@id`.
    pub id: String,
    /// The offer as it stands in the catalogue.
    pub offer: Value,
    /// SHA-256 of the offer's RFC 8785 form, as logged.
    pub sha256: String,
}

/// A published, immutable dataset version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionEntry {
    /// Dataset id.
    pub dataset: String,
    /// Version id.
    pub version: String,
    /// For people.
    pub title: String,
    /// For people; may be empty.
    pub description: String,
    /// Media type of the bytes.
    pub media_type: String,
    /// Licence IRI or name, if said.
    pub licence: Option<String>,
    /// What its holder says of it, complete; `None` in what builds before 22 November 2026 wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Digests of the bytes; `None` of an upstream API, whose answers have theirs when they are given.
    pub digests: Option<Digests>,
    /// Where the bytes come from.
    #[serde(default, skip_serializing_if = "SourceEntry::is_file")]
    pub source: SourceEntry,
    /// Under which terms.
    pub offers: Vec<OfferEntry>,
    /// Why it was withdrawn, if it was; empty where the reason was erased.
    pub withdrawn: Option<String>,
    /// Whether what was said of it was erased: then only its identifier, its version and its time are left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// Unix milliseconds.
    pub published_ms: u64,
}

impl VersionEntry {
    /// What is left when all that was said of it is erased. Nobody is offered what nobody can say anything of.
    #[must_use]
    pub fn bare(self) -> Self {
        Self {
            dataset: self.dataset,
            version: self.version,
            title: String::new(),
            description: String::new(),
            media_type: String::new(),
            licence: None,
            metadata: None,
            digests: None,
            source: SourceEntry::File,
            offers: Vec::new(),
            withdrawn: Some(self.withdrawn.unwrap_or_default()),
            erased: true,
            published_ms: self.published_ms,
        }
    }
}

/// A published model version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Model id.
    pub model: String,
    /// Version id.
    pub version: String,
    /// For people.
    pub title: String,
    /// SHA-256 of the program, which lies in the payload store.
    pub program: String,
    /// BLAKE3 of the program.
    pub program_blake3: String,
    /// Whether its licence lets the program travel into a dossier.
    pub program_in_dossier: bool,
    /// SHA-256 of the process description (evidence).
    pub process: String,
    /// SHA-256 of the environment description (evidence).
    pub environment: String,
    /// What its holder says of it, complete; `None` in what builds before 22 November 2026 wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Under which terms.
    pub offers: Vec<OfferEntry>,
    /// Why it was withdrawn, if it was; empty where the reason was erased.
    pub withdrawn: Option<String>,
    /// Whether what was said of it was erased: then only its identifier, its version and its time are left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// Unix milliseconds.
    pub published_ms: u64,
}

impl ModelEntry {
    /// What is left when all that was said of it is erased, as of a [`VersionEntry`].
    #[must_use]
    pub fn bare(self) -> Self {
        Self {
            model: self.model,
            version: self.version,
            title: String::new(),
            program: String::new(),
            program_blake3: String::new(),
            program_in_dossier: false,
            process: String::new(),
            environment: String::new(),
            metadata: None,
            offers: Vec::new(),
            withdrawn: Some(self.withdrawn.unwrap_or_default()),
            erased: true,
            published_ms: self.published_ms,
        }
    }
}
