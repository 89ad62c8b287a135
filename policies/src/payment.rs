//! What a use costs: a duty to compensate, met by what was paid beforehand.
//!
//! Who gave the data records what was paid under an agreement. Each use takes its price from that, in the commit of its own record, so
//! that there is never more given than was paid for.

use crate::amount::Amount;
use crate::facts::{DutyState, EnforcedBy, Facts, fact};
use crate::model::{Constraint, Right, Rule, RuleKind};
use crate::operand::Operand;
use crate::policy::Policy;

/// The action of a duty to pay.
pub(crate) const COMPENSATE: &str = "compensate";
/// What facts are about that say what was paid under an agreement, and what uses have taken of it.
const PAID: &str = "paid";
const SPENT: &str = "spent";
/// What no credit reaches: the price of what asks for more than can be counted.
const OUT_OF_REACH: Amount = Amount::of_millionths(u64::MAX);

/// How the name of an account ends; it begins with that of its agreement.
const ACCOUNT: &str = "#credit/EUR";

/// The account of an agreement: what uses have taken of what was paid. It is also the key of the counter.
pub(crate) fn account(policy: &str) -> String {
    format!("{policy}{ACCOUNT}")
}

/// Whether a counter is what uses have taken of what was paid ([`Policy::account`]).
#[must_use]
pub fn is_account(counter: &str) -> bool {
    counter.ends_with(ACCOUNT)
}

impl Rule {
    /// Of a permission what one use costs, all its duties to compensate together; of such a duty what it asks for itself. `None` when no
    /// amount is said.
    #[must_use]
    pub fn price(&self) -> Option<Amount> {
        let own = self.constraints.iter().find_map(|constraint| match constraint {
            Constraint::Atomic(atomic) if atomic.operand == Operand::PayAmount => match atomic.right {
                Right::Amount(amount) => Some(amount),
                _ => None,
            },
            _ => None,
        });
        let parts = self.duties.iter().filter_map(Self::price).map(Some);
        match self.kind {
            RuleKind::Duty => own,
            _ => parts
                .reduce(|sum, part| sum?.plus(part?))
                .map(|sum| sum.unwrap_or(OUT_OF_REACH)),
        }
    }
}

impl Policy {
    /// The account that a decision needs the credit of ([`Facts::with_credit`]), when some permission has a price. What was paid is
    /// counted beside it: [`paid_counter`].
    #[must_use]
    pub fn account(&self) -> Option<String> {
        let is_priced = self.permissions.iter().any(|rule| rule.price().is_some());
        is_priced.then(|| account(&self.id))
    }

    /// The facts, and where nothing is known of what has to be done before a first use, as if it were done: enough paid for one, and stated
    /// what has to be. That is what an offer is weighed by, and an agreement when it is made: nothing can have been paid under it yet. A use
    /// rests on what is known.
    #[must_use]
    pub fn before_first_use(&self, facts: Facts, source: &str, at_ms: u64) -> Facts {
        // An older era presumed nothing.
        if !facts.era().charges() {
            return facts;
        }
        let duties = self.permissions.iter().flat_map(|rule| &rule.duties);
        let facts = duties.filter(|duty| duty.is_stated_first()).fold(facts, |facts, duty| {
            match facts.values("duty", Some(&duty.id)) {
                Some(_) => facts,
                None => facts.with_duty(&duty.id, DutyState::Fulfilled, source, EnforcedBy::Declared, at_ms),
            }
        });
        let unknown = self.account().filter(|account| facts.credit(account).is_none());
        match unknown {
            Some(account) => {
                let prices = self.permissions.iter().filter_map(Rule::price);
                // What nobody can pay is no amount that facts could say.
                let dearest = prices.filter(|price| *price != OUT_OF_REACH).max().unwrap_or_default();
                facts.with_credit(&account, dearest, Amount::NOTHING, source, at_ms)
            }
            None => facts,
        }
    }
}

/// Key of the counter of all that was paid into an account.
#[must_use]
pub fn paid_counter(account: &str) -> String {
    format!("{account}/paid")
}

impl Facts {
    /// What was paid into an account ([`Policy::account`]), and what earlier uses took of it.
    #[must_use]
    pub fn with_credit(self, account: &str, paid: Amount, spent: Amount, source: &str, at_ms: u64) -> Self {
        let by = Operand::PayAmount.enforced_by();
        let one = |about: &str, amount: Amount| fact(about, Some(account), vec![amount.to_string()], source, by, at_ms);
        self.with(one(PAID, paid)).with(one(SPENT, spent))
    }

    /// What was paid, and what is left of it; `None` where that is not known.
    pub(crate) fn credit(&self, account: &str) -> Option<Credit> {
        let amount = |about: &str| -> Option<Amount> {
            match self.values(about, Some(account))? {
                [amount] => amount.parse().ok(),
                _ => None,
            }
        };
        let paid = amount(PAID)?;
        Some(Credit {
            paid,
            left: paid.less(amount(SPENT)?),
        })
    }
}

/// What is known of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credit {
    pub(crate) paid: Amount,
    pub(crate) left: Amount,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_from_every_other_counter() {
        for policy in ["urn:uuid:agreement", "https://example.org/a#credit/EUR", ""] {
            let account = account(policy);
            assert!(is_account(&account), "{account}");
            assert!(!is_account(&paid_counter(&account)), "{account}");
            assert!(!is_account(&format!("{account}#permission-00")), "{account}");
        }
    }
}
