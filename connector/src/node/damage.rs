//! A log that does not verify is not served: whoever asks would be given what rests on damage, signed. What is read is checked as it is read, and
//! the whole log from time to time, since what nobody reads is damaged as easily.

use super::serve::ServeError;
use crate::commands::doctor::examined_while;
use herleid_ledger::Ledger;
use herleid_vocab::rim::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is any suspicion. Waiting is counted in these: a clock that is set back makes nothing wait longer.
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS_A_SECOND: u64 = 2;
/// After a check the next one for a suspicion waits so many times what it took, at least a minute and at most six hours.
const REST: u64 = 20;
const REST_S: (u64, u64) = (60, 6 * 3_600);
/// From when it is counted until the whole log is checked again, Unix milliseconds: when it was last found in order; before that, when the service
/// was first told to check it from time to time.
const LAST: &str = "checked";
/// A check that nobody waits for lets others at the disk and the processor after every 256 records.
const LEISURE: Duration = Duration::from_millis(2);

/// What is watched.
pub(super) struct Watched {
    pub(super) ledger: Ledger,
    pub(super) clock: Arc<dyn Clock>,
    /// Seconds after which all is checked again though nothing is suspected; 0: never.
    pub(super) every_s: u64,
}

/// What a check came to. Of damage the ledger itself knows.
enum Checked {
    InOrder,
    NotInOrder(String),
    BrokenOff,
}

/// Why all is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Suspicion,
    Routine,
}

impl Watched {
    fn check(&self, cause: Cause, ends: &AtomicBool) -> Checked {
        let goes_on = |_, _| {
            if cause == Cause::Routine {
                std::thread::sleep(LEISURE);
            }
            !ends.load(Ordering::Relaxed)
        };
        match examined_while(&self.ledger, goes_on) {
            Ok(Some(_)) => Checked::InOrder,
            Ok(None) => Checked::BrokenOff,
            Err(why) => Checked::NotInOrder(why.to_string()),
        }
    }

    /// Rounds until all is checked again by routine, by when it was checked last.
    fn routine(&self) -> u64 {
        let every_ms = self.every_s.saturating_mul(1_000);
        let last: Option<u64> = match self.ledger.get(LAST) {
            // What is no number is as long ago as can be.
            Ok(Some(stored)) => Some(serde_json::from_slice(&stored).unwrap_or(0)),
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "when the log was checked last cannot be read; it is checked now");
                return 0;
            }
        };
        let left_ms = match last {
            Some(last) => last.saturating_add(every_ms).saturating_sub(self.clock.now_ms()),
            None => every_ms,
        };
        // A clock that was set back.
        let left_ms = if left_ms > every_ms { 0 } else { left_ms };
        left_ms / 1_000 * ROUNDS_A_SECOND
    }

    async fn was_in_order(&self) {
        let now = self.clock.now_ms().to_string().into_bytes();
        if let Err(error) = self.ledger.put_state(vec![(LAST.to_owned(), Some(now))]).await {
            tracing::error!(%error, "that the log was checked could not be kept; it is checked again after a start");
        }
    }
}

/// Ends when the service does, or with what is wrong: a check said so, or a check of the whole log finds it damaged that is made from time to time,
/// or since something was read that cannot be what was written.
///
/// # Errors
/// What the check found.
pub(super) async fn watch(watched: Watched, stop: CancellationToken) -> Result<(), ServeError> {
    let watched = Arc::new(watched);
    if watched.every_s > 0 && matches!(watched.ledger.get(LAST), Ok(None)) {
        // Counted from here also by later starts.
        watched.was_in_order().await;
    }
    let (asked, checked) = (watched.ledger.clone(), watched.clone());
    let check = move |cause, ends: &AtomicBool| checked.check(cause, ends);
    look(ROUND, watched, move || asked.was_suspected(), check, stop).await
}

async fn look(
    round: Duration,
    watched: Arc<Watched>,
    mut was_met: impl FnMut() -> bool,
    check: impl Fn(Cause, &AtomicBool) -> Checked + Clone + Send + 'static,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let (mut is_suspected, mut rest) = (false, 0u64);
    let mut routine = watched.routine();
    loop {
        if let Some(found) = watched.ledger.found_unsound() {
            let found = found.to_owned();
            return Err(ServeError::Unsound { found });
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(round) => {}
        }
        is_suspected |= was_met();
        (rest, routine) = (rest.saturating_sub(1), routine.saturating_sub(1));
        let cause = match (is_suspected && rest == 0, watched.every_s > 0 && routine == 0) {
            (true, _) => Cause::Suspicion,
            (false, true) => Cause::Routine,
            (false, false) => continue,
        };
        if cause == Cause::Suspicion {
            tracing::warn!("something was read that cannot be what was written; the whole log is checked now");
        }
        let (ends, check, begun_ms) = (Arc::new(AtomicBool::new(false)), check.clone(), watched.clock.now_ms());
        let ended = ends.clone();
        let mut working = tokio::task::spawn_blocking(move || check(cause, &ended));
        let found = tokio::select! {
            found = &mut working => found,
            () = stop.cancelled() => {
                // It ends after the next 256 records: a stop does not wait for millions.
                ends.store(true, Ordering::Relaxed);
                working.await
            }
        };
        match found.map_err(|error| ServeError::Watching(error.to_string()))? {
            Checked::InOrder => {
                tracing::info!("the log is in order");
                if cause == Cause::Suspicion {
                    is_suspected = false;
                    // The check itself reads, and may have met what is being erased. One by routine takes its time: what is met meanwhile counts.
                    let _ = was_met();
                }
                watched.was_in_order().await;
            }
            // Damage was kept, and is found above. What could not be looked at is no damage, and is suspected until it could.
            Checked::NotInOrder(why) => {
                tracing::error!(%why, "the log could not be found in order");
                is_suspected = true;
            }
            Checked::BrokenOff => return Ok(()),
        }
        if is_suspected || cause == Cause::Suspicion {
            let took_s = watched.clock.now_ms().saturating_sub(begun_ms) / 1_000;
            rest = took_s.saturating_mul(REST).clamp(REST_S.0, REST_S.1) * ROUNDS_A_SECOND;
        }
        routine = watched.every_s.saturating_mul(ROUNDS_A_SECOND);
    }
}

#[cfg(test)]
mod tests;
