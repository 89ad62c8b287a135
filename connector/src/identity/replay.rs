//! Tokens that were used: remembered until they expire, also across a restart.

use herleid_credentials::replay::ReplayKey;
use herleid_ledger::Ledger;
use std::sync::Mutex;

const PREFIX: &str = "token/";
/// How often expired entries are swept, in uses.
const SWEEP_EVERY: u64 = 512;

/// Durable memory of used tokens.
pub struct UsedTokens {
    ledger: Ledger,
    /// Serialises look-up and write: two requests with one token must not both find it unused.
    uses: Mutex<u64>,
}

impl UsedTokens {
    /// Keeps them in the state space of `ledger`.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            uses: Mutex::new(0),
        }
    }

    /// Whether this is the first use; it is durable before the answer is yes.
    ///
    /// # Errors
    /// When the memory cannot be read or written: the caller must then refuse.
    pub fn first_use(&self, key: &ReplayKey, now_ms: u64) -> Result<bool, String> {
        let mut uses = self.uses.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let name = format!("{PREFIX}{}", hex::encode(key.bytes()));
        if self.ledger.get(&name).map_err(|e| e.to_string())?.is_some() {
            return Ok(false);
        }
        let mut batch = vec![(name, Some(key.expires_at_ms().to_be_bytes().to_vec()))];
        *uses += 1;
        if uses.is_multiple_of(SWEEP_EVERY) {
            for (old, value) in self.ledger.scan(PREFIX).map_err(|e| e.to_string())? {
                let expires = value.try_into().map_or(0, u64::from_be_bytes);
                // A minute of grace: the leeway that a token's expiry is given.
                if expires.saturating_add(60_000) < now_ms {
                    batch.push((old, None));
                }
            }
        }
        self.ledger.put_state_blocking(batch).map_err(|e| e.to_string())?;
        Ok(true)
    }
}
