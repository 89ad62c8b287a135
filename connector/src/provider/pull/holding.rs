//! What a transaction has: what it is about, its segments, its places in counters. State of its own, written in the commits that give; a
//! decision says what it would reserve, which is not what was taken.

use super::again;
use super::plan::Plan;
use crate::deciding::Decided;
use crate::http::Refusal;
use crate::node::Node;
use crate::provider::access::Access;
use crate::provider::kind_of;
use crate::state::{AgreementEntry, Change, GrantEntry, StateError, set};
use axum::http::StatusCode;
use herleid_ledger::handover::Exchange;
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{LedgerError, StoredRecord};
use herleid_policies::Reservation;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What one transaction of one consumer has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::provider) struct Holding {
    /// Agreement, dataset and version, blinded: never another one under the same transaction.
    about: String,
    /// Purpose, way (pull, or which push) and resource, blinded; `None` of what an older version began.
    terms: Option<String>,
    /// Under which access it was asked for last.
    grant: Option<String>,
    /// Its last segment; 0 before the first.
    pub(super) last: u64,
    /// Bytes that have left, or may have; only while a rule counts them.
    bytes: u64,
    /// What it has in each counter.
    counters: BTreeMap<String, u64>,
    /// How often asking again was recorded, since it took more or came under another access.
    #[serde(default)]
    again: u64,
}

/// So often at most: each time is a record, and whoever breaks off and asks again must not fill the log.
pub(in crate::provider) const MOST_AGAIN: u64 = 64;

fn key(consumer: &Did, transaction: &str) -> String {
    format!("held/{consumer}/{transaction}")
}

/// Kept for longer than the records that say the same, and of little that cannot be guessed.
fn blinded(node: &Node, what: &str) -> String {
    format!("{BLINDED}{}", hex::encode(node.ledger.blinded(what.as_bytes())))
}

/// Before what is blinded; older versions kept SHA-256 in hex.
const BLINDED: &str = "k:";

/// Whether this was kept of `what`.
fn is_kept_of(node: &Node, kept: &str, what: &str) -> bool {
    match kept.starts_with(BLINDED) {
        true => kept == blinded(node, what),
        false => kept == hex::encode(Sha256::digest(what)),
    }
}

fn about(agreement: &str, subject: &Value) -> String {
    json!([agreement, subject]).to_string()
}

fn subject(grant: &GrantEntry) -> Value {
    json!({"dataset": grant.subject, "version": grant.version})
}

impl Holding {
    /// What `transaction` has, as it is kept.
    pub(super) fn kept(node: &Node, consumer: &Did, transaction: &str) -> Result<Option<Self>, StateError> {
        node.state.get(&key(consumer, transaction))
    }

    /// What the transaction of a request has; nothing, if it is new.
    ///
    /// # Errors
    /// 409 when it is about something else, or was asked for otherwise: what is recorded of a transaction stays true of all of it.
    pub(super) fn of(node: &Node, access: &Access, plan: &Plan) -> Result<Self, Refusal> {
        let grant = access.grant();
        let (transaction, about) = (access.transaction(), about(&grant.agreement, &subject(grant)));
        let way = if grant.push { grant.id.as_str() } else { "pull" };
        let terms = json!([grant.declares, grant.push, way, plan.resource()]).to_string();
        let kept = Self::kept(node, &grant.consumer, transaction).map_err(|e| Refusal::internal(&e))?;
        let held = match kept {
            Some(kept) => kept,
            None => Self::recorded(node, grant, transaction).map_err(|e| Refusal::internal(&e))?,
        };
        let conflict = |code: &'static str, why: &str| {
            let why = format!("transaction {transaction} is {why}; use a new one");
            Err(Refusal::new(StatusCode::CONFLICT, code, &why))
        };
        let mark = node.ledger.get(&forgotten_key(&grant.consumer, transaction));
        if mark.map_err(|e| Refusal::internal(&e))?.is_some() {
            let why = format!(
                "what was recorded of transaction {transaction} was erased, and it gets nothing any more; use a new one"
            );
            return Err(Refusal::new(StatusCode::CONFLICT, "transaction-ended", &why));
        }
        if held.last > 0 && !is_kept_of(node, &held.about, &about) {
            return conflict("other-version", "of another agreement, dataset or version");
        }
        let other_terms = |before: &String| !is_kept_of(node, before, &terms);
        if held.terms.as_ref().is_some_and(other_terms) {
            return conflict(
                "other-request",
                "for another purpose, another part of the dataset, or another way or place to bring it",
            );
        }
        Ok(Self {
            about: blinded(node, &about),
            terms: Some(blinded(node, &terms)),
            ..held
        })
    }

    /// What an older version recorded of a transaction: places were taken with its first segment alone.
    fn recorded(node: &Node, grant: &GrantEntry, transaction: &str) -> Result<Self, LedgerError> {
        let mut held = Self::default();
        for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
            let stored = node.ledger.record(index)?;
            let Some(told) = told(&stored, grant) else { continue };
            if held.last == 0 {
                let places = again::reserved(&stored).into_iter();
                held.counters = places.map(|place| (place.counter, place.amount)).collect();
                held.about = blinded(node, &told.about);
            }
            held.last = held.last.max(told.segment);
            held.bytes = held.bytes.saturating_add(told.bytes);
        }
        Ok(held)
    }

    /// Its places in the counters.
    pub(in crate::provider) fn places(&self) -> Vec<Reservation> {
        let place = |(counter, amount): (&String, &u64)| Reservation {
            rule: String::new(),
            counter: counter.clone(),
            amount: *amount,
            at_most: 0,
        };
        self.counters.iter().map(place).collect()
    }

    /// How many bytes will have left under it at most, when `more` do. Of a part the whole is taken: what is asked for next is free until all
    /// of that has left.
    pub(super) fn delivering(&self, whole: Option<u64>, more: Option<u64>) -> Option<u64> {
        let sum = self.bytes.checked_add(more?)?;
        Some(whole?.max(sum))
    }

    /// What of `reservations` it does not have.
    pub(super) fn missing(&self, reservations: &[Reservation]) -> Vec<Reservation> {
        let missing = |wanted: &Reservation| {
            let has = self.counters.get(&wanted.counter).copied().unwrap_or_default();
            let amount = wanted.amount.saturating_sub(has);
            (amount > 0).then(|| Reservation {
                amount,
                ..wanted.clone()
            })
        };
        reservations.iter().filter_map(missing).collect()
    }

    /// Says that so many of the bytes that it takes into account have not left.
    pub(super) fn give_back(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// The change that keeps it.
    pub(super) fn put(&self, draft: Draft, consumer: &Did, transaction: &str) -> Result<Draft, StateError> {
        let (key, value) = set(key(consumer, transaction), self)?;
        Ok(draft.put(key, value))
    }

    /// Gives all its places back in the commit of `draft`, and forgets it.
    pub(super) fn release(&self, draft: Draft, consumer: &Did, transaction: &str) -> Draft {
        let release = |draft: Draft, (counter, amount): (&String, &u64)| draft.release(counter.clone(), *amount);
        let draft = self.counters.iter().fold(draft, release);
        draft.put(key(consumer, transaction), None)
    }
}

/// Says that what a transaction was about was erased. Of its own, so that nobody who has read what it had before writes over it.
fn forgotten_key(consumer: &Did, transaction: &str) -> String {
    format!("forgotten/{consumer}/{transaction}")
}

/// The changes by which nothing stays of what a transaction was about, and nothing is given under it any more. What it took was used.
pub(crate) fn forgotten(consumer: &Did, transaction: &str) -> [Change; 2] {
    [
        (key(consumer, transaction), None),
        (forgotten_key(consumer, transaction), Some(Vec::new())),
    ]
}

/// What a request takes for its transaction, on top of what that has.
pub(super) struct Taking {
    /// What it has now.
    before: Holding,
    /// What it will have.
    pub(super) after: Holding,
    missing: Vec<Reservation>,
    /// Bytes that are counted as having left, because they may.
    pub(super) bytes: u64,
}

impl Taking {
    /// By `decided`, for a segment of at most so many bytes.
    pub(super) fn new(before: Holding, access: &Access, segment: u64, decided: &Decided, bytes: Option<u64>) -> Self {
        let mut after = before.clone();
        let is_again = segment <= before.last;
        let bytes = bytes.filter(|_| decided.counts_bytes()).unwrap_or_default();
        let missing = before.missing(decided.decision.reservations());
        for more in &missing {
            let has = after.counters.entry(more.counter.clone()).or_default();
            *has = has.saturating_add(more.amount);
        }
        after.grant = Some(access.grant().id.clone());
        after.last = after.last.max(segment);
        after.bytes = after.bytes.saturating_add(bytes);
        if is_again && after != before {
            after.again += 1;
        }
        Self {
            before,
            after,
            missing,
            bytes,
        }
    }

    /// Whether a request that repeats a segment has to be recorded as well.
    pub(super) fn is_more(&self) -> bool {
        self.before != self.after
    }

    /// Refuses what was asked for again, each time otherwise, too often.
    pub(super) fn check(&self, transaction: &str) -> Result<(), Refusal> {
        if self.after.again <= MOST_AGAIN {
            return Ok(());
        }
        let why = format!(
            "transaction {transaction} was asked for again {MOST_AGAIN} times, each of which is recorded, and gets no more; use a new one"
        );
        Err(Refusal::new(StatusCode::CONFLICT, "transaction-ended", &why))
    }

    /// Takes it in the commit of `draft`.
    pub(super) fn take(&self, mut draft: Draft, access: &Access) -> Result<Draft, StateError> {
        for more in &self.missing {
            draft = draft.reserve(more.counter.clone(), more.amount, more.at_most);
        }
        if !access.is_asked_once() {
            draft = self.after.put(draft, &access.grant().consumer, access.transaction())?;
        }
        Ok(draft)
    }
}

/// What a record says of a pull that was opened.
struct Told {
    about: String,
    segment: u64,
    bytes: u64,
}

/// What is said of a pull of the consumer of `grant` that was opened; `None` of other records, and of those whose sections were erased.
fn told(stored: &StoredRecord, grant: &GrantEntry) -> Option<Told> {
    let kind = kind_of(stored);
    if kind == Some(Kind::PullOpened)
        && let Some(exchange) = stored.value(SectionName::Exchange)
    {
        let exchange = Exchange::from_value(exchange).ok()?;
        // Consumers choose their transactions: another one's may have the same.
        return (exchange.consumer == grant.consumer).then(|| Told {
            about: about(
                &exchange.agreement,
                exchange.to_value().get("subject").unwrap_or(&Value::Null),
            ),
            segment: exchange.segment,
            bytes: exchange.to.saturating_sub(exchange.from),
        });
    }
    let facts = stored.value(SectionName::Facts)?;
    let agreement = facts.get("agreement")?.as_str()?;
    if kind == Some(Kind::OneSidedPullOpened) {
        // A push to a peer that keeps no log; the transaction is one of ours, and nobody else's.
        return grant.push.then(|| Told {
            about: about(
                agreement,
                &json!({"dataset": facts.get("dataset"), "version": facts.get("version")}),
            ),
            segment: 1,
            bytes: facts.get("bytes").and_then(Value::as_u64).unwrap_or_default(),
        });
    }
    if kind != Some(Kind::PullOpened) || facts.get("party")?.as_str()? != grant.consumer.as_str() {
        return None;
    }
    let end = |at: usize| facts.get("range")?.get(at)?.as_u64();
    Some(Told {
        about: about(agreement, facts.get("subject")?),
        segment: facts.get("segment").and_then(Value::as_u64).unwrap_or(1),
        bytes: end(1).unwrap_or_default().saturating_sub(end(0).unwrap_or_default()),
    })
}

/// The places of a transaction, whatever kept them; none before it is recorded.
///
/// # Errors
/// When the state or the log cannot be read.
pub(in crate::provider) fn places(
    node: &Node,
    agreement: &AgreementEntry,
    consumer: &Did,
    transaction: &str,
) -> Result<Vec<Reservation>, StateError> {
    if let Some(held) = Holding::kept(node, consumer, transaction)? {
        return Ok(held.places());
    }
    let recorded = again::recorded(node, consumer, &agreement.id, transaction);
    let recorded = recorded.map_err(|e| StateError::Store {
        key: key(consumer, transaction),
        why: e.to_string(),
    })?;
    Ok(recorded.map(|stored| again::reserved(&stored)).unwrap_or_default())
}
