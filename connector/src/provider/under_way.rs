//! What is being sent at this moment, so that it breaks off when the access to it ends.

use herleid_vocab::did::Did;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// All that is being sent, by a number of its own.
#[derive(Clone, Default)]
pub(super) struct UnderWayAll(Arc<Mutex<All>>);

#[derive(Default)]
struct All {
    next: u64,
    sending: HashMap<u64, Sending>,
}

/// One answer that is being sent.
pub(super) struct Sending {
    pub(super) grant: String,
    pub(super) agreement: String,
    pub(super) consumer: Did,
    closed: watch::Sender<Option<String>>,
}

/// One answer that is being sent, to whoever sends it; it is over when this value goes.
pub(super) struct UnderWay {
    all: UnderWayAll,
    number: u64,
    closed: watch::Receiver<Option<String>>,
}

impl UnderWayAll {
    fn lock(&self) -> MutexGuard<'_, All> {
        // Every change is one step, so that a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, grant: &str, agreement: &str, consumer: &Did) -> UnderWay {
        let (sender, closed) = watch::channel(None);
        let mut all = self.lock();
        let number = all.next;
        all.next += 1;
        let sending = Sending {
            grant: grant.to_owned(),
            agreement: agreement.to_owned(),
            consumer: consumer.clone(),
            closed: sender,
        };
        all.sending.insert(number, sending);
        UnderWay {
            all: self.clone(),
            number,
            closed,
        }
    }

    pub(super) fn close(&self, which: impl Fn(&Sending) -> bool, why: &str) {
        for one in self.lock().sending.values().filter(|one| which(one)) {
            one.closed.send_replace(Some(why.to_owned()));
        }
    }
}

impl UnderWay {
    /// Why it breaks off, as soon as it does.
    pub(super) async fn closed(&mut self) -> String {
        let why = self.closed.wait_for(Option::is_some).await.map(|why| why.clone());
        match why {
            Ok(why) => why.unwrap_or_default(),
            // The sender stands in the table for as long as this value is there.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.lock().sending.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_under_it_breaks_off_and_nothing_else() {
        let all = UnderWayAll::default();
        let (app, lab): (Did, Did) = (
            "did:web:app.example".parse().unwrap(),
            "did:web:lab.example".parse().unwrap(),
        );
        let (mut one, mut other) = (all.begin("g1", "a", &app), all.begin("g2", "a", &app));
        // Under the same agreement, but passed on to somebody else.
        let mut onward = all.begin("g3", "a", &lab);
        all.close(|sending| sending.consumer == lab, "no longer trusted");
        assert_eq!(onward.closed().await, "no longer trusted");
        assert_eq!(*one.closed.borrow(), None);
        all.close(|sending| sending.grant == "g1", "suspended");
        assert_eq!(one.closed().await, "suspended");
        assert_eq!(*other.closed.borrow(), None);
        all.close(|sending| sending.agreement == "a", "ended");
        assert_eq!(other.closed().await, "ended");
        drop((one, other, onward));
        assert!(all.lock().sending.is_empty());
    }
}
