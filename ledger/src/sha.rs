//! SHA-256 (FIPS 180-4) of what is short, and HMAC with it (RFC 2104): block by block, without the buffer that a general implementation
//! keeps for what is still to come, which takes longer than the blocks themselves. A record takes more than a hundred of them.

use crate::secret::wipe;
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use zeroize::optimization_barrier;

type State = [u32; 8];

/// FIPS 180-4, section 5.3.3.
const START: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

const BLOCK: usize = 64;

/// Leaves of shorter entries have one block: tag, entry, mark and eight bytes of length.
const USUAL_LEAF: usize = BLOCK - 9;

fn digest(state: &State) -> [u8; 32] {
    let mut digest = [0; 32];
    let (words, _) = digest.as_chunks_mut::<4>();
    words
        .iter_mut()
        .zip(state)
        .for_each(|(to, word)| *to = word.to_be_bytes());
    digest
}

/// SHA-256 of `0x01 | left | right`: an inner node of the tree.
pub(crate) fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let [most @ .., last] = right;
    let mut blocks = [[0; BLOCK]; 2];
    let [[tag, pair @ ..], [end, mark, .., bits_high, bits_low]] = &mut blocks;
    *tag = 0x01;
    let (to_left, to_right) = pair.split_at_mut(32);
    to_left.copy_from_slice(left);
    to_right.copy_from_slice(most);
    (*end, *mark) = (*last, 0x80);
    // 65 bytes.
    [*bits_high, *bits_low] = (65u16 * 8).to_be_bytes();
    let mut state = START;
    compress256(&mut state, &blocks);
    digest(&state)
}

/// SHA-256 of a text.
pub(crate) fn of(text: &[u8]) -> [u8; 32] {
    finish(START, 0, text)
}

/// SHA-256 of `0x00 | entry`: a leaf of the tree.
pub(crate) fn leaf(entry: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    let [_, text @ .., bits_high, bits_low] = &mut block;
    match text.get_mut(..=entry.len()).and_then(<[u8]>::split_last_mut) {
        // An entry of ours has 33 bytes.
        Some((mark, to)) if entry.len() < USUAL_LEAF => {
            to.copy_from_slice(entry);
            *mark = 0x80;
            // Below 64 bytes.
            [*bits_high, *bits_low] = ((1 + entry.len()) as u16 * 8).to_be_bytes();
            let mut state = START;
            compress256(&mut state, std::slice::from_ref(&block));
            digest(&state)
        }
        _ => Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into(),
    }
}

/// HMAC-SHA256 under one key: what the key alone leads to. Wiped from memory when dropped.
pub(crate) struct Keyed {
    inner: State,
    outer: State,
}

impl Drop for Keyed {
    fn drop(&mut self) {
        (self.inner, self.outer) = ([0; 8], [0; 8]);
        optimization_barrier(self);
    }
}

impl Keyed {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let state = |pad: u8| {
            let mut block = [pad; BLOCK];
            block.iter_mut().zip(key).for_each(|(to, byte)| *to ^= byte);
            let mut state = START;
            compress256(&mut state, std::slice::from_ref(&block));
            wipe(&mut block);
            state
        };
        Self {
            inner: state(0x36),
            outer: state(0x5c),
        }
    }

    pub(crate) fn mac(&self, text: &[u8]) -> [u8; 32] {
        finish(self.outer, BLOCK, &finish(self.inner, BLOCK, text))
    }
}

/// The digest of what led to `state`, which has `before` bytes in whole blocks, and `text`.
fn finish(mut state: State, before: usize, text: &[u8]) -> [u8; 32] {
    let (whole, rest) = text.as_chunks::<BLOCK>();
    compress256(&mut state, whole);
    let mut last = [0; 2 * BLOCK];
    let (to, after) = last.split_at_mut(rest.len());
    to.copy_from_slice(rest);
    if let Some(mark) = after.first_mut() {
        *mark = 0x80;
    }
    let bits = (before + text.len()) as u64 * 8;
    let (blocks, _) = last.as_chunks_mut::<BLOCK>();
    // The mark and the length follow in the same block, if both fit.
    let used = if rest.len() < BLOCK - 8 { 1 } else { 2 };
    let (used, _) = blocks.split_at_mut(used);
    if let Some(length) = used.as_flattened_mut().last_chunk_mut::<8>() {
        *length = bits.to_be_bytes();
    }
    compress256(&mut state, used);
    // It may have been a key.
    wipe(used.as_flattened_mut());
    let made = digest(&state);
    state = [0; 8];
    optimization_barrier(&state);
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use proptest::prelude::*;

    fn general(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
        let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        hmac.update(text);
        hmac.finalize().into_bytes().into()
    }

    proptest! {
        #[test]
        fn it_is_what_another_implementation_gives(key in any::<[u8; 32]>(), other in any::<[u8; 32]>(), text in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(Keyed::new(&key).mac(&text), general(&key, &text));
            let node_of = Sha256::new().chain_update([0x01]).chain_update(key).chain_update(other).finalize();
            prop_assert_eq!(node(&key, &other).to_vec(), node_of.to_vec());
            prop_assert_eq!(of(&text).to_vec(), Sha256::digest(&text).to_vec());
        }
    }

    #[test]
    fn every_length_around_a_block_is_padded_as_the_standard_says() {
        let text = [0xa5; 200];
        for length in 0..text.len() {
            assert_eq!(
                Keyed::new(&[3; 32]).mac(&text[..length]),
                general(&[3; 32], &text[..length]),
                "{length}"
            );
            let general = Sha256::new().chain_update([0]).chain_update(&text[..length]).finalize();
            assert_eq!(leaf(&text[..length]).as_slice(), general.as_slice(), "{length}");
        }
    }
}
