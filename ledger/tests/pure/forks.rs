//! Proof of two histories: what is one, and what is none.

use crate::{Leaves, entries};
use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::fork::{Beginning, Fork, ForkError, MAX_BYTES};
use herleid_ledger::merkle::{consistency_proof, leaf_hash, root_at};
use herleid_ledger::note::Signer;
use proptest::prelude::*;

fn log(origin: &str, seed: u8) -> Signer {
    Signer::ed25519(origin, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

/// A history of 40 records; the other one differs from record `from` on.
fn leaves(from: usize, is_other: bool) -> Leaves {
    let leaf = |(n, entry): (usize, &[u8; 33])| match is_other && n >= from {
        true => leaf_hash(&entry[1..]),
        false => leaf_hash(entry),
    };
    Leaves(entries(40).iter().enumerate().map(leaf).collect())
}

fn checkpoint(leaves: &Leaves, size: u64, signer: &Signer) -> Checkpoint {
    let body = CheckpointBody {
        origin: signer.verifier().name().to_owned(),
        size,
        root: root_at(leaves, size).unwrap(),
    };
    body.sign(signer).unwrap()
}

fn beginning(leaves: &Leaves, from: u64, to: u64) -> Beginning {
    Beginning {
        root: root_at(leaves, from).unwrap(),
        proof: consistency_proof(leaves, from, to).unwrap(),
    }
}

proptest! {
    #[test]
    fn a_fork_is_proved_at_any_two_sizes_and_one_history_never_is(
        from in 0usize..39, smaller in 1u64..40, larger in 1u64..41,
    ) {
        let (smaller, larger) = (smaller.min(larger), smaller.max(larger));
        let signer = log("a.example/log/1", 1);
        let (one, other) = (leaves(from, false), leaves(from, true));
        let first = checkpoint(&one, smaller, &signer);
        let second = checkpoint(&other, larger, &signer);
        let begins = beginning(&other, smaller, larger);
        let text = begins.to_string();
        prop_assert!(text.len() <= MAX_BYTES);
        prop_assert_eq!(&Beginning::parse(text.as_bytes()).unwrap(), &begins);
        let notes = [first.note().to_string(), second.note().to_string()];
        let read = |a: usize, b: usize| {
            Fork::read([notes[a].as_bytes(), notes[b].as_bytes()], Some(text.as_bytes()), signer.verifier())
        };
        if smaller as usize > from {
            let fork = read(0, 1).unwrap();
            prop_assert_eq!((fork.smaller().size(), fork.larger().size()), (smaller, larger));
            prop_assert!(read(1, 0).is_ok());
        } else {
            // What both have in common is one history.
            prop_assert_eq!(read(0, 1), Err(ForkError::OneHistory { smaller, larger }));
        }
        // A beginning that is made up does not lead to the root that was signed.
        if smaller < larger {
            let mut false_root = begins.clone();
            false_root.root[0] ^= 1;
            let checked = Fork::check(first.clone(), second.clone(), Some(&false_root));
            prop_assert!(matches!(checked, Err(ForkError::Proof(_))), "{:?}", checked);
        }
    }
}

#[test]
fn two_sizes_without_the_beginning_of_the_larger_prove_nothing() {
    let signer = log("a.example/log/1", 1);
    let (one, other) = (leaves(0, false), leaves(0, true));
    let (ten, twenty) = (checkpoint(&one, 10, &signer), checkpoint(&other, 20, &signer));
    let checked = Fork::check(twenty.clone(), ten.clone(), None);
    assert_eq!(
        checked,
        Err(ForkError::NoBeginning {
            smaller: 10,
            larger: 20
        })
    );
    let twice = Fork::check(ten.clone(), checkpoint(&other, 10, &signer), None).unwrap();
    assert_eq!(twice.smaller().size(), 10);
    assert!(matches!(
        Fork::check(ten.clone(), ten.clone(), None),
        Err(ForkError::OneHistory { .. })
    ));
    let elsewhere = checkpoint(&other, 10, &log("b.example/log/1", 1));
    assert!(matches!(
        Fork::check(ten.clone(), elsewhere, None),
        Err(ForkError::Origins { .. })
    ));
    // Under another key it is somebody else's word.
    let note = |checkpoint: &Checkpoint| checkpoint.note().to_string();
    let stranger = note(&checkpoint(&other, 10, &log("a.example/log/1", 2)));
    let read = Fork::read([note(&ten).as_bytes(), stranger.as_bytes()], None, signer.verifier());
    assert!(matches!(read, Err(ForkError::Checkpoint(_))), "{read:?}");
}

#[test]
fn a_text_that_is_no_beginning_is_refused() {
    let good = beginning(&leaves(0, false), 10, 20).to_string();
    assert!(Beginning::parse(good.as_bytes()).is_ok());
    let line = good.lines().next_back().unwrap();
    for wrong in [
        String::new(),
        "herleid-beginning/1\n".to_owned(),
        good.trim_end().to_owned(),
        good.replace("/1\n", "/2\n"),
        good.replace(line, &line[1..]),
        format!("{good}\n"),
        format!("{good}{}", format!("{line}\n").repeat(64)),
    ] {
        assert!(Beginning::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert!(Beginning::parse(&[0xff, b'\n']).is_err());
}
