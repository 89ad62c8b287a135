//! Tokens that were used: remembered until they expire, also across a restart.

use crate::state::Change;
use herleid_credentials::replay::ReplayKey;
use herleid_ledger::Ledger;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const PREFIX: &str = "token/";
/// Least time between two sweeps. Each looks at every entry, of which there are as many as come in three minutes: by number of uses, sweeps
/// would follow one another the closer the more there is to look at.
const SWEEP_EVERY_MS: u64 = 60_000;
/// Entries that are removed in one write.
const SWEPT_AT_ONCE: usize = 8_192;
/// A minute of grace: the leeway that a token's expiry is given.
const GRACE_MS: u64 = 60_000;

/// Durable memory of used tokens.
pub struct UsedTokens {
    ledger: Ledger,
    /// Names that are being looked up and written: of two requests with one token only the first gets that far.
    in_flight: InFlight,
    /// When the last sweep began, Unix milliseconds.
    swept_ms: AtomicU64,
    sweeping: Arc<AtomicBool>,
}

type InFlight = Arc<Mutex<HashSet<[u8; 32]>>>;

/// A name that nobody else is looking up; given back when it is dropped, also when its request is given up.
struct Claim {
    in_flight: InFlight,
    name: [u8; 32],
}

/// The first use of a token that is not kept yet: nobody else can use the token while this value is there. Before anything is answered it
/// has to be kept, with [`Self::keep`] or by writing [`Self::change`] in the commit of what the use leads to.
pub struct FirstUse {
    ledger: Ledger,
    change: Change,
    kept: AtomicBool,
    /// Somebody may be writing it.
    given: AtomicBool,
    claim: Option<Claim>,
}

impl FirstUse {
    /// What is to be written, in a commit of which [`Self::was_kept`] or [`Self::was_refused`] tells.
    #[must_use]
    pub fn change(&self) -> &Change {
        self.given.store(true, Ordering::SeqCst);
        &self.change
    }

    /// Says that the commit came to nothing.
    pub fn was_refused(&self) {
        self.given.store(false, Ordering::SeqCst);
    }

    /// Says that it was written, in a commit that is durable.
    pub fn was_kept(&self) {
        self.kept.store(true, Ordering::SeqCst);
    }

    /// Writes it, unless that was done before; it is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written: the caller must then refuse.
    pub async fn keep(&self) -> Result<(), String> {
        if !self.kept.load(Ordering::SeqCst) {
            let written = self.ledger.put_state(vec![self.change.clone()]).await;
            written.map_err(|e| e.to_string())?;
            self.was_kept();
        }
        Ok(())
    }
}

impl Drop for FirstUse {
    /// Whoever asked may go away while it is being written. Nobody else can use the token before that is durable, or never will be: it is written
    /// once more then, after it.
    fn drop(&mut self) {
        if self.kept.load(Ordering::SeqCst) || !self.given.load(Ordering::SeqCst) {
            return;
        }
        let (ledger, change, claim) = (self.ledger.clone(), self.change.clone(), self.claim.take());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            if let Err(error) = ledger.put_state_blocking(vec![change]) {
                tracing::error!(%error, "that a token was used could not be kept");
            }
            return;
        };
        runtime.spawn(async move {
            if let Err(error) = ledger.put_state(vec![change]).await {
                tracing::error!(%error, "that a token was used could not be kept");
            }
            drop(claim);
        });
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.remove(&self.name);
    }
}

impl UsedTokens {
    /// Keeps them in the state space of `ledger`.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            in_flight: InFlight::default(),
            swept_ms: AtomicU64::new(0),
            sweeping: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Whether this is the first use; it is durable before the answer is yes. No lock is held while the disk is waited for.
    ///
    /// # Errors
    /// When the memory cannot be read or written: the caller must then refuse.
    pub async fn spend(&self, key: &ReplayKey, now_ms: u64) -> Result<bool, String> {
        self.spend_name(*key.bytes(), key.expires_at_ms(), now_ms).await
    }

    pub(super) async fn spend_name(&self, name: [u8; 32], expires_at_ms: u64, now_ms: u64) -> Result<bool, String> {
        let Some(first) = self.begin_name(name, expires_at_ms, now_ms)? else {
            return Ok(false);
        };
        first.keep().await?;
        Ok(true)
    }

    /// The first use, if it is the first, for a caller that keeps it before it answers. Until then nobody else can use the token.
    ///
    /// # Errors
    /// When the memory cannot be read: the caller must then refuse.
    pub fn begin(&self, key: &ReplayKey, now_ms: u64) -> Result<Option<FirstUse>, String> {
        self.begin_name(*key.bytes(), key.expires_at_ms(), now_ms)
    }

    pub(super) fn begin_name(
        &self,
        name: [u8; 32],
        expires_at_ms: u64,
        now_ms: u64,
    ) -> Result<Option<FirstUse>, String> {
        let Some(claim) = self.claim(name) else {
            return Ok(None);
        };
        let Some(change) = self.unused(name, expires_at_ms)? else {
            return Ok(None);
        };
        self.sweep_sometimes(now_ms);
        Ok(Some(FirstUse {
            ledger: self.ledger.clone(),
            change,
            kept: AtomicBool::new(false),
            given: AtomicBool::new(false),
            claim: Some(claim),
        }))
    }

    /// [`Self::spend`] for a thread that may wait for the disk.
    ///
    /// # Errors
    /// As [`Self::spend`].
    pub fn first_use(&self, key: &ReplayKey, now_ms: u64) -> Result<bool, String> {
        let Some(_claim) = self.claim(*key.bytes()) else {
            return Ok(false);
        };
        let Some(entry) = self.unused(*key.bytes(), key.expires_at_ms())? else {
            return Ok(false);
        };
        self.ledger.put_state_blocking(vec![entry]).map_err(|e| e.to_string())?;
        self.sweep_sometimes(now_ms);
        Ok(true)
    }

    fn claim(&self, name: [u8; 32]) -> Option<Claim> {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        // Made only if it is ours: one that is dropped gives the name back.
        in_flight.insert(name).then(|| Claim {
            in_flight: Arc::clone(&self.in_flight),
            name,
        })
    }

    /// The entry to write, if there is none yet.
    fn unused(&self, name: [u8; 32], expires_at_ms: u64) -> Result<Option<Change>, String> {
        let key = format!("{PREFIX}{}", hex::encode(name));
        let known = self.ledger.get(&key).map_err(|e| e.to_string())?;
        Ok(known
            .is_none()
            .then(|| (key, Some(expires_at_ms.to_be_bytes().to_vec()))))
    }

    /// Now and then, what has expired is removed: by a thread that may wait, one at a time. No request waits for it.
    fn sweep_sometimes(&self, now_ms: u64) {
        // Also when the clock has been set back.
        let since_ms = now_ms.abs_diff(self.swept_ms.load(Ordering::Relaxed));
        if since_ms < SWEEP_EVERY_MS || self.sweeping.swap(true, Ordering::SeqCst) {
            return;
        }
        self.swept_ms.store(now_ms, Ordering::Relaxed);
        let (ledger, sweeping) = (self.ledger.clone(), Arc::clone(&self.sweeping));
        let work = move || {
            if let Err(error) = sweep(&ledger, now_ms) {
                tracing::warn!(%error, "used tokens that have expired could not be removed");
            }
            sweeping.store(false, Ordering::SeqCst);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(work)),
            Err(_) => work(),
        }
    }
}

/// Removes entries whose tokens are refused for their age by now; gives how many. Few of them are in memory at a time.
fn sweep(ledger: &Ledger, now_ms: u64) -> Result<usize, String> {
    let (mut removed, mut slice, mut written) = (0, Vec::new(), Ok(()));
    let scanned = ledger.scan_each(PREFIX, |name, value| {
        let expires = <[u8; 8]>::try_from(value).map_or(0, u64::from_be_bytes);
        if written.is_err() || expires.saturating_add(GRACE_MS) >= now_ms {
            return;
        }
        removed += 1;
        slice.push((format!("{PREFIX}{name}"), None));
        if slice.len() >= SWEPT_AT_ONCE {
            written = ledger.put_state_blocking(std::mem::take(&mut slice));
        }
    });
    scanned.map_err(|e| e.to_string())?;
    if !slice.is_empty() && written.is_ok() {
        written = ledger.put_state_blocking(slice);
    }
    written.map(|()| removed).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::tests::ledger;

    #[tokio::test]
    async fn a_token_counts_once_also_at_the_same_moment_and_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let log = ledger(directory.path(), "a.example/log/1", 1);
        let used = UsedTokens::new(log.clone());
        let (first, second) = tokio::join!(used.spend_name([1; 32], 5_000, 0), used.spend_name([1; 32], 5_000, 0));
        assert_eq!([first.unwrap(), second.unwrap()].iter().filter(|yes| **yes).count(), 1);
        assert!(!used.spend_name([1; 32], 5_000, 0).await.unwrap());
        assert!(used.spend_name([2; 32], 5_000, 0).await.unwrap());
        assert!(lock_is_free(&used));
        drop((used, log));
        let again = UsedTokens::new(ledger(directory.path(), "a.example/log/1", 1));
        assert!(!again.spend_name([1; 32], 5_000, 0).await.unwrap());
    }

    /// Until a first use is kept, the token can be used by nobody else; when its request is given up before, nothing came of it.
    #[tokio::test]
    async fn a_first_use_keeps_others_out_and_is_written_with_what_it_leads_to() {
        let directory = tempfile::tempdir().unwrap();
        let log = ledger(directory.path(), "a.example/log/1", 1);
        let used = UsedTokens::new(log.clone());
        let first = used.begin_name([1; 32], 5_000, 0).unwrap().unwrap();
        assert!(used.begin_name([1; 32], 5_000, 0).unwrap().is_none());
        assert!(!used.spend_name([1; 32], 5_000, 0).await.unwrap());
        drop(first);
        let first = used.begin_name([1; 32], 5_000, 0).unwrap().unwrap();
        log.put_state(vec![first.change().clone()]).await.unwrap();
        first.was_kept();
        let size = log.scan(PREFIX).unwrap().len();
        first.keep().await.unwrap();
        drop(first);
        assert_eq!((size, log.scan(PREFIX).unwrap().len()), (1, 1));
        assert!(used.begin_name([1; 32], 5_000, 0).unwrap().is_none());
        let second = used.begin_name([2; 32], 5_000, 0).unwrap().unwrap();
        second.keep().await.unwrap();
        drop((second, used, log));
        let again = UsedTokens::new(ledger(directory.path(), "a.example/log/1", 1));
        for name in [[1; 32], [2; 32]] {
            assert!(again.begin_name(name, 5_000, 0).unwrap().is_none());
        }
    }

    /// Whoever asked goes away while the commit with it is being written.
    #[tokio::test]
    async fn a_first_use_that_somebody_may_be_writing_stays_one() {
        let directory = tempfile::tempdir().unwrap();
        let log = ledger(directory.path(), "a.example/log/1", 1);
        let used = UsedTokens::new(log.clone());
        let first = used.begin_name([1; 32], 5_000, 0).unwrap().unwrap();
        let change = first.change().clone();
        drop(first);
        assert!(
            used.begin_name([1; 32], 5_000, 0).unwrap().is_none(),
            "before it is durable"
        );
        log.put_state(vec![change]).await.unwrap();
        while !lock_is_free(&used) {
            tokio::task::yield_now().await;
        }
        assert!(used.begin_name([1; 32], 5_000, 0).unwrap().is_none(), "and after");
        // What was refused is given back.
        let second = used.begin_name([2; 32], 5_000, 0).unwrap().unwrap();
        let _ = second.change();
        second.was_refused();
        drop(second);
        assert!(used.begin_name([2; 32], 5_000, 0).unwrap().is_some());
    }

    fn lock_is_free(used: &UsedTokens) -> bool {
        used.in_flight.try_lock().is_ok_and(|names| names.is_empty())
    }

    #[tokio::test]
    async fn a_sweep_removes_what_has_expired_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let log = ledger(directory.path(), "a.example/log/1", 1);
        let used = UsedTokens::new(log.clone());
        assert!(used.spend_name([1; 32], 5_000, 0).await.unwrap());
        assert!(used.spend_name([2; 32], 9_000, 0).await.unwrap());
        let at = 5_000 + GRACE_MS + 1;
        let swept = tokio::task::spawn_blocking(move || sweep(&log, at)).await.unwrap();
        assert_eq!(swept, Ok(1));
        assert!(used.spend_name([1; 32], 5_000, at).await.unwrap());
        assert!(!used.spend_name([2; 32], 9_000, at).await.unwrap());
    }

    /// An answer may wait for one sweep in a minute, never for one in so many requests.
    #[test]
    fn sweeps_are_a_minute_apart_however_many_tokens_come() {
        let directory = tempfile::tempdir().unwrap();
        let log = ledger(directory.path(), "a.example/log/1", 1);
        let used = UsedTokens::new(log.clone());
        // Without a runtime the sweep is done by the one who finds that it is due.
        let spend = |number: u64, expires_ms: u64, now_ms: u64| {
            let name = format!("{PREFIX}{number:064x}");
            log.put_state_blocking(vec![(name, Some(expires_ms.to_be_bytes().to_vec()))])
                .unwrap();
            used.sweep_sometimes(now_ms);
        };
        let left = || log.scan(PREFIX).unwrap().len();
        let start = GRACE_MS * 10;
        spend(0, 1, start);
        assert_eq!(left(), 0, "the first use after a start sweeps");
        // Long expired, and met by no sweep before a minute is over.
        for number in 1..600 {
            spend(number, 1, start + number);
        }
        assert_eq!(left(), 599);
        spend(600, start + SWEEP_EVERY_MS, start + SWEEP_EVERY_MS);
        assert_eq!(left(), 1, "the one that is good");
        spend(601, 1, start);
        assert_eq!(left(), 1, "the clock was set back");
    }

    #[test]
    fn one_sweep_removes_more_than_one_write_takes() {
        let directory = tempfile::tempdir().unwrap();
        let log = ledger(directory.path(), "a.example/log/1", 1);
        let entry = |n: usize| (format!("{PREFIX}{n:064x}"), Some(1u64.to_be_bytes().to_vec()));
        let good = (format!("{PREFIX}good"), Some(u64::MAX.to_be_bytes().to_vec()));
        let all = (0..=SWEPT_AT_ONCE).map(entry).chain([good]).collect();
        log.put_state_blocking(all).unwrap();
        assert_eq!(sweep(&log, GRACE_MS * 2), Ok(SWEPT_AT_ONCE + 1));
        assert_eq!(log.scan(PREFIX).unwrap().len(), 1);
    }
}
