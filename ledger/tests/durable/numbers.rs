//! Streams, once-keys, counters and state: what the sequencer decides.

use crate::rig::{agreement, case, note, open, terminated};
use herleid_ledger::record::{Side, StreamKey};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, Ledger, Recorded};
use serde_json::json;
use std::collections::BTreeSet;

/// Appends from many threads at once, so that batches hold many drafts.
fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..count).map(|n| scope.spawn(move || work(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn streams_have_no_gaps_and_know_their_predecessor() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let keys = [
        agreement("urn:a", Side::Provider),
        agreement("urn:a", Side::Consumer),
        agreement("urn:b", Side::Provider),
        case("urn:a"),
        StreamKey::Model {
            model: "urn:a".into(),
            consumer: "did:web:app.example".parse().unwrap(),
        },
    ];
    let recorded: Vec<(StreamKey, Recorded)> = at_once(8, |_| {
        let appended = (0..25).map(|n| {
            let key = keys[n % keys.len()].clone();
            let recorded = ledger.append_blocking(note("x").stream(key.clone())).unwrap();
            (key, recorded)
        });
        appended.collect::<Vec<_>>()
    })
    .into_iter()
    .flatten()
    .collect();
    let mut ids = BTreeSet::new();
    for key in &keys {
        let mut own: Vec<&Recorded> = recorded
            .iter()
            .filter(|(of, _)| of == key)
            .map(|(_, recorded)| recorded)
            .collect();
        own.sort_by_key(|recorded| recorded.index());
        let section = key.section();
        let mut prev = json!(null);
        for (number, recorded) in (1u64..).zip(&own) {
            let place = recorded.streams().get(section).unwrap();
            assert_eq!(place.n, number);
            ids.insert(place.id);
            let stored = ledger.record(recorded.index()).unwrap().value(section).unwrap();
            assert_eq!(stored, json!({"id": place.id.to_string(), "n": number, "prev": prev}));
            prev = json!(hex::encode(recorded.leaf()));
        }
        let last = ledger.stream(key).unwrap().unwrap();
        assert_eq!((last.n, last.leaf), (40, *own[39].leaf()));
    }
    assert_eq!(ids.len(), keys.len());
    let audited = ledger.verify_all(|_, _| {}).unwrap();
    assert_eq!((audited.size, audited.streams), (201, 5));
}

#[test]
fn what_two_drafts_are_compared_by_is_not_kept_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let draft = || terminated("urn:a").once("t/1", [7; 32]);
    ledger.append_blocking(draft()).unwrap();
    assert_ne!(ledger.blinded(b"x"), ledger.blinded(b"y"));
    let blinded = ledger.blinded(b"x");
    drop(ledger);
    let key = b"ot/1";
    crate::rig::alter(dir.path(), "index", key, |value| {
        assert_eq!((value.len(), &value[32..]), (40, &1u64.to_be_bytes()[..]));
        assert_ne!(value[..32], [7; 32]);
    });
    // Also of another log with the same key-encryption key, which has a key of its own.
    let ledger = open(dir.path(), 2);
    assert_eq!(ledger.blinded(b"x"), blinded);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(open(other.path(), 5).blinded(b"x"), blinded);
    assert!(ledger.append_blocking(draft()).unwrap().replayed());
    drop(ledger);
    // As older versions kept it.
    crate::rig::alter(dir.path(), "index", key, |value| value[..32].copy_from_slice(&[7; 32]));
    let ledger = open(dir.path(), 3);
    assert!(ledger.append_blocking(draft()).unwrap().replayed());
    let other = ledger.append_blocking(terminated("urn:a").once("t/1", [8; 32]));
    assert!(matches!(other, Err(AppendError::Conflict { .. })));
}

#[test]
fn a_once_key_has_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let all = at_once(16, |_| {
        ledger
            .append_blocking(terminated("urn:a").once("t/1", [7; 32]))
            .unwrap()
    });
    let indices: BTreeSet<u64> = all.iter().map(Recorded::index).collect();
    assert_eq!(indices.len(), 1);
    assert_eq!(all.iter().filter(|recorded| !recorded.replayed()).count(), 1);
    assert_eq!(ledger.size(), 2);
    let first = all.iter().find(|recorded| !recorded.replayed()).unwrap();
    for again in &all {
        assert_eq!(
            (again.id(), again.leaf(), again.streams()),
            (first.id(), first.leaf(), first.streams())
        );
        assert_eq!(again.recorded_at_ms(), first.recorded_at_ms());
    }
    let stream = ledger.stream(&agreement("urn:a", Side::Provider)).unwrap().unwrap();
    assert_eq!(stream.n, 1);

    match ledger.append_blocking(terminated("urn:a").once("t/1", [8; 32])) {
        Err(AppendError::Conflict { key, index }) => assert_eq!((key.as_str(), index), ("t/1", first.index())),
        other => panic!("{other:?}"),
    }
    ledger.append_blocking(note("another").once("t/2", [8; 32])).unwrap();
    drop(ledger);
    let ledger = open(dir.path(), 2);
    let later = ledger
        .append_blocking(terminated("urn:a").once("t/1", [7; 32]))
        .unwrap();
    assert!(later.replayed());
    assert_eq!(
        (later.id(), later.index(), later.leaf()),
        (first.id(), first.index(), first.leaf())
    );
    assert_eq!(later.streams(), first.streams());
    assert_eq!(later.recorded_at_ms(), first.recorded_at_ms());
    assert_eq!((later.checkpoint().size(), ledger.size()), (3, 3));
}

#[test]
fn a_reservation_never_passes_its_bound() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let pull = |n: usize| {
        ledger.append_blocking(
            terminated("urn:a")
                .once(format!("t/{n}"), [0; 32])
                .reserve("count/a", 1, 10),
        )
    };
    let outcomes = at_once(30, pull);
    let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!((kept, ledger.counter("count/a").unwrap(), ledger.size()), (10, 10, 11));
    for outcome in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        match outcome {
            AppendError::Exhausted {
                key,
                used,
                add,
                at_most,
            } => {
                assert_eq!((key.as_str(), *used, *add, *at_most), ("count/a", 10, 1, 10));
            }
            other => panic!("{other}"),
        }
    }
    // What was refused took no number, and the same transaction again reserves nothing.
    let stream = ledger.stream(&agreement("urn:a", Side::Provider)).unwrap().unwrap();
    assert_eq!(stream.n, 10);
    let kept = (0..30).find(|n| outcomes[*n].is_ok()).unwrap();
    assert!(pull(kept).unwrap().replayed());
    assert_eq!(ledger.counter("count/a").unwrap(), 10);

    ledger.append_blocking(note("back").release("count/a", 4)).unwrap();
    assert_eq!(ledger.counter("count/a").unwrap(), 6);
    match ledger.append_blocking(note("too much").release("count/a", 7)) {
        Err(AppendError::Unreserved { used: 6, amount: 7, .. }) => {}
        other => panic!("{other:?}"),
    }
    // All reservations of a draft, or none.
    let half = note("half")
        .reserve("count/a", 1, 10)
        .reserve("bytes/a", 5, 4)
        .put("half", Some(vec![1]));
    assert!(matches!(
        ledger.append_blocking(half),
        Err(AppendError::Exhausted { .. })
    ));
    assert_eq!(
        (ledger.counter("count/a").unwrap(), ledger.counter("bytes/a").unwrap()),
        (6, 0)
    );
    assert_eq!(ledger.get("half").unwrap(), None);
    let twice = note("twice").reserve("count/a", 2, 10).reserve("count/a", 2, 10);
    ledger.append_blocking(twice).unwrap();
    assert_eq!(ledger.counter("count/a").unwrap(), 10);
    let overflow = note("overflow").reserve("count/a", u64::MAX, u64::MAX);
    assert!(matches!(
        ledger.append_blocking(overflow),
        Err(AppendError::Exhausted { .. })
    ));
    drop(ledger);
    assert_eq!(open(dir.path(), 2).counter("count/a").unwrap(), 10);
}

#[test]
fn state_is_written_with_its_record_or_alone() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let value = |text: &str| Some(text.as_bytes().to_vec());
    ledger
        .append_blocking(note("x").put("n/1", value("one")).put("n/2", value("two")))
        .unwrap();
    ledger
        .put_state_blocking(vec![("n/3".into(), value("three")), ("m".into(), value(""))])
        .unwrap();
    assert_eq!(ledger.size(), 2);
    let all = |prefix: &str| ledger.scan(prefix).unwrap();
    let pair = |key: &str, text: &str| (key.to_owned(), text.as_bytes().to_vec());
    assert_eq!(
        all("n/"),
        [pair("n/1", "one"), pair("n/2", "two"), pair("n/3", "three")]
    );
    assert_eq!(all("").len(), 4);
    assert_eq!((ledger.get("m").unwrap(), ledger.get("n").unwrap()), (value(""), None));
    ledger
        .append_blocking(note("y").put("n/1", None).put("n/2", value("2")))
        .unwrap();
    ledger.put_state_blocking(vec![("n/3".into(), None)]).unwrap();
    assert_eq!(all("n/"), [pair("n/2", "2")]);
    let too_long = vec![("k".repeat(5000), None)];
    assert!(matches!(
        ledger.put_state_blocking(too_long),
        Err(AppendError::Draft(_))
    ));
    drop(ledger);
    assert_eq!(open(dir.path(), 2).get("n/2").unwrap(), value("2"));
}

#[test]
fn many_tasks_share_batches() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let ledger = open(dir.path(), 1);
    let recorded: Vec<Recorded> = runtime.block_on(async {
        let tasks: Vec<_> = (0..300)
            .map(|n| {
                let ledger: Ledger = ledger.clone();
                tokio::spawn(async move {
                    let draft = note("x").stream(case("Z")).put(format!("k/{n}"), Some(vec![1]));
                    ledger.append(draft).await.unwrap()
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.unwrap());
        }
        ledger.put_state(vec![("done".into(), Some(vec![]))]).await.unwrap();
        all
    });
    let mut numbers: Vec<u64> = recorded
        .iter()
        .map(|recorded| recorded.streams().get(SectionName::StreamCase).unwrap().n)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=300).collect::<Vec<u64>>());
    let sizes: BTreeSet<u64> = recorded.iter().map(|recorded| recorded.checkpoint().size()).collect();
    assert!(sizes.len() < 300, "no two records shared a batch");
    assert_eq!(ledger.scan("k/").unwrap().len(), 300);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().size, 301);
}
