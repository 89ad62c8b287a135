//! What a consumer was given, read for the receipts that it brings.

use super::is_of;
use crate::node::Node;
use herleid_ledger::LedgerError;
use herleid_ledger::record::Term;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What `consumer` was given, as our records say: each transaction is read once, however many receipts name it.
pub(super) struct Given<'a> {
    node: &'a Node,
    pub(super) consumer: &'a Did,
    /// By transaction.
    exchanges: BTreeMap<String, Vec<Value>>,
}

impl<'a> Given<'a> {
    pub(super) const fn of(node: &'a Node, consumer: &'a Did) -> Self {
        Self {
            node,
            consumer,
            exchanges: BTreeMap::new(),
        }
    }

    /// The exchanges of a transaction with this consumer. Of another one that chose the same they would look like a lie of this one.
    pub(super) fn exchanges(&mut self, transaction: &str) -> Result<&[Value], LedgerError> {
        if !self.exchanges.contains_key(transaction) {
            let mut found = Vec::new();
            for index in self.node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
                let exchange = self.node.ledger.record(index)?.value(SectionName::Exchange);
                found.extend(exchange.filter(|exchange| is_of(exchange, self.consumer)));
            }
            self.exchanges.insert(transaction.to_owned(), found);
        }
        Ok(self.exchanges.get(transaction).map_or(&[], Vec::as_slice))
    }

    /// The segments of a pull.
    pub(super) fn segments(&mut self, transaction: &str) -> Result<BTreeSet<u64>, LedgerError> {
        let provider = self.node.did.clone();
        let text = |exchange: &Value, member: &str, is: &str| exchange.get(member).and_then(Value::as_str) == Some(is);
        let ours = self.exchanges(transaction)?.iter();
        let ours =
            ours.filter(|exchange| text(exchange, "provider", provider.as_str()) && text(exchange, "phase", "pull"));
        Ok(ours
            .filter_map(|exchange| exchange.get("segment").and_then(Value::as_u64))
            .collect())
    }
}
