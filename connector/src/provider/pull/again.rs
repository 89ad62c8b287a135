//! The same pull again: the answer was lost, and the consumer asks once more for what is recorded already.

use crate::node::Node;
use crate::provider::kind_of;
use crate::state::{Digests, GrantEntry};
use herleid_ledger::handover::{Content, Exchange, Subject};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{LedgerError, StoredRecord};
use herleid_policies::{DecisionRecord, Reservation};
use herleid_vocab::did::Did;

/// The places that this very pull has already; `None` when it is not recorded.
pub(super) fn counted(
    node: &Node,
    grant: &GrantEntry,
    transaction: &str,
    version: &str,
    digests: &Digests,
) -> Result<Option<Vec<Reservation>>, LedgerError> {
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let stored = node.ledger.record(index)?;
        let is_same = match kind_of(&stored) {
            Some(Kind::PullOpened) => is_of(&stored, node, grant, version, digests),
            // A push to a peer that keeps no log; the transaction is one of ours, and nobody else's.
            Some(Kind::OneSidedPullOpened) => grant.push && is_of_agreement(&stored, &grant.agreement),
            _ => false,
        };
        if is_same {
            return Ok(Some(reserved(&stored)));
        }
    }
    Ok(None)
}

/// The record that opened a transaction of `consumer` under an agreement; `None` when there is none, or what says so was erased.
pub(in crate::provider) fn recorded(
    node: &Node,
    consumer: &Did,
    agreement: &str,
    transaction: &str,
) -> Result<Option<StoredRecord>, LedgerError> {
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let stored = node.ledger.record(index)?;
        let is_its = match kind_of(&stored) {
            // Consumers choose their transactions: another one's may have the same.
            Some(Kind::PullOpened) => is_opened_for(&stored, consumer),
            Some(Kind::OneSidedPullOpened) => true,
            _ => false,
        };
        if is_its && is_of_agreement(&stored, agreement) {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

fn is_opened_for(stored: &StoredRecord, consumer: &Did) -> bool {
    let party = |section: SectionName, name: &str| {
        let value = stored.value(section);
        value.is_some_and(|value| value.get(name).and_then(|found| found.as_str()) == Some(consumer.as_str()))
    };
    party(SectionName::Exchange, "consumer") || party(SectionName::Facts, "party")
}

/// Whether the record is of this consumer, agreement, version and content.
fn is_of(stored: &StoredRecord, node: &Node, grant: &GrantEntry, version: &str, digests: &Digests) -> bool {
    let exchange = stored
        .value(SectionName::Exchange)
        .and_then(|value| Exchange::from_value(value).ok());
    let content = stored
        .value(SectionName::Content)
        .and_then(|value| Content::from_value(value).ok());
    // What was erased cannot be compared, and counts as another pull.
    let (Some(exchange), Some(content)) = (exchange, content) else {
        return false;
    };
    let subject = Subject::Dataset {
        dataset: grant.subject.clone(),
        version: version.to_owned(),
    };
    exchange.provider == node.did
        && exchange.consumer == grant.consumer
        && exchange.agreement == grant.agreement
        && exchange.subject == subject
        && hex::encode(content.sha256) == digests.sha256
        && hex::encode(content.blake3) == digests.blake3
}

fn is_of_agreement(stored: &StoredRecord, agreement: &str) -> bool {
    let facts = stored.value(SectionName::Facts);
    facts.is_some_and(|facts| facts.get("agreement").and_then(|found| found.as_str()) == Some(agreement))
}

/// The places that the decision took under which it was recorded.
pub(in crate::provider) fn reserved(stored: &StoredRecord) -> Vec<Reservation> {
    let decision = stored
        .value(SectionName::Facts)
        .and_then(|facts| DecisionRecord::parse(facts.get("decision")?).ok());
    decision.map(|decision| decision.reservations).unwrap_or_default()
}
