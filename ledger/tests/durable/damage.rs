//! Damaged stores: whatever is altered is named when the log is opened or checked, and nothing acknowledged goes missing
//! in silence.

use crate::rig::{copy, note, open, options, terminated};
use herleid_ledger::record::Document;
use herleid_ledger::{At, Ledger, LedgerError};
use rocksdb::{DB, Options as RocksOptions};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const PARTS: [&str; 5] = ["default", "records", "tiles", "index", "evidence"];
const RECORDS: u64 = 300;

/// A log of 300 records in batches of one, closed.
fn sample(dir: &Path) -> PathBuf {
    let log = dir.join("sample");
    let ledger = open(&log, 1);
    for n in 1..RECORDS {
        let draft = if n % 2 == 0 {
            note(&n.to_string())
        } else {
            terminated("urn:a")
        };
        ledger.append_blocking(draft).unwrap();
    }
    drop(ledger);
    log
}

/// Alters one row of the stored log, bypassing the log.
fn alter(log: &Path, part: &str, key: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
    let db = DB::open_cf(&RocksOptions::default(), log.join("log"), PARTS).unwrap();
    let cf = db.cf_handle(part).unwrap();
    let mut value = db
        .get_cf(cf, key)
        .unwrap()
        .unwrap_or_else(|| panic!("no row {key:?} in {part}"));
    change(&mut value);
    if value.is_empty() {
        db.delete_cf(cf, key).unwrap();
    } else {
        db.put_cf(cf, key, &value).unwrap();
    }
}

/// Opens and checks; the error of whichever fails.
fn examine(log: &Path) -> Result<u64, LedgerError> {
    let ledger = Ledger::open(options(log, 77))?;
    Ok(ledger.verify_all(|_, _| {})?.size)
}

#[test]
fn an_altered_head_is_named_when_the_log_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    assert_eq!(examine(&sample).unwrap(), RECORDS);
    // Size (8), time (8), root (32), edge: 300 is 0b100101100, so four hashes.
    let length = 8 + 8 + 32 + 4 * 32;
    // A byte of the size, of the root, and of the first and the last hash of the edge.
    for at in [7, 20, 48, length - 1] {
        let copied = dir.path().join("copy");
        copy(&sample, &copied);
        alter(&copied, "default", b"h", |head| {
            assert_eq!(head.len(), length);
            head[at] ^= 0x10;
        });
        let error = Ledger::open(options(&copied, 77)).expect_err(&format!("byte {at}"));
        assert!(matches!(error, LedgerError::Corrupt { .. }), "byte {at}: {error}");
        let text = error.to_string();
        assert!(
            text.contains("expected") && text.contains(&copied.display().to_string()),
            "{text}"
        );
        fs::remove_dir_all(&copied).unwrap();
    }
}

#[test]
fn altered_rows_are_named_when_the_log_is_opened_or_checked() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    let record = |index: u64| index.to_be_bytes().to_vec();
    let tile = |level: u8, tile: u64, offset: u8| [&[level][..], &tile.to_be_bytes(), &[offset]].concat();
    let rows: [(&str, &str, Vec<u8>, usize); 9] = [
        ("a MAC", "records", record(5), 16 + 1 + 3),
        ("sealed bytes", "records", record(7), 16 + 1 + 32 + 1 + 4 + 9),
        ("the record's id", "records", record(9), 15),
        ("the last record", "records", record(RECORDS - 1), 16 + 1 + 3),
        ("a leaf hash", "tiles", tile(0, 0, 11), 4),
        ("the last leaf hash", "tiles", tile(0, 1, 43), 4),
        ("an entry", "tiles", tile(0xFF, 0, 13), 4),
        ("a hash of level 1", "tiles", tile(1, 0, 0), 4),
        ("a leaf of the right edge", "tiles", tile(0, 1, 40), 4),
    ];
    for (what, part, key, at) in rows {
        for erase in [false, true] {
            let copied = dir.path().join("copy");
            copy(&sample, &copied);
            alter(
                &copied,
                part,
                &key,
                |row| if erase { row.clear() } else { row[at] ^= 1 },
            );
            let error = examine(&copied).expect_err(what);
            assert!(matches!(error, LedgerError::Corrupt { .. }), "{what}: {error}");
            fs::remove_dir_all(&copied).unwrap();
        }
    }
}

#[test]
fn a_record_whose_macs_are_not_those_of_its_leaf_is_neither_read_nor_handed_over() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    alter(&sample, "records", &5u64.to_be_bytes(), |row| row[16 + 1 + 3] ^= 1);
    let ledger = Ledger::open(options(&sample, 77)).unwrap();
    for error in [
        ledger.record(5).unwrap_err(),
        ledger.hand_over(5, &[], None, At::Latest).unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("the MACs that its leaf commits to"),
            "{error}"
        );
    }
    ledger.hand_over(6, &[], None, At::Latest).unwrap();
}

#[test]
fn an_altered_stream_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    let key = b"s[\"stream-agreement\",\"urn:a\",\"provider\",\"did:web:app.example\"]";
    // Id (16), number (8), leaf (32): a stream that restarts at an earlier number would give a number twice.
    for at in [3, 23, 40] {
        let copied = dir.path().join("copy");
        copy(&sample, &copied);
        alter(&copied, "default", key, |place| place[at] ^= 1);
        let error = examine(&copied).expect_err("an altered stream").to_string();
        assert!(error.contains("stream"), "{error}");
        fs::remove_dir_all(&copied).unwrap();
    }
}

#[test]
fn a_missing_section_key_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    let last = {
        let ledger = open(&sample, 2);
        *ledger.record(RECORDS - 1).unwrap().id()
    };
    {
        let db = DB::open_default(sample.join("keys")).unwrap();
        db.delete([b"r".as_slice(), last.as_bytes()].concat()).unwrap();
    }
    let error = Ledger::open(options(&sample, 3)).unwrap_err().to_string();
    assert!(error.contains(&last.to_string()), "{error}");
}

#[test]
fn an_altered_or_missing_document_is_named() {
    let document = |text: &str| Document {
        role: "receipt".into(),
        media_type: "text/plain".into(),
        bytes: text.as_bytes().to_vec(),
    };
    let digest: [u8; 32] = Sha256::digest("one").into();
    let listed_by = [b"e".as_slice(), &digest, &1u64.to_be_bytes()].concat();
    for (part, key, is_altered) in [
        ("evidence", digest.as_slice(), true),
        ("evidence", &digest, false),
        ("index", &listed_by, false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path(), 1);
        ledger.append_blocking(note("x").evidence(document("one"))).unwrap();
        drop(ledger);
        assert_eq!(examine(dir.path()).unwrap(), 2);
        alter(dir.path(), part, key, |value| match is_altered {
            true => value[0] ^= 1,
            false => value.clear(),
        });
        let error = examine(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&hex::encode(digest)), "{part}: {error}");
    }
}

/// What a person is told of a log that is damaged: which file or store, which record, and which digest it must come to.
fn names(log: &Path, file: &Path, wanted: &[&str]) {
    let error = examine(log).unwrap_err().to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
    for text in wanted {
        assert!(error.contains(text), "no `{text}` in: {error}");
    }
}

#[test]
fn damage_is_told_with_the_file_the_record_and_the_digest_that_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("sample");
    let large: Vec<u8> = (0..100_000u32).flat_map(u32::to_be_bytes).collect();
    let (id, leaf, mac) = {
        let ledger = open(&log, 1);
        for n in 1..40 {
            let draft = match n {
                7 => note("7").evidence(Document {
                    role: "receipt".into(),
                    media_type: "text/plain".into(),
                    bytes: large.clone(),
                }),
                n => note(&n.to_string()),
            };
            ledger.append_blocking(draft).unwrap();
        }
        let record = ledger.record(7).unwrap();
        let mac = record.macs()[&herleid_ledger::section::SectionName::Evidence];
        (*record.id(), hex::encode(record.leaf()), hex::encode(mac))
    };
    // What opening recovers goes into tables.
    drop(open(&log, 2));
    let with = |change: &dyn Fn(&Path), check: &dyn Fn(&Path)| {
        let copied = dir.path().join("copy");
        copy(&log, &copied);
        change(&copied);
        check(&copied);
        fs::remove_dir_all(&copied).unwrap();
    };
    let row = |at: Option<usize>| {
        move |log: &Path| {
            alter(log, "records", &7u64.to_be_bytes(), |row| match at {
                Some(at) => row[at] ^= 1,
                None => row.truncate(9),
            });
        }
    };
    // A row that is none, a MAC, bytes that are sealed.
    for at in [None, Some(16 + 1 + 3)] {
        with(&row(at), &|log| names(log, log, &["record 7", &leaf]));
    }
    with(&row(Some(16 + 1 + 32 + 1 + 4 + 9)), &|log| {
        names(log, log, &["record 7", "`evidence`", &mac]);
    });
    // A key of a section, and the row of them.
    let keys = |change: &dyn Fn(&mut Vec<u8>), log: &Path| {
        let db = DB::open_default(log.join("keys")).unwrap();
        let key = [b"r".as_slice(), id.as_bytes()].concat();
        let mut value = db.get(&key).unwrap().unwrap();
        change(&mut value);
        db.put(&key, value).unwrap();
    };
    with(&|log| keys(&|row| row[40] ^= 1, log), &|log| {
        names(log, log, &["record 7", &leaf])
    });
    with(&|log| keys(&|row| row.truncate(20), log), &|log| {
        names(log, log, &["record 7", &leaf])
    });
    // A large document.
    let digest = hex::encode(Sha256::digest(&large));
    let document = |log: &Path| log.join("evidence").join(&digest[..2]).join(&digest);
    with(&|log| flip(&document(log), 70_000), &|log| {
        names(log, &document(log), &["record 7", &digest]);
    });

    // Tables of RocksDB: every file of them, in its middle. What stands there may be of any record, or of none.
    let mut named = 0;
    for store in ["log", "keys"] {
        for table in files(&log, store)
            .iter()
            .filter(|path| path.extension().unwrap() == "sst")
        {
            let name = table.file_name().unwrap();
            let copied = dir.path().join("copy");
            copy(&log, &copied);
            let path = copied.join(store).join(name);
            flip(&path, fs::metadata(&path).unwrap().len() as usize / 5);
            if let Err(error) = examine(&copied) {
                let error = error.to_string();
                assert!(
                    error.contains(&*name.to_string_lossy()) && error.contains("checksum"),
                    "{error}"
                );
                let is_of_record = error.contains("record ") && error.contains("with leaf hash");
                named += usize::from(is_of_record);
            }
            fs::remove_dir_all(&copied).unwrap();
        }
    }
    assert!(named > 0, "none of them was met where a record is read");
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x20;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_newer_store_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    alter(&sample, "default", b"m", |meta| {
        let text = String::from_utf8(meta.clone())
            .unwrap()
            .replace("\"format\":5", "\"format\":6");
        *meta = text.into_bytes();
    });
    match Ledger::open(options(&sample, 3)).unwrap_err() {
        LedgerError::Newer { found: 6, known: 5, .. } => {}
        error => panic!("{error}"),
    }
    alter(&sample, "default", b"m", |meta| *meta = b"{}".to_vec());
    assert!(matches!(
        Ledger::open(options(&sample, 3)),
        Err(LedgerError::Corrupt { .. })
    ));
}

/// The files that hold the rows of a store.
fn files(log: &Path, store: &str) -> Vec<PathBuf> {
    let store = fs::read_dir(log.join(store)).unwrap();
    let paths = store.map(|file| file.unwrap().path());
    let rows = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "log" || kind == "sst");
    let mut rows: Vec<PathBuf> = paths
        .filter(rows)
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .collect();
    rows.sort();
    rows
}

#[test]
fn a_flipped_byte_in_any_file_loses_nothing_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    let mut noticed = 0;
    let both = ["log", "keys"].map(|store| files(&sample, store).into_iter().map(move |file| (store, file)));
    for (store, file) in both.into_iter().flatten() {
        let length = fs::metadata(&file).unwrap().len() as usize;
        for step in 0..6 {
            let at = length * step / 6 + length / 12;
            let copied = dir.path().join("copy");
            copy(&sample, &copied);
            let path = copied.join(store).join(file.file_name().unwrap());
            let mut bytes = fs::read(&path).unwrap();
            bytes[at] ^= 0x20;
            fs::write(&path, bytes).unwrap();
            match examine(&copied) {
                Ok(size) => assert_eq!(size, RECORDS, "{} byte {at}", file.display()),
                Err(_) => noticed += 1,
            }
            fs::remove_dir_all(&copied).unwrap();
        }
    }
    assert!(noticed > 0);
}

#[test]
fn a_log_cut_short_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    let wal = files(&sample, "log")
        .into_iter()
        .rfind(|path| path.extension().unwrap() == "log")
        .unwrap();
    let length = fs::metadata(&wal).unwrap().len();
    for cut in [1, 2000, length - 1] {
        let copied = dir.path().join("copy");
        copy(&sample, &copied);
        let path = copied.join("log").join(wal.file_name().unwrap());
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length - cut)
            .unwrap();
        let error = Ledger::open(options(&copied, 77))
            .expect_err(&format!("{cut} bytes less"))
            .to_string();
        // An end that was synced and is gone: the kept checkpoint tells.
        assert!(error.contains("records were lost") || error.contains("open"), "{error}");
        fs::remove_dir_all(&copied).unwrap();
    }
}
