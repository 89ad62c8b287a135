//! Recipients are told (AVG, article 19): what both ends hold of an exchange has been erased here, on which ground, and by when it is to be
//! gone. What has to be told is durable in the commit of the tombstones, and told until it is taken. Whoever is told records it.

use super::about::{About, ends};
use super::over::Of;
use crate::commands::Failure;
use crate::control::protocol::{ErasureLine, Recipient, ToldLine};
use crate::http::Refusal;
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, Change, Side, State, StateError, set};
use axum::http::StatusCode;
use futures_util::{StreamExt as _, stream};
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ground, StoredRecord, Target};
use herleid_vocab::did::Did;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What has to be told, by proposal and recipient.
const TELL: &str = "erasure-tell/";
/// What others told, by them, agreement and transaction.
const TOLD: &str = "erasure-told/";
/// Transactions in one message: as many as records in one erasure.
const MOST: usize = 1_024;
/// Records of one transaction that are looked at for the sake of a caller.
const MOST_LOOKED_AT: usize = 16;
/// Recipients that are told at a time.
const AT_ONCE: usize = 16;
/// Between two attempts: a minute, doubled each time up to six hours.
const FIRST_MS: u64 = 60_000;
const LONGEST_MS: u64 = 6 * 3_600_000;

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    /// Transactions by agreement.
    exchanges: BTreeMap<String, BTreeSet<String>>,
    ground: String,
    #[serde(rename = "completeBy")]
    complete_by_ms: u64,
}

/// Whom it is to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tell {
    to: Did,
    url: String,
    notice: Notice,
    told_ms: Option<u64>,
    failures: u32,
    from_ms: u64,
}

/// The changes, for the commit of the tombstones, by which the other ends are told. A peer without a log has nothing that takes it.
///
/// # Errors
/// When the log or the state cannot be read.
pub(super) fn tell(node: &Node, of: &Of, line: &ErasureLine, targets: &[Target]) -> Result<Vec<Change>, Failure> {
    let id = &line.id;
    let logs = node.other_logs()?;
    let mut all: BTreeMap<Did, Tell> = BTreeMap::new();
    for target in targets {
        let shared = [
            SectionName::Exchange,
            SectionName::Content,
            SectionName::Parameters,
            SectionName::Run,
        ];
        if !target.sections.iter().any(|name| shared.contains(name)) {
            continue;
        }
        // An input that is passed on travels under its holder's agreement, to somebody who is no party to that.
        let About {
            transaction: Some(transaction),
            agreement: Some(agreement),
            other: Some(other),
        } = About::read(of, &of.ledger.record(target.index)?)?
        else {
            continue;
        };
        let Some(log) = logs.values().find(|log| log.did == other) else {
            continue;
        };
        let host = log
            .origin
            .rsplit_once("/log/")
            .map_or(log.origin.as_str(), |(host, _)| host);
        let tell = all.entry(other.clone()).or_insert_with(|| Tell {
            to: other,
            url: format!("{}://{host}/erasures", node.scheme),
            notice: Notice {
                exchanges: BTreeMap::new(),
                ground: line.ground.clone(),
                complete_by_ms: line.complete_by_ms,
            },
            told_ms: None,
            failures: 0,
            from_ms: 0,
        });
        tell.notice.exchanges.entry(agreement).or_default().insert(transaction);
    }
    let changes = all
        .into_values()
        .map(|tell| set(format!("{TELL}{id}/{}", tell.to), &tell));
    Ok(changes.collect::<Result<_, _>>()?)
}

/// Agreement and transaction of what both ends hold.
fn exchanged(record: &StoredRecord) -> Option<(String, String)> {
    [SectionName::Exchange, SectionName::Run].into_iter().find_map(|name| {
        let section = record.value(name)?;
        let text = |member: &str| section.get(member).and_then(Value::as_str).map(str::to_owned);
        Some((text("agreement")?, text("transaction")?))
    })
}

/// Whether one of our records of this transaction is of an exchange with `caller` under this agreement. Where the exchange was erased, the
/// agreement's own records say, which are looked for once and only when they are needed.
fn is_with(
    node: &Node,
    transaction: &str,
    caller: &Did,
    agreement: &str,
    under: &mut Option<BTreeSet<u64>>,
) -> Result<bool, Failure> {
    let found = node.ledger.by_term(&Term::Transaction(transaction.to_owned()))?;
    // A transaction has a few records, and as many more as it has segments.
    for index in found.into_iter().take(MOST_LOOKED_AT) {
        let record = node.ledger.record(index)?;
        if let Some(ends) = record.value(SectionName::Exchange).as_ref().and_then(ends) {
            let same = exchanged(&record).is_some_and(|(of, _)| of == agreement);
            if same && ends.contains(caller) {
                return Ok(true);
            }
            continue;
        }
        if under.is_none() {
            let is_with = with_whom(&node.state, agreement, |other| other == caller)?.is_some();
            *under = Some(match is_with {
                true => node
                    .ledger
                    .by_term(&Term::Agreement(agreement.to_owned()))?
                    .into_iter()
                    .collect(),
                false => BTreeSet::new(),
            });
        }
        if under.as_ref().is_some_and(|under| under.contains(&index)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The agreement, on whichever side, if it is with somebody who `fits`.
fn with_whom(
    state: &State,
    agreement: &str,
    fits: impl Fn(&Did) -> bool,
) -> Result<Option<AgreementEntry>, StateError> {
    for side in [Side::Provider, Side::Consumer] {
        let entry = state.get::<AgreementEntry>(&AgreementEntry::key(agreement, side))?;
        if let Some(entry) = entry.filter(|entry| fits(&entry.other)) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// Who is told of a proposal, and when each was.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn recipients(node: &Node, id: &str) -> Result<Vec<Recipient>, StateError> {
    let all = node.state.scan::<Tell>(&format!("{TELL}{id}/"))?.into_iter();
    Ok(all
        .map(|(_, tell)| Recipient {
            did: tell.to.to_string(),
            told_ms: tell.told_ms,
        })
        .collect())
}

/// Tells whoever has not been told, if it is time to try again.
///
/// # Errors
/// When the state cannot be read or written.
pub(crate) async fn deliver(node: &Node) -> Result<(), StateError> {
    let now_ms = node.now_ms();
    let all = node.state.scan::<Tell>(TELL)?.into_iter();
    // No pause is longer than the longest: a later instant was written by a clock that was ahead.
    let waits = |tell: &Tell| tell.from_ms > now_ms && tell.from_ms - now_ms <= LONGEST_MS;
    let due = all.filter(|(_, tell)| tell.told_ms.is_none() && !waits(tell));
    let attempts = due.map(|(key, tell)| attempt(node, key, tell));
    // One who does not answer keeps nobody else waiting.
    let done: Vec<Result<(), StateError>> = stream::iter(attempts).buffer_unordered(AT_ONCE).collect().await;
    done.into_iter().collect()
}

/// Tells one of them, and notes what came of it.
async fn attempt(node: &Node, key: String, mut tell: Tell) -> Result<(), StateError> {
    match send(node, &tell).await {
        Ok(()) => tell.told_ms = Some(node.now_ms()),
        Err(why) => {
            tracing::warn!(recipient = %tell.to, %why, "a recipient of what was erased could not be told; it is tried again");
            let pause = FIRST_MS.saturating_mul(1 << tell.failures.min(16)).min(LONGEST_MS);
            tell.failures = tell.failures.saturating_add(1);
            tell.from_ms = node.now_ms().saturating_add(pause);
        }
    }
    node.state.write(vec![set(key, &tell)?])
}

async fn send(node: &Node, tell: &Tell) -> Result<(), String> {
    let headers = node.message_headers(&tell.to, None, &fresh_trace(node));
    let headers = headers.map_err(|e| e.to_string())?;
    let body = serde_json::to_vec(&tell.notice).map_err(|e| e.to_string())?;
    let answer = node.client.post_json(&tell.url, headers, body.into()).await;
    answer
        .and_then(|response| response.success())
        .map(|_| ())
        .map_err(|e| e.to_string())
}

/// Takes what the other end of agreements tells: recorded once for each transaction. Gives how many were new. What is not known here is passed
/// over: of a transfer that broke off, say, only the end that gave has a record.
///
/// # Errors
/// When nothing of it is between it and us.
pub(crate) async fn take(node: &Node, caller: &Did, notice: Notice) -> Result<usize, Refusal> {
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(&e.to_string());
    if let Err(error) = notice.ground.parse::<Ground>() {
        return Err(Refusal::malformed(&error));
    }
    let count: usize = notice.exchanges.values().map(BTreeSet::len).sum();
    if count == 0 || count > MOST {
        return Err(Refusal::malformed(&format!(
            "{count} transactions; expected 1 to {MOST}"
        )));
    }
    // One at a time: what is new is decided and written together. Nobody outside waits while something is erased here; who is told to come
    // back does so.
    let Ok(_turn) = node.erasing.try_lock() else {
        let text = "something is being erased here, or told, at this moment; say it again in a minute";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &text));
    };
    let (mut lines, mut changes, mut told_before) = (Vec::new(), Vec::new(), false);
    for (agreement, transactions) in &notice.exchanges {
        let mut under = None;
        for transaction in transactions {
            let key = format!("{TOLD}{caller}/{agreement}/{transaction}");
            // What was told before costs nothing more.
            if node.state.get::<ToldLine>(&key).map_err(|e| internal(&e))?.is_some() {
                told_before = true;
                continue;
            }
            let known = is_with(node, transaction, caller, agreement, &mut under);
            if !known.map_err(|e| internal(&e))? {
                continue;
            }
            let line = ToldLine {
                by: caller.to_string(),
                agreement: agreement.clone(),
                transaction: transaction.clone(),
                ground: notice.ground.clone(),
                complete_by_ms: notice.complete_by_ms,
                since_ms: node.now_ms(),
            };
            changes.push(set(key, &line).map_err(|e| internal(&e))?);
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return match told_before {
            true => Ok(0),
            false => Err(Refusal::not_found(
                &"there is no such transaction under that agreement with you",
            )),
        };
    }
    let facts = json!({"what": "erasure.told", "before": null, "after": lines, "by": caller.as_str()});
    let draft = Draft::new(Kind::TrustChanged, fresh_trace(node))
        .section(SectionName::Facts, facts)
        .term(Term::Party(caller.clone()));
    let draft = changes
        .into_iter()
        .fold(draft, |draft, (key, value)| draft.put(key, value));
    node.append(draft).await.map_err(|e| internal(&e))?;
    Ok(lines.len())
}

/// What others told, by whom.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn all(node: &Node) -> Result<Vec<ToldLine>, StateError> {
    Ok(node
        .state
        .scan::<ToldLine>(TOLD)?
        .into_iter()
        .map(|(_, line)| line)
        .collect())
}

#[cfg(test)]
mod tests;
