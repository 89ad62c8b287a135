//! `missing.json`: what the party says of what is not there. An explanation excuses nothing, unless an `erased` record in the
//! log proves it.

use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Explained, Findings, Why};
use crate::dossier::Archive;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::json::{self, Limits};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

pub(super) const MISSING: &str = "missing.json";

/// As many explanations as there can be files.
const LIMITS: Limits = Limits {
    max_bytes: 16 << 20,
    max_depth: 8,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    missing: Vec<RawMissing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMissing {
    what: String,
    id: String,
    why: Why,
    explanation: String,
}

/// Explanations by what they explain.
#[derive(Debug, Default)]
pub(super) struct Explanations(BTreeMap<(String, String), (Why, String)>);

/// Reads `missing.json`.
pub(super) fn read<R: Read + Seek>(archive: &mut Archive<R>, findings: &mut Findings) -> Explanations {
    match try_read(archive) {
        Ok(explanations) => explanations,
        Err(reason) => {
            findings.failed(Check::File, MISSING, reason);
            Explanations::default()
        }
    }
}

fn try_read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Explanations, Reason> {
    let bytes = archive
        .read(MISSING, LIMITS.max_bytes as u64)
        .map_err(Reason::refused)?;
    let value = json::parse(&bytes, &LIMITS).map_err(Reason::refused)?;
    let raw: Raw = serde_json::from_value(value).map_err(Reason::refused)?;
    let entries = raw.missing.into_iter();
    Ok(Explanations(
        entries.map(|m| ((m.what, m.id), (m.why, m.explanation))).collect(),
    ))
}

impl Explanations {
    /// What is said of a record that is not there, by stream and number: never proved, for neither a record nor its stream
    /// section is ever erased.
    pub(super) fn record(&self, id: &str) -> Option<Explained> {
        self.find("record", id).map(|(why, explanation)| Explained {
            why,
            explanation,
            proved: false,
        })
    }

    /// What is said of a file that is not there: `what` is `evidence`, `data` or `model`, `id` its SHA-256. An erasure of
    /// evidence is proved by an `erased` record about a record that names the digest; one of data, by an `erased` record about
    /// the content of an exchange that brought it, or of a record that names it.
    pub(super) fn file(&self, what: &str, sha256: &str, records: &[Rec]) -> Option<Explained> {
        self.find(what, sha256).map(|(why, explanation)| Explained {
            why,
            explanation,
            proved: why == Why::Erased && erased_with(what, sha256, records),
        })
    }

    /// What is said of a section that is not opened; its id is `<leaf hash>/<section>`.
    pub(super) fn section(&self, leaf: &str, section: SectionName, records: &[Rec]) -> Option<Explained> {
        let (why, explanation) = self.find("section", &format!("{leaf}/{section}"))?;
        let proved = why == Why::Erased
            && records.iter().any(|rec| {
                hex::encode(rec.leaf) == leaf && tombstones_of(rec, records).any(|stone| erases(stone, section))
            });
        Some(Explained {
            why,
            explanation,
            proved,
        })
    }

    fn find(&self, what: &str, id: &str) -> Option<(Why, String)> {
        self.0.get(&(what.to_owned(), id.to_owned())).cloned()
    }
}

/// Whether an `erased` record covers the file with this digest.
fn erased_with(what: &str, sha256: &str, records: &[Rec]) -> bool {
    let opened = |rec: &Rec| {
        rec.record
            .opened()
            .values()
            .any(|section| section.text().contains(sha256))
    };
    if what != "data" {
        return records
            .iter()
            .filter(|rec| opened(rec))
            .any(|rec| tombstones_of(rec, records).next().is_some());
    }
    let inputs = records
        .iter()
        .filter_map(|rec| rec.section(SectionName::Run)?.get("inputs")?.as_array())
        .flatten();
    let brought: BTreeSet<&str> = inputs
        .filter(|input| input.get("sha256").and_then(Value::as_str) == Some(sha256))
        .filter_map(|input| input.get("transaction")?.as_str())
        .collect();
    records.iter().any(|rec| {
        let transaction = rec.text(SectionName::Exchange, "transaction");
        (opened(rec) || transaction.is_some_and(|transaction| brought.contains(transaction)))
            && tombstones_of(rec, records).any(|stone| erases(stone, SectionName::Content))
    })
}

/// Whether an `erased` record lists this section.
fn erases(tombstone: &Rec, section: SectionName) -> bool {
    let sections = tombstone
        .section(SectionName::Facts)
        .and_then(|facts| facts.get("sections"));
    let sections = sections.and_then(Value::as_array);
    sections.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(section.as_str())))
}

/// `erased` records about this record: same log, its index, and its own map of MACs.
fn tombstones_of<'a>(rec: &'a Rec, records: &'a [Rec]) -> impl Iterator<Item = &'a Rec> {
    records.iter().filter(move |tombstone| {
        let facts = tombstone.section(SectionName::Facts);
        let index = facts.and_then(|facts| facts.get("index")).and_then(Value::as_u64);
        let macs = facts.and_then(|facts| facts.get("macs")).and_then(Value::as_object);
        let same_macs = macs.is_some_and(|macs| {
            let mac = |name: &SectionName| macs.get(name.as_str()).and_then(Value::as_str);
            let own = rec.record.macs();
            macs.len() == own.len() && own.iter().all(|(name, is)| mac(name) == Some(hex::encode(is).as_str()))
        });
        tombstone.kind() == Some(Kind::Erased)
            && !tombstone.is_receipt
            && tombstone.record.origin() == rec.record.origin()
            && index == Some(rec.record.index())
            && same_macs
    })
}
