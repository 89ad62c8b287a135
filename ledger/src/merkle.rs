//! The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1): hashes, proofs, and the right edge that appends need.
//!
//! Everything here is a pure function. Proof builders read the hashes of complete subtrees through [`Nodes`], so that the
//! same code serves a tree in memory, the batch that was just written, and the tiles of a store.

use crate::sha;
use sha2::{Digest, Sha256};

/// A SHA-256 hash: a leaf, a node or a root.
pub type Hash = [u8; 32];

/// More hashes than any proof for a tree of fewer than 2^64 leaves has (RFC 9162, section 2.1.3 and 2.1.4).
pub const MAX_PROOF_HASHES: usize = 65;

/// Why a proof does not prove what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf's index lies outside of the tree.
    #[error("index `{index}` lies outside of a tree of {size} leaves")]
    IndexOutside {
        /// The index asked for.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The older tree is larger than the newer.
    #[error("a tree of {to} leaves cannot extend one of {from}")]
    Shrunk {
        /// Leaves in the older tree.
        from: u64,
        /// Leaves in the newer tree.
        to: u64,
    },
    /// The proof has too few or too many hashes for this place in this tree.
    #[error("the proof has {found} hashes, which does not fit this place in the tree")]
    Length {
        /// Hashes found.
        found: usize,
    },
    /// The proof leads to another root than the given one.
    #[error("the proof leads to another root than the checkpoint's")]
    Root,
    /// The proof leads to another root of the older tree than the given one.
    #[error("the proof leads to another root of the older tree than the one that was known")]
    OldRoot,
}

/// Hash of a leaf: `SHA-256(0x00 | entry)` (RFC 6962, section 2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha::leaf(entry)
}

/// Hash of an inner node: `SHA-256(0x01 | left | right)` (RFC 6962, section 2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha::node(left, right)
}

/// Root of the tree without leaves: `SHA-256("")` (RFC 6962, section 2.1).
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Root of the tree over `leaves`, which are leaf hashes.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.append(*leaf, |_, _, _| {});
    }
    frontier.root()
}

/// Gives the hashes of complete subtrees.
pub trait Nodes {
    /// What reading can fail with.
    type Error;

    /// Hash of the complete subtree over the leaves `index * 2^level` to `(index + 1) * 2^level`.
    ///
    /// # Errors
    /// When the store cannot give it. Asked for a subtree that is not complete, an implementation gives an error too.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;

    /// Hash of the leaves from `from` to the end of a tree of `size`, no complete subtree, if it is at hand: proofs of many records of one
    /// tree need the same ones.
    fn end(&self, from: u64, size: u64) -> Option<Hash> {
        let _ = (from, size);
        None
    }
}

/// Largest power of two below `n`; `n` is at least 2 (RFC 6962, section 2.1, `k`).
const fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// Hash of the leaves `from` to `to`, where `from` is a multiple of the smallest power of two that spans the range.
fn range_hash<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let n = to - from;
    if n.is_power_of_two() {
        // At most 63, so it fits.
        let level = n.trailing_zeros() as u8;
        return nodes.node(level, from >> level);
    }
    if let Some(known) = nodes.end(from, to) {
        return Ok(known);
    }
    let middle = from + split(n);
    Ok(node_hash(
        &range_hash(nodes, from, middle)?,
        &range_hash(nodes, middle, to)?,
    ))
}

/// Root of the tree of the first `size` leaves.
///
/// # Errors
/// What `nodes` fails with.
pub fn root_at<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 {
        Ok(empty_root())
    } else {
        range_hash(nodes, 0, size)
    }
}

/// Inclusion proof of leaf `index` in the tree of the first `size` leaves, leaf to root (RFC 9162, section 2.1.3.1).
/// Empty when `index` is not below `size`: such a proof verifies for no leaf.
///
/// # Errors
/// What `nodes` fails with.
pub fn inclusion_proof<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    // One hash for each level at most.
    let mut path = Vec::with_capacity(64 - size.leading_zeros() as usize);
    if index >= size {
        return Ok(path);
    }
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range_hash(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range_hash(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Consistency proof from the tree of the first `from` leaves to that of the first `to` (RFC 9162, section 2.1.4.1).
/// Empty when `from` is 0 or equals `to`, and when `from` is above `to`: the latter verifies nowhere.
///
/// # Errors
/// What `nodes` fails with.
pub fn consistency_proof<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    if from == 0 || from >= to {
        return Ok(path);
    }
    let (mut low, mut high) = (0, to);
    // Whether the part looked at is still a prefix of the older tree as a whole, whose root the reader knows.
    let mut whole = true;
    while high != from {
        let middle = low + split(high - low);
        if from <= middle {
            path.push(range_hash(nodes, middle, high)?);
            high = middle;
        } else {
            path.push(range_hash(nodes, low, middle)?);
            low = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(range_hash(nodes, low, high)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves with this `root` (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// Says what does not fit.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if root_from_inclusion(leaf, index, size, proof)? == *root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// The root that an inclusion proof leads to: of a receipt whose root is signed and not said. It proves nothing by itself.
///
/// # Errors
/// When the index lies outside, or the proof's length does not fit.
pub fn root_from_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash]) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutside { index, size });
    }
    let length = ProofError::Length { found: proof.len() };
    let (mut place, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(length);
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length);
    }
    Ok(hash)
}

/// Checks that the tree of `to` leaves with `to_root` begins with that of `from` leaves with `from_root`
/// (RFC 9162, section 2.1.4.2). Every tree extends the empty one.
///
/// # Errors
/// Says what does not fit.
pub fn verify_consistency(
    from: u64,
    to: u64,
    proof: &[Hash],
    from_root: &Hash,
    to_root: &Hash,
) -> Result<(), ProofError> {
    if from > to {
        return Err(ProofError::Shrunk { from, to });
    }
    let length = ProofError::Length { found: proof.len() };
    if from == 0 || from == to {
        let old = if from == 0 { &empty_root() } else { to_root };
        return match (proof.is_empty(), old == from_root) {
            (false, _) => Err(length),
            (true, false) => Err(ProofError::OldRoot),
            (true, true) => Ok(()),
        };
    }
    // A power of two is a complete subtree of the newer tree, whose hash the proof therefore leaves out.
    let (first, rest) = if from.is_power_of_two() {
        (from_root, proof)
    } else {
        proof.split_first().ok_or(length)?
    };
    let (mut place, mut last) = (from - 1, to - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(length);
        }
        if place & 1 == 1 || place == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length);
    }
    if old != *from_root {
        return Err(ProofError::OldRoot);
    }
    if new == *to_root { Ok(()) } else { Err(ProofError::Root) }
}

/// The right edge: roots of the complete subtrees that the leaves so far make up, largest (leftmost) first.
/// All that appending needs; at most 64 hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

impl Frontier {
    /// The edge of a tree of `size` leaves.
    ///
    /// # Errors
    /// `edge` must have one hash for each bit that is set in `size`.
    pub fn new(size: u64, edge: Vec<Hash>) -> Result<Self, ProofError> {
        if edge.len() == size.count_ones() as usize {
            Ok(Self { size, edge })
        } else {
            Err(ProofError::Length { found: edge.len() })
        }
    }

    /// Reads the edge of the first `size` leaves from a tree.
    ///
    /// # Errors
    /// What `nodes` fails with.
    pub fn read<N: Nodes>(nodes: &N, size: u64) -> Result<Self, N::Error> {
        let levels = (0..64u8).rev().filter(|level| size >> level & 1 == 1);
        // The complete subtree of a level ends where the higher bits of the size end.
        let edge = levels
            .map(|level| nodes.node(level, (size >> level) - 1))
            .collect::<Result<_, _>>()?;
        Ok(Self { size, edge })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes, largest subtree first.
    #[must_use]
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// Hash of the complete subtree at `level` in the edge, if there is one.
    #[must_use]
    pub fn at(&self, level: u8) -> Option<&Hash> {
        if level > 63 || self.size >> level & 1 == 0 {
            return None;
        }
        let larger = (self.size >> level >> 1).count_ones() as usize;
        self.edge.get(larger)
    }

    /// Appends a leaf and calls `made(level, index, hash)` for each subtree that this completes, the leaf (level 0) first.
    pub fn append(&mut self, leaf: Hash, mut made: impl FnMut(u8, u64, Hash)) {
        let (mut hash, mut index, mut level) = (leaf, self.size, 0u8);
        made(level, index, hash);
        while index & 1 == 1 {
            // One hash per set bit: the odd index says that there is a left neighbour of the same size.
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
            index >>= 1;
            level += 1;
            made(level, index, hash);
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.ends().last().map_or_else(empty_root, |(_, root)| root)
    }

    /// The hashes of the tree's ends, each from where a subtree of the edge begins: smallest first, the whole tree last.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (u64, Hash)> + '_ {
        let levels = (0..64u8).filter(|level| self.size >> level & 1 == 1);
        let smallest_first = levels.zip(self.edge.iter().rev());
        smallest_first.scan((self.size, None), |(from, right), (level, left)| {
            *from -= 1 << level;
            let hash = right.map_or(*left, |right| node_hash(left, &right));
            *right = Some(hash);
            Some((*from, hash))
        })
    }
}
