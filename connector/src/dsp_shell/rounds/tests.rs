use super::*;

#[test]
fn what_fails_is_taken_up_again_after_pauses_that_grow() {
    let rounds = Rounds::default();
    let mut taken = Vec::new();
    // Ten hours of rounds, one a minute.
    for minute in 0..600 {
        if rounds.may("open/negotiation/a", minute * 60_000) {
            taken.push(minute);
        }
    }
    assert_eq!(taken[..7], [0, 2, 6, 14, 30, 62, 126]);
    assert!(taken.windows(2).all(|pair| pair[1] - pair[0] <= 64), "{taken:?}");
    // It went on: the next failure is the first.
    rounds.begin_anew("open/negotiation/a");
    assert!(rounds.may("open/negotiation/a", 0));
}

#[test]
fn what_is_being_done_is_not_begun_twice() {
    let rounds = Rounds::default();
    let (one, other) = (rounds.running("a".to_owned()), rounds.running("a".to_owned()));
    assert!(!rounds.may("a", 0));
    drop(one);
    assert!(!rounds.may("a", 0));
    drop(other);
    assert!(rounds.may("a", 0));
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let rounds = Rounds::default();
    assert!(rounds.may("a", 1_000 * LONGEST_PAUSE_MS));
    assert!(rounds.may("a", 0));
}

#[test]
fn what_is_finished_is_forgotten() {
    let rounds = Rounds::default();
    for key in ["open/a/1", "open/a/2", "open/b/1"] {
        assert!(rounds.may(key, 0));
    }
    let running = rounds.running("open/a/1".to_owned());
    rounds.forget("open/a/", &BTreeSet::new());
    let known: Vec<String> = lock(&rounds.looked).keys().cloned().collect();
    assert_eq!(known, ["open/a/1", "open/b/1"]);
    drop(running);
}

#[test]
fn of_many_that_wait_everyone_has_a_turn() {
    let rounds = Rounds::default();
    let key = |n: usize| format!("open/transfer/{n:04}");
    let of = |peer: &str, keys: std::ops::Range<usize>| (peer.to_owned(), keys.map(key).collect::<BTreeSet<_>>());
    let mut seen = BTreeSet::new();
    // By the next round all pauses are over: without turns, the same ones would be taken each time.
    for round in 0..4 {
        let waiting = Waiting::from([of("one", 0..150), of("other", 150..151)]);
        let taken = rounds.take("transfer/", waiting, round * 2 * LONGEST_PAUSE_MS);
        assert_eq!(taken.len(), AT_ONCE);
        assert!(taken.contains(&key(150)), "round {round}");
        seen.extend(taken);
    }
    assert_eq!(seen.len(), 151);
    // A hundred peers with one each: more than a round takes up.
    let rounds = Rounds::default();
    let mut seen = BTreeSet::new();
    for round in 0..2 {
        let waiting = (0..100).map(|n| of(&format!("peer {n}"), n..n + 1)).collect();
        seen.extend(rounds.take("transfer/", waiting, round * 2 * LONGEST_PAUSE_MS));
    }
    assert_eq!(seen.len(), 100);
    // What a peer has kept open is not remembered longer than it is open.
    rounds.take("transfer/", Waiting::from([of("other", 0..1)]), 0);
    assert_eq!(lock(&rounds.orders)["transfer/"].peers(), 1);
}

mod with_peers;
