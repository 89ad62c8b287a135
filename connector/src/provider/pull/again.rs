//! The same pull again: the answer was lost, and the consumer asks once more for what is recorded already. What it takes on top of that is
//! recorded before anything leaves.

use super::holding::Taking;
use super::plan::Plan;
use crate::deciding::Decided;
use crate::http::Refusal;
use crate::node::Node;
use crate::provider::access::Access;
use crate::provider::{kind_of, outstanding, stream};
use crate::state::AgreementEntry;
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, LedgerError, Recorded, StoredRecord};
use herleid_policies::{DecisionRecord, Reservation};
use herleid_vocab::did::Did;
use serde_json::{Value, json};

/// A request that has been decided on, and what it takes.
pub(super) struct Permitted<'a> {
    pub(super) access: &'a Access,
    pub(super) plan: &'a Plan,
    pub(super) agreement: &'a AgreementEntry,
    pub(super) decided: &'a Decided,
    pub(super) segment: u64,
    pub(super) taking: &'a Taking,
    pub(super) trace: &'a str,
}

impl Permitted<'_> {
    /// What `pull-opened` says of a segment whose bytes it does not name.
    pub(super) fn facts(&self) -> Value {
        let (grant, (from, to)) = (self.access.grant(), self.plan.range());
        json!({
            "transaction": self.access.transaction(), "agreement": grant.agreement, "decision": self.decided.record(),
            "party": grant.consumer.as_str(), "segment": self.segment, "range": [from, to],
            "subject": {"dataset": grant.subject, "version": grant.version},
        })
    }

    /// Says whose it is, and shows what was shown.
    pub(super) fn shown(&self, draft: Draft) -> Draft {
        let grant = self.access.grant();
        let draft = draft
            .stream(stream(self.agreement))
            .term(Term::Transaction(self.access.transaction().to_owned()))
            .term(Term::Agreement(grant.agreement.clone()))
            .term(Term::Party(grant.consumer.clone()));
        self.access.evidence().into_iter().fold(draft, Draft::evidence)
    }

    /// Appends `draft`, and takes in its commit what has to be taken. If it repeats a record that is there, nothing of it is written: what it
    /// takes more, or under which other access, is then a record of its own, the second one. Nothing has left before.
    pub(super) async fn append(&self, node: &Node, draft: Draft) -> Result<(Recorded, Option<Recorded>), Refusal> {
        let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
        self.taking.check(self.access.transaction())?;
        let take = |draft: Draft| self.taking.take(self.access.beside(draft), self.access);
        let draft = take(draft).map_err(|e| internal(&e))?;
        let first = node.append(draft).await;
        if first.is_err() {
            self.access.settled(false);
        }
        let first = first.map_err(|e| self.refused(node, &e))?;
        if !first.replayed() {
            self.access.settled(true);
        }
        if !first.replayed() || !self.taking.is_more() {
            return Ok((first, None));
        }
        let again = if self.access.is_one_sided() {
            super::one_sided(self.facts(), self.access.grant(), self.plan.known(), self.trace)
        } else {
            Draft::new(Kind::PullOpened, self.trace).section(SectionName::Facts, self.facts())
        };
        let again = take(self.shown(again).prior(*first.leaf())).map_err(|e| internal(&e))?;
        let again = node.append(again).await;
        if again.is_err() {
            self.access.settled(false);
        }
        let again = again.map_err(|e| self.refused(node, &e))?;
        // No other record is this one.
        self.access.settled(true);
        Ok((first, Some(again)))
    }

    fn refused(&self, node: &Node, error: &AppendError) -> Refusal {
        let (transaction, segment) = (self.access.transaction(), self.segment);
        match error {
            AppendError::Conflict { .. } => Refusal::denied(&format!(
                "segment {segment} of transaction {transaction} was something else before: {error}"
            )),
            AppendError::Exhausted { key, .. } => {
                let waiting = outstanding::refusal(node, &self.agreement.id, error);
                let waiting = waiting.or_else(|| crate::payments::refusal(&self.agreement.id, error));
                let what = match self.decided.is_of_bytes(key) {
                    true => "the bytes that the agreement allows are",
                    false => "the agreement's count is",
                };
                waiting.unwrap_or_else(|| Refusal::denied(&format!("{what} used up: {error}")))
            }
            _ => Refusal::internal(error),
        }
    }
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
