//! What proves a lie, kept beside our log; that a log has two histories is recorded in ours too.
//!
//! Of a record that was handed over no more is kept than proves the lie. What it opened besides (inputs, parameters, a statement) lies with what is
//! recorded, if anything is, and is erased with that; nobody would look for it here.

use super::{Lie, Peers, name};
use crate::forks::Found;
use crate::state::{Change, LogIdentity, State, StateError, set};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Where lies are kept.
pub(crate) const LIES: &str = "lie/";
/// Lies kept of one participant: the first ones prove enough, and a liar must not be able to fill the disk.
pub(super) const LIES_OF_ONE: usize = 16;

/// A lie, with what proves it: kept under `lie/<did>/<SHA-256 of what is kept of the record>`.
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
    /// Of the record that was handed over (docs/log-format.md, section 7) what proves the lie; empty where its checkpoint alone was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) handed_over: String,
    /// The checkpoint that it was caught by, a signed note, where no record was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<String>,
    /// Of two histories at two sizes: what the larger tree begins with ([`herleid_ledger::fork::Beginning`]). Entries of before November 2026
    /// have none, and prove nothing by themselves where the sizes differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beginning: Option<String>,
}

/// By what somebody was caught.
#[derive(Clone, Copy)]
pub(super) enum Caught<'a> {
    /// A record that was handed over.
    By(&'a HandedOver),
    /// A checkpoint that was shown earlier: a signed note.
    ByCheckpoint(&'a str),
}

impl Caught<'_> {
    fn checkpoint(&self) -> &str {
        match self {
            Self::By(handed) => &handed.checkpoint,
            Self::ByCheckpoint(note) => note,
        }
    }
}

/// Sections by which a record contradicts others, or is none that a log writes: when it was made, its places in streams, and what those are of.
const PROVING: [SectionName; 5] = [
    SectionName::Envelope,
    SectionName::Exchange,
    SectionName::StreamAgreement,
    SectionName::StreamModel,
    SectionName::StreamCase,
];

/// The record with no more opened than proves a lie; it verifies as before.
fn proving(handed: &HandedOver) -> HandedOver {
    let mut handed = handed.clone();
    let proves = |name: &str| PROVING.iter().any(|section| section.as_str() == name);
    handed.opened.retain(|name, _| proves(name));
    handed
}

/// The transaction that a record which was handed over is of, as far as it is opened.
fn transaction(handed: &HandedOver) -> Option<String> {
    ["exchange", "run", "facts"].into_iter().find_map(|name| {
        let section: Value = serde_json::from_str(&handed.opened.get(name)?.text).ok()?;
        section.get("transaction")?.as_str().map(str::to_owned)
    })
}

fn read(key: &str, entry: &LieEntry) -> Result<HandedOver, StateError> {
    HandedOver::parse(entry.handed_over.as_bytes()).map_err(|e| StateError::Format {
        key: key.to_owned(),
        why: e.to_string(),
    })
}

fn written(key: &str, entry: LieEntry, handed: &HandedOver) -> Result<Change, StateError> {
    let bytes = handed.to_bytes().map_err(|e| StateError::Format {
        key: key.to_owned(),
        why: e.to_string(),
    })?;
    let handed_over = String::from_utf8_lossy(&bytes).into_owned();
    set(key, &LieEntry { handed_over, ..entry })
}

/// The changes by which lies keep nothing of sections that are erased of these transactions, nor more of them than proves anything.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn erased(
    state: &State,
    going: &BTreeMap<String, BTreeSet<SectionName>>,
) -> Result<Vec<Change>, StateError> {
    let mut changes = Vec::new();
    for (key, entry) in state.scan::<LieEntry>(LIES)? {
        // A checkpoint says nothing of anybody.
        if entry.handed_over.is_empty() {
            continue;
        }
        let handed = read(&key, &entry)?;
        let Some(sections) = transaction(&handed).and_then(|of| going.get(&of)) else {
            continue;
        };
        let mut left = proving(&handed);
        let goes = |name: &str| sections.iter().any(|section| section.as_str() == name);
        left.opened.retain(|name, _| !goes(name));
        if left != handed {
            changes.push(written(&key, entry, &left)?);
        }
    }
    Ok(changes)
}

/// A lie as the successor of our log keeps it: what versions before 23 November 2026 kept opens more.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn carried(key: &str, bytes: &[u8]) -> Result<Vec<u8>, StateError> {
    let entry: LieEntry = serde_json::from_slice(bytes).map_err(|e| StateError::Format {
        key: key.to_owned(),
        why: e.to_string(),
    })?;
    if entry.handed_over.is_empty() {
        return Ok(bytes.to_vec());
    }
    let handed = proving(&read(key, &entry)?);
    let (_, value) = written(key, entry, &handed)?;
    Ok(value.unwrap_or_default())
}

impl Peers {
    /// Keeps what proves a lie; a second history of a log is recorded in our own log too.
    pub(super) async fn keep(
        &self,
        log: &LogIdentity,
        caught: Caught<'_>,
        known: Option<&Checkpoint>,
        lie: &Lie,
    ) -> Result<(), StateError> {
        let of_one = format!("{LIES}{}/", log.did);
        let bytes = match caught {
            Caught::By(handed) => proving(handed).to_bytes().map_err(|e| StateError::Format {
                key: of_one.clone(),
                why: e.to_string(),
            })?,
            Caught::ByCheckpoint(note) => note.as_bytes().to_vec(),
        };
        let beginning = match lie {
            Lie::LogForked { beginning, .. } => beginning.as_ref().map(ToString::to_string),
            _ => None,
        };
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
                handed_over: match caught {
                    Caught::By(_) => String::from_utf8_lossy(&bytes).into_owned(),
                    Caught::ByCheckpoint(_) => String::new(),
                },
                shown: match caught {
                    Caught::By(_) => None,
                    Caught::ByCheckpoint(note) => Some(note.to_owned()),
                },
                beginning: beginning.clone(),
            };
            self.write(vec![set(key.clone(), &entry)?]).await?;
        }
        match (lie, known) {
            (Lie::LogForked { .. }, Some(known)) => {
                let notes = [known.note().to_string(), caught.checkpoint().to_owned()];
                self.record_fork(log, notes, beginning, &key).await
            }
            // `witness-conflict` is for two checkpoints that exclude each other; other lies have none such.
            _ => Ok(()),
        }
    }

    /// Once a log: one pair of checkpoints proves that it has two histories, and a liar could make pairs without end.
    async fn record_fork(
        &self,
        log: &LogIdentity,
        notes: [String; 2],
        beginning: Option<String>,
        key: &str,
    ) -> Result<(), StateError> {
        let found = Found {
            origin: &log.origin,
            party: Some(&log.did),
            notes,
            beginning,
            name: name(log),
        };
        let trace = crate::node::fresh_traceparent(self.with.entropy.as_ref());
        let recorded = self.with.ledger.append(found.draft(trace)).await;
        recorded.map_err(|e| StateError::Store {
            key: key.to_owned(),
            why: e.to_string(),
        })?;
        self.with.grown.send_replace(self.with.ledger.size());
        Ok(())
    }
}
