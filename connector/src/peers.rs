//! What this end remembers of the other ends' logs, and the lies that it catches by it.
//!
//! A receipt is believed only if it continues everything that the same log of the same participant said before: its
//! checkpoint extends the last one seen, no stream number is given twice, and no stream begins anew. Each lie has a name,
//! which a user and a court both get to see; what proves it is kept.

mod kept;
mod lies;
mod place;
mod shown;
mod succession;
mod suspected;
#[cfg(test)]
pub(crate) mod tests;

use kept::Caught;
pub(crate) use kept::{LIES, LieEntry, carried, erased};
pub use lies::{Lie, ReceiptError, same_exchange};
pub(crate) use place::{Place, agreement_of};
pub(crate) use shown::Shown;
pub use succession::SuccessionError;
pub(crate) use suspected::{SUSPICIONS, SuspicionEntry};

use crate::foreign_log::ForeignLog;
use crate::forks::{self, Compared};
use crate::net::client::GuardedClient;
use crate::pauses::Pauses;
use crate::state::{Change, LogIdentity, State, StateError, set};
use herleid_ledger::Ledger;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::{HandedOver, HandoverError, VerifiedRecord};
use herleid_ledger::note::Verifier;
use herleid_ledger::section::SectionName;
use herleid_vocab::rim::{Clock, Entropy};
use serde::de::DeserializeOwned;
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
    /// How long tiles are not asked of logs that are suspected.
    suspecting: Pauses,
}

/// The part of a key that names a log.
fn name(log: &LogIdentity) -> String {
    format!("{}/{}", log.did, log.origin)
}

fn log_key(log: &LogIdentity) -> String {
    format!("peer-log/{}", name(log))
}

fn stream_key(log: &LogIdentity, section: SectionName, of: &str) -> String {
    format!("stream-id/{}/{section}/{of}", name(log))
}

/// What the keys of a stream's numbers begin with.
fn numbers_key(log: &LogIdentity, id: &str) -> String {
    format!("peer-stream/{}/{id}/", name(log))
}

impl Peers {
    /// An empty memory, or what was remembered before.
    #[must_use]
    pub fn new(with: Remembering) -> Self {
        Self {
            state: State::new(with.ledger.clone()),
            with,
            turns: std::sync::Mutex::new(HashMap::new()),
            suspecting: Pauses::new(forks::MOST_ROUNDS),
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
        let shown = self.show(log, handed.clone()).await?;
        self.accept_all(log, std::slice::from_ref(&shown)).await?;
        Ok(shown.into_record())
    }

    /// The same for records that were shown together: those under one checkpoint are remembered in one commit.
    ///
    /// # Errors
    /// Names the first lie; what the records before it say is remembered.
    pub(crate) async fn accept_all(&self, log: &LogIdentity, page: &[Shown]) -> Result<(), ReceiptError> {
        for alike in page.chunk_by(|one, other| one.handed.checkpoint == other.handed.checkpoint) {
            let mut known = None;
            let Err((at, error)) = self.check(log, alike, &mut known).await else {
                continue;
            };
            match (&error, alike.get(at)) {
                (ReceiptError::Lie(lie), Some(shown)) if lie.is_proved() => {
                    self.keep(log, Caught::By(&shown.handed), known.as_ref(), lie).await?;
                }
                (ReceiptError::Unproved { why, .. }, Some(shown)) => {
                    self.suspect(log, known.as_ref(), shown.record.checkpoint(), why)
                        .await?;
                }
                _ => {}
            }
            return Err(error);
        }
        Ok(())
    }

    /// Of records under one checkpoint. `known` becomes what was known of the log when the answer was found; an error comes with the
    /// place of the record at fault.
    async fn check(
        &self,
        log: &LogIdentity,
        alike: &[Shown],
        known: &mut Option<Checkpoint>,
    ) -> Result<(), (usize, ReceiptError)> {
        let Some(first) = alike.first().map(Shown::record) else {
            return Ok(());
        };
        let at_first = |error| (0, error);
        let turn = self.turn(log);
        for _ in 0..ATTEMPTS {
            // Nothing is locked meanwhile: how long a proof takes is for the other end to decide.
            *known = self.seen(log).map_err(at_first)?;
            self.continues(log, known.as_ref(), first).await.map_err(at_first)?;
            let _turn = turn.lock().await;
            if self.seen(log).map_err(at_first)? == *known {
                return self.remember(log, alike, known.as_ref()).await;
            }
        }
        // So many receipts of this log come at once that the memory moved on each time: they wait for this one, and only they.
        let _turn = turn.lock().await;
        *known = self.seen(log).map_err(at_first)?;
        self.continues(log, known.as_ref(), first).await.map_err(at_first)?;
        self.remember(log, alike, known.as_ref()).await
    }

    async fn continues(
        &self,
        log: &LogIdentity,
        known: Option<&Checkpoint>,
        record: &VerifiedRecord,
    ) -> Result<(), ReceiptError> {
        let Some(known) = known else { return Ok(()) };
        let shown = record.checkpoint();
        let forked = |beginning| Lie::LogForked {
            origin: log.origin.clone(),
            size: shown.size(),
            known: known.size(),
            beginning,
        };
        match record.extends(known) {
            Ok(()) => Ok(()),
            // Both are signed, are of one size, and have two roots.
            Err(HandoverError::Consistency { .. }) if shown.size() == known.size() => Err(forked(None).into()),
            // Another request was answered in between, or the proof that came is none: what the tree of the larger checkpoint begins
            // with has to be fetched.
            Err(HandoverError::NoConsistency { .. } | HandoverError::Consistency { .. }) => {
                // Nobody has signed the tiles: if they lead to another root, that proves nothing against the log.
                let compared = forks::compare(&self.reader(&log.origin), known, shown).await;
                let compared = compared.map_err(|e| ReceiptError::Unproved {
                    origin: log.origin.clone(),
                    why: e.to_string(),
                })?;
                match compared {
                    Compared::OneHistory => Ok(()),
                    Compared::Forked(beginning) => Err(forked(beginning).into()),
                }
            }
            Err(error) => Err(Lie::ReceiptInvalid {
                peer: log.did.to_string(),
                error,
            }
            .into()),
        }
    }

    /// Writes down what the records say, up to the first that contradicts something. The log's turn is held.
    async fn remember(
        &self,
        log: &LogIdentity,
        alike: &[Shown],
        known: Option<&Checkpoint>,
    ) -> Result<(), (usize, ReceiptError)> {
        let mut changes = Vec::new();
        if let Some(first) = alike.first()
            && known.is_none_or(|k| k.size() < first.record.checkpoint().size())
        {
            let note = first.handed.checkpoint.clone();
            changes.push(set(log_key(log), &SeenLog { note }).map_err(|e| (0, e.into()))?);
        }
        let mut caught = Ok(());
        for (at, shown) in alike.iter().enumerate() {
            let before = changes.len();
            if let Err(error) = self.says(log, shown, &mut changes) {
                // Of a first record that lies, its checkpoint is not remembered either.
                changes.truncate(if at == 0 { 0 } else { before });
                caught = Err((at, error));
                break;
            }
        }
        if !changes.is_empty() {
            self.write(changes).await.map_err(|e| (0, e.into()))?;
        }
        caught
    }

    fn says(&self, log: &LogIdentity, shown: &Shown, changes: &mut Vec<Change>) -> Result<(), ReceiptError> {
        for place in &shown.places {
            self.stream(log, place, changes)?;
            self.numbers(log, place, &hex::encode(shown.record.leaf()), changes)?;
        }
        Ok(())
    }

    /// What is remembered, or about to be.
    fn known<T: DeserializeOwned>(&self, key: &str, changes: &[Change]) -> Result<Option<T>, StateError> {
        let Some((_, Some(bytes))) = changes.iter().find(|(changed, _)| changed == key) else {
            return self.state.get(key);
        };
        let read = serde_json::from_slice(bytes).map(Some);
        read.map_err(|e| StateError::Format {
            key: key.to_owned(),
            why: e.to_string(),
        })
    }

    /// Refuses another id for a stream than it had; adds the change that remembers a new one.
    fn stream(&self, log: &LogIdentity, place: &Place, changes: &mut Vec<Change>) -> Result<(), ReceiptError> {
        let Some(of) = &place.of else { return Ok(()) };
        let key = stream_key(log, place.section, of);
        match self.known::<SeenStream>(&key, changes)? {
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
            let key = format!("{}{n:020}", numbers_key(log, &place.id));
            match self.known::<SeenNumber>(&key, changes)? {
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

    fn reader(&self, origin: &str) -> ForeignLog {
        ForeignLog::new(self.with.client.clone(), self.with.scheme, origin)
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
