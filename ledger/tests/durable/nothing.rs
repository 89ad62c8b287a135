//! Drafts that come to nothing leave nothing: large documents are durable before their record is, and one that is refused would fill the store.

use crate::rig::{note, open};
use herleid_ledger::AppendError;
use herleid_ledger::record::{Document, Draft};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const LARGE: usize = (64 << 10) + 1;

fn document(of: u8) -> Document {
    Document {
        role: "receipt".into(),
        media_type: "text/plain".into(),
        bytes: vec![of; LARGE],
    }
}

fn digest(of: u8) -> [u8; 32] {
    Sha256::digest(vec![of; LARGE]).into()
}

/// Only the first with one key becomes a record: `said` differs.
fn once(key: &str, said: u8, of: u8) -> Draft {
    note("once").once(key.to_owned(), [said; 32]).evidence(document(of))
}

/// All files of documents, and notes about them.
fn files(dir: &Path) -> Vec<PathBuf> {
    let evidence = dir.join("evidence");
    let folders = fs::read_dir(&evidence).unwrap().map(|folder| folder.unwrap().path());
    let folders = folders.filter(|folder| folder.is_dir());
    let mut found: Vec<PathBuf> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()))
        .collect();
    found.sort();
    found
}

#[test]
fn what_refused_drafts_brought_takes_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    // Room for two.
    ledger.bound_evidence(2 * LARGE as u64 + (2 << 20)).unwrap();
    ledger.append_blocking(once("a", 0, 0)).unwrap();
    let kept = files(dir.path());
    assert_eq!(kept.len(), 1);
    for of in 1..=100 {
        let refused = ledger.append_blocking(once("a", of, of)).unwrap_err();
        assert!(matches!(refused, AppendError::Conflict { .. }), "{of}: {refused}");
        assert_eq!(ledger.evidence(&digest(of)).unwrap(), None);
    }
    // A repeat brings another document, and is no record.
    ledger.append_blocking(once("a", 0, 101)).unwrap();
    // One that a record lists stays, whoever brings it again.
    ledger.append_blocking(once("a", 1, 0)).unwrap_err();
    assert_eq!(files(dir.path()), kept);
    ledger.append_blocking(once("b", 0, 102)).unwrap();
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 2);
    assert_eq!(files(dir.path()).len(), 2);
}

#[test]
fn of_drafts_that_bring_the_same_at_once_the_one_that_becomes_a_record_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    for of in 0..40u8 {
        std::thread::scope(|scope| {
            for said in 0..6u8 {
                let ledger = &ledger;
                scope.spawn(move || {
                    let taken = ledger.append_blocking(once(&of.to_string(), said, of));
                    assert!(matches!(taken, Ok(_) | Err(AppendError::Conflict { .. })), "{taken:?}");
                });
            }
        });
        assert!(ledger.evidence(&digest(of)).unwrap().is_some(), "{of}");
    }
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 40);
    // Nothing else, and no note.
    assert_eq!(files(dir.path()).len(), 40);
}

#[test]
fn what_a_killed_process_had_under_way_is_gone_when_the_log_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    ledger.append_blocking(once("a", 0, 0)).unwrap();
    drop(ledger);
    let kept = files(dir.path());
    let note = |of: u8| dir.path().join("evidence/tmp").join(hex::encode(digest(of)));
    // Killed before its record was written, before it had its name, and after its record was: a note each.
    let name = hex::encode(digest(1));
    fs::write(dir.path().join("evidence").join(&name[..2]).join(&name), vec![1; LARGE]).unwrap();
    [0, 1, 2].map(note).iter().for_each(|note| fs::write(note, []).unwrap());
    let ledger = open(dir.path(), 2);
    assert_eq!(files(dir.path()), kept);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 1);
    // And it can be brought again.
    ledger.append_blocking(once("b", 0, 1)).unwrap();
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 2);
}

#[test]
fn what_a_caller_brought_that_went_away_becomes_a_record_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let before = ledger.size();
    // Of one thread: what is handed to it second begins when the first is done.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = ledger.append(once("a", 0, 0)) => panic!("a large document is written by another thread"),
            () = std::future::ready(()) => {}
        }
        tokio::task::spawn_blocking(|| {}).await.unwrap();
    });
    ledger.append_blocking(note("after it")).unwrap();
    assert_eq!(ledger.size(), before + 2);
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().documents, 1);
    assert_eq!(files(dir.path()).len(), 1);
}
