//! Where a published version's bytes come from, as it is kept; connections and secrets stand in the configuration alone.

use serde::{Deserialize, Serialize};

/// Where the bytes of a dataset version come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SourceEntry {
    /// The payload store, under their SHA-256: a file was copied there when it was published.
    #[default]
    File,
    /// An object in an S3 store. It was digested when it was published, and is pinned: another one in its place is refused.
    S3 {
        /// Name of the store (`sources.s3`).
        store: String,
        /// The object's key.
        key: String,
        /// Its entity tag then.
        etag: String,
        /// Its version then, of a bucket that keeps versions.
        version: Option<String>,
    },
    /// An API whose answers are passed on and digested on the way.
    Api {
        /// Name of the API (`sources.apis`).
        api: String,
        /// Paths that may be asked for; `*` in the place of a part stands for any one part.
        paths: Vec<String>,
        /// Query parameters that may be given: `name`, or `name=value` for that value alone.
        queries: Vec<String>,
    },
}

impl SourceEntry {
    /// Whether the bytes lie in the payload store.
    #[must_use]
    pub fn is_file(&self) -> bool {
        *self == Self::File
    }
}
