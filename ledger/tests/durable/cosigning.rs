//! Cosignatures, from the witness protocol into the log.

use crate::rig::{note, options, witness};
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::merkle::Hash;
use herleid_ledger::note::{MAX_SIGNATURES, SignedNote, Signer, Verifier};
use herleid_ledger::witness::{Answer, Request, parse_response, respond};
use herleid_ledger::{At, Ledger, LedgerError, Options, WitnessPolicy};
use std::path::Path;

fn policy(quorum: usize, count: u8) -> WitnessPolicy {
    let keys: Vec<Verifier> = (0..count).map(|n| witness(n).verifier().clone()).collect();
    WitnessPolicy::new(quorum, keys).unwrap()
}

fn open(dir: &Path, seed: u64, quorum: usize) -> Ledger {
    let witness_policy = policy(quorum, 3);
    Ledger::open(Options {
        witness_policy,
        ..options(dir, seed)
    })
    .unwrap()
}

fn with_lines(checkpoint: &Checkpoint, witnesses: &[&Signer]) -> SignedNote {
    let mut cosigned = checkpoint.clone();
    for witness in witnesses {
        let line = witness.sign(checkpoint.note().text(), 1_592_400_001);
        cosigned = cosigned.with(line).unwrap();
    }
    cosigned.note().clone()
}

#[test]
fn a_quorum_makes_a_checkpoint_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1, 2);
    ledger.append_blocking(note("1")).unwrap();
    let checkpoint = ledger.checkpoint();
    let (one, two, stranger) = (witness(0), witness(1), witness(9));
    assert_eq!(
        ledger
            .add_cosignatures(with_lines(&checkpoint, &[&one, &stranger]))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        ledger.add_cosignatures(with_lines(&checkpoint, &[&one])).unwrap().len(),
        1
    );
    assert!(ledger.cosigned().is_none());
    assert!(matches!(
        ledger.hand_over(1, &[], None, At::Cosigned),
        Err(LedgerError::NotCosigned { index: 1, cosigned: 0 })
    ));
    assert_eq!(
        ledger.add_cosignatures(with_lines(&checkpoint, &[&two])).unwrap().len(),
        2
    );
    let cosigned = ledger.cosigned().unwrap();
    assert_eq!(cosigned.body(), checkpoint.body());

    ledger.append_blocking(note("2")).unwrap();
    assert!(matches!(
        ledger.hand_over(2, &[], None, At::Cosigned),
        Err(LedgerError::NotCosigned { index: 2, cosigned: 2 })
    ));
    let record = ledger.hand_over(1, &[], None, At::Cosigned).unwrap();
    let verified = record.verify(ledger.verifier()).unwrap();
    let seen = verified.checkpoint().cosignatures(policy(2, 3).witnesses()).unwrap();
    assert_eq!(seen.len(), 2);
    drop(ledger);

    let ledger = open(dir.path(), 2, 2);
    assert_eq!(ledger.cosigned().unwrap(), cosigned);
    // An older one never takes the place of a newer one.
    let newer = ledger.checkpoint();
    ledger.add_cosignatures(with_lines(&newer, &[&one, &two])).unwrap();
    ledger
        .add_cosignatures(with_lines(&checkpoint, &[&one, &two, &witness(2)]))
        .unwrap();
    assert_eq!(ledger.cosigned().unwrap().size(), 3);
    drop(ledger);
    // A stricter policy counts again.
    assert!(open(dir.path(), 3, 3).cosigned().is_none());
}

#[test]
fn only_this_logs_own_past_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1, 1);
    let own = Signer::ed25519(ledger.origin(), options(dir.path(), 1).signing_key).unwrap();
    let signed = |size: u64, root: Hash| {
        let origin = ledger.origin().to_owned();
        CheckpointBody { origin, size, root }.sign(&own).unwrap()
    };
    let other_root = signed(1, [7; 32]);
    assert!(matches!(
        ledger.add_cosignatures(with_lines(&other_root, &[&witness(0)])),
        Err(LedgerError::OtherHistory { size: 1 })
    ));
    let future = signed(5, [7; 32]);
    assert!(matches!(
        ledger.add_cosignatures(with_lines(&future, &[&witness(0)])),
        Err(LedgerError::NoSize { .. })
    ));
    let elsewhere = witness(0).sign(other_root.note().text(), 1);
    let moved = ledger.checkpoint().as_ref().clone().with(elsewhere).unwrap();
    assert!(matches!(
        ledger.add_cosignatures(moved.note().clone()),
        Err(LedgerError::Checkpoint(_))
    ));
    let unsigned = with_lines(&ledger.checkpoint(), &[&witness(0)]);
    let unsigned = SignedNote::new(unsigned.text(), unsigned.signatures()[1..].to_vec()).unwrap();
    assert!(matches!(
        ledger.add_cosignatures(unsigned),
        Err(LedgerError::Checkpoint(_))
    ));
    assert!(ledger.cosigned().is_none());
}

#[test]
fn a_log_that_starts_often_without_growing_keeps_the_earliest_line_of_each_witness() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1, 1);
    let checkpoint = ledger.checkpoint();
    let cosigned_at = |times: &mut dyn Iterator<Item = u64>| {
        let mut cosigned = checkpoint.as_ref().clone();
        for time_s in times {
            let line = witness(0).sign(checkpoint.note().text(), time_s);
            cosigned = cosigned.with(line).unwrap();
        }
        cosigned.note().clone()
    };
    for time_s in 1_592_400_100..1_592_400_200 {
        let asked = ledger.add_cosignatures(cosigned_at(&mut std::iter::once(time_s)));
        assert_eq!(asked.unwrap().len(), 1, "asked at {time_s}");
    }
    // As full as a note can be, with one line that is earlier than all.
    let full = cosigned_at(&mut (1_592_400_090..1_592_400_090 + MAX_SIGNATURES as u64 - 1).rev());
    assert_eq!(full.signatures().len(), MAX_SIGNATURES);
    ledger.add_cosignatures(full).unwrap();
    drop(ledger);

    let ledger = open(dir.path(), 2, 1);
    let cosigned = ledger.cosigned().unwrap();
    assert_eq!(cosigned.note().signatures().len(), 2);
    let seen = cosigned.cosignatures(policy(1, 3).witnesses()).unwrap();
    assert_eq!((seen.len(), seen[0].time_s()), (1, 1_592_400_090));
}

#[test]
fn the_witness_protocol_carries_a_growing_log() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1, 1);
    let known = [ledger.verifier().clone()];
    let mut stored: Option<(u64, Hash)> = None;
    let mut old = 0;
    for round in 0..6 {
        for n in 0..round {
            ledger.append_blocking(note(&n.to_string())).unwrap();
        }
        let checkpoint = ledger.checkpoint();
        let proof = ledger.consistency(old, checkpoint.size()).unwrap();
        let request = Request::new(old, proof, &checkpoint).unwrap();
        let response = respond(&witness(0), |_| stored, &known, &request.to_bytes(), 1_592_400_000_000);
        let seen = response.persist.clone().unwrap();
        stored = Some((seen.size, seen.root));
        let answer = parse_response(
            response.status,
            response.body.as_bytes(),
            &checkpoint,
            witness(0).verifier(),
        );
        let Ok(Answer::Cosigned(lines)) = answer else {
            panic!("{answer:?}")
        };
        let cosigned = checkpoint.as_ref().clone().with(lines[0].clone()).unwrap();
        ledger.add_cosignatures(cosigned.note().clone()).unwrap();
        assert_eq!(ledger.cosigned().unwrap().size(), ledger.size());
        old = checkpoint.size();
    }
}

#[test]
fn a_policy_names_each_witness_once() {
    let key = |n: u8| witness(n).verifier().clone();
    assert!(WitnessPolicy::new(2, vec![key(0)]).is_err());
    assert!(WitnessPolicy::new(1, vec![key(0), key(0)]).is_err());
    let log = Signer::ed25519("w.example", ed25519_dalek::SigningKey::from_bytes(&[5; 32])).unwrap();
    assert!(WitnessPolicy::new(1, vec![log.verifier().clone()]).is_err());
    let same_key = Signer::cosigner("w2.example", ed25519_dalek::SigningKey::from_bytes(&[100; 32])).unwrap();
    assert!(WitnessPolicy::new(1, vec![key(0), same_key.verifier().clone()]).is_err());
}
