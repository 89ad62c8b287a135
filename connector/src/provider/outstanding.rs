//! What was given and waits for the consumer's receipt: at most so much under one agreement, counted in the commits that
//! give and that acknowledge.

use crate::http::Refusal;
use crate::node::Node;
use crate::state::{AgreementEntry, StateError, set};
use herleid_ledger::AppendError;
use herleid_ledger::record::Draft;
use herleid_policies::Reservation;
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};

/// What all keys of this state begin with.
pub(super) const PREFIX: &str = "outstanding/";

/// One pull or run that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outstanding {
    /// Whose receipt it waits for.
    pub(super) consumer: Did,
    /// Since when, Unix milliseconds.
    pub(super) since_ms: u64,
}

/// The key under which `transaction` waits.
pub(super) fn key(agreement: &str, transaction: &str) -> String {
    format!("{PREFIX}{agreement}/{transaction}")
}

/// The key that says that it was recorded as overdue.
pub(super) fn overdue_key(agreement: &str, transaction: &str) -> String {
    format!("overdue/{agreement}/{transaction}")
}

/// The counter of what is outstanding under an agreement.
pub(super) fn counter(agreement: &str) -> String {
    format!("{PREFIX}{agreement}")
}

/// Takes a place among what is outstanding, in the commit of `draft`.
pub(super) fn reserve(node: &Node, draft: Draft, agreement: &str) -> Draft {
    draft.reserve(counter(agreement), 1, node.config.limits.outstanding_per_agreement)
}

/// Lets `transaction` wait from now on, in the commit of `draft`.
pub(super) fn wait(
    node: &Node,
    draft: Draft,
    agreement: &str,
    transaction: &str,
    consumer: &Did,
) -> Result<Draft, StateError> {
    let waits = Outstanding {
        consumer: consumer.clone(),
        since_ms: node.now_ms(),
    };
    let (key, value) = set(key(agreement, transaction), &waits)?;
    Ok(draft.put(key, value))
}

/// The places in the counters of the agreement's policy, when something that `consumer` was given under it waits for its receipt: that may be asked for
/// once more, and has its places. None otherwise.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn places(node: &Node, agreement: &AgreementEntry, consumer: &Did) -> Result<Vec<Reservation>, StateError> {
    let waiting = node.state.scan::<Outstanding>(&format!("{PREFIX}{}/", agreement.id))?;
    if !waiting.iter().any(|(_, waits)| waits.consumer == *consumer) {
        return Ok(Vec::new());
    }
    let document = herleid_policies::Document::read(&agreement.agreement);
    let policy = document.policy().ok();
    let counters = policy.map(herleid_policies::Policy::counters);
    let paid = policy.and_then(crate::payments::place);
    // Which transaction it is, and how much of it, is found out at the data; one use is what it has at least.
    let place = |counter| Reservation {
        rule: String::new(),
        counter,
        amount: 1,
        at_most: 0,
    };
    let counted = counters.unwrap_or_default().into_iter().map(place);
    Ok(counted.chain(paid).collect())
}

/// Lets `transaction` wait no longer, in the commit of `draft`, which also has to give its place back.
pub(super) fn forget(draft: Draft, agreement: &str, transaction: &str) -> Draft {
    draft
        .put(key(agreement, transaction), None)
        .put(overdue_key(agreement, transaction), None)
}

/// What the consumer is told when `error` says that too much is outstanding: it must not be able to deny all of it.
pub(super) fn refusal(node: &Node, agreement: &str, error: &AppendError) -> Option<Refusal> {
    match error {
        AppendError::Exhausted { key, used, at_most, .. } if *key == counter(agreement) => {
            Some(Refusal::denied(&format!(
                "{used} pulls and runs under agreement `{agreement}` wait for your receipts, at most {at_most} may: send them to `{}/receipts`",
                node.public_url
            )))
        }
        _ => None,
    }
}
