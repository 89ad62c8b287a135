//! What can be erased and what cannot, and what holds of the log afterwards.

use crate::rig::{START_MS, TRACE, agreement, note, open, terminated};
use herleid_ledger::record::{Document, Draft, Kind, Side, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, At, EraseError, Erasure, Ground, Ledger, LedgerError, Target};
use rocksdb::{DB, Options as RocksOptions};
use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};
use std::fs;

pub(super) fn target(index: u64, sections: &[SectionName]) -> Target {
    Target {
        index,
        sections: sections.iter().copied().collect(),
        counterparty: None,
    }
}

pub(super) fn erasure(targets: Vec<Target>) -> Erasure {
    Erasure {
        trace: TRACE.to_owned(),
        targets,
        ground: Ground::Archiefwet,
        authority: "Selectielijst gemeenten 2020, 11.1".to_owned(),
        complete_by_ms: START_MS + 1,
        facts: Map::new(),
        state: Vec::new(),
    }
}

fn document(bytes: &[u8]) -> Document {
    Document {
        role: "receipt".into(),
        media_type: "text/plain".into(),
        bytes: bytes.to_vec(),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[test]
fn an_erased_record_keeps_its_place_and_its_proof() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let facts = json!({"agreement": "urn:a", "reason": "over", "provider": "did:web:app.example"});
    let draft = Draft::new(Kind::AgreementTerminated, TRACE)
        .section(SectionName::Facts, facts)
        .section(SectionName::People, json!({"author": "A. de Wit"}))
        .stream(agreement("urn:a", Side::Provider))
        .term(Term::Agreement("urn:a".into()));
    let first = ledger.append_blocking(draft).unwrap();
    ledger.append_blocking(terminated("urn:a")).unwrap();
    let known = ledger.checkpoint();

    let erasure = Erasure {
        facts: Map::from_iter([("proposedBy".to_owned(), json!("A. de Wit"))]),
        state: vec![("erased".to_owned(), Some(vec![7]))],
        ..erasure(vec![target(1, &[SectionName::People])])
    };
    let erased = ledger.erase(erasure).unwrap();
    assert_eq!((erased.tombstones.as_slice(), erased.is_buried), (&[3][..], true));
    assert_eq!(ledger.get("erased").unwrap().unwrap(), [7]);

    let tombstone = ledger.record(3).unwrap();
    let said = tombstone.value(SectionName::Facts).unwrap();
    let stream = ledger.stream(&agreement("urn:a", Side::Provider)).unwrap().unwrap();
    let macs = ledger.record(1).unwrap();
    let macs = macs
        .macs()
        .iter()
        .map(|(name, mac)| (name.to_string(), json!(hex::encode(mac))));
    let expected = json!({
        "index": 1, "sections": ["people"], "macs": macs.collect::<Map<_, _>>(), "ground": "archiefwet",
        "authority": "Selectielijst gemeenten 2020, 11.1", "completeBy": START_MS + 1, "kind": "agreement-terminated",
        "streams": {"stream-agreement": {"id": stream.id.to_string(), "n": 1}},
        "counterparty": "did:web:app.example", "proposedBy": "A. de Wit",
    });
    assert_eq!(said, expected);
    assert_eq!(ledger.tombstones(first.leaf()).unwrap(), [3]);

    let kept = [SectionName::Envelope, SectionName::Facts, SectionName::StreamAgreement];
    let handed_over = ledger.hand_over(1, &kept, Some(known.size()), At::Latest).unwrap();
    let verified = handed_over.verify(ledger.verifier()).unwrap();
    verified.extends(&known).unwrap();
    assert_eq!(verified.leaf(), *first.leaf());
    let refused = ledger.hand_over(1, &[SectionName::People], None, At::Latest);
    assert!(matches!(refused, Err(LedgerError::Erased { index: 1, .. })));

    // The rest, later: each time a tombstone of its own.
    assert_eq!(
        ledger
            .erase(self::erasure(vec![target(1, &[]), target(2, &[])]))
            .unwrap()
            .tombstones,
        [4, 5]
    );
    assert_eq!(ledger.tombstones(first.leaf()).unwrap(), [3, 4]);
    ledger
        .hand_over(1, &[SectionName::StreamAgreement], None, At::Latest)
        .unwrap();
    // What records are numbered and joined by can still be asked for: it says that something was there.
    assert_eq!(ledger.by_term(&Term::Agreement("urn:a".into())).unwrap(), [1, 2]);
    let third = ledger.append_blocking(terminated("urn:a")).unwrap();
    assert_eq!(third.streams().get(SectionName::StreamAgreement).unwrap().n, 3);
    drop(ledger);
    let audited = open(dir.path(), 2).verify_all(|_, _| {}).unwrap();
    assert_eq!((audited.size, audited.erased_sections, audited.streams), (7, 3, 1));
}

#[test]
fn a_document_goes_with_the_last_record_that_lists_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let large = vec![b'x'; 70_000];
    let both = |text: &str| note(text).evidence(document(b"small")).evidence(document(&large));
    for text in ["one", "two", "three"] {
        ledger.append_blocking(both(text)).unwrap();
    }
    let digests = [sha256(b"small"), sha256(&large)];
    let name = hex::encode(digests[1]);
    let file = dir.path().join("evidence").join(&name[..2]).join(&name);
    for (index, listed) in [(1, [2, 3].as_slice()), (2, &[3]), (3, &[])] {
        ledger
            .erase(erasure(vec![target(index, &[SectionName::Evidence])]))
            .unwrap();
        for digest in &digests {
            assert_eq!(ledger.by_document(digest).unwrap(), listed);
            assert_eq!(ledger.evidence(digest).unwrap().is_some(), !listed.is_empty());
        }
        assert_eq!(file.exists(), !listed.is_empty());
        ledger.verify_all(|_, _| {}).unwrap();
    }
    // It may come again, with another record.
    ledger.append_blocking(both("four")).unwrap();
    drop(ledger);
    let ledger = open(dir.path(), 2);
    assert!(file.exists());
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 2);
}

#[test]
fn state_that_goes_with_a_record_is_in_no_file_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let values: Vec<[u8; 32]> = (0..3u8).map(|n| sha256(&[n])).collect();
    let is_on_disk = |value: &[u8; 32]| {
        let files = fs::read_dir(dir.path().join("log")).unwrap();
        let mut files = files.map(|file| fs::read(file.unwrap().path()).unwrap());
        files.any(|bytes| bytes.windows(32).any(|window| window == value))
    };
    let state = |(n, value): (usize, &[u8; 32])| (format!("k{n}"), Some(value.to_vec()));
    ledger
        .put_state_blocking(values.iter().enumerate().map(state).collect())
        .unwrap();
    ledger.append_blocking(note("one")).unwrap();
    assert!(values.iter().all(is_on_disk));
    let state = vec![("k0".to_owned(), None)];
    ledger
        .erase(Erasure {
            state,
            ..erasure(vec![target(1, &[])])
        })
        .unwrap();
    assert_eq!(values.iter().map(is_on_disk).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(ledger.get("k2").unwrap().unwrap(), values[2]);
}

#[test]
fn two_records_erased_at_once_take_the_document_that_only_they_list() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    for text in ["one", "two"] {
        ledger
            .append_blocking(note(text).evidence(document(b"shared")))
            .unwrap();
    }
    ledger.erase(erasure(vec![target(1, &[]), target(2, &[])])).unwrap();
    assert_eq!(ledger.evidence(&sha256(b"shared")).unwrap(), None);
}

#[test]
fn what_cannot_be_erased_is_refused_and_nothing_happens() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    for text in ["one", "two", "three"] {
        ledger.append_blocking(note(text)).unwrap();
    }
    ledger.erase(erasure(vec![target(3, &[])])).unwrap();
    let (facts, size) = (SectionName::Facts, ledger.size());
    let one = || vec![target(1, &[])];
    let refusals: [(Erasure, &str); 13] = [
        (erasure(Vec::new()), "nothing is named"),
        (erasure((0..1_025).map(|n| target(n, &[])).collect()), "1025 records"),
        (erasure(vec![target(99, &[])]), "no record 99"),
        (erasure(vec![target(1, &[]), target(1, &[facts])]), "named twice"),
        (erasure(vec![target(0, &[])]), "`log-opened`"),
        (erasure(vec![target(4, &[])]), "`erased`"),
        (
            erasure(vec![target(1, &[SectionName::Envelope])]),
            "`envelope` of record 1 is never erased",
        ),
        (
            erasure(vec![target(1, &[SectionName::StreamCase])]),
            "`stream-case` of record 1 is never erased",
        ),
        (erasure(vec![target(1, &[SectionName::People])]), "no section `people`"),
        (
            erasure(vec![target(1, &[]), target(3, &[])]),
            "record 3 everything that can be erased was erased before",
        ),
        (erasure(vec![target(3, &[facts])]), "record 3 `facts` was erased before"),
        (
            Erasure {
                authority: "two\nlines".into(),
                ..erasure(one())
            },
            "the authority",
        ),
        (
            Erasure {
                complete_by_ms: START_MS - 1,
                ..erasure(one())
            },
            "has passed",
        ),
    ];
    for (erasure, expected) in refusals {
        let dry = ledger.can_erase(&erasure).unwrap_err().to_string();
        let error = ledger.erase(erasure).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(dry, error);
    }
    assert!(matches!(
        ledger.erase(Erasure {
            authority: " ".into(),
            ..erasure(one())
        }),
        Err(EraseError::Authority)
    ));
    assert_eq!(ledger.size(), size);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().erased_sections, 1);

    let unknown = "whim".parse::<Ground>().unwrap_err().to_string();
    assert!(unknown.contains("`whim`") && unknown.contains("avg-17"), "{unknown}");
    for ground in Ground::ALL {
        assert_eq!(ground.as_str().parse::<Ground>().unwrap(), ground);
        assert!(unknown.contains(ground.as_str()), "{ground} is missing in the error");
    }
    let facts = json!({"index": 1, "sections": [], "macs": {}, "ground": "x", "authority": "x", "completeBy": 1});
    let own = Draft::new(Kind::Erased, TRACE).section(SectionName::Facts, facts);
    assert!(matches!(ledger.append_blocking(own), Err(AppendError::Erased)));
}

/// Takes the bytes of the last section of a record away, or puts the row back, bypassing the log.
fn alter(dir: &std::path::Path, index: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let parts = ["default", "records", "tiles", "index", "evidence"];
    let db = DB::open_cf(&RocksOptions::default(), dir.join("log"), parts).unwrap();
    let cf = db.cf_handle("records").unwrap();
    let mut row = db.get_cf(cf, index.to_be_bytes()).unwrap().unwrap();
    change(&mut row);
    db.put_cf(cf, index.to_be_bytes(), row).unwrap();
}

#[test]
fn bytes_that_are_gone_without_a_tombstone_are_named_and_so_are_those_that_came_back() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    for text in ["one", "two", "three"] {
        ledger.append_blocking(note(text)).unwrap();
    }
    drop(ledger);
    // Id (16), then of the first section, `facts`: name (1), MAC (32), 1, length (4), bytes.
    let mut before = Vec::new();
    alter(dir.path(), 1, |row| {
        before = row.clone();
        let length = u32::from_be_bytes(row[50..54].try_into().unwrap()) as usize;
        row.splice(49..54 + length, [0]);
    });
    let ledger = open(dir.path(), 2);
    let error = ledger.verify_all(|_, _| {}).unwrap_err().to_string();
    assert!(
        error.contains("facts of record 1") && error.contains("`erased` record"),
        "{error}"
    );
    drop(ledger);
    alter(dir.path(), 1, |row| *row = before.clone());
    let ledger = open(dir.path(), 3);
    ledger.erase(erasure(vec![target(1, &[])])).unwrap();
    drop(ledger);
    alter(dir.path(), 1, |row| *row = before);
    let ledger = open(dir.path(), 4);
    let error = ledger.verify_all(|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("record 1"), "{error}");
}

#[test]
fn what_is_gone_without_a_tombstone_is_found_also_while_the_log_grows() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    for text in ["one", "two", "three"] {
        ledger.append_blocking(note(text).evidence(document(b"small"))).unwrap();
    }
    // What grows, and what is erased meanwhile, is no damage.
    let mut n = 1;
    let grow = |_, _| {
        ledger.erase(erasure(vec![target(n, &[])])).unwrap();
        ledger.append_blocking(note("more")).unwrap();
        n += 1;
    };
    ledger.verify_all(grow).unwrap();
    ledger.verify_all(|_, _| {}).unwrap();
    drop(ledger);
    alter(dir.path(), 2, |row| {
        let length = u32::from_be_bytes(row[50..54].try_into().unwrap()) as usize;
        row.splice(49..54 + length, [0]);
    });
    let ledger = open(dir.path(), 2);
    let grow = |_, _| drop(ledger.append_blocking(note("more")).unwrap());
    let error = ledger.verify_all(grow).unwrap_err().to_string();
    assert!(
        error.contains("of record 2") && error.contains("`erased` record"),
        "{error}"
    );
}

#[test]
fn records_of_holds_and_proposals_are_never_erased() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let changed = |what: &str| {
        let facts = json!({"what": what, "before": null, "after": {}, "by": "A. de Wit"});
        let draft = Draft::new(Kind::TrustChanged, TRACE).section(SectionName::Facts, facts);
        ledger.append_blocking(draft).unwrap().index()
    };
    for what in ["erasure.holds", "erasure.proposals", "erasure.told"] {
        let index = changed(what);
        let error = ledger.erase(erasure(vec![target(index, &[])])).unwrap_err().to_string();
        assert!(error.contains(&format!("record {index} is of a hold")), "{error}");
    }
    ledger
        .erase(erasure(vec![target(changed("trust.peers"), &[])]))
        .unwrap();
}

#[test]
fn erasing_goes_on_beside_appending_and_reading() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    for n in 0..40 {
        ledger
            .append_blocking(note(&n.to_string()).evidence(document(b"shared")))
            .unwrap();
    }
    std::thread::scope(|scope| {
        for of in 0..2u64 {
            let ledger: Ledger = ledger.clone();
            scope.spawn(move || {
                for index in (1 + of..=10).step_by(2) {
                    ledger.erase(erasure(vec![target(index, &[])])).unwrap();
                }
            });
        }
        let appending = ledger.clone();
        scope.spawn(move || {
            for n in 40..140 {
                let draft = note(&n.to_string()).evidence(document(b"shared"));
                appending.append_blocking(draft).unwrap();
            }
        });
        let reading = ledger.clone();
        scope.spawn(move || {
            for round in 0..400 {
                reading.record(1 + round % 10).unwrap();
            }
        });
    });
    let audited = ledger.verify_all(|_, _| {}).unwrap();
    assert_eq!(
        (audited.size, audited.erased_sections, audited.documents),
        (151, 20, 130)
    );
    assert!(fs::read_dir(dir.path().join("evidence/tmp")).unwrap().next().is_none());
}
