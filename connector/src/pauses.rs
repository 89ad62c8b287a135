//! What could not be done is tried again in rounds, and less and less often: trying costs something, here or at somebody else's end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

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
}
