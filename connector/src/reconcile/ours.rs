//! What this end recorded of an agreement's exchanges.

use super::compare::{End, Entry, Gone, phase_of};
use super::said::Said;
use super::stream::{StreamError, back};
use crate::commands::Failure;
use crate::control::error::Code;
use crate::provider::kind_of;
use crate::state::{AgreementEntry, Side};
use herleid_ledger::handover::Exchange;
use herleid_ledger::record::{Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, LedgerError, StoredRecord};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// This end's records.
#[derive(Default)]
pub(super) struct Ours {
    pub(super) end: End,
    /// How many records the stream has.
    pub(super) n: u64,
    /// Records of which nothing says why their exchange is not there.
    pub(super) unexplained: u64,
    /// Transactions begun here of which a record holds the other end's receipt: number of the last one that does.
    pub(super) receipts: BTreeMap<Uuid, u64>,
}

/// Reads them; receipts only of records before `size_before`.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn read(
    ledger: &Ledger,
    entry: &AgreementEntry,
    stream: &StreamKey,
    size_before: u64,
) -> Result<Ours, Failure> {
    let (mut ours, mut failed) = (Ours::default(), None);
    let read = back(ledger, stream, None, |record| {
        if record.index() < size_before {
            receipts(&mut ours, entry.side, record);
        }
        failed = exchange(ledger, &mut ours, entry, record).err();
        failed.is_none()
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    ours.n = read.map_err(|error: StreamError| Failure::new(Code::Failed, error))?.0;
    Ok(ours)
}

/// Which transactions the record proves that the other end has recorded, though they began here.
fn receipts(ours: &mut Ours, side: Side, record: &StoredRecord) {
    let transactions = match (side, kind_of(record)) {
        (Side::Provider, Some(Kind::PullAcknowledged)) => {
            let facts = record.value(SectionName::Facts).unwrap_or_default();
            facts.get("transactions").cloned().unwrap_or_default()
        }
        // Neither is recorded without the receipt for the run's start (docs/log-format.md, section 6).
        (Side::Consumer, Some(Kind::RunFailed | Kind::RunReceived)) => {
            let run = record.value(SectionName::Run).unwrap_or_default();
            Value::Array(run.get("transaction").cloned().into_iter().collect())
        }
        _ => return,
    };
    let texts = transactions.as_array().into_iter().flatten().filter_map(Value::as_str);
    for transaction in texts.filter_map(|text| text.parse().ok()) {
        // The last record comes first.
        ours.receipts.entry(transaction).or_insert(record.index());
    }
}

/// When a record was written, as its envelope says; nothing when the clock had been put back (docs/log-format.md, section 3).
pub(super) fn recorded_at_ms(envelope: Option<&Value>) -> Option<u64> {
    let envelope = envelope.filter(|envelope| envelope.get("clockStepped").is_none())?;
    envelope.get("recordedAt").and_then(Value::as_u64)
}

fn exchange(ledger: &Ledger, ours: &mut Ours, entry: &AgreementEntry, record: &StoredRecord) -> Result<(), Failure> {
    match record.sections().get(&SectionName::Exchange) {
        Some(bytes) => {
            let wrong = |why: &dyn std::fmt::Display| {
                Failure::failed(format!("record {}: {why}; run `herleid doctor`", record.index()))
            };
            let exchange = Exchange::parse(bytes).map_err(|e| wrong(&e))?;
            if exchange.agreement != entry.id {
                return Err(wrong(&"its exchange is of another agreement than its stream"));
            }
            let entry = Entry {
                index: record.index(),
                recorded_at_ms: recorded_at_ms(record.value(SectionName::Envelope).as_ref()),
                said: Said::of(bytes),
            };
            ours.end.add(&exchange, entry);
        }
        None if record.macs().contains_key(&SectionName::Exchange) => match tombstone(ledger, record)? {
            Some(tombstone) => ours.end.gone.push(Gone {
                index: record.index(),
                tombstone,
                phase: record.kind().and_then(phase_of),
            }),
            None => ours.unexplained += 1,
        },
        None => {}
    }
    Ok(())
}

/// The record that says that the exchange of `record` was erased.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn tombstone(ledger: &Ledger, record: &StoredRecord) -> Result<Option<u64>, LedgerError> {
    for index in ledger.tombstones(record.leaf())? {
        let facts = ledger.record(index)?.value(SectionName::Facts).unwrap_or_default();
        let sections = facts.get("sections").and_then(Value::as_array);
        let name = SectionName::Exchange.as_str();
        if sections.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name))) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Records of ours whose exchange was erased, by the transactions of which they were: the index still knows those that `keys` name.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn gone_of(
    ledger: &Ledger,
    gone: &[Gone],
    transactions: impl Iterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, Vec<Gone>>, LedgerError> {
    let mut found = BTreeMap::new();
    if gone.is_empty() {
        return Ok(found);
    }
    for transaction in transactions {
        if found.contains_key(&transaction) {
            continue;
        }
        let of = ledger.by_term(&Term::Transaction(transaction.to_string()))?;
        let of_it: Vec<Gone> = gone.iter().filter(|one| of.contains(&one.index)).cloned().collect();
        found.insert(transaction, of_it);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_from_a_clock_that_was_put_back_counts_for_nothing() {
        let envelope = json!({"recordedAt": 1_800_000_000_000_u64});
        assert_eq!(recorded_at_ms(Some(&envelope)), Some(1_800_000_000_000));
        let stepped = json!({"recordedAt": 1_800_000_000_000_u64, "clockStepped": true});
        assert_eq!(recorded_at_ms(Some(&stepped)), None);
        assert_eq!(recorded_at_ms(None), None);
    }
}
