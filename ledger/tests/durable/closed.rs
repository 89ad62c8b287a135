//! A log that is opened for reading alone: all of it is there, and none of it changes.

use crate::lineage::{FAR, add, kinds, trace, two_cases};
use crate::lineage_stored::to_format_2;
use crate::rig::linked::digests;
use crate::rig::{note, open, options, terminated};
use herleid_ledger::{At, Direction, Ledger, LedgerError};
use rocksdb::{DB, Options as RocksOptions};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file below `dir` with its digest, and every folder.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            found.insert(path, Vec::new());
        } else {
            found.insert(path.clone(), Sha256::digest(std::fs::read(&path).unwrap()).to_vec());
        }
    }
    found
}

#[test]
fn everything_can_be_read_and_not_a_byte_changes() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1);
    for n in 0..300 {
        log.append_blocking(terminated(&format!("urn:{n}"))).unwrap();
    }
    log.put_state_blocking(vec![("kept".to_owned(), Some(b"this".to_vec()))])
        .unwrap();
    let (size, latest) = (log.size(), log.checkpoint());
    drop(log);
    let before = files(dir.path());

    let closed = Ledger::open_closed(options(dir.path(), 2)).unwrap();
    assert_eq!(closed.size(), size);
    assert_eq!(closed.checkpoint(), latest);
    assert_eq!(closed.get("kept").unwrap().unwrap(), b"this");
    assert_eq!(closed.entries(0, 256).unwrap().unwrap().len(), 256 * 35);
    let handed = closed.hand_over(7, &[], Some(5), At::Latest).unwrap();
    handed.verify(closed.verifier()).unwrap();
    assert_eq!(closed.verify_all(|_, _| {}).unwrap().size, size);
    // Who breaks the check off is asked after every 256 records.
    let mut asked = Vec::new();
    let found = closed.verify_while(&BTreeMap::new(), |done, all| {
        asked.push((done, all));
        false
    });
    assert_eq!((found.unwrap().is_none(), &asked[..]), (true, &[(256, size)][..]));
    let refused = closed.append_blocking(note("more")).unwrap_err();
    assert!(refused.to_string().contains("closed"), "{refused}");
    assert!(closed.put_state_blocking(vec![("kept".to_owned(), None)]).is_err());
    drop(closed);
    assert_eq!(Ledger::origin_in(dir.path()).unwrap().unwrap(), "knmi.example/log/1");
    assert_eq!(files(dir.path()), before);
    // And it goes on where it was, if it may.
    assert_eq!(open(dir.path(), 3).size(), size);
}

#[test]
fn what_a_power_cut_took_of_the_last_signature_is_signed_again_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1);
    let note_of = |log: &Ledger| log.checkpoint().note().to_string();
    let before = note_of(&log);
    log.append_blocking(note("more")).unwrap();
    drop(log);
    // What is kept of it, in the store of keys, is one that was signed earlier.
    let keys = dir.path().join("keys");
    let parts = DB::list_cf(&RocksOptions::default(), &keys).unwrap();
    let db = DB::open_cf(&RocksOptions::default(), &keys, parts).unwrap();
    assert!(db.get(b"p").unwrap().is_some());
    db.put(b"p", before).unwrap();
    drop(db);
    assert_eq!(Ledger::open_closed(options(dir.path(), 2)).unwrap().size(), 1);
    let log = open(dir.path(), 3);
    assert_eq!(log.size(), 2);
    drop(log);
    assert_eq!(Ledger::open_closed(options(dir.path(), 4)).unwrap().size(), 2);
}

#[test]
fn what_is_no_log_or_somebody_elses_is_refused_and_nothing_is_made_there() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Ledger::origin_in(dir.path()).unwrap().is_none());
    assert!(Ledger::open_closed(options(dir.path(), 1)).is_err());
    assert!(files(dir.path()).is_empty());

    drop(open(dir.path(), 1));
    let before = files(dir.path());
    let mut other = options(dir.path(), 2);
    other.origin = "knmi.example/log/2".to_owned();
    let error = Ledger::open_closed(other).unwrap_err();
    assert!(
        matches!(error, LedgerError::OtherOwner { what: "origin", .. }),
        "{error}"
    );
    let mut other = options(dir.path(), 2);
    other.kek = [9; 32];
    let error = Ledger::open_closed(other).unwrap_err();
    assert!(matches!(error, LedgerError::WrongKek { .. }), "{error}");
    assert_eq!(files(dir.path()), before);
}

#[test]
fn what_rests_on_what_is_followed_in_a_log_that_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1);
    let (rain, decisions) = two_cases(&log);
    let found = [
        trace(&log, rain, Direction::Down, FAR),
        trace(&log, decisions[0], Direction::Up, FAR),
    ];
    drop(log);
    let before = files(dir.path());
    let closed = Ledger::open_closed(options(dir.path(), 2)).unwrap();
    assert!(closed.has_lineage().unwrap());
    assert_eq!(trace(&closed, rain, Direction::Down, FAR), found[0]);
    assert_eq!(trace(&closed, decisions[0], Direction::Up, FAR), found[1]);
    assert_eq!(closed.by_digest(&digests(1).0).unwrap().len(), 5);
    drop(closed);
    assert_eq!(files(dir.path()), before);
}

#[test]
fn a_log_that_is_over_and_of_an_older_format_says_that_it_has_no_lineage_and_gets_none() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), 1);
    let (rain, _) = two_cases(&log);
    let size = log.size();
    drop(log);
    to_format_2(dir.path());
    let before = files(dir.path());
    let closed = Ledger::open_closed(options(dir.path(), 2)).unwrap();
    assert!(!closed.has_lineage().unwrap());
    assert_eq!(closed.verify_all(|_, _| {}).unwrap().size, size, "that is no damage");
    assert_eq!(kinds(&trace(&closed, rain, Direction::Down, FAR)), ["unknown"]);
    drop(closed);
    assert_eq!(files(dir.path()), before);
    let log = open(dir.path(), 3);
    assert!(log.has_lineage().unwrap());
    add(&log, note("more"));
}
