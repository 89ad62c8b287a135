//! Tiles and proofs as the ecosystem reads them.

use crate::rig::{note, open, terminated};
use herleid_ledger::merkle::{leaf_hash, root, verify_consistency, verify_inclusion};
use herleid_ledger::section::SectionName;
use herleid_ledger::tile::{hashes_at, parse_bundle};
use herleid_ledger::{At, Ledger};
use tlog_tiles::{Tile, TileHashReader, TileReader};

fn grown(dir: &std::path::Path, size: u64) -> Ledger {
    let ledger = open(dir, 1);
    // Batches of all sizes: threads come and go.
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let ledger = &ledger;
            let share = (size - 1) / 4 + u64::from(thread < (size - 1) % 4);
            scope.spawn(move || {
                for _ in 0..share {
                    ledger.append_blocking(note("x")).unwrap();
                }
            });
        }
    });
    assert_eq!(ledger.size(), size);
    ledger
}

/// Reads our tiles as a stranger does: by path, knowing only the checkpoint.
struct Served<'a>(&'a Ledger);

impl TileReader for Served<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| {
            let width = u16::try_from(tile.width()).unwrap();
            self.0
                .tile(tile.level(), tile.level_index(), width)
                .unwrap()
                .expect("a tile of the checkpoint")
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

#[test]
fn tiles_are_those_of_a_tlog_and_prove_what_the_checkpoint_says() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = grown(dir.path(), 700);
    let size = ledger.size();
    let checkpoint = ledger.checkpoint();
    let mut entries = Vec::new();
    for (tile, width) in [(0, 256), (1, 256), (2, 188)] {
        entries.extend(parse_bundle(&ledger.entries(tile, width).unwrap().unwrap()).unwrap());
    }
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!(root(&leaves), *checkpoint.root());
    assert_eq!(ledger.tile(0, 1, 256).unwrap().unwrap(), leaves[256..512].concat());
    assert_eq!(ledger.tile(0, 2, 7).unwrap().unwrap(), leaves[512..519].concat());
    let upper = [root(&leaves[..256]), root(&leaves[256..512])];
    assert_eq!(ledger.tile(1, 0, 2).unwrap().unwrap(), upper.concat());
    for (level, tile, width) in [
        (0, 2, 189),
        (0, 2, 256),
        (0, 3, 1),
        (1, 0, 3),
        (2, 0, 1),
        (64, 0, 1),
        (0, 0, 0),
        (0, 0, 257),
    ] {
        assert_eq!(ledger.tile(level, tile, width).unwrap(), None, "{level} {tile} {width}");
    }
    assert_eq!(ledger.entries(2, 189).unwrap(), None);
    assert_eq!(hashes_at(1, size), 2);

    // `tlog_tiles` authenticates every tile against the root before it gives a hash.
    let served = Served(&ledger);
    let reader = TileHashReader::new(size, tlog_tiles::Hash(*checkpoint.root()), &served);
    for index in [0, 1, 255, 256, 511, 512, 600, 699] {
        let theirs = tlog_tiles::prove_record(size, index, &reader).unwrap();
        let ours = ledger.inclusion(index, size).unwrap();
        assert_eq!(theirs.iter().map(|hash| hash.0).collect::<Vec<_>>(), ours);
        verify_inclusion(&leaves[index as usize], index, size, &ours, checkpoint.root()).unwrap();
    }
    for from in [1, 2, 255, 256, 257, 512, 699, 700] {
        let theirs = tlog_tiles::prove_tree(size, from, &reader).unwrap();
        let ours = ledger.consistency(from, size).unwrap();
        assert_eq!(theirs.iter().map(|hash| hash.0).collect::<Vec<_>>(), ours);
        let old_root = ledger.root_at(from).unwrap();
        assert_eq!(old_root, root(&leaves[..from as usize]));
        verify_consistency(from, size, &ours, &old_root, checkpoint.root()).unwrap();
    }
    assert!(ledger.consistency(5, 701).is_err() && ledger.consistency(6, 5).is_err());
    assert!(ledger.inclusion(5, 701).is_err() && ledger.inclusion(5, 5).is_err());

    let mut seen = Vec::new();
    let audited = ledger.verify_all(|done, all| seen.push((done, all))).unwrap();
    assert_eq!((audited.size, audited.root), (700, *checkpoint.root()));
    assert_eq!(seen, [(256, 700), (512, 700), (700, 700)]);
}

#[test]
fn older_sizes_stay_provable() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let mut checkpoints = vec![ledger.checkpoint()];
    for n in 0..60 {
        checkpoints.push(
            ledger
                .append_blocking(note(&n.to_string()))
                .unwrap()
                .checkpoint()
                .clone()
                .into(),
        );
    }
    for old in &checkpoints {
        assert_eq!(ledger.root_at(old.size()).unwrap(), *old.root());
        for new in checkpoints.iter().filter(|new| new.size() >= old.size()) {
            let proof = ledger.consistency(old.size(), new.size()).unwrap();
            verify_consistency(old.size(), new.size(), &proof, old.root(), new.root()).unwrap();
        }
    }
}

#[test]
fn a_record_is_handed_over_at_once_as_it_is_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 1);
    let open = [SectionName::Facts, SectionName::StreamAgreement, SectionName::Envelope];
    // Of trees of every form, and from each size before.
    for n in 1..40u64 {
        let draft = terminated(&format!("urn:a{n}")).once(format!("a{n}"), [1; 32]);
        let recorded = ledger.append_blocking(draft.clone().handed_over(&open)).unwrap();
        for from in (0..=n).map(Some).chain([None]) {
            let handed = ledger.hand_over_recorded(&recorded, &open, from).unwrap();
            assert_eq!(handed, ledger.hand_over(n, &open, from, At::Latest).unwrap());
            handed.verify(ledger.verifier()).unwrap();
        }
        let fewer = ledger.hand_over_recorded(&recorded, &open[..1], None).unwrap();
        assert_eq!(fewer, ledger.hand_over(n, &open[..1], None, At::Latest).unwrap());
        assert!(ledger.hand_over_recorded(&recorded, &open, Some(n + 2)).is_err());
        // One that was there before, and one of which nothing was to be handed over, are read.
        let again = ledger.append_blocking(draft.handed_over(&open)).unwrap();
        assert!(again.replayed());
        assert_eq!(ledger.hand_over_recorded(&again, &open, None).unwrap().index, n);
        assert_eq!(ledger.by_once(&format!("a{n}")).unwrap(), Some(n));
    }
    assert_eq!(ledger.by_once("a40").unwrap(), None);
    let plain = ledger.append_blocking(terminated("urn:plain")).unwrap();
    let handed = ledger.hand_over_recorded(&plain, &open, Some(3)).unwrap();
    assert_eq!(handed, ledger.hand_over(40, &open, Some(3), At::Latest).unwrap());
}
