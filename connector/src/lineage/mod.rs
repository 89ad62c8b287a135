//! What led here, and what rests on it: found in the log's index, told by the records themselves and the receipts of others; as a tree for
//! people and as PROV-O for queries.

mod answering;
mod asking;
mod beyond;
mod named;
mod prov;
mod start;
mod summary;
mod told;
mod walked;
mod wire;

pub(crate) use answering::answer;
pub(crate) use asking::{Asking, FARTHEST};
pub use prov::sparql;
pub(crate) use start::{Start, resolve};

use crate::commands::Failure;
use crate::control::protocol::{Aside, Towards, Trace, TraceNode};
use crate::dossier::closure::kind;
use crate::node::Node;
use crate::state::LogIdentity;
use herleid_ledger::record::{Kind, StreamKey};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Bounds, Direction, Follows, Ledger, Lineage, StoredRecord};
use named::Named;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use told::Told;
use uuid::Uuid;
use walked::AllWalked;

/// Steps at most: a step is two levels of JSON, of which an answer has at most 120.
const DEEPEST: u32 = 48;
/// What is shown if nothing else is asked for, and at most: what is shown is opened and verified.
const SHOWN: u32 = 500;
const SHOWN_AT_MOST: u32 = 10_000;
/// What is counted at most.
const FOUND_AT_MOST: usize = 100_000;

/// How far a trace goes.
struct How {
    direction: Direction,
    bounds: Bounds,
    limit: usize,
    /// Levels of the tree at most, whatever hangs together.
    deepest: usize,
    /// Without what is nobody else's business: people, parameters, words.
    for_others: bool,
}

impl From<Towards> for Direction {
    fn from(towards: Towards) -> Self {
        match towards {
            Towards::Up => Self::Up,
            Towards::Down => Self::Down,
        }
    }
}

impl How {
    fn of(request: &Trace) -> Result<Self, Failure> {
        let within = |name: &str, given: Option<u32>, usual: u32, most: u32| match given.unwrap_or(usual) {
            found if (1..=most).contains(&found) => Ok(found),
            found => Err(Failure::usage(format!("`{name}` is {found}, expected 1 to {most}"))),
        };
        Ok(Self {
            direction: request.direction.into(),
            bounds: Bounds {
                depth: within("depth", request.depth, DEEPEST, DEEPEST)?,
                activities: FOUND_AT_MOST,
            },
            // At most 10,000.
            limit: within("limit", request.limit, SHOWN, SHOWN_AT_MOST)? as usize,
            deepest: DEEPEST as usize,
            for_others: false,
        })
    }
}

/// The tree of what `start` rests on, or of what rests on it.
///
/// # Errors
/// When a bound is none, or the log cannot be read, does not verify, or is over and of a version that kept no lineage.
pub(crate) fn tree(node: &Node, request: &Trace, start: &Start<'_>) -> Result<TraceNode, Failure> {
    let how = How::of(request)?;
    let ledger = start.ledger;
    if !ledger.has_lineage()? {
        return Err(start::unlinked(ledger, &start.records));
    }
    let mut walked = AllWalked::default();
    let drawn = drawn((node, ledger), &start.records, &how, &mut walked)?;
    walked.of(ledger).is_cut |= drawn.is_cut;
    walked.count(node, how.direction, how.bounds);
    let mut summary = summary::of(&how, &walked.logs(node, start))?;
    summary.aside = drawn.aside;
    ledger.origin().clone_into(&mut summary.log);
    summary.also.clone_from(&start.also);
    summary.unsearched.clone_from(&start.unsearched);
    Ok(TraceNode {
        label: request.what.clone(),
        summary: Some(Box::new(summary)),
        ..drawn.tree
    })
}

/// A tree.
struct Drawn {
    tree: TraceNode,
    /// How many are shown in it, those of other logs included.
    shown: usize,
    /// What is told of and not drawn.
    aside: Vec<Aside>,
    /// Whether there is more than was walked.
    is_cut: bool,
}

/// The tree below these records; what is found on the way is added to what was `walked`.
fn drawn(
    (node, ledger): (&Node, &Ledger),
    start: &BTreeSet<u64>,
    how: &How,
    walked: &mut AllWalked,
) -> Result<Drawn, Failure> {
    let (start, aside) = summary::linked(ledger, start)?;
    let lineage = ledger.lineage(&start, how.direction, how.bounds)?;
    let ids: BTreeSet<Uuid> = lineage.activities.iter().flat_map(|a| &a.streams).copied().collect();
    let streams = ledger.streams_by_id(&ids)?;
    let logs = node.other_logs()?;
    let mut drawing = Drawing::new((node, ledger), how, (&lineage, &streams, &logs), walked);
    let roots: Vec<usize> = (0..lineage.activities.len())
        .filter(|at| drawing.level.get(*at) == Some(&Some(0)))
        .collect();
    let hidden = drawing.roots.saturating_sub(roots.len()) as u64;
    let mut children = Vec::new();
    for root in roots {
        children.push(drawing.draw(root, None)?);
    }
    let shown = how.limit.saturating_sub(drawing.left);
    let is_shown: Vec<bool> = drawing.level.iter().map(Option::is_some).collect();
    // Behind what is not drawn nobody looks into other logs.
    let is_left = is_shown.contains(&false) && !drawing.other_logs().is_empty();
    let is_cut = lineage.is_cut;
    let walked = walked.of(ledger);
    walked.is_cut |= is_left;
    walked.add(lineage, &is_shown, how.bounds.depth, FOUND_AT_MOST);
    let tree = TraceNode {
        kind: "trace".to_owned(),
        verified: children.iter().all(|c| c.verified),
        children,
        hidden,
        ..TraceNode::default()
    };
    let drawn = Drawn {
        tree,
        shown,
        aside,
        is_cut,
    };
    Ok(drawn)
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The facts of the agreement in whose stream a record stands: an identifier alone may have been chosen twice.
fn agreed(records: &BTreeMap<u64, StoredRecord>, record: &StoredRecord) -> Option<Value> {
    let stream = |r: &StoredRecord| Some(text(&r.value(SectionName::StreamAgreement)?, "/id"));
    let wanted = stream(record)?;
    let concluded = records.values().filter(|r| kind(r) == Some(Kind::AgreementConcluded));
    concluded
        .filter(|r| stream(r).as_ref() == Some(&wanted))
        .find_map(|r| r.value(SectionName::Facts))
}

/// What was found, the streams in which that stands, and the logs of others.
type Known<'a> = (
    &'a Lineage,
    &'a BTreeMap<Uuid, (StreamKey, u64)>,
    &'a BTreeMap<String, LogIdentity>,
);

/// A tree being drawn.
struct Drawing<'a> {
    node: &'a Node,
    /// The log of ours that the records are of.
    ledger: &'a Ledger,
    how: &'a How,
    lineage: &'a Lineage,
    streams: &'a BTreeMap<Uuid, (StreamKey, u64)>,
    logs: &'a BTreeMap<String, LogIdentity>,
    /// Steps away from the start, by activity.
    out: Vec<Vec<(usize, Follows)>>,
    /// How deep in the tree each activity is drawn; `None`: it is counted only.
    level: Vec<Option<usize>>,
    /// How many stand at the top, those that are not drawn included.
    roots: usize,
    drawn: BTreeSet<usize>,
    /// How many may still be shown of other logs.
    left: usize,
    /// What was found there.
    walked: &'a mut AllWalked,
}

impl<'a> Drawing<'a> {
    fn new(
        (node, ledger): (&'a Node, &'a Ledger),
        how: &'a How,
        (lineage, streams, logs): Known<'a>,
        walked: &'a mut AllWalked,
    ) -> Self {
        let count = lineage.activities.len();
        let mut out = vec![Vec::new(); count];
        let mut is_root: Vec<bool> = (0..count).map(|at| at < lineage.starts).collect();
        for edge in &lineage.edges {
            out.get_mut(edge.from)
                .into_iter()
                .for_each(|out| out.push((edge.to, edge.by)));
            is_root.get_mut(edge.to).into_iter().for_each(|is| *is = false);
        }
        let level = levels(&out, &is_root, lineage.starts, how);
        Self {
            node,
            ledger,
            how,
            lineage,
            streams,
            logs,
            roots: is_root.iter().filter(|is| **is).count(),
            left: how.limit.saturating_sub(level.iter().flatten().count()),
            level,
            out,
            drawn: BTreeSet::new(),
            walked,
        }
    }

    fn told(&self, at: usize) -> Result<Told<'a>, Failure> {
        let activity = self.lineage.activities.get(at);
        let activity = activity.ok_or_else(|| Failure::failed("an activity of the trace is not in it"))?;
        let mut told = Told::read((self.node, self.ledger), activity, self.streams, self.logs)?;
        told.for_others = self.how.for_others;
        Ok(told)
    }

    /// An activity with what follows from it; `from` is what it is drawn below.
    fn draw(&mut self, at: usize, from: Option<&Told<'_>>) -> Result<TraceNode, Failure> {
        let told = self.told(at)?;
        let mut drawn = told.itself()?;
        if let Some(from) = from.filter(|_| self.how.direction == Direction::Down) {
            for name in told.uses_as(from) {
                drawn.label = format!("{name}: {}", drawn.label);
            }
        }
        if !self.drawn.insert(at) {
            drawn.again = true;
            return Ok(drawn);
        }
        drawn.not_followed = told.depth() >= self.how.bounds.depth;
        match self.how.direction {
            Direction::Up => self.sources(at, &told, &mut drawn)?,
            Direction::Down => self.results(at, &told, &mut drawn)?,
        }
        Ok(drawn)
    }

    /// What follows from `at`, if it is drawn there: in full below the first that is one level above it, elsewhere by name.
    fn follow(
        &mut self,
        at: usize,
        to: usize,
        told: &Told<'_>,
        below: &mut TraceNode,
    ) -> Result<Option<TraceNode>, Failure> {
        let level = |at: usize| self.level.get(at).copied().flatten();
        match (level(at), level(to)) {
            (Some(_), None) => {
                below.hidden += 1;
                Ok(None)
            }
            (Some(here), Some(there)) if there != here + 1 => {
                let mut again = self.told(to)?.itself()?;
                again.again = true;
                Ok(Some(again))
            }
            _ => self.draw(to, Some(told)).map(Some),
        }
    }

    fn sources(&mut self, at: usize, told: &Told<'_>, drawn: &mut TraceNode) -> Result<(), Failure> {
        drawn.children.extend(told.parameters());
        let mut rest: Vec<(usize, Follows)> = self.out.get(at).cloned().unwrap_or_default();
        for named in told.names() {
            let of_it = self.named(at, &named)?;
            rest.retain(|(to, _)| !of_it.contains(to));
            if of_it.is_empty() && !drawn.not_followed {
                let found = self.sources_beyond(at, told, &named)?;
                let found = found.map_or_else(|| told.unknown(&named).map(|unknown| vec![unknown]), Ok)?;
                let found = found.into_iter().map(|child| named.labelled(told, child));
                drawn.children.extend(found);
            }
            for to in of_it {
                if let Some(child) = self.follow(at, to, told, drawn)? {
                    drawn.children.push(named.labelled(told, child));
                }
            }
        }
        for (to, by) in rest {
            if let Some(mut child) = self.follow(at, to, told, drawn)? {
                if by == Follows::Case {
                    child.label = format!("{} (run for this case, not relied on)", child.label);
                }
                drawn.children.push(child);
            }
        }
        drawn.children.extend(told.receipts()?);
        Ok(())
    }

    fn results(&mut self, at: usize, told: &Told<'_>, drawn: &mut TraceNode) -> Result<(), Failure> {
        for (to, by) in self.out.get(at).cloned().unwrap_or_default() {
            if let Some(mut child) = self.follow(at, to, told, drawn)? {
                if by == Follows::Case {
                    child.label = format!("{} (for its case; it does not rely on it)", child.label);
                }
                drawn.children.push(child);
            }
        }
        if !drawn.not_followed {
            drawn.children.extend(self.results_beyond(at, told)?);
        }
        drawn.children.extend(told.elsewhere()?);
        Ok(())
    }

    /// Those that follow from `at` which an input means: by its transaction, or by its bytes where none of the log has that.
    fn named(&self, at: usize, named: &Named) -> Result<Vec<usize>, Failure> {
        let out = self.out.get(at).map(Vec::as_slice).unwrap_or_default();
        let of = |to: usize| self.lineage.activities.get(to);
        let by_transaction = out.iter().filter(|(to, by)| {
            *by == Follows::Transaction && named.id.is_some() && of(*to).and_then(|a| a.transaction) == named.id
        });
        let found: Vec<usize> = by_transaction.map(|(to, _)| *to).collect();
        let Some(digest) = crate::state::digest_bytes(&named.sha256).filter(|_| found.is_empty()) else {
            return Ok(found);
        };
        let bytes: BTreeSet<u64> = self.ledger.by_digest(&digest)?.into_iter().collect();
        let by_bytes = out.iter().filter(|(to, by)| {
            let mut records = of(*to).into_iter().flat_map(|a| &a.records);
            *by == Follows::Digest && records.any(|(index, _)| bytes.contains(index))
        });
        Ok(by_bytes.map(|(to, _)| *to).collect())
    }
}

/// How deep each activity is drawn, the nearest first, until as many of them are as are to be: below every root, and below whatever is at the start and
/// hangs together with other starts alone.
fn levels(out: &[Vec<(usize, Follows)>], is_root: &[bool], starts: usize, how: &How) -> Vec<Option<usize>> {
    let mut level: Vec<Option<usize>> = vec![None; out.len()];
    let roots = is_root.iter().enumerate().filter(|(_, is)| **is).map(|(at, _)| at);
    let mut shown = 0;
    // Starts that only lead to each other have no root.
    for first in std::iter::once(roots.collect::<Vec<_>>()).chain((0..starts).map(|start| vec![start])) {
        let mut waiting: VecDeque<(usize, usize)> = first.into_iter().map(|at| (at, 0)).collect();
        while let Some((at, depth)) = waiting.pop_front() {
            let Some(place) = level.get_mut(at).filter(|place| place.is_none()) else {
                continue;
            };
            if shown >= how.limit || depth > how.deepest {
                continue;
            }
            *place = Some(depth);
            shown += 1;
            waiting.extend(out.get(at).into_iter().flatten().map(|(to, _)| (*to, depth + 1)));
        }
    }
    level
}

#[cfg(test)]
mod tests;
