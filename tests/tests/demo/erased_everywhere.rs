//! What two people erase is nowhere on a connector's disk afterwards. Each thing that is said bears a mark of its own, which is looked for in every
//! file: present before, in tables and logs of the store too, and absent after.

use crate::backups_erased::{by, people};
use herleid_tests::connector::{Connector, good};
use herleid_tests::disk::{files_with, mark};
use herleid_tests::lying_proxy::LyingProxy;
use herleid_tests::machine::{free_port, until, wait_for};
use herleid_tests::management::Api;
use herleid_tests::process::told;
use herleid_vocab::rim::Clock as _;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Stdio;
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

const PACKAGE: &str = r#"
format = "herleid-model/1"
id = "patience"
version = "1"
title = "Takes its time"
description = "Waits, and says that it did."
program = "patience.sh"
canonicalisation = "none"
uses_seed = false
[licence]
id = "EUPL-1.2"
program_in_dossier = true
[environment]
description = "Any shell."
packages = []
[[inputs]]
name = "letter"
title = "A letter"
file = "letter.txt"
media_type = "text/plain"
[[parameters]]
name = "place"
title = "Where"
type = "text"
default = "nowhere"
[[parameters]]
name = "seconds"
title = "How long"
type = "integer"
minimum = 0
maximum = 60
default = 0
[[outputs]]
name = "result"
title = "Said"
file = "result.txt"
media_type = "text/plain"
"#;

const PROGRAM: &str = r#"#!/bin/sh
seconds=$(sed 's/.*"seconds":\([0-9]*\).*/\1/' job.json)
sleep "$seconds"
cat in/letter.txt job.json > out/result.txt
"#;

/// Lets `holder` publish the model, and gives an agreement about it.
fn offered(folder: &Path, holder: &Connector, asker: &Connector) -> String {
    herleid_tests::patience::publish(holder, folder, [PACKAGE, PROGRAM]);
    let agreed = good(&asker.run(&["negotiate", &holder.did, "patience"]));
    agreed["agreement"].as_str().unwrap().to_owned()
}

/// The arguments of a run with a letter and a place.
fn run(folder: &Path, agreement: &str, letter: &str, place: &str, seconds: u32) -> Vec<String> {
    let file = folder.join(format!("{letter}.txt"));
    fs::write(&file, letter).unwrap();
    let values = [
        "run".to_owned(),
        agreement.to_owned(),
        "--input".to_owned(),
        format!("letter={}", file.display()),
        "--set".to_owned(),
        format!("place={place}"),
        "--set".to_owned(),
        format!("seconds={seconds}"),
    ];
    values.into()
}

#[test]
fn nothing_is_left_of_a_run_nor_of_one_that_was_killed_on_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let [mut holder, mut asker] = ["holder", "asker"].map(|name| connector(folder.path(), name));
    let agreement = offered(folder.path(), &holder, &asker);
    let texts = [mark(), mark(), mark(), mark()];
    let [letter, place, late_letter, late_place] = &texts;
    let whole = run(folder.path(), &agreement, letter, place, 0);
    good(&asker.run(&whole.iter().map(String::as_str).collect::<Vec<_>>()));
    let late = run(folder.path(), &agreement, late_letter, late_place, 60);
    let mut asking = asker.command(&late.iter().map(String::as_str).collect::<Vec<_>>());
    let mut asking = asking.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let in_jobs = |mark: &String| {
        let found = files_with(&holder.storage(), mark);
        found
            .into_iter()
            .any(|path| path.display().to_string().contains("/job-"))
    };
    wait_for(|| (in_jobs(late_letter) && in_jobs(late_place)).then_some(()));
    holder.kill();
    asking.wait().unwrap();
    let in_jobs = |holder: &Connector, mark: &String| {
        let found = files_with(&holder.storage(), mark);
        found
            .into_iter()
            .any(|path| path.display().to_string().contains("/job-"))
    };
    assert!(in_jobs(&holder, late_letter) && in_jobs(&holder, late_place));
    holder.start();
    assert!(
        !in_jobs(&holder, late_letter) && !in_jobs(&holder, late_place),
        "a start takes away what is left of runs that were going on"
    );

    let marks = [
        ("an input", letter),
        ("a parameter", place),
        ("an input of the run that was killed", late_letter),
        ("a parameter of the run that was killed", late_place),
    ];
    present(&asker, &marks[..2]);
    for end in [&mut holder, &mut asker] {
        erase(end, &["--agreement", &agreement]);
        absent(end, &marks);
    }
}

#[test]
fn nothing_is_left_of_a_run_whose_receipt_is_kept_as_proof_of_a_lie() {
    let folder = tempfile::tempdir().unwrap();
    let (public, real) = (free_port(), free_port());
    let mut holder = Connector::new(folder.path().join("holder"), real, public);
    let _proxy = LyingProxy::start(public, real);
    holder.start();
    let mut asker = connector(folder.path(), "asker");
    let agreement = offered(folder.path(), &holder, &asker);
    let marks: Vec<String> = (0..4).map(|_| mark()).collect();
    let asked = |n: usize| run(folder.path(), &agreement, &marks[n], &marks[n + 1], 0);
    let run = |asker: &Connector, n: usize| asker.run(&asked(n).iter().map(String::as_str).collect::<Vec<_>>());
    let before = crate::lies::streams(&mut holder, &[]);
    good(&run(&asker, 0));
    // Set back by a run: the next one gets the number of the first.
    crate::lies::streams(&mut holder, &before);
    let caught = run(&asker, 2);
    assert_eq!(caught.status.code(), Some(4), "{}", told(&caught));
    let warned = |asker: &Connector| good(&asker.run(&["status"]))["warnings"].to_string();
    assert!(warned(&asker).contains("the proof is kept here"), "{}", warned(&asker));
    let named = [
        "a letter",
        "a place",
        "a letter that came to nothing",
        "a place that came to nothing",
    ];
    let marks: Vec<(&str, &String)> = named.into_iter().zip(&marks).collect();
    present(&asker, &marks[..1]);
    erase(&asker, &["--agreement", &agreement]);
    // The lie stays proved.
    assert!(warned(&asker).contains("the proof is kept here"), "{}", warned(&asker));
    absent(&mut asker, &marks);
}

#[test]
fn nothing_is_left_of_a_statement_at_either_end() {
    let folder = tempfile::tempdir().unwrap();
    let [mut holder, mut asker] = ["holder", "asker"].map(|name| connector(folder.path(), name));
    let by_when = format_rfc3339_ms(herleid::rim::SystemClock.now_ms() + 24 * 3_600 * 1_000);
    let due = json!({"leftOperand": "odrl:dateTime", "operator": "lteq", "rightOperand": by_when});
    let policy = json!({"@type": "Offer", "permission": [{"action": "use"}],
        "obligation": [{"action": "odrl:inform", "constraint": [due]}]});
    holder.offer("rain", b"rain", &policy.to_string());
    let agreed = good(&asker.run(&["negotiate", &holder.did, "rain"]));
    let agreement = agreed["agreement"].as_str().unwrap();
    let statement = mark();
    let stated = ["duty", "fulfil", agreement, "inform", "--statement", &statement];
    assert_eq!(good(&asker.run(&stated))["state"], "fulfilled");
    let marks = [("the statement", &statement)];
    for end in [&mut asker, &mut holder] {
        present(end, &marks);
        let duty = |end: &Connector| good(&end.run(&["duties"]))["duties"][0].clone();
        let record = duty(end)["statement"]["record"].to_string();
        erase(end, &["--record", &record]);
        let after = duty(end);
        assert_eq!(
            (
                &after["state"],
                &after["statement"]["text"],
                &after["statement"]["erased"]
            ),
            (&json!("fulfilled"), &json!(""), &json!(true)),
            "{after}"
        );
        absent(end, &marks);
    }
}
