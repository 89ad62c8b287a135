//! How much a trace found and how much of it is shown, by the index alone.

use super::How;
use super::walked::Walked;
use crate::control::protocol::{Aside, Counted, StreamLine, Towards, TraceSummary};
use herleid_ledger::record::{Kind, StreamKey, Term};
use herleid_ledger::{Activity, Bounds, Direction, Ledger, LedgerError};
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

/// What was found in these logs, of which the first was searched and the others are where it goes on.
///
/// # Errors
/// When the one that was searched cannot be read.
pub(super) fn of(how: &How, logs: &[(&Ledger, &Walked)]) -> Result<TraceSummary, LedgerError> {
    let mut summary = TraceSummary {
        direction: match how.direction {
            Direction::Up => Towards::Up,
            Direction::Down => Towards::Down,
        },
        depth: how.bounds.depth,
        ..TraceSummary::default()
    };
    let mut lines = Vec::new();
    for (n, (ledger, walked)) in logs.iter().enumerate() {
        summary.count(walked);
        match ledger.streams_by_id(&walked.streams()) {
            Ok(streams) => lines.extend(of_streams(ledger, walked, streams)),
            Err(error) if n == 0 => return Err(error),
            // In which streams it stands is not known then.
            Err(_) => summary.more = true,
        }
    }
    let cases: BTreeSet<String> = lines
        .iter()
        .filter(|of| of.line.kind == "case")
        .map(|of| of.line.of.clone())
        .collect();
    let parties: BTreeSet<Did> = lines.iter().filter_map(|of| of.line.party.clone()).collect();
    // Those that show least of themselves first.
    let unseen = |of: &OfStream<'_>| of.line.found - of.line.shown;
    lines.sort_by(|a, b| (unseen(b), &a.line.kind, &a.line.of).cmp(&(unseen(a), &b.line.kind, &b.line.of)));
    summary.cases = counted(cases);
    summary.parties = counted(parties);
    let Counted { found, shown } = counted(lines);
    let (mut left, mut lines) = (COUNTED, Vec::new());
    let searched = logs.first().map(|(ledger, _)| ledger.origin());
    for OfStream {
        ledger,
        id,
        key,
        mut line,
    } in shown
    {
        if let Some(rest) = left.checked_sub(line.records) {
            left = rest;
            match runs(ledger, &key, id) {
                Ok(runs) => line.runs = Some(runs),
                Err(error) if searched == Some(ledger.origin()) => return Err(error),
                Err(_) => summary.more = true,
            }
        }
        lines.push(line);
    }
    summary.streams = Counted { found, shown: lines };
    Ok(summary)
}

impl TraceSummary {
    fn count(&mut self, walked: &Walked) {
        self.more |= walked.is_cut;
        for seen in walked.activities.values() {
            let activity = &seen.activity;
            self.found += 1;
            self.shown += u64::from(seen.is_shown);
            self.not_followed += u64::from(!seen.is_followed);
            self.runs += u64::from(begins_run(activity));
            self.decisions += u64::from(has(activity, &[Kind::DecisionMade]));
            self.pulls += u64::from(activity.transaction.is_some() && !is_run(activity));
        }
    }
}

/// A stream, with the log that it is of.
struct OfStream<'a> {
    ledger: &'a Ledger,
    id: Uuid,
    key: StreamKey,
    line: StreamLine,
}

fn of_streams<'a>(
    ledger: &'a Ledger,
    walked: &Walked,
    mut streams: BTreeMap<Uuid, (StreamKey, u64)>,
) -> impl Iterator<Item = OfStream<'a>> {
    let mut lines: BTreeMap<Uuid, StreamLine> = BTreeMap::new();
    for seen in walked.activities.values() {
        let (run, shown) = (begins_run(&seen.activity), seen.is_shown);
        for id in &seen.activity.streams {
            let Some((key, records)) = streams.get(id) else {
                continue;
            };
            let line = lines.entry(*id).or_insert_with(|| line(key, *records));
            line.found += 1;
            line.shown += u64::from(shown);
            line.runs_found += u64::from(run);
            line.runs_shown += u64::from(run && shown);
        }
    }
    lines.into_iter().filter_map(move |(id, line)| {
        let (key, _) = streams.remove(&id)?;
        Some(OfStream { ledger, id, key, line })
    })
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

/// Those records of `start` from which anything can be followed, if there are any: who asks for an agreement wants its pulls and runs.
/// Of the others it is said how many they are, and which.
pub(super) fn linked(ledger: &Ledger, start: &BTreeSet<u64>) -> Result<(BTreeSet<u64>, Vec<Aside>), LedgerError> {
    let alone = Bounds {
        depth: 0,
        activities: usize::MAX,
    };
    let found = ledger.lineage(start, Direction::Up, alone)?.activities;
    let (followed, others): (Vec<Activity>, Vec<Activity>) = found.into_iter().partition(leads);
    if followed.is_empty() {
        return Ok((start.clone(), Vec::new()));
    }
    let followed = followed.iter().map(Activity::first).collect();
    Ok((followed, aside(&others)))
}
