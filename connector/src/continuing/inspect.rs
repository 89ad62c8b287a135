//! How far a log went, by everything that still knows: its directory, its witnesses, checkpoints that others kept.

use super::{ContinuingError, place};
use crate::config::Config;
use crate::net::client::GuardedClient;
use crate::node::{Secrets, client_settings, ledger_options, witnesses};
use crate::rim::{SystemClock, SystemEntropy};
use crate::storage;
use crate::witnessing::{self, WitnessingError};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::note::{MAX_NOTE_BYTES, Signer, Verifier};
use herleid_ledger::{Ledger, LedgerError};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is left of the old log.
pub enum Old {
    /// Its directory is empty, or not there.
    Absent,
    /// It is there and cannot be opened.
    Unreadable(String),
    /// It is there, opened for reading alone.
    There(Ledger),
}

/// What is known of a log that may be lost.
pub struct Inspected {
    /// Its origin.
    pub origin: String,
    /// The origin that would continue it.
    pub successor: String,
    /// What is left of it.
    pub old: Old,
    /// Where it lies, or lay.
    pub directory: PathBuf,
    /// The largest checkpoint that anybody showed, its signature checked, and who holds it.
    pub last: Option<(Checkpoint, String)>,
    /// Which witness has seen how many records.
    pub witnessed: Vec<(String, u64)>,
    /// Who says that the records in the directory are another history, and why.
    pub other_history: Option<String>,
    /// Whether the directory was restored from a backup, and no service has started on it since.
    pub is_restored: bool,
    /// Records in that backup.
    restored: u64,
}

impl Inspected {
    /// Records in the old directory, if it can be opened.
    #[must_use]
    pub fn own(&self) -> Option<u64> {
        match &self.old {
            Old::Absent => Some(0),
            Old::Unreadable(_) => None,
            Old::There(ledger) => Some(ledger.size()),
        }
    }

    /// The largest size that anybody outside named.
    fn known(&self) -> Option<u64> {
        let last = self.last.as_ref().map(|(checkpoint, _)| checkpoint.size());
        self.witnessed.iter().map(|(_, size)| *size).chain(last).max()
    }

    /// Whether nothing of it is known to be lost. Of a backup that was restored nobody knows.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.is_whole() && !self.is_restored
    }

    /// Whether nobody outside knows more of it than the directory has.
    fn is_whole(&self) -> bool {
        let whole = |ledger: &Ledger| self.known().unwrap_or(0) <= ledger.size();
        matches!(&self.old, Old::There(ledger) if whole(ledger)) && self.other_history.is_none()
    }

    /// `lost` of the record `continued`: from which number on records are lost, and up to which they are known to have been; what is not
    /// known is not guessed.
    #[must_use]
    pub fn lost(&self) -> Value {
        match (&self.old, self.known().filter(|known| *known > 0)) {
            // What witnesses cosigned of it stands in both histories.
            (Old::There(ledger), Some(known)) if self.other_history.is_some() => {
                let from = ledger.cosigned().map_or(0, |cosigned| cosigned.size().min(known));
                let checkpoint = ledger.checkpoint();
                let own = json!({"size": checkpoint.size(), "root": hex::encode(checkpoint.root())});
                json!({"from": from, "to": known, "otherHistory": own})
            }
            // Whoever goes on without it has a reason that is not known here.
            (Old::There(_), _) if self.is_whole() => json!("unknown"),
            (Old::There(ledger), Some(known)) => json!({"from": ledger.size(), "to": known.max(ledger.size())}),
            (Old::Absent, Some(known)) => json!({"from": 0, "to": known}),
            _ => json!("unknown"),
        }
    }
}

/// A checkpoint that somebody kept in a file.
fn read(path: &Path, log: &Verifier) -> Result<Checkpoint, ContinuingError> {
    let refused = |why: String| ContinuingError::NotACheckpoint {
        path: path.to_owned(),
        origin: log.name().to_owned(),
        why,
    };
    let length = std::fs::metadata(path).map_err(|e| refused(e.to_string()))?.len();
    if length > MAX_NOTE_BYTES as u64 {
        return Err(refused(format!("it has {length} bytes")));
    }
    let note = std::fs::read(path).map_err(|e| refused(e.to_string()))?;
    Checkpoint::verify_bytes(&note, log).map_err(|e| refused(e.to_string()))
}

/// Opens what is left of the log, for reading alone.
fn left(config: &Config, secrets: &Secrets, directory: &Path) -> Result<Old, ContinuingError> {
    if matches!(Ledger::origin_in(directory), Ok(None)) {
        return Ok(Old::Absent);
    }
    let options = ledger_options(
        config,
        secrets,
        directory,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )?;
    match Ledger::open_closed(options) {
        Ok(ledger) => Ok(Old::There(ledger)),
        // A mistake in the configuration is no loss.
        Err(error @ (LedgerError::OtherOwner { .. } | LedgerError::WrongKek { .. } | LedgerError::Newer { .. })) => {
            Err(error.into())
        }
        Err(error) => Ok(Old::Unreadable(error.to_string())),
    }
}

/// Finds out how far the log of this configuration went. Nothing of it changes; its witnesses are asked, and may cosign what is there if
/// none of them has seen more (of a log that was restored, if they had seen what is in the backup).
///
/// # Errors
/// When the log was continued before, too few witnesses answer, the successor was begun elsewhere, or a file is no checkpoint of it.
pub async fn inspect(config: &Config, secrets: &Secrets, files: &[PathBuf]) -> Result<Inspected, ContinuingError> {
    let (storage, origin) = (&config.storage.directory, config.ledger.origin.clone());
    let successor = place::next(&origin).ok_or_else(|| ContinuingError::NoNumber { origin: origin.clone() })?;
    let log = Signer::ed25519(&origin, secrets.log.clone())?;
    let next = Signer::ed25519(&successor, secrets.log.clone())?;
    let directory = place::of(storage, &origin)?;
    let mut found = Inspected {
        old: left(config, secrets, &directory)?,
        directory,
        origin,
        successor,
        last: None,
        witnessed: Vec::new(),
        other_history: None,
        restored: 0,
        is_restored: false,
    };
    if let Some(restored) = storage::restored(storage)?.filter(|restored| restored.origin == config.ledger.origin) {
        (found.is_restored, found.restored) = (true, restored.size);
    }
    // In this order: of two histories of one size, that of whoever stands outside is named.
    let mut held = Vec::new();
    for path in files {
        held.push((read(path, log.verifier())?, path.display().to_string()));
    }
    found.ask(config, &log, &next, &mut held).await?;
    if let Old::There(ledger) = &found.old {
        for (checkpoint, holder) in &held {
            let differs =
                checkpoint.size() <= ledger.size() && ledger.root_at(checkpoint.size())? != *checkpoint.root();
            if differs && found.other_history.is_none() {
                found.other_history = Some(format!(
                    "the checkpoint of {} records that {holder} holds has another root",
                    checkpoint.size()
                ));
            }
        }
        // Of two histories the one that somebody outside knows is the log's.
        if found.other_history.is_none() || held.is_empty() {
            held.push((ledger.checkpoint().as_ref().clone(), "this directory".to_owned()));
        }
    }
    for (checkpoint, holder) in held {
        if found
            .last
            .as_ref()
            .is_none_or(|(last, _)| last.size() < checkpoint.size())
        {
            found.last = Some((checkpoint, holder));
        }
    }
    Ok(found)
}

impl Inspected {
    /// Asks the witnesses what they saw of the log and of its successor; as many must answer as for a start.
    async fn ask(
        &mut self,
        config: &Config,
        log: &Signer,
        next: &Signer,
        held: &mut Vec<(Checkpoint, String)>,
    ) -> Result<(), ContinuingError> {
        let client = GuardedClient::new(&client_settings(config))?;
        let (empty, empty_next) = (Checkpoint::empty(log)?, Checkpoint::empty(next)?);
        let asked = witnesses(config);
        let (mut answering, mut why) = (Vec::new(), String::new());
        for witness in &asked {
            let name = witness.verifier.name().to_owned();
            let seen = match witnessing::seen_by(&client, witness, &empty).await {
                Ok(Some(seen)) => seen,
                Ok(None) => {
                    why = format!("the witness `{name}` does not know `{}`", self.origin);
                    continue;
                }
                Err(error) => {
                    why = error.to_string();
                    continue;
                }
            };
            let seen_of_next = match witnessing::seen_by(&client, witness, &empty_next).await {
                Ok(seen) => seen,
                // One that answers about one log and not about the other has not answered.
                Err(error) => {
                    why = error.to_string();
                    continue;
                }
            };
            if let Some(size) = seen_of_next.filter(|size| *size > 0) {
                return Err(ContinuingError::BegunElsewhere {
                    successor: self.successor.clone(),
                    witness: name,
                    size,
                    storage: config.storage.directory.clone(),
                });
            }
            // Not every witness hands it out; what it says of the size counts all the same.
            match witnessing::last_of(&client, witness, log.verifier()).await {
                Ok(Some(checkpoint)) => held.push((checkpoint, format!("the witness `{name}`"))),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a witness does not hand out what it cosigned"),
            }
            self.witnessed.push((name, seen));
            answering.push((seen, witness));
        }
        let (reached, needed) = (
            answering.len(),
            witnessing::needed_to_start(config.trust.quorum, asked.len()),
        );
        if reached < needed {
            return Err(ContinuingError::NoQuorum {
                origin: self.origin.clone(),
                reached,
                needed,
                why,
            });
        }
        let Old::There(ledger) = &self.old else { return Ok(()) };
        // A log that is behind asks for no cosignature: one that saw less would cosign what is no longer so.
        if self.witnessed.iter().any(|(_, size)| *size > ledger.size()) {
            return Ok(());
        }
        // Nor does one that was restored, of a witness that never saw what is in the backup: it would vouch for it at the next start.
        answering.retain(|(seen, _)| !self.is_restored || *seen >= self.restored.max(1));
        let confirming = answering.len();
        // Who saw most first: one that lags behind would cosign a history that another one knows to be false.
        answering.sort_by_key(|(seen, _)| std::cmp::Reverse(*seen));
        for (_, witness) in answering {
            match witnessing::cosigned_by(ledger, &client, witness, ledger.size()).await {
                Ok(_) => {}
                Err(error @ WitnessingError::Inconsistent { .. }) => {
                    self.other_history = Some(error.to_string());
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        // As many as a start needs confirm that this was all: it is as sound as any other (`node/started.rs`).
        if needed > 0 && confirming >= needed {
            self.is_restored = false;
        }
        Ok(())
    }
}
