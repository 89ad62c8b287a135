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

#[test]
fn a_log_that_was_found_damaged_is_not_opened_until_a_check_finds_it_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let ledger = open(&path, 1);
    ledger.append_blocking(note("a")).unwrap();
    let early = ledger.verify_all(|_, _| ()).unwrap();
    ledger.append_blocking(note("b")).unwrap();
    // An audit of less than all clears nothing.
    assert!(matches!(
        ledger.is_sound_again(&early),
        Err(LedgerError::Corrupt { .. })
    ));
    ledger.refuse_all("record 1 is not what it was").unwrap();
    ledger.refuse_all("something that came of it").unwrap();
    let refused = ledger.append_blocking(note("c")).unwrap_err().to_string();
    assert!(refused.contains("record 1 is not what it was"), "{refused}");
    let state = vec![("key".to_owned(), Some(b"value".to_vec()))];
    assert!(ledger.put_state_blocking(state).is_err());
    assert_eq!(ledger.size(), 3, "what is there can be read");
    drop(ledger);

    let refused = Ledger::open(options(&path, 1)).unwrap_err();
    assert!(
        matches!(&refused, LedgerError::Unsound { found, .. } if found == "record 1 is not what it was"),
        "{refused}"
    );
    let ledger = Ledger::open_to_check(options(&path, 2)).unwrap();
    assert!(ledger.append_blocking(note("c")).is_err());
    let audited = ledger.verify_all(|_, _| ()).unwrap();
    let found = ledger.is_sound_again(&audited).unwrap();
    assert_eq!(found.as_deref(), Some("record 1 is not what it was"));
    assert_eq!(ledger.is_sound_again(&audited).unwrap(), None);
    drop(ledger);
    open(&path, 3).append_blocking(note("c")).unwrap();

    // That the file is there counts, whatever is left of it; nor is a new log begun beside it.
    std::fs::write(path.join("unsound"), b"").unwrap();
    assert!(matches!(
        Ledger::open(options(&path, 1)),
        Err(LedgerError::Unsound { .. })
    ));
    std::fs::remove_dir_all(path.join("log")).unwrap();
    std::fs::remove_dir_all(path.join("keys")).unwrap();
    for refused in [
        Ledger::open(options(&path, 1)),
        Ledger::open_to_check(options(&path, 1)),
    ] {
        assert!(matches!(refused, Err(LedgerError::Unsound { .. })));
    }
    assert!(Ledger::is_new(&path).unwrap());
}
