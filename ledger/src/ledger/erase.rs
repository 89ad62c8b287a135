//! Erasing: what is asked, what refuses it, and the tombstones that say it. `strip` removes.

mod error;

pub use error::EraseError;

use super::ground::Ground;
use super::over::LOG;
use super::prepare::prepare_sealed;
use super::sequencer::{Answer, Job, Reply};
use super::{Ledger, StoredRecord};
use crate::error::LedgerError;
use crate::record::{Draft, Kind, Term};
use crate::section::SectionName;
use crate::store::codec::{Grave, state_key};
use crate::store::rocks::Part;
use crate::store::scrub::Touched;
use herleid_vocab::did::Did;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::mpsc::sync_channel;

/// Records of one erasure: as many as a batch of the log holds.
const MOST: usize = 1_024;
/// What `what` begins with in records of holds, proposals and what others told (docs/log-format.md, section 6).
const OF_ERASING: &str = "erasure.";
/// Characters of an authority.
const LONGEST: usize = 400;

/// A record of which something is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its number.
    pub index: u64,
    /// Which sections; empty: all that may be erased and are there.
    pub sections: BTreeSet<SectionName>,
    /// The other end, where the record itself does not say it.
    pub counterparty: Option<Did>,
}

/// What is to be erased, and why.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// W3C `traceparent` of the request that leads to it.
    pub trace: String,
    /// What.
    pub targets: Vec<Target>,
    /// Why.
    pub ground: Ground,
    /// By whose authority: a selection list and its category, a decision, a request.
    pub authority: String,
    /// By when it is gone from backups and from recipients too: UTC milliseconds since 1970, not in the past.
    pub complete_by_ms: u64,
    /// What else the tombstones say: who proposed it and who approved.
    pub facts: Map<String, Value>,
    /// Changes of the caller's own state, in the commit of the tombstones.
    pub state: Vec<(String, Option<Vec<u8>>)>,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Numbers of the tombstones, in the order of the targets.
    pub tombstones: Vec<u64>,
    /// Whether the files that held it are gone too. If not, [`Ledger::bury`] tries again, and so does the next opening.
    pub is_buried: bool,
    /// What went wrong after the tombstones were durable, if anything did.
    pub why: Option<String>,
}

impl Ledger {
    /// Erases sections of records: their keys, their bytes, the index entries that lead from a digest in them, and the documents that no
    /// other record lists. A tombstone for each record comes first and is durable; then it is removed; and then the files that still hold
    /// it are rewritten. Whatever stops this process in between, the next opening goes on with it before it serves.
    ///
    /// MACs, envelope and places in streams stay, so that the log verifies as before. Waits, possibly for minutes: not for a thread that
    /// others wait for.
    ///
    /// # Errors
    /// When something named cannot be erased; then nothing is. What fails after the tombstones are durable is no error: it is erased, and
    /// [`Erased`] says what is left to do.
    pub fn erase(&self, erasure: Erasure) -> Result<Erased, EraseError> {
        let shared = self.shared();
        let _alone = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let graves = self.check_erasure(&erasure)?;
        let drafts = erasure.targets.iter().zip(&graves).map(|(target, (grave, record))| {
            let draft = self.tombstone(&erasure, target, grave, record);
            (draft, Some(grave.clone()))
        });
        let numbers = self.append_tombstones(drafts.collect(), erasure.state.clone())?;
        let below = numbers.last().map_or(0, |last| last + 1);
        let graves = numbers.iter().copied().zip(graves.into_iter().map(|(grave, _)| grave));
        let graves = graves.collect();

        let touched = erasure.state.iter().map(|(key, _)| forgotten(key));
        let buried = self.carry_out(graves, below, touched.collect());
        Ok(Erased {
            tombstones: numbers,
            is_buried: buried.as_ref().is_ok_and(|is_buried| *is_buried),
            why: buried.err().map(|error| error.to_string()),
        })
    }

    /// Writes tombstones in one batch, each with the row of what it erases in this log, if it does; and changes of the caller's state with them.
    /// Gives their numbers.
    pub(super) fn append_tombstones(
        &self,
        drafts: Vec<(Draft, Option<Grave>)>,
        mut state: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<Vec<u64>, EraseError> {
        let (shared, count) = (self.shared(), drafts.len() as u64);
        let mut tombstones = Vec::new();
        for (mut draft, grave) in drafts {
            for (key, value) in state.drain(..) {
                draft = draft.put(key, value);
            }
            let mut sealed = draft.seal()?;
            sealed.grave = grave;
            tombstones.push(prepare_sealed(&shared, sealed)?);
        }
        let (sender, receiver) = sync_channel(1);
        self.submit(Job::Tombstones(tombstones, Reply::Blocked(sender)))?;
        let answer = receiver.recv().map_err(|_| LedgerError::Closed)??;
        let Answer::Recorded { batch, position, .. } = answer else {
            return Err(LedgerError::Closed.into());
        };
        let below = batch.first + position as u64 + 1;
        Ok((below - count..below).collect())
    }

    fn carry_out(&self, graves: Vec<(u64, Grave)>, below: u64, touched: Vec<Touched>) -> Result<bool, LedgerError> {
        let (sender, receiver) = sync_channel(1);
        // Whatever is refused from now on: this is promised.
        self.send(Job::Strip(graves, below, sender))?;
        let mut stripped = receiver.recv().map_err(|_| LedgerError::Closed)?;
        stripped.log.extend(touched);
        self.shared().bury(stripped)
    }

    /// Whether all of it can be erased; nothing is written.
    ///
    /// # Errors
    /// As [`Self::erase`].
    pub fn can_erase(&self, erasure: &Erasure) -> Result<(), EraseError> {
        self.check_erasure(erasure).map(|_| ())
    }

    pub(super) fn check_erasure(&self, erasure: &Erasure) -> Result<Vec<(Grave, StoredRecord)>, EraseError> {
        let found = erasure.targets.len();
        match found {
            0 => return Err(EraseError::Nothing),
            1..=MOST => {}
            _ => return Err(EraseError::TooMany { found }),
        }
        let authority = &erasure.authority;
        if authority.trim().is_empty() || authority.chars().count() > LONGEST || authority.contains(char::is_control) {
            return Err(EraseError::Authority);
        }
        let now_ms = self.shared().clock.now_ms();
        if erasure.complete_by_ms < now_ms {
            return Err(EraseError::Past {
                complete_by_ms: erasure.complete_by_ms,
                now_ms,
            });
        }
        let mut seen = BTreeSet::new();
        let mut graves = Vec::new();
        for target in &erasure.targets {
            if !seen.insert(target.index) {
                return Err(EraseError::Twice { index: target.index });
            }
            graves.push(self.grave(target)?);
        }
        Ok(graves)
    }

    fn grave(&self, target: &Target) -> Result<(Grave, StoredRecord), EraseError> {
        let index = target.index;
        let record = self.record(index)?;
        if let Some(kind) = record.kind().filter(|kind| kind.is_never_erased()) {
            return Err(EraseError::Kind { index, kind });
        }
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let changed = facts.get("what").and_then(Value::as_str).unwrap_or_default();
        if record.kind() == Some(Kind::TrustChanged) && changed.starts_with(OF_ERASING) {
            return Err(EraseError::Act { index });
        }
        if let Some(section) = target.sections.iter().copied().find(|name| name.is_made_by_the_log()) {
            return Err(EraseError::Section { index, section });
        }
        if let Some(section) = target
            .sections
            .iter()
            .copied()
            .find(|name| !record.macs().contains_key(name))
        {
            return Err(LedgerError::NoSection { index, section }.into());
        }
        let is_gone = |name: &SectionName| !record.sections().contains_key(name);
        let gone: Vec<&str> = target
            .sections
            .iter()
            .filter(|name| is_gone(name))
            .map(|name| name.as_str())
            .collect();
        if !gone.is_empty() {
            let what = format!("`{}`", gone.join("`, `"));
            return Err(EraseError::Before { index, what });
        }
        let all = record
            .sections()
            .keys()
            .copied()
            .filter(|name| !name.is_made_by_the_log());
        let sections: Vec<SectionName> = match target.sections.is_empty() {
            true => all.collect(),
            false => target.sections.iter().copied().collect(),
        };
        if sections.is_empty() {
            let what = "everything that can be erased".to_owned();
            return Err(EraseError::Before { index, what });
        }
        let grave = Grave {
            target: index,
            sections,
        };
        Ok((grave, record))
    }

    pub(super) fn tombstone(&self, erasure: &Erasure, target: &Target, grave: &Grave, record: &StoredRecord) -> Draft {
        let macs = record.macs().iter();
        let macs: Map<String, Value> = macs
            .map(|(name, mac)| (name.to_string(), json!(hex::encode(mac))))
            .collect();
        let streams = [
            SectionName::StreamAgreement,
            SectionName::StreamCase,
            SectionName::StreamModel,
        ];
        let streams: Map<String, Value> = streams
            .into_iter()
            .filter_map(|name| {
                let place = record.value(name)?;
                Some((name.to_string(), json!({"id": place.get("id")?, "n": place.get("n")?})))
            })
            .collect();
        let counterparty = target.counterparty.clone().map(|did| did.to_string());
        let mut facts = erasure.facts.clone();
        facts.extend([
            ("index".to_owned(), json!(grave.target)),
            (
                "sections".to_owned(),
                json!(grave.sections.iter().map(|name| name.as_str()).collect::<Vec<_>>()),
            ),
            ("macs".to_owned(), Value::Object(macs)),
            ("kind".to_owned(), json!(record.kind().map(Kind::as_str))),
            ("streams".to_owned(), Value::Object(streams)),
            (
                "counterparty".to_owned(),
                json!(counterparty.or_else(|| self.counterparty(record))),
            ),
            ("ground".to_owned(), json!(erasure.ground.as_str())),
            ("authority".to_owned(), json!(erasure.authority)),
            ("completeBy".to_owned(), json!(erasure.complete_by_ms)),
        ]);
        let proof = grave.sections.contains(&SectionName::Exchange).then(
            || json!({"index": grave.target, "macs": facts.get("macs"), "sections": [SectionName::Exchange.as_str()]}),
        );
        // Whose number it is, where it is not this log's.
        let proof = proof.map(|mut proof| {
            if let (Some(members), Some(log)) = (proof.as_object_mut(), facts.get(LOG)) {
                members.insert(LOG.to_owned(), log.clone());
            }
            proof
        });
        let draft = Draft::new(Kind::Erased, erasure.trace.clone()).section(SectionName::Facts, Value::Object(facts));
        // What the other end of an exchange has to be shown, and no more: who erased it, and why, stays closed.
        let draft = match proof {
            Some(proof) => draft.section(SectionName::Parameters, proof),
            None => draft,
        };
        draft.prior(*record.leaf())
    }

    /// The other end of a record, as its own sections say.
    fn counterparty(&self, record: &StoredRecord) -> Option<String> {
        let own = self.party().as_str();
        for name in [SectionName::Exchange, SectionName::Facts] {
            let Some(section) = record.value(name) else { continue };
            for member in ["provider", "consumer", "party"] {
                let did = section.get(member).and_then(Value::as_str);
                if let Some(did) = did.filter(|did| *did != own) {
                    return Some(did.to_owned());
                }
            }
        }
        None
    }

    /// Numbers of the tombstones of a record, by its leaf hash.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn tombstones(&self, leaf: &crate::merkle::Hash) -> Result<Vec<u64>, LedgerError> {
        let mut found = Vec::new();
        for index in self.by_term(&Term::RestsOn(*leaf))? {
            if self.record(index)?.kind() == Some(Kind::Erased) {
                found.push(index);
            }
        }
        Ok(found)
    }
}

/// A piece of state that was removed, or has another value now.
fn forgotten(key: &str) -> Touched {
    let key = state_key(key);
    (Part::State, Some((key.clone(), key)))
}

impl StoredRecord {
    /// Its kind, as its envelope says.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.value(SectionName::Envelope)?.get("kind")?.as_str()?.parse().ok()
    }
}
