//! What was paid under an agreement, as both ends see it: the end that is paid from its own log, the other one from what that tells it,
//! each payment proved by its record.

use super::received::{agreed, line, recorded};
use super::{Account, EUR};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{self, PaymentAccount, PaymentKind, PaymentLine, Payments};
use crate::http::Refusal;
use crate::node::{Node, fresh_trace};
use crate::provider::access::agreement_with;
use crate::state::{AgreementEntry, Side};
use herleid_ledger::handover::HandedOver;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_policies::{Amount, Document};
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is opened of the record of a payment.
const OPENED: [SectionName; 2] = [SectionName::Envelope, SectionName::Facts];
/// Payments that are listed, the last first.
const MOST: usize = 500;
/// And of which the other end gets the records: each has a proof of a few KiB, and a message a mebibyte.
const MOST_TOLD: usize = 50;

/// Shows the account of an agreement.
///
/// # Errors
/// When there is no such agreement, nothing under it has a price, or the other end cannot be asked.
pub(crate) async fn list(node: Arc<Node>, request: Payments, _progress: Progress) -> Result<PaymentAccount, Failure> {
    let entry = agreed(&node, &request.agreement)?;
    match entry.side {
        Side::Provider => ours(&node, &entry)?.ok_or_else(|| priceless(&entry.id)),
        Side::Consumer => asked(&node, &entry).await,
    }
}

fn priceless(agreement: &str) -> Failure {
    Failure::missing(format!("nothing under agreement `{agreement}` has a price"))
}

fn ours(node: &Node, entry: &AgreementEntry) -> Result<Option<PaymentAccount>, Failure> {
    let Some(account) = Account::of(node, entry)? else {
        return Ok(None);
    };
    let payments = recorded(node, entry, MOST)?;
    let listed = sum(&payments, PaymentKind::Received).unwrap_or(account.paid);
    Ok(Some(PaymentAccount {
        agreement: entry.id.clone(),
        side: protocol::Side::Provider,
        other: entry.other.to_string(),
        currency: EUR.to_owned(),
        prices: account.prices.iter().map(ToString::to_string).collect(),
        paid: account.paid.to_string(),
        taken: account.taken.to_string(),
        left: account.left().to_string(),
        unlisted: account.paid.less(listed).to_string(),
        payments,
    }))
}

/// What `caller` is told of an agreement in which it pays.
///
/// # Errors
/// 404 when there is no such agreement with it, or nothing under it has a price.
pub(crate) fn tell(node: &Node, caller: &Did, agreement: &str) -> Result<Value, Refusal> {
    let internal = |error: &dyn std::fmt::Display| Refusal::internal(error);
    let entry = agreement_with(node, caller, agreement, Side::Provider)?;
    let mut records = Vec::new();
    // One for all: under several, each would have to be proved to continue the one before.
    let checkpoint = node.ledger.checkpoint();
    for line in recorded(node, &entry, MOST_TOLD).map_err(|e| internal(&e))? {
        let Some(index) = line.record.filter(|index| *index < checkpoint.size()) else {
            continue;
        };
        let record = node.ledger.hand_over_under(index, &OPENED, None, &checkpoint);
        let record = record.map_err(|e| internal(&e))?;
        records.push(record.to_value().map_err(|e| internal(&e))?);
    }
    // After the payments: what comes in meanwhile is said, and not yet proved.
    let account = Account::of(node, &entry).map_err(|e| internal(&e))?;
    let account = account.ok_or_else(|| Refusal::not_found(&"nothing under that agreement has a price"))?;
    Ok(json!({
        "agreement": entry.id,
        "currency": EUR,
        "prices": account.prices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "paid": account.paid.to_string(),
        "taken": account.taken.to_string(),
        "records": records,
    }))
}

/// Asks the end that is paid, and believes of payments what its log proves: each once, by us, under this agreement, and together no more than it says
/// was paid. What it says was paid besides is told apart. What uses have taken it *says*; each use stands in our own log. Prices are those of our own agreement.
async fn asked(node: &Node, entry: &AgreementEntry) -> Result<PaymentAccount, Failure> {
    let Some(log) = &entry.other_log else {
        return Err(
            Failure::refused(format!("`{}` keeps no log that could prove a payment", entry.other)).next("ask it"),
        );
    };
    let host = log.origin.rsplit_once("/log/");
    let host = host.map_or(log.origin.as_str(), |(host, _)| host);
    let id = &entry.id;
    let mut url = url::Url::parse(&format!("{}://{host}/payments", node.scheme)).map_err(Failure::failed)?;
    url.query_pairs_mut().append_pair("agreement", id);
    let headers = node.message_headers(&entry.other, None, &fresh_trace(node))?;
    let answer = node.client.get_json(url.as_str(), headers).await?.success()?.json()?;
    let untrusted = |what: &str| Failure::untrusted(format!("the answer of `{}` {what}", entry.other));
    let amount = |member: &str| -> Result<Amount, Failure> {
        let text = answer.get(member).and_then(Value::as_str).unwrap_or_default();
        text.parse()
            .map_err(|_| untrusted(&format!("has no amount `{member}`")))
    };
    if answer.get("currency").and_then(Value::as_str) != Some(EUR) {
        return Err(untrusted("is not in euros"));
    }
    let (paid, taken) = (amount("paid")?, amount("taken")?);
    let list = |member: &str| {
        answer
            .get(member)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut prices = Vec::new();
    for price in list("prices") {
        let price: Result<Amount, _> = price.as_str().unwrap_or_default().parse();
        prices.push(price.map_err(|_| untrusted("has a price that is none"))?.to_string());
    }
    let own = Document::read(&entry.agreement);
    let agreed = own.policy().map(super::prices).map_err(Failure::failed)?;
    if agreed.iter().map(ToString::to_string).ne(prices.iter().cloned()) {
        return Err(untrusted("names other prices than the agreement"));
    }
    let (mut payments, mut seen): (Vec<PaymentLine>, _) = (Vec::new(), BTreeSet::new());
    let records = list("records");
    for record in records {
        let handed = HandedOver::from_value(record).map_err(Failure::untrusted)?;
        let record = node.peers.accept(log, &handed).await.map_err(Failure::untrusted)?;
        if !seen.insert(record.index()) {
            return Err(untrusted("shows one record twice"));
        }
        let section = |name| record.section(name).cloned().unwrap_or_default();
        let (facts, envelope) = (section(SectionName::Facts), section(SectionName::Envelope));
        let is_change = envelope.get("kind").and_then(Value::as_str) == Some(Kind::TrustChanged.as_str());
        let payer = facts.pointer("/after/payer").and_then(Value::as_str);
        let line = line(&facts, &envelope, id).filter(|_| is_change && payer == Some(node.did.as_str()));
        payments.push(line.ok_or_else(|| untrusted("proves something else than a payment of ours"))?);
    }
    let unlisted = beside(&payments, paid, taken).map_err(untrusted)?;
    Ok(PaymentAccount {
        agreement: id.clone(),
        side: protocol::Side::Consumer,
        other: entry.other.to_string(),
        currency: EUR.to_owned(),
        prices,
        paid: paid.to_string(),
        taken: taken.to_string(),
        left: paid.less(taken).to_string(),
        unlisted: unlisted.to_string(),
        payments,
    })
}

/// What of `paid` none of these payments is: older ones than are shown, and those whose record was erased.
fn beside(payments: &[PaymentLine], paid: Amount, taken: Amount) -> Result<Amount, &'static str> {
    let proved = sum(payments, PaymentKind::Received).filter(|proved| *proved <= paid);
    let proved = proved.ok_or("proves more payments than it says were made")?;
    match sum(payments, PaymentKind::Returned) {
        Some(returned) if returned <= taken => Ok(paid.less(proved)),
        _ => Err("proves that more was paid back than it says was taken"),
    }
}

/// `None` when it is more than an amount can be.
fn sum(payments: &[PaymentLine], kind: PaymentKind) -> Option<Amount> {
    let mut of = payments.iter().filter(|line| line.kind == kind);
    of.try_fold(Amount::NOTHING, |sum, line| sum.plus(line.amount.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proved_is_no_more_than_what_is_said_and_what_is_said_besides_shows() {
        let line = |kind, amount: &str| PaymentLine {
            kind,
            amount: amount.to_owned(),
            reference: "a".to_owned(),
            recorded_ms: None,
            record: None,
        };
        let euros = |text: &str| -> Amount { text.parse().unwrap() };
        let shown = [
            line(PaymentKind::Received, "10.00"),
            line(PaymentKind::Received, "5.50"),
            line(PaymentKind::Returned, "2.00"),
        ];
        assert_eq!(beside(&shown, euros("15.50"), euros("2")), Ok(Amount::NOTHING));
        assert_eq!(beside(&shown, euros("20"), euros("3")), Ok(euros("4.50")));
        assert_eq!(beside(&[], euros("20"), euros("3")), Ok(euros("20")));
        for (paid, taken) in [("15.49", "2"), ("0", "2"), ("15.50", "1.99")] {
            assert!(beside(&shown, euros(paid), euros(taken)).is_err(), "{paid} {taken}");
        }
    }
}
