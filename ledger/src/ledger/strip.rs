//! Removing what tombstones erase, from every store; and doing it again when the log is opened, where a crash or a restored backup left
//! something of it.
//!
//! The order: bytes, index entries and small documents go in one write; then large documents; then the keys; then the files that still
//! hold the deleted bytes are rewritten; and only then it counts as finished. Each step can be done twice.

use super::Shared;
use crate::error::LedgerError;
use crate::record::{Term, listed};
use crate::section::SectionName;
use crate::store::codec::{
    FINISHED, GRAVES, Grave, Row, document_key, document_prefix, grave_key, term_key, wrapped_key,
};
use crate::store::rocks::{Part, Rocks};
use crate::store::scrub::Touched;
use herleid_vocab::json;
use std::collections::{BTreeMap, BTreeSet};

/// How it is found what a record's erased sections named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// By reading them.
    Sections,
    /// By looking through the whole index: they may be gone, and it not.
    Index,
}

/// What has to be rewritten so that nothing is left of it in the files.
#[derive(Debug, Default)]
pub(crate) struct Stripped {
    pub(crate) log: Vec<Touched>,
    pub(crate) keys: Vec<Touched>,
}

/// Records that lie nearer together than this are rewritten in one go.
const NEAR: u64 = 4_096;
/// More index entries or documents than this: the part is rewritten as a whole.
const SINGLE: usize = 64;

/// The parts of one record that go, and what they named that does not stand in what stays.
#[derive(Default)]
struct Named {
    documents: BTreeSet<[u8; 32]>,
    digests: BTreeSet<[u8; 32]>,
}

/// What goes, found before anything does.
struct Plan {
    sections: BTreeMap<u64, BTreeSet<SectionName>>,
    /// The records as they are to be stored.
    rows: BTreeMap<u64, Row>,
    index_keys: BTreeSet<Vec<u8>>,
    /// Documents that no other record lists.
    unlisted: Vec<[u8; 32]>,
    search: Search,
    /// Number after that of the last tombstone.
    below: u64,
}

impl Shared {
    /// Removes what these tombstones, by record number, erase. Only on the thread that writes. Synced when this returns.
    pub(crate) fn strip(&self, graves: &[(u64, Grave)], search: Search) -> Result<Stripped, LedgerError> {
        let plan = self.plan(graves, search)?;
        self.strip_log(&plan)?;
        self.strip_evidence(&plan)?;
        self.strip_keys(&plan)?;
        Ok(plan.touched())
    }

    fn plan(&self, graves: &[(u64, Grave)], search: Search) -> Result<Plan, LedgerError> {
        let mut sections: BTreeMap<u64, BTreeSet<SectionName>> = BTreeMap::new();
        for (_, grave) in graves {
            sections.entry(grave.target).or_default().extend(&grave.sections);
        }
        let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
        let mut documents: BTreeMap<[u8; 32], BTreeSet<u64>> = BTreeMap::new();
        let mut index_keys: BTreeSet<Vec<u8>> = BTreeSet::new();
        for (target, erased) in &sections {
            let (mut row, _) = self.row(*target)?;
            let (named, kept) = self.named(*target, &row, erased)?;
            let named = match search {
                Search::Sections => named,
                Search::Index => self.found(*target, erased, &kept)?,
            };
            for digest in named.documents {
                index_keys.insert(document_key(&digest, *target));
                documents.entry(digest).or_default().insert(*target);
            }
            for digest in named.digests {
                for term in [Term::Digest(digest), Term::RunInput(digest), Term::RunOutput(digest)] {
                    let key = term_key(&term.stored_key(), *target);
                    if self.log.has(Part::Index, &key)? {
                        index_keys.insert(key);
                    }
                }
            }
            for section in row.sections.iter_mut().filter(|section| erased.contains(&section.name)) {
                section.sealed = None;
            }
            rows.insert(*target, row);
        }
        let mut unlisted = Vec::new();
        for (digest, removed) in &documents {
            if !self.lists(digest, |index| !removed.contains(&index))? {
                unlisted.push(*digest);
            }
        }

        Ok(Plan {
            sections,
            rows,
            index_keys,
            unlisted,
            search,
            below: graves.iter().map(|(tombstone, _)| tombstone + 1).max().unwrap_or(0),
        })
    }

    fn strip_log(&self, plan: &Plan) -> Result<(), LedgerError> {
        let mut batch = self.log.batch();
        for (target, row) in &plan.rows {
            batch.put(Part::Records, &target.to_be_bytes(), &row.encode())?;
        }
        for key in &plan.index_keys {
            batch.delete(Part::Index, key)?;
        }
        for digest in &plan.unlisted {
            batch.delete(Part::Evidence, digest)?;
        }
        batch.write_synced()
    }

    fn strip_evidence(&self, plan: &Plan) -> Result<(), LedgerError> {
        self.evidence.remove(&plan.unlisted)?;
        if plan.search == Search::Index {
            self.evidence.sweep(|digest| self.lists(digest, |_| true))?;
        }
        self.evidence.finish(plan.below)
    }

    fn strip_keys(&self, plan: &Plan) -> Result<(), LedgerError> {
        let mut batch = self.keys.rocks().batch();
        for (target, row) in &plan.rows {
            let erased: Vec<SectionName> = plan.sections.get(target).into_iter().flatten().copied().collect();
            if let Some(kept) = self.keys.without(&row.id, &erased)? {
                batch.put(Part::State, &wrapped_key(&row.id), &kept)?;
            }
        }
        batch.put(Part::State, FINISHED, &plan.below.to_be_bytes())?;
        batch.write_synced()
    }

    /// What the erased sections of a record name, as far as they can still be read, and the text of those that stay.
    fn named(
        &self,
        target: u64,
        row: &Row,
        erased: &BTreeSet<SectionName>,
    ) -> Result<(Named, BTreeSet<[u8; 32]>), LedgerError> {
        // What is damaged names nothing; the audit names it. The tombstone is durable, and must not keep the log from being opened.
        let roots = match self.keys.roots(&self.origin, &row.id) {
            Err(LedgerError::Corrupt { .. }) => Vec::new(),
            other => other?,
        };
        let (mut named, mut kept) = (Named::default(), BTreeSet::new());
        for section in &row.sections {
            let goes = erased.contains(&section.name);
            let bytes = match self.open_section(target, row, section.name, &roots) {
                Ok(Some((bytes, _))) => bytes,
                Ok(None) | Err(LedgerError::Corrupt { .. }) => continue,
                Err(error) => return Err(error),
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
        Ok((named, kept))
    }

    /// The same by the index alone.
    fn found(
        &self,
        target: u64,
        erased: &BTreeSet<SectionName>,
        kept: &BTreeSet<[u8; 32]>,
    ) -> Result<Named, LedgerError> {
        let mut found = Named::default();
        let is_of = |index: &[u8]| index == target.to_be_bytes();
        if erased.contains(&SectionName::Evidence) {
            self.log.scan(Part::Index, b"e", |key, _| {
                if let Some((digest, index)) = key.split_first_chunk::<32>()
                    && is_of(index)
                {
                    found.documents.insert(*digest);
                }
                true
            })?;
        }
        for term in [Term::Digest([0; 32]), Term::RunInput([0; 32]), Term::RunOutput([0; 32])] {
            // Tag and length are the same for all of a kind.
            let stored = term_key(&term.stored_key(), 0);
            let prefix = stored.get(..stored.len() - 40).unwrap_or_default();
            self.log.scan(Part::Index, prefix, |key, _| {
                if let Some((digest, index)) = key.split_first_chunk::<32>()
                    && is_of(index)
                    && !kept.contains(digest)
                {
                    found.digests.insert(*digest);
                }
                true
            })?;
        }
        Ok(found)
    }

    /// Whether any record that `counts` lists this document.
    fn lists(&self, digest: &[u8; 32], counts: impl Fn(u64) -> bool) -> Result<bool, LedgerError> {
        let mut found = false;
        self.log.scan(Part::Index, &document_prefix(digest), |index, _| {
            found = <[u8; 8]>::try_from(index).is_ok_and(|index| counts(u64::from_be_bytes(index)));
            !found
        })?;
        Ok(found)
    }

    /// Rewrites the files that still hold what was removed, and then counts it as finished. `false` when a file is still being read, and
    /// goes when the log is next opened.
    pub(crate) fn bury(&self, stripped: &Stripped, below: u64) -> Result<bool, LedgerError> {
        let log = self.log.scrub(&stripped.log)?;
        let keys = self.keys.rocks().scrub(&stripped.keys)?;
        if !(log && keys) {
            return Ok(false);
        }
        let mut batch = self.log.batch();
        batch.put(Part::State, FINISHED, &below.to_be_bytes())?;
        batch.write_synced()?;
        Ok(true)
    }
}

/// Does what is left to do of the erasures that tombstones in the log speak of.
pub(crate) fn finish_erasures(shared: &Shared) -> Result<(), LedgerError> {
    let below = [
        finished(shared, &shared.log)?,
        finished(shared, shared.keys.rocks())?,
        shared.evidence.finished()?,
    ];
    let from = below.into_iter().min().unwrap_or(0);
    let mut graves = Vec::new();
    let mut damaged = None;
    shared
        .log
        .scan_from(Part::State, GRAVES, &grave_key(from), |tombstone, grave| {
            match (<[u8; 8]>::try_from(tombstone), Grave::decode(grave)) {
                (Ok(tombstone), Some(grave)) => graves.push((u64::from_be_bytes(tombstone), grave)),
                _ => damaged = Some(hex::encode(tombstone)),
            }
            damaged.is_none()
        })?;
    if let Some(key) = damaged {
        return Err(shared.corrupt(
            format!("what the tombstone {key} erases"),
            "a record and sections",
            "other bytes",
        ));
    }
    let Some((last, _)) = graves.last() else {
        return Ok(());
    };
    let below = last + 1;
    tracing::info!(
        tombstones = graves.len(),
        "erasing again: a crash or a restored backup left something of what was erased"
    );
    let stripped = shared.strip(&graves, Search::Index)?;
    if !shared.bury(&stripped, below)? {
        tracing::warn!("files of the store still hold what was erased; they go when the log is next opened");
    }
    Ok(())
}

fn finished(shared: &Shared, rocks: &Rocks) -> Result<u64, LedgerError> {
    let Some(stored) = rocks.get(Part::State, FINISHED)? else {
        return Ok(0);
    };
    let below = <[u8; 8]>::try_from(stored.as_slice()).map(u64::from_be_bytes);
    below.map_err(|_| shared.corrupt("how far erasures are finished", "8 bytes", format!("{}", stored.len())))
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
    /// What has to be rewritten.
    fn touched(self) -> Stripped {
        let mut stripped = Stripped::default();
        // Numbers and ids both grow with time, so records that are neighbours are so in both stores.
        let mut near: Vec<(u64, u64, Vec<u8>, Vec<u8>)> = Vec::new();
        for (target, row) in self.rows {
            let key = wrapped_key(&row.id);
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
        if self.search == Search::Index {
            // What went of the caller's state is not known any more either.
            stripped.log.push((Part::State, None));
        }
        let unlisted: Vec<Vec<u8>> = self.unlisted.iter().map(|digest| digest.to_vec()).collect();
        for (part, keys) in [
            (Part::Index, self.index_keys.into_iter().collect()),
            (Part::Evidence, unlisted),
        ] {
            if self.search == Search::Index || keys.len() > SINGLE {
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
mod tests;
