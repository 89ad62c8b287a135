//! What was received, recorded: before anybody here gets the data, and with the receipt for it that is owed from then on.

use super::Source;
use crate::commands::Failure;
use crate::consumer::receipts;
use crate::node::Node;
use crate::payloads::Kept;
use crate::state::{Digests, PullEntry, Side, set};
use herleid_ledger::AppendError;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Subject};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_vocab::did::Did;
use herleid_vocab::json;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// What came, checked against its receipt.
pub(super) struct Received<'a> {
    pub(super) source: &'a Source,
    pub(super) handed: &'a HandedOver,
    pub(super) exchange: &'a Exchange,
    pub(super) content: &'a Content,
    pub(super) digests: Digests,
    pub(super) media_type: String,
    /// Of how many segments it is the last to be recorded; `None`: others follow, and only the last one owes the receipts and makes
    /// the pull one of ours.
    pub(super) last_of: Option<usize>,
    /// What is forgotten with the last one: what was kept of a pull that broke off.
    pub(super) kept: Option<String>,
    /// What came.
    pub(super) stored: Arc<Kept>,
}

impl Received<'_> {
    /// Gives the entry and the index of the `pull-received` record.
    pub(super) async fn record(self, node: &Node, trace: &str) -> Result<(PullEntry, u64), Failure> {
        let draft = self.draft(node, trace)?;
        let (source, entry) = (self.source, self.entry());
        match node.append_keeping(draft, self.stored).await {
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
        let draft = Draft::new(Kind::PullReceived, trace)
            .exchanged(self.exchange, self.content)
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
            .once(
                once_key(&source.provider, &source.transaction, self.exchange.segment),
                Sha256::digest(json::canonical(&self.exchange.to_value())?).into(),
            );
        let Some(segments) = self.last_of else {
            return Ok(draft);
        };
        let (key, value) = receipts::owe(
            node,
            &source.provider,
            &source.agreement,
            &source.transaction,
            &source.base,
            segments,
        )?;
        let mut draft = draft.put(key, value);
        if let Some(kept) = &self.kept {
            draft = draft.put(kept.clone(), None);
        }
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
fn once_key(provider: &Did, transaction: &str, segment: u64) -> String {
    format!("pull-received/{provider}/{transaction}/{segment}")
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
        assert_ne!(once_key(&a, transaction, 1), once_key(&b, transaction, 1));
    }
}
