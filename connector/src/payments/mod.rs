//! What was paid for uses under agreements: recorded by the end that was paid, and taken by each use (docs/policies.md, "Payment").
//!
//! What was paid stands in the log, one record for each payment. Two counters of the ledger say how much it is in all, and how much of it
//! uses have taken; both change in the commit of the record that changes them, so that they never say anything else than the records.

mod received;
mod told;

pub(crate) use received::payment;
pub(crate) use told::{list, tell};

use crate::http::Refusal;
use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use herleid_ledger::record::Draft;
use herleid_ledger::{AppendError, LedgerError};
use herleid_policies::{Amount, Document, Facts, Policy, Reservation, Rule, is_account, paid_counter};

/// The only currency of this version.
pub(crate) const EUR: &str = "EUR";

/// What is known of the account of an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// Key of the counter of what was taken; also how facts name it.
    pub(crate) key: String,
    /// What was paid in all.
    pub(crate) paid: Amount,
    /// What uses took of it, and what was given back.
    pub(crate) taken: Amount,
    /// What one use costs, for each permission that has a price.
    pub(crate) prices: Vec<Amount>,
}

impl Account {
    /// The account of an agreement in which this end gives; `None` when nothing under it has a price, or it is not understood.
    ///
    /// # Errors
    /// When a counter cannot be read.
    pub(crate) fn of(node: &Node, entry: &AgreementEntry) -> Result<Option<Self>, LedgerError> {
        let document = Document::read(&entry.agreement);
        match document.policy() {
            Ok(policy) if entry.side == Side::Provider => Self::by(node, policy),
            _ => Ok(None),
        }
    }

    fn by(node: &Node, policy: &Policy) -> Result<Option<Self>, LedgerError> {
        let Some(key) = policy.account() else {
            return Ok(None);
        };
        let counted = |counter: &str| node.ledger.counter(counter).map(Amount::of_millionths);
        Ok(Some(Self {
            paid: counted(&paid_counter(&key))?,
            taken: counted(&key)?,
            prices: prices(policy),
            key,
        }))
    }

    /// What is left of what was paid.
    pub(crate) fn left(&self) -> Amount {
        self.paid.less(self.taken)
    }
}

/// What one use costs under the permissions that have a price: each once, the lowest first.
pub(crate) fn prices(policy: &Policy) -> Vec<Amount> {
    let mut prices: Vec<Amount> = policy.permissions().iter().filter_map(Rule::price).collect();
    prices.sort_unstable();
    prices.dedup();
    prices
}

/// What is known of the credit under an agreement, added to what a decision rests on; a transaction that has its place among `counted` is
/// not in its own way. Only the end that is paid knows.
///
/// # Errors
/// When a counter cannot be read.
pub(crate) fn known(
    node: &Node,
    entry: &AgreementEntry,
    policy: &Policy,
    counted: &[Reservation],
    facts: Facts,
    now_ms: u64,
) -> Result<Facts, LedgerError> {
    if entry.side != Side::Provider {
        return Ok(facts);
    }
    let Some(account) = Account::by(node, policy)? else {
        return Ok(facts);
    };
    let (taken, source) = match counted.iter().find(|place| place.counter == account.key) {
        Some(own) => (
            account.taken.less(Amount::of_millionths(own.amount)),
            "this connector's ledger, without this transaction",
        ),
        None => (account.taken, "this connector's ledger"),
    };
    Ok(facts.with_credit(&account.key, account.paid, taken, source, now_ms))
}

/// The place that something under this policy has in the account at least, if its permissions have prices.
pub(crate) fn place(policy: &Policy) -> Option<Reservation> {
    let prices = policy.permissions().iter().filter_map(Rule::price);
    Some(Reservation {
        rule: String::new(),
        counter: policy.account()?,
        amount: prices.min()?.millionths(),
        at_most: 0,
    })
}

/// Gives back what a use that came to nothing took of the credit, in the commit of `draft`. Places in a count are kept: it was asked for.
pub(crate) fn give_back(draft: Draft, places: &[Reservation]) -> Draft {
    let paid = places.iter().filter(|place| is_account(&place.counter));
    paid.fold(draft, |draft, place| draft.release(place.counter.clone(), place.amount))
}

/// What the consumer is told when `error` says that others have taken what was left of the credit meanwhile.
pub(crate) fn refusal(agreement: &str, error: &AppendError) -> Option<Refusal> {
    match error {
        AppendError::Exhausted {
            key,
            used,
            add,
            at_most,
        } if is_account(key) => {
            let amount = |millionths: &u64| Amount::of_millionths(*millionths);
            let left = amount(at_most).less(amount(used));
            let price = amount(add);
            Some(Refusal::denied(&format!(
                "a use under agreement `{agreement}` costs {price} euros, and {left} are left of what was paid: other uses have taken the rest; \
                 pay, and ask again once the payment is recorded"
            )))
        }
        _ => None,
    }
}
