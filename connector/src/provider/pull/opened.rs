//! A pull whose bytes may leave, and what is recorded when they do not.

use crate::node::Node;
use crate::provider::giving::Attempt;
use crate::provider::{outstanding, stream};
use crate::state::{AgreementEntry, Digests};
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, Recorded};
use herleid_vocab::did::Did;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

/// A pull that is recorded: its bytes may leave. Only [`open`](super::open) makes one.
pub struct Opened {
    pub(super) given: Given,
    pub(super) receipt: Option<HandedOver>,
    pub(super) digests: Digests,
    pub(super) media_type: String,
    /// Bytes that the connection has taken.
    pub(super) left: AtomicU64,
}

/// What is recorded of a pull, and what is given back when nothing of it leaves.
pub(super) struct Given {
    pub(super) recorded: Recorded,
    /// Under which it was given; its other end is the consumer, also of what is passed on.
    pub(super) agreement: AgreementEntry,
    pub(super) transaction: String,
    /// The counters of the policy in which it has a place.
    pub(super) counters: Vec<String>,
    pub(super) attempt: Attempt,
}

impl Opened {
    /// The receipt for the consumer; `None` for a one-sided one, which could not check it.
    #[must_use]
    pub fn receipt(&self) -> Option<&HandedOver> {
        self.receipt.as_ref()
    }

    /// What will be sent.
    #[must_use]
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Whether this is the repetition of an earlier request, with the old proof.
    #[must_use]
    pub fn repeated(&self) -> bool {
        self.given.recorded.replayed()
    }

    /// Says that the connection takes these bytes: the pull counts from here on, whatever becomes of it.
    pub fn leave(&self, bytes: u64) {
        self.given.attempt.sent();
        self.left.fetch_add(bytes, Ordering::AcqRel);
    }

    /// How many bytes the connection has taken.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Acquire)
    }

    /// Records that the bytes did not all leave, once for a transaction. If none left, and none can have left in another attempt, what the
    /// pull reserved is given back in the same commit.
    ///
    /// # Errors
    /// When the state cannot be read, or the log was closed; a failed write ends the process.
    pub async fn aborted(&self, node: &Node, reason: &str, trace: &str) -> Result<(), AppendError> {
        self.given.aborted(node, self.left(), reason, trace).await
    }
}

impl Given {
    pub(super) async fn aborted(
        &self,
        node: &Node,
        bytes_sent: u64,
        reason: &str,
        trace: &str,
    ) -> Result<(), AppendError> {
        let consumer = &self.agreement.other;
        let facts = json!({"transaction": self.transaction, "segment": 1, "bytesSent": bytes_sent, "reason": reason});
        let same = Sha256::digest(self.transaction.as_bytes());
        let mut draft = Draft::new(Kind::PullAborted, trace)
            .section(SectionName::Facts, facts)
            .stream(stream(&self.agreement))
            .prior(*self.recorded.leaf())
            .once(format!("aborted/{consumer}/{}", self.transaction), same.into())
            .term(Term::Transaction(self.transaction.clone()))
            .term(Term::Agreement(self.agreement.id.clone()));
        let place = outstanding::key(&self.agreement.id, &self.transaction);
        // Held until the abort is durable: a receipt that comes at this moment must not give the same place back.
        let settling = node.giving.settle(&place);
        let waits = settling.is_some() && node.ledger.get(&place)?.is_some();
        // Of a repeated request an earlier attempt may have sent something, also before a restart: it stays counted.
        if bytes_sent == 0 && !self.recorded.replayed() && waits && self.attempt.give_up() {
            for counter in &self.counters {
                draft = draft.release(counter.clone(), 1);
            }
            draft = outstanding::forget(draft, &self.agreement.id, &self.transaction)
                .release(outstanding::counter(&self.agreement.id), 1)
                .put(released_key(consumer, &self.transaction), Some(Vec::new()));
        }
        node.append(draft).await.map(|_| ())
    }
}

/// The key that says that a transaction of `consumer` was given up, and that what it had reserved is somebody else's now.
pub(super) fn released_key(consumer: &Did, transaction: &str) -> String {
    format!("released/{consumer}/{transaction}")
}
