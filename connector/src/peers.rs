//! What this end remembers of the other ends' logs, and the lies that it catches by it.
//!
//! A receipt is believed only if it continues everything that the same log said before: its checkpoint extends the last one
//! seen, and no stream number is given twice. Each lie has a name, which a user and a court both get to see.

use crate::foreign_log::ForeignLog;
use crate::net::client::GuardedClient;
use crate::state::{LogIdentity, State, StateError, set};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::{HandedOver, HandoverError, VerifiedRecord};
use herleid_ledger::merkle;
use herleid_ledger::note::Verifier;
use herleid_ledger::section::SectionName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What a peer did that an honest one does not do.
#[derive(Debug, thiserror::Error)]
pub enum Lie {
    /// No receipt came with the data.
    #[error(
        "receipt withheld: `{peer}` sent data without the receipt for it; nothing of it is used: ask its operator for the record of transaction {transaction}"
    )]
    ReceiptWithheld {
        /// Who.
        peer: String,
        /// Which transaction.
        transaction: String,
    },
    /// The receipt does not verify.
    #[error("receipt invalid: what `{peer}` handed over does not verify: {error}")]
    ReceiptInvalid {
        /// Who.
        peer: String,
        /// Which check failed.
        error: HandoverError,
    },
    /// The receipt is about something else than what was asked for and received.
    #[error(
        "exchange altered: `{peer}` recorded `{member}` as `{recorded}`, this end asked for and received `{expected}`"
    )]
    ExchangeAltered {
        /// Who.
        peer: String,
        /// Which member of `exchange`.
        member: String,
        /// What the peer recorded.
        recorded: String,
        /// What this end knows.
        expected: String,
    },
    /// A number of a stream was given to two records.
    #[error(
        "number reused: `{peer}` gave number {n} of its stream {stream} to two records (leaves {first} and {second})"
    )]
    NumberReused {
        /// Who.
        peer: String,
        /// Stream id.
        stream: String,
        /// The number.
        n: u64,
        /// Leaf seen first.
        first: String,
        /// Leaf seen now.
        second: String,
    },
    /// Two histories of one log.
    #[error(
        "log forked: `{origin}` showed a checkpoint of size {size} that does not continue the one of size {known} seen before; both are kept as proof"
    )]
    LogForked {
        /// The log.
        origin: String,
        /// Size now.
        size: u64,
        /// Size before.
        known: u64,
    },
}

/// Why a receipt is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The peer lied, or its receipt was altered on the way.
    #[error(transparent)]
    Lie(#[from] Lie),
    /// The other log's key is not usable.
    #[error("the log key of `{origin}` is not usable: {why}")]
    Key {
        /// The log.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// The proof that continues what was seen before could not be had.
    #[error("`{origin}` could not be asked to prove that it continues what it showed before: {why}")]
    Unproved {
        /// The log.
        origin: String,
        /// What happened.
        why: String,
    },
    /// Our own memory failed.
    #[error(transparent)]
    State(#[from] StateError),
}

#[derive(Serialize, Deserialize)]
struct SeenLog {
    note: String,
}

#[derive(Serialize, Deserialize)]
struct SeenNumber {
    leaf: String,
}

/// The memory.
pub struct Peers {
    state: State,
    client: Arc<GuardedClient>,
    scheme: &'static str,
    /// One receipt at a time: what was seen must be read and written in one go.
    turn: tokio::sync::Mutex<()>,
}

fn log_key(origin: &str) -> String {
    format!("peer-log/{origin}")
}

impl Peers {
    /// Remembers in `state`; reads other logs through `client`.
    #[must_use]
    pub fn new(state: State, client: Arc<GuardedClient>, scheme: &'static str) -> Self {
        Self {
            state,
            client,
            scheme,
            turn: tokio::sync::Mutex::new(()),
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
        let Some(SeenLog { note }) = self.state.get(&log_key(&log.origin))? else {
            return Ok(None);
        };
        let key = verifier(log)?;
        let checkpoint = Checkpoint::verify_bytes(note.as_bytes(), &key);
        checkpoint.map(Some).map_err(|e| ReceiptError::Key {
            origin: log.origin.clone(),
            why: e.to_string(),
        })
    }

    /// Checks a record handed over by the owner of `log` and remembers it.
    ///
    /// # Errors
    /// Names the lie.
    pub async fn accept(&self, log: &LogIdentity, handed: &HandedOver) -> Result<VerifiedRecord, ReceiptError> {
        let key = verifier(log)?;
        let peer = log.did.to_string();
        let invalid = |error| Lie::ReceiptInvalid {
            peer: peer.clone(),
            error,
        };
        let record = handed.verify(&key).map_err(invalid)?;
        let _turn = self.turn.lock().await;
        let mut changes = Vec::new();
        let known = self.seen(log)?;
        self.continues(log, known.as_ref(), &record).await?;
        if known.as_ref().is_none_or(|k| k.size() < record.checkpoint().size()) {
            changes.push(set(
                log_key(&log.origin),
                &SeenLog {
                    note: handed.checkpoint.clone(),
                },
            )?);
        }
        for (name, place) in record.opened() {
            if !matches!(
                name,
                SectionName::StreamAgreement | SectionName::StreamModel | SectionName::StreamCase
            ) {
                continue;
            }
            if let Some(change) = self.number(&peer, &log.origin, place.value(), &record)? {
                changes.push(change);
            }
        }
        if !changes.is_empty() {
            self.state.write(changes)?;
        }
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
                let reader = ForeignLog::new(self.client.clone(), self.scheme, &log.origin);
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

    /// Refuses a number that another record has; gives the change that remembers a new one.
    fn number(
        &self,
        peer: &str,
        origin: &str,
        place: &Value,
        record: &VerifiedRecord,
    ) -> Result<Option<crate::state::Change>, ReceiptError> {
        let stream = place.get("id").and_then(Value::as_str).unwrap_or_default();
        let n = place.get("n").and_then(Value::as_u64).unwrap_or_default();
        let leaf = hex::encode(record.leaf());
        let key = |n: u64| format!("peer-stream/{origin}/{stream}/{n:020}");
        let reused = |n: u64, first: &str, second: &str| Lie::NumberReused {
            peer: peer.to_owned(),
            stream: stream.to_owned(),
            n,
            first: first.to_owned(),
            second: second.to_owned(),
        };
        if let Some(before) = n.checked_sub(1).filter(|b| *b > 0) {
            // The predecessor's leaf stands in the record: another one seen under that number is a second history.
            let prev = place.get("prev").and_then(Value::as_str).unwrap_or_default();
            if let Some(seen) = self
                .state
                .get::<SeenNumber>(&key(before))?
                .filter(|seen| seen.leaf != prev)
            {
                return Err(reused(before, &seen.leaf, prev).into());
            }
        }
        match self.state.get::<SeenNumber>(&key(n))? {
            Some(seen) if seen.leaf == leaf => Ok(None),
            Some(seen) => Err(reused(n, &seen.leaf, &leaf).into()),
            None => Ok(Some(set(key(n), &SeenNumber { leaf })?)),
        }
    }
}

fn verifier(log: &LogIdentity) -> Result<Verifier, ReceiptError> {
    Verifier::parse(&log.verifier_key).map_err(|e| ReceiptError::Key {
        origin: log.origin.clone(),
        why: e.to_string(),
    })
}

/// Compares two `exchange` sections member by member and names the first difference.
///
/// # Errors
/// [`Lie::ExchangeAltered`].
pub fn same_exchange(peer: &str, recorded: &Value, expected: &Value) -> Result<(), Lie> {
    let altered = |member: &str, recorded: &Value, expected: &Value| Lie::ExchangeAltered {
        peer: peer.to_owned(),
        member: member.to_owned(),
        recorded: recorded.to_string(),
        expected: expected.to_string(),
    };
    let (Some(found), Some(wanted)) = (recorded.as_object(), expected.as_object()) else {
        return Err(altered("exchange", recorded, expected));
    };
    for (name, value) in wanted {
        let other = found.get(name).unwrap_or(&Value::Null);
        if other != value {
            return Err(altered(name, other, value));
        }
    }
    match found.keys().find(|name| !wanted.contains_key(*name)) {
        Some(extra) => Err(altered(extra, found.get(extra).unwrap_or(&Value::Null), &Value::Null)),
        None => Ok(()),
    }
}
