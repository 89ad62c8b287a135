//! The lineage index: where a trace begins, and what it is told without opening a record.

mod bared;
mod found;
mod rebuild;
mod stored;
mod walk;

pub use found::{Activity, Bounds, Direction, Edge, Follows, Lineage};
pub(crate) use stored::put_links;

use super::upgrade::has_lineage;
use super::{Ledger, Shared};
use crate::error::LedgerError;
use crate::record::{Kind, Side, StreamKey, Subject};
use crate::store::codec::{StreamPlace, stream_key};
use crate::store::links::{Numbered, Role, role_prefix, user_prefix};
use crate::store::rocks::Part;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use uuid::Uuid;

impl Ledger {
    /// Whether this log has a lineage index. One that is over and that an older version wrote has none, and stays as it is: of what its
    /// records rest on, and of their digests and times, the index says nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_lineage(&self) -> Result<bool, LedgerError> {
        has_lineage(&self.shared().log)
    }

    /// The records to which content with this SHA-256 or BLAKE3 came, from which it left, which made it, or which used it; in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn by_digest(&self, digest: &[u8; 32]) -> Result<Vec<u64>, LedgerError> {
        self.found_by(digest, &[Role::Made, Role::Given, Role::Used])
    }

    /// The records to which content with this SHA-256 or BLAKE3 came, or which made it; in order. Not those that used it, or with which it left.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn made_by(&self, digest: &[u8; 32]) -> Result<Vec<u64>, LedgerError> {
        self.found_by(digest, &[Role::Made])
    }

    /// The records that used content with this SHA-256 or BLAKE3; in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn used_by(&self, digest: &[u8; 32]) -> Result<Vec<u64>, LedgerError> {
        self.found_by(digest, &[Role::Used])
    }

    fn found_by(&self, digest: &[u8; 32], roles: &[Role]) -> Result<Vec<u64>, LedgerError> {
        let of = self.shared().link_key.digest(digest);
        let prefixes: Vec<Vec<u8>> = roles.iter().map(|role| role_prefix(&of, *role)).collect();
        let found = self.shared().numbers_under(&prefixes, self.size())?;
        let found: BTreeSet<u64> = found.into_iter().map(|(_, index)| index).collect();
        Ok(found.into_iter().collect())
    }

    /// The records that name this transaction as what they rest on, or run on; in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn users_of(&self, transaction: &Uuid) -> Result<Vec<u64>, LedgerError> {
        let found = self.shared().numbers_under(&[user_prefix(transaction)], self.size())?;
        Ok(found.into_iter().map(|(_, index)| index).collect())
    }

    /// Those of `indices`, which are in order, that are of this kind.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn of_kind(&self, indices: &[u64], kind: Kind) -> Result<Vec<u64>, LedgerError> {
        let numbered = self.shared().numbered_many(indices)?;
        let found = indices.iter().zip(numbered);
        let found = found.filter(|(_, numbered)| numbered.as_ref().map(Numbered::kind) == Some(kind));
        Ok(found.map(|(index, _)| *index).collect())
    }

    /// Those of `indices`, which are in order, that are about this version of a dataset or a model service.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn about(&self, indices: &[u64], id: &str, version: &str) -> Result<Vec<u64>, LedgerError> {
        let shared = self.shared();
        let wanted = shared.link_key.subject(&Subject {
            id: id.to_owned(),
            version: version.to_owned(),
        });
        let found = indices.iter().zip(shared.linked_many(indices)?);
        let found = found.filter(|(_, entry)| entry.as_ref().and_then(|entry| entry.subject) == Some(wanted));
        Ok(found.map(|(index, _)| *index).collect())
    }

    /// The records with `from_ms <= recordedAt < until_ms` (UTC, milliseconds since 1970).
    ///
    /// # Errors
    /// When the index cannot be read, or lacks a record.
    pub fn recorded_between(&self, from_ms: u64, until_ms: u64) -> Result<Range<u64>, LedgerError> {
        let from = self.first_at(from_ms)?;
        Ok(from..self.first_at(until_ms)?.max(from))
    }

    /// The first record that is not before this time: `recordedAt` never steps back.
    fn first_at(&self, at_ms: u64) -> Result<u64, LedgerError> {
        let (mut low, mut high) = (0, self.size());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time_of(middle)? < at_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// When this record was recorded; where nobody knows any more, because its envelope was erased or is damaged, when the nearest before it was.
    fn time_of(&self, index: u64) -> Result<u64, LedgerError> {
        for index in (0..=index).rev() {
            let found = self.shared().numbered_many(&[index])?;
            if let Some(numbered) = found.iter().flatten().next() {
                return Ok(numbered.at_ms());
            }
        }
        Ok(0)
    }

    /// What these streams are of, and how many records each has.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn streams_by_id(&self, ids: &BTreeSet<Uuid>) -> Result<BTreeMap<Uuid, (StreamKey, u64)>, LedgerError> {
        let (mut found, mut damaged) = (BTreeMap::new(), None);
        self.shared().log.scan(Part::State, &stream_key(""), |key, place| {
            match (StreamKey::from_stored(key), StreamPlace::decode(place)) {
                (Some(key), Some(place)) if ids.contains(&place.id) => {
                    found.insert(place.id, (key, place.n));
                }
                (Some(_), Some(_)) => {}
                _ => damaged = Some(String::from_utf8_lossy(key).into_owned()),
            }
            damaged.is_none() && found.len() < ids.len()
        })?;
        match damaged {
            Some(key) => Err(self.shared().corrupt(
                format!("the stream `{key}`"),
                "what it is of, and how far it went",
                "other bytes",
            )),
            None => Ok(found),
        }
    }
}

impl StreamKey {
    /// Undoes `stored_key`.
    fn from_stored(stored: &[u8]) -> Option<Self> {
        let Value::Array(parts) = serde_json::from_slice(stored).ok()? else {
            return None;
        };
        let texts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
        match *texts?.as_slice() {
            ["stream-agreement", agreement, side, other] => Some(Self::Agreement {
                agreement: agreement.to_owned(),
                side: match side {
                    "provider" => Side::Provider,
                    "consumer" => Side::Consumer,
                    _ => return None,
                },
                other: other.parse().ok()?,
            }),
            ["stream-model", model, consumer] => Some(Self::Model {
                model: model.to_owned(),
                consumer: consumer.parse().ok()?,
            }),
            ["stream-case", case] => Some(Self::Case { case: case.to_owned() }),
            _ => None,
        }
    }
}
