//! A stream of our own, read back from its last record to its first: each names the one before, so that none is passed over.

use crate::state::digest_bytes;
use herleid_ledger::merkle::Hash;
use herleid_ledger::record::StreamKey;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, LedgerError, StoredRecord};
use serde_json::Value;

/// Why a stream cannot be read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The log cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A link that leads nowhere, or elsewhere.
    #[error("record {after} names a record before it in its stream that is not there: run `herleid doctor`")]
    Broken {
        /// The record that names it.
        after: u64,
    },
    /// What was asked for is in no such stream.
    #[error("there is no such record in this stream")]
    Stranger,
}

/// A record's place: number, and leaf hash of the one before.
fn place(record: &StoredRecord, id: &str) -> Option<(u64, Option<Hash>)> {
    let place = record.value(SectionName::StreamAgreement)?;
    let text = |member: &str| place.get(member).and_then(Value::as_str);
    let n = place.get("n").and_then(Value::as_u64)?;
    (text("id") == Some(id)).then(|| (n, text("prev").and_then(digest_bytes)))
}

/// How often the last record of a stream is looked for: each time takes some microseconds.
const LOOKS: usize = 10_000;

/// The stream is written with its last record, which nobody sees before the checkpoint over it is signed, a moment later.
fn published(ledger: &Ledger, leaf: &Hash) -> Result<Option<u64>, LedgerError> {
    for _ in 0..LOOKS {
        if let Some(index) = ledger.by_leaf(leaf)? {
            return Ok(Some(index));
        }
        std::thread::yield_now();
    }
    Ok(None)
}

/// Calls `each(record)` for the records of a stream, the last first, or from the record with the leaf hash `from` on, until it gives `false`.
/// Gives how many the stream has, and the leaf hash of the first record that was not shown.
///
/// # Errors
/// When the log cannot be read or its links are broken; when `from` is not of this stream.
pub(crate) fn back(
    ledger: &Ledger,
    key: &StreamKey,
    from: Option<Hash>,
    mut each: impl FnMut(&StoredRecord) -> bool,
) -> Result<(u64, Option<Hash>), StreamError> {
    let Some(head) = ledger.stream(key)? else {
        return from.map_or(Ok((0, None)), |_| Err(StreamError::Stranger));
    };
    let id = head.id.to_string();
    let (mut next, mut after) = (Some(from.unwrap_or(head.leaf)), None);
    while let Some(leaf) = next {
        let lost = || after.map_or(StreamError::Stranger, |after| StreamError::Broken { after });
        let index = match (from, after) {
            (None, None) => published(ledger, &leaf)?,
            _ => ledger.by_leaf(&leaf)?,
        };
        let index = index.ok_or_else(lost)?;
        let record = ledger.record(index)?;
        let (n, before) = place(&record, &id).ok_or_else(lost)?;
        if !each(&record) {
            break;
        }
        if before.is_none() && n > 1 {
            return Err(StreamError::Broken { after: index });
        }
        (next, after) = (before, Some(index));
    }
    Ok((head.n, next))
}
