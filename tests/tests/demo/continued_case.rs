//! A case that rests on the records of a log that is over: what was handed over verifies, and can be handed over again.

use crate::verdicts;
use crate::withheld::{Running, anchors, at, configuration, start};
use herleid_tests::connector::{good, run};
use herleid_tests::process::told;
use serde_json::Value;
use std::io::Write as _;

#[test]
fn a_case_verifies_before_and_after_the_log_of_the_models_holder_was_continued() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let demo = run(&["demo", "--directory", root.to_str().unwrap()]);
    assert!(demo.status.success(), "{}", told(&demo));

    let file = configuration(&root, "water-board");
    let text = std::fs::read_to_string(&file).unwrap();
    let (_, origin) = text.split_once("\norigin = \"").unwrap();
    let (origin, _) = origin.split_once('"').unwrap();
    let mut witness = start(&root, "witness");
    let done = good(&at(
        &root,
        "water-board",
        &["ledger", "continue", "--even-if-sound", "--confirm", origin],
    ));
    witness.kill();
    let successor = done["successor"].as_str().unwrap();
    std::fs::write(&file, text.replace(origin, successor)).unwrap();
    let mut known = std::fs::OpenOptions::new()
        .append(true)
        .open(configuration(&root, "witness"))
        .unwrap();
    writeln!(
        known,
        "\n[[witness.logs]]\norigin = \"{successor}\"\nverifier_key = {}",
        done["log_key"]
    )
    .unwrap();

    let _running = Running::start(&root);
    let all = anchors(&root, "after");
    let stated: Value = serde_json::from_slice(&std::fs::read(&all).unwrap()).unwrap();
    assert!(stated.to_string().contains(successor), "{stated}");
    // Made when the old log went on.
    assert_eq!(verdicts(&root.join("dossier.zip"), Some(&all)), (0, 0));
    // Made anew: the receipts of the old log are proved under the checkpoint that is served of it.
    let again = root.join("again.zip");
    good(&at(
        &root,
        "app",
        &["dossier", "Z2026-001", "--out", again.to_str().unwrap()],
    ));
    assert_eq!(verdicts(&again, Some(&anchors(&root, "again"))), (0, 0));
    // And what both ends recorded under the agreement that ended with the old log is held against each other as ever, at either end.
    for (here, there) in [("app", "water-board"), ("water-board", "app")] {
        let there = std::fs::read_to_string(configuration(&root, there)).unwrap();
        let (_, did) = there.split_once("\ndid = \"").unwrap();
        let (did, _) = did.split_once('"').unwrap();
        let said = good(&at(&root, here, &["reconcile", did]));
        assert_eq!(said["verdict"], "same", "{here}: {said}");
        let compared = said["agreements"].as_array().unwrap().iter();
        let compared: u64 = compared.map(|one| one["same"].as_u64().unwrap()).sum();
        assert!(compared > 0, "{here}: {said}");
    }
}
