//! What is recorded of a pull whose bytes did not all leave, and what is given back.

use super::again;
use super::holding::Holding;
use crate::node::Node;
use crate::provider::giving::{Attempt, Settling};
use crate::provider::{outstanding, stream};
use crate::state::AgreementEntry;
use herleid_ledger::merkle::Hash;
use herleid_ledger::record::{Document, Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{LedgerError, Recorded};
use herleid_vocab::did::Did;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// Why an abort could not be recorded: the state or the log cannot be read, or the log was closed.
pub(in crate::provider) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What is recorded of a pull, and what is given back when nothing of it leaves.
pub(super) struct Given {
    pub(super) recorded: Recorded,
    /// That it was asked for once more, where that is recorded too.
    pub(super) again: Option<Recorded>,
    /// Under which it was given; its other end is the consumer, also of what is passed on.
    pub(super) agreement: Arc<AgreementEntry>,
    pub(super) transaction: String,
    /// Which segment of it.
    pub(super) segment: u64,
    /// What its transaction had when this was recorded.
    pub(super) held: Holding,
    /// Bytes that are counted as having left with this.
    pub(super) bytes: u64,
    pub(super) attempt: Attempt,
    /// To somebody who keeps no log.
    pub(super) one_sided: bool,
}

impl Given {
    pub(super) async fn aborted(&self, node: &Node, bytes_sent: u64, reason: &str, trace: &str) -> Result<(), Failed> {
        let (draft, _held) = self.abort(node, bytes_sent, (reason, true), trace).await?.parts();
        node.append(draft).await?;
        Ok(())
    }

    /// `reason`: and whether this is the end of it.
    pub(super) async fn abort(
        &self,
        node: &Node,
        bytes_sent: u64,
        (reason, is_end): (&str, bool),
        trace: &str,
    ) -> Result<Abort, Failed> {
        let (consumer, transaction) = (&self.agreement.other, self.transaction.as_str());
        let opened = self.again.as_ref().unwrap_or(&self.recorded).leaf();
        let mut draft = broken(
            &self.agreement,
            (transaction, self.segment),
            opened,
            bytes_sent,
            reason,
            trace,
        );
        if is_end {
            let key = match (self.segment, &self.again) {
                (1, None) => end_key(consumer, transaction),
                (segment, None) => format!("{}/{segment}", end_key(consumer, transaction)),
                (segment, Some(again)) => format!("{}/{segment}/{}", end_key(consumer, transaction), again.index()),
            };
            draft = once(draft, key, transaction);
        }
        // Held until the abort is durable, as the place below: nobody else changes what the transaction has.
        let turn = self.attempt.turn().await;
        let held = Holding::kept(node, consumer, transaction)?;
        let place = outstanding::key(&self.agreement.id, transaction);
        // A receipt that comes at this moment must not give the same place back.
        let settling = node.giving.settle(&place);
        let waits = settling.is_some() && node.ledger.get(&place)?.is_some();
        // Who keeps no log owes no receipt, and has a place in the counters alone.
        let counts = waits || (settling.is_some() && self.one_sided);
        // Of a repeated request an earlier attempt may have sent something, also before a restart: it stays counted.
        // A further segment has the place of the first.
        let is_first = self.segment == 1 && !self.recorded.replayed();
        let unsent = self.bytes.saturating_sub(bytes_sent);
        if bytes_sent == 0 && is_first && counts && self.attempt.give_up() {
            draft = held
                .as_ref()
                .unwrap_or(&self.held)
                .release(draft, consumer, transaction);
            if waits {
                draft = outstanding::forget(draft, &self.agreement.id, transaction)
                    .release(outstanding::counter(&self.agreement.id), 1);
            }
            draft = draft.put(released_key(consumer, transaction), Some(Vec::new()));
        } else if let Some(mut held) = held.filter(|_| unsent > 0) {
            // They can leave later, under what was taken for them.
            held.give_back(unsent);
            draft = held.put(draft, consumer, transaction)?;
        }
        let held = Held {
            _settling: settling,
            _turn: turn,
        };
        Ok(Abort {
            draft,
            held: Some(held),
        })
    }
}

/// What is recorded of a pull that broke off, once it is to be; nobody else settles its place meanwhile.
pub(in crate::provider) struct Abort {
    draft: Draft,
    held: Option<Held>,
}

/// What is kept from others until an abort is durable.
pub(in crate::provider) struct Held {
    _settling: Option<Settling>,
    _turn: OwnedMutexGuard<()>,
}

impl Abort {
    /// The same, with what says why.
    pub(super) fn because(self, documents: Vec<Document>) -> Self {
        let draft = documents.into_iter().fold(self.draft, Draft::evidence);
        Self { draft, ..self }
    }

    /// The record, and what is held until it is durable.
    pub(in crate::provider) fn parts(self) -> (Draft, Option<Held>) {
        (self.draft, self.held)
    }
}

/// The record that a segment broke off.
fn broken(
    agreement: &AgreementEntry,
    (transaction, segment): (&str, u64),
    opened: &Hash,
    bytes_sent: u64,
    reason: &str,
    trace: &str,
) -> Draft {
    let facts = json!({"transaction": transaction, "segment": segment, "bytesSent": bytes_sent, "reason": reason});
    Draft::new(Kind::PullAborted, trace)
        .section(SectionName::Facts, facts)
        .stream(stream(agreement))
        .prior(*opened)
        .term(Term::Transaction(transaction.to_owned()))
        .term(Term::Agreement(agreement.id.clone()))
}

/// The key of the record that the first segment broke off. It is recorded once, and once for each time that asking for it again was.
fn end_key(consumer: &Did, transaction: &str) -> String {
    format!("aborted/{consumer}/{transaction}")
}

fn once(draft: Draft, key: String, transaction: &str) -> Draft {
    draft.once(key, Sha256::digest(transaction.as_bytes()).into())
}

/// The abort of what was opened before a stop, as its record says; `None` when there is no such record. What left then is not known,
/// and nothing has since: it stays counted.
pub(in crate::provider) fn abort_of_recorded(
    node: &Node,
    agreement: &AgreementEntry,
    transaction: &str,
    reason: &str,
    trace: &str,
) -> Result<Option<Abort>, LedgerError> {
    let recorded = again::recorded(node, &agreement.other, &agreement.id, transaction)?;
    Ok(recorded.map(|stored| Abort {
        draft: once(
            broken(agreement, (transaction, 1), stored.leaf(), 0, reason, trace),
            end_key(&agreement.other, transaction),
            transaction,
        ),
        held: None,
    }))
}

/// The key that says that a transaction of `consumer` was given up, and that what it had reserved is somebody else's now.
pub(crate) fn released_key(consumer: &Did, transaction: &str) -> String {
    format!("released/{consumer}/{transaction}")
}
