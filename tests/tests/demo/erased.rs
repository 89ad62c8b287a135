//! Something is erased from the log of who decided, by two people at the command line: what is left still verifies, and a dossier made
//! afterwards says what is not there, on which ground.

use crate::verdicts;
use crate::withheld::{Running, anchors, at, configuration};
use herleid_tests::connector::{good, run};
use herleid_tests::process::{herleid, mortal, told};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

const CASE: &str = "Z2026-001";

/// Somebody's token, and what the configuration knows of it.
fn token(name: &str) -> (String, String) {
    let digest = |text: &str| -> String {
        let bytes = Sha256::digest(text);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let token = digest(name);
    let known = digest(&token);
    (token, known)
}

/// At the app's command line, with a token on standard input.
fn by(root: &Path, token: &str, arguments: &[&str]) -> Output {
    let configuration = configuration(root, "app");
    let mut command = mortal(herleid());
    command
        .args(["--json", "--config", configuration.to_str().unwrap()])
        .args(arguments)
        .env("HERLEID_LANG", "en")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut stdin = running.stdin.take().unwrap();
    writeln!(stdin, "{token}").unwrap();
    drop(stdin);
    running.wait_with_output().unwrap()
}

/// The nodes of a trace with this in their label.
fn labelled<'a>(node: &'a Value, text: &str, found: &mut Vec<&'a Value>) {
    if node["label"].as_str().unwrap().contains(text) {
        found.push(node);
    }
    for child in node["children"].as_array().into_iter().flatten() {
        labelled(child, text, found);
    }
}

#[test]
fn what_two_people_erase_is_gone_and_a_later_dossier_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let demo = run(&["demo", "--directory", root.to_str().unwrap()]);
    assert!(demo.status.success(), "{}", told(&demo));
    let [(first, a), (second, b)] = ["dewit", "jansen"].map(token);
    let file = configuration(&root, "app");
    let before = fs::read_to_string(&file).unwrap();
    let people = format!(
        "[erasure]\npeople = [{{id = \"dewit\", name = \"A. de Wit\", token_sha256 = \"{a}\"}}, {{id = \"jansen\", name = \"B. Jansen\", token_sha256 = \"{b}\"}}]\n"
    );
    let after = match before.contains("[erasure]\n") {
        true => before.replace("[erasure]\n", &people),
        false => format!("{before}\n{people}"),
    };
    fs::write(&file, after).unwrap();
    let _running = Running::start(&root);
    let app = |arguments: &[&str]| at(&root, "app", arguments);
    let of_case = ["erase", "propose", "--case", CASE, "--section", "people"];
    let why = ["--ground", "avg-17", "--authority", "request 2026-204"];
    let proposal = [of_case.as_slice(), &why].concat();
    // Nothing but the token on standard input says who it is.
    assert_eq!(app(&proposal).status.code(), Some(2));
    assert_eq!(by(&root, "", &proposal).status.code(), Some(2));
    assert_eq!(by(&root, &token("open").0, &proposal).status.code(), Some(5));
    let hold = ["hold", "add", "--case", CASE, "--reason", "appeal 26/1234"];
    let held = good(&by(&root, &second, &hold));
    let refused = by(&root, &first, &proposal);
    assert_eq!(refused.status.code(), Some(5));
    assert!(told(&refused).contains("appeal 26/1234"), "{}", told(&refused));
    let held = held["holds"][0]["id"].as_str().unwrap();
    good(&by(&root, &first, &["hold", "remove", held]));
    let proposed = good(&by(&root, &first, &proposal));
    let id = proposed["erasure"]["id"].as_str().unwrap();
    let alone = by(&root, &first, &["erase", "approve", id]);
    assert_eq!(alone.status.code(), Some(5));
    assert!(told(&alone).contains("another person"), "{}", told(&alone));
    let done = good(&by(&root, &second, &["erase", "approve", id]));
    assert_eq!(done["erasure"]["state"], "erased");
    assert!(done["erasure"]["is_buried"].is_boolean(), "{done}");
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
    let traced = |what: &str| good(&app(&["trace", what, "--limit", "10000"]))["tree"].clone();
    let of_case = traced(CASE);
    let mut bytes = Vec::new();
    labelled(&of_case, "neerslag-uur", &mut bytes);
    let rain = bytes.iter().find(|node| node["kind"] == "pull").unwrap();
    let (rain, of_rain) = (
        rain["index"].as_u64().unwrap(),
        rain["digest"].as_str().unwrap().to_owned(),
    );
    let before = traced(&rain.to_string());
    assert!(
        !before["children"][0]["label"].as_str().unwrap().contains("erased here"),
        "{before}"
    );

    let what = ["erase", "propose", "--agreement", agreement, "--section", "content"];
    let why = ["--ground", "avg-5", "--authority", "list 3"];
    let proposed = good(&by(&root, &first, &[what.as_slice(), &why].concat()));
    let id = proposed["erasure"]["id"].as_str().unwrap();
    let done = good(&by(&root, &second, &["erase", "approve", id]));
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

    // The log is sound, and a trace shows the record, its proof, and what of it is gone.
    let sound = good(&app(&["doctor"]));
    assert!(sound["erased_sections"].as_u64().unwrap() > 1, "{sound}");
    let after = traced(&rain.to_string());
    let node = &after["children"][0];
    assert_eq!(
        (&node["index"], &node["verified"]),
        (&Value::from(rain), &Value::Bool(true)),
        "{after}"
    );
    let label = node["label"].as_str().unwrap();
    assert!(label.contains("erased here: ") && label.contains("content"), "{after}");
    let mut people = Vec::new();
    let of_case = traced(CASE);
    labelled(&of_case, "erased here: people", &mut people);
    assert!(
        people
            .iter()
            .any(|node| node["kind"] == "decision" && node["verified"] == true),
        "{of_case}"
    );
    // By its bytes only who used it is found, and not where it came from.
    let users = good(&app(&["trace", &of_rain, "--down"]))["tree"].clone();
    let mut all = Vec::new();
    labelled(&users, "", &mut all);
    assert!(all.iter().any(|node| node["kind"] == "run"), "{users}");
    assert!(
        !all.iter().any(|node| node["kind"] == "pull" && node["index"] == rain),
        "{users}"
    );
}
