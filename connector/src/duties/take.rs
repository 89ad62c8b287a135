//! Taking the other end's statement: a record of its log, checked against everything that log said before, and recorded here.

use super::deliver::OPENED;
use super::stated::{self, LONGEST, MOST_NAMED, Stated};
use super::{DELETE, DutyStanding};
use crate::http::Refusal;
use crate::node::Node;
use crate::state::{AgreementEntry, LogIdentity, Side};
use axum::http::StatusCode;
use herleid_ledger::handover::{HandedOver, VerifiedRecord};
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{At, LedgerError};
use herleid_policies::EnforcedBy;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

fn internal(error: impl Display) -> Refusal {
    Refusal::internal(&error)
}

fn conflict(why: &str) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, "conflict", &why)
}

/// Takes what `caller` states of an obligation under an agreement, and gives our record of it. What was taken before is taken once.
///
/// # Errors
/// When there is no such agreement with it or no such obligation of it, when the record is not believed or states something else, when it
/// was stated before, and when it does not name all that it had.
pub(crate) async fn take(
    node: &Arc<Node>,
    caller: &Did,
    agreement: &str,
    obligation: &str,
    handed: &HandedOver,
) -> Result<HandedOver, Refusal> {
    let key = AgreementEntry::key(agreement, Side::Provider);
    let entry: Option<AgreementEntry> = node.state.get(&key).map_err(internal)?;
    // An agreement of others is not told from one that is not there.
    let entry = entry
        .filter(|entry| entry.other == *caller)
        .ok_or_else(|| Refusal::not_found(&"there is no such agreement in which you are the consumer"))?;
    let Some(log) = entry.other_log.clone() else {
        let why =
            "you keep no log under this agreement, and a statement is a record of a log; tell the other party yourself";
        return Err(Refusal::malformed(&why));
    };
    let lines = super::of(node, &entry).map_err(internal)?;
    let line = lines.into_iter().find(|line| line.obligation == obligation);
    let line = line.ok_or_else(|| Refusal::not_found(&"there is no such obligation under that agreement"))?;
    // First what the network has a part in.
    let record = believed(node, &log, handed).await?;
    let said = statement(&record, &entry, &line.obligation, &line.action)?;
    // One at a time, and not while something is erased here; who is told to come back does so.
    let Ok(_turn) = node.erasing.try_lock() else {
        let text = "something is being recorded or erased here at this moment; say it again in a minute";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &text));
    };
    let leaf = hex::encode(record.leaf());
    let before = Stated::find(node, &entry, obligation).map_err(internal)?;
    if before.is_some_and(|before| before.leaf.as_ref() == Some(&leaf)) {
        return receipt(node, &entry, obligation);
    }
    // As it is by now.
    let lines = super::of(node, &entry).map_err(internal)?;
    if lines
        .iter()
        .any(|line| line.obligation == obligation && line.state == DutyStanding::Fulfilled)
    {
        return Err(conflict(
            "it was stated before, and nothing was given under the agreement since",
        ));
    }
    let is_deletion = line.action == DELETE;
    if is_deletion {
        let (node, entry, named) = (node.clone(), entry.clone(), said.transactions.clone());
        let unnamed = tokio::task::spawn_blocking(move || unnamed(&node, &entry, &named));
        if let Some(missing) = unnamed.await.map_err(internal)?.map_err(internal)? {
            return Err(conflict(&format!(
                "you gave a receipt for transaction `{missing}` under this agreement, and the statement does not name it"
            )));
        }
    }
    let now_ms = node.now_ms();
    let stated = Stated {
        agreement: entry.id.clone(),
        side: Side::Provider,
        other: entry.other.clone(),
        obligation: line.obligation,
        action: line.action,
        statement: said.text,
        stated_ms: said.stated_ms,
        received_ms: Some(now_ms),
        // By our own clock: nobody else's says what came in time here. When it was stated stands beside it.
        late: line.due_ms.is_some_and(|due_ms| now_ms >= due_ms),
        enforced_by: match is_deletion {
            true => EnforcedBy::ConsumerConnector,
            false => EnforcedBy::Declared,
        },
        transactions: said.transactions.len() as u64,
        removed: said.removed,
        kept: said.kept,
        leaf: Some(leaf),
        failures: 0,
        from_ms: 0,
        undelivered: None,
    };
    let draft = stated.draft(node, caller, &said.transactions).map_err(internal)?;
    let draft = draft.evidence(stated::document("statement", handed.to_bytes().map_err(internal)?));
    node.append(draft).await.map_err(internal)?;
    receipt(node, &entry, obligation)
}

/// Our own record of what was last stated of it.
fn receipt(node: &Node, entry: &AgreementEntry, obligation: &str) -> Result<HandedOver, Refusal> {
    let last = stated::last(node, entry, obligation).map_err(internal)?;
    let last = last.ok_or_else(|| conflict("it was taken before, and our record of it was erased since"))?;
    node.ledger
        .hand_over(last.index, &OPENED, None, At::Latest)
        .map_err(internal)
}

async fn believed(node: &Node, log: &LogIdentity, handed: &HandedOver) -> Result<VerifiedRecord, Refusal> {
    node.peers.accept(log, handed).await.map_err(|error| match &error {
        crate::peers::ReceiptError::State(why) => internal(why),
        passing if passing.is_passing() => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", passing),
        other => Refusal::malformed(other),
    })
}

/// What a record states.
struct Said {
    text: String,
    stated_ms: u64,
    transactions: Vec<String>,
    removed: u64,
    kept: u64,
}

/// Reads it: of whose log it is, by whom it is said, of which obligation, and what.
fn statement(record: &VerifiedRecord, entry: &AgreementEntry, obligation: &str, action: &str) -> Result<Said, Refusal> {
    let malformed = |why: &str| Refusal::malformed(&why);
    let envelope = record.section(SectionName::Envelope);
    let envelope = envelope.ok_or_else(|| malformed("the record's `envelope` is not opened"))?;
    let facts = record.section(SectionName::Facts);
    let facts = facts.ok_or_else(|| malformed("the record's `facts` are not opened"))?;
    let of = |member: &str| envelope.get(member).and_then(Value::as_str).unwrap_or_default();
    let expected = if action == DELETE {
        Kind::DeletionStated
    } else {
        Kind::TrustChanged
    };
    let said = stated::said(of("kind"), facts).filter(|_| of("kind") == expected.as_str());
    let said = said.ok_or_else(|| {
        malformed(&format!(
            "the record does not state that an obligation to `{action}` was met"
        ))
    })?;
    let text = |member: &str| said.get(member).and_then(Value::as_str).unwrap_or_default();
    let other = entry.other.as_str();
    if of("party") != other || text("by") != other {
        return Err(malformed("the record is not a statement of yours"));
    }
    let is_of_this = text("agreement") == entry.id
        && text("obligation") == obligation
        && text("side") == Side::Consumer.as_str()
        && text("action") == format!("{}{action}", herleid_vocab::terms::ODRL);
    if !is_of_this {
        return Err(malformed(
            "the record states something of another agreement or obligation",
        ));
    }
    let statement = text("statement");
    if statement.is_empty() || statement.chars().count() > LONGEST {
        return Err(malformed(&format!(
            "the statement is empty, or longer than {LONGEST} characters"
        )));
    }
    let number = |member: &str| said.get(member).and_then(Value::as_u64).unwrap_or_default();
    let listed = said
        .get("transactions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let transactions: Vec<String> = listed.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if transactions.len() != listed.len() || transactions.len() > MOST_NAMED {
        return Err(malformed(&format!(
            "`transactions` is not a list of at most {MOST_NAMED} texts"
        )));
    }
    Ok(Said {
        text: statement.to_owned(),
        stated_ms: envelope.get("recordedAt").and_then(Value::as_u64).unwrap_or_default(),
        transactions,
        removed: number("removed"),
        kept: number("kept"),
    })
}

/// A transaction that the other end gave a receipt for, so that it had it, and does not name.
fn unnamed(node: &Node, entry: &AgreementEntry, named: &[String]) -> Result<Option<String>, LedgerError> {
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    for index in node.ledger.by_term(&Term::Agreement(entry.id.clone()))? {
        let record = node.ledger.record(index)?;
        if record.kind() != Some(Kind::PullAcknowledged) {
            continue;
        }
        let facts = record.value(SectionName::Facts).unwrap_or_default();
        let all = facts
            .get("transactions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let missing = all
            .filter_map(Value::as_str)
            .find(|transaction| !named.contains(transaction));
        if let Some(missing) = missing {
            return Ok(Some(missing.to_owned()));
        }
    }
    Ok(None)
}
