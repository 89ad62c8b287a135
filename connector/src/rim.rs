//! The system's clock and randomness: the only place of this crate that reads either.

use herleid_vocab::rim::{Clock, Entropy};
use std::io::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        // A clock before 1970 reads as 1970: every validity check then fails closed, and records say `clockStepped`.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Milliseconds since it was made, which no step of the machine's clock changes: for ages, not for the time of day.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock(Instant);

impl SteadyClock {
    /// One that begins at nought now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SteadyClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The kernel's random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            // Keys from a failing generator would be worse than no service at all.
            // `eprintln!` would panic where nothing can be written, and others go on.
            let _ = writeln!(
                std::io::stderr(),
                "herleid: the operating system gives no randomness ({error}); stopping"
            );
            std::process::abort();
        }
    }
}
