//! The index by which records of an agreement, a case or a kind are found: what it lacks, erasing, counting and a dossier leave out.

use crate::lineage::two_cases;
use crate::rig::{alter, note, open, terminated};
use herleid_ledger::record::{Kind, StreamKey, Term};
use herleid_ledger::{Ledger, LedgerError};
use rocksdb::{DB, IteratorMode, Options as RocksOptions};
use std::path::Path;

fn with_index<T>(dir: &Path, does: impl FnOnce(&DB, &rocksdb::ColumnFamily) -> T) -> T {
    let log = dir.join("log");
    let parts = DB::list_cf(&RocksOptions::default(), &log).unwrap();
    let db = DB::open_cf(&RocksOptions::default(), &log, parts).unwrap();
    does(&db, db.cf_handle("index").unwrap())
}

/// Entries of agreements (6), cases (7), models (8) and kinds (11).
fn entries(dir: &Path) -> Vec<Box<[u8]>> {
    with_index(dir, |db, index| {
        let keys = db.iterator_cf(index, IteratorMode::Start).map(|row| row.unwrap().0);
        keys.filter(|key| matches!(key[..], [b't', 6 | 7 | 8 | 11, ..]))
            .collect()
    })
}

/// Two cases with decisions, published data, and an agreement that ended.
fn sample(dir: &Path) {
    let ledger = open(dir, 1);
    two_cases(&ledger);
    ledger.append_blocking(terminated("urn:a")).unwrap();
    ledger.append_blocking(note("of no kind that is looked for")).unwrap();
}

fn examine(dir: &Path) -> Result<Ledger, LedgerError> {
    let ledger = open(dir, 2);
    ledger.verify_all(|_, _| {}).map(|_| ledger)
}

#[test]
fn an_entry_that_is_missing_is_named_and_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    drop(examine(dir.path()).unwrap());
    let sound = entries(dir.path());
    for tag in [6, 7, 11] {
        assert!(sound.iter().any(|key| key[1] == tag), "no entry with tag {tag}");
    }
    for key in &sound {
        with_index(dir.path(), |db, index| db.delete_cf(index, key).unwrap());
        let error = examine(dir.path()).unwrap_err();
        assert!(error.is_of_index() && error.is_damage(), "{key:?}: {error}");
        let number = u64::from_be_bytes(key[key.len() - 8..].try_into().unwrap());
        assert!(error.to_string().contains(&format!("of record {number}")), "{error}");
        open(dir.path(), 3).rebuild_lineage(|_, _| {}).unwrap();
        drop(examine(dir.path()).unwrap());
        assert_eq!(entries(dir.path()), sound);
    }
}

#[test]
fn an_entry_that_leads_to_a_record_of_another_kind_is_named_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let sound = entries(dir.path());
    let kind = sound.iter().find(|key| key[1] == 11).unwrap();
    let mut wrong = kind.to_vec();
    // The first record opens the log.
    let number = wrong.len() - 8;
    wrong[number..].copy_from_slice(&0u64.to_be_bytes());
    assert!(!sound.iter().any(|key| **key == wrong[..]));
    with_index(dir.path(), |db, index| db.put_cf(index, &wrong, []).unwrap());
    let error = examine(dir.path()).unwrap_err();
    assert!(error.is_of_index(), "{error}");
    open(dir.path(), 3).rebuild_lineage(|_, _| {}).unwrap();
    drop(examine(dir.path()).unwrap());
    assert_eq!(entries(dir.path()), sound);
}

#[test]
fn what_a_record_is_found_by_because_of_its_kind_and_streams_no_draft_need_say() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let ledger = open(dir.path(), 2);
    for index in 0..ledger.size() {
        let record = ledger.record(index).unwrap();
        let kind = record.kind().unwrap();
        let found = ledger.by_term(&Term::Kind(kind)).unwrap();
        assert_eq!(found.contains(&index), kind.is_looked_for(), "{kind} {index}");
    }
    assert!(!ledger.by_term(&Term::Kind(Kind::DecisionMade)).unwrap().is_empty());
    for case in ledger.cases().unwrap() {
        let place = ledger.stream(&StreamKey::Case { case: case.clone() }).unwrap().unwrap();
        let found = ledger.by_term(&Term::Case(case)).unwrap();
        assert!(found.len() as u64 >= place.n);
    }
    assert_eq!(ledger.by_term(&Term::Agreement("urn:a".into())).unwrap().len(), 1);
}

#[test]
fn a_log_of_format_4_gets_what_it_lacks_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let sound = entries(dir.path());
    with_index(dir.path(), |db, index| {
        sound.iter().for_each(|key| db.delete_cf(index, key).unwrap());
    });
    alter(dir.path(), "default", b"m", |meta| {
        let text = String::from_utf8(meta.clone()).unwrap();
        assert!(text.contains("\"format\":5"));
        *meta = text.replace("\"format\":5", "\"format\":4").into_bytes();
    });
    drop(examine(dir.path()).unwrap());
    assert_eq!(entries(dir.path()), sound);
}
