//! What was received, recorded: before anybody here gets the data, and with the receipt for it that is owed from then on.

use super::Source;
use crate::commands::Failure;
use crate::consumer::receipts;
use crate::node::Node;
use crate::state::{Digests, PullEntry, Side, set};
use herleid_ledger::AppendError;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Subject};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use herleid_vocab::json;
use sha2::{Digest as _, Sha256};

/// What came, checked against its receipt.
pub(super) struct Received<'a> {
    pub(super) source: &'a Source,
    pub(super) handed: &'a HandedOver,
    pub(super) exchange: &'a Exchange,
    pub(super) content: &'a Content,
    pub(super) digests: Digests,
    pub(super) media_type: String,
}

impl Received<'_> {
    /// Gives the entry and the index of the `pull-received` record.
    pub(super) async fn record(self, node: &Node, trace: &str) -> Result<(PullEntry, u64), Failure> {
        let draft = self.draft(node, trace)?;
        let (source, entry) = (self.source, self.entry());
        match node.append(draft).await {
            Ok(recorded) => Ok((entry, recorded.index())),
            Err(e @ AppendError::Conflict { .. }) => Err(Failure::refused(format!(
                "`{}` gave something else in transaction {} before: {e}",
                source.provider, source.transaction
            ))),
            Err(e) => Err(e.into()),
        }
    }

    fn draft(&self, node: &Node, trace: &str) -> Result<Draft, Failure> {
        let source = self.source;
        let stream = StreamKey::Agreement {
            agreement: source.agreement.clone(),
            side: Side::Consumer.into(),
            other: source.provider.clone(),
        };
        let (key, value) = receipts::owe(
            node,
            &source.provider,
            &source.agreement,
            &source.transaction,
            &source.base,
        )?;
        let draft = Draft::new(Kind::PullReceived, trace)
            .section(SectionName::Exchange, self.exchange.to_value())
            .section(SectionName::Content, self.content.to_value())
            .stream(stream)
            .evidence(Document {
                role: "receipt".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: self.handed.to_bytes().map_err(Failure::failed)?,
            })
            .term(Term::Transaction(source.transaction.clone()))
            .term(Term::Agreement(source.agreement.clone()))
            .term(Term::Dataset(source.dataset.clone()))
            .term(Term::Party(source.provider.clone()))
            .term(Term::Digest(self.content.sha256))
            .once(
                once_key(&source.provider, &source.transaction),
                Sha256::digest(json::canonical(&self.exchange.to_value())?).into(),
            )
            .put(key, value);
        if source.run_input {
            return Ok(draft);
        }
        let (key, value) = set(PullEntry::key(&source.transaction), &self.entry())?;
        Ok(draft.put(key, value))
    }

    fn entry(&self) -> PullEntry {
        let (Subject::Dataset { version, .. } | Subject::Model { version, .. }) = &self.exchange.subject;
        PullEntry {
            transaction: self.source.transaction.clone(),
            agreement: self.source.agreement.clone(),
            provider: self.source.provider.clone(),
            dataset: self.source.dataset.clone(),
            version: version.clone(),
            digests: self.digests.clone(),
            media_type: self.media_type.clone(),
        }
    }
}

/// What is received once: the same exchange again has the old record, another one under its transaction is refused.
fn once_key(provider: &Did, transaction: &str) -> String {
    format!("pull-received/{provider}/{transaction}/1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_chooses_cannot_be_the_key_of_another_peers_pull() {
        let (a, b): (Did, Did) = (
            "did:web:a.example".parse().unwrap(),
            "did:web:b.example".parse().unwrap(),
        );
        let transaction = "0192f0c1-2b3c-7d4e-8f50-112233445566";
        assert_ne!(once_key(&a, transaction), once_key(&b, transaction));
    }
}
