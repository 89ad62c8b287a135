//! What could not be done is tried again in rounds, and less and less often: trying costs something, here or at somebody else's end.

use futures_util::stream::{self, StreamExt as _};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// Names of which something is tried at once.
const AT_ONCE: usize = 8;

/// Rounds to wait, by name of what is waited for. Counted, so that no clock that is set back makes one longer.
#[derive(Debug)]
pub(crate) struct Pauses {
    most: u32,
    of: Mutex<BTreeMap<String, Pause>>,
}

#[derive(Debug, Default)]
struct Pause {
    left: u32,
    next: u32,
}

impl Pauses {
    /// None yet, and later at most so many rounds.
    pub(crate) const fn new(most: u32) -> Self {
        Self {
            most,
            of: Mutex::new(BTreeMap::new()),
        }
    }

    /// Whether it is tried in this round; asked once a round.
    pub(crate) fn is_due(&self, name: &str) -> bool {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pause) = of.get_mut(name).filter(|pause| pause.left > 0) else {
            return true;
        };
        pause.left -= 1;
        false
    }

    /// It was tried. What could not be done is tried again in the next round, then after one more, after two, after four.
    pub(crate) fn tried(&self, name: &str, is_done: bool) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if is_done {
            of.remove(name);
            return;
        }
        let pause = of.entry(name.to_owned()).or_default();
        pause.left = pause.next;
        pause.next = pause.next.saturating_mul(2).clamp(1, self.most);
    }

    /// Tries, of each name whose turn it is, all that waits under it: one after the other, and names beside each other. `settle` says whether one of
    /// them is settled; one that is not, or of which not even that can be told, keeps no other from it.
    pub(crate) async fn turns<T, E: Display, F>(
        &self,
        waiting: impl IntoIterator<Item = (String, Vec<T>)>,
        settle: impl Fn(T) -> F,
    ) where
        F: Future<Output = Result<bool, E>>,
    {
        let turns: Vec<_> = waiting
            .into_iter()
            .map(|(name, all)| self.turn(name, all, &settle))
            .collect();
        stream::iter(turns).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn turn<T, E: Display, F>(&self, name: String, all: Vec<T>, settle: impl Fn(T) -> F)
    where
        F: Future<Output = Result<bool, E>>,
    {
        if all.is_empty() || !self.is_due(&name) {
            return;
        }
        let mut are_settled = true;
        for one in all {
            are_settled &= settle(one).await.unwrap_or_else(|error| {
                tracing::warn!(%name, %error, "what is kept of it could not be looked at again");
                false
            });
        }
        self.tried(&name, are_settled);
    }

    /// All are due in the next round.
    pub(crate) fn end(&self) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.values_mut().for_each(|pause| pause.left = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_is_tried_less_and_less_often_and_never_given_up() {
        let pauses = Pauses::new(4);
        let mut tried = Vec::new();
        for round in 0..25 {
            if pauses.is_due("a") {
                tried.push(round);
                pauses.tried("a", false);
            }
        }
        assert_eq!(tried, [0, 1, 3, 6, 11, 16, 21]);
        assert!(pauses.is_due("b"), "nothing waits for another");
        pauses.end();
        assert!(pauses.is_due("a"));
        pauses.tried("a", true);
        assert!(
            pauses.is_due("a") && pauses.is_due("a"),
            "what was done is as if it had never failed"
        );
    }

    #[tokio::test]
    async fn one_that_is_not_settled_keeps_no_other_from_it_and_its_name_waits() {
        let (pauses, tried) = (Pauses::new(4), Mutex::new(Vec::new()));
        let round = async || {
            let waiting = [("a", vec![1, 2, 3]), ("b", vec![4]), ("c", Vec::new())];
            let waiting = waiting.map(|(name, all)| (name.to_owned(), all));
            let settle = async |n: u32| {
                tried.lock().unwrap().push(n);
                match n {
                    1 => Err("cannot be read"),
                    n => Ok(n != 2),
                }
            };
            pauses.turns(waiting, settle).await;
            std::mem::take(&mut *tried.lock().unwrap())
        };
        let mut rounds = Vec::new();
        for _ in 0..4 {
            rounds.push(round().await);
        }
        let (all, settled) = (vec![1, 2, 3, 4], vec![4]);
        assert_eq!(rounds, [all.clone(), all.clone(), settled, all]);
    }
}
