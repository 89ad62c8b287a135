//! The dossier as a file: one zip in exactly one form (docs/dossier-format.md), read strictly and written the same way.
//!
//! General zip readers disagree about headers that contradict each other, so that two of them can see two different
//! cases in one file. Here every header is compared byte for byte with what [`layout`] writes for it; there is no second
//! reading. `verify.py` does the same.

mod archive;
mod error;
mod inflate;
mod layout;
pub(crate) mod manifest;
mod name;
mod writer;

pub use archive::{Archive, Digests, Entry};
pub use error::ArchiveError;
pub use manifest::{Listed, Manifest, ManifestError, ManifestHead, signed_text};
pub use name::{FileName, MAX_NAME_BYTES};
pub use writer::{DossierWriter, Unsigned, WriteError};

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// Name of the signed note over the manifest's digest.
pub const MANIFEST_SIGNATURE: &str = "manifest.json.sig";
/// Name of the `disclosed` record, handed over, that puts the manifest's digest in the party's log.
pub const MANIFEST_PROOF: &str = "manifest.json.tlog-proof";

/// Entries that a zip without zip64 can count: 2^16 - 1 is the mark of zip64.
pub const MAX_ENTRIES: usize = 65_534;
/// Bytes that all entries together may unpack to: 4 GiB.
pub const MAX_UNPACKED_BYTES: u64 = 4 << 30;
/// A dossier unpacks to at most this many times its own length, plus [`RATIO_FREE_BYTES`]. Tables of measurements pack
/// about 10:1 and the most repetitive text that deflate can pack about 1030:1, which is what bombs are made of.
pub const MAX_RATIO: u64 = 200;
/// What small dossiers may unpack to whatever their ratio: 16 MiB.
pub const RATIO_FREE_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests;
