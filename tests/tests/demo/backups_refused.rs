//! Backups that are not whole, not ours or not newer than what is there: each is refused by name, and the storage directory stays as it was.

use crate::backups::{Parts, payload};
use crate::doctor::refused;
use herleid_tests::connector::{Connector, good, serve};
use herleid_tests::machine::{copy_all, free_port};
use herleid_tests::process::{herleid, told};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A stopped connector with two records, and a backup of it.
struct Kept {
    folder: tempfile::TempDir,
    connector: Connector,
    parts: Parts,
}

impl Kept {
    fn made() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut connector = Connector::new(folder.path().join("one"), port, port);
        connector.start();
        connector.publish("rain", b"1 2 3");
        let parts = Parts::within(folder.path(), "good");
        good(&parts.backup(&connector));
        connector.kill();
        Self {
            folder,
            connector,
            parts,
        }
    }

    fn lose(&self) {
        fs::remove_dir_all(self.connector.storage()).unwrap();
    }

    /// A copy of the backup that is then altered.
    fn altered(&self, name: &str, alter: impl FnOnce(&Parts)) -> Parts {
        let parts = Parts::within(self.folder.path(), name);
        copy_all(&self.parts.out, &parts.out);
        copy_all(&self.parts.keys, &parts.keys);
        alter(&parts);
        parts
    }
}

/// The largest file of a store.
fn largest(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_backup_that_was_cut_altered_or_is_not_ours_leaves_nothing() {
    let kept = Kept::made();
    kept.lose();
    let port = free_port();
    let mut other = Connector::new(kept.folder.path().join("other"), port, port);
    other.start();
    let others = Parts::within(kept.folder.path(), "others");
    good(&others.backup(&other));
    let second = Parts::within(kept.folder.path(), "second");
    // A second backup of the same log, from before the first was lost: of a copy that was restored.
    good(&kept.parts.restore(&kept.connector));
    good(&second.backup(&kept.connector));
    kept.lose();

    let in_log = |parts: &Parts| largest(&parts.out.join("log"));
    let cases: Vec<(Parts, i32, Vec<&str>)> = vec![
        (
            kept.altered("cut", |parts| {
                let path = in_log(parts);
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }),
            4,
            vec!["was altered or cut", "expected", "another copy of this backup"],
        ),
        (
            kept.altered("bit", |parts| {
                let path = largest(&parts.keys.join("keys"));
                let mut bytes = fs::read(&path).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(&path, bytes).unwrap();
            }),
            4,
            vec!["bit-keys/keys/", "was altered or cut"],
        ),
        (
            kept.altered("payload", |parts| {
                fs::write(payload(&parts.out, b"1 2 3"), b"3 2 1").unwrap()
            }),
            4,
            vec!["payload-main/payloads/", "was altered or cut"],
        ),
        (
            kept.altered("gone", |parts| fs::remove_file(in_log(parts)).unwrap()),
            3,
            vec!["is missing", "as the manifest lists it"],
        ),
        (
            kept.altered("list", |parts| {
                let path = parts.out.join("SHA256SUMS");
                let text = fs::read_to_string(&path).unwrap();
                let rest: String = text.lines().skip(1).map(|line| format!("{line}\n")).collect();
                fs::write(path, rest).unwrap();
            }),
            4,
            vec!["list-main/SHA256SUMS", "was altered or cut"],
        ),
        (
            kept.altered("manifest", |parts| {
                replace(&parts.out.join("manifest"), "\"size\":2", "\"size\":1")
            }),
            4,
            vec!["manifest-main/manifest", "is not signed by the key of this log"],
        ),
        (
            kept.altered("newer", |parts| {
                replace(&parts.keys.join("manifest"), "herleid-backup/1", "herleid-backup/2");
            }),
            9,
            vec!["herleid-backup/2", "this is version", "use that version or a newer one"],
        ),
        (
            kept.altered("unfinished", |parts| {
                fs::remove_file(parts.out.join("manifest")).unwrap()
            }),
            3,
            vec!["unfinished-main/manifest", "never finished"],
        ),
        (
            kept.altered("no-keys", |parts| fs::remove_dir_all(&parts.keys).unwrap()),
            3,
            vec!["no-keys-keys/manifest", "without which no section can be read"],
        ),
        (
            Parts {
                out: kept.parts.out.clone(),
                keys: second.keys.clone(),
            },
            4,
            vec!["second-keys/manifest", "of the backup"],
        ),
        (
            Parts {
                out: kept.parts.keys.clone(),
                keys: kept.parts.out.clone(),
            },
            4,
            vec!["good-keys/manifest", "of the kind", "expected `the main part"],
        ),
        (others, 4, vec!["others-main/manifest", "of the party", &other.did]),
    ];
    for (parts, code, says) in cases {
        let output = parts.restore(&kept.connector);
        let said = refused(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(says.iter().all(|what| said.contains(what)), "{says:?}: {said}");
        let left: Vec<_> = ["log", "keys", "evidence", "payloads", "restoring"]
            .into_iter()
            .filter(|name| kept.connector.storage().join(name).exists())
            .collect();
        assert!(left.is_empty(), "{left:?} after {said}");
    }
    good(&kept.parts.restore(&kept.connector));
    assert_eq!(good(&kept.connector.run(&["doctor"]))["size"], 2);
}

#[test]
fn a_log_is_never_restored_over_and_a_restore_that_was_broken_off_begins_anew() {
    let mut kept = Kept::made();
    let storage = kept.connector.storage();
    let output = kept.parts.restore(&kept.connector);
    let said = refused(&output);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("holds a log") && said.contains("move the whole storage directory"),
        "{said}"
    );
    // Not what is left of one either.
    for name in ["log", "keys", "evidence"] {
        fs::remove_dir_all(storage.join(name)).unwrap();
        assert_eq!(
            kept.parts.restore(&kept.connector).status.code(),
            Some(5),
            "without {name}"
        );
    }
    // Nor while a service has the directory.
    kept.lose();
    kept.connector.start();
    assert_eq!(kept.parts.restore(&kept.connector).status.code(), Some(8));
    kept.connector.kill();
    kept.lose();

    let restored = good(&kept.parts.restore(&kept.connector));
    // As a kill in the middle leaves it.
    let mark = storage.join("restoring");
    let backup = restored["backup"].as_str().unwrap();
    fs::write(&mark, format!("{backup}\n")).unwrap();
    fs::remove_dir_all(storage.join("keys")).unwrap();
    for output in [
        serve(&kept.connector.directory).output().unwrap(),
        kept.connector.run(&["doctor"]),
        kept.connector.run(&["ledger", "continue"]),
        Parts::within(kept.folder.path(), "half").backup(&kept.connector),
    ] {
        assert!(!output.status.success());
        let said = told(&output);
        assert!(
            said.contains("a restore was broken off") && said.contains("herleid restore"),
            "{said}"
        );
    }
    // What lies there is removed for the backup that it is half of, and for no other one.
    fs::write(&mark, "another\n").unwrap();
    let said = refused(&kept.parts.restore(&kept.connector));
    assert!(said.contains("the backup `another`") && said.contains(backup), "{said}");
    fs::write(&mark, format!("{backup}\n")).unwrap();
    let none = Parts::within(kept.folder.path(), "none");
    assert_eq!(none.restore(&kept.connector).status.code(), Some(3));
    assert!(storage.join("log/CURRENT").exists());
    good(&kept.parts.restore(&kept.connector));
    kept.connector.start();
}

#[test]
fn what_is_neither_a_file_nor_a_folder_is_left_out_of_no_backup() {
    let kept = Kept::made();
    let (storage, folder) = (kept.connector.storage(), kept.folder.path().to_owned());
    let path = payload(&storage, b"1 2 3");
    let (inner, aside) = (path.parent().unwrap(), folder.join("bigdisk"));
    fs::rename(inner, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, inner).unwrap();
    let parts = Parts::within(&folder, "linked");
    let said = refused(&parts.backup(&kept.connector));
    assert!(
        said.contains(inner.to_str().unwrap()) && said.contains("is a symbolic link"),
        "{said}"
    );
    assert!(!parts.out.exists() && !parts.keys.exists() && !storage.join(".backup").exists());
    fs::remove_file(inner).unwrap();
    fs::rename(&aside, inner).unwrap();
    good(&parts.backup(&kept.connector));
    // Nor is anything put behind a link, where it would stay if the rest is removed.
    kept.lose();
    fs::create_dir_all(&storage).unwrap();
    fs::create_dir(&aside).unwrap();
    std::os::unix::fs::symlink(&aside, storage.join("payloads")).unwrap();
    let said = refused(&parts.restore(&kept.connector));
    assert!(said.contains("is a symbolic link"), "{said}");
    fs::remove_file(storage.join("payloads")).unwrap();
    // A pipe in a backup has no end.
    let file = payload(&parts.out, b"1 2 3");
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let said = refused(&parts.restore(&kept.connector));
    assert!(said.contains("is neither a file nor a folder"), "{said}");
    // What is longer than it may be is not read to its end.
    fs::remove_file(&file).unwrap();
    let all = 64 << 20;
    fs::File::create(&file).unwrap().set_len(all).unwrap();
    let said = refused(&parts.restore(&kept.connector));
    assert!(said.contains("more than the"), "{said}");
}

#[test]
fn a_backup_has_places_of_its_own_and_what_is_not_whole_is_none() {
    let mut kept = Kept::made();
    let (storage, folder) = (kept.connector.storage(), kept.folder.path().to_owned());
    let parts = |out: &Path, keys: &Path| Parts {
        out: out.to_owned(),
        keys: keys.to_owned(),
    };
    let free = folder.join("free");
    let cases = [
        (parts(&storage.join("inner"), &free), 2, "which it is a backup of"),
        (parts(&free, &storage.join("inner")), 2, "which it is a backup of"),
        (
            parts(&free, &kept.connector.directory.join("keys/b")),
            2,
            "where the key files are",
        ),
        (parts(&free, &free.join("keys")), 3, "cannot be found"),
        (parts(&free, &free), 2, "section keys are kept apart"),
        (parts(&kept.parts.out, &free), 2, "is there already"),
        (parts(&free, &folder.join("no/where")), 3, "cannot be found"),
    ];
    for running in [false, true] {
        if running {
            kept.connector.start();
        }
        for (parts, code, says) in &cases {
            let output = parts.backup(&kept.connector);
            let said = refused(&output);
            assert_eq!(output.status.code(), Some(*code), "{said}");
            assert!(said.contains(says) && said.contains("next"), "{says}: {said}");
            assert!(!free.exists() && !storage.join(".backup").exists());
        }
    }
    // A payload that is not what it was: the backup would be worth less than it says.
    let path = payload(&storage, b"1 2 3");
    fs::write(&path, b"3 2 1").unwrap();
    let refused_one = Parts::within(&folder, "changed");
    let said = refused(&refused_one.backup(&kept.connector));
    assert!(
        said.contains("has changed on disk") && said.contains(path.to_str().unwrap()),
        "{said}"
    );
    assert!(!refused_one.out.exists() && !refused_one.keys.exists());
    fs::write(&path, b"1 2 3").unwrap();
    good(&refused_one.backup(&kept.connector));
    // What a crash left of one goes with the next start: it would keep what is erased.
    kept.connector.kill();
    fs::create_dir_all(storage.join(".backup/log")).unwrap();
    fs::write(storage.join(".backup/log/000012.sst"), b"links").unwrap();
    kept.connector.start();
    assert!(!storage.join(".backup").exists());
}

#[test]
fn a_full_disk_ends_a_backup_and_leaves_nothing_half_made() {
    let possible = Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        // Written past the test runner's capture, where the count of skipped tests is made.
        let said =
            "SKIPPED a_full_disk_ends_a_backup_and_leaves_nothing_half_made: `unshare -m` and `mount` need root\n";
        return std::io::stderr().write_all(said.as_bytes()).unwrap();
    }
    let mut kept = Kept::made();
    kept.connector.start();
    kept.connector.publish("large", &vec![b'x'; 2 << 20]);
    kept.connector.kill();
    let disk = kept.folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let script = "mount -t tmpfs -o size=1m tmpfs \"$DISK\" || exit 90\n\
                  \"$HERLEID\" --development --json --config \"$CONFIG\" backup --out \"$DISK/out\" --keys \"$DISK/keys\"\n\
                  echo \"code $? left $(ls \"$DISK\" | wc -l)\"";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .env("HERLEID", herleid())
        .env("CONFIG", kept.connector.directory.join("herleid.toml"))
        .env("DISK", &disk)
        .env("HERLEID_LANG", "en")
        .output()
        .unwrap();
    let said = told(&output);
    assert!(said.contains("code 1 left 0"), "{said}");
    assert!(
        said.contains("No space left on device") && said.contains("disk/out/"),
        "{said}"
    );
    assert!(said.contains("free space there"), "{said}");
    kept.connector.start();
    assert_eq!(good(&kept.connector.run(&["doctor"]))["size"], 3);
}

#[test]
fn a_storage_directory_of_a_newer_version_is_left_alone() {
    let mut kept = Kept::made();
    let path = kept.connector.storage().join("format.json");
    let own = fs::read_to_string(&path).unwrap();
    let newer = r#"{"format": 2, "program": "9.9.9"}"#;
    fs::write(&path, newer).unwrap();
    for output in [
        serve(&kept.connector.directory).output().unwrap(),
        kept.connector.run(&["doctor"]),
        kept.connector.run(&["ledger", "continue"]),
        Parts::within(kept.folder.path(), "newer").backup(&kept.connector),
    ] {
        let said = told(&output);
        assert_eq!(output.status.code(), Some(9), "{said}");
        assert!(
            said.contains("format 2, written by version 9.9.9") && said.contains("up to format 1"),
            "{said}"
        );
        assert!(said.contains("use version 9.9.9 or a newer one"), "{said}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    // One from before there was such a file is brought up to date, with all that it has.
    fs::remove_file(&path).unwrap();
    assert_eq!(good(&kept.connector.run(&["doctor"]))["size"], 2);
    assert!(!path.exists(), "a check writes nothing");
    kept.connector.start();
    assert_eq!(fs::read_to_string(&path).unwrap(), own);
    assert_eq!(good(&kept.connector.run(&["doctor"]))["size"], 2);
}
