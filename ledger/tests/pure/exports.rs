//! Proof files (C2SP tlog-proof) and COSE receipts (RFC 9942), each read back, and each bit of them changed.

use crate::{Leaves, entries};
use coset::{CborSerializable as _, CoseSign1, Label, TaggedCborSerializable as _, cbor::value::Value};
use ed25519_dalek::SigningKey;
use herleid_ledger::checkpoint::{Checkpoint, CheckpointBody};
use herleid_ledger::cose::{self, CoseError, Receipted, Statement};
use herleid_ledger::merkle::{Hash, inclusion_proof, leaf_hash, root};
use herleid_ledger::note::Signer;
use herleid_ledger::proof::{ProofFile, ProofFileError};
use proptest::prelude::*;

const ORIGIN: &str = "knmi.example/log/1";

fn log(seed: u8) -> Signer {
    Signer::ed25519(ORIGIN, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

fn receipted(index: u64) -> Receipted {
    let issuer = "did:web:knmi.example".to_owned();
    Receipted { issuer, index }
}

struct Tree {
    entries: Vec<[u8; 33]>,
    leaves: Leaves,
    checkpoint: Checkpoint,
}

fn tree(size: u64) -> Tree {
    let entries = entries(size);
    let leaves = Leaves(entries.iter().map(|entry| leaf_hash(entry)).collect());
    let body = CheckpointBody {
        origin: ORIGIN.to_owned(),
        size,
        root: root(&leaves.0),
    };
    Tree {
        checkpoint: body.sign(&log(1)).unwrap(),
        entries,
        leaves,
    }
}

impl Tree {
    fn path(&self, index: u64) -> Vec<Hash> {
        inclusion_proof(&self.leaves, index, self.checkpoint.size()).unwrap()
    }

    fn file(&self, index: u64) -> String {
        ProofFile::new(index, self.path(index), &self.checkpoint).to_string()
    }

    fn statement(&self, index: u64) -> Statement {
        Statement {
            issuer: "did:web:knmi.example".to_owned(),
            size: self.checkpoint.size(),
            index,
        }
    }

    fn receipt(&self, index: u64) -> Vec<u8> {
        cose::receipt(
            &log(1),
            &self.statement(index),
            &self.path(index),
            self.checkpoint.root(),
        )
        .unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_written_is_read_and_proves_its_entry_alone(size in 1u64..600, a in any::<u64>()) {
        let (tree, index) = (tree(size), a % size);
        let (entry, other) = (&tree.entries[index as usize], &tree.entries[((index + 1) % size) as usize]);
        let file = ProofFile::parse(tree.file(index).as_bytes()).unwrap();
        prop_assert_eq!(file.index(), index);
        prop_assert_eq!(&file.verify(entry, log(1).verifier()).unwrap(), &tree.checkpoint);
        prop_assert!(file.verify(entry, log(2).verifier()).is_err());
        let receipt = tree.receipt(index);
        prop_assert_eq!(cose::verify(&receipt, entry, log(1).verifier()), Ok(receipted(index)));
        prop_assert!(cose::verify(&receipt, entry, log(2).verifier()).is_err());
        if size > 1 {
            prop_assert!(file.verify(other, log(1).verifier()).is_err());
            prop_assert!(cose::verify(&receipt, other, log(1).verifier()).is_err());
        }
    }
}

#[test]
fn no_bit_of_either_can_be_changed() {
    let tree = tree(300);
    let entry = &tree.entries[77];
    let file = tree.file(77).into_bytes();
    let receipt = tree.receipt(77);
    let (mut unsigned, mut refused) = (0, 0);
    for at in 0..receipt.len() * 8 {
        let mut changed = receipt.clone();
        changed[at / 8] ^= 1 << (at % 8);
        // Of the tree's size only so much is signed as decides the path.
        match cose::verify(&changed, entry, log(1).verifier()) {
            Ok(proved) => {
                assert_eq!(proved, receipted(77), "bit {at} of the receipt");
                unsigned += 1;
            }
            Err(_) => refused += 1,
        }
    }
    // The size has two bytes in this receipt.
    assert!(
        unsigned <= 16 && unsigned + refused == receipt.len() * 8,
        "{unsigned} bits change nothing"
    );
    for at in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[at / 8] ^= 1 << (at % 8);
        let verified = ProofFile::parse(&changed).and_then(|file| file.verify(entry, log(1).verifier()));
        assert!(verified.is_err(), "bit {at} of the proof file");
    }
    for length in 0..receipt.len() {
        cose::verify(&receipt[..length], entry, log(1).verifier()).unwrap_err();
    }
    let longer = [&receipt[..], &[0]].concat();
    cose::verify(&longer, entry, log(1).verifier()).unwrap_err();
}

#[test]
fn proof_files_of_another_form_are_refused() {
    let file = tree(5).file(3);
    let refused = |text: &str, why: &str| {
        let error = ProofFile::parse(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    };
    refused("", "no blank line");
    refused(&file.replacen("@v1", "@v2", 1), "first line");
    refused(&file.replacen("index 3", "index 03", 1), "`index`");
    refused(&file.replacen("index 3\n", "", 1), "`index`");
    refused(&file.replacen("index 3\n", "index 3\nAAAA\n", 1), "32 bytes");
    refused(&file.replacen("index 3\n", "extra *\nindex 3\n", 1), "`extra`");
    let many = format!(
        "index 3\n{}",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(66)
    );
    refused(&file.replacen("index 3\n", &many, 1), "more hashes");
    refused(&"x".repeat(1 << 20), "longer than any proof");
    // What an `extra` line says is signed by nobody; it is read over.
    let extra = file.replacen("index 3", "extra aGk=\nindex 3", 1);
    let tree = tree(5);
    let parsed = ProofFile::parse(extra.as_bytes()).unwrap();
    parsed.verify(&tree.entries[3], log(1).verifier()).unwrap();
    let moved = ProofFile::parse(file.replacen("index 3", "index 2", 1).as_bytes()).unwrap();
    let refused = moved.verify(&tree.entries[3], log(1).verifier());
    assert!(
        matches!(refused, Err(ProofFileError::Inclusion { index: 2, .. })),
        "{refused:?}"
    );
}

/// A receipt changed in one way, with a signature that fits again where the change is in what is signed.
fn changed(change: impl FnOnce(&mut CoseSign1)) -> Result<Receipted, CoseError> {
    let tree = tree(5);
    let mut receipt = CoseSign1::from_tagged_slice(&tree.receipt(3)).unwrap();
    change(&mut receipt);
    cose::verify(&receipt.to_tagged_vec().unwrap(), &tree.entries[3], log(1).verifier())
}

#[test]
fn receipts_of_another_form_are_refused_before_their_signature_counts() {
    let refused = |result: Result<Receipted, CoseError>, why: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused(changed(|receipt| receipt.payload = Some(vec![0; 32])), "attached");
    let fresh = |receipt: &mut CoseSign1| receipt.protected.original_data = None;
    refused(
        changed(|receipt| {
            fresh(receipt);
            receipt.protected.header.alg = None;
        }),
        "EdDSA",
    );
    refused(
        changed(|receipt| {
            fresh(receipt);
            receipt
                .protected
                .header
                .rest
                .retain(|(label, _)| *label != Label::Int(395));
        }),
        "395",
    );
    refused(
        changed(|receipt| {
            fresh(receipt);
            receipt.protected.header.crit = vec![coset::RegisteredLabelWithPrivate::Text("new".to_owned())];
        }),
        "critical",
    );
    refused(
        changed(|receipt| {
            fresh(receipt);
            receipt
                .protected
                .header
                .rest
                .retain(|(label, _)| *label != Label::Int(15));
        }),
        "issuer",
    );
    refused(changed(|receipt| receipt.unprotected.rest.clear()), "396");
    // The last of three leaves has the path that the second of two would have: the subject tells them apart.
    let three = tree(3);
    let mut moved = CoseSign1::from_tagged_slice(&three.receipt(2)).unwrap();
    let path = three.path(2).iter().map(|hash| Value::Bytes(hash.to_vec())).collect();
    let proof = Value::Array(vec![Value::from(2), Value::from(1), Value::Array(path)]);
    let proof = Value::Array(vec![Value::Bytes(proof.to_vec().unwrap())]);
    moved.unprotected.rest = vec![(Label::Int(396), Value::Map(vec![(Value::from(-1), proof)]))];
    let moved = moved.to_tagged_vec().unwrap();
    refused(cose::verify(&moved, &three.entries[2], log(1).verifier()), "subject");
    for wrong in [
        Value::Map(vec![]),
        Value::Map(vec![(Value::from(-1), Value::Array(vec![]))]),
        Value::Map(vec![(Value::from(-1), Value::Array(vec![Value::from(1)]))]),
    ] {
        refused(
            changed(|receipt| receipt.unprotected.rest = vec![(Label::Int(396), wrong)]),
            "396",
        );
    }
    let witness = Signer::cosigner("witness.example/w", SigningKey::from_bytes(&[3; 32])).unwrap();
    let tree = tree(5);
    let made = cose::receipt(&witness, &tree.statement(3), &tree.path(3), tree.checkpoint.root());
    assert!(matches!(made, Err(CoseError::KeyType { .. })), "{made:?}");
    let read = cose::verify(&tree.receipt(3), &tree.entries[3], witness.verifier());
    assert!(matches!(read, Err(CoseError::KeyType { .. })), "{read:?}");
}
