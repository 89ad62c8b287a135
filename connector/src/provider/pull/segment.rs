//! A pull whose digests are not known when it begins: a further segment of a transaction, a part of a version, the answer of an
//! API. Its `pull-opened` has no exchange; `pull-served`, durable before the last piece leaves, has it.

use super::opened::{Given, Going};
use super::plan::Plan;
use super::{Opened, again, agreement_of, begin, check_published, deny};
use crate::deciding::{self, Decided};
use crate::http::Refusal;
use crate::identity::shown_for;
use crate::node::Node;
use crate::provider::access::Access;
use crate::provider::giving::Attempt;
use crate::provider::{kind_of, outstanding, stream};
use crate::state::AgreementEntry;
use axum::http::StatusCode;
use herleid_ledger::handover::Exchange;
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, LedgerError, StoredRecord};
use herleid_policies::Reservation;
use herleid_vocab::did::Did;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Segments of one transaction: as many receipts of it have to fit into one message.
pub const MOST_SEGMENTS: u64 = 32;

/// What is recorded of a transaction already.
#[derive(Default)]
struct Before {
    /// The places that it has in counters.
    counters: Vec<Reservation>,
    /// The last of its segments; 0 when there is none.
    last: u64,
}

/// Decides the request anew, and records that it begins; no bytes of it are known yet.
///
/// # Errors
/// The refusal that the consumer is told; a denial is recorded first.
pub async fn open_part(node: &Node, access: &Access, plan: &Plan, trace: &str) -> Result<Opened, Refusal> {
    let grant = access.grant();
    let (agreement, action) = agreement_of(node, access)?;
    if let Some(why) = &agreement.terminated {
        return Err(Refusal::denied(&format!(
            "agreement `{}` has ended: {why}",
            agreement.id
        )));
    }
    crate::duties::check_repeated(node, &agreement, &grant.consumer, access.transaction())?;
    let version = grant
        .version
        .as_deref()
        .ok_or_else(|| Refusal::not_found(&"this access is not for data"))?;
    if grant.kind == crate::state::GrantPurpose::Pull {
        check_published(node, &grant.subject, version)?;
    }
    let attempt = begin(node, access)?;
    let before = before(node, access, version)?;
    let segment = next(node, access, plan, &before)?;
    // Of a part the whole is taken: what is asked for next under this transaction is free.
    let shown = shown_for(node, grant);
    let bytes = plan.known().map(|known| known.bytes);
    let asker = access.asker().showing(&shown).delivering(bytes);
    let decided = deciding::under_agreement_again(node, &agreement, action, &asker, &before.counters);
    let decided = decided.map_err(|e| Refusal::internal(&e))?;
    let other = AgreementEntry {
        other: grant.consumer.clone(),
        ..agreement
    };
    if !decided.is_permit() {
        deny(node, &other, access, &decided, trace).await?;
        return Err(Refusal::denied(&decided.refusal(&grant.consumer)));
    }
    record(node, access, plan, other, attempt, &decided, (segment, &before), trace).await
}

/// What is recorded of this consumer's transaction.
///
/// # Errors
/// 409 when it is about something else: what a transaction is about never changes.
fn before(node: &Node, access: &Access, version: &str) -> Result<Before, Refusal> {
    let internal = |e: LedgerError| Refusal::internal(&e);
    let grant = access.grant();
    let mut before = Before::default();
    let term = Term::Transaction(access.transaction().to_owned());
    for index in node.ledger.by_term(&term).map_err(internal)? {
        let stored = node.ledger.record(index).map_err(internal)?;
        let Some(told) = told(&stored).filter(|told| told.party == grant.consumer) else {
            continue;
        };
        let subject = json!({"dataset": grant.subject, "version": version});
        let same = told.agreement == grant.agreement && told.subject == subject;
        if !same {
            let text = format!(
                "transaction {} is of another agreement, dataset or version; use a new one",
                access.transaction()
            );
            return Err(Refusal::new(StatusCode::CONFLICT, "other-version", &text));
        }
        before.last = before.last.max(told.segment);
        if before.counters.is_empty() {
            before.counters = again::reserved(&stored);
        }
    }
    Ok(before)
}

/// What a record says of a pull that was opened.
struct Told {
    party: Did,
    agreement: String,
    subject: Value,
    segment: u64,
}

/// What is said of a pull that was opened; `None` of other records, and of those whose sections were erased.
fn told(stored: &StoredRecord) -> Option<Told> {
    if kind_of(stored) != Some(Kind::PullOpened) {
        return None;
    }
    if let Some(exchange) = stored.value(SectionName::Exchange) {
        let exchange = Exchange::from_value(exchange).ok()?;
        return Some(Told {
            subject: exchange.to_value().get("subject")?.clone(),
            party: exchange.consumer,
            agreement: exchange.agreement,
            segment: exchange.segment,
        });
    }
    let facts = stored.value(SectionName::Facts)?;
    Some(Told {
        party: facts.get("party")?.as_str()?.parse().ok()?,
        agreement: facts.get("agreement")?.as_str()?.to_owned(),
        subject: facts.get("subject")?.clone(),
        segment: facts.get("segment").and_then(Value::as_u64).unwrap_or(1),
    })
}

/// The number of the segment that is asked for: one that is there already, or the next.
fn next(node: &Node, access: &Access, plan: &Plan, before: &Before) -> Result<u64, Refusal> {
    let conflict = |why: String| Refusal::new(StatusCode::CONFLICT, "transaction-ended", &why);
    let transaction = access.transaction();
    let segment = plan.segment.unwrap_or(before.last + 1);
    if segment <= before.last {
        return Ok(segment);
    }
    if segment != before.last + 1 {
        return Err(Refusal::malformed(&format!(
            "segment {segment} of transaction {transaction} cannot come next: {} came before",
            before.last
        )));
    }
    if segment > MOST_SEGMENTS {
        return Err(conflict(format!(
            "transaction {transaction} has {MOST_SEGMENTS} segments already, and gets no more; use a new one"
        )));
    }
    let place = outstanding::key(&access.grant().agreement, transaction);
    let waits = node.ledger.get(&place).map_err(|e| Refusal::internal(&e))?.is_some();
    if before.last > 0 && !waits {
        return Err(conflict(format!(
            "transaction {transaction} is complete: its receipt has come; use a new one"
        )));
    }
    Ok(segment)
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is a different part of one record, and all come from checked sources"
)]
async fn record(
    node: &Node,
    access: &Access,
    plan: &Plan,
    agreement: AgreementEntry,
    attempt: Attempt,
    decided: &Decided,
    (segment, before): (u64, &Before),
    trace: &str,
) -> Result<Opened, Refusal> {
    let grant = access.grant();
    let (transaction, consumer) = (access.transaction(), &grant.consumer);
    let version = grant.version.clone().unwrap_or_default();
    let (from, to) = plan.range();
    let facts = json!({
        "transaction": transaction, "agreement": grant.agreement, "decision": decided.record(), "party": consumer.as_str(),
        "segment": segment, "range": [from, to], "subject": {"dataset": grant.subject, "version": version},
    });
    // What makes two requests one.
    let what = json!([
        grant.agreement,
        consumer.as_str(),
        grant.subject,
        version,
        plan.resource(),
        from,
        to
    ]);
    let mut draft = Draft::new(Kind::PullOpened, trace)
        .section(SectionName::Facts, facts)
        .stream(stream(&agreement))
        .once(
            format!("pull/{consumer}/{transaction}/{segment}"),
            Sha256::digest(what.to_string()).into(),
        )
        .term(Term::Transaction(transaction.to_owned()))
        .term(Term::Agreement(grant.agreement.clone()))
        .term(Term::Party(consumer.clone()));
    for document in access.evidence() {
        draft = draft.evidence(document);
    }
    draft = access.beside(draft);
    // A further segment has its place: it counts once, and waits for one receipt.
    if before.last == 0 {
        let waits = outstanding::wait(node, draft, &agreement.id, transaction, consumer);
        draft = outstanding::reserve(
            node,
            decided.reserve(waits.map_err(|e| Refusal::internal(&e))?),
            &agreement.id,
        );
    }
    let recorded = match node.append(draft).await {
        Ok(recorded) => recorded,
        Err(e @ AppendError::Conflict { .. }) => {
            return Err(Refusal::denied(&format!(
                "segment {segment} of transaction {transaction} was something else before: {e}"
            )));
        }
        Err(e @ AppendError::Exhausted { .. }) => {
            let waiting = outstanding::refusal(node, &agreement.id, &e);
            return Err(waiting.unwrap_or_else(|| Refusal::denied(&format!("the agreement's count is used up: {e}"))));
        }
        Err(e) => return Err(Refusal::internal(&e)),
    };
    Ok(Opened {
        given: Given {
            recorded,
            agreement,
            transaction: transaction.to_owned(),
            segment,
            counters: decided.decision.reservations().to_vec(),
            attempt,
            // Who keeps no log gets no parts.
            one_sided: false,
        },
        receipt: None,
        digests: None,
        media_type: std::sync::Mutex::new(grant.media_type.clone().unwrap_or_default()),
        subject: (grant.subject.clone(), version),
        going: Going::new(from, to),
    })
}
