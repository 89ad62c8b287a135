//! The log as it was at one moment, taken while it goes on: complete, with its keys, and checked as a whole.

use crate::rig::{copy, note, open, options, terminated};
use herleid_ledger::record::Document;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, LedgerError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn document(n: u64) -> Document {
    Document {
        role: "receipt".into(),
        media_type: "text/plain".into(),
        // Every third one is a file of its own.
        bytes: format!("{n}{}", "x".repeat(if n.is_multiple_of(3) { 70_000 } else { 10 })).into_bytes(),
    }
}

/// Opens what was taken, with its keys in a place of their own and the documents that lie there now.
fn taken(dir: &Path, to: &Path) -> Ledger {
    for number in 0..=u8::MAX {
        let folder = format!("evidence/{number:02x}");
        copy(&dir.join(&folder), &to.join(&folder));
    }
    let keys = to.join("elsewhere");
    std::fs::rename(to.join("keys"), &keys).unwrap();
    Ledger::open_closed_apart(options(to, 1), &keys, &BTreeMap::new()).unwrap()
}

#[test]
fn what_was_acknowledged_before_is_in_it_and_all_of_it_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("log");
    let ledger = open(&dir, 1);
    let (acknowledged, stop) = (AtomicU64::new(1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let (ledger, acknowledged, stop) = (ledger.clone(), &acknowledged, &stop);
            scope.spawn(move || {
                // Not without end, whatever becomes of the other thread.
                for n in (0..2_000).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    let draft = match n % 2 {
                        0 => terminated(&format!("urn:{thread}")),
                        _ => note(&format!("{thread}/{n}")).evidence(document(n)),
                    };
                    let index = ledger.append_blocking(draft).unwrap().index();
                    acknowledged.fetch_max(index + 1, Ordering::SeqCst);
                }
            });
        }
        for round in 0..5 {
            let to = folder.path().join(format!("taken{round}"));
            std::fs::create_dir(&to).unwrap();
            let before = acknowledged.load(Ordering::SeqCst);
            let checkpoint = ledger.snapshot(&to).unwrap();
            assert!(checkpoint.size() >= before, "{} of {before}", checkpoint.size());
            let taken = taken(&dir, &to);
            let audited = taken.verify_all(|_, _| {}).unwrap();
            assert_eq!((audited.size, audited.root), (checkpoint.size(), *checkpoint.root()));
            // It is the same log: what it shows is extended by what is served now.
            assert_eq!(taken.checkpoint().size(), checkpoint.size());
        }
        stop.store(true, Ordering::Relaxed);
    });
    ledger.verify_all(|_, _| {}).unwrap();
    // And it is a log that can be gone on with.
    drop(ledger);
    let to = folder.path().join("taken4");
    std::fs::rename(to.join("elsewhere"), to.join("keys")).unwrap();
    let again = open(&to, 7);
    again.append_blocking(note("after")).unwrap();
    again.verify_all(|_, _| {}).unwrap();
}

#[test]
fn it_is_refused_where_it_cannot_be_made_and_the_log_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("log");
    let ledger = open(&dir, 1);
    let nowhere = folder.path().join("nowhere/at/all");
    let error = ledger.snapshot(&nowhere).unwrap_err().to_string();
    assert!(error.contains("link its files for a backup"), "{error}");
    // Somebody else's files stay.
    let to = folder.path().join("to");
    std::fs::create_dir_all(to.join("log")).unwrap();
    std::fs::write(to.join("log/mine"), "mine").unwrap();
    let error = ledger.snapshot(&to).unwrap_err();
    assert!(matches!(error, LedgerError::Store { .. }), "{error}");
    assert_eq!(std::fs::read(to.join("log/mine")).unwrap(), b"mine");
    ledger.append_blocking(note("on")).unwrap();
    ledger.verify_all(|_, _| {}).unwrap();
}

#[test]
fn what_is_said_to_be_erased_is_not_shown_by_a_log_that_does_not_know_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("log");
    let ledger = open(&dir, 1);
    let index = ledger.append_blocking(note("said")).unwrap().index();
    drop(ledger);
    let facts = |erased: &BTreeMap<u64, Vec<SectionName>>| {
        let over = Ledger::open_closed_apart(options(&dir, 1), &dir.join("keys"), erased).unwrap();
        over.record(index).unwrap().value(SectionName::Facts)
    };
    assert!(facts(&BTreeMap::new()).is_some());
    assert!(facts(&BTreeMap::from([(index, vec![SectionName::Facts])])).is_none());
}
