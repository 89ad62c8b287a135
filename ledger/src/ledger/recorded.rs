//! The proof in hand.

use super::Ledger;
use super::grown::Committed;
use super::handed::Handed;
use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use crate::merkle::{Hash, inclusion_proof, verify_inclusion};
use crate::section::SectionName;
use crate::store::codec::StreamPlace;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// A record's places in its streams, by the section that carries each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Places([Option<StreamPlace>; 3]);

impl Places {
    /// The place that this section carries.
    #[must_use]
    pub fn get(&self, section: SectionName) -> Option<&StreamPlace> {
        self.0.get(Self::slot(section)?)?.as_ref()
    }

    const fn slot(section: SectionName) -> Option<usize> {
        match section {
            SectionName::StreamAgreement => Some(0),
            SectionName::StreamModel => Some(1),
            SectionName::StreamCase => Some(2),
            _ => None,
        }
    }

    pub(super) fn put(&mut self, section: SectionName, place: StreamPlace) {
        if let Some(known) = Self::slot(section).and_then(|slot| self.0.get_mut(slot)) {
            *known = Some(place);
        }
    }

    /// All of them are those of the record with this leaf hash.
    pub(super) fn stand_at(&mut self, leaf: Hash) {
        self.0.iter_mut().flatten().for_each(|place| place.leaf = leaf);
    }
}

/// A record that is durable and proved to be in the log. Only the log makes one, and checks the proof when it does.
#[derive(Debug, Clone)]
pub struct Recorded {
    id: Uuid,
    index: u64,
    leaf: Hash,
    recorded_at_ms: u64,
    streams: Places,
    replayed: bool,
    proof: Vec<Hash>,
    checkpoint: Arc<Checkpoint>,
    handed: Option<Arc<Handed>>,
}

impl Recorded {
    /// The record at `position` of a batch; `None` when its proof does not verify, which would be a fault of this program.
    pub(crate) fn of_batch(batch: &Committed, position: usize, replayed: bool, handed: Option<Handed>) -> Option<Self> {
        let placed = batch.records.get(position)?;
        let index = batch.first + position as u64;
        let checkpoint = Arc::clone(&batch.checkpoint);
        let proof = inclusion_proof(&batch.grown, index, checkpoint.size()).ok()?;
        Self {
            id: placed.id,
            index,
            leaf: placed.leaf,
            recorded_at_ms: placed.recorded_at_ms,
            streams: placed.streams,
            replayed,
            proof,
            checkpoint,
            handed: handed.map(Arc::new),
        }
        .checked()
    }

    fn checked(self) -> Option<Self> {
        let (size, root) = (self.checkpoint.size(), *self.checkpoint.root());
        verify_inclusion(&self.leaf, self.index, size, &self.proof, &root).ok()?;
        Some(self)
    }

    /// Id of the record, as in its envelope.
    #[must_use]
    pub const fn id(&self) -> &Uuid {
        &self.id
    }

    /// Place in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Leaf hash: how later records name this one.
    #[must_use]
    pub const fn leaf(&self) -> &Hash {
        &self.leaf
    }

    /// `recordedAt` of the envelope, UTC milliseconds since 1970.
    #[must_use]
    pub const fn recorded_at_ms(&self) -> u64 {
        self.recorded_at_ms
    }

    /// The record's places in its streams, by section.
    #[must_use]
    pub const fn streams(&self) -> &Places {
        &self.streams
    }

    /// Whether the draft repeated a once-key: this is the earlier record.
    #[must_use]
    pub const fn replayed(&self) -> bool {
        self.replayed
    }

    pub(crate) fn handed(&self) -> Option<&Handed> {
        self.handed.as_deref()
    }

    /// Inclusion proof under [`Self::checkpoint`], leaf to root.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint that covers the record.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl Ledger {
    /// A record of an earlier batch, proved under the latest checkpoint.
    pub(crate) fn recorded_before(&self, index: u64) -> Result<Recorded, LedgerError> {
        let shared = self.shared();
        let checkpoint = shared.published();
        let record = self.record(index)?;
        let damaged = |what: &str| {
            shared.corrupt(
                format!("{what} of record {index}"),
                "what the log wrote",
                "something else",
            )
        };
        let envelope = record
            .value(SectionName::Envelope)
            .ok_or_else(|| damaged("the envelope"))?;
        let recorded_at_ms = envelope.get("recordedAt").and_then(Value::as_u64);
        let mut streams = Places::default();
        for name in [
            SectionName::StreamAgreement,
            SectionName::StreamCase,
            SectionName::StreamModel,
        ] {
            let Some(section) = record.value(name) else { continue };
            let id = section
                .get("id")
                .and_then(Value::as_str)
                .and_then(|id| Uuid::try_parse(id).ok());
            let place = id.zip(section.get("n").and_then(Value::as_u64));
            let (id, n) = place.ok_or_else(|| damaged(name.as_str()))?;
            let leaf = *record.leaf();
            streams.put(name, StreamPlace { id, n, leaf });
        }
        let recorded = Recorded {
            id: *record.id(),
            index,
            leaf: *record.leaf(),
            recorded_at_ms: recorded_at_ms.ok_or_else(|| damaged("`recordedAt`"))?,
            streams,
            replayed: true,
            proof: self.inclusion(index, checkpoint.size())?,
            checkpoint,
            handed: None,
        };
        recorded.checked().ok_or_else(|| damaged("the inclusion proof"))
    }
}
