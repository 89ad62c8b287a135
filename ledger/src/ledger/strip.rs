//! Removing what tombstones erase, from every store. `bury` has what is left in files rewritten, and does all of it again when the log is
//! opened, where a crash or a restored backup left something.
//!
//! The order: bytes, index entries and small documents go in one write; then large documents; then the keys; then the files that still
//! hold the deleted bytes are rewritten; and only then it counts as finished. Each step can be done twice.

use super::Shared;
use crate::error::LedgerError;
use crate::record::{Term, listed};
use crate::section::SectionName;
use crate::store::codec::{Grave, Row, STRIPPED, document_key, document_prefix, term_key, wrapped_key};
use crate::store::rocks::Part;
use crate::store::scrub::Touched;
use herleid_vocab::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

/// What has to be rewritten so that nothing is left of it in the files.
#[derive(Debug, Default)]
pub(crate) struct Stripped {
    pub(crate) log: Vec<Touched>,
    pub(crate) keys: Vec<Touched>,
    /// Of the log's store and of that of the keys, whether its manifest may name what left its tables.
    pub(crate) named: [bool; 2],
    /// Number after that of the last tombstone; 0 when there is none.
    pub(crate) below: u64,
    /// Whether something was damaged, so that more may have to go than went.
    pub(crate) is_unclear: bool,
}

/// Records that lie nearer together than this are rewritten in one go.
const NEAR: u64 = 4_096;
/// More index entries or documents than this: the part is rewritten as a whole.
const SINGLE: usize = 64;

/// What the parts of one record that go name, and what those that stay do not name.
#[derive(Debug, Default)]
struct Named {
    documents: BTreeSet<[u8; 32]>,
    digests: BTreeSet<[u8; 32]>,
}

/// A record as it is to be.
#[derive(Debug)]
pub(super) struct Bared {
    row: Row,
    pub(super) erased: BTreeSet<SectionName>,
    /// Whether it is stored otherwise.
    is_new: bool,
}

/// A record of which a part that goes cannot be read: the index alone tells what that named.
#[derive(Debug)]
struct Unread {
    lists_documents: bool,
    /// What the parts that stay name.
    kept: BTreeSet<[u8; 32]>,
}

/// What goes, found before anything does.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) records: BTreeMap<u64, Bared>,
    index_keys: BTreeSet<Vec<u8>>,
    /// Lineage entries by what is left.
    lineage: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Documents that no other record lists.
    pub(crate) unlisted: Vec<[u8; 32]>,
    pub(crate) below: u64,
    pub(super) is_unclear: bool,
}

impl Shared {
    /// Removes what these tombstones, by record number, erase, and large documents that had to stay before. Only on the thread that writes.
    /// Synced when this returns.
    pub(crate) fn strip(&self, graves: &[(u64, Grave)], below: u64) -> Result<Stripped, LedgerError> {
        let plan = self.plan(graves, 0)?;
        if !graves.is_empty() {
            self.strip_log(&plan)?;
        }
        self.strip_evidence(&plan.unlisted, below)?;
        self.strip_keys(&plan)?;
        Ok(plan.touched(false))
    }

    /// What goes. Of tombstones below `stripped` the log's store has nothing left to find.
    pub(crate) fn plan(&self, graves: &[(u64, Grave)], stripped: u64) -> Result<Plan, LedgerError> {
        let mut sections: BTreeMap<u64, (BTreeSet<SectionName>, bool)> = BTreeMap::new();
        for (tombstone, grave) in graves {
            let (erased, is_open) = sections.entry(grave.target).or_default();
            erased.extend(&grave.sections);
            *is_open |= *tombstone >= stripped;
        }
        let mut plan = Plan {
            below: graves.iter().map(|(tombstone, _)| tombstone + 1).max().unwrap_or(0),
            ..Plan::default()
        };
        let (mut named, mut unread) = (BTreeMap::new(), BTreeMap::new());
        for (target, (erased, is_open)) in sections {
            let mut row = match self.row(target) {
                // The audit names it; the tombstone is durable, and must not keep the log from being opened.
                Err(error) if error.is_altered() => {
                    plan.is_unclear = true;
                    continue;
                }
                other => other?.0,
            };
            if is_open {
                match self.named(target, &row, &erased)? {
                    Read::All(found) => drop(named.insert(target, found)),
                    Read::NotWhatGoes(found) => drop(unread.insert(target, found)),
                    // An entry too many says less than is lost with one too few.
                    Read::NotWhatStays(found) => {
                        plan.is_unclear = true;
                        named.insert(target, found);
                    }
                }
            }
            let (before, mut is_new) = (row.clone(), false);
            for section in row.sections.iter_mut().filter(|section| erased.contains(&section.name)) {
                is_new |= section.sealed.take().is_some();
            }
            if is_open {
                let links = self.bare_links(target, &before, &row)?;
                plan.is_unclear |= links.is_unclear;
                plan.index_keys.extend(links.gone);
                plan.lineage.extend(links.anew);
            }
            plan.records.insert(target, Bared { row, erased, is_new });
        }
        named.extend(self.found(&unread)?);

        let mut documents: BTreeMap<[u8; 32], BTreeSet<u64>> = BTreeMap::new();
        for (target, named) in named {
            for digest in named.documents {
                plan.index_keys.insert(document_key(&digest, target));
                documents.entry(digest).or_default().insert(target);
            }
            for digest in named.digests {
                for term in terms(digest) {
                    let key = term_key(&term.stored_key(), target);
                    if self.log.has(Part::Index, &key)? {
                        plan.index_keys.insert(key);
                    }
                }
            }
        }
        for (digest, removed) in &documents {
            if !self.lists(digest, |index| !removed.contains(&index))? {
                plan.unlisted.push(*digest);
            }
        }
        Ok(plan)
    }

    pub(crate) fn strip_log(&self, plan: &Plan) -> Result<(), LedgerError> {
        let mut batch = self.log.batch();
        for (target, bared) in plan.records.iter().filter(|(_, bared)| bared.is_new) {
            batch.put(Part::Records, &target.to_be_bytes(), &bared.row.encode())?;
        }
        for key in &plan.index_keys {
            batch.delete(Part::Index, key)?;
        }
        for (key, entry) in &plan.lineage {
            batch.put(Part::Index, key, entry)?;
        }
        for digest in &plan.unlisted {
            batch.delete(Part::Evidence, digest)?;
        }
        let unburied = self.unburied.lock().unwrap_or_else(PoisonError::into_inner);
        if !plan.is_unclear && !unburied.is_unclear {
            batch.put(Part::State, STRIPPED, &plan.below.to_be_bytes())?;
        }
        batch.write_synced()
    }

    /// Removes large documents: these, and those that had to stay before and that nobody lists now.
    pub(crate) fn strip_evidence(&self, unlisted: &[[u8; 32]], below: u64) -> Result<(), LedgerError> {
        let mut gone = unlisted.to_vec();
        for digest in self.evidence.left() {
            match self.lists(&digest, |_| true)? {
                true => self.evidence.stays(&digest),
                false => gone.push(digest),
            }
        }
        self.evidence.remove(&gone)?;
        match self.evidence.left().is_empty() {
            true => self.evidence.finish(below),
            false => Ok(()),
        }
    }

    pub(crate) fn strip_keys(&self, plan: &Plan) -> Result<(), LedgerError> {
        let mut batch = self.keys.rocks().batch();
        for bared in plan.records.values() {
            let erased: Vec<SectionName> = bared.erased.iter().copied().collect();
            let staying = bared
                .row
                .sections
                .iter()
                .filter(|section| section.sealed.is_some())
                .count();
            if let Some(kept) = self.keys.without(&bared.row.id, &erased, staying)? {
                batch.put(Part::State, &wrapped_key(&bared.row.id), &kept)?;
            }
        }
        match batch.is_empty() {
            true => Ok(()),
            false => batch.write_synced(),
        }
    }

    /// What the erased sections of a record name.
    fn named(&self, target: u64, row: &Row, erased: &BTreeSet<SectionName>) -> Result<Read, LedgerError> {
        let roots = match self.keys.roots(&self.origin, &row.id) {
            Err(error) if error.is_altered() => Vec::new(),
            other => other?,
        };
        let (mut named, mut kept) = (Named::default(), BTreeSet::new());
        let (mut is_gone_read, mut is_kept_read) = (true, true);
        for section in &row.sections {
            let goes = erased.contains(&section.name);
            let bytes = match self.open_section(target, row, section.name, &roots) {
                Ok(Some((bytes, _))) => bytes,
                // What was erased before names nothing any more; what goes now and is not there may have left its entries.
                Ok(None) if !goes => continue,
                unread => {
                    if let Err(error) = unread
                        && !error.is_altered()
                    {
                        return Err(error);
                    }
                    let is_read = if goes { &mut is_gone_read } else { &mut is_kept_read };
                    *is_read = false;
                    continue;
                }
            };
            let of_it = if goes { &mut named.digests } else { &mut kept };
            of_it.extend(digests(&bytes));
            if goes
                && section.name == SectionName::Evidence
                && let Ok(value) = json::parse_section(&bytes)
            {
                named.documents.extend(listed(&value).into_iter().flatten());
            }
        }
        named.digests = named.digests.difference(&kept).copied().collect();
        Ok(match (is_gone_read, is_kept_read) {
            (true, true) => Read::All(named),
            (false, true) => Read::NotWhatGoes(Unread {
                lists_documents: erased.contains(&SectionName::Evidence),
                kept,
            }),
            (_, false) => {
                named.digests.clear();
                Read::NotWhatStays(named)
            }
        })
    }

    /// Whether what may still be read of a record has this digest; in a log that is over nothing is removed.
    pub(super) fn still_names(&self, index: u64, digest: &[u8; 32]) -> Result<bool, LedgerError> {
        if !self.masked.contains_key(&index) {
            return Ok(true);
        }
        let (row, _) = self.row(index)?;
        let roots = match self.keys.roots(&self.origin, &row.id) {
            Err(error) if error.is_altered() => Vec::new(),
            other => other?,
        };
        for section in &row.sections {
            let is_named = match self.open_section(index, &row, section.name, &roots) {
                Ok(Some((bytes, _))) => digests(&bytes).any(|found| found == *digest),
                Ok(None) => false,
                // What the log makes itself names no bytes. What cannot be read may name these.
                Err(error) if error.is_altered() => !section.name.is_made_by_the_log(),
                Err(error) => return Err(error),
            };
            if is_named {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same by the index alone, which is looked through once for all.
    fn found(&self, unread: &BTreeMap<u64, Unread>) -> Result<BTreeMap<u64, Named>, LedgerError> {
        let mut found: BTreeMap<u64, Named> = BTreeMap::new();
        let of = |key: &[u8]| {
            let (digest, index) = key.split_first_chunk::<32>()?;
            let index = u64::from_be_bytes(<[u8; 8]>::try_from(index).ok()?);
            Some((*digest, index, unread.get(&index)?))
        };
        if unread.values().any(|unread| unread.lists_documents) {
            self.log.scan(Part::Index, b"e", |key, _| {
                if let Some((digest, index, _)) = of(key).filter(|(.., unread)| unread.lists_documents) {
                    found.entry(index).or_default().documents.insert(digest);
                }
                true
            })?;
        }
        let kinds = terms([0; 32]);
        for term in kinds.iter().filter(|_| !unread.is_empty()) {
            // Tag and length are the same for all of a kind.
            let stored = term_key(&term.stored_key(), 0);
            let prefix = stored.get(..stored.len() - 40).unwrap_or_default();
            self.log.scan(Part::Index, prefix, |key, _| {
                if let Some((digest, index, _)) = of(key).filter(|(digest, _, unread)| !unread.kept.contains(digest)) {
                    found.entry(index).or_default().digests.insert(digest);
                }
                true
            })?;
        }
        Ok(found)
    }

    /// Whether any record that `counts` lists this document.
    pub(crate) fn lists(&self, digest: &[u8; 32], counts: impl Fn(u64) -> bool) -> Result<bool, LedgerError> {
        let mut found = false;
        self.log.scan(Part::Index, &document_prefix(digest), |index, _| {
            found = <[u8; 8]>::try_from(index).is_ok_and(|index| counts(u64::from_be_bytes(index)));
            !found
        })?;
        Ok(found)
    }
}

/// What could be read of a record.
enum Read {
    All(Named),
    NotWhatGoes(Unread),
    NotWhatStays(Named),
}

/// Terms that a digest in a section can stand under.
const fn terms(digest: [u8; 32]) -> [Term; 3] {
    [Term::Digest(digest), Term::RunInput(digest), Term::RunOutput(digest)]
}

/// Every run of exactly 64 lower-case hex digits in a section.
fn digests(bytes: &[u8]) -> impl Iterator<Item = [u8; 32]> {
    let runs = bytes.split(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    runs.filter(|run| run.len() == 64).filter_map(|run| {
        let mut digest = [0; 32];
        hex::decode_to_slice(run, &mut digest).ok().map(|()| digest)
    })
}

impl Plan {
    /// What has to be rewritten. When it is done again, nobody knows what went before: whole parts then.
    pub(crate) fn touched(self, again: bool) -> Stripped {
        let mut stripped = Stripped {
            below: self.below,
            is_unclear: self.is_unclear,
            ..Stripped::default()
        };
        // Numbers and ids both grow with time, so records that are neighbours are so in both stores.
        let mut near: Vec<(u64, u64, Vec<u8>, Vec<u8>)> = Vec::new();
        for (target, bared) in self.records {
            let key = wrapped_key(&bared.row.id);
            match near.last_mut() {
                Some((_, last, least, most)) if target - *last <= NEAR => {
                    *last = target;
                    *least = key.clone().min(std::mem::take(least));
                    *most = key.max(std::mem::take(most));
                }
                _ => near.push((target, target, key.clone(), key)),
            }
        }
        for (first, last, least, most) in near {
            let numbers = (first.to_be_bytes().to_vec(), last.to_be_bytes().to_vec());
            stripped.log.push((Part::Records, Some(numbers)));
            stripped.keys.push((Part::State, Some((least, most))));
        }
        if again {
            let parts = [Part::State, Part::Index, Part::Evidence];
            stripped.log.extend(parts.map(|part| (part, None)));
            return stripped;
        }
        let unlisted: Vec<Vec<u8>> = self.unlisted.iter().map(|digest| digest.to_vec()).collect();
        for (part, keys) in [
            (
                Part::Index,
                self.index_keys.into_iter().chain(self.lineage.into_keys()).collect(),
            ),
            (Part::Evidence, unlisted),
        ] {
            if keys.len() > SINGLE {
                stripped.log.push((part, None));
            } else {
                let single = keys.into_iter().map(|key: Vec<u8>| (part, Some((key.clone(), key))));
                stripped.log.extend(single);
            }
        }
        stripped
    }
}

#[cfg(test)]
pub(in crate::ledger) mod tests;
