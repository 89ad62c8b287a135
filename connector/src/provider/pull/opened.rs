//! A pull whose bytes may leave.

use super::abort::{Abort, Failed, Given};
use crate::node::Node;
use crate::provider::stream;
use crate::state::{Digests, digest_bytes};
use herleid_ledger::AppendError;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Phase, Subject};
use herleid_ledger::record::{Document, Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A pull that is recorded: its bytes may leave. Only [`open`](super::open) and [`open_part`](super::open_part) make one.
pub struct Opened {
    pub(super) given: Given,
    /// `None` while its digests are not known.
    pub(super) receipt: Option<HandedOver>,
    /// `None` while they are not known.
    pub(super) digests: Option<Digests>,
    pub(super) media_type: Mutex<String>,
    /// Dataset and version.
    pub(super) subject: (String, String),
    pub(super) going: Going,
}

/// How far the bytes are.
pub(super) struct Going {
    /// When the request was about to be decided on.
    decided_ms: u64,
    from: u64,
    /// What was known of the length when it was opened.
    known: u64,
    /// How many there will be; [`UNKNOWN`] until that is known.
    length: AtomicU64,
    /// How many the connection has taken; and whether nothing more leaves ([`STOPPED`]). One number, so that nothing leaves that whoever stops it
    /// has not seen.
    left: AtomicU64,
    /// What says why, where that is a document.
    because: Mutex<Vec<Document>>,
}

/// The bit of [`Going::left`] that says that nothing more leaves.
const STOPPED: u64 = 1 << 63;

/// A length that nobody knows yet.
const UNKNOWN: u64 = u64::MAX;

/// Why a sending broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokeOff {
    /// In words that the record shows.
    pub why: String,
    /// The same again comes to the same.
    pub for_good: bool,
}

impl BrokeOff {
    pub(crate) fn for_good(why: String) -> Self {
        Self { why, for_good: true }
    }
}

impl From<String> for BrokeOff {
    fn from(why: String) -> Self {
        Self { why, for_good: false }
    }
}

impl From<&str> for BrokeOff {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

impl Going {
    /// Bytes from `from` on, and up to `to` where that is known, of what was decided at this time.
    pub(super) fn new(decided_ms: u64, from: u64, to: Option<u64>) -> Self {
        let known = to.map_or(UNKNOWN, |to| to.saturating_sub(from));
        Self {
            decided_ms,
            from,
            known,
            length: AtomicU64::new(known),
            left: AtomicU64::new(0),
            because: Mutex::default(),
        }
    }

    pub(super) fn decided_ms(&self) -> u64 {
        self.decided_ms
    }

    fn stop(&self) {
        self.left.fetch_or(STOPPED, Ordering::AcqRel);
    }

    fn is_stopped(&self) -> bool {
        self.left.load(Ordering::Acquire) & STOPPED != 0
    }

    fn left(&self) -> u64 {
        self.left.load(Ordering::Acquire) & !STOPPED
    }

    /// `false` when it was stopped: they stay then.
    fn leave(&self, bytes: u64) -> bool {
        let more = |left: u64| (left & STOPPED == 0).then(|| left.saturating_add(bytes).min(STOPPED - 1));
        self.left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok()
    }
}

impl Opened {
    /// The receipt for the consumer, when what will be sent is known beforehand.
    #[must_use]
    pub fn receipt(&self) -> Option<&HandedOver> {
        self.receipt.as_ref()
    }

    /// What will be sent, when that is known beforehand.
    #[must_use]
    pub fn digests(&self) -> Option<&Digests> {
        self.digests.as_ref()
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> String {
        self.media_type.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what the source says that it is, before anything of it leaves.
    pub fn set_media_type(&self, media_type: String) {
        *self.media_type.lock().unwrap_or_else(PoisonError::into_inner) = media_type;
    }

    /// Which segment of its transaction.
    #[must_use]
    pub fn segment(&self) -> u64 {
        self.given.segment
    }

    /// Where in the version it begins.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.going.from
    }

    /// How many bytes there will be, once that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        Some(self.going.length.load(Ordering::Acquire)).filter(|length| *length != UNKNOWN)
    }

    /// Says how many bytes there are, before the last of them is handed over.
    pub fn set_length(&self, bytes: u64) {
        self.going.length.store(bytes, Ordering::Release);
    }

    /// Whether it cannot be sent once more from its first byte as it is: something has left, and what leaves again has to be counted again, or
    /// would not be the same.
    pub(in crate::provider) fn is_spent(&self) -> bool {
        self.left() > 0 && (self.given.bytes > 0 || self.digests.is_none())
    }

    /// Sends it once more from its first byte, in the same segment: what a push does that broke off. That something has left before
    /// is remembered.
    pub(in crate::provider) fn anew(&self) {
        self.going.left.store(0, Ordering::Release);
        self.going.length.store(self.going.known, Ordering::Release);
        self.because_of(Vec::new());
    }

    /// What says that it has to break off: evidence with the record of that.
    pub(in crate::provider) fn because_of(&self, documents: Vec<Document>) {
        *self.going.because.lock().unwrap_or_else(PoisonError::into_inner) = documents;
    }

    /// Lets nothing more leave.
    pub fn stop(&self) {
        self.going.stop();
    }

    /// Whether nothing more leaves.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.going.is_stopped()
    }

    pub(super) fn given(&self) -> &Given {
        &self.given
    }

    /// Whether this is the repetition of an earlier request, with the old proof.
    #[must_use]
    pub fn repeated(&self) -> bool {
        self.given.recorded.replayed()
    }

    /// Says that the connection takes these bytes: the pull counts from here on, whatever becomes of it. `false` when it was stopped: then they
    /// must not leave.
    #[must_use]
    pub fn leave(&self, bytes: u64) -> bool {
        // Of what was stopped before nothing counts.
        if self.is_stopped() {
            return false;
        }
        // Before: of another attempt of the transaction that is given up at this moment nothing is given back.
        self.given.attempt.sent();
        self.going.leave(bytes)
    }

    /// How many bytes the connection has taken.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.going.left()
    }

    /// Records what is sent, of a pull that began without that being known: durable before the last piece leaves. The same segment
    /// again has the old record.
    ///
    /// # Errors
    /// When the same segment was something else before, or the log was closed; a failed write ends the process.
    pub async fn served(&self, node: &Node, digests: &Digests, trace: &str) -> Result<(), BrokeOff> {
        let given = &self.given;
        let consumer = &given.agreement.other;
        let digest = |text: &str| digest_bytes(text).ok_or("a digest is none");
        let content = Content {
            salt: node.entropy.bytes32(),
            blake3: digest(&digests.blake3)?,
            sha256: digest(&digests.sha256)?,
            bytes: digests.bytes,
            media_type: self.media_type(),
        };
        let (dataset, version) = self.subject.clone();
        let exchange = Exchange {
            transaction: given.transaction.parse().map_err(|_| "the transaction is no UUID")?,
            segment: given.segment,
            phase: Phase::Pull,
            agreement: given.agreement.id.clone(),
            provider: node.did.clone(),
            consumer: consumer.clone(),
            subject: Subject::Dataset { dataset, version },
            from: self.going.from,
            to: self.going.from + digests.bytes,
            content: content.mac(),
        };
        let same = json!([digests.blake3, digests.sha256, digests.bytes, content.media_type]).to_string();
        let draft = Draft::new(Kind::PullServed, trace)
            .section(SectionName::Facts, json!({"transaction": given.transaction}))
            .exchanged(&exchange, &content)
            .stream(stream(&given.agreement))
            .prior(*given.recorded.leaf())
            .once(
                format!("served/{consumer}/{}/{}", given.transaction, given.segment),
                Sha256::digest(same).into(),
            )
            .term(Term::Transaction(given.transaction.clone()))
            .term(Term::Agreement(given.agreement.id.clone()))
            .term(Term::Party(consumer.clone()));
        match node.append(draft).await {
            Ok(_) => Ok(()),
            Err(AppendError::Conflict { .. }) => Err(BrokeOff::for_good(format!(
                "segment {} of transaction {} was other bytes before; use a new transaction",
                given.segment, given.transaction
            ))),
            Err(e) => Err(e.to_string().into()),
        }
    }

    /// Records that the bytes did not all leave, once for a transaction. If none left, and none can have left in another attempt, what the
    /// pull reserved is given back in the same commit.
    ///
    /// # Errors
    /// When the state cannot be read, or the log was closed; a failed write ends the process.
    pub async fn aborted(&self, node: &Node, reason: &str, trace: &str) -> Result<(), Failed> {
        let (draft, _held) = self.abort(node, reason, trace).await?.parts();
        node.append(draft).await?;
        Ok(())
    }

    /// Records that this attempt broke off, and that another one follows: of that there may be several.
    pub(in crate::provider) async fn is_tried_again(
        &self,
        node: &Node,
        reason: &str,
        trace: &str,
    ) -> Result<(), Failed> {
        let (draft, _held) = self
            .given
            .abort(node, self.left(), (reason, false), trace)
            .await?
            .parts();
        node.append(draft).await?;
        Ok(())
    }

    /// The same, for whoever has something else to write in that commit.
    pub(in crate::provider) async fn abort(&self, node: &Node, reason: &str, trace: &str) -> Result<Abort, Failed> {
        let because = self
            .going
            .because
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let abort = self.given.abort(node, self.left(), (reason, true), trace).await?;
        Ok(abort.because(because))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn nothing_leaves_that_whoever_stops_it_has_not_seen() {
        for _ in 0..2_000 {
            let (going, at_once) = (Going::new(0, 0, None), Barrier::new(2));
            let (left, seen) = std::thread::scope(|scope| {
                let sending = scope.spawn(|| {
                    at_once.wait();
                    (0..3).filter(|_| going.leave(5)).count() as u64 * 5
                });
                at_once.wait();
                going.stop();
                let seen = going.left();
                (sending.join().unwrap(), seen)
            });
            assert_eq!(left, seen);
            assert!(going.is_stopped() && !going.leave(5) && going.left() == seen);
        }
    }
}
