//! A log that was lost goes on under another origin, and says so; the old one stays as it is, and can still be read.

use crate::witness::{Watched, refused};
use herleid_tests::connector::{Connector, good, serve};
use herleid_tests::http::Caller;
use herleid_tests::machine::{copy_all, free_port, wait_for};
use herleid_tests::process::told;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

/// `herleid ledger continue`, where witnesses may be on this machine.
pub(crate) fn continued(log: &Connector, arguments: &[&str]) -> Output {
    let mut command = log.command(&["ledger", "continue"]);
    command.env("HERLEID_NETWORK__ALLOW_PRIVATE_ADDRESSES", "true");
    command.args(arguments).output().unwrap()
}

/// Every file of a log and its keys, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<PathBuf> = ["log", "keys", "evidence"].map(|name| folder.join(name)).into();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

impl Watched {
    pub(crate) fn origin(&self) -> String {
        format!("localhost:{}/log/1", self.port)
    }

    pub(crate) fn successor(&self) -> String {
        format!("localhost:{}/log/2", self.port)
    }

    /// What the command asks people to do: the configuration names the successor, and the witness knows it.
    pub(crate) fn take_up(&mut self, log_key: &str) {
        let (old, new) = (self.origin(), self.successor());
        let file = self.log.directory.join("herleid.toml");
        let configuration = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, configuration.replace(&old, &new)).unwrap();
        let known = |origin: &str, key: &Value| format!("{{ origin = \"{origin}\", verifier_key = {key} }}");
        let logs = [known(&old, &self.log.made["log_key"]), known(&new, &json!(log_key))];
        self.witness.kill();
        self.witness
            .set("witness", &format!("enabled = true\nlogs = [{}]", logs.join(", ")));
        self.witness.start();
    }
}

#[test]
fn a_restored_backup_is_continued_and_its_old_records_stay_checkable() {
    let mut watched = Watched::set();
    watched.grow("rain");
    let port = free_port();
    let mut consumer = Connector::new(watched.folder.path().join("consumer"), port, port);
    consumer.start();
    let did = watched.log.did.clone();
    let agreement = good(&consumer.run(&["negotiate", &did, "rain"]))["agreement"].clone();
    let agreement = agreement.as_str().unwrap();
    good(&consumer.run(&["pull", agreement]));
    // What the witness has not answered for yet is not served, also not by the log that is over.
    let size = wait_for(|| {
        let status = good(&watched.log.run(&["status"]));
        (status["witnesses"][0]["size"] == status["size"]).then(|| status["size"].as_u64().unwrap())
    });
    let copy = watched.copied();
    // While it runs, and while nothing is lost, there is nothing to continue.
    refused(&continued(&watched.log, &[]), 8, "is running on");
    watched.log.kill();
    refused(
        &continued(&watched.log, &["--confirm", &watched.origin()]),
        5,
        "nothing of",
    );
    watched.log.start();
    watched.grow("snow");
    watched.log.put_back(&copy);
    let before = files(&watched.log.storage());

    let would = good(&continued(&watched.log, &[]));
    assert_eq!(
        (&would["done"], &would["records"]),
        (&json!(false), &json!(size)),
        "{would}"
    );
    assert_eq!(would["lost"], json!({"from": size, "to": size + 1}));
    // The witness holds the checkpoint itself, and hands it out.
    assert_eq!(would["last"]["size"], json!(size + 1), "{would}");
    assert!(
        would["last"]["holder"].as_str().unwrap().contains("/witness"),
        "{would}"
    );
    assert!(
        !watched.log.storage().join("logs").exists(),
        "it was only asked what would be done"
    );
    refused(
        &continued(&watched.log, &["--confirm", "localhost/log/1"]),
        2,
        "is not the log of this configuration",
    );

    // What a crash left half made is made anew.
    let half = watched.log.storage().join("logs/2.begun/log");
    std::fs::create_dir_all(&half).unwrap();
    std::fs::write(half.join("CURRENT"), "MANIFEST-000001\n").unwrap();
    let done = good(&continued(&watched.log, &["--confirm", &watched.origin()]));
    assert_eq!(
        (&done["done"], &done["before"]),
        (&json!(true), &json!(false)),
        "{done}"
    );
    let facts = &done["continued"];
    assert_eq!(facts["previousOrigin"], json!(watched.origin()));
    assert_eq!(facts["lost"], json!({"from": size, "to": size + 1}));
    assert_eq!(facts["previousCheckpoint"], would["last"]["checkpoint"]);
    // What was whole and not yet in its place is made anew too: nobody has seen it.
    let logs = watched.log.storage().join("logs");
    std::fs::rename(logs.join("2"), logs.join("2.begun")).unwrap();
    let anew = good(&continued(&watched.log, &["--confirm", &watched.origin()]));
    assert_eq!((&anew["before"], &anew["continued"]), (&json!(false), facts));
    assert!(!logs.join("2.begun").exists());
    let again = good(&continued(&watched.log, &["--confirm", &watched.origin()]));
    assert_eq!((&again["before"], &again["continued"]), (&json!(true), facts));

    // The old log is over, and nothing touched it.
    refused(
        &serve(&watched.log.directory).output().unwrap(),
        9,
        "is over: it was continued as",
    );
    assert_eq!(good(&watched.log.run(&["doctor"]))["size"], json!(size));
    assert_eq!(files(&watched.log.storage()), before);

    watched.take_up(done["log_key"].as_str().unwrap());
    watched.log.start();
    let status = good(&watched.log.run(&["status"]));
    assert_eq!(status["origin"], json!(watched.successor()));
    assert_eq!(status["witnesses"][0]["size"], json!(2), "{status}");
    assert!(status["witnesses"][0]["failing_since_ms"].is_null(), "{status}");

    // What was handed out before can be checked where it always was.
    let caller = Caller::new(watched.port, &[]);
    let old = caller.get("/log/1/checkpoint").text();
    assert!(old.starts_with(&format!("{}\n{size}\n", watched.origin())), "{old}");
    let tile = caller.get(&format!("/log/1/tile/0/000.p/{size}"));
    assert_eq!(tile.body.len() as u64, 32 * size);
    assert_eq!(caller.get("/log/1/continued").status, 404);
    let record = caller.get("/log/2/continued").good("the record");
    assert_eq!(
        (&record["index"], &record["origin"]),
        (&json!(1), &json!(watched.successor()))
    );
    let traced = good(&watched.log.run(&["trace", agreement])).to_string();
    assert!(
        traced.contains("\"verified\":true") && !traced.contains("\"verified\":false"),
        "{traced}"
    );
    let old = format!("{}/1", watched.origin());
    let tree = good(&watched.log.run(&["trace", &old, "--down"]))["tree"].clone();
    assert_eq!(tree["summary"]["log"], json!(watched.origin()), "{tree}");
    assert_eq!(tree["children"][0]["index"], json!(1), "{tree}");
    let anchors = watched.folder.path().join("anchors.json");
    good(&watched.log.run(&["anchors", "--out", anchors.to_str().unwrap()]));
    let anchors: Value = serde_json::from_slice(&std::fs::read(anchors).unwrap()).unwrap();
    let logs = anchors["parties"][0]["logs"].as_array().unwrap();
    assert_eq!((logs.len(), &logs[1]["origin"]), (2, &json!(watched.origin())));
    assert!(logs[0]["until"].is_null() && logs[1]["until"].is_u64(), "{anchors}");

    // Nothing is given under what was agreed with the log that is over; what is agreed anew names the new one, which proves whose it is.
    let output = consumer.run(&["pull", agreement]);
    assert!(!output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("is over"), "{}", told(&output));
    watched.log.publish("rain", b"1 2 3");
    // Which log is whose stands in a document that is kept for a minute.
    consumer.kill();
    consumer.start();
    let anew = good(&consumer.run(&["negotiate", &did, "rain"]))["agreement"].clone();
    good(&consumer.run(&["pull", anew.as_str().unwrap()]));
    good(&watched.log.run(&["doctor"]));
    // And a start like any other.
    watched.log.kill();
    watched.log.start();
    assert_eq!(files(&watched.log.storage()), before);
    watched.log.kill();
    refused(&continued(&watched.log, &[]), 5, "nothing of");
}

#[test]
fn a_lost_directory_is_continued_from_what_the_witness_saw() {
    let mut watched = Watched::set();
    watched.grow("rain");
    watched.log.kill();
    std::fs::remove_dir_all(watched.log.storage()).unwrap();
    let done = good(&continued(&watched.log, &["--confirm", &watched.origin()]));
    assert_eq!(done["continued"]["lost"], json!({"from": 0, "to": 2}), "{done}");
    let note = done["continued"]["previousCheckpoint"].as_str().unwrap();
    assert!(note.starts_with(&format!("{}\n2\n", watched.origin())), "{note}");
    watched.take_up(done["log_key"].as_str().unwrap());
    watched.log.start();

    // Lost once more, with what a backup from before all of this knows: the log lost last is not the one that it names.
    watched.log.kill();
    std::fs::remove_dir_all(watched.log.storage()).unwrap();
    refused(
        &serve(&watched.log.directory).output().unwrap(),
        9,
        "is begun by `herleid ledger continue` alone",
    );
    let file = watched.log.directory.join("herleid.toml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, configuration.replace(&watched.successor(), &watched.origin())).unwrap();
    let output = continued(&watched.log, &["--confirm", &watched.origin()]);
    refused(&output, 4, "was begun before");
    std::fs::write(&file, configuration).unwrap();
    let done = good(&continued(&watched.log, &["--confirm", &watched.successor()]));
    assert_eq!(done["successor"], json!(format!("localhost:{}/log/3", watched.port)));
    assert_eq!(done["continued"]["previousOrigin"], json!(watched.successor()));
}

#[test]
fn a_history_that_its_witness_does_not_know_is_named_as_lost() {
    let mut watched = Watched::set();
    watched.grow_otherwise();
    // Where the witness does not answer, nobody knows how far the log went.
    watched.witness.kill();
    refused(
        &continued(&watched.log, &["--confirm", &watched.origin()]),
        7,
        "only 0 of the 1 witnesses needed answer",
    );
    watched.witness.start();
    // A mistake in the configuration is no loss.
    let key = watched.log.directory.join("keys/sections.key");
    let right = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, format!("{}\n", "ab".repeat(32))).unwrap();
    refused(
        &continued(&watched.log, &[]),
        9,
        "do not open with the given key-encryption key",
    );
    std::fs::write(&key, right).unwrap();
    let would = good(&continued(&watched.log, &[]));
    assert!(would["other_history"].as_str().unwrap().contains("another"), "{would}");
    assert_eq!(would["lost"]["otherHistory"]["size"], json!(3), "{would}");
    assert_eq!(
        (&would["lost"]["from"], &would["lost"]["to"]),
        (&json!(1), &json!(2)),
        "{would}"
    );
    assert_eq!(would["last"]["size"], json!(2), "{would}");
    good(&continued(&watched.log, &["--confirm", &watched.origin()]));
}

#[test]
fn a_log_that_cannot_be_read_any_more_is_continued_and_said_to_be() {
    let mut watched = Watched::set();
    watched.grow("rain");
    watched.log.kill();
    for entry in std::fs::read_dir(watched.log.storage().join("log")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("MANIFEST") {
            std::fs::write(path, "not what was here").unwrap();
        }
    }
    let before = files(&watched.log.storage());
    let done = good(&continued(&watched.log, &["--confirm", &watched.origin()]));
    assert_eq!(done["continued"]["lost"], json!("unknown"), "{done}");
    let note = done["continued"]["previousCheckpoint"].as_str().unwrap();
    assert!(note.starts_with(&format!("{}\n2\n", watched.origin())), "{note}");
    watched.take_up(done["log_key"].as_str().unwrap());
    watched.log.start();
    let warnings = good(&watched.log.run(&["status"]))["warnings"].to_string();
    assert!(warnings.contains("which is over, cannot be read"), "{warnings}");
    assert_eq!(Caller::new(watched.port, &[]).get("/log/1/checkpoint").status, 404);
    watched.log.kill();
    assert_eq!(files(&watched.log.storage()), before);
}

#[test]
fn a_log_that_was_continued_elsewhere_does_not_start_from_a_backup() {
    let mut watched = Watched::set();
    watched.log.kill();
    let (copy, file) = (
        watched.folder.path().join("copy"),
        watched.log.directory.join("herleid.toml"),
    );
    copy_all(&watched.log.storage(), &copy);
    let configuration = std::fs::read_to_string(&file).unwrap();
    // Nothing is lost, and it is continued all the same.
    let done = good(&continued(
        &watched.log,
        &["--even-if-sound", "--confirm", &watched.origin()],
    ));
    watched.take_up(done["log_key"].as_str().unwrap());
    watched.log.start();
    // The backup knows nothing of that, and no witness has seen more of the log itself.
    watched.log.put_back(&copy);
    std::fs::write(&file, configuration).unwrap();
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 4, "which continues");
    refused(&output, 4, &watched.successor());
    refused(&continued(&watched.log, &[]), 4, "was begun before");
}

#[test]
fn without_witnesses_what_somebody_kept_says_how_far_the_log_went() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut log = Connector::new(folder.path().join("log"), port, port);
    let origin = format!("localhost:{port}/log/1");
    log.start();
    log.publish("rain", b"1 2 3");
    let kept = folder.path().join("checkpoint");
    std::fs::write(&kept, Caller::new(port, &[]).get("/log/1/checkpoint").body).unwrap();
    log.kill();
    // Whole, and nobody says otherwise: only a person who knows why goes on without it.
    refused(&continued(&log, &["--confirm", &origin]), 5, "nothing of");
    let would = good(&continued(&log, &["--even-if-sound"]));
    assert_eq!(
        (&would["lost"], &would["last"]["size"]),
        (&json!("unknown"), &json!(2)),
        "{would}"
    );

    std::fs::remove_dir_all(log.storage()).unwrap();
    let would = good(&continued(&log, &[]));
    assert_eq!(
        (&would["lost"], &would["last"]),
        (&json!("unknown"), &Value::Null),
        "{would}"
    );
    let kept = kept.to_str().unwrap();
    let would = good(&continued(&log, &["--checkpoint", kept]));
    assert_eq!(
        (&would["lost"], &would["last"]["holder"]),
        (&json!({"from": 0, "to": 2}), &json!(kept)),
        "{would}"
    );
    for other in ["nothing", "another.example/log/1\n2\nAAAA\n\n"] {
        let wrong = folder.path().join("wrong");
        std::fs::write(&wrong, other).unwrap();
        let output = continued(&log, &["--checkpoint", wrong.to_str().unwrap(), "--confirm", &origin]);
        refused(&output, 2, "is no checkpoint of");
    }
    let missing = continued(&log, &["--checkpoint", "nowhere", "--confirm", &origin]);
    refused(&missing, 2, "is no checkpoint of");
    assert!(!log.storage().join("logs").exists());
}
