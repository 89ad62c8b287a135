//! Where a log of ours was lost and continued, what something rests on lies in an earlier log, and what rests on that in a later one. A trace goes on
//! there: nobody who asks after a decision has to know which log a rain series was recorded in.

use super::named::Named;
use super::start::{by_term, unlinked};
use super::summary::linked;
use super::told::{Told, made_by};
use super::walked::logs;
use super::{Drawing, How, drawn};
use crate::commands::Failure;
use crate::control::protocol::TraceNode;
use crate::state::digest_bytes;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::{Bounds, Direction, Ledger, LedgerError, StoredRecord};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of records that name what they rest on.
const NAMING: [Kind; 5] = [
    Kind::DecisionMade,
    Kind::RunRequested,
    Kind::RunStarted,
    Kind::RunFinished,
    Kind::RunReceived,
];
/// Kinds of records that are of a pull or a run itself: acknowledgements, aborts and replays only speak of it.
const OF_ITS_OWN: [Kind; 10] = [
    Kind::PullOpened,
    Kind::PullServed,
    Kind::PullReceived,
    Kind::OneSidedPullOpened,
    Kind::OneSidedPullReceived,
    Kind::RunRequested,
    Kind::RunStarted,
    Kind::RunFinished,
    Kind::RunFailed,
    Kind::RunReceived,
];

impl Drawing<'_> {
    /// The logs in which it goes on, the nearest first: what something rests on was recorded before it.
    pub(super) fn other_logs(&self) -> Vec<Ledger> {
        // What is told to others is proved in the log that goes on.
        if self.how.for_others {
            return Vec::new();
        }
        let all: Vec<&Ledger> = logs(self.node).collect();
        let here = all.iter().position(|log| log.origin() == self.ledger.origin());
        let (later, earlier) = all.split_at(here.unwrap_or(all.len()));
        match self.how.direction {
            Direction::Up => earlier.iter().skip(1).copied().cloned().collect(),
            Direction::Down => later.iter().rev().copied().cloned().collect(),
        }
    }

    /// What an earlier log knows of something that is named, and of which this one has no record; `None` where none does.
    pub(super) fn sources_beyond(
        &mut self,
        at: usize,
        told: &Told<'_>,
        named: &Named,
    ) -> Result<Option<Vec<TraceNode>>, Failure> {
        let mut unread = Vec::new();
        for log in self.other_logs() {
            let found = match of_it(&log, named) {
                Ok(found) => found,
                Err(error) => {
                    unread.push(self.unread(&log, &format!("what it knows of it cannot be read: {error}")));
                    continue;
                }
            };
            unread.extend(self.damaged(&log, &found, "may have made or brought it"));
            if !found.records.is_empty() {
                let mut nodes = self.drawn_in(&log, &found.records, (at, told))?;
                nodes.extend(unread);
                return Ok(Some(nodes));
            }
        }
        Ok((!unread.is_empty()).then_some(unread))
    }

    /// What rests on an activity in later logs.
    pub(super) fn results_beyond(&mut self, at: usize, told: &Told<'_>) -> Result<Vec<TraceNode>, Failure> {
        let mut nodes = Vec::new();
        for log in self.other_logs() {
            match users(&log, told) {
                Err(error) => nodes.push(self.unread(&log, &format!("what rests on it there cannot be read: {error}"))),
                Ok(found) => {
                    if !found.records.is_empty() {
                        nodes.extend(self.drawn_in(&log, &found.records, (at, told))?);
                    }
                    nodes.extend(self.damaged(&log, &found, "may rest on it"));
                }
            }
        }
        Ok(nodes)
    }

    /// The trees of these records of another log, as deep as this one still goes.
    fn drawn_in(
        &mut self,
        log: &Ledger,
        records: &BTreeSet<u64>,
        (at, told): (usize, &Told<'_>),
    ) -> Result<Vec<TraceNode>, Failure> {
        let cannot = |error: &dyn std::fmt::Display| format!("it cannot be read: {error}");
        match log.has_lineage() {
            Ok(true) => {}
            Ok(false) => {
                let why = unlinked(log, records);
                return Ok(vec![TraceNode {
                    not_followed: true,
                    ..self.unread(log, &why.to_string())
                }]);
            }
            Err(error) => return Ok(vec![self.unread(log, &cannot(&error))]),
        }
        let here = self.level.get(at).copied().flatten().unwrap_or_default();
        let deepest = self.how.deepest.saturating_sub(here + 1);
        let depth = self.how.bounds.depth.saturating_sub(told.depth() + 1);
        if deepest == 0 || self.left == 0 {
            // What is not drawn is counted all the same, when all is drawn: of all ways that lead there at once.
            let starts = match linked(log, records) {
                Ok((starts, _)) => starts,
                Err(error) => return Ok(vec![self.unread(log, &cannot(&error))]),
            };
            let hidden = starts.len() as u64;
            self.walked.of(log).wait(starts, depth);
            return Ok(vec![more(log, hidden)]);
        }
        let is_again = self.walked.of(log).has_begun(records, depth);
        let how = How {
            direction: self.how.direction,
            bounds: Bounds {
                // Of what is drawn elsewhere the name is enough.
                depth: if is_again { 0 } else { depth },
                // No more than can be drawn; the rest is counted as what is not drawn is.
                activities: self.left,
            },
            limit: self.left,
            deepest,
            for_others: false,
        };
        let drawn = match drawn((self.node, log), records, &how, self.walked) {
            Ok(drawn) => drawn,
            Err(error) => return Ok(vec![self.unread(log, &cannot(&error))]),
        };
        let walked = self.walked.of(log);
        walked.begin(records, depth);
        if drawn.is_cut {
            walked.wait(records.clone(), depth);
        }
        self.left = self.left.saturating_sub(drawn.shown);
        let mut nodes = drawn.tree.children;
        for node in &mut nodes {
            node.again |= is_again;
            mark(node, log.origin());
        }
        if drawn.tree.hidden > 0 {
            nodes.push(more(log, drawn.tree.hidden));
        }
        Ok(nodes)
    }

    /// That something of another log cannot be had; what it has is not counted.
    fn unread(&mut self, log: &Ledger, why: &str) -> TraceNode {
        self.walked.of(log).is_cut = true;
        of_log(log, why.to_owned())
    }

    /// That records there are damaged which may belong here, the first of them with what is wrong: it says as much as all.
    fn damaged(&mut self, log: &Ledger, found: &Found, may: &str) -> Option<TraceNode> {
        let (index, why) = found.damaged.first_key_value()?;
        let more = match found.damaged.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(self.unread(log, &format!("record {index}, which {may}, is damaged: {why}{more}")))
    }
}

/// What is not drawn of another log.
fn more(log: &Ledger, hidden: u64) -> TraceNode {
    TraceNode {
        hidden,
        ..of_log(log, "more in this log of ours".to_owned())
    }
}

/// A node for a log of ours itself.
fn of_log(log: &Ledger, label: String) -> TraceNode {
    TraceNode {
        kind: "log".to_owned(),
        label,
        log: Some(log.origin().to_owned()),
        ..TraceNode::default()
    }
}

/// Says of each record which log its number is of.
fn mark(node: &mut TraceNode, origin: &str) {
    if node.index.is_some() && node.told_by.is_none() && node.log.is_none() && node.kind != "receipt" {
        node.log = Some(origin.to_owned());
    }
    for child in &mut node.children {
        mark(child, origin);
    }
}

/// Records of another log that were looked for.
#[derive(Default)]
struct Found {
    records: BTreeSet<u64>,
    /// Those that may be among them and are damaged, and how.
    damaged: BTreeMap<u64, String>,
}

impl Found {
    /// Takes in the record with this number if it is one that `is_wanted`.
    fn look(&mut self, log: &Ledger, index: u64, is_wanted: impl Fn(&StoredRecord) -> bool) -> Result<(), LedgerError> {
        match log.record(index) {
            Ok(record) => {
                if is_wanted(&record) {
                    self.records.insert(index);
                }
            }
            Err(error) if error.is_altered() => {
                self.damaged.insert(index, error.to_string());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The records of something that is named: of its transaction, or that made or brought its bytes where no transaction is named.
fn of_it(log: &Ledger, named: &Named) -> Result<Found, LedgerError> {
    let is_its_own = |record: &StoredRecord| record.kind().is_none_or(|kind| OF_ITS_OWN.contains(&kind));
    let mut found = Found::default();
    if let Some(transaction) = &named.transaction {
        for index in log.by_term(&Term::Transaction(transaction.clone()))? {
            found.look(log, index, is_its_own)?;
        }
        // What is damaged is of it all the same, and is shown as that.
        found.records.extend(std::mem::take(&mut found.damaged).into_keys());
    } else if let Some(digest) = digest_bytes(&named.sha256) {
        if log.has_lineage()? {
            found.records.extend(log.made_by(&digest)?);
            return Ok(found);
        }
        for index in by_term(log, digest)? {
            found.look(log, index, |record| {
                is_its_own(record) && !gives(record) && made_by(record).contains(&named.sha256)
            })?;
        }
    }
    Ok(found)
}

/// Whether what it made was there before, and left with it.
fn gives(record: &StoredRecord) -> bool {
    matches!(
        record.kind(),
        Some(Kind::PullOpened | Kind::PullServed | Kind::OneSidedPullOpened)
    )
}

/// The records that name the activity, or the bytes that it made or brought without saying from where.
fn users(log: &Ledger, told: &Told<'_>) -> Result<Found, LedgerError> {
    let made = told.made();
    let names = |record: &StoredRecord| {
        let names = |named: Named| match named.id {
            Some(id) => Some(id) == told.transaction(),
            None => made.contains(&named.sha256),
        };
        record.kind().is_some_and(|kind| NAMING.contains(&kind)) && Named::all_of(record).into_iter().any(names)
    };
    // By its transaction also where its digests were erased.
    let mut may_use: BTreeSet<u64> = match told.transaction() {
        Some(transaction) => log.users_of(&transaction)?.into_iter().collect(),
        None => BTreeSet::new(),
    };
    let is_linked = log.has_lineage()?;
    for digest in made.iter().filter_map(|sha256| digest_bytes(sha256)) {
        match is_linked {
            true => may_use.extend(log.used_by(&digest)?),
            false => may_use.extend(by_term(log, digest)?),
        }
    }
    let mut found = Found::default();
    for index in may_use {
        found.look(log, index, names)?;
    }
    Ok(found)
}
