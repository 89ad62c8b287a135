//! The tree in the store: tiles in pieces, one piece for each batch that touched the tile.
//!
//! A piece is written once and never again, so a tile costs its hashes and not a rewrite per batch; only hashes of levels
//! 0, 8, 16... are kept, the ones between are made again from their tile (at most 255 hashes).

use crate::error::LedgerError;
use crate::merkle::{Hash, Nodes, node_hash};
use crate::store::rocks::{Batch, Part, Rocks};
use crate::tile::{ENTRY_BYTES, FULL_WIDTH};
use std::cell::RefCell;
use std::collections::HashMap;

const FULL: u64 = FULL_WIDTH as u64;

/// Where the entries lie, beside the levels 0 to 7 of hashes.
const ENTRIES: u8 = 0xFF;

fn tile_prefix(level: u8, tile: u64) -> Vec<u8> {
    let mut key = vec![level];
    key.extend_from_slice(&tile.to_be_bytes());
    key
}

/// Writes consecutive items of a level, from `first` on, cut where tiles end.
fn put_pieces<const N: usize>(
    batch: &mut Batch<'_>,
    level: u8,
    first: u64,
    items: &[[u8; N]],
) -> Result<(), LedgerError> {
    let mut first = first;
    let mut items = items;
    while !items.is_empty() {
        let room = FULL - first % FULL;
        let (piece, rest) = items.split_at(items.len().min(room as usize));
        let mut key = tile_prefix(level, first / FULL);
        // Below 256, so it fits.
        key.push((first % FULL) as u8);
        batch.put(Part::Tiles, &key, piece.as_flattened())?;
        first += piece.len() as u64;
        items = rest;
    }
    Ok(())
}

/// Writes the hashes of a tile level: roots of complete subtrees of `256^level` leaves, from number `first` on.
pub(crate) fn put_hashes(batch: &mut Batch<'_>, level: u8, first: u64, hashes: &[Hash]) -> Result<(), LedgerError> {
    put_pieces(batch, level, first, hashes)
}

/// Writes entries, from index `first` on.
pub(crate) fn put_entries(batch: &mut Batch<'_>, first: u64, entries: &[[u8; ENTRY_BYTES]]) -> Result<(), LedgerError> {
    put_pieces(batch, ENTRIES, first, entries)
}

fn read_pieces<const N: usize>(log: &Rocks, level: u8, tile: u64, width: u16) -> Result<Vec<[u8; N]>, LedgerError> {
    let mut items: Vec<[u8; N]> = Vec::new();
    let mut in_order = true;
    log.scan(Part::Tiles, &tile_prefix(level, tile), |offset, piece| {
        let (whole, rest) = piece.as_chunks::<N>();
        in_order =
            rest.is_empty() && offset.len() == 1 && offset.first().map(|at| usize::from(*at)) == Some(items.len());
        items.extend_from_slice(whole);
        in_order && items.len() < usize::from(width)
    })?;
    if !in_order || items.len() < usize::from(width) {
        let kind = if level == ENTRIES {
            "entries".to_owned()
        } else {
            format!("hashes of level {level}")
        };
        log.suspect();
        return Err(LedgerError::Corrupt {
            dir: log.dir().to_owned(),
            what: format!("tile {tile} of {kind}"),
            expected: format!("at least {width} items in unbroken pieces"),
            found: format!("{} items", items.len()),
        });
    }
    items.truncate(usize::from(width));
    Ok(items)
}

/// The first `width` hashes of a tile.
pub(crate) fn hashes(log: &Rocks, level: u8, tile: u64, width: u16) -> Result<Vec<Hash>, LedgerError> {
    read_pieces(log, level, tile, width)
}

/// The first `width` entries of a bundle.
pub(crate) fn entries(log: &Rocks, tile: u64, width: u16) -> Result<Vec<[u8; ENTRY_BYTES]>, LedgerError> {
    read_pieces(log, ENTRIES, tile, width)
}

/// The stored tree of the first `size` leaves; keeps the tiles that it has read, for one proof or one check.
pub(crate) struct StoredTree<'a> {
    log: &'a Rocks,
    size: u64,
    read: RefCell<HashMap<(u8, u64), Vec<Hash>>>,
}

impl<'a> StoredTree<'a> {
    pub(crate) fn new(log: &'a Rocks, size: u64) -> Self {
        let read = RefCell::new(HashMap::new());
        Self { log, size, read }
    }
}

impl Nodes for StoredTree<'_> {
    type Error = LedgerError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, LedgerError> {
        let (tile_level, within) = (level / 8, level % 8);
        // The subtree is made of 2^within neighbouring hashes of one tile.
        let first = index << within;
        let (tile, offset) = (first / FULL, (first % FULL) as usize);
        let count = 1usize << within;
        let mut read = self.read.borrow_mut();
        let hashes = match read.entry((tile_level, tile)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                let in_level = self.size >> (8 * u32::from(tile_level));
                let width = in_level.saturating_sub(tile * FULL).min(FULL) as u16;
                unknown.insert(hashes(self.log, tile_level, tile, width)?)
            }
        };
        let mut row = hashes
            .get(offset..offset + count)
            .map(<[Hash]>::to_vec)
            .unwrap_or_default();
        while row.len() > 1 {
            row = row
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect();
        }
        row.first().copied().ok_or_else(|| LedgerError::Corrupt {
            dir: self.log.dir().to_owned(),
            what: format!("the tree at level {level}, node {index}"),
            expected: format!("a complete subtree within {} leaves", self.size),
            found: "no such subtree".to_owned(),
        })
    }
}
