//! One record may come several times: as a receipt, and under a newer checkpoint. What one copy keeps closed another may open;
//! checks that ask what a dossier shows look at all of them together.

use super::records::Rec;
use herleid_ledger::exchange::{Exchange, ExchangeError};
use herleid_ledger::merkle::Hash;
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::BTreeMap;

/// All records, each with its copies: by log and leaf hash. The leaf alone would not do, since anybody can put another's MACs
/// into a log of their own.
#[derive(Debug)]
pub(super) struct Copies<'a>(BTreeMap<&'a str, BTreeMap<Hash, Vec<&'a Rec>>>);

impl<'a> Copies<'a> {
    pub(super) fn of(records: &'a [Rec]) -> Self {
        let mut logs: BTreeMap<&'a str, BTreeMap<Hash, Vec<&'a Rec>>> = BTreeMap::new();
        for rec in records {
            let log = logs.entry(rec.record.origin()).or_default();
            log.entry(rec.leaf).or_default().push(rec);
        }
        Self(logs)
    }

    /// Every record once, by its first copy.
    pub(super) fn firsts(&self) -> impl Iterator<Item = &'a Rec> {
        let copies = self.0.values().flat_map(|log| log.values());
        copies.filter_map(|copies| copies.first().copied())
    }

    /// A section of this record, if any copy opens it.
    pub(super) fn section(&self, rec: &Rec, name: SectionName) -> Option<&'a Value> {
        let copies = self.0.get(rec.record.origin())?.get(&rec.leaf)?;
        copies.iter().find_map(|copy| copy.section(name))
    }

    /// A text in a section that any copy opens.
    pub(super) fn text(&self, rec: &Rec, name: SectionName, member: &str) -> Option<&'a str> {
        self.section(rec, name)?.get(member)?.as_str()
    }

    /// The exchange of this record, if any copy opens it.
    pub(super) fn exchange(&self, rec: &Rec) -> Option<Result<Exchange, ExchangeError>> {
        self.section(rec, SectionName::Exchange)
            .cloned()
            .map(Exchange::from_value)
    }

    /// The transaction that this record is about, as far as any copy shows it.
    pub(super) fn transaction(&self, rec: &Rec) -> Option<&'a str> {
        [SectionName::Exchange, SectionName::Run]
            .into_iter()
            .find_map(|name| self.text(rec, name, "transaction"))
    }

    /// Whether the record has a section that no copy opens.
    pub(super) fn is_closed(&self, rec: &Rec, name: SectionName) -> bool {
        rec.record.macs().contains_key(&name) && self.section(rec, name).is_none()
    }
}
