//! What two people erased after a backup was made does not come back with it.

use crate::backups::{Parts, payload};
use crate::continuing::continued;
use crate::doctor::refused;
use herleid_tests::connector::{Connector, good, serve};
use herleid_tests::machine::free_port;
use herleid_tests::process::told;
use serde_json::json;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

const TOKENS: [(&str, &str); 2] = [
    ("dewit", "dewit-dewit-dewit-dewit-dewit-dewit-dewit"),
    ("jansen", "jansen-jansen-jansen-jansen-jansen-jansen"),
];

/// Names two people, and where erasures are listed if they are.
pub(crate) fn people(connector: &Connector, register: Option<&Path>) {
    let one = |(id, token): (&str, &str)| {
        let digest = crate::backups::sha256(token.as_bytes());
        format!("{{id = \"{id}\", name = \"{id}\", token_sha256 = \"{digest}\"}}")
    };
    let mut lines = format!("people = [{}]", TOKENS.map(one).join(", "));
    if let Some(register) = register {
        lines.push_str(&format!("\nregister = \"{}\"", register.display()));
    }
    connector.set("erasure", &lines);
}

/// A command with somebody's token on standard input.
pub(crate) fn by(connector: &Connector, person: usize, arguments: &[&str]) -> Output {
    let mut command = connector.command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    writeln!(running.stdin.take().unwrap(), "{}", TOKENS[person].1).unwrap();
    running.wait_with_output().unwrap()
}

/// Proposes to erase a record.
fn propose(connector: &Connector, index: &str) -> String {
    let why = ["--ground", "avg-17", "--authority", "request 2026-204"];
    let proposal = [["erase", "propose", "--record", index].as_slice(), &why].concat();
    let proposed = good(&by(connector, 0, &proposal));
    proposed["erasure"]["id"].as_str().unwrap().to_owned()
}

const SAID: &[u8] = b"A. de Vries, Dorpsstraat 1: 51.3 mm";

/// A connector that lists its erasures, and has something to erase: its folder, the list's, and itself.
fn listing() -> (tempfile::TempDir, PathBuf, Connector) {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut connector = Connector::new(folder.path().join("one"), port, port);
    let register = folder.path().join("register");
    fs::create_dir(&register).unwrap();
    people(&connector, Some(&register));
    connector.start();
    publish_and_withdraw(&connector);
    (folder, register, connector)
}

fn publish_and_withdraw(connector: &Connector) {
    connector.publish("rain", SAID);
    good(&connector.run(&["withdraw", "rain", "--reason", "over"]));
}

#[test]
fn what_was_erased_after_a_backup_is_erased_again_before_anybody_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut connector = Connector::new(folder.path().join("one"), port, port);
    let register = folder.path().join("register");
    people(&connector, Some(&register));
    // A list that is not there may be one that was lost.
    let output = serve(&connector.directory).output().unwrap();
    assert!(
        !output.status.success() && told(&output).contains("the list of erasures"),
        "{}",
        told(&output)
    );
    fs::create_dir(&register).unwrap();
    connector.start();
    publish_and_withdraw(&connector);
    let proposed = propose(&connector, "1");
    let id = proposed.as_str();
    let parts = Parts::within(folder.path(), "before");
    let made = good(&parts.backup(&connector));
    let path = payload(&connector.storage(), SAID);
    assert!(path.exists());
    good(&by(&connector, 1, &["erase", "approve", id]));
    assert!(register.join(format!("{id}.erased")).exists());
    assert!(!path.exists());
    let sections = good(&connector.run(&["doctor"]))["erased_sections"].as_u64().unwrap();
    assert!(sections > 0);
    connector.kill();
    fs::rename(connector.storage(), folder.path().join("lost")).unwrap();

    // A folder in its place: the disk that it lies on is not mounted, say.
    let aside = folder.path().join("aside");
    fs::rename(&register, &aside).unwrap();
    fs::create_dir(&register).unwrap();
    let said = refused(&parts.restore_with_list(&connector));
    assert!(said.contains("has no file `register`"), "{said}");
    assert!(!connector.storage().join("log").exists());
    fs::remove_dir(&register).unwrap();
    fs::rename(&aside, &register).unwrap();
    // Or an entry of it is missing.
    let entry = register.join(format!("{id}.erased"));
    fs::rename(&entry, &aside).unwrap();
    let said = refused(&parts.restore_with_list(&connector));
    assert!(said.contains("0 erasures of 1 are there"), "{said}");
    fs::rename(&aside, &entry).unwrap();

    let restored = good(&parts.restore_with_list(&connector));
    assert_eq!(restored["size"], made["size"]);
    assert!(path.exists(), "it came back with the backup");
    // While the list cannot be read nothing is served.
    fs::rename(&register, &aside).unwrap();
    let output = serve(&connector.directory).output().unwrap();
    assert!(
        !output.status.success() && told(&output).contains("the list of erasures"),
        "{}",
        told(&output)
    );
    assert!(path.exists());
    // An empty folder may be where its disk is mounted else; only if somebody says so another list is begun there.
    fs::create_dir(&register).unwrap();
    let output = serve(&connector.directory).output().unwrap();
    assert!(
        !output.status.success() && told(&output).contains("a list was begun before"),
        "{}",
        told(&output)
    );
    assert!(path.exists() && fs::read_dir(&register).unwrap().count() == 0);
    // What was listed when it was restored is erased again, wherever the list is now; and the list is whole again.
    fs::write(register.join("anew"), "").unwrap();
    connector.start();
    assert!(!register.join("anew").exists());
    assert!(!path.exists());
    assert!(entry.exists());
    let doctor = good(&connector.run(&["doctor"]));
    assert_eq!(doctor["erased_sections"], json!(sections), "{doctor}");
    let again = good(&connector.run(&["erase", "show", id]));
    assert_eq!(again["erasure"]["state"], "erased");
    assert!(again["erasure"]["records"][0]["tombstone"].is_u64(), "{again}");
    let size = good(&connector.run(&["status"]))["size"].clone();
    // Once is enough.
    connector.kill();
    connector.start();
    assert_eq!(good(&connector.run(&["status"]))["size"], size);
}

#[test]
fn where_erasures_are_listed_nowhere_a_restore_asks_for_somebodys_word() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut connector = Connector::new(folder.path().join("one"), port, port);
    people(&connector, None);
    connector.start();
    let parts = Parts::within(folder.path(), "one");
    good(&parts.backup(&connector));
    connector.kill();
    fs::remove_dir_all(connector.storage()).unwrap();
    let output = parts.restore_with_list(&connector);
    let said = refused(&output);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("erasure.register") && said.contains("--without-erasures"),
        "{said}"
    );
    assert!(!connector.storage().join("log").exists());
    let (from, keys) = (parts.out.to_str().unwrap(), parts.keys.to_str().unwrap());
    let words = ["--without-erasures", "--nothing-since"];
    good(&connector.run(&[["restore", "--from", from, "--keys", keys].as_slice(), &words].concat()));
    connector.start();
}

#[test]
fn what_a_list_that_cannot_be_written_would_miss_is_not_erased() {
    let (folder, register, connector) = listing();
    let id = propose(&connector, "1");
    let aside = folder.path().join("aside");
    fs::rename(&register, &aside).unwrap();
    let said = refused(&by(&connector, 1, &["erase", "approve", &id]));
    assert!(
        said.contains("the list of erasures") && said.contains("nothing is erased without it"),
        "{said}"
    );
    assert_eq!(good(&connector.run(&["doctor"]))["erased_sections"], json!(0));
    assert!(payload(&connector.storage(), SAID).exists());
    // Nor where another folder stands in its place: the disk is not mounted any more, say.
    fs::create_dir(&register).unwrap();
    let said = refused(&by(&connector, 1, &["erase", "approve", &id]));
    assert!(said.contains("has no file `register`"), "{said}");
    assert_eq!(fs::read_dir(&register).unwrap().count(), 0);
    assert!(payload(&connector.storage(), SAID).exists());
    fs::remove_dir(&register).unwrap();
    fs::rename(&aside, &register).unwrap();
    good(&by(&connector, 1, &["erase", "approve", &id]));
    let mut listed: Vec<String> = fs::read_dir(&register)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    listed.sort();
    assert_eq!(listed, [format!("{id}.erased"), "register".to_owned()]);
}

#[test]
fn what_is_listed_proves_that_a_log_went_on_and_is_kept_for_the_one_that_continues_it() {
    let (folder, _register, mut connector) = listing();
    let parts = Parts::within(folder.path(), "before");
    let made = good(&parts.backup(&connector));
    let id = propose(&connector, "1");
    good(&by(&connector, 1, &["erase", "approve", &id]));
    connector.kill();
    fs::remove_dir_all(connector.storage()).unwrap();

    let said = refused(&parts.restore_with_list(&connector));
    assert!(
        said.contains("`--nothing-since` is not true") && said.contains(&id),
        "{said}"
    );
    good(&parts.restore_saying(&connector, &[]));
    let path = payload(&connector.storage(), SAID);
    for _ in 0..2 {
        let output = serve(&connector.directory).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{}", told(&output));
        let says = [
            "this log went on".to_owned(),
            format!("it had {} records", made["size"].as_u64().unwrap() + 1),
        ];
        assert!(
            says.iter().all(|what| told(&output).contains(what)),
            "{}",
            told(&output)
        );
    }
    assert!(path.exists());
    // The log that continues it: the list is in another place now, and has nothing of what was listed before.
    let origin = connector.made["origin"].as_str().unwrap().to_owned();
    good(&continued(&connector, &["--confirm", &origin]));
    let file = connector.directory.join("herleid.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&origin, &origin.replace("/log/1", "/log/2"))).unwrap();
    people(&connector, None);
    connector.start();
    assert!(!path.exists(), "what only an erased section led to");
    let brought = connector.storage().join("erasures");
    assert!(brought.join(format!("{id}.erased")).exists());
    connector.kill();
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    people(&connector, Some(&other));
    fs::write(other.join("anew"), "").unwrap();
    connector.start();
    assert!(other.join(format!("{id}.erased")).exists() && !brought.exists());
    connector.kill();
    connector.start();
}
