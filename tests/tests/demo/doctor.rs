//! The whole log checked: while the service runs, without it, and when somebody has been at the disk.

use crate::backups::payload;
use crate::continuing::continued;
use herleid_tests::connector::{Connector, RAIN, good, serve};
use herleid_tests::machine::free_port;
use herleid_tests::process::{text, told};
use rocksdb::{DB, Options};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;

fn connector(folder: &tempfile::TempDir) -> Connector {
    let port = free_port();
    let mut connector = Connector::new(folder.path().join("provider"), port, port);
    connector.start();
    connector.publish("rain", RAIN);
    connector
}

/// One bit of record 1, behind the back of the log, which is not open.
fn flip_a_bit_of_record_1(connector: &Connector) {
    let path = connector.storage().join("log");
    let parts = DB::list_cf(&Options::default(), &path).unwrap();
    let store = DB::open_cf(&Options::default(), &path, parts).unwrap();
    let records = store.cf_handle("records").unwrap();
    let key = 1u64.to_be_bytes();
    let mut row = store.get_cf(records, key).unwrap().unwrap();
    *row.last_mut().unwrap() ^= 1;
    store.put_cf(records, key, row).unwrap();
}

fn said(output: &Output) -> Value {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}"))
}

/// What an error tells, as one text.
pub(crate) fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", text(&output.stdout));
    said(output)["error"].to_string()
}

#[test]
fn a_sound_log_is_found_sound_with_and_without_its_service() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    let size = good(&connector.run(&["status"]))["size"].clone();
    let running = good(&connector.run(&["doctor"]));
    assert_eq!(
        (&running["size"], &running["running"], &running["erased_sections"]),
        (&size, &Value::Bool(true), &Value::from(0))
    );
    connector.kill();
    let alone = good(&connector.run(&["doctor"]));
    assert_eq!(
        (&alone["size"], &alone["root"], &alone["running"]),
        (&size, &running["root"], &Value::Bool(false))
    );
    // It wrote nothing: the log goes on where it was.
    connector.start();
    assert_eq!(good(&connector.run(&["status"]))["size"], size);
}

#[test]
fn damage_is_named_and_nothing_more_is_recorded_on_top_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.publish("snow", b"0");
    connector.kill();
    flip_a_bit_of_record_1(&connector);
    // Opening looks at the last record alone.
    connector.start();
    connector.publish("hail", b"1");
    let running = refused(&connector.run(&["doctor"]));
    assert!(
        running.contains("record 1") && running.contains("expected") && running.contains("put back a backup"),
        "{running}"
    );
    // Nothing of it is served any more.
    ended_by_damage(&mut connector);

    // Nor after a restart: there is none.
    let start = || serve(&connector.directory).output().unwrap();
    let refuses = |output: &Output| {
        assert!(!output.status.success());
        let told = told(output);
        assert!(
            told.contains("record 1") && told.contains("does not verify") && told.contains("herleid doctor"),
            "{told}"
        );
    };
    refuses(&start());
    let alone = refused(&connector.run(&["doctor"]));
    assert!(
        alone.contains("record 1") && alone.contains("put back a backup"),
        "{alone}"
    );
    refuses(&start());

    // Until a check finds the whole log in order.
    flip_a_bit_of_record_1(&connector);
    refuses(&start());
    let sound = good(&connector.run(&["doctor"]));
    assert!(sound["found_before"].as_str().unwrap().contains("record 1"), "{sound}");
    connector.start();
    connector.publish("fog", b"2");
    assert_eq!(good(&connector.run(&["doctor"]))["found_before"], Value::Null);
}

/// The service ended by itself, and said why.
fn ended_by_damage(connector: &mut Connector) {
    let output = connector.ended();
    let said = told(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("does not verify") && said.contains("record 1"), "{said}");
}

#[test]
fn damage_that_the_service_meets_by_itself_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.publish("snow", b"0");
    connector.kill();
    flip_a_bit_of_record_1(&connector);
    // Opening looks at the last record alone.
    connector.start();
    connector.publish("hail", b"1");
    // Nobody asked for a check; somebody asked for the record.
    let tree = good(&connector.run(&["trace", "1"]));
    assert_eq!(tree["tree"]["verified"], false, "{tree}");
    ended_by_damage(&mut connector);
    let output = serve(&connector.directory).output().unwrap();
    assert!(
        !output.status.success() && told(&output).contains("does not verify"),
        "{}",
        told(&output)
    );
}

#[test]
fn damage_that_nobody_meets_is_found_by_a_check_from_time_to_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.publish("snow", b"0");
    connector.kill();
    flip_a_bit_of_record_1(&connector);
    connector.set("ledger", "check_every_s = 1");
    connector.start();
    // Nobody asks for anything.
    ended_by_damage(&mut connector);
}

/// A connector with a document that is a file of its own, and that file.
pub(crate) fn with_a_large_document(folder: &tempfile::TempDir) -> (Connector, PathBuf) {
    let connector = connector(folder);
    let permission = |first: usize| {
        let recipients = (first..first + 200).map(|n| format!("did:web:party-{n:05}.example"));
        let recipients: Vec<String> = recipients.collect();
        json!({"action": "use", "constraint": [
            {"leftOperand": "odrl:recipient", "operator": "isAnyOf", "rightOperand": recipients},
        ]})
    };
    let permissions: Vec<Value> = (0..20).map(|n| permission(n * 200)).collect();
    let policy = json!({"@type": "Offer", "permission": permissions});
    connector.offer("large", b"1", &policy.to_string());
    let folders = std::fs::read_dir(connector.storage().join("evidence")).unwrap();
    let folders = folders
        .map(|folder| folder.unwrap().path())
        .filter(|path| path.is_dir());
    let mut files = folders.flat_map(|path| std::fs::read_dir(path).unwrap());
    let document = files.next().expect("a document that is a file").unwrap().path();
    (connector, document)
}

/// It may have been the disk for a moment. Whoever mended it has a check made without the service, and not by what signed over it.
#[test]
fn a_finding_ends_the_service_and_stands_until_a_check_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut connector, document) = with_a_large_document(&folder);
    let kept = std::fs::read(&document).unwrap();
    std::fs::write(&document, [b"another", &kept[7..]].concat()).unwrap();
    let found = refused(&connector.run(&["doctor"]));
    assert!(found.contains("not sound"), "{found}");
    std::fs::write(&document, kept).unwrap();
    let output = connector.ended();
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert!(!serve(&connector.directory).output().unwrap().status.success());
    let sound = good(&connector.run(&["doctor"]));
    let digest = document.file_name().unwrap().to_str().unwrap();
    assert!(sound["found_before"].as_str().unwrap().contains(digest), "{sound}");
    connector.start();
    connector.publish("hail", b"1");
}

#[test]
fn where_it_cannot_be_kept_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.publish("snow", b"0");
    connector.kill();
    flip_a_bit_of_record_1(&connector);
    connector.start();
    // A folder in the place of the file that is written before it gets its name.
    std::fs::create_dir(connector.storage().join("unsound.tmp")).unwrap();
    let said = refused(&connector.run(&["doctor"]));
    assert!(
        said.contains("record 1") && said.contains("do not start the service again"),
        "{said}"
    );
    let file = connector.directory.join("published");
    let offer = r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#;
    refused(&connector.publish_under(&[file.to_str().unwrap()], "fog", offer));
    // What was left of an attempt to keep it is in nobody's way.
    std::fs::remove_dir(connector.storage().join("unsound.tmp")).unwrap();
    std::fs::write(connector.storage().join("unsound.tmp"), b"half").unwrap();
    let said = refused(&connector.run(&["doctor"]));
    assert!(!said.contains("do not start the service again"), "{said}");
    connector.kill();
    assert!(!serve(&connector.directory).output().unwrap().status.success());
}

#[test]
fn what_cannot_be_read_is_not_taken_for_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (mut connector, document) = with_a_large_document(&folder);
    let kept = std::fs::read(&document).unwrap();
    std::fs::remove_file(&document).unwrap();
    // A folder in its place: reading it fails, and says nothing of what was there.
    std::fs::create_dir(&document).unwrap();
    let said = refused(&connector.run(&["doctor"]));
    assert!(
        said.contains("could not be checked") && !said.contains("not sound"),
        "{said}"
    );
    connector.publish("hail", b"1");
    std::fs::remove_dir(&document).unwrap();
    std::fs::write(&document, kept).unwrap();
    good(&connector.run(&["doctor"]));
    connector.kill();
    connector.start();
}

#[test]
fn what_is_found_without_the_service_keeps_it_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.publish("snow", b"0");
    connector.kill();
    flip_a_bit_of_record_1(&connector);
    refused(&connector.run(&["doctor"]));
    let started = serve(&connector.directory).output().unwrap();
    assert!(
        !started.status.success() && told(&started).contains("record 1"),
        "{}",
        told(&started)
    );
}

#[test]
fn where_there_is_no_log_none_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let connector = Connector::new(folder.path().join("provider"), port, port);
    let storage = connector.storage();
    let error = refused(&connector.run(&["doctor"]));
    assert!(error.contains("there is no log"), "{error}");
    assert!(!storage.join("log").exists());
}

#[test]
fn a_damaged_lineage_index_is_made_anew_while_no_service_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    let rebuild = |connector: &Connector| connector.run(&["doctor", "--rebuild-index"]);
    assert_eq!(rebuild(&connector).status.code(), Some(8));
    connector.kill();
    let path = connector.storage().join("log");
    let parts = DB::list_cf(&Options::default(), &path).unwrap();
    let store = DB::open_cf(&Options::default(), &path, parts).unwrap();
    let entry = [b"n".as_slice(), &1u64.to_be_bytes()].concat();
    store
        .put_cf(store.cf_handle("index").unwrap(), entry, b"damage")
        .unwrap();
    drop(store);
    let found = refused(&connector.run(&["doctor"]));
    assert!(
        found.contains("lineage index entry of record 1") && found.contains("herleid doctor --rebuild-index"),
        "{found}"
    );
    let output = serve(&connector.directory).output().unwrap();
    assert!(told(&output).contains("does not verify"), "{}", told(&output));
    let sound = good(&rebuild(&connector));
    assert_eq!(sound["size"], 2, "{sound}");
    assert!(
        sound["found_before"].as_str().unwrap().contains("lineage index"),
        "{sound}"
    );
    connector.start();
    assert_eq!(good(&connector.run(&["doctor"]))["size"], 2);
}

#[test]
fn payloads_are_checked_too_and_one_that_is_damaged_or_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.publish("snow", b"0");
    let there = good(&connector.run(&["doctor"]));
    let bytes = RAIN.len() as u64 + 1;
    assert_eq!(
        (&there["payloads"], &there["payload_bytes"]),
        (&json!(2), &json!(bytes))
    );
    let path = payload(&connector.storage(), RAIN);
    let (named, sha256) = (
        path.display().to_string(),
        path.file_name().unwrap().to_string_lossy().into_owned(),
    );
    let mut altered = RAIN.to_vec();
    altered[3] ^= 1;
    for running in [true, false] {
        std::fs::write(&path, &altered).unwrap();
        let said = refused(&connector.run(&["doctor"]));
        for part in [named.as_str(), &sha256, "is in order", "put each back from a backup"] {
            assert!(said.contains(part), "no `{part}`: {said}");
        }
        std::fs::remove_file(&path).unwrap();
        let said = refused(&connector.run(&["doctor"]));
        assert!(said.contains(&named) && said.contains("is offered"), "{said}");
        std::fs::write(&path, RAIN).unwrap();
        assert_eq!(good(&connector.run(&["doctor"]))["payloads"], json!(2));
        if running {
            // The log is sound: the service goes on, and takes records.
            connector.publish("hail", b"0");
            connector.kill();
        }
    }
    // Who sits there sees how far it is.
    let mut command = herleid_tests::process::mortal(herleid_tests::process::herleid());
    command
        .args(["--development", "--config"])
        .arg(connector.directory.join("herleid.toml"));
    let output = command.arg("doctor").output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(err.contains("checking the log: ") && err.contains("(100%)"), "{err}");
    assert!(err.contains("checking payloads: 2 of 2 (100%)"), "{err}");
    assert!(out.contains("sound: ") && out.contains("2 payloads of "), "{out}");
}

#[test]
fn logs_that_are_over_are_checked_and_a_damaged_one_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.publish("snow", b"0");
    connector.kill();
    flip_a_bit_of_record_1(&connector);
    let file = connector.directory.join("herleid.toml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    let origin = configuration
        .split("origin = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    good(&continued(&connector, &["--even-if-sound", "--confirm", origin]));
    std::fs::write(
        &file,
        configuration.replace(origin, &origin.replace("/log/1", "/log/2")),
    )
    .unwrap();
    for running in [false, true] {
        if running {
            connector.start();
        }
        let said = good(&connector.run(&["doctor"]));
        let [over] = said["over"].as_array().unwrap().as_slice() else {
            panic!("{said:#}");
        };
        assert_eq!((&over["origin"], &said["running"]), (&json!(origin), &json!(running)));
        assert!(over["wrong"].as_str().unwrap().contains("record 1"), "{said:#}");
    }
}

#[test]
fn the_store_of_another_party_is_neither_served_nor_checked() {
    let folder = tempfile::tempdir().unwrap();
    let mut connector = connector(&folder);
    connector.kill();
    let port = free_port();
    let other = Connector::new(folder.path().join("other"), port, port);
    herleid_tests::machine::copy_all(&connector.storage(), &other.storage());
    let served = serve(&other.directory).output().unwrap();
    assert!(!served.status.success());
    for said in [told(&served), refused(&other.run(&["doctor"]))] {
        for part in [other.storage().to_str().unwrap(), &connector.did, &other.did] {
            assert!(said.contains(part), "no `{part}`: {said}");
        }
    }
}
