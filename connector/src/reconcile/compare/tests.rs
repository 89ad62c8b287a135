use super::*;
use herleid_ledger::handover::Subject;

fn transaction(name: &str) -> Uuid {
    let text = format!(
        "0192f0c1-2b3c-7d4e-8f50-{:012x}",
        name.bytes().map(u64::from).sum::<u64>()
    );
    text.parse().unwrap()
}

/// What the log of an end holds, as it is added record by record.
fn end(records: &[(&str, u64, Phase, u64, u64, &str)]) -> End {
    let mut end = End::default();
    for (name, segment, phase, index, at, version) in records {
        let exchange = Exchange {
            transaction: transaction(name),
            segment: *segment,
            phase: *phase,
            agreement: "urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d".to_owned(),
            provider: "did:web:them.example".parse().unwrap(),
            consumer: "did:web:us.example".parse().unwrap(),
            subject: Subject::Dataset {
                dataset: "rain".to_owned(),
                version: (*version).to_owned(),
            },
            from: 0,
            to: 4,
            content: [3; 32],
        };
        let entry = Entry {
            index: *index,
            recorded_at_ms: Some(*at),
            said: Said::of(&exchange.to_bytes().unwrap()),
        };
        end.add(&exchange, entry);
    }
    end
}

fn compared(ours: &End, theirs: &End, side: Side) -> Compared {
    compared_with(ours, theirs, side, 50, true)
}

/// `receipt` is the record with the other end's receipt for what was begun in the transaction `acknowledged`.
fn compared_with(ours: &End, theirs: &End, side: Side, receipt: u64, is_whole: bool) -> Compared {
    let receipts = BTreeMap::from([(transaction("acknowledged"), receipt)]);
    let beside = Beside {
        side,
        size_before: 100,
        is_whole,
        receipts: &receipts,
        erased_here: &BTreeMap::new(),
        clocks_since_ms: 1_000,
    };
    let mut compared = compare(ours, theirs, &beside);
    compared.sort();
    compared
}

fn found(compared: &Compared) -> Vec<(What, Option<u64>, Option<u64>)> {
    let found = compared.findings.iter();
    found.map(|found| (found.what, found.ours, found.theirs)).collect()
}

#[test]
fn what_both_recorded_alike_is_the_same() {
    let ours = end(&[
        ("a", 1, Phase::Pull, 5, 1_000, "x"),
        ("a", 2, Phase::Pull, 6, 1_010, "y"),
    ]);
    let theirs = end(&[
        ("a", 1, Phase::Pull, 9, 1_020, "x"),
        ("a", 2, Phase::Pull, 10, 1_015, "y"),
    ]);
    let compared = compared(&ours, &theirs, Side::Provider);
    assert_eq!((compared.same, compared.verdict()), (2, Reconciled::Same));
    assert_eq!(compared.clock_ahead_ms, [None, Some(5)]);
}

#[test]
fn one_byte_of_difference_is_grave_and_named() {
    let ours = end(&[("a", 1, Phase::Pull, 5, 0, "x")]);
    let theirs = end(&[("a", 1, Phase::Pull, 9, 0, "y")]);
    let compared = compared(&ours, &theirs, Side::Consumer);
    assert_eq!(found(&compared), [(What::Different, Some(5), Some(9))]);
    assert_eq!(compared.findings[0].detail.as_deref(), Some("subject"));
    assert_eq!(compared.verdict(), Reconciled::Differs);
}

#[test]
fn who_leaves_out_what_is_told_by_who_gave_it() {
    let nothing = End::default();
    let cases = [
        (
            Side::Provider,
            Phase::Pull,
            "a",
            What::NotReceivedThere,
            What::NeverGiven,
        ),
        (
            Side::Provider,
            Phase::RunResult,
            "a",
            What::NotReceivedThere,
            What::NeverGiven,
        ),
        (
            Side::Provider,
            Phase::RunRequest,
            "a",
            What::LeftOut,
            What::NotReceivedHere,
        ),
        (Side::Consumer, Phase::Pull, "a", What::LeftOut, What::NotReceivedHere),
        (
            Side::Consumer,
            Phase::RunRequest,
            "a",
            What::NotReceivedThere,
            What::NeverGiven,
        ),
        (
            Side::Provider,
            Phase::Pull,
            "acknowledged",
            What::Denied,
            What::NeverGiven,
        ),
        // Its receipt for the start of a run says that it was asked.
        (
            Side::Consumer,
            Phase::RunRequest,
            "acknowledged",
            What::LeftOut,
            What::NeverGiven,
        ),
    ];
    for (side, phase, transaction, only_here, only_there) in cases {
        let one = end(&[(transaction, 1, phase, 5, 0, "x")]);
        let here = compared(&one, &nothing, side);
        assert_eq!(found(&here), [(only_here, Some(5), None)], "{side:?} {phase}");
        let there = compared(&nothing, &one, side);
        assert_eq!(found(&there), [(only_there, None, Some(5))], "{side:?} {phase}");
        for (compared, what) in [(here, only_here), (there, only_there)] {
            let open = [What::NotReceivedHere, What::NotReceivedThere].contains(&what);
            let expected = if open { Reconciled::Open } else { Reconciled::Differs };
            assert_eq!(compared.verdict(), expected);
        }
    }
}

#[test]
fn what_was_erased_accuses_nobody_and_is_not_the_same() {
    let gone = |index, phase| Gone {
        index,
        tombstone: 20,
        phase: Some(phase),
    };
    // There: of its phase, once.
    let ours = end(&[
        ("acknowledged", 1, Phase::Pull, 5, 0, "x"),
        ("acknowledged", 2, Phase::Pull, 6, 0, "x"),
    ]);
    let mut theirs = End::default();
    theirs.gone.extend([gone(8, Phase::RunRequest), gone(9, Phase::Pull)]);
    let there = compared(&ours, &theirs, Side::Provider);
    assert_eq!(
        found(&there),
        [
            (What::Denied, Some(6), None),
            (What::Erased, Some(5), Some(9)),
            (What::Erased, None, Some(8))
        ]
    );
    assert_eq!(there.findings[1].detail.as_deref(), Some("by record 20 there"));
    assert_eq!(there.verdict(), Reconciled::Differs);
    // Here: of its transaction and phase, once.
    let here = |transaction_of_it: &str, phase| {
        let erased_here = BTreeMap::from([(transaction(transaction_of_it), vec![gone(3, phase)])]);
        let beside = Beside {
            side: Side::Provider,
            size_before: 100,
            is_whole: true,
            receipts: &BTreeMap::new(),
            erased_here: &erased_here,
            clocks_since_ms: 0,
        };
        let theirs = end(&[("a", 1, Phase::Pull, 9, 0, "x")]);
        let compared = compare(&End::default(), &theirs, &beside);
        (found(&compared), compared.verdict())
    };
    assert_eq!(
        here("a", Phase::Pull),
        (vec![(What::Erased, Some(3), Some(9))], Reconciled::Open)
    );
    for (transaction, phase) in [("b", Phase::Pull), ("a", Phase::RunResult)] {
        let never = (vec![(What::NeverGiven, None, Some(9))], Reconciled::Differs);
        assert_eq!(here(transaction, phase), never, "{transaction} {phase}");
    }
}

#[test]
fn what_was_recorded_after_the_other_end_was_asked_is_not_missed() {
    let ours = end(&[("a", 1, Phase::Pull, 100, 0, "x")]);
    assert_eq!(compared(&ours, &End::default(), Side::Consumer), Compared::default());
}

#[test]
fn a_receipt_counts_only_for_what_was_there_before_the_other_end_was_asked() {
    let ours = end(&[("acknowledged", 1, Phase::Pull, 5, 0, "x")]);
    // Acknowledged while its records were being read; or before this segment was given.
    for (receipt, what) in [
        (99, What::Denied),
        (100, What::NotReceivedThere),
        (4, What::NotReceivedThere),
    ] {
        let compared = compared_with(&ours, &End::default(), Side::Provider, receipt, true);
        assert_eq!(found(&compared), [(what, Some(5), None)], "{receipt}");
    }
}

#[test]
fn of_what_was_not_read_nothing_is_missing() {
    let ours = end(&[
        ("acknowledged", 1, Phase::Pull, 5, 0, "x"),
        ("b", 1, Phase::Pull, 6, 0, "x"),
    ]);
    let theirs = end(&[("b", 1, Phase::Pull, 9, 0, "y")]);
    for side in [Side::Provider, Side::Consumer] {
        let compared = compared_with(&ours, &theirs, side, 50, false);
        assert_eq!(found(&compared), [(What::Different, Some(6), Some(9))]);
    }
}

#[test]
fn clocks_are_compared_as_they_stand_now() {
    // Before the time that counts, and where an end says that its clock had been put back.
    let old = end(&[("a", 1, Phase::Pull, 1, 999, "x")]);
    let theirs = end(&[("a", 1, Phase::Pull, 1, 9_000, "x")]);
    assert_eq!(compared(&old, &theirs, Side::Provider).clock_ahead_ms, [None, None]);
    let ours = end(&[("a", 1, Phase::Pull, 1, 1_000, "x")]);
    let mut stepped = end(&[("a", 1, Phase::Pull, 1, 9_000, "x")]);
    for entry in stepped.entries.values_mut() {
        entry.recorded_at_ms = None;
    }
    assert_eq!(compared(&ours, &stepped, Side::Provider).clock_ahead_ms, [None, None]);
    assert_eq!(
        compared(&ours, &theirs, Side::Provider).clock_ahead_ms,
        [None, Some(8_000)]
    );
}

#[test]
fn an_exchange_told_twice_in_other_words_is_grave() {
    let twice = end(&[("a", 1, Phase::Pull, 5, 0, "x"), ("a", 1, Phase::Pull, 6, 0, "y")]);
    let once = end(&[("a", 1, Phase::Pull, 9, 0, "x")]);
    assert_eq!(
        found(&compared(&twice, &once, Side::Provider)),
        [(What::Twice, Some(6), None)]
    );
    assert_eq!(
        found(&compared(&once, &twice, Side::Provider)),
        [(What::Twice, None, Some(6))]
    );
}

#[test]
fn the_gravest_comes_first() {
    let ours = end(&[("a", 1, Phase::Pull, 5, 0, "x"), ("b", 1, Phase::Pull, 6, 0, "x")]);
    let theirs = end(&[("b", 1, Phase::Pull, 9, 0, "y")]);
    let compared = compared(&ours, &theirs, Side::Provider);
    assert!(compared.findings[0].is_grave && !compared.findings[1].is_grave);
}

#[test]
fn clocks_are_bounded_from_both_sides() {
    // Their clock is 5,000 ms ahead, and messages take 10 ms.
    let ours = end(&[
        ("a", 1, Phase::RunRequest, 1, 1_000, "x"),
        ("a", 1, Phase::RunResult, 2, 2_010, "x"),
    ]);
    let theirs = end(&[
        ("a", 1, Phase::RunRequest, 1, 6_010, "x"),
        ("a", 1, Phase::RunResult, 2, 7_000, "x"),
    ]);
    let compared = compared(&ours, &theirs, Side::Consumer);
    assert_eq!(compared.clock_ahead_ms, [Some(4_990), Some(5_010)]);
}
