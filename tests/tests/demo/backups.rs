//! A backup is made while the service works, and put back elsewhere: everything that was recorded before is there.

use crate::continuing::continued;
use crate::doctor::with_a_large_document;
use crate::witness::{Watched, refused};
use herleid_tests::connector::{Connector, good, serve};
use herleid_tests::http::Caller;
use herleid_tests::machine::{copy_all, free_port};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

/// Both parts of a backup.
pub(crate) struct Parts {
    pub(crate) out: PathBuf,
    pub(crate) keys: PathBuf,
}

impl Parts {
    pub(crate) fn within(folder: &Path, name: &str) -> Self {
        Self {
            out: folder.join(format!("{name}-main")),
            keys: folder.join(format!("{name}-keys")),
        }
    }

    pub(crate) fn backup(&self, connector: &Connector) -> Output {
        let (out, keys) = (self.out.to_str().unwrap(), self.keys.to_str().unwrap());
        connector.run(&["backup", "--out", out, "--keys", keys])
    }

    /// Nothing was erased since it was made, nor recorded.
    pub(crate) fn restore(&self, connector: &Connector) -> Output {
        self.restore_saying(connector, &["--without-erasures", "--nothing-since"])
    }

    /// Nobody says whether anything was erased.
    pub(crate) fn restore_with_list(&self, connector: &Connector) -> Output {
        self.restore_saying(connector, &["--nothing-since"])
    }

    pub(crate) fn restore_saying(&self, connector: &Connector, words: &[&str]) -> Output {
        let (from, keys) = (self.out.to_str().unwrap(), self.keys.to_str().unwrap());
        connector.run(&[["restore", "--from", from, "--keys", keys].as_slice(), words].concat())
    }
}

/// The same participant on another machine: its key files and configuration, and nothing of its storage.
pub(crate) fn elsewhere(connector: &Connector, directory: PathBuf) -> (Connector, u16) {
    std::fs::create_dir(&directory).unwrap();
    copy_all(&connector.directory.join("keys"), &directory.join("keys"));
    let file = connector.directory.join("herleid.toml");
    std::fs::copy(file, directory.join("herleid.toml")).unwrap();
    let port = free_port();
    (connector.elsewhere(directory, port), port)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a payload lies in a storage directory.
pub(crate) fn payload(storage: &Path, bytes: &[u8]) -> PathBuf {
    let name = sha256(bytes);
    storage.join("payloads").join(&name[..2]).join(name)
}

#[test]
fn what_was_recorded_before_a_backup_is_all_there_when_it_is_restored_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (connector, document) = with_a_large_document(&folder);
    let document = document.strip_prefix(connector.storage()).unwrap().to_owned();
    let said = |n: u64| format!("{n} mm").into_bytes();
    for n in 0..3 {
        connector.publish(&format!("before-{n}"), &said(n));
    }
    let before = good(&connector.run(&["status"]))["size"].as_u64().unwrap();
    let parts = Parts::within(folder.path(), "one");
    let stop = AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) || n == 0 {
                connector.publish(&format!("meanwhile-{n}"), format!("{n} meanwhile").as_bytes());
                n += 1;
            }
            n
        });
        let made = good(&parts.backup(&connector));
        stop.store(true, Ordering::Relaxed);
        assert!(publishing.join().unwrap() > 0);
        made
    });
    connector.publish("after", b"after");
    let size = made["size"].as_u64().unwrap();
    assert!(size >= before, "{made}");
    assert!(!connector.storage().join(".backup").exists());
    // The keys are in their own part alone, and a witness's memory in neither.
    assert!(parts.keys.join("keys/CURRENT").exists() && !parts.out.join("keys").exists());
    assert!(parts.out.join("log/CURRENT").exists() && !parts.out.join("witness").exists());
    // Anybody can check the files without this program.
    for folder in [&parts.out, &parts.keys] {
        let mut check = Command::new("sha256sum");
        check
            .args(["-c", "--quiet", "--strict", "SHA256SUMS"])
            .current_dir(folder);
        let output = check.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    let (mut other, port) = elsewhere(&connector, folder.path().join("elsewhere"));
    let restored = good(&parts.restore(&other));
    assert_eq!(
        (&restored["size"], &restored["root"], &restored["backup"]),
        (&made["size"], &made["root"], &made["backup"])
    );
    assert_eq!(good(&other.run(&["doctor"]))["size"], made["size"]);
    for n in 0..3 {
        assert_eq!(std::fs::read(payload(&other.storage(), &said(n))).unwrap(), said(n));
    }
    assert_eq!(
        std::fs::read(other.storage().join(&document)).unwrap(),
        std::fs::read(connector.storage().join(&document)).unwrap()
    );
    other.start();
    // The same history: what the original shows now extends what was restored, tile by tile.
    let tile = |port: u16, width: u64| {
        Caller::new(port, &[])
            .get(&format!("/log/1/tile/entries/000.p/{width}"))
            .body
    };
    let own = connector.made["origin"].as_str().unwrap();
    let own_port: u16 = own
        .split_once('/')
        .unwrap()
        .0
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let now = good(&connector.run(&["status"]))["size"].as_u64().unwrap();
    let checkpoint = Caller::new(port, &[]).get("/log/1/checkpoint").text();
    assert!(checkpoint.starts_with(&format!("{own}\n{size}\n")), "{checkpoint}");
    assert!(now < 256, "one tile holds them all");
    let (original, copy) = (tile(own_port, now), tile(port, size));
    assert!(!copy.is_empty() && original.starts_with(&copy));
    // And it is a log that goes on.
    other.publish("elsewhere", b"5");
    assert_eq!(good(&other.run(&["doctor"]))["size"], json!(size + 1));
}

#[test]
fn a_backup_without_a_service_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut connector = Connector::new(folder.path().join("one"), port, port);
    // Where there is no log, none is begun for a backup.
    let parts = Parts::within(folder.path(), "none");
    assert_eq!(parts.backup(&connector).status.code(), Some(3));
    connector.start();
    connector.publish("rain", b"1 2 3");
    connector.kill();
    // What came while the files were listed, say, after the log was linked: its record is in no backup.
    let document = vec![b'd'; 100_000];
    let name = sha256(&document);
    let later = [
        (payload(&connector.storage(), b"later"), b"later".to_vec()),
        (
            connector.storage().join("evidence").join(&name[..2]).join(&name),
            document,
        ),
    ];
    for (path, bytes) in &later {
        std::fs::write(path, bytes).unwrap();
    }
    let parts = Parts::within(folder.path(), "one");
    let made = good(&parts.backup(&connector));
    assert_eq!(made["size"], json!(2), "{made}");
    std::fs::rename(connector.storage(), folder.path().join("lost")).unwrap();
    good(&parts.restore(&connector));
    assert!(later.iter().all(|(path, _)| path.exists()));
    let modes = ["", "log", "payloads"].map(|name| {
        let found = std::fs::metadata(connector.storage().join(name)).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777
    });
    assert_eq!(modes, [0o700; 3]);
    connector.start();
    // Nobody would ever erase it: no record leads there.
    assert!(later.iter().all(|(path, _)| !path.exists()));
    assert!(payload(&connector.storage(), b"1 2 3").exists());
    let status = good(&connector.run(&["status"]));
    assert_eq!(status["size"], json!(2), "{status}");
    // What was restored says by which format it was written.
    let format = std::fs::read(connector.storage().join("format.json")).unwrap();
    let format: Value = serde_json::from_slice(&format).unwrap();
    assert_eq!(format["format"], json!(1));
}

#[test]
fn a_backup_that_is_behind_its_witness_is_not_gone_on_with_but_can_be_continued() {
    let mut watched = Watched::set();
    watched.grow("rain");
    let parts = Parts::within(watched.folder.path(), "behind");
    let made = good(&parts.backup(&watched.log));
    watched.grow("snow");
    watched.log.kill();
    std::fs::remove_dir_all(watched.log.storage()).unwrap();
    let restored = good(&parts.restore(&watched.log));
    assert_eq!(restored["size"], made["size"]);
    let output = serve(&watched.log.directory).output().unwrap();
    refused(&output, 4, "records were lost");
    refused(&output, 4, "herleid ledger continue");
    let origin = watched.origin();
    let done = good(&continued(&watched.log, &["--confirm", &origin]));
    let size = made["size"].as_u64().unwrap();
    assert_eq!(
        done["continued"]["lost"],
        json!({"from": size, "to": size + 1}),
        "{done}"
    );
    watched.take_up(done["log_key"].as_str().unwrap());
    watched.log.start();
    // A backup of the successor takes along the log that is over.
    let parts = Parts::within(watched.folder.path(), "successor");
    let made = good(&parts.backup(&watched.log));
    assert_eq!(made["origin"], json!(watched.successor()));
    watched.log.kill();
    std::fs::remove_dir_all(watched.log.storage()).unwrap();
    good(&parts.restore(&watched.log));
    watched.log.start();
    let old = Caller::new(watched.port, &[]).get("/log/1/checkpoint").text();
    assert!(old.starts_with(&format!("{origin}\n{size}\n")), "{old}");
    assert_eq!(made["unsound"], Value::Null);
    // One that is damaged is kept as it is, and said so.
    watched.log.kill();
    let tables = std::fs::read_dir(watched.log.storage().join("log")).unwrap();
    let tables = tables.map(|entry| entry.unwrap().path());
    for path in tables.filter(|path| {
        path.extension()
            .is_some_and(|ending| ending == "sst" || ending == "log")
    }) {
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
        std::fs::write(&path, bytes).unwrap();
    }
    let parts = Parts::within(watched.folder.path(), "damaged");
    let made = good(&parts.backup(&watched.log));
    assert!(made["unsound"][0].as_str().unwrap().contains(&origin), "{made}");
}

#[test]
fn a_backup_of_which_nobody_knows_what_came_after_it_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut connector = Connector::new(folder.path().join("one"), port, port);
    connector.start();
    connector.publish("rain", b"1 2 3");
    let parts = Parts::within(folder.path(), "one");
    good(&parts.backup(&connector));
    connector.kill();
    let lose = || std::fs::remove_dir_all(connector.storage()).unwrap();
    lose();
    good(&parts.restore_saying(&connector, &["--without-erasures"]));
    for _ in 0..2 {
        let output = serve(&connector.directory).output().unwrap();
        refused(&output, 4, "restored from a backup of 2 records");
        refused(&output, 4, "--nothing-since");
    }
    // A successor knows what it does not know.
    let origin = connector.made["origin"].as_str().unwrap().to_owned();
    let would = good(&continued(&connector, &[]));
    assert_eq!(would["lost"], json!("unknown"), "{would}");
    let done = good(&continued(&connector, &["--confirm", &origin]));
    assert_eq!(done["continued"]["lost"], json!("unknown"), "{done}");
    // Or somebody gives their word.
    lose();
    good(&parts.restore(&connector));
    connector.start();
    let size = |connector: &Connector| good(&connector.run(&["status"]))["size"].clone();
    assert_eq!(size(&connector), json!(2));
    // Once.
    connector.kill();
    connector.start();
    assert_eq!(size(&connector), json!(2));
}

#[test]
fn a_backup_that_its_witness_confirms_is_gone_on_with() {
    let mut watched = Watched::set();
    watched.grow("rain");
    let parts = Parts::within(watched.folder.path(), "whole");
    let made = good(&parts.backup(&watched.log));
    watched.log.kill();
    std::fs::remove_dir_all(watched.log.storage()).unwrap();
    good(&parts.restore_saying(&watched.log, &["--without-erasures"]));
    refused(&continued(&watched.log, &[]), 5, "nothing of");
    watched.log.start();
    assert_eq!(good(&watched.log.run(&["status"]))["size"], made["size"]);
}

#[test]
fn a_witness_that_forgot_does_not_cosign_under_its_old_key() {
    let mut watched = Watched::set();
    watched.witness.publish("own", b"1");
    let parts = Parts::within(watched.folder.path(), "witness");
    good(&parts.backup(&watched.witness));
    watched.witness.kill();
    let storage = watched.witness.storage();
    let aside = watched.folder.path().join("aside");
    std::fs::rename(&storage, &aside).unwrap();
    let restored = good(&parts.restore(&watched.witness));
    assert_eq!(restored["lost_witness"], watched.witness.made["witness_key"]);
    let output = serve(&watched.witness.directory).output().unwrap();
    refused(&output, 9, "it could cosign another history");
    let key = watched.witness.directory.join("keys/witness.key");
    let old = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, format!("{}\n", "5e".repeat(32))).unwrap();
    watched.witness.start();
    watched.witness.kill();
    // With the memory itself the key is as good as ever: it was not lost with the log.
    std::fs::write(&key, old).unwrap();
    std::fs::remove_dir_all(&storage).unwrap();
    copy_all(&aside.join("witness"), &storage.join("witness"));
    assert_eq!(good(&parts.restore(&watched.witness))["lost_witness"], Value::Null);
    watched.witness.start();
}
