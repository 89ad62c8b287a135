//! What this end remembers of the other ends' logs, and the lies that it catches by it.
//!
//! A receipt is believed only if it continues everything that the same log of the same participant said before: its
//! checkpoint extends the last one seen, no stream number is given twice, and no stream begins anew. Each lie has a name,
//! which a user and a court both get to see; what proves it is kept.

mod lies;
mod place;
#[cfg(test)]
pub(crate) mod tests;

pub use lies::{Lie, ReceiptError, same_exchange};

use crate::foreign_log::ForeignLog;
use crate::net::client::GuardedClient;
use crate::state::{Change, LogIdentity, State, StateError, set};
use herleid_ledger::Ledger;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::{HandedOver, HandoverError, VerifiedRecord};
use herleid_ledger::merkle;
use herleid_ledger::note::Verifier;
use herleid_ledger::record::{Document, Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use herleid_vocab::rim::{Clock, Entropy};
use place::Place;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};
use tokio::sync::{Mutex, watch};

/// How often a receipt is checked without holding up others of the same log; then it is checked while they wait.
const ATTEMPTS: usize = 4;
/// Where lies are kept.
pub(crate) const LIES: &str = "lie/";
/// Lies kept of one participant: the first ones prove enough, and a liar must not be able to fill the disk.
const LIES_OF_ONE: usize = 16;

/// A lie, with what proves it: kept under `lie/<did>/<SHA-256 of what was handed over>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LieEntry {
    /// Whose.
    pub(crate) peer: Did,
    /// Its name, such as `log forked`.
    pub(crate) lie: String,
    /// When it was caught, Unix milliseconds.
    pub(crate) when_ms: u64,
    /// All of it, for people.
    pub(crate) text: String,
    /// The log.
    pub(crate) origin: String,
    /// The checkpoint known before, a signed note.
    pub(crate) known: Option<String>,
    /// The record as it was handed over (docs/log-format.md, section 7).
    pub(crate) handed_over: String,
}

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
        let forked = || Lie::LogForked {
            origin: log.origin.clone(),
            size: record.checkpoint().size(),
            known: known.size(),
        };
        match record.extends(known) {
            Ok(()) => Ok(()),
            // Another request was answered in between: the proof from the size seen by now has to be fetched.
            Err(HandoverError::NoConsistency { .. }) | Err(HandoverError::Consistency { .. })
                if record.checkpoint().size() != known.size() =>
            {
                let (old, new) = if known.size() < record.checkpoint().size() {
                    (known, record.checkpoint())
                } else {
                    (record.checkpoint(), known)
                };
                let reader = ForeignLog::new(self.with.client.clone(), self.with.scheme, &log.origin);
                let proof = reader.consistency(old.size(), new.size()).await;
                let proof = proof.map_err(|e| ReceiptError::Unproved {
                    origin: log.origin.clone(),
                    why: e.to_string(),
                })?;
                merkle::verify_consistency(old.size(), new.size(), &proof, old.root(), new.root())
                    .map_err(|_| forked().into())
            }
            Err(_) => Err(forked().into()),
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

    /// Keeps what proves a lie; a second history of a log is recorded in our own log too.
    async fn keep(
        &self,
        log: &LogIdentity,
        handed: &HandedOver,
        known: Option<&Checkpoint>,
        lie: &Lie,
    ) -> Result<(), StateError> {
        let of_one = format!("{LIES}{}/", log.did);
        let bytes = handed.to_bytes().map_err(|e| StateError::Format {
            key: of_one.clone(),
            why: e.to_string(),
        })?;
        let key = format!("{of_one}{}", hex::encode(Sha256::digest(&bytes)));
        let kept = self.state.scan::<LieEntry>(&of_one)?;
        tracing::error!(%lie, kept = kept.len(), "a participant was caught in a lie");
        if kept.len() < LIES_OF_ONE && kept.iter().all(|(other, _)| *other != key) {
            let entry = LieEntry {
                peer: log.did.clone(),
                lie: lie.name().to_owned(),
                when_ms: self.with.clock.now_ms(),
                text: lie.to_string(),
                origin: log.origin.clone(),
                known: known.map(|c| c.note().to_string()),
                handed_over: String::from_utf8_lossy(&bytes).into_owned(),
            };
            self.write(vec![set(key.clone(), &entry)?]).await?;
        }
        match (lie, known) {
            (Lie::LogForked { .. }, Some(known)) => self.record_fork(log, handed, known, &key).await,
            // `witness-conflict` is for two checkpoints that exclude each other; other lies have none such.
            _ => Ok(()),
        }
    }

    /// Once a log: one pair of checkpoints proves that it has two histories, and a liar could make pairs without end.
    async fn record_fork(
        &self,
        log: &LogIdentity,
        handed: &HandedOver,
        known: &Checkpoint,
        key: &str,
    ) -> Result<(), StateError> {
        let checkpoint = |note: &str| Document {
            role: "checkpoint".to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: note.as_bytes().to_vec(),
        };
        let name = name(log);
        let trace = crate::node::fresh_traceparent(self.with.entropy.as_ref());
        let draft = Draft::new(Kind::WitnessConflict, trace)
            .section(
                SectionName::Facts,
                json!({"origin": log.origin, "party": log.did.as_str()}),
            )
            .evidence(checkpoint(&known.note().to_string()))
            .evidence(checkpoint(&handed.checkpoint))
            .term(Term::Party(log.did.clone()))
            .term(Term::Kind(Kind::WitnessConflict))
            .once(format!("witness-conflict/{name}"), Sha256::digest(&name).into());
        let recorded = self.with.ledger.append(draft).await;
        recorded.map_err(|e| StateError::Store {
            key: key.to_owned(),
            why: e.to_string(),
        })?;
        self.with.grown.send_replace(self.with.ledger.size());
        Ok(())
    }
}

fn verifier(log: &LogIdentity) -> Result<Verifier, ReceiptError> {
    Verifier::parse(&log.verifier_key).map_err(|e| ReceiptError::Key {
        origin: log.origin.clone(),
        why: e.to_string(),
    })
}
