//! Receipts that we owe: remembered in the commit that records what was received, and sent until the provider has taken them.
//!
//! A provider counts what it gave without having a receipt for it, and gives nothing more under an agreement when that is too
//! much: a receipt that got lost on the way and was forgotten would take one of these places for good.

mod sending;
#[cfg(test)]
mod tests;

use crate::commands::Failure;
use crate::node::Node;
use crate::state::{Change, StateError, set};
use futures_util::future::join_all;
use herleid_vocab::did::Did;
use sending::{Answer, send};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is owed lies under `receipt-due/<provider>/<agreement>/<transaction>`. The provider comes first, since the other two may
/// be chosen by others: nobody can choose the key of what is owed to somebody else.
const OWED: &str = "receipt-due/";
/// How long a provider is left alone that did not take receipts lies under `receipt-pause/<provider>`.
const PAUSES: &str = "receipt-pause/";

/// For how long nobody else sends a receipt that somebody is sending: as long as four messages may take (30 s each by default). One
/// that is sent twice all the same is taken once.
const IN_HAND_MS: u64 = 4 * 30_000;
/// Receipts in one message. Each has less than 16 KiB with identifiers of the greatest length (1 KiB) and a proof of 64 hashes:
/// 800 KiB of the 1 MiB that a message may have.
const MOST_IN_ONE: usize = 50;
/// Messages to one provider at once, one after the other.
const MESSAGES_AT_ONCE: usize = 4;
/// Providers that are sent to at once in a round, each at the same time as the others.
const PROVIDERS_AT_ONCE: usize = 16;
/// How often a provider may refuse a receipt, sent alone, before it is given up: with the pauses of [`pause_ms`], two days.
const MOST_REFUSALS: u32 = 16;
/// The longest pause.
const LONGEST_MS: u64 = 6 * 3_600_000;

/// A receipt that is owed. What it says is read from the log anew whenever it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owed {
    /// To whom.
    provider: Did,
    /// Under which agreement it was given.
    agreement: String,
    /// In which transaction.
    transaction: String,
    /// Base URL of the provider's connector.
    base: String,
    /// When it may be sent by whoever finds it, Unix milliseconds.
    from_ms: u64,
    /// How often the provider has refused it. From the first time on it is sent alone: of a message, a provider takes all or none.
    refused: u32,
    /// How often of these it was sent alone, and refused for a reason that stays: only that counts towards giving it up.
    #[serde(default)]
    rejected: u32,
    /// How many receipts it is: of each segment one.
    #[serde(default = "one")]
    segments: usize,
}

const fn one() -> usize {
    1
}

/// A provider that did not take receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    /// How often, one pause after the other.
    failures: u32,
    /// Until when it is left alone in rounds, Unix milliseconds.
    until_ms: u64,
}

/// A minute, doubled each time up to six hours.
fn pause_ms(times: u32) -> u64 {
    const FIRST_MS: u64 = 60_000;
    FIRST_MS
        .saturating_mul(1 << times.saturating_sub(1).min(16))
        .min(LONGEST_MS)
}

/// Whether `until_ms` is over. No pause is longer than the longest: a later instant was written by a clock that was ahead.
fn is_over(until_ms: u64, now_ms: u64) -> bool {
    until_ms <= now_ms || until_ms - now_ms > LONGEST_MS
}

fn owed_to(provider: &Did) -> String {
    format!("{OWED}{provider}/")
}

fn pause_key(provider: &Did) -> String {
    format!("{PAUSES}{provider}")
}

impl Owed {
    fn key(&self) -> String {
        format!("{}{}/{}", owed_to(&self.provider), self.agreement, self.transaction)
    }

    /// The change after which it may be sent from `from_ms` on.
    fn sendable_from(mut self, from_ms: u64) -> Result<Change, StateError> {
        self.from_ms = from_ms;
        set(self.key(), &self)
    }
}

/// The change, for the commit that records what was received, by which its receipt is owed. Whoever records it calls [`deliver`].
///
/// # Errors
/// When the entry has no JSON form, which it has.
pub(super) fn owe(
    node: &Node,
    provider: &Did,
    agreement: &str,
    transaction: &str,
    base: &str,
    segments: usize,
) -> Result<Change, StateError> {
    let owed = Owed {
        provider: provider.clone(),
        agreement: agreement.to_owned(),
        transaction: transaction.to_owned(),
        base: base.to_owned(),
        from_ms: 0,
        refused: 0,
        rejected: 0,
        segments,
    };
    owed.sendable_from(node.now_ms().saturating_add(IN_HAND_MS))
}

/// Sends the receipt of a transaction that was just recorded, and along with it what else is owed to the same provider: it has just
/// answered, so it is there. A failure is not fatal: what was not taken stays owed.
pub(super) async fn deliver(node: &Node, provider: &Did, transaction: &str, trace: &str) {
    if let Err(error) = settle(node, provider, Some(transaction), trace).await {
        tracing::error!(%provider, %error, "receipts that are owed could not be sent");
    }
}

/// Sends what is owed and was not taken, to each provider whose pause is over.
///
/// # Errors
/// When our own state or log cannot be read or written. What else is owed is sent all the same; the error is the first of several.
pub(crate) async fn resend(node: &Node, trace: &str) -> Result<(), Failure> {
    let (now, mut failed) = (node.now_ms(), None);
    let mut providers = BTreeSet::new();
    for (key, bytes) in node.ledger.scan(OWED)? {
        match serde_json::from_slice::<Owed>(&bytes) {
            Ok(owed) if is_over(owed.from_ms, now) => {
                providers.insert(owed.provider);
            }
            Ok(_) => {}
            Err(e) => failed = failed.or(Some(Failure::failed(format!("`{key}` is not readable: {e}")))),
        }
    }
    let mut called = Vec::new();
    for provider in providers {
        match node.state.get::<Pause>(&pause_key(&provider)) {
            Ok(pause) if pause.as_ref().is_none_or(|p| is_over(p.until_ms, now)) => called.push(provider),
            Ok(_) => {}
            Err(e) => failed = failed.or(Some(e.into())),
        }
    }
    called.truncate(PROVIDERS_AT_ONCE);
    let mut settling = Vec::new();
    for provider in &called {
        settling.push(settle(node, provider, None, trace));
    }
    let failed = failed.or(join_all(settling).await.into_iter().find_map(Result::err));
    failed.map_or(Ok(()), Err)
}

/// Sends what is owed to one provider, `first` before all else. Without a `first`, also what it refused before.
async fn settle(node: &Node, provider: &Did, first: Option<&str>, trace: &str) -> Result<(), Failure> {
    let now = node.now_ms();
    let is_first = |owed: &Owed| first == Some(owed.transaction.as_str());
    let mut owed: Vec<Owed> = node
        .state
        .scan::<Owed>(&owed_to(provider))?
        .into_iter()
        .map(|(_, owed)| owed)
        .filter(|owed| is_first(owed) || (is_over(owed.from_ms, now) && (first.is_none() || owed.refused == 0)))
        .collect();
    owed.sort_by_key(|owed| (!is_first(owed), owed.refused));
    let messages = messages(owed);
    // Before anything is sent: whoever else looks for what is owed must not send the same.
    let others = messages.iter().flatten().filter(|owed| !is_first(owed)).cloned();
    let in_hand = others
        .map(|owed| owed.sendable_from(now.saturating_add(IN_HAND_MS)))
        .collect::<Result<Vec<_>, _>>()?;
    if !in_hand.is_empty() {
        node.ledger.put_state(in_hand).await?;
    }
    let mut messages = messages.into_iter();
    while let Some(message) = messages.next() {
        let answer = send(node, provider, &message, trace).await?;
        let is_there = !matches!(answer, Answer::Failed(_));
        let mut changes: Vec<Change> = match answer {
            Answer::Taken => message.iter().map(|owed| (owed.key(), None)).collect(),
            Answer::Refused { why, stays } => refused(message, &why, stays, now)?,
            Answer::Failed(why) => {
                tracing::warn!(%provider, %why, "receipts were not taken; they stay owed");
                let left = message.into_iter().chain(messages.by_ref().flatten());
                left.map(|owed| owed.sendable_from(now))
                    .collect::<Result<Vec<_>, _>>()?
            }
        };
        changes.extend(if is_there {
            Some((pause_key(provider), None))
        } else {
            longer_pause(node, provider, now)?
        });
        node.ledger.put_state(changes).await?;
    }
    Ok(())
}

/// What is sent in one message each: what is owed to one address under one agreement, in the order given. What does not find a place
/// in as many messages as may be sent stays owed.
fn messages(owed: Vec<Owed>) -> Vec<Vec<Owed>> {
    let mut messages: Vec<Vec<Owed>> = Vec::new();
    for owed in owed {
        let fits = |message: &Vec<Owed>| {
            let goes_with =
                |other: &Owed| other.refused == 0 && other.base == owed.base && other.agreement == owed.agreement;
            let receipts: usize = message.iter().map(|other| other.segments).sum();
            let has_room = receipts.saturating_add(owed.segments) <= MOST_IN_ONE;
            owed.refused == 0 && has_room && message.first().is_some_and(goes_with)
        };
        let has_room = messages.len() < MESSAGES_AT_ONCE;
        let place = messages.iter().position(fits);
        match place.and_then(|place| messages.get_mut(place)) {
            Some(message) => message.push(owed),
            None if has_room => messages.push(vec![owed]),
            None => {}
        }
    }
    messages
}

/// What becomes of receipts that the provider refused. It says so of the first that it does not believe, so each is sent alone next,
/// and those that it took no offence at find their way; the others are tried ever more rarely, and in the end, if it `stays` with its
/// refusal, no more.
fn refused(message: Vec<Owed>, why: &str, stays: bool, now: u64) -> Result<Vec<Change>, StateError> {
    let alone = message.len() == 1;
    let mut changes = Vec::new();
    for mut owed in message {
        owed.refused = owed.refused.saturating_add(1);
        owed.rejected = owed.rejected.saturating_add(u32::from(alone && stays));
        let (provider, transaction, times) = (&owed.provider, &owed.transaction, owed.refused);
        if owed.rejected >= MOST_REFUSALS {
            tracing::error!(%provider, %transaction, %why, "a receipt is given up: its provider goes on refusing it");
            changes.push((owed.key(), None));
            continue;
        }
        tracing::warn!(%provider, %transaction, times, %why, "a receipt was refused; it stays owed");
        let from_ms = if alone {
            now.saturating_add(pause_ms(times))
        } else {
            now
        };
        changes.push(owed.sendable_from(from_ms)?);
    }
    Ok(changes)
}

/// The change that leaves a provider alone for longer than before; none while it is left alone as it is.
fn longer_pause(node: &Node, provider: &Did, now: u64) -> Result<Option<Change>, StateError> {
    let before: Option<Pause> = node.state.get(&pause_key(provider))?;
    let failures = match before {
        Some(pause) if !is_over(pause.until_ms, now) => return Ok(None),
        Some(pause) => pause.failures.saturating_add(1),
        None => 1,
    };
    let pause = Pause {
        failures,
        until_ms: now.saturating_add(pause_ms(failures)),
    };
    set(pause_key(provider), &pause).map(Some)
}
