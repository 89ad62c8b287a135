//! Of what a record is: its transaction, its agreement, the other end. Its own sections say so. When the last section goes that says it, and
//! something else of the record stays, it is kept beside the log: what is left is erased later as if all had gone at once.

use super::over::Of;
use crate::commands::Failure;
use crate::state::{AgreementEntry, Change, Side, State, set};
use herleid_ledger::section::SectionName;
use herleid_ledger::{StoredRecord, Target};
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// By the number of the record.
const OF: &str = "erased-of/";

/// Of what a record is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub(super) transaction: Option<String>,
    pub(super) agreement: Option<String>,
    /// The other end: of an input that is passed on that need not be the agreement's.
    pub(super) other: Option<Did>,
}

fn key(index: u64) -> String {
    format!("{OF}{index:020}")
}

impl About {
    /// Of what it is, whatever was erased of it before.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(super) fn read(log: &Of, record: &StoredRecord) -> Result<Self, Failure> {
        let kept = log.state.get::<Self>(&key(record.index()))?.unwrap_or_default();
        Self::said(log, record, |_| true, kept)
    }

    /// As those sections say that `stays` lets through, and `kept` says what they do not.
    fn said(log: &Of, record: &StoredRecord, stays: impl Fn(SectionName) -> bool, kept: Self) -> Result<Self, Failure> {
        let value = |name: SectionName| record.value(name).filter(|_| stays(name));
        let text = |member: &str| {
            [SectionName::Exchange, SectionName::Run, SectionName::Facts]
                .into_iter()
                .find_map(|name| value(name)?.get(member)?.as_str().map(str::to_owned))
        };
        let (transaction, agreement) = (text("transaction"), text("agreement"));
        let agreement = agreement.or(kept.agreement);
        let other = match (
            value(SectionName::Exchange).as_ref().and_then(ends),
            kept.other,
            &agreement,
        ) {
            // It names both ends itself.
            (Some(ends), ..) => ends.into_iter().find(|did| did != log.ledger.party()),
            (None, Some(other), _) => Some(other),
            (None, None, Some(id)) => with_whom(&log.state, id)?,
            (None, None, None) => None,
        };
        Ok(Self {
            transaction: transaction.or(kept.transaction),
            agreement,
            other,
        })
    }
}

/// Both ends of an exchange.
pub(super) fn ends(exchange: &Value) -> Option<[Did; 2]> {
    let did = |member: &str| exchange.get(member)?.as_str()?.parse::<Did>().ok();
    Some([did("provider")?, did("consumer")?])
}

/// The other end of an agreement, on whichever side.
fn with_whom(state: &State, agreement: &str) -> Result<Option<Did>, Failure> {
    for side in [Side::Provider, Side::Consumer] {
        let entry: Option<AgreementEntry> = state.get(&AgreementEntry::key(agreement, side))?;
        if let Some(entry) = entry {
            return Ok(Some(entry.other));
        }
    }
    Ok(None)
}

/// The changes by which it stays known of what records are whose `targets` take away the last section that says so, and not all that may go.
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn changes(log: &Of, targets: &[Target]) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    for target in targets {
        let Some(record) = log.record(target.index)? else {
            continue;
        };
        let now = About::read(log, &record)?;
        let stays = |name: SectionName| !name.is_made_by_the_log() && !target.sections.contains(&name);
        let is_left = record.sections().keys().copied().any(stays);
        let (key, is_kept) = (
            key(target.index),
            now != About::said(log, &record, |_| true, About::default())?,
        );
        match is_left && now != About::said(log, &record, stays, About::default())? {
            true => changes.push(set(key, &now)?),
            false if is_kept => changes.push((key, None)),
            false => {}
        }
    }
    Ok(changes)
}
