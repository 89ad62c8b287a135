//! One query at a time for each participant, and a pause after one that ended the process.

use super::{QueryError, lock};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How long whoever ended the process has to wait: many times what it takes to fill another.
const PAUSE_MS: u64 = 60_000;

/// Where a participant stands.
enum Standing {
    /// A query of it runs or waits.
    Asking,
    /// It has to wait until then.
    Pausing {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
}

/// Where everybody stands who asks, or has to wait.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<String, Standing>>);

/// The right to ask one thing; given back when this value goes.
pub(super) struct Turn {
    turns: Arc<Turns>,
    asker: String,
}

impl Turns {
    /// Lets a participant ask.
    pub(super) fn begin(self: &Arc<Self>, asker: &str, now_ms: u64) -> Result<Turn, QueryError> {
        let mut all = lock(&self.0);
        all.retain(|_, standing| match standing {
            Standing::Asking => true,
            // A clock that was set back must not make a pause longer.
            Standing::Pausing { until_ms } => *until_ms > now_ms && *until_ms <= now_ms.saturating_add(PAUSE_MS),
        });
        match all.get(asker) {
            Some(Standing::Asking) => return Err(QueryError::OneAtATime),
            Some(Standing::Pausing { until_ms }) => {
                return Err(QueryError::Penalised(until_ms.saturating_sub(now_ms).div_ceil(1_000)));
            }
            None => {}
        }
        all.insert(asker.to_owned(), Standing::Asking);
        Ok(Turn {
            turns: self.clone(),
            asker: asker.to_owned(),
        })
    }
}

impl Turn {
    /// Has the participant wait.
    pub(super) fn penalise(&self, now_ms: u64) {
        let until_ms = now_ms.saturating_add(PAUSE_MS);
        lock(&self.turns.0).insert(self.asker.clone(), Standing::Pausing { until_ms });
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = lock(&self.turns.0);
        if let Some(Standing::Asking) = all.get(&self.asker) {
            all.remove(&self.asker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_at_a_time_and_none_in_a_pause_and_others_are_not_concerned() {
        let turns = Arc::new(Turns::default());
        let first = turns.begin("a", 1_000).unwrap();
        assert!(matches!(turns.begin("a", 1_000), Err(QueryError::OneAtATime)));
        drop(turns.begin("b", 1_000).unwrap());
        drop(first);
        let second = turns.begin("a", 1_000).unwrap();
        second.penalise(2_000);
        drop(second);
        assert!(matches!(turns.begin("a", 2_001), Err(QueryError::Penalised(60))));
        assert!(matches!(turns.begin("a", 61_999), Err(QueryError::Penalised(1))));
        drop(turns.begin("b", 2_001).unwrap());
        drop(turns.begin("a", 62_000).unwrap());
        assert!(lock(&turns.0).is_empty());
        turns.begin("a", 100_000).unwrap().penalise(100_000);
        assert!(turns.begin("a", 1_000).is_ok(), "the clock was set back");
    }
}
