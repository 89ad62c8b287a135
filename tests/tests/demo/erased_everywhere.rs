//! What two people erase is nowhere on a connector's disk afterwards. Each thing that is said bears a mark of its own, which is looked for in every
//! file: present before, in tables and logs of the store too, and absent after.

use crate::backups_erased::{by, people};
use herleid_tests::connector::{Connector, good};
use herleid_tests::disk::{files_with, mark};
use herleid_tests::machine::{free_port, until};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// Longer than it takes until what could not be removed is tried again.
const BURYING: Duration = Duration::from_secs(150);

/// A connector in `folder` for which two people erase.
fn connector(folder: &Path, name: &str) -> Connector {
    let port = free_port();
    let mut connector = Connector::new(folder.join(name), port, port);
    people(&connector, None);
    connector.start();
    connector
}

/// Two people erase this, and nothing is left of it in any file as far as the connector says.
fn erase(connector: &Connector, what: &[&str]) -> Value {
    let why = ["--ground", "avg-17", "--authority", "request 2026-204"];
    let proposed = good(&by(connector, 0, &[&["erase", "propose"], what, &why].concat()));
    let id = proposed["erasure"]["id"].as_str().unwrap().to_owned();
    good(&by(connector, 1, &["erase", "approve", &id]));
    until("what was erased is in no file", BURYING, || {
        let shown = good(&connector.run(&["erase", "show", &id]))["erasure"].clone();
        match shown["is_buried"] == true {
            true => Ok(shown),
            false => Err(shown),
        }
    })
}

fn present(connector: &Connector, marks: &[(&str, &String)]) {
    for (what, mark) in marks {
        let found = files_with(&connector.storage(), mark);
        assert!(!found.is_empty(), "{what} is in no file before it is erased");
    }
}

/// Also once it was started anew.
fn absent(connector: &mut Connector, marks: &[(&str, &String)]) {
    for _ in 0..2 {
        let left: Vec<_> = marks
            .iter()
            .map(|(what, mark)| (what, files_with(&connector.storage(), mark)))
            .filter(|(_, files)| !files.is_empty())
            .collect();
        assert!(left.is_empty(), "erased, and still there: {left:?}");
        good(&connector.run(&["doctor"]));
        connector.kill();
        connector.start();
    }
}

#[test]
fn nothing_is_left_of_a_pull_at_either_end() {
    let folder = tempfile::tempdir().unwrap();
    let [mut holder, mut asker] = ["holder", "asker"].map(|name| connector(folder.path(), name));
    let bytes = mark();
    holder.publish("rain", bytes.as_bytes());
    let agreed = good(&asker.run(&["negotiate", &holder.did, "rain"]));
    let agreement = agreed["agreement"].as_str().unwrap();
    for _ in 0..2 {
        good(&asker.run(&["pull", agreement]));
    }
    let marks = [("the bytes", &bytes)];
    present(&holder, &marks);
    present(&asker, &marks);
    erase(&asker, &["--agreement", agreement]);
    absent(&mut asker, &marks);
    present(&holder, &marks);
    let withdrawn = good(&holder.run(&["withdraw", "rain", "--reason", "over"]))["index"].to_string();
    erase(&holder, &["--agreement", agreement]);
    erase(&holder, &["--record", "1", "--record", &withdrawn]);
    absent(&mut holder, &marks);
}
