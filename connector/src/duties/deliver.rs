//! Brings statements to the other end, until it has recorded them and says so with a record of its own.

use super::stated::{self, Stated};
use crate::commands::Failure;
use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, Side};
use futures_util::{StreamExt as _, stream};
use herleid_ledger::At;
use herleid_ledger::handover::HandedOver;
use herleid_ledger::section::SectionName;
use serde_json::{Value, json};

/// What is opened of a record that states something.
pub(super) const OPENED: [SectionName; 2] = [SectionName::Envelope, SectionName::Facts];
/// Statements that are brought at a time.
const AT_ONCE: usize = 16;
/// Between two attempts: a minute, doubled each time up to six hours.
const FIRST_MS: u64 = 60_000;
const LONGEST_MS: u64 = 6 * 3_600_000;

/// Brings what was stated and not taken, if it is time to try again.
///
/// # Errors
/// When the log or the state cannot be read or written.
pub(super) async fn all(node: &Node) -> Result<(), Failure> {
    let now_ms = node.now_ms();
    let all = node.state.scan::<Stated>(&Stated::prefix(Side::Consumer))?.into_iter();
    // No pause is longer than the longest: a later instant was written by a clock that was ahead.
    let waits = |stated: &Stated| stated.from_ms > now_ms && stated.from_ms - now_ms <= LONGEST_MS;
    let due = all.filter(|(_, stated)| stated.received_ms.is_none() && !stated.erased && !waits(stated));
    let attempts = due.map(|(_, stated)| attempt(node, stated));
    // One who does not answer keeps nobody else waiting.
    let done: Vec<Result<(), Failure>> = stream::iter(attempts).buffer_unordered(AT_ONCE).collect().await;
    done.into_iter().collect()
}

/// Brings what was stated of one obligation.
///
/// # Errors
/// As [`all`].
pub(super) async fn to(node: &Node, entry: &AgreementEntry, obligation: &str) -> Result<(), Failure> {
    match Stated::find(node, entry, obligation)? {
        Some(stated) if stated.received_ms.is_none() && !stated.erased => attempt(node, stated).await,
        _ => Ok(()),
    }
}

/// Brings it, and notes what came of it, unless somebody else has brought it meanwhile.
async fn attempt(node: &Node, mut stated: Stated) -> Result<(), Failure> {
    let key = AgreementEntry::key(&stated.agreement, Side::Consumer);
    let Some(entry) = node.state.get::<AgreementEntry>(&key)? else {
        return Ok(());
    };
    let brought = bring(node, &entry, &stated).await;
    // What is erased meanwhile must not be written once more.
    let _turn = node.erasing.lock().await;
    let now = Stated::find(node, &entry, &stated.obligation)?;
    if now.is_none_or(|now| now.stated_ms != stated.stated_ms || now.received_ms.is_some() || now.erased) {
        return Ok(());
    }
    match brought {
        Ok(receipt) => {
            stated.received_ms = Some(receipt.received_ms);
            stated.late = receipt.late;
            stated.undelivered = None;
            let draft = stated.receipted(node, &receipt.leaf, receipt.bytes)?;
            node.append(draft).await.map_err(Failure::failed)?;
        }
        Err(why) => {
            tracing::warn!(agreement = %stated.agreement, other = %stated.other, %why, "a statement was not taken; it is brought again");
            let pause = FIRST_MS.saturating_mul(1 << stated.failures.min(16)).min(LONGEST_MS);
            stated.failures = stated.failures.saturating_add(1);
            stated.from_ms = node.now_ms().saturating_add(pause);
            stated.undelivered = Some(why.chars().take(400).collect());
            node.state.write(vec![stated.change()?])?;
        }
    }
    Ok(())
}

/// The other end's record of our statement.
struct Receipt {
    received_ms: u64,
    late: bool,
    leaf: String,
    bytes: Vec<u8>,
}

async fn bring(node: &Node, entry: &AgreementEntry, stated: &Stated) -> Result<Receipt, String> {
    let log = entry.other_log.as_ref().ok_or("the other end keeps no log")?;
    let last = stated::last(node, entry, &stated.obligation).map_err(|e| e.to_string())?;
    let last = last.ok_or("the record of the statement was erased")?;
    if stated.action == super::DELETE && last.delivered_since {
        return Err("something was had under the agreement after it; state it anew".to_owned());
    }
    let record = node
        .ledger
        .hand_over(last.index, &OPENED, None, At::Latest)
        .map_err(|e| e.to_string())?;
    let (leaf, record) = (leaf_of(node, &record)?, record.to_value().map_err(|e| e.to_string())?);
    let host = log
        .origin
        .rsplit_once("/log/")
        .map_or(log.origin.as_str(), |(host, _)| host);
    let url = format!("{}://{host}/duties", node.scheme);
    let headers = node
        .message_headers(&entry.other, None, &fresh_trace(node))
        .map_err(|e| e.to_string())?;
    let body = json!({"agreement": stated.agreement, "obligation": stated.obligation, "record": record}).to_string();
    let answer = node.client.post_json(&url, headers, body.into()).await;
    let answer = answer
        .and_then(|response| response.success()?.json())
        .map_err(|e| e.to_string())?;
    let handed = answer.get("record").cloned().ok_or("the answer has no `record`")?;
    let handed = HandedOver::from_value(handed).map_err(|e| e.to_string())?;
    let record = node.peers.accept(log, &handed).await.map_err(|e| e.to_string())?;
    let of = |section, member: &str| record.section(section).and_then(|value| value.get(member)).cloned();
    let text = |section, member| match of(section, member) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let facts = record.section(SectionName::Facts).cloned().unwrap_or_default();
    let said = stated::said(&text(SectionName::Envelope, "kind"), &facts).unwrap_or_default();
    let is = |member: &str, expected: &str| said.get(member).and_then(Value::as_str) == Some(expected);
    let is_of_this = is("agreement", &stated.agreement)
        && is("obligation", &stated.obligation)
        && is("by", node.did.as_str())
        && is("leaf", &leaf)
        && text(SectionName::Envelope, "party") == entry.other.as_str();
    let (received_ms, late) = (of(SectionName::Envelope, "recordedAt"), said.get("late"));
    match (received_ms.and_then(|at| at.as_u64()), late.and_then(Value::as_bool)) {
        (Some(received_ms), Some(late)) if is_of_this => Ok(Receipt {
            received_ms,
            late,
            leaf: hex::encode(record.leaf()),
            bytes: handed.to_bytes().map_err(|e| e.to_string())?,
        }),
        _ => Err("the record in the answer is not of this statement".to_owned()),
    }
}

/// The leaf hash of a record of ours that is handed over, in hex.
fn leaf_of(node: &Node, record: &HandedOver) -> Result<String, String> {
    let verified = record.verify(node.ledger.verifier()).map_err(|e| e.to_string())?;
    Ok(hex::encode(verified.leaf()))
}
