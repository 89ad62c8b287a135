//! What was erased leaves the files that still hold it: at once, again later where somebody was reading them or the disk failed, and when the
//! log is opened.

use super::sequencer::Job;
use super::strip::Stripped;
use super::{Ledger, Shared};
use crate::error::LedgerError;
use crate::store::codec::{FINISHED, GRAVES, Grave, STRIPPED, grave_key};
use crate::store::rocks::{Part, Rocks};
use crate::store::scrub::Touched;
use std::sync::PoisonError;
use std::sync::mpsc::sync_channel;

/// Below which tombstone everything is done, by what of it.
pub(crate) struct Marks {
    /// The log's store, its files too.
    log: u64,
    /// The log's store, but for its files.
    pub(super) stripped: u64,
    /// The store of keys, its files too.
    keys: u64,
    /// Large documents.
    pub(super) evidence: u64,
}

impl Marks {
    pub(crate) fn least(&self) -> u64 {
        self.log.min(self.stripped).min(self.keys).min(self.evidence)
    }

    pub(crate) fn most(&self) -> u64 {
        self.log.max(self.stripped).max(self.keys).max(self.evidence)
    }
}

impl Stripped {
    fn add(&mut self, more: Self) {
        self.log.extend(more.log);
        self.keys.extend(more.keys);
        self.below = self.below.max(more.below);
        self.is_unclear |= more.is_unclear;
    }
}

/// Makes what was `touched` leave the files of a store. Tables that are rewritten are not rewritten once more because the manifest that names
/// their keys is still there.
fn leave(rocks: &Rocks, touched: &mut Vec<Touched>, is_named: &mut bool) -> Result<bool, LedgerError> {
    if !rocks.scrub(touched)? {
        return Ok(false);
    }
    *is_named |= !touched.is_empty();
    touched.clear();
    if *is_named && rocks.renew_manifest()? {
        *is_named = false;
    }
    Ok(!*is_named)
}

impl Shared {
    /// Rewrites the files that still hold what was removed now or before, and then counts it as finished. `false` when one of them is still
    /// there, or something else had to stay; what is not finished, for whatever reason, is kept for the next time.
    pub(crate) fn bury(&self, more: Stripped) -> Result<bool, LedgerError> {
        let mut unburied = self.unburied.lock().unwrap_or_else(PoisonError::into_inner);
        unburied.add(more);
        if unburied.below == 0 {
            return Ok(true);
        }
        let (log, keys) = (&self.log, self.keys.rocks());
        let Stripped {
            log: from_log,
            keys: from_keys,
            named: [in_log, in_keys],
            ..
        } = &mut *unburied;
        let is_out_of_log = leave(log, from_log, in_log)?;
        let is_out_of_keys = leave(keys, from_keys, in_keys)?;
        let is_left = !is_out_of_log || !is_out_of_keys || !self.evidence.left().is_empty();
        if is_left || unburied.is_unclear {
            return Ok(false);
        }
        for rocks in [keys, log] {
            let mut batch = rocks.batch();
            batch.put(Part::State, FINISHED, &unburied.below.to_be_bytes())?;
            batch.write_synced()?;
        }
        *unburied = Stripped::default();
        Ok(true)
    }

    pub(crate) fn marks(&self) -> Result<Marks, LedgerError> {
        Ok(Marks {
            log: self.mark(&self.log, FINISHED)?,
            stripped: self.mark(&self.log, STRIPPED)?,
            keys: self.mark(self.keys.rocks(), FINISHED)?,
            evidence: self.evidence.finished()?,
        })
    }

    fn mark(&self, rocks: &Rocks, key: &[u8]) -> Result<u64, LedgerError> {
        let Some(stored) = rocks.get(Part::State, key)? else {
            return Ok(0);
        };
        let below = <[u8; 8]>::try_from(stored.as_slice()).map(u64::from_be_bytes);
        below.map_err(|_| self.corrupt("how far erasures are finished", "8 bytes", format!("{}", stored.len())))
    }

    /// What tombstones from this number on erase.
    pub(crate) fn graves(&self, from: u64) -> Result<Vec<(u64, Grave)>, LedgerError> {
        let (mut graves, mut damaged) = (Vec::new(), None);
        self.log
            .scan_from(Part::State, GRAVES, &grave_key(from), |tombstone, grave| {
                match (<[u8; 8]>::try_from(tombstone), Grave::decode(grave)) {
                    (Ok(tombstone), Some(grave)) => graves.push((u64::from_be_bytes(tombstone), grave)),
                    _ => damaged = Some(hex::encode(tombstone)),
                }
                damaged.is_none()
            })?;
        match damaged {
            None => Ok(graves),
            Some(key) => Err(self.corrupt(
                format!("what the tombstone {key} erases"),
                "a record and sections",
                "other bytes",
            )),
        }
    }
}

/// Which large documents go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Documents {
    /// Whatever the index does not know: it was held against the log when that was opened, and nobody reads yet.
    Unlisted,
    /// Of a log that is over (`over::documents`).
    OfWhatGoes,
}

/// Does what is left to do of the erasures that tombstones in the log speak of. What a store that was restored brought back is removed even
/// where the log cannot be opened with it.
/// `false` when files still hold something of it.
pub(crate) fn finish_erasures(shared: &Shared, which: Documents) -> Result<bool, LedgerError> {
    let marks = shared.marks()?;
    let graves = shared.graves(marks.least())?;
    if graves.is_empty() {
        return Ok(true);
    }
    tracing::info!(
        tombstones = graves.len(),
        "erasing again: a crash or a restored backup left something of what was erased"
    );
    let mut plan = shared.plan(&graves, marks.stripped)?;
    let below = plan.below;
    if which == Documents::OfWhatGoes {
        shared.remove_documents(&mut plan, &marks)?;
    }
    if marks.stripped < below {
        shared.strip_log(&plan)?;
    }
    if which == Documents::Unlisted && marks.evidence < below {
        shared.evidence.remove(&plan.unlisted)?;
        shared.evidence.sweep(|digest| shared.lists(digest, |_| true))?;
        shared.evidence.finish(below)?;
    }
    if marks.keys < below {
        shared.strip_keys(&plan)?;
    }
    let mut stripped = plan.touched(true);
    if marks.log >= below {
        stripped.log.clear();
    }
    if marks.keys >= below {
        stripped.keys.clear();
    }
    let is_buried = shared.bury(stripped)?;
    if !is_buried {
        tracing::warn!(
            "files of the store still hold what was erased, or something in it is damaged; it is tried again"
        );
    }
    Ok(is_buried)
}

impl Ledger {
    /// Tries again to rewrite the files that still hold what was erased, and to remove documents that drafts under way brought. `true` when
    /// nothing is left to do. Waits, possibly for minutes: not for a thread that others wait for.
    ///
    /// # Errors
    /// When files cannot be rewritten; it can be tried again.
    pub fn bury(&self) -> Result<bool, LedgerError> {
        let shared = self.shared();
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let below = shared.unburied.lock().unwrap_or_else(PoisonError::into_inner).below;
        if below > 0 && !shared.evidence.left().is_empty() {
            let (sender, receiver) = sync_channel(1);
            // On the thread that writes it is known who lists a document.
            self.send(Job::Strip(Vec::new(), below, sender))?;
            receiver.recv().map_err(|_| LedgerError::Closed)?;
        }
        shared.bury(Stripped::default())
    }

    /// Whether files hold something still that a tombstone erases.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn is_unburied(&self) -> Result<bool, LedgerError> {
        let shared = self.shared();
        Ok(!shared.graves(shared.marks()?.least())?.is_empty())
    }

    /// Removes large documents that no record lists: of a record that came after the backup was made from which a log was restored, say. Before
    /// anything is appended.
    ///
    /// # Errors
    /// When one cannot be removed, or the log was closed.
    pub fn sweep_documents(&self) -> Result<(), LedgerError> {
        let shared = self.shared();
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let (sender, receiver) = sync_channel(1);
        // On the thread that writes: nobody begins to list a document meanwhile.
        self.send(Job::Still(Box::new(move |shared| {
            // Whoever asked may have gone.
            drop(sender.send(shared.evidence.sweep(|digest| shared.lists(digest, |_| true))));
        })))?;
        receiver.recv().map_err(|_| LedgerError::Closed)?
    }

    /// Below which record number every tombstone's erasure is finished: nothing of it is left in any file of the log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn buried_below(&self) -> Result<u64, LedgerError> {
        Ok(self.shared().marks()?.least())
    }
}

#[cfg(test)]
mod tests;
