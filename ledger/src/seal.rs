//! Sealing what is short: ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305.
//!
//! The general implementation asks the cipher for the tag's key first, then for whole blocks, then for the last one; each of these makes
//! four blocks and keeps one. Here all blocks are made at once, which halves the time for a section. What is sealed here is opened by the
//! general one.

use crate::secret::{Secret, wipe};
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};
use chacha20::{ChaCha20, R20, hchacha};
use poly1305::universal_hash::{KeyInit as _, UniversalHash as _};
use poly1305::{Block, Poly1305};

/// Bytes of a block of the cipher, the first of which makes the tag's key (RFC 8439, section 2.6).
const BLOCK: usize = 64;
/// The cipher makes so many bytes in the time of one block.
const AT_ONCE: usize = 4 * BLOCK;
/// A section of usual size is sealed without memory from the heap.
const USUAL: usize = 2 * AT_ONCE;
const TAG_BYTES: usize = 16;

/// Appends ciphertext and tag (RFC 8439, section 2.8); `None` when the text is longer than the cipher can take. No key may be used twice
/// with one nonce.
pub(crate) fn seal_onto(
    to: &mut Vec<u8>,
    key: &[u8; 32],
    nonce: &[u8; 12],
    associated: &[u8],
    text: &[u8],
) -> Option<()> {
    let end = BLOCK.checked_add(text.len())?;
    let room = end.checked_next_multiple_of(AT_ONCE)?;
    let (mut short, mut long);
    let stream = if room <= USUAL {
        short = [0u8; USUAL];
        short.get_mut(..room)?
    } else {
        long = vec![0; room];
        long.as_mut_slice()
    };
    stream.get_mut(BLOCK..end)?.copy_from_slice(text);
    let mut cipher = ChaCha20::new(key.into(), nonce.into());
    // Behind the text lies key stream that nothing else is ever hidden by.
    cipher.try_apply_keystream(stream).ok()?;
    let (first, rest) = stream.split_first_chunk_mut::<BLOCK>()?;
    let mut mac = Poly1305::new(first.first_chunk::<32>()?.into());
    wipe(first);
    let hidden = rest.get(..text.len())?;
    mac.update_padded(associated);
    mac.update_padded(hidden);
    let lengths = [associated.len() as u64, text.len() as u64].map(u64::to_le_bytes);
    let mut last = Block::default();
    last.copy_from_slice(lengths.as_flattened());
    mac.update(&[last]);
    to.reserve(text.len() + TAG_BYTES);
    to.extend_from_slice(hidden);
    to.extend_from_slice(&mac.finalize());
    Some(())
}

/// [`seal_onto`] by itself.
pub(crate) fn seal(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mut sealed = Vec::with_capacity(text.len() + TAG_BYTES);
    seal_onto(&mut sealed, key, nonce, associated, text)?;
    Some(sealed)
}

/// Bytes of a nonce that is long enough to be drawn at random (draft-irtf-cfrg-xchacha-03, section 2.3).
pub(crate) const NONCE_BYTES: usize = 24;

/// XChaCha20-Poly1305 under nonces that begin with the same 16 bytes: these make a key of their own, once for all of them.
pub(crate) struct Extended(Secret<32>);

impl Extended {
    pub(crate) fn new(key: &[u8; 32], first: &[u8; 16]) -> Self {
        Self(Secret::new(hchacha::<R20>(key.into(), first.into()).into()))
    }

    /// Appends ciphertext and tag under the nonce that ends with these bytes. None may be used twice with the same beginning.
    pub(crate) fn seal_onto(&self, to: &mut Vec<u8>, rest: &[u8; 8], associated: &[u8], text: &[u8]) -> Option<()> {
        let mut short = [0; 12];
        *short.last_chunk_mut::<8>()? = *rest;
        seal_onto(to, &self.0, &short, associated, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chacha20poly1305::aead::{Aead as _, Payload};
    use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_another_implementation_seals(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 12]>(),
            long in any::<[u8; 24]>(),
            aad in prop::collection::vec(any::<u8>(), 0..100),
            msg in prop::collection::vec(any::<u8>(), 0..700),
        ) {
            let payload = || Payload { msg: &msg, aad: &aad };
            let other = ChaCha20Poly1305::new(&key.into()).encrypt(&nonce.into(), payload()).unwrap();
            prop_assert_eq!(seal(&key, &nonce, &aad, &msg), Some(other));
            let other = XChaCha20Poly1305::new(&key.into()).encrypt(&long.into(), payload()).unwrap();
            let (first, rest) = long.split_first_chunk::<16>().unwrap();
            let mut sealed = vec![1];
            Extended::new(&key, first).seal_onto(&mut sealed, rest.first_chunk().unwrap(), &aad, &msg).unwrap();
            prop_assert_eq!(&sealed[1..], other.as_slice());
        }
    }
    #[test]
    fn every_length_around_what_is_made_at_once_is_sealed_alike() {
        let text = [0x5a; 1100];
        for length in (0..70)
            .chain(180..200)
            .chain(250..270)
            .chain(440..460)
            .chain([1023, 1024, 1025, 1100])
        {
            let msg = &text[..length];
            let other = ChaCha20Poly1305::new(&[1; 32].into()).encrypt(&[2; 12].into(), Payload { msg, aad: b"aad" });
            assert_eq!(seal(&[1; 32], &[2; 12], b"aad", msg), Some(other.unwrap()), "{length}");
        }
    }
}
