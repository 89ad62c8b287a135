//! What is kept of a pull that broke off: which transaction it is, and what is known of it. The bytes lie in the payload store, under
//! the transaction. The same pull asked for again goes on from there, also after a restart; it counts once.

use super::Source;
use crate::commands::Failure;
use crate::control::error::Code;
use crate::node::Node;
use crate::state::{Declares, set};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// What all keys begin with.
const PREFIX: &str = "partial-pull/";
/// How long something is kept: a week.
const KEPT_MS: u64 = 7 * 24 * 3_600_000;
/// What is shorter is not worth a write before its first byte: it comes anew as quickly.
pub(super) const WORTH_KEEPING_BYTES: u64 = 1 << 20;

/// A pull that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// Its transaction.
    pub(super) transaction: String,
    /// Entity tag of the version.
    pub(super) etag: String,
    /// Length of the version.
    pub(super) bytes: u64,
    /// Its media type.
    pub(super) media_type: String,
    /// When it began, Unix milliseconds.
    pub(super) since_ms: u64,
}

/// Transactions that somebody is pulling at this moment. One process serves one connector.
static IN_HAND: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// As long as it is there, nobody else goes on with the same pull.
pub(super) struct InHand(String);

impl InHand {
    /// Takes the transaction in hand; `None` while somebody else has it.
    pub(super) fn take(transaction: &str) -> Option<Self> {
        let mut all = IN_HAND.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        all.insert(transaction.to_owned()).then(|| Self(transaction.to_owned()))
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(all) = IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            all.remove(&self.0);
        }
    }
}

/// The key for what is pulled under an agreement, for what is declared.
pub(super) fn key(agreement: &str, declares: &Declares) -> String {
    format!("{PREFIX}{agreement}/{}", declares.key())
}

/// What is kept there.
pub(super) fn find(node: &Node, key: &str) -> Result<Option<Kept>, Failure> {
    Ok(node.state.get(key)?)
}

/// Remembers that a pull has begun, before its first byte is written.
pub(super) async fn remember(node: &Node, source: &Source, kept: &Kept) -> Result<(), Failure> {
    if let Some(key) = &source.kept {
        node.ledger.put_state(vec![set(key.clone(), kept)?]).await?;
    }
    Ok(())
}

/// Forgets it.
pub(super) async fn forget(node: &Node, source: &Source) -> Result<(), Failure> {
    if let Some(key) = &source.kept {
        node.ledger.put_state(vec![(key.clone(), None)]).await?;
    }
    Ok(())
}

/// The transactions of pulls under an agreement that began and have not come to their end.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn unfinished(node: &Node, agreement: &str) -> Result<Vec<String>, Failure> {
    let all = node.state.scan::<Kept>(&format!("{PREFIX}{agreement}/"))?.into_iter();
    Ok(all.map(|(_, kept)| kept.transaction).collect())
}

/// Removes what came of them, so that nobody goes on with them, and gives their transactions.
///
/// # Errors
/// When somebody is pulling one of them at this moment; nothing is removed then. When the state or a file cannot be removed.
pub(crate) fn give_up(node: &Node, agreement: &str) -> Result<Vec<String>, Failure> {
    let (mut taken, mut changes, mut given_up) = (Vec::new(), Vec::new(), Vec::new());
    for (key, kept) in node.state.scan::<Kept>(&format!("{PREFIX}{agreement}/"))? {
        let in_hand = InHand::take(&kept.transaction).ok_or_else(|| {
            let why = format!(
                "transaction {} under this agreement is being pulled at this moment",
                kept.transaction
            );
            Failure::new(Code::Busy, why).next("state it again once that has ended")
        })?;
        taken.push(in_hand);
        changes.push((key, None));
        given_up.push(kept.transaction);
    }
    if !given_up.is_empty() {
        // First the bytes: a key without them costs nothing, bytes without a key nobody finds.
        node.payloads
            .sweep(|transaction| !given_up.iter().any(|one| one == transaction))?;
        node.state.write(changes)?;
    }
    Ok(given_up)
}

/// At a start: removes what nobody will go on with.
///
/// # Errors
/// When state or files cannot be read, or not be removed.
pub(crate) fn sweep(node: &Node) -> Result<(), Failure> {
    let now = node.now_ms();
    let (mut goes_on, mut old) = (HashSet::new(), Vec::new());
    for (key, kept) in node.state.scan::<Kept>(PREFIX)? {
        if kept.since_ms.saturating_add(KEPT_MS) < now {
            old.push((key, None));
        } else {
            goes_on.insert(kept.transaction);
        }
    }
    if !old.is_empty() {
        node.state.write(old)?;
    }
    Ok(node.payloads.sweep(|transaction| goes_on.contains(transaction))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_goes_on_with_a_pull() {
        let held = InHand::take("t").unwrap();
        assert!(InHand::take("t").is_none());
        assert!(InHand::take("u").is_some());
        drop(held);
        assert!(InHand::take("t").is_some());
    }
}
