//! What two people erase is nowhere on a connector's disk afterwards. Each thing that is said bears a mark of its own, which is looked for in every
//! file: present before, in tables and logs of the store too, and absent after.

use crate::backups_erased::{by, people};
use herleid_tests::connector::{Connector, good};
use herleid_tests::disk::{files_with, mark};
use herleid_tests::machine::{free_port, until};
use herleid_tests::management::Api;
use herleid_tests::process::told;
use serde_json::{Value, json};
use std::fs;
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
fn nothing_is_left_of_a_publication() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut holder = Connector::new(folder.path().join("holder"), port, port);
    people(&holder, None);
    let management = free_port();
    holder.set("management", &format!("address = \"127.0.0.1:{management}\""));
    holder.start();
    let api = Api::new(management, &holder.management_token());
    let said = ["title", "description", "contact", "creator", "offer", "bytes", "reason"];
    let marks: Vec<(&str, String)> = said.into_iter().map(|what| (what, mark())).collect();
    let of = |what: &str| marks.iter().find(|(name, _)| *name == what).unwrap().1.as_str();
    let path = |name: &str| folder.path().join(name);
    let metadata = format!(
        "title = \"Klacht {}\"\ndescription = \"Van {}\"\ntheme = [\"ENVI\"]\n[contact]\nname = \"A. de Vries\"\nemail = \"{}@example.org\"\n\
         [creator]\nname = \"{}\"\n",
        of("title"),
        of("description"),
        of("contact"),
        of("creator")
    );
    fs::write(path("metadata.toml"), metadata).unwrap();
    fs::write(path("data"), of("bytes")).unwrap();
    let policy =
        json!({"@type": "Offer", "@id": format!("urn:offer:{}", of("offer")), "permission": [{"action": "use"}]});
    fs::write(path("offer.json"), policy.to_string()).unwrap();
    let [data, offer, metadata] = ["data", "offer.json", "metadata.toml"].map(|name| path(name).display().to_string());
    let publish = || {
        let named = ["publish", &data, "--id", "rain", "--version", "1"];
        holder.run(&[&named[..], &["--policy", &offer, "--metadata", &metadata]].concat())
    };
    let published = good(&publish())["index"].to_string();
    // What is offered is not erased, whatever leads to its bytes.
    let why = ["--ground", "avg-17", "--authority", "request 2026-204"];
    let early = [&["erase", "propose", "--record", &published][..], &why].concat();
    let refused = by(&holder, 0, &early);
    assert_eq!(refused.status.code(), Some(5), "{}", told(&refused));
    assert!(
        told(&refused).contains("herleid withdraw rain --version 1"),
        "{}",
        told(&refused)
    );
    let withdrawn = good(&holder.run(&["withdraw", "rain", "--reason", of("reason")]))["index"].to_string();
    let marks: Vec<(&str, &String)> = marks.iter().map(|(what, mark)| (*what, mark)).collect();
    present(&holder, &marks);

    erase(&holder, &["--record", &published, "--record", &withdrawn]);
    // It is still told that there was a version, and that it was erased.
    let listed = |of: &str| api.get(of).good(200);
    let line = listed("/datasets")["items"][0].clone();
    assert_eq!(
        (&line["id"], &line["version"], &line["erased"]),
        (&json!("rain"), &json!("1"), &json!(true)),
        "{line}"
    );
    assert_eq!(
        (&line["title"], &line["withdrawn"], line.get("sha256"), &line["offers"]),
        (&json!(""), &json!(""), None, &json!([])),
        "{line}"
    );
    assert_eq!(listed("/offers")["total"], 0);
    assert_eq!(
        good(&holder.run(&["status"]))["counts"]["datasets erased"],
        1,
        "the command line says so too"
    );
    // Which bytes the version had is not known any more, so that nothing is that version.
    let again = publish();
    assert_eq!(again.status.code(), Some(5), "{}", told(&again));
    assert!(told(&again).contains("was erased"), "{}", told(&again));
    absent(&mut holder, &marks);
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
