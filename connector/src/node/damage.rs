//! A log that does not verify is not served: whoever asks would be given what rests on damage, signed.

use super::serve::ServeError;
use crate::commands::doctor::examined;
use herleid_ledger::Ledger;
use herleid_vocab::rim::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is any suspicion.
const ROUND: Duration = Duration::from_millis(500);
/// A check that found all in order is not made again within so many times what it took, nor within a minute.
const REST: u64 = 20;
const MINUTE_MS: u64 = 60_000;

/// Ends when the service does, or with what is wrong: a check said so, or something was read that cannot be what was written and a check
/// of the whole log, made for that reason, finds it damaged.
///
/// # Errors
/// What the check found.
pub(super) async fn watch(ledger: Ledger, clock: Arc<dyn Clock>, stop: CancellationToken) -> Result<(), ServeError> {
    let mut not_before_ms = 0;
    let mut is_suspected = false;
    loop {
        if let Some(found) = ledger.found_unsound() {
            let found = found.to_owned();
            return Err(ServeError::Unsound { found });
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(ROUND) => {}
        }
        is_suspected |= ledger.was_suspected();
        if !is_suspected || clock.now_ms() < not_before_ms {
            continue;
        }
        tracing::warn!("something was read that cannot be what was written; the whole log is checked now");
        let (checked, begun_ms) = (ledger.clone(), clock.now_ms());
        let found = tokio::task::spawn_blocking(move || examined(&checked, |_, _| {})).await;
        let found = found.map_err(|error| ServeError::Watching(error.to_string()))?;
        is_suspected = false;
        match found {
            Ok(_) => tracing::info!("the log is in order"),
            // Damage was kept, and is found above; that it could not be looked at is no damage.
            Err(why) => tracing::error!(%why, "the log could not be found in order"),
        }
        // The check itself reads, and may have met what is being erased.
        let _ = ledger.was_suspected();
        let now_ms = clock.now_ms();
        not_before_ms = now_ms + (now_ms.saturating_sub(begun_ms) * REST).max(MINUTE_MS);
    }
}
