//! The consumer's receipts: checked, and recorded as acknowledgements; what stays unacknowledged is recorded as that.

mod given;

use self::given::Given;
use super::giving::Settling;
use super::outstanding::{self, Outstanding};
use crate::node::Node;
use crate::peers::{Lie, ReceiptError, same_exchange};
use crate::state::{AgreementEntry, Side};
use herleid_ledger::LedgerError;
use herleid_ledger::handover::{HandedOver, Phase, VerifiedRecord};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Receipts taken at once (docs/log-format.md, `pull-acknowledged`).
pub const MOST: usize = 1_000;

/// Why receipts are not taken.
#[derive(Debug, thiserror::Error)]
pub enum AcknowledgeError {
    /// The caller has no such agreement with us.
    #[error("there is no agreement `{0}` with you")]
    NoAgreement(String),
    /// Too many.
    #[error("{found} receipts came at once, at most {MOST} are taken")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// A receipt is not for anything that we gave.
    #[error("receipt {place}: transaction `{transaction}` was not given to you under agreement `{agreement}`")]
    NotOurs {
        /// Counted from 1.
        place: usize,
        /// Its transaction.
        transaction: String,
        /// The agreement.
        agreement: String,
    },
    /// A receipt lacks what it must have.
    #[error("receipt {place} has no `{section}` opened")]
    Closed {
        /// Counted from 1.
        place: usize,
        /// Which section.
        section: &'static str,
    },
    /// A receipt of something that is not given out.
    #[error("receipt {place} is of phase `{found}`; what is given out, and acknowledged, is of `pull` or `run-result`")]
    Phase {
        /// Counted from 1.
        place: usize,
        /// The phase, cut off at 80 characters.
        found: String,
    },
    /// A transaction is acknowledged when all that was given of it is.
    #[error(
        "transaction `{transaction}` was given in several segments, and of segment {segment} there is no receipt here; send all of them together"
    )]
    Incomplete {
        /// The transaction.
        transaction: String,
        /// A segment without receipt.
        segment: u64,
    },
    /// Another request is about the same transaction.
    #[error("receipt {place}: transaction `{transaction}` is being settled at this moment; send the receipts again")]
    Busy {
        /// Counted from 1.
        place: usize,
        /// Its transaction.
        transaction: String,
    },
    /// The receipt is not believed.
    #[error("receipt {place}: {error}")]
    Receipt {
        /// Counted from 1.
        place: usize,
        /// Why.
        error: ReceiptError,
    },
    /// Our own side failed.
    #[error("the receipts could not be recorded: {0}")]
    Own(String),
}

impl AcknowledgeError {
    /// Whether it is our own fault.
    #[must_use]
    pub fn is_own(&self) -> bool {
        matches!(
            self,
            Self::Own(_)
                | Self::Receipt {
                    error: ReceiptError::State(_),
                    ..
                }
        )
    }
}

/// Takes `receipts` of `consumer` under `agreement`; gives the index of the record. What was acknowledged or given up before is
/// not recorded again: if that is all, the index is that of the last record about it.
///
/// # Errors
/// The first receipt that does not hold; nothing is recorded then.
pub async fn take(
    node: &Node,
    consumer: &Did,
    agreement: &str,
    receipts: &[HandedOver],
    trace: &str,
) -> Result<u64, AcknowledgeError> {
    let own = |e: &dyn std::fmt::Display| AcknowledgeError::Own(e.to_string());
    if receipts.len() > MOST {
        return Err(AcknowledgeError::TooMany { found: receipts.len() });
    }
    let entry = agreement_with(node, consumer, agreement)?;
    let log = match entry.other_log {
        Some(log) if entry.other == *consumer => log,
        _ => log_of(node, consumer).await?,
    };
    // First everything that the network has a part in: how long its proofs take is for the other end to decide, and meanwhile
    // nothing may be in hand that others wait for.
    let (mut checked, mut segments) = (Vec::new(), BTreeSet::new());
    let mut given = Given::of(node, consumer);
    for (place, handed) in receipts.iter().enumerate().map(|(n, r)| (n + 1, r)) {
        let record = node
            .peers
            .accept(&log, handed)
            .await
            .map_err(|error| AcknowledgeError::Receipt { place, error })?;
        let (transaction, segment) = check(&mut given, agreement, place, &record)?;
        if segments.insert((transaction.clone(), segment)) {
            checked.push((place, handed, transaction));
        }
    }
    // Read anew: whoever brings receipts decides how long their proofs take, and may have had more meanwhile.
    let mut given = Given::of(node, consumer);
    for (_, _, transaction) in &checked {
        let missing = given
            .segments(transaction)
            .map_err(|e| own(&e))?
            .into_iter()
            .find(|segment| !segments.contains(&(transaction.clone(), *segment)));
        if let Some(segment) = missing {
            let transaction = transaction.clone();
            return Err(AcknowledgeError::Incomplete { transaction, segment });
        }
    }
    // By transaction: held until the acknowledgement is durable, so that no place is given back twice.
    let mut settling: BTreeMap<String, Settling> = BTreeMap::new();
    let mut latest = 0;
    let mut draft = Draft::new(Kind::PullAcknowledged, trace)
        .term(Term::Agreement(agreement.to_owned()))
        .term(Term::Party(consumer.clone()));
    for (place, handed, transaction) in checked {
        let receipt = |draft: Draft| -> Result<Draft, AcknowledgeError> {
            Ok(draft.evidence(Document {
                role: "receipt".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: handed.to_bytes().map_err(|e| own(&e))?,
            }))
        };
        if settling.contains_key(&transaction) {
            draft = receipt(draft)?;
            continue;
        }
        let key = outstanding::key(agreement, &transaction);
        let Some(settles) = node.giving.settle(&key) else {
            return Err(AcknowledgeError::Busy { place, transaction });
        };
        if node.ledger.get(&key).map_err(|e| own(&e))?.is_none() {
            latest = latest.max(last_about(node, consumer, &transaction).map_err(|e| own(&e))?);
            continue;
        }
        draft = receipt(draft)?.term(Term::Transaction(transaction.clone()));
        draft = outstanding::forget(draft, agreement, &transaction);
        settling.insert(transaction, settles);
    }
    if settling.is_empty() {
        return Ok(latest);
    }
    let transactions: Vec<&String> = settling.keys().collect();
    let stream = StreamKey::Agreement {
        agreement: agreement.to_owned(),
        side: Side::Provider.into(),
        other: consumer.clone(),
    };
    let draft = draft
        .section(
            SectionName::Facts,
            json!({"agreement": agreement, "transactions": transactions}),
        )
        .stream(stream)
        .release(outstanding::counter(agreement), transactions.len() as u64);
    // Nobody else settles them until that is durable, also when whoever sent them has gone.
    node.append_keeping(draft, settling)
        .await
        .map(|recorded| recorded.index())
        .map_err(|e| own(&e))
}

/// The agreement under which `consumer` was given something: as its provider, or as the one who passed an input on under it.
fn agreement_with(node: &Node, consumer: &Did, agreement: &str) -> Result<AgreementEntry, AcknowledgeError> {
    for side in [Side::Provider, Side::Consumer] {
        let entry: Option<AgreementEntry> = node
            .state
            .get(&AgreementEntry::key(agreement, side))
            .map_err(|e| AcknowledgeError::Own(e.to_string()))?;
        if let Some(entry) = entry.filter(|e| side == Side::Consumer || e.other == *consumer) {
            return Ok(entry);
        }
    }
    Err(AcknowledgeError::NoAgreement(agreement.to_owned()))
}

async fn log_of(node: &Node, consumer: &Did) -> Result<crate::state::LogIdentity, AcknowledgeError> {
    crate::consumer::log_of(node, consumer)
        .await
        .map_err(|e| AcknowledgeError::Own(e.to_string()))
}

/// The index of the last record about what `consumer` was given in `transaction`, an id that others may have chosen as well.
fn last_about(node: &Node, consumer: &Did, transaction: &str) -> Result<u64, LedgerError> {
    let mut last = 0;
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let exchange = node.ledger.record(index)?.value(SectionName::Exchange);
        // Records without an exchange are about one that has it.
        if exchange.is_none_or(|exchange| is_of(&exchange, consumer)) {
            last = index;
        }
    }
    Ok(last)
}

/// Whether an exchange is of this consumer.
fn is_of(exchange: &Value, consumer: &Did) -> bool {
    exchange.get("consumer").and_then(Value::as_str) == Some(consumer.as_str())
}

/// The receipt's exchange must be, byte for byte, the one that we recorded of what was given. Gives its transaction and segment.
fn check(
    given: &mut Given<'_>,
    agreement: &str,
    place: usize,
    record: &VerifiedRecord,
) -> Result<(String, u64), AcknowledgeError> {
    let own = |e: &dyn std::fmt::Display| AcknowledgeError::Own(e.to_string());
    let theirs = record.section(SectionName::Exchange).ok_or(AcknowledgeError::Closed {
        place,
        section: "exchange",
    })?;
    if record.section(SectionName::StreamAgreement).is_none() {
        return Err(AcknowledgeError::Closed {
            place,
            section: "stream-agreement",
        });
    }
    let text = |name: &str| theirs.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let transaction = text("transaction");
    let not_ours = || AcknowledgeError::NotOurs {
        place,
        transaction: transaction.clone(),
        agreement: agreement.to_owned(),
    };
    let consumer = given.consumer;
    if text("consumer") != consumer.as_str() || text("agreement") != agreement {
        return Err(not_ours());
    }
    // A receipt of the request says nothing about the result: taken for one, it would let the consumer deny what it got.
    if !is_given_out(&text("phase")) {
        return Err(AcknowledgeError::Phase {
            place,
            found: text("phase").chars().take(80).collect(),
        });
    }
    let is_same = |exchange: &&Value| {
        exchange.get("phase") == theirs.get("phase") && exchange.get("segment") == theirs.get("segment")
    };
    let exchanges = given.exchanges(&transaction).map_err(|e| own(&e))?;
    let expected = exchanges.iter().rfind(is_same);
    let expected = expected.ok_or_else(not_ours)?;
    same_exchange(consumer.as_str(), theirs, expected).map_err(|lie: Lie| AcknowledgeError::Receipt {
        place,
        error: lie.into(),
    })?;
    let segment = theirs.get("segment").and_then(Value::as_u64).unwrap_or_default();
    Ok((transaction, segment))
}

/// Whether something leaves this end in that phase.
fn is_given_out(phase: &str) -> bool {
    matches!(phase.parse::<Phase>(), Ok(Phase::Pull | Phase::RunResult))
}

/// Records what has waited for its receipt past the deadline; it goes on to count as outstanding. Gives how many.
///
/// # Errors
/// When the state cannot be read or the log cannot be written. What else is overdue is recorded all the same; the error is the
/// first of several.
pub async fn record_overdue(node: &Node, trace: &str) -> Result<usize, AcknowledgeError> {
    let (now_ms, lasts_ms) = (node.now_ms(), lasts_ms(node));
    let mut waiting = Vec::new();
    let scanned = node.ledger.scan_each(outstanding::PREFIX, |rest, bytes| {
        // Most have only begun to wait; nothing else has to be looked up for them. What cannot be read is told of below.
        let waits: Option<Outstanding> = serde_json::from_slice(bytes).ok();
        if waits.is_none_or(|waits| waits.since_ms.saturating_add(lasts_ms) <= now_ms) {
            waiting.push(format!("{}{rest}", outstanding::PREFIX));
        }
    });
    scanned.map_err(|e| AcknowledgeError::Own(e.to_string()))?;
    let (mut overdue, mut failed) = (0, None);
    for key in waiting {
        match record_if_overdue(node, &key, trace).await {
            Ok(recorded) => overdue += usize::from(recorded),
            Err(why) => failed = failed.or(Some(format!("`{key}`: {why}"))),
        }
    }
    failed.map_or(Ok(overdue), |why| Err(AcknowledgeError::Own(why)))
}

/// How long something may wait for its receipt.
fn lasts_ms(node: &Node) -> u64 {
    node.config.limits.acknowledge_deadline_s.saturating_mul(1000)
}

async fn record_if_overdue(node: &Node, key: &str, trace: &str) -> Result<bool, String> {
    let place = key
        .strip_prefix(outstanding::PREFIX)
        .and_then(|place| place.rsplit_once('/'));
    let (agreement, transaction) = place.ok_or("the key names no agreement and transaction")?;
    let noted = outstanding::overdue_key(agreement, transaction);
    if node.ledger.get(&noted).map_err(|e| e.to_string())?.is_some() {
        return Ok(false);
    }
    // Whoever has it in hand acknowledges it or gives it up: the next round sees what became of it.
    let Some(_settling) = node.giving.settle(key) else {
        return Ok(false);
    };
    let waits: Option<Outstanding> = node.state.get(key).map_err(|e| e.to_string())?;
    let lasts_ms = lasts_ms(node);
    let deadline = |waits: &Outstanding| waits.since_ms.saturating_add(lasts_ms);
    let Some(waits) = waits.filter(|waits| deadline(waits) <= node.now_ms()) else {
        return Ok(false);
    };
    let facts = json!({"transaction": transaction, "segment": 1, "deadline": deadline(&waits)});
    let draft = Draft::new(Kind::PullUnacknowledged, trace)
        .section(SectionName::Facts, facts)
        .stream(StreamKey::Agreement {
            agreement: agreement.to_owned(),
            side: Side::Provider.into(),
            other: waits.consumer,
        })
        .term(Term::Transaction(transaction.to_owned()))
        .put(noted, Some(Vec::new()));
    node.append(draft).await.map(|_| true).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receipt_of_a_request_acknowledges_nothing() {
        assert!(is_given_out("pull") && is_given_out("run-result"));
        for phase in ["run-request", "", "pull-received"] {
            assert!(!is_given_out(phase), "{phase}");
        }
    }
}
