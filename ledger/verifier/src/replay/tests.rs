use super::*;

fn whole(then: &[u8], now: &[u8], canonicalisation: Canonicalisation) -> Comparison {
    let digest = hex_sha256(then);
    let recorded = [RecordedOutput {
        name: "result",
        sha256: &digest,
        bytes: Some(then),
    }];
    let replayed = [ReplayedOutput {
        name: "result",
        bytes: now,
    }];
    compare(&recorded, &replayed, canonicalisation).unwrap()
}

fn compared(then: &[u8], now: &[u8], canonicalisation: Canonicalisation) -> Verdict {
    whole(then, now, canonicalisation).verdict
}

fn first(then: &[u8], now: &[u8], canonicalisation: Canonicalisation) -> OutputComparison {
    whole(then, now, canonicalisation).outputs.remove(0)
}

#[test]
fn equal_bytes_are_identical_with_or_without_the_recorded_bytes() {
    assert_eq!(compared(b"x", b"x", Canonicalisation::None), Verdict::Identical);
    let digest = hex_sha256(b"x");
    let recorded = [RecordedOutput {
        name: "result",
        sha256: &digest,
        bytes: None,
    }];
    let same = compare(
        &recorded,
        &[ReplayedOutput {
            name: "result",
            bytes: b"x",
        }],
        Canonicalisation::Jcs,
    )
    .unwrap();
    assert_eq!(same.verdict, Verdict::Identical);
    let other = compare(
        &recorded,
        &[ReplayedOutput {
            name: "result",
            bytes: b"y",
        }],
        Canonicalisation::Jcs,
    )
    .unwrap();
    assert!(matches!(other.verdict, Verdict::Different { .. }), "{other:?}");
}

#[test]
fn another_spelling_of_the_same_json_is_identical_after_jcs_and_the_difference_is_shown() {
    let found = first(br#"{"a":1,"b":2.0}"#, br#"{"b": 2, "a": 1}"#, Canonicalisation::Jcs);
    let Verdict::IdenticalAfter {
        canonicalisation: Canonicalisation::Jcs,
        raw: Some(raw),
    } = found.verdict
    else {
        panic!("{found:?}");
    };
    assert_eq!(
        (raw.at, raw.recorded_bytes, raw.replayed_bytes, raw.members_differing),
        (2, 15, 16, 0)
    );
    assert!(raw.recorded.starts_with("a\":1") && raw.replayed.starts_with("b\": 2"));
    assert!(matches!(
        compared(br#"{"a":1,"b":2.0}"#, br#"{"b": 2, "a": 1}"#, Canonicalisation::None),
        Verdict::Different { .. }
    ));
}

#[test]
fn another_value_is_different_and_its_place_is_named() {
    let found = first(
        br#"{"hours":[{"fill":"7"},{"fill":"6.3"}],"a/b":1}"#,
        br#"{"hours":[{"fill":"7"},{"fill":"6.4"},{"fill":"1"}]}"#,
        Canonicalisation::Jcs,
    );
    let Verdict::Different { raw: Some(raw), .. } = found.verdict else {
        panic!("{found:?}")
    };
    let pointers: Vec<_> = raw.members.iter().map(|one| one.pointer.as_str()).collect();
    assert_eq!(pointers, ["/a~1b", "/hours/1/fill", "/hours/2"]);
    assert_eq!(raw.members[0].replayed, None);
    assert_eq!(raw.members[1].recorded.as_deref(), Some("\"6.3\""));
}

#[test]
fn what_rfc_8785_cannot_tell_apart_is_not_called_identical() {
    for (then, now) in [
        (&b"[9007199254740993]"[..], &b"[9007199254740992]"[..]),
        (b"[-9007199254740993]", b"[-9007199254740992]"),
        (b"[18446744073709551615]", b"[18446744073709551614]"),
        (b"[9007199254740993.0]", b"[9007199254740992.0]"),
        (b"[1", b"[ 1"),
        (br#"{"a":1,"a":2}"#, br#"{"a":2}"#),
    ] {
        let found = compared(then, now, Canonicalisation::Jcs);
        assert!(matches!(found, Verdict::Different { .. }), "{found:?}");
    }
}

#[test]
fn many_differences_are_counted_and_twenty_are_shown() {
    let then = serde_json::to_vec(&(0..50).collect::<Vec<u32>>()).unwrap();
    let now = serde_json::to_vec(&(1..51).collect::<Vec<u32>>()).unwrap();
    let Verdict::Different { raw: Some(raw), .. } = first(&then, &now, Canonicalisation::Jcs).verdict else {
        panic!()
    };
    assert_eq!((raw.members.len(), raw.members_differing), (20, 50));
}

#[test]
fn sets_of_outputs_must_agree() {
    let digest = hex_sha256(b"x");
    let recorded = |name| RecordedOutput {
        name,
        sha256: &digest,
        bytes: Some(b"x"),
    };
    let replayed = |name| ReplayedOutput { name, bytes: b"x" };
    let missing = compare(
        &[recorded("a"), recorded("b")],
        &[replayed("a")],
        Canonicalisation::None,
    )
    .unwrap();
    assert!(matches!(&missing.verdict, Verdict::Different { why, .. } if why.contains("1 of 2") && why.contains('b')));
    let extra = compare(
        &[recorded("a")],
        &[replayed("a"), replayed("b")],
        Canonicalisation::None,
    )
    .unwrap();
    assert!(!extra.verdict.is_same());
    assert_eq!(extra.outputs[1].recorded_sha256, None);
    let nothing = compare(&[], &[], Canonicalisation::None).unwrap();
    assert!(matches!(nothing.verdict, Verdict::CannotRerun { .. }));
    assert!(matches!(
        compare(&[recorded("a"), recorded("a")], &[], Canonicalisation::None),
        Err(CompareError::Twice { side: "recorded", .. })
    ));
    assert!(matches!(
        compare(&[], &[replayed("a"), replayed("a")], Canonicalisation::None),
        Err(CompareError::Twice { side: "replayed", .. })
    ));
}

#[test]
fn bytes_that_are_not_the_recorded_ones_are_refused() {
    let recorded = [RecordedOutput {
        name: "a",
        sha256: &hex_sha256(b"x"),
        bytes: Some(b"y"),
    }];
    assert!(matches!(
        compare(
            &recorded,
            &[ReplayedOutput { name: "a", bytes: b"y" }],
            Canonicalisation::None
        ),
        Err(CompareError::NotTheRecorded { .. })
    ));
}

#[test]
fn the_list_is_closed() {
    assert_eq!("jcs".parse(), Ok(Canonicalisation::Jcs));
    assert_eq!("none".parse(), Ok(Canonicalisation::None));
    assert!(matches!(
        "tolerance 1e-9".parse::<Canonicalisation>(),
        Err(CompareError::ToleranceNotBuilt { .. })
    ));
    assert!(matches!(
        "JCS".parse::<Canonicalisation>(),
        Err(CompareError::UnknownCanonicalisation { .. })
    ));
    assert!(
        !Comparison::cannot_rerun("the licence keeps the program out")
            .verdict
            .is_same()
    );
}

#[test]
fn a_verdict_reads_as_one_object() {
    let text = serde_json::to_value(first(b"[1]", b"[1 ]", Canonicalisation::Jcs)).unwrap();
    assert_eq!(text["verdict"], "identical-after");
    assert_eq!(text["canonicalisation"], "jcs");
    assert_eq!(text["raw"]["at"], 2);
    assert_eq!(
        serde_json::to_value(Comparison::cannot_rerun("x")).unwrap()["verdict"],
        "cannot-rerun"
    );
}
