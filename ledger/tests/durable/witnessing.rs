//! A witness's memory.

use crate::rig::{ORIGIN, witness};
use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::merkle::Hash;
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
    assert_eq!(store.conflicts().unwrap(), []);
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
    };
    assert_eq!(store.conflicts().unwrap(), [conflict(&one), conflict(&two)]);
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
