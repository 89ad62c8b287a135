//! Checking a whole log: every byte that can be recomputed is.

use super::over::elsewhere;
use super::terms::StreamTerms;
use super::upgrade::has_terms;
use super::{Ledger, Shared};
use crate::checkpoint::CheckpointBody;
use crate::error::LedgerError;
use crate::handover::entry;
use crate::merkle::{Frontier, Hash, leaf_hash};
use crate::record::{Kind, Term, listed};
use crate::section::SectionName;
use crate::store::codec::{HEAD, Head, StoredSection, StreamPlace, document_key, leaf_key, stream_key};
use crate::store::rocks::Part;
use crate::store::tiles;
use crate::tile::FULL_WIDTH;
use herleid_vocab::json;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::PoisonError;

/// What a check of the whole log found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Records checked.
    pub size: u64,
    /// Root that they lead to, as signed.
    pub root: Hash,
    /// Streams without a gap.
    pub streams: u64,
    /// Sections that were erased, whose MACs still stand.
    pub erased_sections: u64,
    /// Documents in evidence, each with the digest in its name.
    pub documents: u64,
}

/// What is carried from record to record.
#[derive(Default)]
struct Walk {
    frontier: Frontier,
    recorded_at_ms: u64,
    /// Stream id to number and leaf hash.
    streams: HashMap<String, (u64, Hash)>,
    erased_sections: u64,
    /// Sections without bytes, and those that tombstones speak of, by record.
    gone: BTreeMap<u64, BTreeSet<SectionName>>,
    entombed: BTreeMap<u64, BTreeSet<SectionName>>,
    documents: u64,
    has_lineage: bool,
    /// What records are found by because of their streams; `None` where an older version wrote no such entries.
    terms: Option<StreamTerms>,
    /// Records of kinds that are looked for.
    kinds: BTreeMap<Kind, u64>,
}

impl Walk {
    /// Takes down what a tombstone speaks of.
    fn entomb(&mut self, facts: &Value) {
        // What is about another log says nothing of this one.
        if elsewhere(facts).is_some() {
            return;
        }
        let target = facts.get("index").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let names = facts.get("sections").and_then(Value::as_array).into_iter().flatten();
        let names = names.filter_map(|name| name.as_str()?.parse::<SectionName>().ok());
        self.entombed.entry(target).or_default().extend(names);
    }
}

const FULL: u64 = FULL_WIDTH as u64;

impl Shared {
    pub(super) fn wrong(&self, index: u64, what: &str, expected: impl ToString, found: impl ToString) -> LedgerError {
        self.corrupt(
            format!("{what} of record {index}"),
            expected.to_string(),
            found.to_string(),
        )
    }

    fn check_record(&self, walk: &mut Walk, index: u64, stored: &[u8], stored_leaf: &Hash) -> Result<(), LedgerError> {
        let (row, macs) = self.row(index)?;
        let made = entry(&macs);
        if made != stored {
            // Which of the two it is that was altered.
            if leaf_hash(stored) == *stored_leaf {
                return Err(self.other_leaf(index, stored_leaf, &leaf_hash(&made)));
            }
            return Err(self.wrong(index, "the entry", hex::encode(made), hex::encode(stored)));
        }
        let leaf = leaf_hash(&made);
        if leaf != *stored_leaf {
            return Err(self.wrong(index, "the leaf hash", hex::encode(leaf), hex::encode(stored_leaf)));
        }
        if self.log.get(Part::Index, &leaf_key(&leaf))?.as_deref() != Some(&index.to_be_bytes()) {
            return Err(self.wrong(index, "the index entry", "its leaf hash", "none, or another record"));
        }
        let roots = self.keys.roots(&self.origin, &row.id)?;
        let mut sections: HashMap<SectionName, Value> = HashMap::new();
        for name in macs.keys() {
            match self.open_section(index, &row, *name, &roots)? {
                None => {
                    walk.erased_sections += 1;
                    walk.gone.entry(index).or_default().insert(*name);
                }
                Some((bytes, _)) => {
                    let value = json::parse_section(&bytes);
                    let value = value.map_err(|error| self.wrong(index, name.as_str(), "a section", error))?;
                    sections.insert(*name, value);
                }
            }
        }
        let kind = self.check_envelope(walk, index, &row.id.hyphenated().to_string(), &sections)?;
        if let Some(facts) = sections.get(&SectionName::Facts).filter(|_| kind == Kind::Erased) {
            walk.entomb(facts);
        }
        kind.check(|name| macs.contains_key(&name), |name| sections.get(&name))
            .map_err(|error| self.wrong(index, "the form", "what its kind asks for", error))?;
        for name in [
            SectionName::StreamAgreement,
            SectionName::StreamCase,
            SectionName::StreamModel,
        ] {
            if let Some(section) = sections.get(&name) {
                self.check_stream(walk, index, name, section, leaf)?;
            }
        }
        for digest in sections.get(&SectionName::Evidence).map(listed).unwrap_or_default() {
            let digest =
                digest.map_err(|other| self.wrong(index, "`evidence.documents`", "a SHA-256 in each", other))?;
            let name = hex::encode(digest);
            let is_there = self.document(&digest)?.is_some();
            // Without it the document would seem to belong to others alone, and go when they are erased.
            let is_indexed = self.log.has(Part::Index, &document_key(&digest, index))?;
            if !(is_there && is_indexed) {
                // It may have been erased since the row was read.
                let (row, _) = self.row(index)?;
                let is_erased =
                    |section: &StoredSection| section.name == SectionName::Evidence && section.sealed.is_none();
                if row.sections.iter().any(is_erased) {
                    walk.erased_sections += 1;
                    walk.gone.entry(index).or_default().insert(SectionName::Evidence);
                    break;
                }
                return Err(match is_there {
                    false => self.wrong(index, "a document", format!("`{name}` in evidence"), "none"),
                    true => self.wrong(index, "the index entry", format!("of document `{name}`"), "none"),
                });
            }
            walk.documents += 1;
        }
        let links = self.links_from(|name| sections.get(&name));
        if let (Some(terms), Some(links)) = (&walk.terms, &links) {
            self.check_terms(index, &terms.of(links))?;
            *walk.kinds.entry(kind).or_default() += 1;
        }
        if walk.has_lineage {
            self.check_links(index, links.as_ref())?;
        }
        walk.frontier.append(leaf, |_, _, _| {});
        Ok(())
    }

    fn check_envelope(
        &self,
        walk: &mut Walk,
        index: u64,
        id: &str,
        sections: &HashMap<SectionName, Value>,
    ) -> Result<Kind, LedgerError> {
        let envelope = sections.get(&SectionName::Envelope);
        let envelope = envelope.ok_or_else(|| self.wrong(index, "the envelope", "one", "none"))?;
        let text = |member: &str| envelope.get(member).and_then(Value::as_str).unwrap_or_default();
        for (member, expected) in [("id", id), ("party", self.party.as_str())] {
            if text(member) != expected {
                return Err(self.wrong(index, &format!("`{member}`"), expected, text(member)));
            }
        }
        let kind: Result<Kind, _> = text("kind").parse();
        let kind = kind.map_err(|error| self.wrong(index, "`kind`", "a registered kind", error))?;
        if (kind == Kind::LogOpened) != (index == 0) {
            return Err(self.wrong(index, "`kind`", "`log-opened` first and nowhere else", kind));
        }
        let recorded_at_ms = envelope.get("recordedAt").and_then(Value::as_u64).unwrap_or(0);
        if recorded_at_ms < walk.recorded_at_ms {
            let expected = format!("not below {}", walk.recorded_at_ms);
            return Err(self.wrong(index, "`recordedAt`", expected, recorded_at_ms));
        }
        walk.recorded_at_ms = recorded_at_ms;
        Ok(kind)
    }

    fn check_stream(
        &self,
        walk: &mut Walk,
        index: u64,
        name: SectionName,
        section: &Value,
        leaf: Hash,
    ) -> Result<(), LedgerError> {
        let id = section.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let last = walk.streams.get(&id).copied();
        let expected = serde_json::json!({
            "id": id,
            "n": last.map_or(1, |(n, _)| n + 1),
            "prev": last.map(|(_, leaf)| hex::encode(leaf)),
        });
        if *section != expected {
            return Err(self.wrong(index, name.as_str(), expected, section));
        }
        walk.streams.insert(id, (last.map_or(1, |(n, _)| n + 1), leaf));
        Ok(())
    }
}

impl Ledger {
    /// Checks the whole log up to the latest checkpoint: every section decrypts, has its MAC and its form; every entry, leaf
    /// hash and tile is what the sections make; streams have no gap; times never step back; documents are what their names
    /// say; and the root is the one that was signed. Calls `progress(records done, records in all)` after every 256.
    ///
    /// # Errors
    /// Names the first thing that is wrong, with what was expected and what was found.
    pub fn verify_all(&self, progress: impl FnMut(u64, u64)) -> Result<Audited, LedgerError> {
        self.verify_all_but(&BTreeMap::new(), progress)
    }

    /// [`Self::verify_all`] of a log that is over, of which tombstones of later logs ([`Self::entombed`]) have `erased` these sections.
    ///
    /// # Errors
    /// As there.
    pub fn verify_all_but(
        &self,
        erased: &BTreeMap<u64, Vec<SectionName>>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Audited, LedgerError> {
        let audited = self.verify_while(erased, |done, all| {
            progress(done, all);
            true
        });
        audited.and_then(|audited| audited.ok_or(LedgerError::Closed))
    }

    /// The same for as long as `goes_on(records done, records in all)` says so, which is asked after every 256; `None` when it was broken off.
    ///
    /// # Errors
    /// As there.
    pub fn verify_while(
        &self,
        erased: &BTreeMap<u64, Vec<SectionName>>,
        mut goes_on: impl FnMut(u64, u64) -> bool,
    ) -> Result<Option<Audited>, LedgerError> {
        let shared = self.shared();
        let checkpoint = self.checkpoint();
        let size = checkpoint.size();
        let mut walk = Walk {
            // One that is over stays as an older version wrote it.
            has_lineage: self.has_lineage()?,
            terms: match has_terms(&shared.log)? {
                true => Some(shared.stream_terms()?),
                false => None,
            },
            ..Walk::default()
        };
        for (index, names) in erased.iter().filter(|(index, _)| **index < size) {
            walk.entombed.entry(*index).or_default().extend(names);
        }
        for tile in 0..size.div_ceil(FULL) {
            let first = tile * FULL;
            let width = (size - first).min(FULL) as u16;
            let entries = tiles::entries(&shared.log, tile, width)?;
            let leaves = tiles::hashes(&shared.log, 0, tile, width)?;
            for (index, (entry, leaf)) in (first..).zip(entries.iter().zip(&leaves)) {
                let checked = shared.check_record(&mut walk, index, entry, leaf);
                checked.map_err(|error| shared.of_record(index, error))?;
            }
            if !goes_on(first + u64::from(width), size) {
                return Ok(None);
            }
        }
        self.check_upper_tiles(size)?;
        self.check_stored_streams(&walk.streams, size)?;
        self.check_erasures(&mut walk)?;
        if walk.terms.is_some() {
            shared.check_kinds(&walk.kinds, size)?;
        }
        let root = walk.frontier.root();
        let signed = CheckpointBody {
            origin: shared.origin.clone(),
            size,
            root,
        };
        if signed != *checkpoint.body() {
            return Err(shared.corrupt("the root of the log", hex::encode(checkpoint.root()), hex::encode(root)));
        }
        Ok(Some(Audited {
            size,
            root,
            streams: walk.streams.len() as u64,
            erased_sections: walk.erased_sections,
            documents: walk.documents,
        }))
    }

    /// What has no bytes was erased by a tombstone, and what a tombstone speaks of has none, and no key.
    fn check_erasures(&self, walk: &mut Walk) -> Result<(), LedgerError> {
        let shared = self.shared();
        // An erasure under way has its tombstone first, and its removal next.
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that came while records were walked through count as well; each is held against its leaf.
        let checked = walk.frontier.size();
        let newer = self.by_term(&Term::Kind(Kind::Erased))?.into_iter();
        for index in newer.filter(|index| *index >= checked) {
            let record = self.record(index)?;
            if let Some(facts) = record
                .value(SectionName::Facts)
                .filter(|_| record.kind() == Some(Kind::Erased))
            {
                walk.entomb(&facts);
            }
        }
        for (index, names) in &walk.gone {
            let none = BTreeSet::new();
            let said = walk.entombed.get(index).unwrap_or(&none);
            if let Some(name) = names.difference(said).next() {
                let expected = "its bytes, or an `erased` record about it";
                return Err(shared.wrong(*index, name.as_str(), expected, "neither"));
            }
        }
        for (index, names) in &walk.entombed {
            let (row, _) = shared.row(*index)?;
            let expected = "erased, as an `erased` record says";
            let left = row.sections.iter().filter(|section| section.sealed.is_some());
            if let Some(section) = left.map(|section| section.name).find(|name| names.contains(name)) {
                return Err(shared.wrong(*index, section.as_str(), expected, "its bytes"));
            }
            let roots = shared.keys.roots(&shared.origin, &row.id)?;
            if let Some((name, _)) = roots.iter().find(|(name, _)| names.contains(name)) {
                return Err(shared.wrong(*index, &format!("the key of {name}"), expected, "it"));
            }
        }
        Ok(())
    }

    /// The stored end of each stream, from which the next number is given, is where its records end. Records that came in
    /// during the check may have moved it on.
    fn check_stored_streams(&self, walked: &HashMap<String, (u64, Hash)>, size: u64) -> Result<(), LedgerError> {
        let shared = self.shared();
        let mut stored = HashMap::new();
        shared.log.scan(Part::State, &stream_key(""), |_, place| {
            let place = StreamPlace::decode(place);
            stored.insert(
                place.map_or_else(String::new, |place| place.id.hyphenated().to_string()),
                place,
            );
            true
        })?;
        // Not the size that callers may see: what a batch moves on is in the store before.
        let head = shared.log.get(Part::State, HEAD)?;
        let head = head.as_deref().and_then(Head::decode);
        let head = head.ok_or_else(|| shared.corrupt("the stored head", "size, time, root and right edge", "none"))?;
        let has_grown = head.0.frontier.size() > size;
        for (id, (n, leaf)) in walked {
            let expected = || format!("number {n} at leaf {}", hex::encode(leaf));
            let wrong = |found: String| shared.corrupt(format!("the stored end of stream `{id}`"), expected(), found);
            let place = stored.remove(id).flatten().ok_or_else(|| wrong("none".to_owned()))?;
            if (place.n, place.leaf) != (*n, *leaf) && !(has_grown && place.n > *n) {
                return Err(wrong(format!("number {} at leaf {}", place.n, hex::encode(place.leaf))));
            }
        }
        match stored.keys().next() {
            Some(id) if !has_grown => Err(shared.corrupt(format!("the stored stream `{id}`"), "records in it", "none")),
            _ => Ok(()),
        }
    }

    /// Every hash of level 1 and above is the root of the full tile below it.
    fn check_upper_tiles(&self, size: u64) -> Result<(), LedgerError> {
        let shared = self.shared();
        for level in 1..8u8 {
            let hashes = crate::tile::hashes_at(level, size);
            for tile in 0..hashes.div_ceil(FULL) {
                let first = tile * FULL;
                let width = (hashes - first).min(FULL) as u16;
                let stored = tiles::hashes(&shared.log, level, tile, width)?;
                for (number, hash) in (first..).zip(stored) {
                    let below = tiles::hashes(&shared.log, level - 1, number, FULL_WIDTH)?;
                    let made = crate::merkle::root(&below);
                    if made != hash {
                        let what = format!("hash {number} of tile level {level}");
                        return Err(shared.corrupt(what, hex::encode(made), hex::encode(hash)));
                    }
                }
            }
        }
        Ok(())
    }
}
