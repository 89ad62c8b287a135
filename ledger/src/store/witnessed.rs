//! What a witness must not forget, in a store of its own: a log directory that is lost or restored takes none of it along.

use crate::digits::hex32;
use crate::error::LedgerError;
use crate::store::evidence::{make_dir, sync_dir};
use crate::store::rocks::{Part, Rocks};
use crate::witness::{Conflict, Persist, Response};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// First byte of the key of what was cosigned last of a log; the origin follows.
const SEEN: &str = "w";
/// First byte of the key of a conflict; origin, a zero byte and the root that was refused follow.
const CONFLICT: &str = "x";

/// What was cosigned last of a log, as it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    size: u64,
    root: String,
    note: String,
}

/// The memory of a witness: of each log the checkpoint that it cosigned last, and the conflicts that it found.
///
/// **Guarantee:** when [`WitnessStore::keep`] returns, neither a killed process nor a power cut can lose what it kept.
pub struct WitnessStore {
    rocks: Rocks,
}

impl WitnessStore {
    /// Opens or makes the store in `dir`, whose parent must be there. It belongs to one process at a time.
    ///
    /// # Errors
    /// When the directory cannot be made, is in use by another process, or is damaged. A witness without its memory must
    /// not cosign: it could cosign two histories.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        make_dir(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        let rocks = Rocks::open(dir, &[Part::State], dir)?;
        Ok(Self { rocks })
    }

    fn damaged(&self, what: String, found: String) -> LedgerError {
        LedgerError::Corrupt {
            dir: self.rocks.dir().to_owned(),
            what,
            expected: "what a witness stores".to_owned(),
            found,
        }
    }

    /// The checkpoint of the log `origin` that was cosigned last; `None` when none was.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged: never taken for "none".
    pub fn last(&self, origin: &str) -> Result<Option<Persist>, LedgerError> {
        let Some(stored) = self.rocks.get(Part::State, format!("{SEEN}{origin}").as_bytes())? else {
            return Ok(None);
        };
        let what = || format!("what was cosigned last of `{origin}`");
        let seen: Seen = serde_json::from_slice(&stored).map_err(|error| self.damaged(what(), error.to_string()))?;
        let root = hex32(&seen.root).ok_or_else(|| self.damaged(what(), format!("the root `{}`", seen.root)))?;
        Ok(Some(Persist {
            origin: origin.to_owned(),
            size: seen.size,
            root,
            note: seen.note,
        }))
    }

    /// Keeps what an answer asks to be kept before it is sent; synced. The caller holds the lock that [`Self::last`] was
    /// read under ([`crate::witness::respond`]).
    ///
    /// # Errors
    /// When the store cannot be written: the answer must not be sent then.
    pub fn keep(&self, answer: &Response) -> Result<(), LedgerError> {
        let mut batch = self.rocks.batch();
        if let Some(seen) = &answer.persist {
            let value = json!({"size": seen.size, "root": hex::encode(seen.root), "note": seen.note});
            let key = format!("{SEEN}{}", seen.origin);
            batch.put(Part::State, key.as_bytes(), value.to_string().as_bytes())?;
        }
        // Both notes together are the proof; what was cosigned is overwritten as the log grows.
        if let Some(refused) = &answer.conflict
            && let Some(cosigned) = self.last(&refused.origin)?
        {
            let value = json!({
                "origin": refused.origin,
                "size": refused.size,
                "cosigned": cosigned.note,
                "refused": refused.note,
            });
            let key = format!("{CONFLICT}{}\0{}", refused.origin, hex::encode(refused.root));
            batch.put(Part::State, key.as_bytes(), value.to_string().as_bytes())?;
        }
        if batch.is_empty() {
            return Ok(());
        }
        batch.write_synced()
    }

    /// Every conflict found so far, by origin.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, LedgerError> {
        let mut stored: Vec<Vec<u8>> = Vec::new();
        self.rocks.scan(Part::State, CONFLICT.as_bytes(), |_, value| {
            stored.push(value.to_vec());
            true
        })?;
        let read = |value: &Vec<u8>| {
            serde_json::from_slice(value).map_err(|error| self.damaged("a conflict".to_owned(), error.to_string()))
        };
        stored.iter().map(read).collect()
    }
}
