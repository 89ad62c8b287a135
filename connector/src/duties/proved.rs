//! Whether a statement of deletion comes after everything that was given. Consumers choose their transactions, so that names alone prove
//! nothing: what does is the place of the statement among the receipts, which stand in the same log.

use super::delete::transaction;
use super::stated::delivers;
use crate::commands::Failure;
use crate::dossier::closure::receipts;
use crate::node::Node;
use crate::provider::pull::released_key;
use crate::state::{AgreementEntry, Side};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use serde_json::Value;
use std::collections::BTreeSet;

/// Why a statement that names `named`, and covers what stands before `until` in the log `origin`, is no proof; `None` when it is.
///
/// # Errors
/// When our own log cannot be read.
pub(super) fn uncovered(
    node: &Node,
    entry: &AgreementEntry,
    named: &[String],
    origin: &str,
    until: u64,
) -> Result<Option<String>, Failure> {
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    let (mut given, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    for index in node.ledger.by_term(&Term::Agreement(entry.id.clone()))? {
        let record = node.ledger.record(index)?;
        let Some(kind) = record.kind() else { continue };
        if delivers(Side::Provider, kind) {
            let Some(transaction) = transaction(&record) else {
                return Ok(Some(format!(
                    "record {index} here, of something that was given, was erased, so that nobody can tell whether it was deleted"
                )));
            };
            given.insert(transaction);
        }
        if kind != Kind::PullAcknowledged {
            continue;
        }
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let all = facts.get("transactions").and_then(Value::as_array);
        for transaction in all.into_iter().flatten().filter_map(Value::as_str) {
            if !named.contains(transaction) {
                return Ok(Some(format!(
                    "you gave a receipt for transaction `{transaction}` under this agreement, and the statement does not name it"
                )));
            }
            acknowledged.insert(transaction.to_owned());
        }
        let receipts = receipts(&node.ledger, &record)?;
        if receipts.is_empty() {
            return Ok(Some(format!("the receipts of record {index} here were erased")));
        }
        for receipt in receipts {
            match receipt {
                Ok(receipt) if receipt.origin == origin && receipt.index < until => {}
                Ok(receipt) => {
                    return Ok(Some(format!(
                        "record {} of the log `{}` is a receipt of yours, and does not stand before record {until} of `{origin}`, up to which the \
                         statement says that everything was deleted; delete it too, and state it anew",
                        receipt.index, receipt.origin
                    )));
                }
                Err(why) => return Ok(Some(format!("a receipt of record {index} here cannot be read: {why}"))),
            }
        }
    }
    for transaction in given.difference(&acknowledged) {
        // Of what was given up nothing had left.
        if node.ledger.get(&released_key(&entry.other, transaction))?.is_none() {
            return Ok(Some(format!(
                "transaction `{transaction}` was given to you under this agreement, and there is no receipt of yours for it; bring it to its end, \
                 give the receipt, delete, and state it then"
            )));
        }
    }
    Ok(None)
}
