//! Taking the other end's statement: a record of its log, checked against everything that log said before, and recorded here.

use super::deliver::OPENED;
use super::proved::uncovered;
use super::stated::{self, LONGEST, MOST_NAMED, Stated};
use super::{DELETE, DutyStanding};
use crate::http::Refusal;
use crate::node::Node;
use crate::state::{AgreementEntry, LogIdentity, Side};
use axum::http::StatusCode;
use herleid_ledger::At;
use herleid_ledger::handover::{HandedOver, VerifiedRecord};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use herleid_policies::EnforcedBy;
use herleid_vocab::did::Did;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
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
    // Nothing is read of what was recorded before the statement is believed.
    let action = super::action(&entry, caller, obligation);
    let action = action.ok_or_else(|| Refusal::not_found(&"there is no such obligation under that agreement"))?;
    // First what the network has a part in.
    let record = believed(node, &log, handed).await?;
    let said = statement(&record, &entry, obligation, &action)?;
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
    let looking = (node.clone(), entry.clone(), obligation.to_owned());
    let line = tokio::task::spawn_blocking(move || super::one(&looking.0, &looking.1, &looking.2));
    let line = line.await.map_err(internal)?.map_err(internal)?;
    let line = line.ok_or_else(|| Refusal::not_found(&"there is no such obligation under that agreement"))?;
    if line.state == DutyStanding::Fulfilled {
        return Err(conflict(
            "it was stated before, and nothing was given under the agreement since",
        ));
    }
    let is_deletion = line.action == DELETE;
    // What is given from here on comes after it.
    let until = node.ledger.size();
    if is_deletion {
        let (node, entry, origin) = (node.clone(), entry.clone(), log.origin.clone());
        let (named, covers) = (said.transactions.clone(), said.until);
        let looking = tokio::task::spawn_blocking(move || uncovered(&node, &entry, &named, &origin, covers));
        if let Some(why) = looking.await.map_err(internal)?.map_err(internal)? {
            return Err(conflict(&why));
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
        until,
        leaf: Some(leaf.clone()),
        failures: 0,
        from_ms: 0,
        undelivered: None,
        erased: false,
    };
    let draft = stated
        .draft(node, caller, &said.transactions, &said.stayed)
        .map_err(internal)?;
    let draft = draft.evidence(stated::document("statement", handed.to_bytes().map_err(internal)?));
    let once = format!("duty-taken/{caller}/{leaf}");
    let draft = draft.once(once, Sha256::digest(leaf).into());
    if node.append(draft).await.map_err(internal)?.replayed() {
        return Err(conflict(
            "this statement was taken before, and something was given after it; delete that too, and state it anew",
        ));
    }
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
    stayed: Vec<String>,
    /// What the other end recorded from here on is not covered.
    until: u64,
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
    let list = |member: &str| {
        let listed = said.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
        let texts: Vec<String> = listed.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let is_whole = texts.len() == listed.len() && texts.len() <= MOST_NAMED;
        is_whole
            .then_some(texts)
            .ok_or_else(|| malformed(&format!("`{member}` is not a list of at most {MOST_NAMED} texts")))
    };
    let (transactions, stayed) = (list("transactions")?, list("keptTransactions")?);
    // What stayed is said by name: a number alone would pass for a deletion.
    if (number("kept") > 0) == stayed.is_empty() || stayed.iter().any(|one| !transactions.contains(one)) {
        return Err(malformed(
            "`keptTransactions` does not name, out of `transactions`, what `kept` counts",
        ));
    }
    let until = match action {
        DELETE => said.get("until").and_then(Value::as_u64),
        _ => Some(record.index()),
    };
    let until = until.filter(|until| *until <= record.index());
    let until = until.ok_or_else(|| {
        malformed("`until` does not say up to which record of your log everything was deleted: a number not after the statement's own")
    })?;
    Ok(Said {
        text: statement.to_owned(),
        stated_ms: envelope.get("recordedAt").and_then(Value::as_u64).unwrap_or_default(),
        transactions,
        removed: number("removed"),
        kept: number("kept"),
        stayed,
        until,
    })
}
