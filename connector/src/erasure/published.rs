//! What the connector keeps of a version that was published goes with the record that published it, and why it was withdrawn with the record that
//! says so. That there was such a version, and that it was erased, stays.

use super::over;
use crate::catalogue::Turn;
use crate::commands::Failure;
use crate::node::Node;
use crate::state::{Change, ModelEntry, StateError, VersionEntry, set};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{StoredRecord, Target};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Of which version a record is, and what it says of it.
struct Of {
    kind: Kind,
    id: String,
    version: String,
    /// Why it was withdrawn, of a withdrawal.
    reason: Option<String>,
}

impl Of {
    /// `None` of any other record, and where what it says was erased before: what is kept went with that.
    fn read(record: &StoredRecord) -> Option<Self> {
        let kind = record.kind()?;
        let member = match kind {
            Kind::DatasetPublished | Kind::DatasetWithdrawn => "dataset",
            Kind::ModelPublished | Kind::ModelWithdrawn => "model",
            _ => return None,
        };
        let facts = record.value(SectionName::Facts)?;
        let text = |name: &str| facts.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            kind,
            id: text(member)?,
            version: text("version")?,
            reason: text("reason"),
        })
    }

    const fn publishes(&self) -> bool {
        matches!(self.kind, Kind::DatasetPublished | Kind::ModelPublished)
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.id, &self.version) == (other.kind, &other.id, &other.version)
    }

    fn key(&self) -> String {
        let folder = match self.kind {
            Kind::DatasetPublished | Kind::DatasetWithdrawn => "dataset",
            _ => "model",
        };
        format!("{folder}/{}/{}", self.id, self.version)
    }

    fn entry(&self, log: &over::Of) -> Result<Option<Entry>, StateError> {
        Ok(match self.kind {
            Kind::DatasetPublished | Kind::DatasetWithdrawn => log.state.get(&self.key())?.map(Entry::Dataset),
            _ => log.state.get(&self.key())?.map(Entry::Model),
        })
    }
}

enum Entry {
    Dataset(VersionEntry),
    Model(ModelEntry),
}

impl Entry {
    const fn withdrawn(&mut self) -> &mut Option<String> {
        match self {
            Self::Dataset(entry) => &mut entry.withdrawn,
            Self::Model(entry) => &mut entry.withdrawn,
        }
    }

    fn bare(self) -> Self {
        match self {
            Self::Dataset(entry) => Self::Dataset(entry.bare()),
            Self::Model(entry) => Self::Model(entry.bare()),
        }
    }

    /// Without the policies, which lie in evidence; what they were called and their digests are facts.
    fn without_policies(mut self) -> Self {
        let offers = match &mut self {
            Self::Dataset(entry) => &mut entry.offers,
            Self::Model(entry) => &mut entry.offers,
        };
        for offer in offers {
            offer.offer = Value::Null;
        }
        self
    }

    fn change(&self, key: String) -> Result<Change, StateError> {
        match self {
            Self::Dataset(entry) => set(key, entry),
            Self::Model(entry) => set(key, entry),
        }
    }
}

/// Whether what is kept of a version is what this record said: it was published once more under the same number otherwise, with other words.
fn is_kept_of(log: &over::Of, index: u64, of: &Of) -> Result<bool, Failure> {
    for later in log.ledger.by_term(&Term::Kind(of.kind))?.into_iter().rev() {
        if later <= index {
            break;
        }
        let other = log.record(later)?.as_ref().and_then(Of::read);
        if other.is_some_and(|other| other.is_same(of)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Identifiers of which versions are erased, while nothing is published or withdrawn: what is published meanwhile would be written over by what is left
/// of what was published before.
pub(super) struct Still {
    identifiers: BTreeSet<String>,
    turn: Turn,
}

/// Waits until nothing is published or withdrawn, if `targets` published or withdrew something.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn still(node: &Node, targets: &[Target]) -> Result<Option<Still>, Failure> {
    let mut identifiers = BTreeSet::new();
    for target in targets {
        identifiers.extend(Of::read(&node.ledger.record(target.index)?).map(|of| of.id));
    }
    Ok(match identifiers.is_empty() {
        true => None,
        false => Some(Still {
            identifiers,
            turn: node.catalogue.turn().await,
        }),
    })
}

impl Still {
    /// Shows what is left of them: one that a backup offered once more is offered no longer.
    pub(super) async fn renew(self, node: &Node) {
        for id in &self.identifiers {
            if let Err(error) = node.catalogue.changed(id, &self.turn).await {
                tracing::error!(%id, %error, "the catalogue in memory could not be renewed after an erasure; start the service again");
            }
        }
    }
}

/// The changes of what is kept of versions; nothing is published meanwhile ([`still`]).
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn changes(log: &over::Of, targets: &[Target]) -> Result<Vec<Change>, Failure> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for target in targets {
        let Some(of) = log.record(target.index)?.as_ref().and_then(Of::read) else {
            continue;
        };
        let found = match entries.remove(&of.key()) {
            Some(entry) => Some(entry),
            None => of.entry(log)?,
        };
        let Some(mut entry) = found else { continue };
        let goes = |section| target.sections.contains(&section);
        if of.publishes() {
            if is_kept_of(log, target.index, &of)? {
                entry = match (goes(SectionName::Facts), goes(SectionName::Evidence)) {
                    (true, _) => entry.bare(),
                    (false, true) => entry.without_policies(),
                    (false, false) => entry,
                };
            }
        } else if goes(SectionName::Facts) && entry.withdrawn().is_some() && *entry.withdrawn() == of.reason {
            *entry.withdrawn() = Some(String::new());
        }
        // Also where nothing changes: what was kept before of the same version lies in the same tables, and is rewritten away with it.
        entries.insert(of.key(), entry);
    }
    let changes = entries.into_iter().map(|(key, entry)| entry.change(key));
    Ok(changes.collect::<Result<_, _>>()?)
}

/// Refuses to erase what is said of something that is still offered.
///
/// # Errors
/// Names the record and the offer.
pub(super) fn check(log: &over::Of, targets: &[Target]) -> Result<(), Failure> {
    for target in targets {
        let record = log.ledger.record(target.index)?;
        let Some(of) = Of::read(&record).filter(Of::publishes) else {
            continue;
        };
        let says = [SectionName::Facts, SectionName::Evidence];
        if !says.iter().any(|name| target.sections.contains(name)) {
            continue;
        }
        let is_offered = of.entry(log)?.is_some_and(|mut entry| entry.withdrawn().is_none());
        if is_offered && is_kept_of(log, target.index, &of)? {
            return Err(Failure::refused(format!(
                "record {} publishes version `{}` of `{}`, which is still offered, and what is offered is not erased",
                target.index, of.version, of.id
            ))
            .next(format!(
                "`herleid withdraw {} --version {} --reason <why>` withdraws it; then propose, or approve, it again",
                of.id, of.version
            )));
        }
    }
    Ok(())
}
