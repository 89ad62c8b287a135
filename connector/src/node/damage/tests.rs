//! When all is checked, and that nothing that was met is forgotten.

use super::*;
use herleid_vocab::rim::FixedClock;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const SHORT: Duration = Duration::from_micros(50);

fn watched(dir: &std::path::Path, every_s: u64) -> Watched {
    Watched {
        ledger: crate::peers::tests::ledger(dir, "knmi.example/log/1", 1),
        clock: Arc::new(FixedClock::new(1_800_000_000_000)),
        every_s,
    }
}

/// Checks that come to these one after the other, and tell that they were made.
fn scripted(
    script: Vec<Checked>,
    made: UnboundedSender<Cause>,
) -> impl Fn(Cause, &AtomicBool) -> Checked + Clone + Send + 'static {
    let script = Arc::new(Mutex::new(script.into_iter()));
    move |cause, _| {
        made.send(cause).unwrap();
        script.lock().unwrap().next().unwrap_or(Checked::InOrder)
    }
}

#[test]
fn a_finding_is_not_taken_back_by_a_check_that_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let watched = watched(folder.path(), 0);
    let ends = AtomicBool::new(false);
    assert!(matches!(watched.check(Cause::Routine, &ends), Checked::InOrder));
    watched.ledger.refuse_all("record 7 is damaged").unwrap();
    let Checked::NotInOrder(why) = watched.check(Cause::Routine, &ends) else {
        panic!("it is in order again");
    };
    for part in ["an earlier one did not", "record 7 is damaged"] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[tokio::test]
async fn what_could_not_be_checked_is_checked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (made, mut checks) = unbounded_channel();
    let check = scripted(vec![Checked::NotInOrder("a disk is away".to_owned())], made);
    let stop = CancellationToken::new();
    let (mut rounds, ends) = (0, stop.clone());
    // Met once. In order in the end, and then nothing is checked any more.
    let was_met = move || {
        rounds += 1;
        if rounds == 2_000 {
            ends.cancel();
        }
        rounds == 1
    };
    look(SHORT, Arc::new(watched(folder.path(), 0)), was_met, check, stop)
        .await
        .unwrap();
    let mut causes = Vec::new();
    checks.recv_many(&mut causes, 9).await;
    assert!(causes == [Cause::Suspicion; 2], "{}", causes.len());
}

#[tokio::test]
async fn all_is_checked_from_time_to_time_though_nothing_is_met() {
    let folder = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let (rounds, ends) = (Arc::new(AtomicU64::new(0)), stop.clone());
    let (counted, at) = (rounds.clone(), Arc::new(Mutex::new(Vec::new())));
    let met = move || {
        if rounds.fetch_add(1, Ordering::SeqCst) == 400 {
            ends.cancel();
        }
        false
    };
    let made = at.clone();
    let check = move |cause, _: &AtomicBool| {
        assert!(cause == Cause::Routine);
        made.lock().unwrap().push(counted.load(Ordering::SeqCst));
        Checked::InOrder
    };
    look(SHORT, Arc::new(watched(folder.path(), 60)), met, check, stop)
        .await
        .unwrap();
    let at = at.lock().unwrap().clone();
    assert_eq!(at, [120, 240, 360]);
}

#[tokio::test]
async fn a_stop_breaks_a_check_off() {
    let folder = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let (stopped, begun) = (stop.clone(), std::sync::mpsc::channel());
    let (begun, waits) = begun;
    let check = move |_, ends: &AtomicBool| {
        begun.send(()).unwrap();
        // As one of very many records does.
        while !ends.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        Checked::BrokenOff
    };
    let watching = tokio::spawn(look(
        SHORT,
        Arc::new(watched(folder.path(), 0)),
        || true,
        check,
        stopped,
    ));
    tokio::task::spawn_blocking(move || waits.recv().unwrap())
        .await
        .unwrap();
    stop.cancel();
    watching.await.unwrap().unwrap();
}

#[test]
fn a_check_goes_on_until_it_ends_or_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let watched = watched(folder.path(), 0);
    for cause in [Cause::Suspicion, Cause::Routine] {
        let found = |ends| watched.check(cause, &AtomicBool::new(ends));
        assert!(matches!(found(false), Checked::InOrder));
        assert!(matches!(found(true), Checked::BrokenOff));
    }
}

#[test]
fn when_it_was_checked_last_counts_across_starts_and_what_is_no_time_is_long_ago() {
    let folder = tempfile::tempdir().unwrap();
    let watched = watched(folder.path(), 3_600);
    let rounds = |stored: Option<&str>| {
        let stored = stored.map(|text| text.as_bytes().to_vec());
        watched
            .ledger
            .put_state_blocking(vec![(LAST.to_owned(), stored)])
            .unwrap();
        watched.routine()
    };
    let now_ms = watched.clock.now_ms();
    let ago = |s: u64| (now_ms - s * 1_000).to_string();
    assert_eq!(rounds(None), 7_200);
    assert_eq!(rounds(Some(&ago(3_000))), 1_200);
    assert_eq!(rounds(Some(&ago(4_000))), 0);
    // A clock that was set back since.
    assert_eq!(rounds(Some(&(now_ms + 9_000_000).to_string())), 0);
    assert_eq!(rounds(Some("soon")), 0);
}
