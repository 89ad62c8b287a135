//! One log of a participant at a time: another one counts only as the proven successor of the one that is known here.
//!
//! A participant that could begin a new log unasked would leave behind whatever the old one holds against it. So its new log must be under
//! the same key, and hold, proven, the record `continued` that names the log that is known.

use super::lies::ReceiptError;
use super::{Peers, log_key, verifier};
use crate::continuing::parts;
use crate::foreign_log::{ForeignLog, ForeignLogError};
use crate::state::{AgreementEntry, LogIdentity, StateError, set};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::{HandedOver, VerifiedRecord};
use herleid_ledger::note::{Algorithm, Verifier};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// Successions that one proof may go through: a participant that lost its log so often while nobody looked has other troubles.
const MOST: usize = 16;

/// How long all of them may take together: the other end decides how long each takes.
const LIMIT: Duration = Duration::from_secs(20);

/// Why another log than the one that is known is not believed.
#[derive(Debug, thiserror::Error)]
pub enum SuccessionError {
    /// It is not proved to continue it.
    #[error(
        "`{peer}` names the log `{shown}`, and is known here by the log `{known}`: {why}; expected the known log, or one under the same key whose record `continued` \
         names it (docs/ledger-lost.md). Ask its operator what became of `{known}`"
    )]
    Unproved {
        /// Who.
        peer: Did,
        /// The log that it names.
        shown: String,
        /// The log by which it is known.
        known: String,
        /// What is missing.
        why: String,
    },
    /// The proof could not be had.
    #[error("whether `{shown}` continues `{known}` could not be read: {error}")]
    Unread {
        /// The log that is named.
        shown: String,
        /// The log that is known.
        known: String,
        /// What happened.
        error: ForeignLogError,
    },
    /// The proof did not come in time.
    #[error("`{shown}` took longer than {} ms over the proof that it continues `{known}`", LIMIT.as_millis())]
    Slow {
        /// The log that is named.
        shown: String,
        /// The log that is known.
        known: String,
    },
    /// The new log contradicts what it showed before.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// Our own memory failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl SuccessionError {
    /// Whether the same log may be believed in a while: nothing was found out against its owner.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unread { .. } | Self::Slow { .. })
            || matches!(self, Self::Receipt(error) if error.is_passing())
    }
}

fn now_key(did: &Did) -> String {
    format!("peer-now/{did}")
}

/// What a record `continued` says.
struct Continued {
    previous: String,
    checkpoint: Option<String>,
}

impl Peers {
    /// Takes `log` for the log of its owner from now on: the one that is known, the first one, or the proven successor of the known one.
    ///
    /// # Errors
    /// When another one is known, and this is not proved to continue it.
    pub async fn take_for_its_log(&self, log: &LogIdentity) -> Result<(), SuccessionError> {
        let key = now_key(&log.did);
        let kept = self.state.get::<LogIdentity>(&key)?;
        if kept.as_ref() == Some(log) {
            return Ok(());
        }
        let known = match kept {
            Some(known) => Some(known),
            None => self.agreed(&log.did)?,
        };
        if let Some(known) = known.filter(|known| known != log) {
            let proved = timeout(LIMIT, self.prove(log, &known)).await;
            proved.unwrap_or_else(|_| {
                Err(SuccessionError::Slow {
                    shown: log.origin.clone(),
                    known: known.origin.clone(),
                })
            })?;
            tracing::warn!(peer = %log.did, before = %known.origin, now = %log.origin, "a participant lost its log, and continues it in another one");
        }
        Ok(self.write(vec![set(key, log)?]).await?)
    }

    /// The log that the agreements with a participant name, of several the one with the highest number.
    fn agreed(&self, did: &Did) -> Result<Option<LogIdentity>, StateError> {
        let agreements = self.state.scan::<AgreementEntry>("agreement/")?;
        let of_it = agreements.into_iter().filter(|(_, entry)| entry.other == *did);
        let logs = of_it.filter_map(|(_, entry)| entry.other_log);
        Ok(logs.max_by_key(|log| parts(&log.origin).map(|(_, number)| number)))
    }

    async fn prove(&self, log: &LogIdentity, known: &LogIdentity) -> Result<(), SuccessionError> {
        let unproved = |why: String| SuccessionError::Unproved {
            peer: log.did.clone(),
            shown: log.origin.clone(),
            known: known.origin.clone(),
            why,
        };
        let (key, known_key) = (verifier(log)?, verifier(known)?);
        if key.public_key() != known_key.public_key() {
            return Err(unproved("it is under another key".to_owned()));
        }
        let mut origin = log.origin.clone();
        for step in 0..MOST {
            if !counts_down(&origin, &known.origin) {
                return Err(unproved(format!("`{origin}` does not come after it")));
            }
            let of = LogIdentity {
                did: log.did.clone(),
                verifier_key: renamed(&key, &origin).map_err(&unproved)?.to_string(),
                origin,
            };
            let reader = ForeignLog::new(self.with.client.clone(), self.with.scheme, &of.origin);
            let bytes = reader.continued().await.map_err(|error| SuccessionError::Unread {
                shown: log.origin.clone(),
                known: known.origin.clone(),
                error,
            })?;
            let bytes = bytes.ok_or_else(|| unproved(format!("`{}` continues no other log", of.origin)))?;
            let handed = HandedOver::parse(&bytes).map_err(|e| unproved(e.to_string()))?;
            let record = handed.verify(&verifier(&of)?).map_err(|e| unproved(e.to_string()))?;
            let continued = read(&record, &log.did).map_err(&unproved)?;
            if step == 0 {
                // Remembered of it from the start: it will have to extend this.
                self.accept(&of, &handed).await?;
            }
            if continued.previous == known.origin {
                return self
                    .fits(known, &known_key, continued.checkpoint.as_deref())
                    .map_err(unproved);
            }
            origin = continued.previous;
        }
        Err(unproved(format!("it does not lead there in {MOST} steps")))
    }

    /// That the checkpoint named of the old log is not of another history than it showed here.
    fn fits(&self, known: &LogIdentity, key: &Verifier, named: Option<&str>) -> Result<(), String> {
        let Some(note) = named else { return Ok(()) };
        let named = Checkpoint::verify_bytes(note.as_bytes(), key)
            .map_err(|e| format!("the checkpoint that it names is none of that log: {e}"))?;
        let seen = self.seen(known).map_err(|e| e.to_string())?;
        match seen {
            Some(seen) if seen.size() == named.size() && seen.root() != named.root() => Err(format!(
                "it names a checkpoint of {} records that is not the one that was seen here (kept under `{}`)",
                named.size(),
                log_key(known)
            )),
            _ => Ok(()),
        }
    }
}

/// Whether `origin` lies where `known` does, with a higher number.
fn counts_down(origin: &str, known: &str) -> bool {
    match (parts(origin), parts(known)) {
        (Some((host, number)), Some((known_host, known_number))) => host == known_host && number > known_number,
        _ => false,
    }
}

/// The same key under the name of another log.
fn renamed(key: &Verifier, origin: &str) -> Result<Verifier, String> {
    Verifier::new(origin, Algorithm::Ed25519, *key.public_key()).map_err(|e| e.to_string())
}

fn read(record: &VerifiedRecord, owner: &Did) -> Result<Continued, String> {
    let of = |name: SectionName, member: &str| {
        let text = record
            .section(name)
            .and_then(|section| section.get(member))
            .and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let (kind, party) = (of(SectionName::Envelope, "kind"), of(SectionName::Envelope, "party"));
    if record.index() != 1 || kind != Kind::Continued.as_str() || party != owner.as_str() {
        return Err(format!(
            "record {} of `{}` is `{kind}` of `{party}`, not the record 1 by which it continues another log",
            record.index(),
            record.origin()
        ));
    }
    let checkpoint = of(SectionName::Facts, "previousCheckpoint");
    Ok(Continued {
        previous: of(SectionName::Facts, "previousOrigin"),
        checkpoint: Some(checkpoint).filter(|note| !note.is_empty()),
    })
}
