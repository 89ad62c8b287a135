//! Checkpoints of another log of which nobody could say whether they are of the history that is known: kept until its tiles tell.
//!
//! That is no proof of anything. Whoever has forked its log and withholds the tiles of one history is never proved to have by a failure to
//! fetch them; but it is seen, and as soon as the other history is as long, the tiles of that prove it.

use super::kept::Caught;
use super::{Lie, Peers, name, verifier};
use crate::forks::{self, Compared};
use crate::state::{LogIdentity, StateError, set};
use herleid_ledger::checkpoint::Checkpoint;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Where they are kept.
pub(crate) const SUSPICIONS: &str = "suspicion/";

/// Kept of one log: the first ones.
const OF_ONE_LOG: usize = 4;

/// A checkpoint that was shown, under `suspicion/<did>/<origin>/<SHA-256 of its text>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuspicionEntry {
    /// The log.
    pub(crate) log: LogIdentity,
    /// The checkpoint that was known then: a note with the log's own line.
    pub(crate) known: String,
    /// How many records that has.
    pub(crate) known_size: u64,
    /// The one that was shown: likewise.
    pub(crate) shown: String,
    /// How many records that has.
    pub(crate) shown_size: u64,
    /// When, Unix milliseconds.
    pub(crate) since_ms: u64,
    /// Why nothing could be said.
    pub(crate) why: String,
}

impl Peers {
    /// Keeps that the log showed a checkpoint of which it could not be found out whether it continues what is `known`.
    pub(super) async fn suspect(
        &self,
        log: &LogIdentity,
        known: Option<&Checkpoint>,
        shown: &Checkpoint,
        why: &str,
    ) -> Result<(), StateError> {
        let (Some(known), Ok(key)) = (known, verifier(log)) else {
            return Ok(());
        };
        let of_log = format!("{SUSPICIONS}{}/", name(log));
        let place = format!("{of_log}{}", hex::encode(Sha256::digest(shown.note().text())));
        let kept = self.state.scan::<SuspicionEntry>(&of_log)?;
        if kept.len() >= OF_ONE_LOG || kept.iter().any(|(other, _)| *other == place) {
            return Ok(());
        }
        // Both were verified with this key, so each has its line.
        let alone = |checkpoint: &Checkpoint| {
            checkpoint.clone().alone(&key).map_err(|e| StateError::Format {
                key: place.clone(),
                why: e.to_string(),
            })
        };
        let entry = SuspicionEntry {
            log: log.clone(),
            known: alone(known)?.note().to_string(),
            known_size: known.size(),
            shown: alone(shown)?.note().to_string(),
            shown_size: shown.size(),
            since_ms: self.with.clock.now_ms(),
            why: why.chars().take(500).collect(),
        };
        tracing::warn!(origin = %log.origin, why, "a log could not be shown to have one history");
        self.write(vec![set(place, &entry)?]).await
    }

    /// Asks the tiles of each such log again, if it is its turn: what turns out to be of one history is forgotten, what does not is a lie that is
    /// proved.
    ///
    /// # Errors
    /// When the memory fails, or one that is kept is not readable; the others were asked all the same.
    pub(crate) async fn look_again(&self) -> Result<(), StateError> {
        let mut logs: BTreeMap<String, Vec<(String, SuspicionEntry)>> = BTreeMap::new();
        let mut unread = Ok(());
        for kept in self.state.scan_each::<SuspicionEntry>(SUSPICIONS)? {
            match kept {
                Ok((place, entry)) => logs.entry(name(&entry.log)).or_default().push((place, entry)),
                // It keeps no other from being settled.
                Err(error) => unread = Err(error),
            }
        }
        let settle = |(place, entry)| self.settle(place, entry);
        self.suspecting.turns(logs, settle).await;
        unread
    }

    /// `false` where nothing could be found out.
    async fn settle(&self, place: String, entry: SuspicionEntry) -> Result<bool, StateError> {
        let log = &entry.log;
        let unreadable = |why: String| StateError::Format {
            key: place.clone(),
            why,
        };
        let key = verifier(log).map_err(|e| unreadable(e.to_string()))?;
        let read = |note: &str| Checkpoint::verify_bytes(note.as_bytes(), &key).map_err(|e| unreadable(e.to_string()));
        let shown = read(&entry.shown)?;
        // What is known by now extends what was known then. The longer it is, the less depends on tiles of the other history.
        let known = match self.seen(log) {
            Ok(Some(known)) => known,
            _ => read(&entry.known)?,
        };
        match forks::compare(&self.reader(&log.origin), &known, &shown).await {
            Err(error) => {
                tracing::debug!(origin = %log.origin, %error, "still not known to have one history");
                return Ok(false);
            }
            Ok(Compared::OneHistory) => {}
            Ok(Compared::Forked(beginning)) => {
                let lie = Lie::LogForked {
                    origin: log.origin.clone(),
                    size: shown.size(),
                    known: known.size(),
                    beginning,
                };
                self.keep(log, Caught::ByCheckpoint(&entry.shown), Some(&known), &lie)
                    .await?;
            }
        }
        self.write(vec![(place, None)]).await?;
        Ok(true)
    }
}
