//! What several requests at once must not do to each other: remembered in memory, for as long as they take.

use super::under_way::{UnderWay, UnderWayAll};
use crate::state::GrantEntry;
use herleid_vocab::did::Did;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Runs of one consumer whose inputs are fetched at once: as many as programs run. How long that takes is for the consumer to
/// decide, so there is an end to how much of this connector it can keep busy with it.
const PREPARING: usize = 2;

/// The memory of an end that gives. What has to survive a crash stands in the log's own commits, not here.
#[derive(Default)]
pub struct Giving {
    /// Held from reading a tally of denials until its successor is durable: a count must be neither lost nor recorded twice.
    pub(super) denials: tokio::sync::Mutex<()>,
    attempts: Arc<Mutex<HashMap<String, Attempts>>>,
    settling: Arc<Mutex<HashSet<String>>>,
    preparing: Arc<Mutex<HashMap<Did, usize>>>,
    under_way: UnderWayAll,
}

/// The attempts at one transaction that go on at this moment.
#[derive(Default)]
struct Attempts {
    running: usize,
    sent: bool,
    given_up: bool,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// One attempt at a transaction; it ends when this value goes.
pub(super) struct Attempt {
    all: Arc<Mutex<HashMap<String, Attempts>>>,
    key: String,
}

/// A place among what is outstanding that is being given back; nobody else gives it back meanwhile.
pub(super) struct Settling {
    all: Arc<Mutex<HashSet<String>>>,
    key: String,
}

/// A run whose inputs are being fetched; they are there, or given up, when this value goes.
pub(super) struct Preparing {
    all: Arc<Mutex<HashMap<Did, usize>>>,
    consumer: Did,
}

impl Giving {
    /// Begins an attempt; `None` while the transaction is being given up.
    pub(super) fn attempt(&self, consumer: &Did, transaction: &str) -> Option<Attempt> {
        let key = format!("{consumer}/{transaction}");
        let mut all = lock(&self.attempts);
        let attempts = all.entry(key.clone()).or_default();
        if attempts.given_up {
            return None;
        }
        attempts.running += 1;
        Some(Attempt {
            all: Arc::clone(&self.attempts),
            key,
        })
    }

    /// Takes the place at `key` in hand; `None` while somebody else has it.
    pub(super) fn settle(&self, key: &str) -> Option<Settling> {
        lock(&self.settling).insert(key.to_owned()).then(|| Settling {
            all: Arc::clone(&self.settling),
            key: key.to_owned(),
        })
    }

    /// Begins to fetch the inputs of a run; `None` while that is going on for as many runs of this consumer as may be.
    pub(super) fn prepare(&self, consumer: &Did) -> Option<Preparing> {
        let mut all = lock(&self.preparing);
        let going_on = all.entry(consumer.clone()).or_default();
        if *going_on >= PREPARING {
            return None;
        }
        *going_on += 1;
        Some(Preparing {
            all: Arc::clone(&self.preparing),
            consumer: consumer.clone(),
        })
    }
}

impl Giving {
    /// Says that something is being sent under a grant and an agreement, until the answer is dropped.
    pub(super) fn sending(&self, grant: &GrantEntry) -> UnderWay {
        self.under_way.begin(&grant.id, &grant.agreement, &grant.consumer)
    }

    /// Breaks off what is being sent under a grant: it has been decided that it closes.
    pub fn close(&self, grant: &str, why: &str) {
        self.under_way.close(|one| one.grant == grant, why);
    }

    /// Breaks off what is being sent to a participant, under whosever agreement: it is no longer trusted.
    pub fn close_consumer(&self, consumer: &Did, why: &str) {
        self.under_way.close(|one| one.consumer == *consumer, why);
    }

    /// Breaks off what is being sent under an agreement: it has been decided that it ends.
    pub fn close_agreement(&self, agreement: &str, why: &str) {
        self.under_way.close(|one| one.agreement == agreement, why);
    }
}

impl Attempt {
    /// Waits for the transaction's turn: what it has is read and changed by one at a time.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        let turn = lock(&self.all)
            .get(&self.key)
            .map(|attempts| Arc::clone(&attempts.turn));
        turn.unwrap_or_default().lock_owned().await
    }

    /// Says that bytes of the transaction have left.
    pub(super) fn sent(&self) {
        if let Some(attempts) = lock(&self.all).get_mut(&self.key) {
            attempts.sent = true;
        }
    }

    /// Whether nothing has left and nobody else is about to send. If so, no attempt begins until this one has ended: what the
    /// transaction reserved can be given back.
    pub(super) fn give_up(&self) -> bool {
        let mut all = lock(&self.all);
        let Some(attempts) = all.get_mut(&self.key) else {
            return false;
        };
        let alone = attempts.running == 1 && !attempts.sent;
        attempts.given_up |= alone;
        alone
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        if let Some(attempts) = all.get_mut(&self.key) {
            attempts.running = attempts.running.saturating_sub(1);
            if attempts.running == 0 {
                all.remove(&self.key);
            }
        }
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.key);
    }
}

impl Drop for Preparing {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        if let Some(going_on) = all.get_mut(&self.consumer) {
            *going_on = going_on.saturating_sub(1);
            if *going_on == 0 {
                all.remove(&self.consumer);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one step, so that a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did() -> Did {
        "did:web:app.example".parse().unwrap()
    }

    #[test]
    fn only_the_last_attempt_of_which_nothing_left_gives_up() {
        let giving = Giving::default();
        let first = giving.attempt(&did(), "t").unwrap();
        let second = giving.attempt(&did(), "t").unwrap();
        assert!(!first.give_up(), "the second could still send");
        drop(second);
        assert!(first.give_up());
        assert!(giving.attempt(&did(), "t").is_none(), "it is being given up");
        assert!(giving.attempt(&did(), "u").is_some());
        drop(first);
        assert!(giving.attempt(&did(), "t").is_some());
    }

    #[test]
    fn what_another_attempt_sent_is_remembered_while_one_goes_on() {
        let giving = Giving::default();
        let first = giving.attempt(&did(), "t").unwrap();
        giving.attempt(&did(), "t").unwrap().sent();
        assert!(!first.give_up());
    }

    #[test]
    fn a_place_is_given_back_by_one_at_a_time() {
        let giving = Giving::default();
        let held = giving.settle("outstanding/a/t").unwrap();
        assert!(giving.settle("outstanding/a/t").is_none());
        assert!(giving.settle("outstanding/a/u").is_some());
        drop(held);
        assert!(giving.settle("outstanding/a/t").is_some());
    }

    #[test]
    fn a_consumer_prepares_two_runs_at_once_whatever_others_do() {
        let giving = Giving::default();
        let (first, _second) = (giving.prepare(&did()).unwrap(), giving.prepare(&did()).unwrap());
        assert!(giving.prepare(&did()).is_none());
        let other: Did = "did:web:other.example".parse().unwrap();
        assert!(giving.prepare(&other).is_some());
        drop(first);
        assert!(giving.prepare(&did()).is_some());
    }
}
