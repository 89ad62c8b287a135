//! What the connector keeps beside the log: published versions, agreements, grants, pulls, runs, protocol state.
//!
//! It lies in the ledger's key-value space, so that a change that belongs to a record is written in the record's commit.

mod declares;
mod entries;
mod parsed;
mod published;
mod source;

pub use declares::Declares;
pub use entries::{
    AgreementEntry, Digests, GrantEntry, GrantPurpose, LogIdentity, OutputEntry, PullEntry, RunEntry, Side,
};
pub use published::{ModelEntry, OfferEntry, VersionEntry};
pub use source::SourceEntry;

use herleid_ledger::Ledger;
use parsed::Parsed;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// One change: a key, and its new value or `None` to remove it.
pub type Change = (String, Option<Vec<u8>>);

/// Why state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store failed.
    #[error("the state at `{key}` cannot be reached: {why}")]
    Store {
        /// Which entry.
        key: String,
        /// The store's answer.
        why: String,
    },
    /// The entry is not what this version writes.
    #[error(
        "the state at `{key}` is not readable: {why}; it was written by another version, or the store is damaged: run `herleid status`"
    )]
    Format {
        /// Which entry.
        key: String,
        /// What was expected.
        why: String,
    },
}

/// Typed access to the ledger's key-value space.
#[derive(Clone)]
pub struct State {
    ledger: Ledger,
    parsed: Arc<Parsed>,
}

impl State {
    /// The state kept beside `ledger`.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            parsed: Arc::default(),
        }
    }

    /// The entry at `key`.
    ///
    /// # Errors
    /// When the store fails or the entry is not readable: never taken for "absent".
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        let stored = self.stored(key)?;
        stored.map(|bytes| read(key, &bytes)).transpose()
    }

    /// The same for what is read often: what is stored is looked at each time, and parsed when it is not what was parsed before.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn get_shared<T>(&self, key: &str) -> Result<Option<Arc<T>>, StateError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let Some(stored) = self.stored(key)? else {
            return Ok(None);
        };
        if let Some(known) = self.parsed.get(key, &stored) {
            return Ok(Some(known));
        }
        let entry = Arc::new(read(key, &stored)?);
        self.parsed.keep(key, stored, &entry);
        Ok(Some(entry))
    }

    fn stored(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.ledger.get(key).map_err(|e| StateError::Store {
            key: key.to_owned(),
            why: e.to_string(),
        })
    }

    /// All entries whose key begins with `prefix`, in order of their keys.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn scan<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<(String, T)>, StateError> {
        self.scan_each(prefix)?.collect()
    }

    /// The same one by one: an entry that is not readable keeps no other from being used.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scan_each<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<impl Iterator<Item = Result<(String, T), StateError>>, StateError> {
        let found = self.ledger.scan(prefix).map_err(|e| StateError::Store {
            key: prefix.to_owned(),
            why: e.to_string(),
        })?;
        Ok(found.into_iter().map(|(key, bytes)| {
            let value = read(&key, &bytes)?;
            Ok((key, value))
        }))
    }

    /// Writes `changes` in one durable step. Waits for the disk in the caller's thread, under a millisecond as a rule; what
    /// belongs to a record goes with [`herleid_ledger::record::Draft::put`] instead.
    ///
    /// # Errors
    /// When the store fails; nothing is written then.
    pub fn write(&self, changes: Vec<Change>) -> Result<(), StateError> {
        let key = changes.first().map(|(key, _)| key.clone()).unwrap_or_default();
        self.ledger.put_state_blocking(changes).map_err(|e| StateError::Store {
            key,
            why: e.to_string(),
        })
    }
}

/// The change that sets `key` to `value`.
///
/// # Errors
/// When the value has no JSON form.
pub fn set<T: Serialize>(key: impl Into<String>, value: &T) -> Result<Change, StateError> {
    let key = key.into();
    match serde_json::to_vec(value) {
        Ok(bytes) => Ok((key, Some(bytes))),
        Err(e) => Err(StateError::Format {
            key,
            why: e.to_string(),
        }),
    }
}

fn read<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StateError> {
    serde_json::from_slice(bytes).map_err(|e| StateError::Format {
        key: key.to_owned(),
        why: e.to_string(),
    })
}

/// The 32 bytes of a digest in 64 lower-case hexadecimal digits.
#[must_use]
pub fn digest_bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0u8; 32];
    let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}
