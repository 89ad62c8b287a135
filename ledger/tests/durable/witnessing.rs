//! A witness's memory.

use crate::rig::{ORIGIN, witness};
use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::fork::{Beginning, ForkError};
use herleid_ledger::merkle::{self, Hash};
use herleid_ledger::note::Signer;
use herleid_ledger::witness::{Conflict, Request, Response, respond};
use herleid_ledger::{LedgerError, WitnessStore};

fn log(origin: &str) -> Signer {
    Signer::ed25519(origin, SigningKey::from_bytes(&[1; 32])).unwrap()
}

fn checkpoint(origin: &str, root: Hash) -> Checkpoint {
    let origin = origin.to_owned();
    let signer = log(&origin);
    CheckpointBody { origin, size: 1, root }.sign(&signer).unwrap()
}

/// As a witness's server does it.
fn ask(store: &WitnessStore, checkpoint: &Checkpoint, old: u64) -> Response {
    let known = [log(checkpoint.origin()).verifier().clone()];
    let request = Request::new(old, vec![], checkpoint).unwrap().to_bytes();
    let stored = |origin: &str| store.last(origin).unwrap().map(|seen| (seen.size, seen.root));
    let response = respond(&witness(0), stored, &known, &request, 1_592_400_000_000);
    store.keep(&response).unwrap();
    response
}

#[test]
fn what_was_cosigned_is_remembered_by_origin() {
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("witness");
    let store = WitnessStore::open(&memory).unwrap();
    assert_eq!(store.last(ORIGIN).unwrap(), None);
    let first = checkpoint(ORIGIN, [1; 32]);
    assert_eq!(ask(&store, &first, 0).status, 200);
    assert!(matches!(WitnessStore::open(&memory), Err(LedgerError::InUse { .. })));
    drop(store);

    let store = WitnessStore::open(&memory).unwrap();
    let seen = store.last(ORIGIN).unwrap().unwrap();
    assert_eq!((seen.origin.as_str(), seen.size, seen.root), (ORIGIN, 1, [1; 32]));
    assert_eq!(seen.note, first.note().to_string());
    // An origin that begins with another one's text is another log.
    assert_eq!(store.last("knmi.example/log/12").unwrap(), None);
    assert_eq!(store.last("knmi.example/log/").unwrap(), None);
    assert_eq!(store.conflicts(9).unwrap().conflicts, []);
}

#[test]
fn conflicts_are_kept_with_both_notes_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("witness");
    let store = WitnessStore::open(&memory).unwrap();
    let [cosigned, one, two] = [1, 2, 3].map(|byte| checkpoint(ORIGIN, [byte; 32]));
    let elsewhere = checkpoint("app.example/log/1", [2; 32]);
    assert_eq!(ask(&store, &cosigned, 0).status, 200);
    assert_eq!(ask(&store, &elsewhere, 0).status, 200);
    for (forked, old) in [(&one, 1), (&two, 0), (&one, 0)] {
        assert_ne!(ask(&store, forked, old).status, 200);
    }
    drop(store);

    let store = WitnessStore::open(&memory).unwrap();
    let conflict = |refused: &Checkpoint| Conflict {
        origin: ORIGIN.to_owned(),
        size: 1,
        cosigned: cosigned.note().to_string(),
        refused: refused.note().to_string(),
        beginning: None,
    };
    let kept = store.conflicts(9).unwrap();
    assert_eq!(kept.conflicts, [conflict(&one), conflict(&two)]);
    assert!(!kept.more);
    let first = store.conflicts(1).unwrap();
    assert_eq!((first.conflicts.len(), first.more), (1, true));
    kept.conflicts[0].check(log(ORIGIN).verifier()).unwrap();
    // What was cosigned stays what it was.
    assert_eq!(store.last(ORIGIN).unwrap().unwrap().root, [1; 32]);
}

#[test]
fn a_memory_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("witness");
    drop(WitnessStore::open(&memory).unwrap());
    let db = rocksdb::DB::open_default(&memory).unwrap();
    db.put(format!("w{ORIGIN}"), b"{}").unwrap();
    drop(db);
    let store = WitnessStore::open(&memory).unwrap();
    assert!(matches!(store.last(ORIGIN), Err(LedgerError::Corrupt { .. })));
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert!(matches!(WitnessStore::open(&file), Err(LedgerError::Io { .. })));
}

/// Bytes of all files.
fn bytes(dir: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap());
    files.map(|file| file.len()).sum()
}

#[test]
fn what_is_kept_of_one_log_is_bounded_in_number_and_in_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("witness");
    let store = WitnessStore::open(&memory).unwrap();
    assert_eq!(ask(&store, &checkpoint(ORIGIN, [1; 32]), 0).status, 200);
    // As many lines by others as a note may have: none of them is kept.
    let stranger = Signer::cosigner(
        &format!("{}/witness", "w".repeat(200)),
        SigningKey::from_bytes(&[8; 32]),
    )
    .unwrap();
    for n in 2..42u8 {
        let mut forked = checkpoint(ORIGIN, [n; 32]);
        for time in 1..60 {
            let line = stranger.sign(forked.note().text(), time);
            forked = forked.with(line).unwrap();
        }
        assert_eq!(ask(&store, &forked, 1).status, 422);
    }
    let kept = store.conflicts(100).unwrap();
    assert_eq!((kept.conflicts.len(), kept.more), (8, false));
    assert!(kept.conflicts.iter().all(|conflict| conflict.refused.len() < 300));
    // Another log has room of its own.
    let other = "app.example/log/1";
    assert_eq!(ask(&store, &checkpoint(other, [1; 32]), 0).status, 200);
    assert_eq!(ask(&store, &checkpoint(other, [2; 32]), 1).status, 422);
    assert_eq!(store.conflicts(100).unwrap().conflicts.len(), 9);
}

#[test]
fn what_is_kept_already_is_answered_and_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let memory = dir.path().join("witness");
    let store = WitnessStore::open(&memory).unwrap();
    let (cosigned, forked) = (checkpoint(ORIGIN, [1; 32]), checkpoint(ORIGIN, [2; 32]));
    assert_eq!(ask(&store, &cosigned, 0).status, 200);
    assert_eq!(ask(&store, &forked, 1).status, 422);
    let before = bytes(&memory);
    for _ in 0..50 {
        assert_eq!(ask(&store, &cosigned, 1).status, 200);
        assert_eq!(ask(&store, &forked, 1).status, 422);
    }
    assert_eq!(bytes(&memory), before);
}

#[test]
fn a_larger_checkpoint_with_a_bad_proof_is_a_doubt_until_it_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let store = WitnessStore::open(&dir.path().join("witness")).unwrap();
    let signer = log(ORIGIN);
    let signed = |leaves: &[Hash]| {
        let (origin, size) = (ORIGIN.to_owned(), leaves.len() as u64);
        let root = merkle::root(leaves);
        CheckpointBody { origin, size, root }.sign(&signer).unwrap()
    };
    let [one, other] = [0u8, 100].map(|first| (0..5u8).map(|n| merkle::leaf_hash(&[first + n])).collect::<Vec<_>>());
    assert_eq!(ask(&store, &signed(&one[..3]), 0).status, 200);
    // Nobody can tell the two from each other by what was sent.
    let (honest, forked) = (signed(&one), signed(&other));
    for checkpoint in [&honest, &forked, &forked] {
        assert_eq!(ask(&store, checkpoint, 3).status, 422);
    }
    let doubts = store.doubts(9).unwrap().conflicts;
    assert_eq!(doubts.len(), 2);
    assert_eq!(store.conflicts(9).unwrap().conflicts, []);
    for doubt in &doubts {
        assert!(matches!(
            doubt.check(signer.verifier()),
            Err(ForkError::NoBeginning { .. })
        ));
        let is_honest = doubt.refused == honest.note().to_string();
        let root = if is_honest { honest.root() } else { forked.root() };
        // Of five leaves three are the first two and the third: the proof has the third, the fourth, the first two, the fifth.
        let proof = vec![other[2], other[3], merkle::root(&other[..2]), other[4]];
        let root_before = merkle::root(&other[..3]);
        let beginning = Beginning {
            root: root_before,
            proof,
        };
        store
            .settle(doubt, root, (!is_honest).then_some(Some(beginning)))
            .unwrap();
    }
    assert_eq!(store.doubts(9).unwrap().conflicts, []);
    let kept = store.conflicts(9).unwrap().conflicts;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].refused, forked.note().to_string());
    kept[0].check(signer.verifier()).unwrap();
}
