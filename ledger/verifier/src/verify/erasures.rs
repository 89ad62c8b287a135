//! What `erased` records in the dossier prove to have been erased. Found once, so that asking costs nothing however many files
//! are not there.

use super::records::Rec;
use crate::hex32;
use herleid_ledger::handover::entry;
use herleid_ledger::merkle::{self, Hash};
use herleid_ledger::record::Kind;
use herleid_ledger::section::{SectionMac, SectionName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Sections by record: its log and its leaf. The leaf alone would not do, since anybody can put another's MACs into a log of
/// their own, and a tombstone for them after that.
type Sections = BTreeMap<String, BTreeMap<Hash, BTreeSet<SectionName>>>;

/// Sections and files that tombstones cover.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    sections: Sections,
    evidence: BTreeSet<String>,
    data: BTreeSet<String>,
}

impl Erasures {
    pub(super) fn of(records: &[Rec]) -> Self {
        let stones = tombstones(records);
        let mut found = Self::default();
        let mut transactions: BTreeSet<&str> = BTreeSet::new();
        for rec in records {
            let Some(erased) = stones.get(&(rec.record.origin(), rec.record.index(), rec.leaf)) else {
                continue;
            };
            let log = found.sections.entry(rec.record.origin().to_owned()).or_default();
            log.entry(rec.leaf).or_default().extend(erased);
            if erased.contains(&SectionName::Evidence) {
                let texts = rec.record.opened().get(&SectionName::Evidence);
                found.evidence.extend(texts.into_iter().flat_map(|s| digests(s.text())));
            }
            if erased.contains(&SectionName::Content) {
                let texts = rec.record.opened().values();
                found.data.extend(texts.flat_map(|section| digests(section.text())));
                transactions.extend(rec.text(SectionName::Exchange, "transaction"));
            }
        }
        // An input of a run whose pull has lost its content, whether a record of that pull names the digest or not.
        let inputs = records
            .iter()
            .filter_map(|rec| rec.section(SectionName::Run)?.get("inputs")?.as_array());
        for input in inputs.flatten() {
            let text = |member: &str| input.get(member).and_then(Value::as_str);
            if let (Some(transaction), Some(sha256)) = (text("transaction"), text("sha256"))
                && transactions.contains(transaction)
            {
                found.data.insert(sha256.to_owned());
            }
        }
        found
    }

    /// Whether this section of a record was erased. A place in a stream never is: what remains of a record keeps its number.
    pub(super) fn has_section(&self, rec: &Rec, section: SectionName) -> bool {
        let is_number = matches!(
            section,
            SectionName::StreamAgreement | SectionName::StreamCase | SectionName::StreamModel
        );
        let erased = self
            .sections
            .get(rec.record.origin())
            .and_then(|log| log.get(&rec.leaf));
        !is_number && erased.is_some_and(|erased| erased.contains(&section))
    }

    /// Whether a file was erased; `what` is `evidence` or `data`.
    pub(super) fn has_file(&self, what: &str, sha256: &str) -> bool {
        match what {
            "evidence" => self.evidence.contains(sha256),
            "data" => self.data.contains(sha256),
            _ => false,
        }
    }
}

/// Sections listed by `erased` records, by the record that they are about: its log, its index and, from all of its MACs, its leaf.
fn tombstones(records: &[Rec]) -> BTreeMap<(&str, u64, Hash), BTreeSet<SectionName>> {
    let mut stones: BTreeMap<(&str, u64, Hash), BTreeSet<SectionName>> = BTreeMap::new();
    // A receipt is under no witnessed checkpoint: it could be taken back again.
    for rec in records
        .iter()
        .filter(|rec| rec.kind() == Some(Kind::Erased) && !rec.is_receipt)
    {
        let Some(facts) = rec.section(SectionName::Facts) else {
            continue;
        };
        let index = facts.get("index").and_then(Value::as_u64);
        let Some((index, leaf)) = index.zip(facts.get("macs").and_then(leaf_of)) else {
            continue;
        };
        let listed = facts.get("sections").and_then(Value::as_array).into_iter().flatten();
        let names = listed.filter_map(|name| name.as_str()?.parse::<SectionName>().ok());
        stones
            .entry((rec.record.origin(), index, leaf))
            .or_default()
            .extend(names);
    }
    stones
}

/// The leaf hash of a record with this map of MACs.
fn leaf_of(macs: &Value) -> Option<Hash> {
    let mut parsed: BTreeMap<SectionName, SectionMac> = BTreeMap::new();
    for (name, mac) in macs.as_object()? {
        parsed.insert(name.parse().ok()?, hex32(mac.as_str()?)?);
    }
    Some(merkle::leaf_hash(&entry(&parsed)))
}

/// Every run of exactly 64 lower-case hex digits in a text.
fn digests(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !matches!(c, '0'..='9' | 'a'..='f'))
        .filter(|run| run.len() == 64)
        .map(str::to_owned)
}
