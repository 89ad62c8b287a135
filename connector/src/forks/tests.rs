//! What our witness found of many logs.

use super::*;
use crate::config::given;
use crate::node::{Secrets, open};
use crate::rim::SystemEntropy;
use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::CheckpointBody;
use herleid_ledger::note::Signer;
use herleid_ledger::witness::Request;
use std::path::Path;

fn log(n: u8) -> Signer {
    Signer::ed25519(&format!("l{n}.example/log/1"), SigningKey::from_bytes(&[n; 32])).unwrap()
}

fn checkpoint(log: &Signer, root: u8) -> Checkpoint {
    let body = CheckpointBody {
        origin: log.verifier().name().to_owned(),
        size: 1,
        root: [root; 32],
    };
    body.sign(log).unwrap()
}

/// A connector that is a witness for logs with these numbers.
fn witness(directory: &Path, logs: u8) -> Arc<Node> {
    Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
    let named = (0..logs).map(|n| {
        let key = log(n);
        let key = key.verifier();
        format!("{{origin = \"{}\", verifier_key = \"{key}\"}}", key.name())
    });
    let named = named.collect::<Vec<_>>().join(", ");
    open(given(
        directory,
        1,
        &format!("[witness]\nenabled = true\nlogs = [{named}]\n"),
    ))
    .unwrap()
}

#[tokio::test]
async fn a_fork_is_recorded_however_many_others_were() {
    const LOGS: u8 = 10;
    let directory = tempfile::tempdir().unwrap();
    let node = witness(directory.path(), LOGS);
    let witness = node.witness.as_ref().unwrap();
    for n in 0..LOGS {
        let log = log(n);
        let first = Request::new(0, Vec::new(), &checkpoint(&log, 0)).unwrap().to_bytes();
        assert_eq!(witness.add_checkpoint(&first).unwrap().status, 200);
        // More than are kept of one.
        for root in 1..10 {
            let other = Request::new(1, Vec::new(), &checkpoint(&log, root)).unwrap().to_bytes();
            let answer = witness.add_checkpoint(&other).unwrap();
            assert!(answer.conflict.is_some());
        }
    }
    record_conflicts(&node).await.unwrap();
    let recorded = node.ledger.by_term(&Term::Kind(Kind::WitnessConflict)).unwrap();
    let origins = recorded.iter().map(|index| {
        let facts = node.ledger.record(*index).unwrap().value(SectionName::Facts).unwrap();
        facts["origin"].as_str().unwrap().to_owned()
    });
    let expected = (0..LOGS).map(|n| log(n).verifier().name().to_owned());
    assert_eq!(origins.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    // Once is enough.
    record_conflicts(&node).await.unwrap();
    assert_eq!(
        node.ledger.by_term(&Term::Kind(Kind::WitnessConflict)).unwrap(),
        recorded
    );
}
