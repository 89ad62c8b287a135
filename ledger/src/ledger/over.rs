//! Erasing in a log that is over. The tombstone stands in the log that goes on and names the other one; nothing is appended there and nothing is
//! signed for it. Its stores lose what goes, as those of any log do.

use super::bury::{Documents, Marks, finish_erasures};
use super::erase::{EraseError, Erasure};
use super::options::Options;
use super::upgrade::upgrade;
use super::{Ledger, Shared};
use crate::error::LedgerError;
use crate::handover::entry;
use crate::merkle::{Hash, leaf_hash};
use crate::record::{Kind, Term};
use crate::section::{SectionMac, SectionName};
use crate::store::codec::{Grave, grave_key, state_key};
use crate::store::evidence::Evidence;
use crate::store::keys::Keys;
use crate::store::rocks::{Part, Rocks};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use zeroize::Zeroizing;

/// Member of a tombstone's `facts` that names the log of the record it is about, where that is another one.
pub(crate) const LOG: &str = "log";
/// So often files are rewritten before it is left to the next time.
const TRIES: usize = 3;

/// What a tombstone erases in a log before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entombed {
    /// Number of the tombstone, in this log.
    pub tombstone: u64,
    /// Number of the record, in the other one.
    pub index: u64,
    /// The record's leaf hash: another history of that log has other records under these numbers.
    pub leaf: Hash,
    /// Which sections.
    pub sections: Vec<SectionName>,
}

impl Ledger {
    /// Writes the tombstones of an erasure of records of `over`, a log of the same owner that is over: they name its origin, and the size and
    /// root that was shown of it last. [`Ledger::strip_closed`] removes what they speak of. Gives their numbers, in the order of the targets.
    ///
    /// # Errors
    /// When something named cannot be erased; then nothing was written.
    pub fn entomb(&self, over: &Self, erasure: &Erasure) -> Result<Vec<u64>, EraseError> {
        let shared = self.shared();
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let graves = over.check_erasure(erasure)?;
        let last = over.checkpoint();
        let mut named = erasure.clone();
        named.facts.insert(
            LOG.to_owned(),
            json!({"origin": over.origin(), "size": last.size(), "root": hex::encode(last.root())}),
        );
        let drafts = erasure.targets.iter().zip(graves);
        let drafts = drafts.map(|(target, (grave, record))| (over.tombstone(&named, target, &grave, &record), None));
        self.append_tombstones(drafts.collect(), erasure.state.clone())
    }

    /// What tombstones of this log erase in the log `origin`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn entombed(&self, origin: &str) -> Result<Vec<Entombed>, LedgerError> {
        let mut found = Vec::new();
        for tombstone in self.by_term(&Term::Kind(Kind::Erased))? {
            let record = self.record(tombstone)?;
            let facts = record
                .value(SectionName::Facts)
                .filter(|_| record.kind() == Some(Kind::Erased));
            let facts = facts.filter(|facts| elsewhere(facts) == Some(origin));
            found.extend(facts.and_then(|facts| said(tombstone, &facts)));
        }
        Ok(found)
    }

    /// Whether the bytes of any of these sections are still there, shown or not, or may be, since the record is damaged.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn still_holds(&self, erased: &BTreeMap<u64, Vec<SectionName>>) -> Result<bool, LedgerError> {
        let shared = self.shared();
        for (index, names) in erased.iter().filter(|(index, _)| **index < self.size()) {
            if shared.holds(*index, names)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether something of what is to go is damaged, so that nobody can tell all that belongs to it: what can be read of it can be removed, and
    /// trying again removes no more.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn is_unclear(&self, erased: &BTreeMap<u64, Vec<SectionName>>) -> Result<bool, LedgerError> {
        let shared = self.shared();
        let marks = shared.marks()?;
        let mut graves = shared.graves(marks.least())?;
        graves.extend(shared.to_entomb(erased, &marks)?);
        let plan = shared.plan(&graves, marks.stripped)?;
        Ok(plan.is_unclear || shared.cannot_look_through(&plan, &marks)?)
    }

    /// Removes from this log, which is over and was opened with `options`, what tombstones of later logs have `erased` of it, and `state` of what
    /// its owner kept beside it; and what its own tombstones erase and a crash left. `hidden` is all that is not to be shown of it. Whatever stops this
    /// process in between, it can be done again. `false` when files hold something of it still. Waits, possibly for minutes; who reads this log
    /// meanwhile may be refused.
    ///
    /// # Errors
    /// When the log goes on, another process has it, or something cannot be removed; it can be tried again.
    pub fn strip_closed(
        &self,
        options: &Options,
        erased: &BTreeMap<u64, Vec<SectionName>>,
        hidden: &BTreeMap<u64, Vec<SectionName>>,
        state: &[(String, Option<Vec<u8>>)],
    ) -> Result<bool, LedgerError> {
        let before = self.shared();
        let _alone = before.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_over() || options.dir != before.dir || options.origin != before.origin {
            return Err(LedgerError::Option {
                option: "dir",
                why: format!("`{}` is not a log that is over, or another one", options.dir.display()),
            });
        }
        let keys = before.keys.rocks().dir().to_owned();
        // First of all it is not shown any more.
        self.see_anew(options, hidden)?;
        let stripped = to_strip(options, &keys).and_then(|shared| shared.entombed_elsewhere(erased, state));
        // Also where that failed: what was read before may lie in files that are gone.
        self.see_anew(options, hidden)?;
        stripped
    }

    /// Reads the stores as they are now.
    fn see_anew(&self, options: &Options, hidden: &BTreeMap<u64, Vec<SectionName>>) -> Result<(), LedgerError> {
        let keys = self.shared().keys.rocks().dir().to_owned();
        let fresh = Arc::new(Shared::to_read(options.clone(), &keys, hidden)?);
        *self.0.shared.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

/// The log that a tombstone names, where that is another one than its own.
pub(crate) fn elsewhere(facts: &Value) -> Option<&str> {
    facts.get(LOG)?.get("origin")?.as_str()
}

fn said(tombstone: u64, facts: &Value) -> Option<Entombed> {
    let mut macs: BTreeMap<SectionName, SectionMac> = BTreeMap::new();
    for (name, mac) in facts.get("macs")?.as_object()? {
        let mut bytes = [0; 32];
        hex::decode_to_slice(mac.as_str()?, &mut bytes).ok()?;
        macs.insert(name.parse().ok()?, bytes);
    }
    let names = facts.get("sections")?.as_array()?.iter();
    Some(Entombed {
        tombstone,
        index: facts.get("index")?.as_u64()?,
        leaf: leaf_hash(&entry(&macs)),
        sections: names.filter_map(|name| name.as_str()?.parse().ok()).collect(),
    })
}

/// The stores of a log that is over, opened so that something can be removed from them.
fn to_strip(options: &Options, keys: &Path) -> Result<Shared, LedgerError> {
    let evidence = Evidence::open(&options.dir.join("evidence"))?;
    let mut options = options.clone();
    let kek = Zeroizing::new(std::mem::take(&mut options.kek));
    let mut log = Rocks::open(&options.dir.join("log"), &Part::ALL, &options.dir)?;
    let keys = Keys::open(keys, kek, &options.dir)?;
    log.complete(&Part::ALL)?;
    let shared = Shared::over(options, log, keys, evidence)?;
    // The index of an older format does not know of each document who lists it, nor of each record what it leads to.
    upgrade(&shared, shared.published().size())?;
    Ok(shared)
}

impl Shared {
    /// Writes down what is to go, with what changes beside it, and removes it.
    fn entombed_elsewhere(
        &self,
        erased: &BTreeMap<u64, Vec<SectionName>>,
        state: &[(String, Option<Vec<u8>>)],
    ) -> Result<bool, LedgerError> {
        let mut batch = self.log.batch();
        for (number, grave) in self.to_entomb(erased, &self.marks()?)? {
            batch.put(Part::State, &grave_key(number), &grave.encode())?;
        }
        for (key, value) in state {
            match value {
                Some(value) => batch.put(Part::State, &state_key(key), value)?,
                None => batch.delete(Part::State, &state_key(key))?,
            }
        }
        if !batch.is_empty() {
            batch.write_synced()?;
        }
        self.settle_drafts()?;
        let mut is_done = finish_erasures(self, Documents::OfWhatGoes)?;
        for _ in 1..TRIES {
            if is_done {
                break;
            }
            is_done = self.bury(super::strip::Stripped::default())?;
        }
        Ok(is_done)
    }

    /// What of this is to be written down, with its number: what is not known yet, and what is there again though it was finished.
    fn to_entomb(
        &self,
        erased: &BTreeMap<u64, Vec<SectionName>>,
        marks: &Marks,
    ) -> Result<Vec<(u64, Grave)>, LedgerError> {
        let before = self.graves(0)?;
        let mut known: BTreeMap<u64, Vec<&(u64, Grave)>> = BTreeMap::new();
        for one in &before {
            known.entry(one.1.target).or_default().push(one);
        }
        let is_among = |target: &u64, sections: &[SectionName], from: u64| {
            let of_it = known
                .get(target)
                .into_iter()
                .flatten()
                .filter(|(number, _)| *number >= from);
            let of_it: BTreeSet<&SectionName> = of_it.flat_map(|(_, grave)| &grave.sections).collect();
            sections.iter().all(|name| of_it.contains(name))
        };
        // After its own tombstones, which are records of it, and after whatever any store says is done.
        let size = self.published().size();
        let last = before.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
        let numbers = size.max(last).max(marks.most())..;
        let mut found = Vec::new();
        for (target, sections) in erased.iter().filter(|(target, _)| **target < size) {
            let is_known = match self.held(*target, sections)? {
                Held::Nothing => is_among(target, sections, 0),
                Held::Some => false,
                // What is not finished is tried again as it stands there; written anew each time, it would never end.
                Held::Unread => is_among(target, sections, marks.least()),
            };
            if !is_known {
                let sections = sections.clone();
                found.push(Grave {
                    target: *target,
                    sections,
                });
            }
        }
        Ok(numbers.zip(found).collect())
    }

    fn holds(&self, index: u64, names: &[SectionName]) -> Result<bool, LedgerError> {
        Ok(self.held(index, names)? != Held::Nothing)
    }

    fn held(&self, index: u64, names: &[SectionName]) -> Result<Held, LedgerError> {
        let row = match self.row(index) {
            Err(error) if error.is_altered() => return Ok(Held::Unread),
            other => other?.0,
        };
        let mut left = row.sections.iter().filter(|section| section.sealed.is_some());
        Ok(match left.any(|section| names.contains(&section.name)) {
            true => Held::Some,
            false => Held::Nothing,
        })
    }
}

/// What is there of some sections of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    Some,
    /// Nobody can tell: the record is damaged.
    Unread,
}

mod documents;
#[cfg(test)]
mod tests;
