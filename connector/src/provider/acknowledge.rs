//! The consumer's receipts: checked, and recorded as acknowledgements; what stays unacknowledged is recorded as that.

use super::pull::outstanding_key;
use crate::node::Node;
use crate::peers::{Lie, ReceiptError, same_exchange};
use crate::state::{AgreementEntry, Side};
use herleid_ledger::AppendError;
use herleid_ledger::handover::{HandedOver, VerifiedRecord};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use serde_json::{Value, json};

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

/// Takes `receipts` of `consumer` under `agreement`; gives the index of the record.
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
    let log = if entry.other == *consumer {
        entry.other_log.clone()
    } else {
        log_of(node, consumer).await?
    };
    let mut transactions = Vec::new();
    let mut draft = Draft::new(Kind::PullAcknowledged, trace)
        .term(Term::Agreement(agreement.to_owned()))
        .term(Term::Party(consumer.clone()));
    for (place, handed) in receipts.iter().enumerate().map(|(n, r)| (n + 1, r)) {
        let record = node
            .peers
            .accept(&log, handed)
            .await
            .map_err(|error| AcknowledgeError::Receipt { place, error })?;
        let transaction = check(node, consumer, agreement, place, &record)?;
        let key = outstanding_key(agreement, &transaction);
        draft = draft
            .evidence(Document {
                role: "receipt".to_owned(),
                media_type: "application/json".to_owned(),
                bytes: handed.to_bytes().map_err(|e| own(&e))?,
            })
            .term(Term::Transaction(transaction.clone()))
            .put(key, None);
        transactions.push(transaction);
    }
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
        .stream(stream);
    node.append(draft)
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

/// The receipt's exchange must be, byte for byte, the one that we recorded.
fn check(
    node: &Node,
    consumer: &Did,
    agreement: &str,
    place: usize,
    record: &VerifiedRecord,
) -> Result<String, AcknowledgeError> {
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
    if text("consumer") != consumer.as_str() || text("agreement") != agreement {
        return Err(not_ours());
    }
    let mut expected = None;
    for index in node
        .ledger
        .by_term(&Term::Transaction(transaction.clone()))
        .map_err(|e| own(&e))?
    {
        let stored = node.ledger.record(index).map_err(|e| own(&e))?;
        if let Some(exchange) = stored.value(SectionName::Exchange)
            && exchange.get("phase") == theirs.get("phase")
            && exchange.get("segment") == theirs.get("segment")
        {
            expected = Some(exchange);
        }
    }
    let expected = expected.ok_or_else(not_ours)?;
    same_exchange(consumer.as_str(), theirs, &expected).map_err(|lie: Lie| AcknowledgeError::Receipt {
        place,
        error: lie.into(),
    })?;
    Ok(transaction)
}

/// Records what has waited for its receipt past the deadline.
///
/// # Errors
/// When the log cannot be written.
pub async fn record_overdue(node: &Node, trace: &str) -> Result<usize, AppendError> {
    let now_ms = node.now_ms();
    let deadline_ms = node.config.limits.acknowledge_deadline_s.saturating_mul(1000);
    let mut overdue = 0;
    let Ok(waiting) = node.ledger.scan("outstanding/") else {
        return Ok(0);
    };
    for (key, since) in waiting {
        let since = since.as_slice().try_into().map_or(0, u64::from_be_bytes);
        let Some((agreement, transaction)) = key.trim_start_matches("outstanding/").rsplit_once('/') else {
            continue;
        };
        let noted = format!("overdue/{agreement}/{transaction}");
        if since.saturating_add(deadline_ms) > now_ms || node.ledger.get(&noted).ok().flatten().is_some() {
            continue;
        }
        let Ok(indices) = node.ledger.by_term(&Term::Transaction(transaction.to_owned())) else {
            continue;
        };
        let consumer = indices.iter().find_map(|i| {
            node.ledger
                .record(*i)
                .ok()?
                .value(SectionName::Exchange)?
                .get("consumer")?
                .as_str()?
                .parse::<Did>()
                .ok()
        });
        let Some(consumer) = consumer else { continue };
        let facts = json!({"transaction": transaction, "segment": 1, "deadline": since.saturating_add(deadline_ms)});
        let draft = Draft::new(Kind::PullUnacknowledged, trace)
            .section(SectionName::Facts, facts)
            .stream(StreamKey::Agreement {
                agreement: agreement.to_owned(),
                side: Side::Provider.into(),
                other: consumer,
            })
            .term(Term::Transaction(transaction.to_owned()))
            .put(noted, Some(Vec::new()));
        node.append(draft).await?;
        overdue += 1;
    }
    Ok(overdue)
}
