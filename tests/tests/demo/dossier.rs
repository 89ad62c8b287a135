//! The dossier of a real case under both verifiers.

use crate::{made, verdicts};
use herleid_tests::connector::run;
use herleid_tests::process::text;
use std::fs;

#[test]
fn both_verifiers_accept_it_with_anchors_and_distrust_it_without() {
    let made = made();
    assert_eq!(verdicts(&made.dossier(), Some(&made.anchors())), (0, 0));
    assert_eq!(verdicts(&made.dossier(), None), (4, 4));
}

#[test]
fn a_truncated_dossier_and_one_with_bytes_behind_it_fail() {
    let made = made();
    let whole = fs::read(made.dossier()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dossier.zip");
    for broken in [
        whole[..whole.len() - 1].to_vec(),
        whole[..whole.len() / 2].to_vec(),
        [whole.as_slice(), b"x"].concat(),
        [b"x", whole.as_slice()].concat(),
    ] {
        fs::write(&path, &broken).unwrap();
        assert_eq!(verdicts(&path, Some(&made.anchors())), (1, 1));
    }
}

#[test]
fn one_flipped_byte_anywhere_fails_both() {
    let made = made();
    let whole = fs::read(made.dossier()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dossier.zip");
    // Twelve places spread over the whole file; every file by itself is flipped in the verifier's own tests.
    for place in 0..12 {
        let at = whole.len() * (2 * place + 1) / 24;
        let mut flipped = whole.clone();
        flipped[at] ^= 0x04;
        fs::write(&path, &flipped).unwrap();
        assert_eq!(verdicts(&path, Some(&made.anchors())), (1, 1), "byte {at}");
    }
}

#[test]
fn anchors_of_strangers_make_it_untrusted() {
    let made = made();
    let folder = tempfile::tempdir().unwrap();
    // A second demonstration has other keys; its anchors vouch for nobody in the first.
    let root = folder.path().join("demo");
    let output = run(&["demo", "--directory", root.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (ours, theirs) = verdicts(&made.dossier(), Some(&root.join("anchors.json")));
    assert_eq!((ours, theirs), (4, 4));
}

#[test]
fn its_runs_come_out_identical_and_another_parameter_gives_another_result() {
    let made = made();
    let (dossier, anchors) = (made.dossier(), made.anchors());
    let (dossier, anchors) = (dossier.to_str().unwrap(), anchors.to_str().unwrap());
    let same = run(&["replay", dossier, "--anchors", anchors]);
    assert!(same.status.success(), "{}", text(&same.stderr));
    assert_eq!(
        text(&same.stdout).matches(": identical").count(),
        2,
        "{}",
        text(&same.stdout)
    );
    let other = run(&["replay", dossier, "--anchors", anchors, "--set", "storage_mm=9"]);
    assert!(other.status.success(), "{}", text(&other.stderr));
    assert!(text(&other.stdout).contains("different"), "{}", text(&other.stdout));
    let unknown = run(&["replay", dossier, "--anchors", anchors, "--set", "diameter=0.9"]);
    assert_eq!(unknown.status.code(), Some(2));
}
