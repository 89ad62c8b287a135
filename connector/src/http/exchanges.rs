//! `GET /exchanges`: our records under an agreement with the caller, the last first, so that it can hold its own against them.

use super::Refusal;
use crate::node::Node;
use crate::provider::access;
use crate::reconcile::stream::{StreamError, back};
use crate::reconcile::tombstone;
use crate::state::{AgreementEntry, Side, State as Kept, digest_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::record::StreamKey;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, StoredRecord};
use herleid_vocab::did::Did;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    agreement: String,
    /// The side on which this connector stands.
    side: Side,
    /// Leaf hash of the record to go on from.
    from: Option<String>,
}

/// A page ends with the record that makes it longer than this.
const PAGE_BYTES: usize = 512 << 10;

/// Or with this many.
const PAGE_RECORDS: usize = 50;

/// What of each record is opened: when, which number, and what both ends hold alike. What is in the other sections is ours.
const OPENED: [SectionName; 3] = [
    SectionName::Envelope,
    SectionName::StreamAgreement,
    SectionName::Exchange,
];

/// Pages that are made at once: each decrypts and proves up to 50 records.
const AT_ONCE: usize = 4;

/// Of those for one caller.
const OF_ONE: usize = 1;

/// How long a caller waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who may have a page made: no caller keeps the others waiting.
pub(super) struct Turns {
    all: Arc<Semaphore>,
    callers: Mutex<HashMap<Did, Weak<Semaphore>>>,
    patience: Duration,
}

impl Turns {
    /// Nobody has one.
    pub(super) fn new() -> Self {
        Self::with(PATIENCE)
    }

    fn with(patience: Duration) -> Self {
        Self {
            all: Arc::new(Semaphore::new(AT_ONCE)),
            callers: Mutex::default(),
            patience,
        }
    }

    fn of(&self, caller: &Did) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.retain(|_, own| own.strong_count() > 0);
        if let Some(own) = callers.get(caller).and_then(Weak::upgrade) {
            return own;
        }
        let own = Arc::new(Semaphore::new(OF_ONE));
        callers.insert(caller.clone(), Arc::downgrade(&own));
        own
    }

    /// A turn, until it is dropped. The caller's own first: whoever waits for that takes no place from others.
    pub(super) async fn take(&self, caller: &Did) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Refusal> {
        let (own, all) = (self.of(caller), self.all.clone());
        let both = async { Some((own.acquire_owned().await.ok()?, all.acquire_owned().await.ok()?)) };
        timeout(self.patience, both).await.ok().flatten().ok_or_else(|| {
            let text = "other pages are being made, also for you; ask again later";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &text)
        })
    }
}

/// A page of records handed over.
pub(super) async fn of_agreement(
    State(node): State<Arc<Node>>,
    Extension(turns): Extension<Arc<Turns>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let caller = node.authenticate(&headers).await?;
    let Query(asked) = asked.map_err(|e| Refusal::malformed(&e.body_text()))?;
    let from = match &asked.from {
        None => None,
        Some(text) => {
            let expected = "`from` is a leaf hash, 64 hexadecimal digits in lower case";
            Some(digest_bytes(text).ok_or_else(|| Refusal::malformed(&expected))?)
        }
    };
    let (entry, log) = ever_agreed_with(&node, caller.did(), &asked.agreement, asked.side)?;
    // Asked after the agreement: a log that continues another one is smaller, has none of its agreements, and has lost nothing by that.
    let seen = Some(access::seen_of(&node, &log, &headers)?).filter(|seen| *seen > 0);
    let place = turns.take(caller.did()).await?;
    let stream = StreamKey::Agreement {
        agreement: entry.id,
        side: entry.side.into(),
        other: entry.other,
    };
    let page = tokio::task::spawn_blocking(move || {
        let page = page(&log, &stream, from, seen);
        // Held until the work is done, also when the caller has gone away.
        drop(place);
        page
    });
    page.await.map_err(|e| Refusal::internal(&e))?.map(Json)
}

/// The agreement that the caller names, also where the agreement ended with a log of ours that is over; with the log that holds what was done under it.
fn ever_agreed_with(node: &Node, caller: &Did, id: &str, side: Side) -> Result<(AgreementEntry, Ledger), Refusal> {
    let none = match access::agreement_with(node, caller, id, side) {
        Ok(entry) => return Ok((entry, node.ledger.clone())),
        Err(refusal) if refusal.status() == StatusCode::NOT_FOUND => refusal,
        Err(refusal) => return Err(refusal),
    };
    for log in &node.previous {
        let entry = Kept::new(log.clone()).get::<AgreementEntry>(&AgreementEntry::key(id, side));
        let entry = entry.map_err(|e| Refusal::internal(&e))?;
        if let Some(entry) = entry.filter(|entry| entry.other == *caller) {
            return Ok((entry, log.clone()));
        }
    }
    Err(none)
}

fn page(log: &Ledger, stream: &StreamKey, from: Option<[u8; 32]>, seen: Option<u64>) -> Result<Value, Refusal> {
    let (mut records, mut erased, mut bytes, mut failed) = (Vec::new(), Vec::new(), 0, None);
    let mut checkpoint = None;
    let read = back(log, stream, from, |record| {
        if records.len() >= PAGE_RECORDS || bytes >= PAGE_BYTES {
            return false;
        }
        // One for the page, and taken when its first record is there: under several, each would have to be proved to continue the one before.
        let checkpoint = checkpoint.get_or_insert_with(|| log.checkpoint());
        let mut open = OPENED.to_vec();
        open.retain(|name| record.sections().contains_key(name));
        let mut hand = |open: &[SectionName]| -> Result<usize, Refusal> {
            let handed = log.hand_over_under(record.index(), open, seen, checkpoint);
            let handed = handed.map_err(|e| Refusal::internal(&e))?;
            let length = handed.to_bytes().map_err(|e| Refusal::internal(&e))?.len();
            if length <= PAGE_BYTES || !open.contains(&SectionName::Envelope) {
                records.push(handed.to_value().map_err(|e| Refusal::internal(&e))?);
            }
            Ok(length)
        };
        // An envelope may name thousands of records that it rests on; then it does without.
        let handed = hand(&open).and_then(|length| match length {
            0..=PAGE_BYTES => Ok(length),
            _ => {
                open.retain(|name| *name != SectionName::Envelope);
                hand(&open)
            }
        });
        let handed = handed.and_then(|length| {
            let is_erased = !record.sections().contains_key(&SectionName::Exchange)
                && record.macs().contains_key(&SectionName::Exchange);
            match is_erased {
                true => Ok(length + prove(log, record, seen, checkpoint, &mut erased)?),
                false => Ok(length),
            }
        });
        match handed {
            Ok(length) => bytes += length,
            Err(refusal) => failed = Some(refusal),
        }
        failed.is_none()
    });
    if let Some(refusal) = failed {
        return Err(refusal);
    }
    let (n, next) = read.map_err(|error| match error {
        StreamError::Stranger => Refusal::not_found(&error),
        error => Refusal::internal(&error),
    })?;
    let mut page = json!({"n": n, "records": records, "next": next.map(hex::encode)});
    if let (Some(page), false) = (page.as_object_mut(), erased.is_empty()) {
        page.insert("erased".to_owned(), erased.into());
    }
    Ok(page)
}

/// Hands over the record that says that the exchange of `record` was erased: without it the other end would have to take it for kept closed. Its
/// length.
fn prove(
    log: &Ledger,
    record: &StoredRecord,
    seen: Option<u64>,
    checkpoint: &Checkpoint,
    erased: &mut Vec<Value>,
) -> Result<usize, Refusal> {
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(&e);
    let Some(tombstone) = tombstone(log, record).map_err(|e| internal(&e))? else {
        // Who erased it in a log that is over has the tombstone in a later one, which proves nothing under this one: no accusation is to rest on that.
        if log.is_over() {
            let text = format!(
                "an exchange of this agreement was erased after the log `{}` was over, which cannot be proved under it",
                log.origin()
            );
            return Err(Refusal::new(StatusCode::CONFLICT, "log-over", &text));
        }
        return Ok(0);
    };
    if tombstone >= checkpoint.size() {
        let text = "something of this agreement is being erased; ask again later";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &text));
    }
    // Who erased it, on whose authority and what besides is in `facts`: that is not for the other end. Older versions put all of it there.
    let opened = [SectionName::Envelope, SectionName::Parameters];
    let has_proof = log.record(tombstone).map_err(|e| internal(&e))?;
    if !has_proof.sections().contains_key(&SectionName::Parameters) {
        return Ok(0);
    }
    let handed = log.hand_over_under(tombstone, &opened, seen, checkpoint);
    let handed = handed.map_err(|e| internal(&e))?;
    erased.push(handed.to_value().map_err(|e| internal(&e))?);
    Ok(handed.to_bytes().map_err(|e| internal(&e))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_caller_takes_one_turn_and_leaves_the_rest_to_others() {
        let turns = Turns::with(Duration::ZERO);
        let did = |name: &str| -> Did { format!("did:web:{name}.example").parse().unwrap() };
        let held = turns.take(&did("a")).await.unwrap();
        let refused = turns.take(&did("a")).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let mut others = Vec::new();
        for name in ["b", "c", "d"] {
            others.push(turns.take(&did(name)).await.unwrap());
        }
        assert!(turns.take(&did("e")).await.is_err());
        drop(held);
        assert!(turns.take(&did("a")).await.is_ok());
    }
}
