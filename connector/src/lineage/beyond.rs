//! Where a log of ours was lost and continued, what something rests on lies in an earlier log, and what rests on that in a later one. A trace goes on
//! there: nobody who asks after a decision has to know which log a rain series was recorded in.

use super::named::Named;
use super::start::unlinked;
use super::told::Told;
use super::{Drawing, How, drawn};
use crate::commands::Failure;
use crate::control::protocol::{TraceNode, TraceSummary};
use crate::state::digest_bytes;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::{Bounds, Direction, Ledger, LedgerError};
use std::collections::BTreeSet;

/// Kinds of records that name what they rest on.
const NAMING: [Kind; 5] = [
    Kind::DecisionMade,
    Kind::RunRequested,
    Kind::RunStarted,
    Kind::RunFinished,
    Kind::RunReceived,
];

impl Drawing<'_> {
    /// The logs in which it goes on, the nearest first: what something rests on was recorded before it.
    fn other_logs(&self) -> Vec<&Ledger> {
        // What is told to others is proved in the log that goes on.
        if self.for_others {
            return Vec::new();
        }
        // The latest first.
        let all: Vec<&Ledger> = std::iter::once(&self.node.ledger).chain(&self.node.previous).collect();
        let here = all.iter().position(|log| log.origin() == self.ledger.origin());
        let (later, earlier) = all.split_at(here.unwrap_or(all.len()));
        match self.direction {
            Direction::Up => earlier.iter().skip(1).copied().collect(),
            Direction::Down => later.iter().rev().copied().collect(),
        }
    }

    /// What an earlier log knows of something that is named, and of which this one has no record; `None` where none does.
    pub(super) fn sources_beyond(&mut self, told: &Told<'_>, named: &Named) -> Result<Option<Vec<TraceNode>>, Failure> {
        for log in self.other_logs() {
            let records = match of_it(log, named) {
                Err(error) => return Ok(Some(vec![unread(log, &error)])),
                Ok(records) => records,
            };
            if !records.is_empty() {
                let log = log.clone();
                return self.drawn_in(&log, &records, told).map(Some);
            }
        }
        Ok(None)
    }

    /// What rests on an activity in later logs.
    pub(super) fn results_beyond(&mut self, told: &Told<'_>) -> Result<Vec<TraceNode>, Failure> {
        let logs: Vec<Ledger> = self.other_logs().into_iter().cloned().collect();
        let mut nodes = Vec::new();
        for log in logs {
            match users(&log, told) {
                Err(error) => nodes.push(unread(&log, &error)),
                Ok(records) if records.is_empty() => {}
                Ok(records) => nodes.extend(self.drawn_in(&log, &records, told)?),
            }
        }
        Ok(nodes)
    }

    /// The trees of these records of another log, as deep as this one still goes.
    fn drawn_in(&mut self, log: &Ledger, records: &BTreeSet<u64>, told: &Told<'_>) -> Result<Vec<TraceNode>, Failure> {
        let origin = log.origin().to_owned();
        if !log.has_lineage()? {
            let why = unlinked(log, records);
            return Ok(vec![TraceNode {
                not_followed: true,
                ..node(log, why.to_string())
            }]);
        }
        let depth = self.depth.saturating_sub(told.depth() + 1);
        let first = records.first().copied().unwrap_or_default();
        let is_again = !self.drawn_beyond.insert((origin.clone(), first));
        let how = How {
            direction: self.direction,
            bounds: Bounds {
                // Of what is drawn elsewhere the name is enough.
                depth: if is_again { 0 } else { depth },
                activities: self.bounds.activities,
            },
            limit: self.left,
            for_others: false,
        };
        let (tree, summary) = drawn((self.node, log), records, &how)?;
        self.left = self.left.saturating_sub(summary.shown as usize);
        if !is_again {
            self.beyond.push(summary);
        }
        let mut nodes = tree.children;
        for node in &mut nodes {
            node.again |= is_again;
            mark(node, &origin);
        }
        if tree.hidden > 0 {
            nodes.push(TraceNode {
                hidden: tree.hidden,
                ..node(log, "more in this log of ours".to_owned())
            });
        }
        Ok(nodes)
    }
}

fn node(log: &Ledger, label: String) -> TraceNode {
    TraceNode {
        kind: "log".to_owned(),
        label,
        log: Some(log.origin().to_owned()),
        ..TraceNode::default()
    }
}

fn unread(log: &Ledger, error: &LedgerError) -> TraceNode {
    node(log, format!("what it knows of it cannot be read: {error}"))
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

/// The records of something that is named: of its transaction, or with its bytes where no transaction is named.
fn of_it(log: &Ledger, named: &Named) -> Result<BTreeSet<u64>, LedgerError> {
    let records = match (&named.transaction, digest_bytes(&named.sha256)) {
        (Some(transaction), _) => log.by_term(&Term::Transaction(transaction.clone()))?,
        (None, Some(digest)) => log.by_digest(&digest)?,
        (None, None) => Vec::new(),
    };
    Ok(records.into_iter().collect())
}

/// The records that name the activity, or the bytes that it made or brought without saying from where.
fn users(log: &Ledger, told: &Told<'_>) -> Result<BTreeSet<u64>, LedgerError> {
    let (made, mut found) = (told.made(), BTreeSet::new());
    for sha256 in &made {
        let Some(digest) = digest_bytes(sha256) else {
            continue;
        };
        for index in log.by_digest(&digest)? {
            let record = log.record(index)?;
            if !record.kind().is_some_and(|kind| NAMING.contains(&kind)) {
                continue;
            }
            let names = Named::all_of(&record).into_iter().any(|named| match named.id {
                Some(id) => Some(id) == told.transaction(),
                None => made.contains(&named.sha256),
            });
            if names {
                found.insert(index);
            }
        }
    }
    Ok(found)
}

impl TraceSummary {
    /// Counts what was found in another log of ours.
    pub(super) fn add(&mut self, other: Self) {
        self.found += other.found;
        self.shown += other.shown;
        self.more |= other.more;
        self.not_followed += other.not_followed;
        self.decisions += other.decisions;
        self.runs += other.runs;
        self.pulls += other.pulls;
        self.cases.add(other.cases);
        self.parties.add(other.parties);
        self.streams.found += other.streams.found;
        self.streams.shown.extend(other.streams.shown);
    }
}
