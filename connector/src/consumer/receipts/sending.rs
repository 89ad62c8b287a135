//! One message with receipts: read from our log, sent, and what its answer means.

use super::Owed;
use crate::commands::Failure;
use crate::net::error::ClientError;
use crate::node::Node;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, LedgerError, StoredRecord};
use herleid_vocab::did::Did;
use serde_json::{Value, json};

/// What a receipt of ours opens (docs/log-format.md, section 7).
const OPENED: [SectionName; 3] = [
    SectionName::Exchange,
    SectionName::Content,
    SectionName::StreamAgreement,
];

/// What became of a message.
pub(super) enum Answer {
    /// The provider has all receipts.
    Taken,
    /// The provider does not accept one of them, or fails over one of them.
    Refused {
        /// What it says.
        why: String,
        /// Whether it means to stay with that: a fault of its own may be mended.
        stays: bool,
    },
    /// It did not come to that: the provider is not there, or does not speak with us. Nothing is said of the receipts.
    Failed(String),
}

/// Sends what is owed to `provider` in one message; all of it is of one agreement, and goes to one address.
///
/// # Errors
/// When our own log cannot be read.
pub(super) async fn send(node: &Node, provider: &Did, owed: &[Owed], trace: &str) -> Result<Answer, Failure> {
    let mut receipts = Vec::new();
    for one in owed {
        for receipt in receipts_of(node, one)? {
            receipts.push(receipt.to_value().map_err(Failure::failed)?);
        }
    }
    let Some(first) = owed.first().filter(|_| !receipts.is_empty()) else {
        return Ok(Answer::Taken);
    };
    let headers = match node.message_headers(provider, None, trace) {
        Ok(headers) => headers,
        // Whom the configuration no longer admits it may admit again.
        Err(error) => return Ok(Answer::Failed(error.to_string())),
    };
    let url = format!("{}/receipts", first.base.trim_end_matches('/'));
    let body = json!({"agreement": first.agreement, "receipts": receipts}).to_string();
    let answer = node.client.post_json(&url, headers, body.into()).await;
    Ok(match answer.and_then(|response| response.success()) {
        Ok(_) => Answer::Taken,
        Err(error) => judge(&error),
    })
}

/// What it means that a message was not taken.
fn judge(error: &ClientError) -> Answer {
    let why = error.to_string();
    match error {
        // Malformed or not believed, a conflict, too long, not processable: all about what was sent, as a fault over it is.
        ClientError::Status {
            status: status @ (400 | 409 | 413 | 422 | 500),
            ..
        } => Answer::Refused {
            why,
            stays: *status != 500,
        },
        _ => Answer::Failed(why),
    }
}

/// Our records of what was received, of each segment one, handed over. What was erased is not among them: nothing of it is left.
fn receipts_of(node: &Node, owed: &Owed) -> Result<Vec<HandedOver>, LedgerError> {
    let (mut receipts, mut found) = (Vec::new(), false);
    for index in node.ledger.by_term(&Term::Transaction(owed.transaction.clone()))? {
        if !acknowledges(&node.ledger.record(index)?, owed) {
            continue;
        }
        found = true;
        match node.ledger.hand_over(index, &OPENED, None, At::Latest) {
            Ok(receipt) => receipts.push(receipt),
            Err(LedgerError::Erased { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if !found {
        tracing::error!(provider = %owed.provider, transaction = %owed.transaction, "nothing is left to give a receipt for");
    }
    Ok(receipts)
}

/// Whether `record` says that we received what is owed for. Of a run, what was asked for has its transaction too.
fn acknowledges(record: &StoredRecord, owed: &Owed) -> bool {
    let says = |section: SectionName, member: &str, expected: &str| {
        record
            .value(section)
            .is_some_and(|value| value.get(member).and_then(Value::as_str) == Some(expected))
    };
    let received = [Kind::PullReceived, Kind::RunReceived]
        .iter()
        .any(|kind| says(SectionName::Envelope, "kind", kind.as_str()));
    received
        && says(SectionName::Exchange, "provider", owed.provider.as_str())
        && says(SectionName::Exchange, "agreement", &owed.agreement)
}
