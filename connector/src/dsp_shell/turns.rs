//! Turns: of all that wants to change one thing, one at a time; different things do not wait for each other, so that their commits can
//! share one write to the disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

type Places = HashMap<String, Arc<tokio::sync::Mutex<()>>>;

/// Who has the turn, by what it is about.
#[derive(Debug, Default)]
pub(super) struct Turns(Arc<Mutex<Places>>);

/// The turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    places: Arc<Mutex<Places>>,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    // A panic while it was held leaves at worst a place that nobody takes.
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    /// Waits for the turn of `key`.
    pub(super) async fn take(&self, key: String) -> Turn {
        let place = Arc::clone(lock(&self.0).entry(key.clone()).or_default());
        Turn {
            guard: Some(place.lock_owned().await),
            places: Arc::clone(&self.0),
            key,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut places = lock(&self.places);
        // Whoever waits holds the place too; the last one takes it away.
        if places.get(&self.key).is_some_and(|place| Arc::strong_count(place) == 1) {
            places.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn one_at_a_time_and_others_do_not_wait() {
        let turns = Arc::new(Turns::default());
        let held = turns.take("a".to_owned()).await;
        // Another thing is free meanwhile.
        drop(turns.take("b".to_owned()).await);
        let inside = Arc::new(AtomicU32::new(0));
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
                tokio::spawn(async move {
                    let _turn = turns.take("a".to_owned()).await;
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        drop(held);
        for each in waiting {
            each.await.unwrap();
        }
        assert!(lock(&turns.0).is_empty(), "nothing is kept of what is over");
    }
}
