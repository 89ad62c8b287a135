//! Two ends' records of one agreement, held against each other: without sockets, stores or clocks.

use super::said::Said;
use crate::control::protocol::{Finding, Reconciled, Side, What};
use herleid_ledger::handover::{Exchange, Phase};
use herleid_ledger::record::Kind;
use std::collections::BTreeMap;
use uuid::Uuid;

/// An exchange: transaction, segment, phase (docs/log-format.md, section 5).
pub(super) type Key = (Uuid, u64, Phase);

/// One end's record of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Number of the record in its log.
    pub(super) index: u64,
    /// When that log says it was written, Unix milliseconds; nothing when it does not say, or says that its clock was put back.
    pub(super) recorded_at_ms: Option<u64>,
    /// The section.
    pub(super) said: Said,
}

/// A record of which the exchange was erased, as a record `erased` of the same log proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gone {
    /// Its number.
    pub(super) index: u64,
    /// Number of the record `erased`.
    pub(super) tombstone: u64,
    /// Of which phase it can have been, by its kind.
    pub(super) phase: Option<Phase>,
}

/// The phase of an exchange that a record of this kind has (docs/log-format.md, section 6).
pub(super) const fn phase_of(kind: Kind) -> Option<Phase> {
    match kind {
        Kind::PullOpened | Kind::PullServed | Kind::PullReceived => Some(Phase::Pull),
        Kind::RunRequested | Kind::RunStarted => Some(Phase::RunRequest),
        Kind::RunFinished | Kind::RunReceived => Some(Phase::RunResult),
        _ => None,
    }
}

/// What one end has.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Each exchange once.
    pub(super) entries: BTreeMap<Key, Entry>,
    /// Records whose exchange was erased: which one, they do not say.
    pub(super) gone: Vec<Gone>,
    /// Records that say something else of an exchange than another one before: their numbers.
    pub(super) twice: Vec<(Key, u64)>,
}

impl End {
    /// Adds a record.
    pub(super) fn add(&mut self, exchange: &Exchange, entry: Entry) {
        let key = (exchange.transaction, exchange.segment, exchange.phase);
        match self.entries.get(&key) {
            Some(first) if !first.said.is_same(&entry.said) => self.twice.push((key, entry.index)),
            Some(_) => {}
            None => {
                self.entries.insert(key, entry);
            }
        }
    }
}

/// What is known besides the entries.
pub(super) struct Beside<'a> {
    /// This end's side.
    pub(super) side: Side,
    /// Size of this end's log before the other end was asked: what came later it need not have.
    pub(super) size_before: u64,
    /// Whether the other end's records were read down to the first: of those that were not, nothing is missing.
    pub(super) is_whole: bool,
    /// Transactions begun here of which this end's log holds the other end's receipt: number of the last record that does.
    pub(super) receipts: &'a BTreeMap<Uuid, u64>,
    /// Of this end's erased records the transactions that its index still knows.
    pub(super) erased_here: &'a BTreeMap<Uuid, Vec<Gone>>,
    /// What was recorded before says nothing of how the clocks stand now.
    pub(super) clocks_since_ms: u64,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) same: u64,
    pub(super) findings: Vec<Finding>,
    pub(super) clock_ahead_ms: [Option<i64>; 2],
}

/// Whether `side` is the one that an exchange of this phase begins at: what is received was given before.
const fn begins(side: Side, phase: Phase) -> bool {
    matches!(
        (side, phase),
        (Side::Provider, Phase::Pull | Phase::RunResult) | (Side::Consumer, Phase::RunRequest)
    )
}

fn finding(what: What, key: &Key, ours: Option<u64>, theirs: Option<u64>) -> Finding {
    Finding {
        is_grave: !matches!(what, What::NotReceivedHere | What::NotReceivedThere | What::Erased),
        what,
        exchange: Some((key.0.to_string(), key.1, key.2.to_string())),
        ours,
        theirs,
        detail: None,
    }
}

fn erased(key: &Key, ours: Option<u64>, theirs: Option<u64>, tombstone: u64, at: &str) -> Finding {
    Finding {
        detail: Some(format!("by record {tombstone} {at}")),
        ..finding(What::Erased, key, ours, theirs)
    }
}

/// One of these that can have been of this phase.
fn take(gone: &mut Vec<Gone>, phase: Phase) -> Option<Gone> {
    let at = gone.iter().position(|one| one.phase == Some(phase))?;
    Some(gone.remove(at))
}

/// Holds them against each other.
pub(super) fn compare(ours: &End, theirs: &End, beside: &Beside<'_>) -> Compared {
    let mut compared = Compared::default();
    let mut gone_there = theirs.gone.clone();
    for (key, own) in &ours.entries {
        match theirs.entries.get(key) {
            Some(their) if their.said.is_same(&own.said) => {
                compared.same += 1;
                compared.clock(begins(beside.side, key.2), own, their, beside.clocks_since_ms);
            }
            Some(their) => {
                let mut found = finding(What::Different, key, Some(own.index), Some(their.index));
                found.detail = Some(own.said.differs(&their.said));
                compared.findings.push(found);
            }
            None => {
                let Some(what) = beside.missing(key, own.index) else {
                    continue;
                };
                // Which exchange an erased record had, it says no more; that there was one, and of which phase, is proved.
                compared.findings.push(match take(&mut gone_there, key.2) {
                    Some(gone) => erased(key, Some(own.index), Some(gone.index), gone.tombstone, "there"),
                    None => finding(what, key, Some(own.index), None),
                });
            }
        }
    }
    let mut gone_here = beside.erased_here.clone();
    for (key, their) in &theirs.entries {
        if !ours.entries.contains_key(key) {
            let gone = gone_here.get_mut(&key.0).and_then(|gone| take(gone, key.2));
            let what = if begins(beside.side, key.2) {
                What::NeverGiven
            } else {
                What::NotReceivedHere
            };
            compared.findings.push(match gone {
                Some(gone) => erased(key, Some(gone.index), Some(their.index), gone.tombstone, "here"),
                None => finding(what, key, None, Some(their.index)),
            });
        }
    }
    // What both ends erased, or nobody has the other half of.
    compared.findings.extend(gone_there.into_iter().map(|gone| Finding {
        is_grave: false,
        what: What::Erased,
        exchange: None,
        ours: None,
        theirs: Some(gone.index),
        detail: Some(format!(
            "record {} there, by record {} there",
            gone.index, gone.tombstone
        )),
    }));
    let here = ours
        .twice
        .iter()
        .map(|(key, index)| finding(What::Twice, key, Some(*index), None));
    let there = theirs
        .twice
        .iter()
        .map(|(key, index)| finding(What::Twice, key, None, Some(*index)));
    compared.findings.extend(here.chain(there));
    compared
}

impl Beside<'_> {
    /// What it says of the other end that it does not have what this end recorded at `index`.
    fn missing(&self, key: &Key, index: u64) -> Option<What> {
        if index >= self.size_before || !self.is_whole {
            return None;
        }
        if !begins(self.side, key.2) {
            return Some(What::LeftOut);
        }
        // A receipt that came after the other end was asked may be of a record that it did not have then.
        let receipt = self
            .receipts
            .get(&key.0)
            .filter(|of| (index..self.size_before).contains(of));
        Some(match (receipt, self.side) {
            (None, _) => What::NotReceivedThere,
            (Some(_), Side::Provider) => What::Denied,
            // It has said itself that the run started, and so that it was asked.
            (Some(_), Side::Consumer) => What::LeftOut,
        })
    }
}

impl Compared {
    /// An exchange began at one end, and was recorded at the other when it had come there: no earlier.
    fn clock(&mut self, begins_here: bool, own: &Entry, their: &Entry, since_ms: u64) {
        let (Some(own_ms), Some(their_ms)) = (own.recorded_at_ms, their.recorded_at_ms) else {
            return;
        };
        if own_ms < since_ms {
            return;
        }
        let milliseconds = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let ahead = milliseconds(their_ms).saturating_sub(milliseconds(own_ms));
        let [least, most] = &mut self.clock_ahead_ms;
        if begins_here {
            *most = Some(most.map_or(ahead, |known| known.min(ahead)));
        } else {
            *least = Some(least.map_or(ahead, |known| known.max(ahead)));
        }
    }

    /// Puts the gravest first.
    pub(super) fn sort(&mut self) {
        self.findings.sort_by_key(|found| (!found.is_grave, found.what));
    }

    /// What it comes to.
    pub(super) fn verdict(&self) -> Reconciled {
        if self.findings.iter().any(|found| found.is_grave) {
            Reconciled::Differs
        } else if self.findings.is_empty() {
            Reconciled::Same
        } else {
            Reconciled::Open
        }
    }
}

#[cfg(test)]
mod tests;
