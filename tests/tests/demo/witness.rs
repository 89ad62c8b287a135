//! A log that its witnesses know otherwise does not go on: not at the start, and not while it runs.

use herleid_tests::connector::{Connector, serve};
use herleid_tests::machine::copy_all;
use herleid_tests::machine::free_port;
use herleid_tests::process::told;
use std::path::PathBuf;
use std::process::Output;

/// A log, and the witness outside that cosigns it.
struct Watched {
    folder: tempfile::TempDir,
    log: Connector,
    witness: Connector,
    /// The lines under `[trust]` that name the witness.
    trust: String,
}

impl Watched {
    fn set() -> Self {
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
            witness,
            trust,
        };
        watched.witness.start();
        watched.log.start();
        watched
    }

    /// Lets the log grow by one record and be cosigned: a start asks the witness before it is ready.
    fn grow(&mut self, id: &str) {
        self.log.publish(id, b"1 2 3");
        self.log.kill();
        self.log.start();
    }

    /// Stops the log and keeps a copy of what it stored.
    fn copied(&mut self) -> PathBuf {
        let copy = self.folder.path().join("copy");
        self.log.kill();
        copy_all(&self.log.storage(), &copy);
        self.log.start();
        copy
    }

    fn restore(&mut self, copy: &std::path::Path) {
        self.log.kill();
        std::fs::remove_dir_all(self.log.storage()).unwrap();
        copy_all(copy, &self.log.storage());
    }
}

fn refused(output: &Output, code: i32, why: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", told(output));
    assert!(told(output).contains(why), "expected `{why}`: {}", told(output));
}

#[test]
fn a_log_behind_its_witness_does_not_start() {
    let mut watched = Watched::set();
    let copy = watched.copied();
    watched.grow("rain");
    watched.restore(&copy);
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 4, "records were lost");
    refused(&output, 4, "start a successor log");
}

#[test]
fn a_log_that_grew_again_after_a_rollback_does_not_start() {
    let mut watched = Watched::set();
    let copy = watched.copied();
    watched.grow("rain");
    watched.restore(&copy);
    // Without its witness the rolled back log cannot know; it takes other records than the witness saw.
    watched.log.set("trust", "");
    watched.log.start();
    watched.log.publish("snow", b"0");
    watched.log.publish("hail", b"0");
    watched.log.kill();
    watched.log.set("trust", &watched.trust);
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
