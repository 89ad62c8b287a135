//! The lineage index as an upgrade makes it, as damage leaves it, and as somebody reads it without a key.

use crate::lineage::{FAR, kinds, trace, two_cases};
use crate::rig::linked::{digests, transaction};
use crate::rig::{START_MS, alter, open};
use herleid_ledger::record::Kind;
use herleid_ledger::{Direction, LedgerError};
use rocksdb::{DB, IteratorMode, Options as RocksOptions};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::Path;

/// Takes the lineage index away, as a log of format 2 has none.
pub(super) fn to_format_2(dir: &Path) {
    let log = dir.join("log");
    let parts = DB::list_cf(&RocksOptions::default(), &log).unwrap();
    let db = DB::open_cf(&RocksOptions::default(), &log, parts).unwrap();
    let index = db.cf_handle("index").unwrap();
    let keys: Vec<_> = db
        .iterator_cf(index, IteratorMode::Start)
        .map(|row| row.unwrap().0)
        .collect();
    let of_lineage: Vec<_> = keys.iter().filter(|key| matches!(key[0], b'n' | b'x' | b'y')).collect();
    assert!(!of_lineage.is_empty());
    for key in of_lineage {
        db.delete_cf(index, key).unwrap();
    }
    // Terms of format 2 lead to numbers and have nothing with them.
    for key in keys.iter().filter(|key| key.starts_with(&[b't', 5])) {
        db.put_cf(index, key, []).unwrap();
    }
    drop(db);
    alter(dir, "default", b"m", |meta| {
        let text = String::from_utf8(meta.clone()).unwrap();
        assert!(text.contains("\"format\":5"));
        *meta = text.replace("\"format\":5", "\"format\":2").into_bytes();
    });
}

#[test]
fn a_log_of_format_2_gets_its_lineage_index_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, decisions) = two_cases(&ledger);
    let before = [
        trace(&ledger, rain, Direction::Down, FAR),
        trace(&ledger, decisions[1], Direction::Up, FAR),
    ];
    drop(ledger);
    for seed in 2..4 {
        to_format_2(dir.path());
        let ledger = open(dir.path(), seed);
        assert_eq!(trace(&ledger, rain, Direction::Down, FAR), before[0]);
        assert_eq!(trace(&ledger, decisions[1], Direction::Up, FAR), before[1]);
        assert_eq!(ledger.by_digest(&digests(1).1).unwrap().len(), 5);
        ledger.verify_all(|_, _| {}).unwrap();
    }
}

#[test]
fn an_entry_that_is_missing_or_altered_is_an_error_wherever_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, _) = two_cases(&ledger);
    drop(ledger);
    let entry = [b"n".as_slice(), &rain.to_be_bytes()].concat();
    let verified = || {
        open(dir.path(), 5)
            .verify_all(|_, _| {})
            .map(|_| ())
            .map_err(|e| e.to_string())
    };

    // Its kind altered to another: it reads, and is not what the record says.
    alter(dir.path(), "index", &entry, |bytes| bytes[0] = 9);
    let error = verified().unwrap_err();
    assert!(
        error.contains(&format!("lineage index entry of record {rain}")),
        "{error}"
    );

    alter(dir.path(), "index", &entry, |bytes| bytes.truncate(20));
    let ledger = open(dir.path(), 6);
    let error = ledger
        .lineage(&BTreeSet::from([rain]), Direction::Down, FAR)
        .unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
    drop(ledger);

    let log = dir.path().join("log");
    let db = DB::open_cf(
        &RocksOptions::default(),
        &log,
        DB::list_cf(&RocksOptions::default(), &log).unwrap(),
    )
    .unwrap();
    db.delete_cf(db.cf_handle("index").unwrap(), &entry).unwrap();
    drop(db);
    assert!(verified().unwrap_err().contains("lineage index entry"));
    let ledger = open(dir.path(), 7);
    for asked in [
        ledger
            .lineage(&BTreeSet::from([rain]), Direction::Down, FAR)
            .map(|_| ()),
        ledger.of_kind(&[rain], Kind::PullReceived).map(|_| ()),
        ledger.about(&[rain], "rain", "1").map(|_| ()),
    ] {
        let error = asked.unwrap_err().to_string();
        assert!(
            error.contains(&format!("lineage index entry of record {rain}")),
            "{error}"
        );
    }
}

#[test]
fn a_damaged_index_is_made_anew_and_is_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, decisions) = two_cases(&ledger);
    let traces = |ledger: &herleid_ledger::Ledger| {
        [
            trace(ledger, rain, Direction::Down, FAR),
            trace(ledger, decisions[1], Direction::Up, FAR),
        ]
    };
    let before = traces(&ledger);
    drop(ledger);
    let log = dir.path().join("log");
    let rows = || {
        let db = DB::open_cf(
            &RocksOptions::default(),
            &log,
            DB::list_cf(&RocksOptions::default(), &log).unwrap(),
        )
        .unwrap();
        let index = db.cf_handle("index").unwrap();
        let rows = db.iterator_cf(index, IteratorMode::Start).map(|row| row.unwrap());
        rows.collect::<Vec<_>>()
    };
    let sound = rows();
    let entry = [b"n".as_slice(), &rain.to_be_bytes()].concat();
    let under = [
        b"t\x05\0\0\0\0\0\0\0\x24".as_slice(),
        transaction(1).to_string().as_bytes(),
        &rain.to_be_bytes(),
    ]
    .concat();
    alter(dir.path(), "index", &entry, |bytes| bytes.truncate(3));
    alter(dir.path(), "index", &under, |bytes| bytes.truncate(30));
    let db = DB::open_cf(
        &RocksOptions::default(),
        &log,
        DB::list_cf(&RocksOptions::default(), &log).unwrap(),
    )
    .unwrap();
    let index = db.cf_handle("index").unwrap();
    // A way back that is missing, and one that leads nowhere.
    let way = sound.iter().find(|(key, _)| key.starts_with(b"x")).unwrap();
    db.delete_cf(index, &way.0).unwrap();
    db.put_cf(index, [b"y".as_slice(), &[7; 24]].concat(), []).unwrap();
    drop(db);
    let ledger = open(dir.path(), 5);
    let error = ledger.verify_all(|_, _| {}).unwrap_err();
    assert!(error.is_of_index() && error.is_damage(), "{error}");
    let mut told = (0, 0);
    ledger.rebuild_lineage(|done, total| told = (done, total)).unwrap();
    assert_eq!(told, (ledger.size(), ledger.size()));
    ledger.verify_all(|_, _| {}).unwrap();
    assert_eq!(traces(&ledger), before);
    drop(ledger);
    assert_eq!(rows(), sound);
    // What else is damaged is not mended by that, and is no damage of the index.
    alter(dir.path(), "records", &rain.to_be_bytes(), |row| {
        *row.last_mut().unwrap() ^= 1
    });
    let before = rows();
    let ledger = open(dir.path(), 6);
    // Its entry is the last that says what it leads to, and stays.
    let error = ledger.rebuild_lineage(|_, _| {}).unwrap_err();
    assert!(error.to_string().contains(&format!("record {rain}")), "{error}");
    assert!(ledger.has_lineage().unwrap());
    let error = ledger.verify_all(|_, _| {}).unwrap_err();
    assert!(!error.is_of_index(), "{error}");
    drop(ledger);
    assert_eq!(rows(), before);
}

/// What nothing seems to lead to is removed for good: a hole in the index must not pass for nothing.
#[test]
fn an_index_that_was_being_made_anew_says_of_nothing_that_nothing_leads_there() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, _) = two_cases(&ledger);
    let sha256 = digests(1).0;
    let before = ledger.by_digest(&sha256).unwrap();
    assert!(!before.is_empty());
    ledger.check_leads().unwrap();
    let broken = std::panic::catch_unwind(AssertUnwindSafe(|| {
        ledger.rebuild_lineage(|_, _| std::panic::resume_unwind(Box::new("the power is cut")))
    }));
    broken.unwrap_err();
    assert!(!ledger.has_lineage().unwrap());
    assert_eq!(ledger.by_digest(&sha256).unwrap(), [] as [u64; 0]);
    let error = ledger.check_leads().unwrap_err();
    assert!(error.is_of_index(), "{error}");
    drop(ledger);
    // The next start finishes it, before anybody asks.
    let ledger = open(dir.path(), 5);
    assert!(ledger.has_lineage().unwrap());
    assert_eq!(ledger.by_digest(&sha256).unwrap(), before);
    ledger.check_leads().unwrap();
    ledger.verify_all(|_, _| {}).unwrap();
    drop(ledger);
    // Nor does one that has a hole without a word.
    let entry = [b"n".as_slice(), &rain.to_be_bytes()].concat();
    let log = dir.path().join("log");
    let parts = DB::list_cf(&RocksOptions::default(), &log).unwrap();
    let db = DB::open_cf(&RocksOptions::default(), &log, parts).unwrap();
    db.delete_cf(db.cf_handle("index").unwrap(), entry).unwrap();
    drop(db);
    let error = open(dir.path(), 6).check_leads().unwrap_err().to_string();
    assert!(error.contains(&format!("entry of record {rain}")), "{error}");
}

/// What lies under a transaction is what is followed: nobody is told that nothing rests on it.
#[test]
fn what_lies_under_a_transaction_is_damaged_and_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, decisions) = two_cases(&ledger);
    drop(ledger);
    let entry = [
        b"t\x05\0\0\0\0\0\0\0\x24".as_slice(),
        transaction(1).to_string().as_bytes(),
        &rain.to_be_bytes(),
    ]
    .concat();
    alter(dir.path(), "index", &entry, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let error = open(dir.path(), 5).verify_all(|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("lineage index entry"), "{error}");
    alter(dir.path(), "index", &entry, |bytes| bytes.truncate(30));
    let ledger = open(dir.path(), 6);
    for (start, direction) in [(rain, Direction::Down), (decisions[0], Direction::Up)] {
        let error = ledger
            .lineage(&BTreeSet::from([start]), direction, FAR)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("lineage index entry of record {rain}")),
            "{error}"
        );
    }
}

#[test]
fn a_record_that_was_damaged_when_the_index_was_made_is_shown_as_one_of_which_nothing_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let (rain, _) = two_cases(&ledger);
    drop(ledger);
    to_format_2(dir.path());
    alter(dir.path(), "records", &rain.to_be_bytes(), |row| {
        *row.last_mut().unwrap() ^= 1;
    });
    let ledger = open(dir.path(), 2);
    let found = trace(&ledger, rain, Direction::Down, FAR);
    assert_eq!(kinds(&found), ["unknown"]);
    // It does not hide the time of those around it.
    assert_eq!(
        ledger.recorded_between(START_MS, START_MS + 1).unwrap(),
        0..ledger.size()
    );
}

#[test]
fn nothing_that_can_be_guessed_lies_readable_in_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    two_cases(&ledger);
    drop(ledger);
    let log = dir.path().join("log");
    let db = DB::open_cf(
        &RocksOptions::default(),
        &log,
        DB::list_cf(&RocksOptions::default(), &log).unwrap(),
    )
    .unwrap();
    let index = db.cf_handle("index").unwrap();
    let (sha256, blake3) = digests(1);
    for row in db.iterator_cf(index, IteratorMode::Start) {
        let (key, value) = row.unwrap();
        let row = [&*key, &*value].concat();
        // By its number a case is found, as by its stream; the lineage index holds none.
        if key.starts_with(&[b't', 7]) {
            continue;
        }
        for known in [&sha256[..], &blake3[..], b"rain", b"Z-1"] {
            assert!(!row.windows(known.len()).any(|window| window == known), "{row:?}");
        }
    }
}
