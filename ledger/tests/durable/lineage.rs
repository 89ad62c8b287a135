//! Following what rests on what, by the index alone.

use crate::rig::linked::{Run, decided, digests, published, received, served, transaction};
use crate::rig::{START_MS, note, open, options};
use herleid_ledger::record::{Draft, Kind, Side, StreamKey};
use herleid_ledger::{Bounds, Direction, Follows, Ledger, Lineage};
use herleid_vocab::rim::{Clock, FixedClock};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) const FAR: Bounds = Bounds {
    depth: 64,
    activities: 10_000,
};

pub(super) fn add(ledger: &Ledger, draft: Draft) -> u64 {
    ledger.append_blocking(draft).unwrap().index()
}

pub(super) fn trace(ledger: &Ledger, start: u64, direction: Direction, bounds: Bounds) -> Lineage {
    ledger.lineage(&BTreeSet::from([start]), direction, bounds).unwrap()
}

/// The kinds of the last record of each activity, in the order in which they were found.
pub(super) fn kinds(found: &Lineage) -> Vec<&'static str> {
    let last = found
        .activities
        .iter()
        .map(|activity| activity.records.last().unwrap().1);
    last.map(|kind| kind.map_or("unknown", Kind::as_str)).collect()
}

fn edges(found: &Lineage) -> Vec<(usize, usize, Follows)> {
    found.edges.iter().map(|edge| (edge.from, edge.to, edge.by)).collect()
}

/// One rain series, two runs on it for two cases, two decisions; and a run for the first case on which its decision does not rest.
pub(super) fn two_cases(ledger: &Ledger) -> (u64, [u64; 2]) {
    let rain = add(ledger, received(transaction(1), 1));
    let decisions = [("Z-1", 2u16, 11u8), ("Z-2", 3, 12)].map(|(case, n, output)| {
        let run = Run {
            id: transaction(n),
            case: Some(case),
            inputs: &[(Some(transaction(1)), 1)],
            outputs: &[output],
        };
        add(ledger, run.requested());
        add(ledger, run.received());
        let other = Run {
            id: transaction(n + 10),
            case: Some(case),
            inputs: &[],
            outputs: &[output + 10],
        };
        add(ledger, other.received());
        add(ledger, decided(case, &[(transaction(n), output)]))
    });
    (rain, decisions)
}

#[test]
fn a_wrong_rain_series_leads_to_every_decision_and_a_decision_back_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, decisions) = two_cases(&ledger);
    let found = trace(&ledger, rain, Direction::Down, FAR);
    assert_eq!(
        kinds(&found),
        [
            "pull-received",
            "run-received",
            "run-received",
            "decision-made",
            "decision-made"
        ]
    );
    let touched: Vec<u64> = found.activities[3..].iter().map(|decision| decision.first()).collect();
    assert_eq!(touched, decisions);
    assert_eq!((found.starts, found.not_followed, found.is_cut), (1, 0, false));
    assert!(found.edges.iter().all(|edge| edge.by == Follows::Transaction));
    // A run is one activity, however many records it has.
    assert_eq!(found.activities[1].records.len(), 2);

    let found = trace(&ledger, decisions[0], Direction::Up, FAR);
    assert_eq!(
        kinds(&found),
        ["decision-made", "run-received", "run-received", "pull-received"]
    );
    let expected = [
        (0, 1, Follows::Transaction),
        (0, 2, Follows::Case),
        (1, 3, Follows::Transaction),
    ];
    assert_eq!(edges(&found), expected);

    // The streams say whose they are and how many records they have.
    let ids: BTreeSet<_> = found
        .activities
        .iter()
        .flat_map(|activity| activity.streams.clone())
        .collect();
    let streams = ledger.streams_by_id(&ids).unwrap();
    let mut streams: Vec<_> = streams.into_values().collect();
    streams.sort_by_key(|(_, n)| *n);
    assert_eq!(streams[0], (StreamKey::Case { case: "Z-1".to_owned() }, 3));
    assert!(matches!(
        &streams[1],
        (
            StreamKey::Agreement {
                side: Side::Consumer,
                ..
            },
            7
        )
    ));
}

#[test]
fn a_diamond_is_walked_once_and_by_every_edge() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let rain = add(&ledger, received(transaction(1), 1));
    let run = |id: u16, inputs: &[(u16, u8)], output: u8| {
        let inputs: Vec<_> = inputs.iter().map(|(id, of)| (Some(transaction(*id)), *of)).collect();
        add(
            &ledger,
            Run {
                id: transaction(id),
                case: None,
                inputs: &inputs,
                outputs: &[output],
            }
            .received(),
        )
    };
    run(2, &[(1, 1)], 2);
    run(3, &[(1, 1)], 3);
    let last = run(4, &[(2, 2), (3, 3)], 4);
    for (start, direction) in [(last, Direction::Up), (rain, Direction::Down)] {
        let found = trace(&ledger, start, direction, FAR);
        assert_eq!(found.activities.len(), 4);
        let expected = [(0, 1), (0, 2), (1, 3), (2, 3)].map(|(from, to)| (from, to, Follows::Transaction));
        assert_eq!(edges(&found), expected);
        assert_eq!(found.activities[3].depth, 2);
    }
    // Both ends of the diamond at once: nothing twice.
    let found = ledger
        .lineage(&BTreeSet::from([rain, last]), Direction::Up, FAR)
        .unwrap();
    assert_eq!((found.activities.len(), found.starts), (4, 2));
}

#[test]
fn two_runs_that_name_each_other_end() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let run = |id: u16, on: u16| Run {
        id: transaction(id),
        case: None,
        inputs: if on == 1 { &[(Some(A), 1)] } else { &[(Some(B), 1)] },
        outputs: &[1],
    };
    const A: uuid::Uuid = uuid::uuid!("0192f0c1-2b3c-7d4e-8f50-112233440001");
    const B: uuid::Uuid = uuid::uuid!("0192f0c1-2b3c-7d4e-8f50-112233440002");
    // Each has a record before the other's last one, so that no order rules a circle out.
    add(&ledger, run(1, 2).requested());
    add(&ledger, run(2, 1).requested());
    add(&ledger, run(1, 2).received());
    let last = add(&ledger, run(2, 1).received());
    for direction in [Direction::Up, Direction::Down] {
        let found = trace(&ledger, last, direction, FAR);
        assert_eq!(found.activities.len(), 2, "{direction:?}");
        assert!(found.edges.len() <= 2);
    }
}

#[test]
fn bytes_alone_link_where_no_transaction_does() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let publication = add(&ledger, published(1));
    let passed_on = add(&ledger, served(transaction(1), 1));
    let run = |id: u16, inputs: &[(Option<uuid::Uuid>, u8)]| {
        add(
            &ledger,
            Run {
                id: transaction(id),
                case: None,
                inputs,
                outputs: &[],
            }
            .received(),
        )
    };
    let own = run(2, &[(None, 1)]);
    // The transaction is one of another log: only the bytes tell.
    let elsewhere = run(3, &[(Some(transaction(99)), 1)]);
    // The same bytes came by a pull as well, and this run has them from there.
    let pulled = add(&ledger, received(transaction(4), 1));
    let from_pull = run(5, &[(Some(transaction(4)), 1)]);
    let firsts = |found: &Lineage| found.activities.iter().map(|a| a.first()).collect::<BTreeSet<_>>();

    let found = trace(&ledger, publication, Direction::Down, FAR);
    assert_eq!(firsts(&found), BTreeSet::from([publication, passed_on, own, elsewhere]));
    assert!(found.edges.iter().all(|edge| edge.by == Follows::Digest));
    let found = trace(&ledger, pulled, Direction::Down, FAR);
    assert_eq!(firsts(&found), BTreeSet::from([pulled, from_pull]));
    for start in [passed_on, own, elsewhere] {
        let found = trace(&ledger, start, Direction::Up, FAR);
        assert_eq!(firsts(&found), BTreeSet::from([start, publication]), "{start}");
    }

    // By either digest of the content.
    let (sha256, blake3) = digests(1);
    let all = [publication, passed_on, own, elsewhere, pulled, from_pull];
    assert_eq!(ledger.by_digest(&sha256).unwrap(), all);
    assert_eq!(ledger.by_digest(&blake3).unwrap(), all);
    assert_eq!(ledger.by_digest(&[0x55; 32]).unwrap(), [0u64; 0]);
    let of_version = |version: &str| ledger.about(&all, "rain", version).unwrap();
    assert_eq!(of_version("1"), [publication, passed_on, pulled]);
    assert_eq!(of_version("2"), [0u64; 0]);
}

#[test]
fn what_lies_beyond_the_bounds_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, _) = two_cases(&ledger);
    let near = Bounds { depth: 1, ..FAR };
    let found = trace(&ledger, rain, Direction::Down, near);
    assert_eq!(
        (found.activities.len(), found.not_followed, found.is_cut),
        (3, 2, false)
    );
    let few = Bounds { activities: 2, ..FAR };
    let found = trace(&ledger, rain, Direction::Down, few);
    assert_eq!((found.activities.len(), found.is_cut), (2, true));
    // Exactly as many as there are: nothing was left out.
    let all = Bounds { activities: 5, ..FAR };
    assert!(!trace(&ledger, rain, Direction::Down, all).is_cut);
}

#[test]
fn records_are_found_by_the_time_at_which_they_were_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::new(START_MS));
    let ledger = Ledger::open(herleid_ledger::Options {
        clock: clock.clone(),
        ..options(dir.path(), 1)
    })
    .unwrap();
    for n in 1..=20u64 {
        clock.set(START_MS + n * 10);
        add(&ledger, note("x"));
    }
    assert_eq!(clock.now_ms(), START_MS + 200);
    let between = |from: u64, until: u64| ledger.recorded_between(START_MS + from, START_MS + until).unwrap();
    assert_eq!(between(0, 1), 0..1);
    assert_eq!(between(30, 60), 3..6);
    assert_eq!(between(31, 31), 4..4);
    assert_eq!(between(195, 1_000), 20..21);
    assert!(between(60, 30).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_are_found_each_once_and_a_bound_cuts_them() {
    const RUNS: u16 = 4;
    const INPUTS: u16 = 1_250;
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let mut pulls = tokio::task::JoinSet::new();
    for n in 0..RUNS * INPUTS {
        let ledger = ledger.clone();
        // All of the same bytes: only their transactions tell them apart.
        pulls.spawn(async move { ledger.append(received(transaction(n), 1)).await.unwrap().index() });
    }
    let pulls: BTreeSet<u64> = pulls.join_all().await.into_iter().collect();
    let mut relied_on = Vec::new();
    for run in 0..RUNS {
        let id = transaction(RUNS * INPUTS + run);
        let inputs: Vec<_> = (run * INPUTS..(run + 1) * INPUTS)
            .map(|n| (Some(transaction(n)), 1))
            .collect();
        let run = Run {
            id,
            case: None,
            inputs: &inputs,
            outputs: &[2],
        };
        ledger.append(run.received()).await.unwrap();
        relied_on.push((id, 2));
    }
    let last = ledger.append(decided("Z-1", &relied_on)).await.unwrap().index();
    let found = trace(&ledger, last, Direction::Up, FAR);
    let all = 1 + RUNS + RUNS * INPUTS;
    assert_eq!((found.activities.len(), found.is_cut), (usize::from(all), false));
    assert_eq!(found.edges.len(), usize::from(all) - 1);
    let traced: BTreeSet<u64> = found.activities[1 + usize::from(RUNS)..]
        .iter()
        .map(|a| a.first())
        .collect();
    assert_eq!(traced, pulls);
    // From all of them down: one bound for all.
    let found = ledger.lineage(&pulls, Direction::Down, FAR).unwrap();
    assert_eq!((found.activities.len(), found.starts), (usize::from(all), pulls.len()));
    let few = Bounds { activities: 100, ..FAR };
    let found = ledger.lineage(&pulls, Direction::Down, few).unwrap();
    assert_eq!((found.activities.len(), found.is_cut), (100, true));
}
