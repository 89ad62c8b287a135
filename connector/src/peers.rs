//! What this end remembers of the other ends' logs, and the lies that it catches by it.
//!
//! A receipt is believed only if it continues everything that the same log of the same participant said before: its
//! checkpoint extends the last one seen, no stream number is given twice, and no stream begins anew. Each lie has a name,
//! which a user and a court both get to see; what proves it is kept.

mod kept;
mod lies;
mod place;
mod succession;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use kept::{LIES, LieEntry};
pub use lies::{Lie, ReceiptError, same_exchange};
pub use succession::SuccessionError;

use crate::foreign_log::ForeignLog;
use crate::net::client::GuardedClient;
use crate::state::{Change, LogIdentity, State, StateError, set};
use herleid_ledger::Ledger;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::{HandedOver, HandoverError, VerifiedRecord};
use herleid_ledger::note::Verifier;
use herleid_vocab::rim::{Clock, Entropy};
use place::Place;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};
use tokio::sync::{Mutex, watch};

/// How often a receipt is checked without holding up others of the same log; then it is checked while they wait.
const ATTEMPTS: usize = 4;

#[derive(Serialize, Deserialize)]
struct SeenLog {
    note: String,
}

#[derive(Serialize, Deserialize)]
struct SeenNumber {
    leaf: String,
}

#[derive(Serialize, Deserialize)]
struct SeenStream {
    id: String,
}

/// What the memory needs.
pub struct Remembering {
    /// Our own log: the memory lies beside it, and forks of others are recorded in it.
    pub ledger: Ledger,
    /// Reads other logs.
    pub client: Arc<GuardedClient>,
    /// `https`, or `http` under a development switch.
    pub scheme: &'static str,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Told when our own log has grown.
    pub grown: watch::Sender<u64>,
}

/// The memory. Everything is remembered of a log *and* its owner: whoever claims another's origin changes nothing about what
/// is known of the other.
pub struct Peers {
    with: Remembering,
    state: State,
    /// One log's memory is read and written by one receipt at a time; nobody's waits for another's.
    turns: std::sync::Mutex<HashMap<String, Weak<Mutex<()>>>>,
}

/// The part of a key that names a log.
fn name(log: &LogIdentity) -> String {
    format!("{}/{}", log.did, log.origin)
}

fn log_key(log: &LogIdentity) -> String {
    format!("peer-log/{}", name(log))
}

impl Peers {
    /// An empty memory, or what was remembered before.
    #[must_use]
    pub fn new(with: Remembering) -> Self {
        Self {
            state: State::new(with.ledger.clone()),
            with,
            turns: std::sync::Mutex::new(HashMap::new()),
        }
    }

    /// The size of the largest checkpoint seen of a log: sent along, so that the answer can prove that it continues it.
    ///
    /// # Errors
    /// When the memory fails.
    pub fn seen_size(&self, log: &LogIdentity) -> Result<u64, ReceiptError> {
        Ok(self.seen(log)?.map_or(0, |c| c.size()))
    }

    fn seen(&self, log: &LogIdentity) -> Result<Option<Checkpoint>, ReceiptError> {
        let Some(SeenLog { note }) = self.state.get(&log_key(log))? else {
            return Ok(None);
        };
        let key = verifier(log)?;
        let checkpoint = Checkpoint::verify_bytes(note.as_bytes(), &key);
        checkpoint.map(Some).map_err(|e| ReceiptError::Key {
            origin: log.origin.clone(),
            why: e.to_string(),
        })
    }

    fn turn(&self, log: &LogIdentity) -> Arc<Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&name(log)).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Mutex::new(()));
        turns.insert(name(log), Arc::downgrade(&turn));
        turn
    }

    /// Checks a record handed over by the owner of `log` and remembers it. A lie that it proves is durable before it is told.
    ///
    /// # Errors
    /// Names the lie.
    pub async fn accept(&self, log: &LogIdentity, handed: &HandedOver) -> Result<VerifiedRecord, ReceiptError> {
        let mut known = None;
        let checked = self.check(log, handed, &mut known).await;
        match checked {
            Err(ReceiptError::Lie(lie)) => {
                if lie.is_proved() {
                    self.keep(log, handed, known.as_ref(), &lie).await?;
                }
                Err(lie.into())
            }
            other => other,
        }
    }

    /// `known` becomes what was known of the log when the answer was found.
    async fn check(
        &self,
        log: &LogIdentity,
        handed: &HandedOver,
        known: &mut Option<Checkpoint>,
    ) -> Result<VerifiedRecord, ReceiptError> {
        let key = verifier(log)?;
        let record = handed.verify(&key).map_err(|error| Lie::ReceiptInvalid {
            peer: log.did.to_string(),
            error,
        })?;
        let places = place::read(&log.did, &record)?;
        let turn = self.turn(log);
        for _ in 0..ATTEMPTS {
            // Nothing is locked meanwhile: how long a proof takes is for the other end to decide.
            *known = self.seen(log)?;
            self.continues(log, known.as_ref(), &record).await?;
            let _turn = turn.lock().await;
            if self.seen(log)? == *known {
                self.remember(log, handed, &record, &places, known.as_ref()).await?;
                return Ok(record);
            }
        }
        // So many receipts of this log come at once that the memory moved on each time: they wait for this one, and only they.
        let _turn = turn.lock().await;
        *known = self.seen(log)?;
        self.continues(log, known.as_ref(), &record).await?;
        self.remember(log, handed, &record, &places, known.as_ref()).await?;
        Ok(record)
    }

    async fn continues(
        &self,
        log: &LogIdentity,
        known: Option<&Checkpoint>,
        record: &VerifiedRecord,
    ) -> Result<(), ReceiptError> {
        let Some(known) = known else { return Ok(()) };
        let shown = record.checkpoint();
        let forked = || Lie::LogForked {
            origin: log.origin.clone(),
            size: shown.size(),
            known: known.size(),
        };
        match record.extends(known) {
            Ok(()) => Ok(()),
            // Both are signed, are of one size, and have two roots.
            Err(HandoverError::Consistency { .. }) if shown.size() == known.size() => Err(forked().into()),
            // Another request was answered in between, or the proof that came is none: what the tree of the larger checkpoint begins
            // with has to be fetched.
            Err(HandoverError::NoConsistency { .. } | HandoverError::Consistency { .. }) => {
                let (old, new) = if known.size() < shown.size() {
                    (known, shown)
                } else {
                    (shown, known)
                };
                let reader = ForeignLog::new(self.with.client.clone(), self.with.scheme, &log.origin);
                let before = reader.root_at(old.size(), new.size(), new.root()).await;
                // Nobody has signed the tiles: if they lead to another root, that proves nothing against the log.
                let before = before.map_err(|e| ReceiptError::Unproved {
                    origin: log.origin.clone(),
                    why: e.to_string(),
                })?;
                if before == *old.root() {
                    Ok(())
                } else {
                    Err(forked().into())
                }
            }
            Err(error) => Err(Lie::ReceiptInvalid {
                peer: log.did.to_string(),
                error,
            }
            .into()),
        }
    }

    /// Writes down what the record says, if it contradicts nothing. The log's turn is held.
    async fn remember(
        &self,
        log: &LogIdentity,
        handed: &HandedOver,
        record: &VerifiedRecord,
        places: &[Place],
        known: Option<&Checkpoint>,
    ) -> Result<(), ReceiptError> {
        let mut changes = Vec::new();
        if known.is_none_or(|k| k.size() < record.checkpoint().size()) {
            let note = handed.checkpoint.clone();
            changes.push(set(log_key(log), &SeenLog { note })?);
        }
        for place in places {
            self.stream(log, place, &mut changes)?;
            self.numbers(log, place, &hex::encode(record.leaf()), &mut changes)?;
        }
        if changes.is_empty() {
            return Ok(());
        }
        Ok(self.write(changes).await?)
    }

    /// Refuses another id for a stream than it had; adds the change that remembers a new one.
    fn stream(&self, log: &LogIdentity, place: &Place, changes: &mut Vec<Change>) -> Result<(), ReceiptError> {
        let Some(of) = &place.of else { return Ok(()) };
        let key = format!("stream-id/{}/{}/{of}", name(log), place.section);
        match self.state.get::<SeenStream>(&key)? {
            Some(seen) if seen.id == place.id => {}
            Some(seen) => {
                return Err(Lie::StreamChanged {
                    peer: log.did.to_string(),
                    section: place.section,
                    first: seen.id,
                    second: place.id.clone(),
                }
                .into());
            }
            None => changes.push(set(key, &SeenStream { id: place.id.clone() })?),
        }
        Ok(())
    }

    /// Refuses a number that another record has; adds the changes that remember new ones. A record also says which one has
    /// the number before its own, whether that was seen or not.
    fn numbers(
        &self,
        log: &LogIdentity,
        place: &Place,
        leaf: &str,
        changes: &mut Vec<Change>,
    ) -> Result<(), ReceiptError> {
        let before = place.prev.as_deref().map(|prev| (place.n.saturating_sub(1), prev));
        for (n, leaf) in before.into_iter().chain([(place.n, leaf)]) {
            let key = format!("peer-stream/{}/{}/{n:020}", name(log), place.id);
            match self.state.get::<SeenNumber>(&key)? {
                Some(seen) if seen.leaf == leaf => {}
                Some(seen) => {
                    return Err(Lie::NumberReused {
                        peer: log.did.to_string(),
                        stream: place.id.clone(),
                        n,
                        first: seen.leaf,
                        second: leaf.to_owned(),
                    }
                    .into());
                }
                None => changes.push(set(key, &SeenNumber { leaf: leaf.to_owned() })?),
            }
        }
        Ok(())
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), StateError> {
        let key = changes.first().map(|(key, _)| key.clone()).unwrap_or_default();
        let written = self.with.ledger.put_state(changes).await;
        written.map_err(|e| StateError::Store {
            key,
            why: e.to_string(),
        })
    }
}

fn verifier(log: &LogIdentity) -> Result<Verifier, ReceiptError> {
    Verifier::parse(&log.verifier_key).map_err(|e| ReceiptError::Key {
        origin: log.origin.clone(),
        why: e.to_string(),
    })
}
