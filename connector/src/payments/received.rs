//! Recording that something was paid, or paid back.

use super::{Account, EUR};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Payment, PaymentKind, PaymentLine, PaymentRecorded};
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, Side};
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, LedgerError};
use herleid_policies::{Amount, paid_counter};
use herleid_vocab::json::MAX_INTEGER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Characters of a reference: those of a SEPA payment's remittance information.
const LONGEST: usize = 140;

impl PaymentKind {
    /// What `what` of the `trust-changed` record says.
    const fn what(self) -> &'static str {
        match self {
            Self::Received => "payment.received",
            Self::Returned => "payment.returned",
        }
    }
}

/// Carries out `payment`.
///
/// # Errors
/// Why nothing is recorded.
pub(crate) async fn payment(
    node: Arc<Node>,
    request: Payment,
    _progress: Progress,
) -> Result<PaymentRecorded, Failure> {
    // In a task of its own: whoever asked may go away, and is told the same when it asks again.
    let recording = tokio::spawn(async move { record(&node, &request).await });
    recording.await.map_err(Failure::failed)?
}

async fn record(node: &Node, request: &Payment) -> Result<PaymentRecorded, Failure> {
    let amount = amount(request)?;
    let reference = reference(&request.reference)?;
    let entry = agreement(node, &request.agreement)?;
    let Some(account) = Account::of(node, &entry)? else {
        return Err(Failure::refused(format!(
            "nothing under agreement `{}` has a price, so there is nothing to pay for",
            entry.id
        ))
        .next("`herleid agreements` shows the agreements and their policies"));
    };
    let kind = request.kind;
    // However it is written, it is the same payment, which is recorded once.
    let once = format!("{}/{}", kind.what(), reference.to_lowercase());
    if let (PaymentKind::Received, Some(why)) = (kind, &entry.terminated)
        // One that was recorded while the agreement stood is told as that.
        && node.ledger.by_once(&once)?.is_none()
    {
        return Err(Failure::refused(format!("the agreement has ended: {why}")).next(
            "pay the money back; it is no payment for uses under this agreement, and nothing is recorded of it",
        ));
    }
    let said = json!({
        "agreement": entry.id,
        "amount": amount.to_string(),
        "currency": EUR,
        "reference": reference,
        "payer": entry.other.as_str(),
    });
    let same = Sha256::digest(json!([entry.id, amount.to_string(), reference.to_lowercase()]).to_string());
    let facts = json!({
        "what": kind.what(), "agreement": entry.id, "before": Value::Null, "after": said, "by": node.did.as_str(),
    });
    let draft = Draft::new(Kind::TrustChanged, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .term(Term::Agreement(entry.id.clone()))
        .term(Term::Party(entry.other.clone()))
        .term(Term::Kind(Kind::TrustChanged))
        // However often somebody asks for it, and for one agreement.
        .once(once, same.into());
    let millionths = amount.millionths();
    let draft = match kind {
        PaymentKind::Received => draft.reserve(paid_counter(&account.key), millionths, MAX_INTEGER),
        // As a use would: what was taken already cannot be given back.
        PaymentKind::Returned => draft.reserve(account.key.clone(), millionths, account.paid.millionths()),
    };
    let recorded = match node.append(draft).await {
        Ok(recorded) => recorded,
        Err(AppendError::Conflict { .. }) => {
            return Err(Failure::refused(format!(
                "`{reference}` is recorded already: with another amount, or under another agreement"
            ))
            .next("give each payment a reference of its own, and each part of one that is for several agreements; `herleid payments AGREEMENT` lists them"));
        }
        Err(AppendError::Exhausted { .. }) if kind == PaymentKind::Returned => {
            let left = Account::of(node, &entry)?.map_or(Amount::NOTHING, |account| account.left());
            return Err(Failure::refused(format!(
                "{amount} {EUR} cannot be given back: {left} {EUR} of what was paid is left, the rest was used"
            ))
            .next("`herleid payments AGREEMENT` says what is left"));
        }
        Err(AppendError::Exhausted { .. }) => {
            let most = Amount::of_millionths(MAX_INTEGER);
            return Err(Failure::refused(format!(
                "{amount} {EUR} more cannot be recorded: {} {EUR} were paid under this agreement, and no more than {most} {EUR} can be counted",
                account.paid
            ))
            .next("see whether the amount is right; what comes beyond that is for another agreement"));
        }
        Err(error) => return Err(Failure::failed(error)),
    };
    let account = Account::of(node, &entry)?.unwrap_or(account);
    Ok(PaymentRecorded {
        agreement: entry.id,
        payment: PaymentLine {
            kind,
            amount: amount.to_string(),
            reference,
            recorded_ms: None,
            record: Some(recorded.index()),
        },
        again: recorded.replayed(),
        currency: EUR.to_owned(),
        left: account.left().to_string(),
    })
}

fn amount(request: &Payment) -> Result<Amount, Failure> {
    let text = &request.amount;
    if request.currency != EUR {
        return Err(Failure::usage(format!(
            "`{}` cannot be the currency of a payment: amounts are in euros in this version",
            request.currency
        ))
        .next("give `EUR`"));
    }
    let wrong =
        |why: &str| Failure::usage(format!("`{text}` cannot be what was paid: {why}")).next("give it as `25.00`");
    let amount: Amount = text
        .parse()
        .map_err(|why: herleid_policies::NotAnAmount| wrong(&why.to_string()))?;
    if amount == Amount::NOTHING || !amount.is_in_cents() {
        return Err(wrong("it is nothing, or has a part of a cent"));
    }
    Ok(amount)
}

fn reference(text: &str) -> Result<String, Failure> {
    // White space makes no other reference of it.
    let text = &text
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(Failure::usage(format!(
            "the reference is empty, longer than {LONGEST} characters, or has characters that cannot be shown"
        ))
        .next("give what the payment is found by in your books, such as the number of the invoice or of the bank's statement"));
    }
    Ok(text.to_owned())
}

/// The agreement with this identifier; where both ends are here, the side that is paid.
pub(super) fn agreed(node: &Node, id: &str) -> Result<AgreementEntry, Failure> {
    let entries = crate::duties::agreed(node, id)?;
    let paid = entries.iter().find(|entry| entry.side == Side::Provider);
    let entry = paid.or(entries.first()).cloned();
    entry.ok_or_else(|| Failure::failed("an agreement that is on no side"))
}

/// The agreement in which this end gives and is paid.
fn agreement(node: &Node, id: &str) -> Result<AgreementEntry, Failure> {
    let entry = agreed(node, id)?;
    match entry.side {
        Side::Provider => Ok(entry),
        Side::Consumer => Err(Failure::refused(format!(
            "under agreement `{id}` it is `{}` that is paid, and only that can record it",
            entry.other
        ))
        .next("`herleid payments AGREEMENT` asks it what it has recorded")),
    }
}

/// What is recorded of payments under an agreement, the last first, each with the index of its record. What was erased is not among it.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn recorded(node: &Node, entry: &AgreementEntry, most: usize) -> Result<Vec<PaymentLine>, LedgerError> {
    let under = node.ledger.by_term(&Term::Agreement(entry.id.clone()))?;
    let changes = node.ledger.of_kind(&under, Kind::TrustChanged)?;
    let mut found = Vec::new();
    for index in changes.into_iter().rev() {
        let record = node.ledger.record(index)?;
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let envelope = record.value(SectionName::Envelope).unwrap_or_default();
        let line = line(&facts, &envelope, &entry.id);
        found.extend(line.map(|line| PaymentLine {
            record: Some(index),
            ..line
        }));
        if found.len() == most {
            break;
        }
    }
    Ok(found)
}

/// What a record says of a payment under this agreement; `None` when it is about something else.
pub(super) fn line(facts: &Value, envelope: &Value, agreement: &str) -> Option<PaymentLine> {
    let what = facts.get("what")?.as_str()?;
    let kind = [PaymentKind::Received, PaymentKind::Returned]
        .into_iter()
        .find(|kind| kind.what() == what)?;
    let said = facts.get("after")?;
    let text = |member: &str| said.get(member).and_then(Value::as_str);
    if text("agreement")? != agreement || text("currency")? != EUR {
        return None;
    }
    let amount: Amount = text("amount")?.parse().ok()?;
    Some(PaymentLine {
        kind,
        amount: amount.to_string(),
        reference: text("reference")?.to_owned(),
        recorded_ms: envelope.get("recordedAt").and_then(Value::as_u64),
        record: None,
    })
}
