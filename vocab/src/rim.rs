//! Clock and randomness, passed in from the rim so that tests own both and a failing run can be repeated.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// UTC milliseconds since 1970-01-01T00:00:00Z. May step backwards; callers that need order must see to it.
    fn now_ms(&self) -> u64;
}

/// Gives unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with bytes fit for keys. Must not return with fewer: an implementation that cannot, ends the process.
    fn fill(&self, buffer: &mut [u8]);

    /// Thirty-two fresh bytes, the size of every key and salt in Herleid.
    fn bytes32(&self) -> [u8; 32] {
        let mut bytes = [0u8; 32];
        self.fill(&mut bytes);
        bytes
    }
}

/// A clock that a test sets; never for production.
#[derive(Debug)]
pub struct FixedClock(AtomicU64);

impl FixedClock {
    /// Starts at `now_ms`.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self(AtomicU64::new(now_ms))
    }

    /// Moves the clock to `now_ms`, also backwards.
    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }

    /// Moves the clock on by `ms`.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A reproducible stream of bytes from a seed, for tests; **predictable**, never for production.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// Starts the stream that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // SplitMix64: enough spread for tests, and seen at a glance not to be cryptographic.
        let mut state = match self.0.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        };
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            for (to, from) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *to = from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_bytes_repeat_and_differ_by_seed() {
        assert_eq!(SeededEntropy::new(7).bytes32(), SeededEntropy::new(7).bytes32());
        assert_ne!(SeededEntropy::new(7).bytes32(), SeededEntropy::new(8).bytes32());
        let one = SeededEntropy::new(7);
        assert_ne!(one.bytes32(), one.bytes32());
    }

    #[test]
    fn the_fixed_clock_steps_both_ways() {
        let clock = FixedClock::new(1000);
        clock.advance(5);
        assert_eq!(clock.now_ms(), 1005);
        clock.set(3);
        assert_eq!(clock.now_ms(), 3);
    }
}
