//! What this end gives: access to data, runs of models. Request -> authenticated -> authorised -> recorded -> answered.

pub mod access;
pub mod acknowledge;
mod giving;
pub mod grants;
pub(crate) mod outstanding;
pub mod pull;
pub mod push;
pub mod run;
mod under_way;

pub use giving::Giving;

use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use herleid_ledger::record::{Kind, StreamKey};
use herleid_ledger::section::SectionName;
use herleid_ledger::{LedgerError, StoredRecord};
use herleid_vocab::did::Did;

/// Our own numbers under an agreement in which we give.
fn stream(agreement: &AgreementEntry) -> StreamKey {
    StreamKey::Agreement {
        agreement: agreement.id.clone(),
        side: Side::Provider.into(),
        other: agreement.other.clone(),
    }
}

/// The kind of a record of ours, as its envelope says.
pub(crate) fn kind_of(record: &StoredRecord) -> Option<Kind> {
    let envelope = record.value(SectionName::Envelope)?;
    envelope.get("kind")?.as_str()?.parse().ok()
}

/// The record with which a transaction of `consumer` under an agreement began; `None` when it has not.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn begun(
    node: &Node,
    consumer: &Did,
    agreement: &str,
    transaction: &str,
) -> Result<Option<u64>, LedgerError> {
    let recorded = pull::recorded(node, consumer, agreement, transaction)?;
    Ok(recorded.map(|stored| stored.index()))
}

#[cfg(test)]
mod tests;
