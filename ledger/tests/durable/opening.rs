//! Whose log it is, and what a restart keeps.

use crate::rig::{note, open, options, terminated};
use ed25519_dalek::SigningKey;
use herleid_ledger::{At, Ledger, LedgerError, Options};
use std::path::Path;

#[test]
fn a_restart_keeps_everything_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for round in 0..5u64 {
        let ledger = open(dir.path(), 10 + round);
        assert_eq!(ledger.size(), 1 + round * 7);
        if let Some((_, checkpoint)) = seen.last() {
            assert_eq!(ledger.checkpoint().as_ref(), checkpoint);
        }
        for _ in 0..7 {
            let recorded = ledger.append_blocking(terminated("urn:a")).unwrap();
            seen.push((recorded.clone(), recorded.checkpoint().clone()));
        }
    }
    let ledger = open(dir.path(), 99);
    for (recorded, checkpoint) in &seen {
        assert_eq!(ledger.record(recorded.index()).unwrap().leaf(), recorded.leaf());
        let handed_over = ledger
            .hand_over(recorded.index(), &[], Some(checkpoint.size()), At::Latest)
            .unwrap();
        handed_over
            .verify(ledger.verifier())
            .unwrap()
            .extends(checkpoint)
            .unwrap();
    }
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().streams, 1);
}

fn refused(dir: &Path, change: impl FnOnce(&mut Options)) -> LedgerError {
    let mut options = options(dir, 3);
    change(&mut options);
    Ledger::open(options).unwrap_err()
}

#[test]
fn a_directory_belongs_to_one_log() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), 1));
    let other = |what: &str, error: LedgerError| match error {
        LedgerError::OtherOwner { what: found, .. } => assert_eq!(found, what),
        error => panic!("{error}"),
    };
    other(
        "party",
        refused(dir.path(), |o| o.party = "did:web:other.example".parse().unwrap()),
    );
    other(
        "origin",
        refused(dir.path(), |o| o.origin = "knmi.example/log/2".into()),
    );
    other(
        "key",
        refused(dir.path(), |o| o.signing_key = SigningKey::from_bytes(&[7; 32])),
    );
    let wrong_kek = refused(dir.path(), |o| o.kek = [3; 32]);
    assert!(matches!(wrong_kek, LedgerError::WrongKek { .. }), "{wrong_kek}");
    assert!(matches!(
        refused(dir.path(), |o| o.origin = "knmi".into()),
        LedgerError::Option { .. }
    ));
    assert_eq!(open(dir.path(), 2).size(), 1);
}

#[test]
fn a_directory_is_opened_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let clone = ledger.clone();
    let error = refused(dir.path(), |_| {});
    assert!(
        matches!(&error, LedgerError::InUse { dir: named } if named == dir.path()),
        "{error}"
    );
    assert!(error.to_string().contains(&dir.path().display().to_string()));
    drop(ledger);
    assert!(matches!(refused(dir.path(), |_| {}), LedgerError::InUse { .. }));
    drop(clone);
    assert_eq!(open(dir.path(), 2).size(), 1);
}

#[test]
fn a_log_without_its_keys_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), 1).append_blocking(note("x")).unwrap();
    std::fs::rename(dir.path().join("keys"), dir.path().join("away")).unwrap();
    let error = refused(dir.path(), |_| {});
    assert!(
        matches!(error, LedgerError::Corrupt { .. }) && error.to_string().contains("keys"),
        "{error}"
    );
    std::fs::remove_dir_all(dir.path().join("keys")).unwrap();
    std::fs::rename(dir.path().join("away"), dir.path().join("keys")).unwrap();
    assert_eq!(open(dir.path(), 2).size(), 2);
}

#[test]
fn keys_without_their_log_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), 1).append_blocking(note("x")).unwrap();
    std::fs::remove_dir_all(dir.path().join("log")).unwrap();
    let error = refused(dir.path(), |_| {}).to_string();
    assert!(
        error.contains("at least 2 records") && error.contains("records were lost"),
        "{error}"
    );
}

#[test]
fn a_log_is_new_until_it_has_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log-of-knmi");
    assert!(Ledger::is_new(&log).unwrap());
    assert!(!log.exists(), "asking made the directory");
    // A first start that was killed when it had made its store.
    let mut made = rocksdb::Options::default();
    made.create_if_missing(true);
    made.create_missing_column_families(true);
    std::fs::create_dir_all(&log).unwrap();
    let store = log.join("log");
    drop(rocksdb::DB::open_cf(&made, &store, ["default", "records", "tiles", "index"]).unwrap());
    assert!(Ledger::is_new(&log).unwrap());

    let ledger = open(&log, 1);
    assert!(matches!(Ledger::is_new(&log), Err(LedgerError::InUse { .. })));
    drop(ledger);
    assert!(!Ledger::is_new(&log).unwrap());
    assert_eq!(open(&log, 2).size(), 1);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = refused(&file, |_| {});
    assert!(
        matches!(&error, LedgerError::Io { path, .. } if *path == file),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn the_stores_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log-of-knmi");
    drop(open(&log, 1));
    for part in [log.clone(), log.join("keys"), log.join("log"), log.join("evidence")] {
        let mode = std::fs::metadata(&part).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", part.display());
    }
}
