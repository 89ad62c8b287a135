//! A log that its witnesses know otherwise does not go on: not at the start, and not while it runs.

use herleid_tests::connector::{Connector, good, serve};
use herleid_tests::machine::{copy_all, free_port, until};
use herleid_tests::process::told;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log, and the witness outside that cosigns it.
pub(crate) struct Watched {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) log: Connector,
    /// Where the log answers.
    pub(crate) port: u16,
    pub(crate) witness: Connector,
    /// The lines under `[trust]` that name the witness.
    pub(crate) trust: String,
}

impl Watched {
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (free_port(), free_port());
        let log = Connector::new(folder.path().join("log"), one, one);
        let witness = Connector::new(folder.path().join("witness"), other, other);
        let (origin, key) = (&log.made["origin"], &log.made["log_key"]);
        let lines = format!("enabled = true\nlogs = [{{ origin = {origin}, verifier_key = {key} }}]");
        witness.set("witness", &lines);
        let trust = format!(
            "witnesses = [{{ verifier_key = {}, url = \"http://localhost:{other}/witness\" }}]\nquorum = 1",
            witness.made["witness_key"]
        );
        log.set("trust", &trust);
        let mut watched = Self {
            folder,
            log,
            port: one,
            witness,
            trust,
        };
        watched.witness.start();
        watched.log.start();
        watched
    }

    /// Lets the log grow by one record and be cosigned: a start asks the witness before it is ready.
    pub(crate) fn grow(&mut self, id: &str) {
        self.log.publish(id, b"1 2 3");
        self.log.kill();
        self.log.start();
    }

    /// Stops the log and keeps a copy of what it stored.
    pub(crate) fn copied(&mut self) -> PathBuf {
        let copy = self.folder.path().join("copy");
        self.log.copied(&copy);
        copy
    }

    /// Goes back to what the witness saw before it grew, and grows in another way. Without its witness the log cannot know.
    pub(crate) fn grow_otherwise(&mut self) {
        let copy = self.copied();
        self.grow("rain");
        self.log.put_back(&copy);
        self.log.set("trust", "");
        self.log.start();
        self.log.publish("snow", b"0");
        self.log.publish("hail", b"0");
        self.log.kill();
        self.log.set("trust", &self.trust);
    }
}

pub(crate) fn refused(output: &Output, code: i32, why: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", told(output));
    assert!(told(output).contains(why), "expected `{why}`: {}", told(output));
}

#[test]
fn a_log_behind_its_witness_does_not_start() {
    let mut watched = Watched::set();
    let copy = watched.copied();
    watched.grow("rain");
    watched.log.put_back(&copy);
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 4, "records were lost");
    refused(&output, 4, "start a successor log");
}

#[test]
fn a_log_that_grew_again_after_a_rollback_does_not_start() {
    let mut watched = Watched::set();
    watched.grow_otherwise();
    refused(
        &serve(&watched.log.directory).output().unwrap(),
        4,
        "has seen another history",
    );
}

#[test]
fn a_clone_that_signs_beside_the_original_stops_it() {
    let mut watched = Watched::set();
    let copy = watched.copied();
    // The clone of the directory, brought up elsewhere, grows first and has that cosigned.
    let port = free_port();
    let directory = watched.folder.path().join("clone");
    std::fs::create_dir(&directory).unwrap();
    copy_all(&watched.log.directory.join("keys"), &directory.join("keys"));
    copy_all(&copy, &directory.join("storage"));
    std::fs::copy(
        watched.log.directory.join("herleid.toml"),
        directory.join("herleid.toml"),
    )
    .unwrap();
    let mut clone = watched.log.elsewhere(directory, port);
    clone.start();
    clone.publish("snow", b"0");
    clone.publish("hail", b"0");
    clone.kill();
    clone.start();
    // What the original records next is another history; its witness says so, and it stops by itself.
    watched.log.publish("rain", b"1 2 3");
    refused(&watched.log.ended(), 4, "the log must not go on under this origin");
}

#[test]
fn a_log_whose_witnesses_do_not_answer_does_not_start() {
    let mut watched = Watched::set();
    watched.log.kill();
    watched.witness.kill();
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 7, "only 0 of the 1 witnesses needed answer");
    watched.witness.start();
    watched.log.start();
}

#[test]
fn a_log_whose_directory_was_lost_does_not_begin_anew() {
    let mut watched = Watched::set();
    watched.grow("rain");
    watched.log.kill();
    std::fs::remove_dir_all(watched.log.storage()).unwrap();
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 4, "has seen 2 records of");
    refused(&output, 4, "this log has 0");
    refused(&output, 4, "herleid ledger continue");
    assert!(!watched.log.storage().join("log").exists());
}

#[test]
fn as_many_witnesses_answer_as_are_needed_to_know_what_any_quorum_saw() {
    let mut watched = Watched::set();
    watched.log.kill();
    // Another one, which does not answer: what it alone cosigned would not be missed.
    let key = watched.witness.made["witness_key"].as_str().unwrap().to_owned();
    let other = Connector::new(watched.folder.path().join("other"), free_port(), free_port());
    let other = other.made["witness_key"].as_str().unwrap().to_owned();
    let silent = free_port();
    let first = watched.trust.lines().next().unwrap();
    let (before, _) = first.rsplit_once(']').unwrap();
    let both = |quorum: u8| {
        format!(
            "{before}, {{ verifier_key = \"{other}\", url = \"http://localhost:{silent}/witness\" }}]\nquorum = {quorum}"
        )
    };
    assert!(before.contains(&key), "{before}");
    for quorum in [1, 2] {
        watched.log.set("trust", &both(quorum));
        let output = serve(&watched.log.directory).output().unwrap();
        refused(&output, 7, "only 1 of the 2 witnesses needed answer");
    }
    // Whoever says that nothing counts as witnessed starts.
    watched.log.set("trust", &both(0));
    watched.log.start();
}

#[test]
fn the_status_says_since_when_a_witness_fails_and_what_it_cosigned_before() {
    let mut watched = Watched::set();
    let status = |watched: &Watched| good(&watched.log.run(&["status"]));
    let before = status(&watched)["witnesses"][0].clone();
    assert_eq!(
        (&before["size"], &before["failing_since_ms"]),
        (&json!(1), &Value::Null),
        "{before}"
    );
    assert!(before["cosigned_ms"].is_u64(), "{before}");
    watched.witness.kill();
    watched.log.publish("rain", b"1 2 3");
    let failing = until("the witness is seen to fail", PATIENCE, || {
        let all = status(&watched);
        let failing = all["witnesses"][0].clone();
        if failing["failing_since_ms"].is_u64() {
            Ok(failing)
        } else {
            Err(all)
        }
    });
    assert_eq!(failing["size"], json!(1), "{failing}");
    assert!(
        failing["why"].as_str().unwrap().contains("could not be reached"),
        "{failing}"
    );
    watched.witness.start();
    until("the witness cosigns again", PATIENCE, || {
        let all = status(&watched);
        let well = all["witnesses"][0]["failing_since_ms"].is_null() && all["witnesses"][0]["size"] == json!(2);
        if well { Ok(()) } else { Err(all) }
    });
}

#[test]
fn a_fork_at_another_size_is_a_doubt_of_the_witness_until_the_tiles_prove_it_and_is_recorded_then() {
    let mut watched = Watched::set();
    watched.grow_otherwise();
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 4, "has seen another history");
    let told = |watched: &Watched, part: &str| {
        let status = good(&watched.witness.run(&["status"]));
        let warned = status["warnings"].as_array().unwrap().iter();
        let found = warned
            .filter(|warning| warning.as_str().unwrap().contains(part))
            .count();
        (found, status["size"].as_u64().unwrap(), status)
    };
    // Nobody can tell by what was sent whether the log has two histories or somebody made the proof up, and its tiles are not served.
    let (doubts, before, status) = told(&watched, "with a proof that does not hold");
    assert_eq!(doubts, 1, "{status}");
    assert_eq!(told(&watched, "showed this witness two histories").0, 0, "{status}");
    // The other history is served: without its witness the log starts.
    watched.log.set("trust", "");
    watched.log.start();
    // Whoever starts looks again at once.
    watched.witness.kill();
    watched.witness.start();
    until("the fork is proved and recorded", PATIENCE, || {
        let (proved, size, status) = told(&watched, "showed this witness two histories");
        if (proved, size) == (1, before + 1) {
            Ok(())
        } else {
            Err(status)
        }
    });
    assert_eq!(told(&watched, "with a proof that does not hold").0, 0);
    // Once.
    watched.witness.kill();
    watched.witness.start();
    watched.log.kill();
    let (proved, size, status) = told(&watched, "showed this witness two histories");
    assert_eq!((proved, size), (1, before + 1), "{status}");
}
