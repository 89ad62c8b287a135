//! How much a trace found and how much of it is shown, by the index alone.

use crate::control::protocol::{Aside, Counted, StreamLine, Towards, TraceSummary};
use herleid_ledger::record::{Kind, StreamKey, Term};
use herleid_ledger::{Activity, Bounds, Direction, Ledger, LedgerError, Lineage};
use herleid_vocab::did::Did;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Cases, parties and streams that are listed at most.
const LISTED: usize = 100;
/// Records of streams that are looked through to count the runs in them: half a second.
const COUNTED: u64 = 100_000;

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

/// Whether a trace can go on from it, or it is of a pull or run of which nothing is known any more; else it is told of, and not drawn.
pub(super) fn leads(activity: &Activity) -> bool {
    let drawn = [
        Kind::DecisionMade,
        Kind::DatasetPublished,
        Kind::ModelPublished,
        Kind::Replayed,
        Kind::PullOpened,
        Kind::PullServed,
        Kind::PullReceived,
        Kind::PullAborted,
        Kind::PullUnacknowledged,
        Kind::OneSidedPullOpened,
        Kind::OneSidedPullReceived,
    ];
    let is_unknown = activity.records.iter().any(|(_, kind)| kind.is_none());
    activity.transaction.is_some() || is_unknown || is_run(activity) || has(activity, &drawn)
}

/// What is told of and not drawn, by kind.
pub(super) fn aside(activities: &[Activity]) -> Vec<Aside> {
    let mut found: BTreeMap<&str, Counted<u64>> = BTreeMap::new();
    for (index, kind) in activities.iter().flat_map(|activity| &activity.records) {
        let records = found.entry(kind.map_or("record", |kind| kind.as_str())).or_default();
        records.found += 1;
        if records.shown.len() < LISTED {
            records.shown.push(*index);
        }
    }
    let lines = found.into_iter().map(|(kind, records)| Aside {
        kind: kind.to_owned(),
        records,
    });
    lines.collect()
}

/// Whether a run begins in it. Of a run some of whose records were erased, more than one activity may be left: it is counted once.
fn begins_run(activity: &Activity) -> bool {
    has(activity, &[Kind::RunRequested, Kind::RunStarted])
}

fn counted<T>(all: impl IntoIterator<Item = T>) -> Counted<T> {
    let mut shown: Vec<T> = all.into_iter().collect();
    let found = shown.len() as u64;
    shown.truncate(LISTED);
    Counted { found, shown }
}

pub(super) fn of(
    ledger: &Ledger,
    direction: Direction,
    bounds: &Bounds,
    lineage: &Lineage,
    is_shown: &[bool],
    streams: &BTreeMap<Uuid, (StreamKey, u64)>,
) -> Result<TraceSummary, LedgerError> {
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
        let run = begins_run(activity);
        summary.runs += u64::from(run);
        summary.decisions += u64::from(has(activity, &[Kind::DecisionMade]));
        summary.pulls += u64::from(activity.transaction.is_some() && !is_run(activity));
        for id in &activity.streams {
            let Some((key, records)) = streams.get(id) else {
                continue;
            };
            let line = lines.entry(*id).or_insert_with(|| line(key, *records));
            line.found += 1;
            line.shown += u64::from(*shown);
            line.runs_found += u64::from(run);
            line.runs_shown += u64::from(run && *shown);
        }
    }
    let cases: BTreeSet<String> = lines
        .values()
        .filter(|l| l.kind == "case")
        .map(|l| l.of.clone())
        .collect();
    let parties: BTreeSet<Did> = lines.values().filter_map(|l| l.party.clone()).collect();
    let mut lines: Vec<(Uuid, StreamLine)> = lines.into_iter().collect();
    // Those that show least of themselves first.
    lines.sort_by(|(_, a), (_, b)| (b.found - b.shown, &a.kind, &a.of).cmp(&(a.found - a.shown, &b.kind, &b.of)));
    summary.cases = counted(cases);
    summary.parties = counted(parties);
    let Counted { found, shown } = counted(lines);
    let mut left = COUNTED;
    let mut lines = Vec::new();
    for (id, mut line) in shown {
        if let (Some((key, _)), Some(rest)) = (streams.get(&id), left.checked_sub(line.records)) {
            left = rest;
            line.runs = Some(runs(ledger, key, id)?);
        }
        lines.push(line);
    }
    summary.streams = Counted { found, shown: lines };
    Ok(summary)
}

/// The runs in a stream, whether or not this trace leads to them.
fn runs(ledger: &Ledger, key: &StreamKey, id: Uuid) -> Result<u64, LedgerError> {
    let term = match key {
        StreamKey::Agreement { agreement, .. } => Term::Agreement(agreement.clone()),
        StreamKey::Model { model, .. } => Term::Model(model.clone()),
        StreamKey::Case { case } => Term::Case(case.clone()),
    };
    let alone = Bounds {
        depth: 0,
        activities: usize::MAX,
    };
    let records = ledger.by_term(&term)?.into_iter().collect();
    let all = ledger.lineage(&records, Direction::Up, alone)?.activities;
    let of_stream = all.iter().filter(|one| begins_run(one) && one.streams.contains(&id));
    Ok(of_stream.count() as u64)
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
        runs: None,
        runs_found: 0,
        runs_shown: 0,
        found: 0,
        shown: 0,
    }
}
