//! The whole log checked: while the service runs, without it, and when somebody has been at the disk.

use herleid_tests::connector::{Connector, RAIN, good, serve};
use herleid_tests::machine::free_port;
use herleid_tests::process::{text, told};
use rocksdb::{DB, Options};
use serde_json::Value;
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
fn refused(output: &Output) -> String {
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
    let file = connector.directory.join("published");
    let offer = r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#;
    let publish = |connector: &Connector| connector.publish_under(&[file.to_str().unwrap()], "fog", offer);
    let after = refused(&publish(&connector));
    assert!(
        after.contains("nothing more is recorded") && after.contains("record 1"),
        "{after}"
    );

    // Nor after a restart: there is none.
    connector.kill();
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
    good(&publish(&connector));
    assert_eq!(good(&connector.run(&["doctor"]))["found_before"], Value::Null);
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
