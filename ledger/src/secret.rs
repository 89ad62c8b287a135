//! Bytes that are wiped from memory when they are dropped: at once, not byte by byte. A record has more than a hundred pieces of them.

use std::ops::{Deref, DerefMut};
use zeroize::optimization_barrier;

/// Overwrites with zeroes, also what nobody reads again.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // The compiler takes them for read from here on, so that it cannot leave out the write.
    optimization_barrier(bytes);
}

/// `N` secret bytes.
#[derive(Clone)]
pub(crate) struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    pub(crate) const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl<const N: usize> Deref for Secret<N> {
    type Target = [u8; N];

    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Secret<N> {
    fn deref_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wiped_reads_as_zeroes() {
        let mut bytes = [7; 100];
        wipe(&mut bytes[10..90]);
        assert_eq!((bytes[9], bytes[90]), (7, 7));
        assert_eq!(bytes[10..90], [0; 80]);
    }
}
