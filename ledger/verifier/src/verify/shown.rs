//! Which runs a dossier shows: `exchange` alone does not, since it holds a salted MAC of what was exchanged and nothing else.

use super::copies::Copies;
use super::exchanges::Joined;
use super::explanations::Explanations;
use super::reason::Reason;
use super::records::Rec;
use super::verdict::{Check, Explained, Findings};
use herleid_ledger::exchange::Phase;
use herleid_ledger::section::SectionName;
use std::collections::{BTreeMap, BTreeSet};

/// What shows a run: its inputs, outputs and status, and its parameters.
const SHOWING: [SectionName; 2] = [SectionName::Run, SectionName::Parameters];

/// Runs by transaction.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    copies: &'a Copies<'a>,
    /// Sections that some record of the transaction opens.
    opened: BTreeSet<(&'a str, SectionName)>,
    /// Records that have such a section and do not open it.
    closed: BTreeMap<&'a str, Vec<(&'a Rec, SectionName)>>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(copies: &'a Copies<'a>) -> Self {
        let mut opened = BTreeSet::new();
        let mut closed: BTreeMap<&'a str, Vec<(&'a Rec, SectionName)>> = BTreeMap::new();
        for rec in copies.firsts() {
            let Some(transaction) = copies.transaction(rec) else {
                continue;
            };
            for name in SHOWING {
                if copies.section(rec, name).is_some() {
                    opened.insert((transaction, name));
                } else if copies.is_closed(rec, name) {
                    closed.entry(transaction).or_default().push((rec, name));
                }
            }
        }
        Self { copies, opened, closed }
    }

    fn is_opened(&self, transaction: &str, name: SectionName) -> bool {
        self.opened.contains(&(transaction, name))
    }

    /// Whether the run that this record is about is shown.
    pub(super) fn has_run(&self, rec: &Rec) -> bool {
        let transaction = self.copies.transaction(rec);
        transaction.is_some_and(|transaction| SHOWING.iter().all(|name| self.is_opened(transaction, *name)))
    }

    /// What is said of the sections that do not show it.
    pub(super) fn explained(&self, rec: &Rec, explanations: &Explanations) -> Option<Explained> {
        let transaction = self.copies.transaction(rec)?;
        let closed = self.closed.get(transaction)?.iter().copied();
        explanations.sections(closed.filter(|(_, name)| !self.is_opened(transaction, *name)))
    }
}

/// Every run that was asked for has a number, given by the model's provider: without it nobody could tell how many there were.
pub(super) fn counted(joined: &[Joined<'_>], explanations: &Explanations, findings: &mut Findings) {
    for one in joined.iter().filter(|one| one.exchange.phase == Phase::RunRequest) {
        let of_provider = || one.ends.iter().copied().filter(|rec| rec.did == one.exchange.provider);
        let has_number = of_provider().any(|rec| rec.record.macs().contains_key(&SectionName::StreamModel));
        // A number that is there and closed has been named with the other hidden ones.
        if !has_number {
            let did = one.exchange.provider.to_string();
            let explained = explanations.section_of_all(of_provider(), SectionName::StreamModel);
            findings.missing(Check::Run, one.name(), Reason::NotCounted { did }, explained);
        }
    }
}
