//! Roots and proofs against `ct-merkle` and `tlog_tiles`.

use crate::{Leaves, entries};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use herleid_ledger::merkle::{
    Frontier, Hash, Nodes, ProofError, consistency_proof, empty_root, inclusion_proof, leaf_hash, root, root_at,
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use sha2::Sha256;
use std::collections::HashMap;

fn tree(count: u64) -> (Leaves, MemoryBackedTree<Sha256, [u8; 33]>) {
    let mut theirs = MemoryBackedTree::new();
    let mut ours = Vec::new();
    for entry in entries(count) {
        ours.push(leaf_hash(&entry));
        theirs.push(entry);
    }
    (Leaves(ours), theirs)
}

fn joined(proof: &[Hash]) -> Vec<u8> {
    proof.concat()
}

#[test]
fn the_empty_tree_has_the_hash_of_nothing() {
    // RFC 6962, section 2.1: SHA-256 of the empty string.
    let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hex::encode(empty_root()), expected);
    assert_eq!(root(&[]), empty_root());
    assert_eq!(Frontier::default().root(), empty_root());
}

#[test]
fn every_small_tree_has_the_roots_and_proofs_of_ct_merkle() {
    for size in 1..=70u64 {
        let (ours, theirs) = tree(size);
        let their_root = theirs.root();
        let our_root = root(&ours.0);
        assert_eq!(our_root[..], their_root.as_bytes()[..]);
        assert_eq!(root_at(&ours, size).unwrap(), our_root);
        for index in 0..size {
            let proof = inclusion_proof(&ours, index, size).unwrap();
            assert_eq!(joined(&proof), theirs.prove_inclusion(index as usize).as_bytes());
            verify_inclusion(&ours.0[index as usize], index, size, &proof, &our_root).unwrap();
        }
        for from in 1..=size {
            let proof = consistency_proof(&ours, from, size).unwrap();
            let expected = theirs.prove_consistency((size - from) as usize);
            assert_eq!(joined(&proof), expected.as_bytes(), "{from} to {size}");
            let old_root = root_at(&ours, from).unwrap();
            verify_consistency(from, size, &proof, &old_root, &our_root).unwrap();
        }
    }
}

#[test]
fn every_tree_extends_the_empty_one_without_a_proof() {
    let (ours, _) = tree(5);
    let to_root = root(&ours.0);
    verify_consistency(0, 5, &[], &empty_root(), &to_root).unwrap();
    verify_consistency(0, 0, &[], &empty_root(), &empty_root()).unwrap();
    assert!(verify_consistency(0, 5, &[to_root], &empty_root(), &to_root).is_err());
    assert_eq!(
        verify_consistency(0, 5, &[], &to_root, &to_root),
        Err(ProofError::OldRoot)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn larger_trees_agree_with_ct_merkle(size in 1u64..2000, a in any::<u64>(), b in any::<u64>()) {
        let (ours, theirs) = tree(size);
        let our_root = root(&ours.0);
        let their_root = theirs.root();
        prop_assert_eq!(&our_root[..], &their_root.as_bytes()[..]);
        let index = a % size;
        let proof = inclusion_proof(&ours, index, size).unwrap();
        let expected = theirs.prove_inclusion(index as usize);
        prop_assert_eq!(joined(&proof), expected.as_bytes());
        let from = b % size + 1;
        let proof = consistency_proof(&ours, from, size).unwrap();
        let expected = theirs.prove_consistency((size - from) as usize);
        prop_assert_eq!(joined(&proof), expected.as_bytes());
        let old_root = root_at(&ours, from).unwrap();
        prop_assert!(verify_consistency(from, size, &proof, &old_root, &our_root).is_ok());
    }

    #[test]
    fn a_proof_with_any_bit_flipped_proves_nothing(size in 2u64..600, a in any::<u64>(), bit in any::<usize>()) {
        let (ours, _) = tree(size);
        let our_root = root(&ours.0);
        let index = a % size;
        let mut proof = inclusion_proof(&ours, index, size).unwrap();
        let at = bit % (proof.len() * 256);
        proof[at / 256][at % 256 / 8] ^= 1 << (at % 8);
        let leaf = &ours.0[index as usize];
        prop_assert_eq!(verify_inclusion(leaf, index, size, &proof, &our_root), Err(ProofError::Root));

        let from = a % (size - 1) + 1;
        let old_root = root_at(&ours, from).unwrap();
        let mut proof = consistency_proof(&ours, from, size).unwrap();
        let at = bit % (proof.len() * 256);
        proof[at / 256][at % 256 / 8] ^= 1 << (at % 8);
        prop_assert!(verify_consistency(from, size, &proof, &old_root, &our_root).is_err());
    }

    #[test]
    fn proofs_of_another_length_or_place_are_refused(size in 2u64..600, a in any::<u64>()) {
        let (ours, _) = tree(size);
        let our_root = root(&ours.0);
        let index = a % size;
        let leaf = &ours.0[index as usize];
        let proof = inclusion_proof(&ours, index, size).unwrap();
        prop_assert!(verify_inclusion(leaf, (index + 1) % size, size, &proof, &our_root).is_err());
        prop_assert!(verify_inclusion(leaf, size, size, &proof, &our_root).is_err());
        prop_assert!(verify_inclusion(leaf, index, size, &proof[1..], &our_root).is_err());
        let longer = [proof.clone(), vec![our_root]].concat();
        prop_assert!(verify_inclusion(leaf, index, size, &longer, &our_root).is_err());

        let from = a % (size - 1) + 1;
        let old_root = root_at(&ours, from).unwrap();
        let proof = consistency_proof(&ours, from, size).unwrap();
        let longer = [proof.clone(), vec![our_root]].concat();
        prop_assert!(verify_consistency(from, size, &longer, &old_root, &our_root).is_err());
        prop_assert!(verify_consistency(from, size, &proof[1..], &old_root, &our_root).is_err());
        prop_assert!(verify_consistency(from, size, &[], &old_root, &our_root).is_err());
        prop_assert!(verify_consistency(size, from, &proof, &our_root, &old_root).is_err());
    }

    #[test]
    fn the_frontier_is_the_tree(size in 0u64..1500) {
        let (ours, _) = tree(size);
        let mut frontier = Frontier::default();
        let mut nodes = HashMap::new();
        for leaf in &ours.0 {
            frontier.append(*leaf, |level, index, hash| {
                assert!(nodes.insert((level, index), hash).is_none(), "made twice");
            });
        }
        prop_assert_eq!(frontier.size(), size);
        prop_assert_eq!(frontier.root(), root_at(&ours, size).unwrap());
        prop_assert_eq!(&Frontier::read(&ours, size).unwrap(), &frontier);
        prop_assert_eq!(&Frontier::new(size, frontier.edge().to_vec()).unwrap(), &frontier);
        for level in 0..11u8 {
            for index in 0..size >> level {
                let made = nodes.remove(&(level, index));
                prop_assert_eq!(made, Some(ours.node(level, index).unwrap()));
            }
            let in_edge = (size >> level & 1 == 1).then(|| ours.node(level, (size >> level) - 1).unwrap());
            prop_assert_eq!(frontier.at(level).copied(), in_edge);
        }
        prop_assert!(nodes.is_empty(), "made a subtree that is not complete");
    }

    #[test]
    fn tlog_tiles_believes_our_proofs(size in 1u64..800, a in any::<u64>(), b in any::<u64>()) {
        let (ours, _) = tree(size);
        let theirs = |hashes: Vec<Hash>| -> Vec<tlog_tiles::Hash> { hashes.into_iter().map(tlog_tiles::Hash).collect() };
        let our_root = tlog_tiles::Hash(root(&ours.0));
        let index = a % size;
        let proof = theirs(inclusion_proof(&ours, index, size).unwrap());
        let leaf = tlog_tiles::Hash(ours.0[index as usize]);
        prop_assert!(tlog_tiles::check_record(&proof, size, our_root, index, leaf).is_ok());
        let from = b % size + 1;
        let proof = theirs(consistency_proof(&ours, from, size).unwrap());
        let old_root = tlog_tiles::Hash(root_at(&ours, from).unwrap());
        prop_assert!(tlog_tiles::check_tree(&proof, size, our_root, from, old_root).is_ok());
    }
}
