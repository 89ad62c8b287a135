//! What could not be removed at once is told, tried again and removed; and what a backup brings back is removed even where it is refused.

use super::*;
use crate::ledger::strip::tests::*;
use crate::ledger::{At, Erasure, Target};
use crate::record::Term;
use crate::section::SectionName;
use crate::store::codec::{META, code, wrapped_key};
use herleid_vocab::rim::{Entropy as _, SeededEntropy};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

fn of(index: u64, sections: &[SectionName]) -> Erasure {
    let target = Target {
        index,
        sections: sections.iter().copied().collect(),
        counterparty: None,
    };
    Erasure {
        targets: vec![target],
        ..erasure()
    }
}

#[test]
fn it_is_buried_in_the_end_while_others_append() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let markers = markers(&ledger);
    let stop = AtomicBool::new(false);
    let (erased, tries) = std::thread::scope(|scope| {
        for thread in 0..2 {
            let (ledger, stop) = (ledger.clone(), &stop);
            scope.spawn(move || {
                // Not without end, whatever becomes of the other thread.
                let numbers = (10_000 * thread..).take(2_000);
                for n in numbers.take_while(|_| !stop.load(Ordering::Relaxed)) {
                    ledger.append_blocking(draft(10_000 + n)).unwrap();
                }
            });
        }
        let erased = ledger.erase(erasure());
        let mut tries = 0;
        while tries < 50 && !ledger.bury().is_ok_and(|is_buried| is_buried) {
            tries += 1;
        }
        stop.store(true, Ordering::Relaxed);
        (erased.unwrap(), tries)
    });
    assert!(
        ledger.buried_below().unwrap() > erased.tombstones[0],
        "after {tries} more tries"
    );
    assert_eq!(left(dir.path(), &markers), [""; 0]);
    ledger.verify_all(|_, _| {}).unwrap();
}

#[test]
fn what_fails_after_the_tombstone_is_said_and_finished_later() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let markers = markers(&ledger);
    // From now on nothing is flushed or compacted there.
    ledger.shared().keys.rocks().db.cancel_all_background_work(true);
    let erased = ledger.erase(erasure()).unwrap();
    assert!(!erased.is_buried && erased.why.is_some(), "{erased:?}");
    assert_eq!(ledger.record(TARGET).unwrap().sections().len(), 1, "it is erased");
    assert!(ledger.buried_below().unwrap() <= erased.tombstones[0]);
    assert!(ledger.is_unburied().unwrap(), "no backup is made of it");
    assert!(ledger.bury().is_err());
    assert_ne!(left(dir.path(), &markers), [""; 0]);
    drop(ledger);
    let ledger = open(dir.path(), 3);
    assert!(ledger.buried_below().unwrap() > erased.tombstones[0]);
    assert!(!ledger.is_unburied().unwrap());
    assert!(ledger.bury().unwrap(), "nothing is left to do");
    assert_eq!(left(dir.path(), &markers), [""; 0]);
    check(&ledger);
}

#[test]
fn an_erasure_that_is_buried_does_not_count_for_one_before_it_that_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let markers = markers(&ledger);
    let sealed = draft(100)
        .evidence(document(random(3_000 + TARGET, 90_000)))
        .seal()
        .unwrap();
    let under_way = crate::ledger::prepare::prepare_sealed(&ledger.shared(), sealed).unwrap();
    let first = ledger.erase(erasure()).unwrap();
    let second = ledger.erase(of(5, &[SectionName::Private])).unwrap();
    assert!(!first.is_buried && !second.is_buried);
    assert!(ledger.buried_below().unwrap() <= first.tombstones[0]);
    drop(under_way);
    drop(ledger);
    let ledger = open(dir.path(), 3);
    assert!(ledger.buried_below().unwrap() > second.tombstones[0]);
    assert_eq!(left(dir.path(), &markers), [""; 0]);
}

#[test]
fn keys_of_an_older_backup_are_refused_and_those_that_were_erased_do_not_stay_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let backup = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let markers: Vec<_> = markers(&ledger)
        .into_iter()
        .filter(|(name, _)| *name == "wrapped key")
        .collect();
    drop(ledger);
    copy(&dir.path().join("keys"), &backup.path().join("keys"));
    let ledger = open(dir.path(), 3);
    assert!(ledger.erase(erasure()).unwrap().is_buried);
    drop(ledger);
    let newer = backup.path().join("newer");
    fs::rename(dir.path().join("keys"), &newer).unwrap();
    copy(&backup.path().join("keys"), &dir.path().join("keys"));
    assert_eq!(left(dir.path(), &markers).len(), markers.len());
    let refused = Ledger::open(options(dir.path(), 4)).unwrap_err().to_string();
    assert!(refused.contains("the row of section keys"), "{refused}");
    assert_eq!(left(dir.path(), &markers), [""; 0]);
    // With the right ones it goes on.
    fs::remove_dir_all(dir.path().join("keys")).unwrap();
    fs::rename(&newer, dir.path().join("keys")).unwrap();
    check(&open(dir.path(), 5));
}

/// Where the key of a section lies in a row.
fn place(row: &[u8], name: SectionName) -> usize {
    73 * row.chunks(73).position(|entry| entry[0] == code(name)).unwrap()
}

/// Changes the row of keys of a record.
fn alter_keys(ledger: &Ledger, index: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let shared = ledger.shared();
    let key = wrapped_key(&shared.row(index).unwrap().0.id);
    let mut row = shared.keys.rocks().get(Part::State, &key).unwrap().unwrap();
    change(&mut row);
    let mut batch = shared.keys.rocks().batch();
    batch.put(Part::State, &key, &row).unwrap();
    batch.write_synced().unwrap();
}

#[test]
fn a_damaged_row_of_keys_keeps_no_log_from_being_opened_and_takes_no_entry_of_what_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let digests: [[u8; 32]; 2] = [1, 2].map(|n| {
        let mut digest = [0; 32];
        SeededEntropy::new(77 + n).fill(&mut digest);
        digest
    });
    let draft = crate::record::Draft::new(crate::record::Kind::Replayed, TRACE)
        .section(
            SectionName::Facts,
            json!({"transaction": hex::encode(digests[0]), "verdict": "identical", "sha256": hex::encode(digests[0])}),
        )
        .section(SectionName::Private, json!({"sha256": hex::encode(digests[1])}))
        .term(Term::Digest(digests[0]))
        .term(Term::Digest(digests[1]));
    let index = ledger.append_blocking(draft).unwrap().index();
    let tombstone = entomb(&ledger, &of(index, &[SectionName::Private]))[0].0;
    let names = |ledger: &Ledger| {
        let row = ledger.shared().row(index).unwrap().0;
        let erased: BTreeSet<SectionName> = [SectionName::Private].into();
        let keys = ledger
            .shared()
            .keys
            .without(&row.id, &[SectionName::Private], 2)
            .unwrap();
        let bytes = row.sections.iter().filter(|section| section.sealed.is_some());
        (
            keys.is_some(),
            bytes.filter(|section| erased.contains(&section.name)).count(),
        )
    };
    assert_eq!(names(&ledger), (true, 1));
    // A name that there is not.
    alter_keys(&ledger, index, |row| {
        let at = place(row, SectionName::Facts);
        row[at] = 255;
    });
    drop(ledger);
    let ledger = open(dir.path(), 3);
    let ledger = {
        assert_eq!(names(&ledger), (false, 0), "what was erased is gone");
        drop(ledger);
        open(dir.path(), 4)
    };
    let row = ledger.shared().row(index).unwrap().0;
    let keys = ledger.shared().keys.rocks().get(Part::State, &wrapped_key(&row.id));
    assert_eq!(keys.unwrap().unwrap().len(), 2 * 73, "what is damaged stays as it is");
    assert_eq!(ledger.by_term(&Term::Digest(digests[0])).unwrap(), [index]);
    assert_eq!(
        ledger.by_digest(&digests[0]).unwrap(),
        [index],
        "what stays still leads to it"
    );
    assert!(!ledger.bury().unwrap(), "nobody can tell whether more has to go");
    assert!(ledger.buried_below().unwrap() <= tombstone);
}

#[test]
fn many_erasures_are_finished_with_one_look_through_the_index() {
    let visited = |count: u64| {
        let dir = tempfile::tempdir().unwrap();
        let ledger = sample(dir.path());
        for index in 1..=count {
            entomb(&ledger, &of(index, &[SectionName::Private]));
            // Only the index tells what it named.
            alter_keys(&ledger, index, |row| {
                let at = place(row, SectionName::Private);
                row.drain(at..at + 73);
            });
        }
        drop(ledger);
        let ledger = open(dir.path(), 3);
        for index in 1..=count {
            let mut digest = [0; 32];
            SeededEntropy::new(1_000 + index).fill(&mut digest);
            assert_eq!(ledger.by_term(&Term::Digest(digest)).unwrap(), [0; 0]);
        }
        assert!(ledger.bury().unwrap());
        ledger.shared().log.visited.load(Ordering::Relaxed)
    };
    let (one, eight) = (visited(1), visited(8));
    assert!(
        eight < 2 * one,
        "{one} entries were looked at for one, {eight} for eight"
    );
}

/// Where it is only read, nothing can be erased again: what a crash or an older backup left is not shown.
#[test]
fn a_log_that_is_over_shows_nothing_of_what_its_tombstones_erase() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let target = erasure().targets.swap_remove(0);
    let before = ledger.record(target.index).unwrap();
    let name = *before.sections().keys().next_back().unwrap();
    assert!(before.sections().len() > 1);
    let grave = Grave {
        target: target.index,
        sections: vec![name],
    };
    let shared = ledger.shared();
    let mut batch = shared.log.batch();
    batch
        .put(Part::State, &grave_key(ledger.size() - 1), &grave.encode())
        .unwrap();
    batch.write_synced().unwrap();
    drop((shared, ledger));

    let over = Ledger::open_closed(options(dir.path(), 4)).unwrap();
    let after = over.record(target.index).unwrap();
    assert!(!after.sections().contains_key(&name));
    assert_eq!(after.sections().len(), before.sections().len() - 1);
    let refused = over.hand_over(target.index, &[name], None, At::Latest).unwrap_err();
    assert!(matches!(refused, LedgerError::Erased { .. }), "{refused}");
}

/// Nor is it found by what was erased, though the index of a log that is over is never changed.
#[test]
fn a_log_that_is_over_finds_nothing_by_what_its_tombstones_erase() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let (linked, term) = (linked_by(TARGET), random(1_000 + TARGET, 32).try_into().unwrap());
    let document: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(random(2_000 + TARGET, 900)).into();
    let found = |ledger: &Ledger| {
        [
            ledger.by_digest(&linked).unwrap(),
            ledger.by_term(&Term::Digest(term)).unwrap(),
            ledger.by_document(&document).unwrap(),
        ]
    };
    assert_eq!(found(&ledger), [[TARGET], [TARGET], [TARGET]]);
    let grave = |name| Grave {
        target: TARGET,
        sections: vec![name],
    };
    let shared = ledger.shared();
    let mut batch = shared.log.batch();
    for (at, name) in [SectionName::Facts, SectionName::Private, SectionName::Evidence]
        .into_iter()
        .enumerate()
    {
        let tombstone = ledger.size() - 1 - at as u64;
        batch
            .put(Part::State, &grave_key(tombstone), &grave(name).encode())
            .unwrap();
    }
    batch.write_synced().unwrap();
    drop((shared, ledger));
    let over = Ledger::open_closed(options(dir.path(), 4)).unwrap();
    assert_eq!(found(&over), [[0u64; 0]; 3]);
    let kinds = over.of_kind(&[TARGET], crate::record::Kind::Replayed).unwrap();
    assert_eq!(kinds, [TARGET], "the record itself is there");
}

/// What a log without a lineage index still has to lose is gone before the index is made: of what is left.
#[test]
fn an_index_is_made_after_an_erasure_that_was_broken_off_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = sample(dir.path());
    let linked = linked_by(TARGET);
    assert_eq!(ledger.by_digest(&linked).unwrap(), [TARGET]);
    let shared = ledger.shared();
    let log = &shared.log;
    let grave = Grave {
        target: TARGET,
        sections: vec![SectionName::Facts],
    };
    let mut batch = log.batch();
    batch
        .put(Part::State, &grave_key(ledger.size() - 1), &grave.encode())
        .unwrap();
    for tag in [b"n", b"x", b"y"] {
        log.scan(Part::Index, tag, |rest, _| {
            batch.delete(Part::Index, &[tag, rest].concat()).unwrap();
            true
        })
        .unwrap();
    }
    let meta = String::from_utf8(log.get(Part::State, META).unwrap().unwrap()).unwrap();
    let older = meta.replace("\"format\":5", "\"format\":2");
    assert_ne!(older, meta);
    batch.put(Part::State, META, older.as_bytes()).unwrap();
    batch.write_synced().unwrap();
    drop((shared, ledger));

    let ledger = open(dir.path(), 5);
    assert!(ledger.has_lineage().unwrap());
    assert!(
        !ledger
            .record(TARGET)
            .unwrap()
            .sections()
            .contains_key(&SectionName::Facts)
    );
    assert_eq!(ledger.by_digest(&linked).unwrap(), [0u64; 0]);
    assert_eq!(ledger.by_digest(&linked_by(TARGET + 1)).unwrap(), [TARGET + 1]);
    let kinds = ledger.of_kind(&[TARGET], crate::record::Kind::Replayed).unwrap();
    assert_eq!(kinds, [TARGET]);
}
