//! How much a trace found and how much of it is shown, by the index alone.

use crate::control::protocol::{Counted, StreamLine, Towards, TraceSummary};
use herleid_ledger::record::{Kind, StreamKey};
use herleid_ledger::{Activity, Bounds, Direction, Lineage};
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Cases, parties and streams that are listed at most.
const LISTED: usize = 100;

fn has(activity: &Activity, kinds: &[Kind]) -> bool {
    let mut of = activity.records.iter().filter_map(|(_, kind)| *kind);
    of.any(|kind| kinds.contains(&kind))
}

pub(super) fn is_run(activity: &Activity) -> bool {
    has(
        activity,
        &[
            Kind::RunRequested,
            Kind::RunStarted,
            Kind::RunFinished,
            Kind::RunFailed,
            Kind::RunReceived,
        ],
    )
}

fn counted<T>(all: impl IntoIterator<Item = T>) -> Counted<T> {
    let mut shown: Vec<T> = all.into_iter().collect();
    let found = shown.len() as u64;
    shown.truncate(LISTED);
    Counted { found, shown }
}

pub(super) fn of(
    direction: Direction,
    bounds: &Bounds,
    lineage: &Lineage,
    is_shown: &[bool],
    streams: &BTreeMap<Uuid, (StreamKey, u64)>,
) -> TraceSummary {
    let mut lines: BTreeMap<Uuid, StreamLine> = BTreeMap::new();
    let mut summary = TraceSummary {
        direction: match direction {
            Direction::Up => Towards::Up,
            Direction::Down => Towards::Down,
        },
        depth: bounds.depth,
        found: lineage.activities.len() as u64,
        more: lineage.is_cut,
        shown: is_shown.iter().filter(|shown| **shown).count() as u64,
        not_followed: lineage.not_followed as u64,
        ..TraceSummary::default()
    };
    for (activity, shown) in lineage.activities.iter().zip(is_shown) {
        let run = is_run(activity);
        summary.runs += u64::from(run);
        summary.decisions += u64::from(has(activity, &[Kind::DecisionMade]));
        summary.pulls += u64::from(activity.transaction.is_some() && !run);
        for id in &activity.streams {
            let Some((key, records)) = streams.get(id) else {
                continue;
            };
            let line = lines.entry(*id).or_insert_with(|| line(key, *records));
            line.found += 1;
            line.shown += u64::from(*shown);
            line.runs += u64::from(run);
            line.runs_shown += u64::from(run && *shown);
        }
    }
    let cases: BTreeSet<String> = lines
        .values()
        .filter(|l| l.kind == "case")
        .map(|l| l.of.clone())
        .collect();
    let parties: BTreeSet<Did> = lines.values().filter_map(|l| l.party.clone()).collect();
    let mut lines: Vec<StreamLine> = lines.into_values().collect();
    // Those that show least of themselves first.
    lines.sort_by(|a, b| (b.found - b.shown, &a.kind, &a.of).cmp(&(a.found - a.shown, &b.kind, &b.of)));
    summary.cases = counted(cases);
    summary.parties = counted(parties);
    summary.streams = counted(lines);
    summary
}

fn line(key: &StreamKey, records: u64) -> StreamLine {
    let (kind, of, party) = match key {
        StreamKey::Agreement { agreement, other, .. } => ("agreement", agreement, Some(other.clone())),
        StreamKey::Model { model, consumer } => ("model", model, Some(consumer.clone())),
        StreamKey::Case { case } => ("case", case, None),
    };
    StreamLine {
        kind: kind.to_owned(),
        of: of.clone(),
        party,
        records,
        runs: 0,
        runs_shown: 0,
        found: 0,
        shown: 0,
    }
}
