//! Logs of older formats, as older versions left them; and documents, small and large.

use crate::rig::{alter, note, open, options};
use herleid_ledger::record::Document;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Erasure, Ground, Ledger, LedgerError, Target};
use rocksdb::{DB, Options as RocksOptions};
use serde_json::Map;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::Path;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// A log of four records that a version with format 1 wrote and was killed over: two records list `shared`, one of them another one too.
fn format_1() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/durable/format1"),
        dir.path(),
    );
    dir
}

fn sha256(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn document(bytes: &[u8]) -> Document {
    Document {
        role: "receipt".into(),
        media_type: "text/plain".into(),
        bytes: bytes.to_vec(),
    }
}

#[test]
fn a_log_of_format_1_is_brought_up_to_date_and_goes_on() {
    let dir = format_1();
    for round in 0..3u64 {
        let ledger = open(dir.path(), 50 + round);
        assert_eq!(ledger.size(), 4 + round);
        assert_eq!(ledger.by_document(&sha256(b"shared")).unwrap()[..2], [1, 2]);
        assert_eq!(ledger.by_document(&sha256(b"of the first alone")).unwrap(), [1]);
        assert_eq!(ledger.evidence(&sha256(b"shared")).unwrap().unwrap(), b"shared");
        let recorded = ledger
            .append_blocking(note("later").evidence(document(b"shared")))
            .unwrap();
        assert_eq!(recorded.index(), 4 + round);
        let audited = ledger.verify_all(|_, _| {}).unwrap();
        assert_eq!((audited.size, audited.documents), (5 + round, 4 + round));
    }
}

#[test]
fn a_log_of_format_1_with_another_key_or_damage_is_refused_and_stays_as_it_is() {
    let dir = format_1();
    let mut other = options(dir.path(), 1);
    other.kek = [9; 32];
    let parts = || DB::list_cf(&RocksOptions::default(), dir.path().join("log")).unwrap();
    let before = parts();
    let error = Ledger::open(other).unwrap_err();
    assert!(matches!(error, LedgerError::WrongKek { .. }), "{error}");
    assert!(!Ledger::is_new(dir.path()).unwrap());
    assert_eq!(
        parts(),
        before,
        "nothing is added to a log before it is known whose it is"
    );
    assert_eq!(open(dir.path(), 2).size(), 4);
    // A document that is gone is found by the audit, not by the upgrade, which looks at records alone.
    let dir = format_1();
    let name = hex::encode(sha256(b"shared"));
    fs::remove_file(dir.path().join("evidence").join(&name[..2]).join(&name)).unwrap();
    let error = open(dir.path(), 2).verify_all(|_, _| {}).unwrap_err().to_string();
    assert!(error.contains(&name) && error.contains("record 1"), "{error}");
}

#[test]
fn a_damaged_record_does_not_keep_a_log_of_format_1_shut() {
    let dir = format_1();
    alter(dir.path(), "records", &1u64.to_be_bytes(), |row| {
        *row.last_mut().unwrap() ^= 1
    });
    let ledger = open(dir.path(), 2);
    assert_eq!(ledger.size(), 4);
    let error = ledger.verify_all(|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("record 1"), "{error}");
    assert!(ledger.by_document(&sha256(b"shared")).unwrap().contains(&2));
}

#[test]
fn an_upgrade_that_was_broken_off_is_done_again() {
    let dir = format_1();
    drop(open(dir.path(), 2));
    // As a kill before the last write of the upgrade leaves it.
    alter(dir.path(), "default", b"m", |meta| {
        *meta = String::from_utf8_lossy(meta)
            .replace("\"format\":5", "\"format\":1")
            .into_bytes();
    });
    let ledger = open(dir.path(), 3);
    assert_eq!(ledger.by_document(&sha256(b"shared")).unwrap(), [1, 2]);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 3);
}

#[test]
fn a_store_with_a_part_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), 1));
    let log = dir.path().join("log");
    let parts = DB::list_cf(&RocksOptions::default(), &log).unwrap();
    let mut db = DB::open_cf(&RocksOptions::default(), &log, parts).unwrap();
    db.create_cf("of-tomorrow", &RocksOptions::default()).unwrap();
    drop(db);
    let error = Ledger::open(options(dir.path(), 2)).unwrap_err().to_string();
    assert!(error.contains("of-tomorrow") && error.contains("newer"), "{error}");
}

#[test]
fn documents_of_any_size_are_kept_once_and_found_by_who_lists_them() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = [0, 1, 64 << 10, (64 << 10) + 1, 1 << 20];
    let of = |size: usize| vec![b'd'; size];
    {
        let ledger = open(dir.path(), 1);
        for size in sizes {
            let draft = note(&format!("{size}")).evidence(document(&of(size)));
            ledger.append_blocking(draft).unwrap();
        }
        // Small and large once more, in one record with each other.
        let both = note("both").evidence(document(&of(1))).evidence(document(&of(1 << 20)));
        ledger.append_blocking(both).unwrap();
    }
    let ledger = open(dir.path(), 2);
    for (n, size) in sizes.into_iter().enumerate() {
        let digest = sha256(&of(size));
        assert_eq!(ledger.evidence(&digest).unwrap().unwrap(), of(size), "{size}");
        let again = (size == 1 || size == 1 << 20).then_some(6);
        let listed: Vec<u64> = std::iter::once(n as u64 + 1).chain(again).collect();
        assert_eq!(ledger.by_document(&digest).unwrap(), listed, "{size}");
        let name = hex::encode(digest);
        let file = dir.path().join("evidence").join(&name[..2]).join(&name);
        assert_eq!(file.exists(), size > 64 << 10, "{size}");
    }
    assert_eq!(ledger.evidence(&sha256(b"none")).unwrap(), None);
    assert_eq!(ledger.by_document(&sha256(b"none")).unwrap(), [] as [u64; 0]);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 7);
}

#[test]
fn a_refused_record_leaves_no_document_behind() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let once = |text: &[u8]| note("x").once("k".to_owned(), sha256(text)).evidence(document(text));
    ledger.append_blocking(once(b"first")).unwrap();
    ledger.append_blocking(once(b"second")).unwrap_err();
    assert_eq!(ledger.evidence(&sha256(b"second")).unwrap(), None);
    assert!(ledger.append_blocking(once(b"first")).unwrap().replayed());
    assert_eq!(ledger.by_document(&sha256(b"first")).unwrap(), [1]);
}

#[test]
fn a_log_of_format_1_that_is_over_loses_what_is_erased_there_and_no_other_document() {
    let dir = format_1();
    let over = Ledger::open_closed(options(dir.path(), 2)).unwrap();
    let next = tempfile::tempdir().unwrap();
    let mut other = options(next.path(), 3);
    other.origin = format!("{}/2", over.origin().trim_end_matches("/1"));
    let later = Ledger::open(other).unwrap();
    let erasure = Erasure {
        trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        targets: vec![Target {
            index: 1,
            sections: [SectionName::Evidence].into(),
            counterparty: None,
        }],
        ground: Ground::Avg17,
        authority: "request 17".to_owned(),
        complete_by_ms: 1_792_400_000_000,
        facts: Map::new(),
        state: Vec::new(),
    };
    later.entomb(&over, &erasure).unwrap();
    let said = [(1, vec![SectionName::Evidence])].into();
    assert!(over.strip_closed(&options(dir.path(), 4), &said, &said, &[]).unwrap());
    assert_eq!(over.evidence(&sha256(b"of the first alone")).unwrap(), None);
    assert_eq!(over.evidence(&sha256(b"shared")).unwrap().unwrap(), b"shared");
    over.verify_all_but(&said, |_, _| {}).unwrap();
}
