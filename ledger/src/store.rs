//! What lies on disk: two RocksDB stores and a folder of evidence; and, apart from the log, a witness's memory. See
//! `docs/ledger-inside.md`.

pub(crate) mod bound;
mod brought;
pub(crate) mod codec;
pub(crate) mod evidence;
pub(crate) mod keys;
pub(crate) mod linked;
pub(crate) mod links;
pub(crate) mod many;
pub(crate) mod ordered;
pub(crate) mod rocks;
pub(crate) mod scrub;
mod settings;
pub(crate) mod tiles;
pub(crate) mod witnessed;
