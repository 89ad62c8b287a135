//! Where a log of ours was lost and continued, what something rests on lies in an earlier log, and what rests on that in a later one. A trace goes on
//! there: nobody who asks after a decision has to know which log a rain series was recorded in.

use super::named::Named;
use super::start::unlinked;
use super::told::{Told, made_by};
use super::{Drawing, Drawn, How, drawn, linked, summary};
use crate::commands::Failure;
use crate::control::protocol::{TraceNode, TraceSummary};
use crate::node::Node;
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

/// Where a trace goes on in other logs, by origin: the records that it begins with there.
pub(super) type Beyond = BTreeMap<String, BTreeSet<u64>>;

/// Our logs, the latest first.
fn logs(node: &Node) -> impl Iterator<Item = &Ledger> {
    std::iter::once(&node.ledger).chain(&node.previous)
}

impl Drawing<'_> {
    /// The logs in which it goes on, the nearest first: what something rests on was recorded before it.
    fn other_logs(&self) -> Vec<Ledger> {
        // What is told to others is proved in the log that goes on.
        if self.for_others {
            return Vec::new();
        }
        let all: Vec<&Ledger> = logs(self.node).collect();
        let here = all.iter().position(|log| log.origin() == self.ledger.origin());
        let (later, earlier) = all.split_at(here.unwrap_or(all.len()));
        match self.direction {
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
            match of_it(&log, named) {
                Err(error) => unread.push(of_log(&log, format!("what it knows of it cannot be read: {error}"))),
                Ok(records) if records.is_empty() => {}
                Ok(records) => {
                    let mut nodes = self.drawn_in(&log, &records, (at, told))?;
                    nodes.extend(unread);
                    return Ok(Some(nodes));
                }
            }
        }
        Ok((!unread.is_empty()).then_some(unread))
    }

    /// What rests on an activity in later logs.
    pub(super) fn results_beyond(&mut self, at: usize, told: &Told<'_>) -> Result<Vec<TraceNode>, Failure> {
        let mut nodes = Vec::new();
        for log in self.other_logs() {
            match users(&log, told) {
                Err(error) => nodes.push(of_log(&log, format!("what rests on it there cannot be read: {error}"))),
                Ok((records, damaged)) => {
                    if !records.is_empty() {
                        nodes.extend(self.drawn_in(&log, &records, (at, told))?);
                    }
                    nodes.extend(
                        damaged.map(|why| of_log(&log, format!("a record that may rest on it is damaged: {why}"))),
                    );
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
        let origin = log.origin().to_owned();
        match log.has_lineage() {
            Ok(true) => {}
            Ok(false) => {
                let why = unlinked(log, records);
                return Ok(vec![TraceNode {
                    not_followed: true,
                    ..of_log(log, why.to_string())
                }]);
            }
            Err(error) => return Ok(vec![of_log(log, format!("it cannot be read: {error}"))]),
        }
        let of_log_before = self.beyond.entry(origin.clone()).or_default();
        let is_again = records.iter().all(|index| of_log_before.contains(index));
        of_log_before.extend(records);
        let here = self.level.get(at).copied().flatten().unwrap_or_default();
        let deepest = self.deepest.saturating_sub(here + 1);
        if self.left == 0 || deepest == 0 {
            return Ok(vec![TraceNode {
                hidden: 1,
                ..of_log(log, "more in this log of ours".to_owned())
            }]);
        }
        let how = How {
            direction: self.direction,
            bounds: Bounds {
                // Of what is drawn elsewhere the name is enough.
                depth: if is_again {
                    0
                } else {
                    self.depth.saturating_sub(told.depth() + 1)
                },
                activities: self.bounds.activities,
            },
            limit: self.left,
            deepest,
            for_others: false,
        };
        let Drawn {
            tree, summary, beyond, ..
        } = match drawn((self.node, log), records, &how) {
            Ok(drawn) => drawn,
            Err(error) => return Ok(vec![of_log(log, format!("it cannot be read: {error}"))]),
        };
        self.left = self.left.saturating_sub(summary.shown as usize);
        if !is_again {
            self.shown_beyond += summary.shown;
        }
        for (origin, records) in beyond {
            self.beyond.entry(origin).or_default().extend(records);
        }
        let mut nodes = tree.children;
        for node in &mut nodes {
            node.again |= is_again;
            mark(node, &origin);
        }
        if tree.hidden > 0 {
            nodes.push(TraceNode {
                hidden: tree.hidden,
                ..of_log(log, "more in this log of ours".to_owned())
            });
        }
        Ok(nodes)
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

/// The records of something that is named: of its transaction, or that made or brought its bytes where no transaction is named.
fn of_it(log: &Ledger, named: &Named) -> Result<BTreeSet<u64>, LedgerError> {
    let (found, digest) = match (&named.transaction, digest_bytes(&named.sha256)) {
        (Some(transaction), _) => (log.by_term(&Term::Transaction(transaction.clone()))?, None),
        (None, Some(digest)) => (log.by_digest(&digest)?, Some(&named.sha256)),
        (None, None) => (Vec::new(), None),
    };
    let mut records = BTreeSet::new();
    for index in found {
        let is_its = match log.record(index) {
            Ok(record) => {
                let is_its = record.kind().is_none_or(|kind| OF_ITS_OWN.contains(&kind));
                is_its && digest.is_none_or(|digest| made_by(&record).contains(digest))
            }
            // What cannot be read is shown as that.
            Err(error) => error.is_altered() && digest.is_none(),
        };
        if is_its {
            records.insert(index);
        }
    }
    Ok(records)
}

/// The records that name the activity, or the bytes that it made or brought without saying from where; and why one could not be read, if one
/// could not.
fn users(log: &Ledger, told: &Told<'_>) -> Result<(BTreeSet<u64>, Option<String>), LedgerError> {
    let (made, mut found, mut damaged) = (told.made(), BTreeSet::new(), None);
    let names = |record: &StoredRecord| {
        Named::all_of(record).into_iter().any(|named| match named.id {
            Some(id) => Some(id) == told.transaction(),
            None => made.contains(&named.sha256),
        })
    };
    for sha256 in &made {
        let Some(digest) = digest_bytes(sha256) else {
            continue;
        };
        for index in log.by_digest(&digest)? {
            match log.record(index) {
                Ok(record) => {
                    let is_naming = record.kind().is_some_and(|kind| NAMING.contains(&kind));
                    if is_naming && names(&record) {
                        found.insert(index);
                    }
                }
                Err(error) if error.is_altered() => damaged = damaged.or(Some(error.to_string())),
                Err(error) => return Err(error),
            }
        }
    }
    Ok((found, damaged))
}

/// Adds what was found in other logs of ours, each activity once however many ways lead to it.
pub(super) fn counted(node: &Node, how: &How, summary: &mut TraceSummary, (beyond, shown): (&Beyond, u64)) {
    let found = logs(node).filter_map(|log| Some((log, beyond.get(log.origin())?)));
    let found = found.map(|(log, records)| {
        let (start, _) = linked(log, records)?;
        Ok::<_, Failure>((log, log.lineage(&start, how.direction, how.bounds)?))
    });
    let found: Vec<_> = found.collect();
    let all: usize = found
        .iter()
        .flatten()
        .map(|(_, lineage)| lineage.activities.len())
        .sum();
    // Which of them are shown is not kept: of all, or of streams none is said to be.
    let are_shown = shown >= all as u64;
    for found in found {
        let counted = found.and_then(|(log, lineage)| {
            let ids = lineage.activities.iter().flat_map(|a| &a.streams).copied().collect();
            let streams = log.streams_by_id(&ids)?;
            let is_shown = vec![are_shown; lineage.activities.len()];
            let of = summary::of(log, how.direction, &how.bounds, &lineage, &is_shown, &streams);
            Ok(of?)
        });
        match counted {
            Ok(counted) => summary.add(counted),
            // The tree says so where it is.
            Err(_) => summary.more = true,
        }
    }
}

impl TraceSummary {
    /// Counts what was found in another log of ours; what is shown of that is counted as it is drawn.
    fn add(&mut self, other: Self) {
        self.found += other.found;
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
