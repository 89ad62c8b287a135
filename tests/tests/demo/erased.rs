//! Something is erased from the log of who decided, by two people at the command line: what is left still verifies, and a dossier made
//! afterwards says what is not there, on which ground.

use crate::verdicts;
use crate::withheld::{Running, anchors, at};
use herleid_tests::connector::{good, run};
use herleid_tests::process::told;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const CASE: &str = "Z2026-001";

/// Files that not only their owner may read are refused, as a key is.
fn token(root: &Path, name: &str, mode: u32) -> (String, String) {
    let digest = |text: &str| -> String {
        let bytes = Sha256::digest(text);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let token = digest(name);
    let file = root.join(format!("{name}.token"));
    fs::write(&file, format!("{token}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    (file.display().to_string(), digest(&token))
}

#[test]
fn what_two_people_erase_is_gone_and_a_later_dossier_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let demo = run(&["demo", "--directory", root.to_str().unwrap()]);
    assert!(demo.status.success(), "{}", told(&demo));
    let [(first, a), (second, b), (open, _)] =
        [("dewit", 0o600), ("jansen", 0o600), ("open", 0o644)].map(|(name, mode)| token(&root, name, mode));
    let configuration = root.join("app").join("herleid.toml");
    let before = fs::read_to_string(&configuration).unwrap();
    let people = format!(
        "[erasure]\npeople = [{{name = \"A. de Wit\", token_sha256 = \"{a}\"}}, {{name = \"B. Jansen\", token_sha256 = \"{b}\"}}]\n"
    );
    let after = match before.contains("[erasure]\n") {
        true => before.replace("[erasure]\n", &people),
        false => format!("{before}\n{people}"),
    };
    fs::write(&configuration, after).unwrap();
    let _running = Running::start(&root);
    let app = |arguments: &[&str]| at(&root, "app", arguments);
    let proposal = |person: &str| {
        let what = ["erase", "propose", "--case", CASE, "--section", "people"];
        let why = [
            "--ground",
            "avg-17",
            "--authority",
            "request 2026-204",
            "--person",
            person,
        ];
        app(&[what.as_slice(), &why].concat())
    };
    assert_eq!(proposal(&open).status.code(), Some(2));
    let held = good(&app(&[
        "hold",
        "add",
        "--case",
        CASE,
        "--reason",
        "appeal 26/1234",
        "--person",
        &second,
    ]));
    let refused = proposal(&first);
    assert_eq!(refused.status.code(), Some(5));
    assert!(told(&refused).contains("appeal 26/1234"), "{}", told(&refused));
    good(&app(&[
        "hold",
        "remove",
        held["holds"][0]["id"].as_str().unwrap(),
        "--person",
        &first,
    ]));
    let proposed = good(&proposal(&first));
    let id = proposed["erasure"]["id"].as_str().unwrap();
    let approve = |person: &str| app(&["erase", "approve", id, "--person", person]);
    let alone = approve(&first);
    assert_eq!(alone.status.code(), Some(5));
    assert!(told(&alone).contains("another person"), "{}", told(&alone));
    let done = good(&approve(&second));
    assert_eq!(done["erasure"]["state"], "erased");
    let tombstone = done["erasure"]["records"][0]["tombstone"].as_u64().unwrap();

    let dossier = root.join("after.zip");
    good(&app(&["dossier", CASE, "--out", dossier.to_str().unwrap()]));
    let anchors = anchors(&root, "after");
    assert_eq!(verdicts(&dossier, Some(&anchors)), (0, 0));
    let report = run(&[
        "verify",
        dossier.to_str().unwrap(),
        "--anchors",
        anchors.to_str().unwrap(),
    ]);
    let expected = format!("erased: avg-17: request 2026-204 (record {tombstone})");
    assert!(told(&report).contains(&expected), "{}", told(&report));
    // The one made before still has it, and still verifies: what was handed out is out.
    assert_eq!(verdicts(&root.join("dossier.zip"), Some(&anchors)), (0, 0));

    // The other end of what was pulled is told, and records it once.
    let agreed = good(&app(&["agreements"]));
    let all = agreed["agreements"].as_array().unwrap();
    let rain = all
        .iter()
        .find(|a| a["dataset"].as_str().unwrap().contains("neerslag-uur"))
        .unwrap();
    let agreement = rain["agreement"].as_str().unwrap();
    let what = ["erase", "propose", "--agreement", agreement, "--section", "content"];
    let why = ["--ground", "avg-5", "--authority", "list 3", "--person", &first];
    let proposed = good(&app(&[what.as_slice(), &why].concat()));
    let id = proposed["erasure"]["id"].as_str().unwrap();
    let done = good(&app(&["erase", "approve", id, "--person", &second]));
    // What was passed on to the model services went under the same agreement, to others.
    let recipients = done["erasure"]["recipients"].as_array().unwrap();
    assert!(
        !recipients.is_empty() && recipients.iter().all(|one| one["told_ms"].is_u64()),
        "{done}"
    );
    let heard = good(&at(&root, "knmi", &["erase", "told"]));
    let heard = heard["told"].as_array().unwrap();
    assert!(!heard.is_empty());
    assert!(
        heard
            .iter()
            .all(|line| line["agreement"] == agreement && line["ground"] == "avg-5")
    );
}
