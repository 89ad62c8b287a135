//! The main job, from rain to decision.

use crate::made;
use herleid_tests::connector::run;
use herleid_tests::process::{herleid, mortal, text};

#[test]
fn it_runs_twice_in_one_place_and_tells_each_step() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    for round in 1..=2 {
        let output = run(&["demo", "--directory", root.to_str().unwrap()]);
        let told = text(&output.stdout);
        assert!(
            output.status.success(),
            "round {round}: {told}\n{}",
            text(&output.stderr)
        );
        for expected in [
            "Refusal 1",
            "Refusal 2",
            "Refusal 3",
            "Verified offline",
            "identical",
            "A. de Vries",
            "pump_mm_per_h = 0.7, storage_mm = 7",
        ] {
            assert!(
                told.contains(expected),
                "round {round}: `{expected}` is missing in\n{told}"
            );
        }
    }
}

#[test]
fn it_speaks_dutch_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let output = mortal(herleid())
        .args(["demo", "--directory", root.to_str().unwrap()])
        .env("HERLEID_LANG", "nl")
        .output()
        .unwrap();
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", text(&output.stderr));
    assert!(
        told.contains("Weigering 1") && told.contains("Offline gecontroleerd"),
        "{told}"
    );
}

#[test]
fn each_refusal_says_which_rule_and_what_was_shown() {
    let refusals = made().said["refusals"].as_array().unwrap();
    let refusals: Vec<&str> = refusals.iter().map(|r| r.as_str().unwrap()).collect();
    assert_eq!(refusals.len(), 3);
    assert!(
        refusals[0].contains("MembershipCredential") && refusals[0].contains("absent"),
        "{}",
        refusals[0]
    );
    assert!(
        refusals[1].contains("purpose")
            && refusals[1].contains("dpv#PublicBenefit")
            && refusals[1].contains("dpv#Marketing"),
        "{}",
        refusals[1]
    );
    assert!(
        refusals[2].contains("the time of the request is no later than") && refusals[2].contains("new agreement"),
        "{}",
        refusals[2]
    );
}

#[test]
fn a_directory_that_the_demonstration_did_not_make_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.txt");
    std::fs::write(&kept, "mine").unwrap();
    let output = run(&["demo", "--directory", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("was not made by `herleid demo`"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(std::fs::read(&kept).unwrap(), b"mine");
}
