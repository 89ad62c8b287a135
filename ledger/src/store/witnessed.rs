//! What a witness must not forget, in a store of its own: a log directory that is lost or restored takes none of it along.

use crate::digits::hex32;
use crate::error::LedgerError;
use crate::fork::Beginning;
use crate::merkle::Hash;
use crate::store::evidence::{make_dir, sync_dir};
use crate::store::rocks::{Batch, Part, Rocks};
use crate::witness::{Conflict, Persist, Response};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::sync::OnceLock;

/// First byte of the key of what was cosigned last of a log; the origin follows.
const SEEN: &str = "w";
/// First byte of the key of a conflict; origin, a zero byte and the root that was refused follow.
const CONFLICT: &str = "x";
/// The same of a doubt: two checkpoints of which nobody knows yet whether they are of one history.
const DOUBT: &str = "y";
/// Conflicts kept of one log, and as many doubts: the first ones prove enough, and a log must not be able to fill the disk. A note has the
/// log's own line alone, and an origin stands in the configuration: some 2 KiB each.
const OF_ONE_LOG: usize = 8;

/// What was cosigned last of a log, as it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    size: u64,
    root: String,
    note: String,
}

/// The first of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of origins.
    pub conflicts: Vec<Conflict>,
    /// Whether there are more.
    pub more: bool,
}

/// The memory of a witness: of each log the checkpoint that it cosigned last, the conflicts that it found, and what it has doubts about.
///
/// **Guarantee:** when [`WitnessStore::keep`] returns, neither a killed process nor a power cut can lose what it kept. After a write or a sync
/// that failed nobody knows what the disk holds: nothing is told and nothing kept any more until the store is opened again.
pub struct WitnessStore {
    rocks: Rocks,
    failed: OnceLock<String>,
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
        let failed = OnceLock::new();
        Ok(Self { rocks, failed })
    }

    /// Why this witness answers nothing any more; none while it does.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    /// Fails once a write has failed.
    fn whole(&self) -> Result<(), LedgerError> {
        match self.failed.get() {
            None => Ok(()),
            Some(why) => Err(LedgerError::Store {
                dir: self.rocks.dir().to_owned(),
                what: "go on after a write that failed in",
                message: format!("{why}; see to the disk, then start again: what was cosigned is kept"),
            }),
        }
    }

    fn write(&self, batch: Batch<'_>) -> Result<(), LedgerError> {
        let written = batch.write_synced();
        if let Err(error) = &written {
            // The first reason is the one that counts.
            let _ = self.failed.set(error.to_string());
        }
        written
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
    /// When the store cannot be read, is damaged, or a write to it failed: never taken for "none".
    pub fn last(&self, origin: &str) -> Result<Option<Persist>, LedgerError> {
        self.whole()?;
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

    /// Keeps what an answer asks to be kept before it is sent; synced. What is kept already is not written again: anybody may ask for the same
    /// as often as he likes. The caller holds the lock that [`Self::last`] was read under ([`crate::witness::respond`]).
    ///
    /// # Errors
    /// When the store cannot be written: the answer must not be sent then, nor any later one.
    pub fn keep(&self, answer: &Response) -> Result<(), LedgerError> {
        self.whole()?;
        let mut batch = self.rocks.batch();
        if let Some(seen) = &answer.persist {
            let last = self.last(&seen.origin)?;
            if last.is_none_or(|last| (last.size, last.root) != (seen.size, seen.root)) {
                let value = json!({"size": seen.size, "root": hex::encode(seen.root), "note": seen.note});
                let key = format!("{SEEN}{}", seen.origin);
                batch.put(Part::State, key.as_bytes(), value.to_string().as_bytes())?;
            }
        }
        for (first, refused) in [(CONFLICT, &answer.conflict), (DOUBT, &answer.doubt)] {
            // Both notes together are the proof; what was cosigned is overwritten as the log grows.
            if let Some(refused) = refused
                && let Some(cosigned) = self.last(&refused.origin)?
                && let Some(key) = self.room(first, refused)?
            {
                let value = json!({
                    "origin": refused.origin,
                    "size": refused.size,
                    "cosigned": cosigned.note,
                    "refused": refused.note,
                });
                batch.put(Part::State, &key, value.to_string().as_bytes())?;
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.write(batch)
    }

    /// The key for what was refused; `None` when it is kept, or enough of its log is.
    fn room(&self, first: &str, refused: &Persist) -> Result<Option<Vec<u8>>, LedgerError> {
        let of_log = format!("{first}{}\0", refused.origin);
        let root = hex::encode(refused.root);
        let (mut kept, mut is_known) = (0, false);
        self.rocks.scan(Part::State, of_log.as_bytes(), |key, _| {
            kept += 1;
            is_known |= key == root.as_bytes();
            kept < OF_ONE_LOG && !is_known
        })?;
        let has_room = kept < OF_ONE_LOG && !is_known;
        Ok(has_room.then(|| format!("{of_log}{root}").into_bytes()))
    }

    /// The first `limit` conflicts, by origin.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    pub fn conflicts(&self, limit: usize) -> Result<Page, LedgerError> {
        self.page(CONFLICT, limit)
    }

    /// The first `limit` pairs of checkpoints of which nobody knows yet whether they are of one history, by origin.
    ///
    /// # Errors
    /// As [`Self::conflicts`].
    pub fn doubts(&self, limit: usize) -> Result<Page, LedgerError> {
        self.page(DOUBT, limit)
    }

    /// The first `limit` conflicts of one log.
    ///
    /// # Errors
    /// As [`Self::conflicts`].
    pub fn conflicts_of(&self, origin: &str, limit: usize) -> Result<Page, LedgerError> {
        self.page(&format!("{CONFLICT}{origin}\0"), limit)
    }

    /// The first `limit` doubts about one log.
    ///
    /// # Errors
    /// As [`Self::conflicts`].
    pub fn doubts_of(&self, origin: &str, limit: usize) -> Result<Page, LedgerError> {
        self.page(&format!("{DOUBT}{origin}\0"), limit)
    }

    fn page(&self, first: &str, limit: usize) -> Result<Page, LedgerError> {
        let (mut stored, mut more): (Vec<Vec<u8>>, bool) = (Vec::new(), false);
        self.rocks.scan(Part::State, first.as_bytes(), |_, value| {
            more = stored.len() == limit;
            if !more {
                stored.push(value.to_vec());
            }
            !more
        })?;
        let read = |value: &Vec<u8>| {
            serde_json::from_slice(value).map_err(|error| self.damaged("a conflict".to_owned(), error.to_string()))
        };
        let conflicts = stored.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { conflicts, more })
    }

    /// Settles a doubt. Where both checkpoints were found to be of two histories it is a conflict from now on, which [`Conflict::check`]
    /// confirms by what the larger tree begins with; none of that is needed where both have one size. `root` is that of the checkpoint that was
    /// refused.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn settle(&self, doubt: &Conflict, root: &Hash, forked: Option<Option<Beginning>>) -> Result<(), LedgerError> {
        self.whole()?;
        let refused = Persist {
            origin: doubt.origin.clone(),
            size: doubt.size,
            root: *root,
            note: doubt.refused.clone(),
        };
        let mut batch = self.rocks.batch();
        let key = format!("{DOUBT}{}\0{}", doubt.origin, hex::encode(root));
        batch.delete(Part::State, key.as_bytes())?;
        if let Some(beginning) = forked
            && let Some(key) = self.room(CONFLICT, &refused)?
        {
            let conflict = Conflict {
                beginning: beginning.map(|beginning| beginning.to_string()),
                ..doubt.clone()
            };
            let value = json!(conflict).to_string();
            batch.put(Part::State, &key, value.as_bytes())?;
        }
        self.write(batch)
    }
}
