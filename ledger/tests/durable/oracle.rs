//! Every root and proof that the stored log gives, at every size, against `ct-merkle`: what lies on disk in pieces, as batches of all sizes wrote
//! it and several openings read it, must be the one tree of RFC 9162.

use crate::rig::{note, open};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use herleid_ledger::Ledger;
use herleid_ledger::merkle::{Hash, leaf_hash, root, verify_consistency, verify_inclusion};
use herleid_ledger::tile::parse_bundle;
use proptest::prelude::*;
use sha2::Sha256;

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

/// Appends this many records, several at a time.
fn grow(ledger: &Ledger, by: u64) {
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let share = by / 3 + u64::from(thread < by % 3);
            scope.spawn(move || {
                for _ in 0..share {
                    ledger.append_blocking(note("x")).unwrap();
                }
            });
        }
    });
}

/// The entries of the log, from its bundles.
fn entries(ledger: &Ledger) -> Vec<Vec<u8>> {
    let size = ledger.size();
    let bundles = (0..size.div_ceil(256)).map(|index| {
        let width = u16::try_from((size - index * 256).min(256)).unwrap();
        parse_bundle(&ledger.entries(index, width).unwrap().unwrap()).unwrap()
    });
    bundles.flatten().map(|entry| entry.to_vec()).collect()
}

proptest! {
    // Each case syncs a few hundred times.
    #![proptest_config(ProptestConfig { cases: 5, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_stored_tree_is_that_of_ct_merkle(
        steps in prop::collection::vec((1u64..120, any::<bool>()), 1..6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = open(dir.path(), 1);
        for (seed, (by, reopen)) in (2u64..).zip(steps) {
            grow(&ledger, by);
            if reopen {
                drop(ledger);
                ledger = open(dir.path(), seed);
            }
        }
        let size = ledger.size();
        let entries = entries(&ledger);
        prop_assert_eq!(entries.len() as u64, size);
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let whole = *ledger.checkpoint().root();
        prop_assert_eq!(whole, root(&leaves));
        let mut theirs = Theirs::new();
        for (index, entry) in entries.into_iter().enumerate() {
            theirs.push(entry);
            // The tree as it was with so many records: its root and, in it, the proof of one record.
            let (now, leaf) = (index as u64 + 1, index / 2);
            let root_then = ledger.root_at(now).unwrap();
            let their_root = theirs.root();
            prop_assert_eq!(&root_then[..], &their_root.as_bytes()[..], "root of {}", now);
            let proof = ledger.inclusion(leaf as u64, now).unwrap();
            let expected = theirs.prove_inclusion(leaf);
            prop_assert_eq!(proof.concat(), expected.as_bytes(), "{} in {}", leaf, now);
        }
        for from in 1..=size {
            let proof = ledger.consistency(from, size).unwrap();
            let expected = theirs.prove_consistency((size - from) as usize);
            prop_assert_eq!(proof.concat(), expected.as_bytes(), "{} to {}", from, size);
            prop_assert!(verify_consistency(from, size, &proof, &ledger.root_at(from).unwrap(), &whole).is_ok());
            let index = from - 1;
            let proof = ledger.inclusion(index, size).unwrap();
            let expected = theirs.prove_inclusion(index as usize);
            prop_assert_eq!(proof.concat(), expected.as_bytes(), "{} in {}", index, size);
            prop_assert!(verify_inclusion(&leaves[index as usize], index, size, &proof, &whole).is_ok());
        }
    }
}
