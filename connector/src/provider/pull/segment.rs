//! A pull whose digests are not known when it begins: a further segment of a transaction, a part of a version, the answer of an
//! API. Its `pull-opened` has no exchange; `pull-served`, durable before the last piece leaves, has it.

use super::abort::Given;
use super::again::Permitted;
use super::holding::{Holding, Taking};
use super::opened::Going;
use super::plan::Plan;
use super::{Opened, agreement_of, begin, check_published, deny, given_to};
use crate::deciding;
use crate::http::Refusal;
use crate::identity::shown_for;
use crate::node::Node;
use crate::provider::access::Access;
use crate::provider::giving::Settling;
use crate::provider::outstanding;
use axum::http::StatusCode;
use herleid_ledger::Recorded;
use herleid_ledger::record::{Draft, Kind};
use herleid_ledger::section::SectionName;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Segments of one transaction: as many receipts of it have to fit into one message.
pub const MOST_SEGMENTS: u64 = 32;

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
    let turn = attempt.turn().await;
    let held = Holding::of(node, access, plan)?;
    // No receipt comes between this and the record: of a segment after it none would be awaited.
    let (segment, settling) = next(node, access, plan, held.last)?;
    let is_first = held.last == 0;
    let shown = shown_for(node, grant);
    let (whole, bytes) = (plan.known().map(|known| known.bytes), plan.bytes());
    let asker = access.asker().showing(&shown).delivering(held.delivering(whole, bytes));
    let decided_ms = node.now_ms();
    let decided = deciding::under_agreement_again(node, &agreement, action, &asker, &held.places());
    let decided = decided.map_err(|e| Refusal::internal(&e))?;
    let other = given_to(&grant.consumer, agreement);
    if !decided.is_permit() {
        deny(node, &other, access, &decided, trace).await?;
        return Err(Refusal::denied(&decided.refusal(&grant.consumer)));
    }
    let taking = Taking::new(held, access, segment, &decided, bytes);
    let permitted = Permitted {
        access,
        plan,
        agreement: &other,
        decided: &decided,
        segment,
        taking: &taking,
        trace,
    };
    let (recorded, again) = record(node, &permitted, version, is_first).await?;
    drop((settling, turn));
    let (from, to) = plan.range();
    Ok(Opened {
        given: Given {
            recorded,
            again,
            agreement: other,
            transaction: access.transaction().to_owned(),
            segment,
            bytes: taking.bytes,
            held: taking.after,
            attempt,
            // Who keeps no log gets no parts.
            one_sided: false,
        },
        receipt: None,
        digests: None,
        media_type: std::sync::Mutex::new(grant.media_type.clone().unwrap_or_default()),
        subject: (grant.subject.clone(), version.to_owned()),
        going: Going::new(decided_ms, from, to),
    })
}

/// The number of the segment that is asked for: one that is there already, or the next; and of that what keeps receipts away until it is
/// recorded.
fn next(node: &Node, access: &Access, plan: &Plan, last: u64) -> Result<(u64, Option<Settling>), Refusal> {
    let conflict = |code: &'static str, why: String| Err(Refusal::new(StatusCode::CONFLICT, code, &why));
    let transaction = access.transaction();
    // The answer of a moment: what came later would be another one, under a record that does not speak of it.
    if plan.known().is_none() {
        return match last {
            0 => Ok((1, None)),
            _ => conflict(
                "given-once",
                format!(
                    "transaction {transaction} had its answer, or a part of it: the answers of this dataset are not kept, and not given \
                     again; ask in a transaction of its own, which counts as another use"
                ),
            ),
        };
    }
    let segment = plan.segment.unwrap_or(last + 1);
    if segment <= last {
        return Ok((segment, None));
    }
    if segment != last + 1 {
        return Err(Refusal::malformed(&format!(
            "segment {segment} of transaction {transaction} cannot come next: {last} came before"
        )));
    }
    if segment > MOST_SEGMENTS {
        return conflict(
            "transaction-ended",
            format!("transaction {transaction} has {MOST_SEGMENTS} segments already, and gets no more; use a new one"),
        );
    }
    if last == 0 {
        return Ok((segment, None));
    }
    let place = outstanding::key(&access.grant().agreement, transaction);
    let settling = node.giving.settle(&place);
    let waits = node.ledger.get(&place).map_err(|e| Refusal::internal(&e))?.is_some();
    if waits && settling.is_some() {
        return Ok((segment, settling));
    }
    conflict(
        "transaction-ended",
        format!("transaction {transaction} is complete: its receipt has come; use a new one"),
    )
}

async fn record(
    node: &Node,
    permitted: &Permitted<'_>,
    version: &str,
    is_first: bool,
) -> Result<(Recorded, Option<Recorded>), Refusal> {
    let (access, plan, segment) = (permitted.access, permitted.plan, permitted.segment);
    let (grant, transaction) = (access.grant(), access.transaction());
    let (from, to) = plan.range();
    // What makes two requests one.
    let what = json!([
        grant.agreement,
        grant.consumer.as_str(),
        grant.subject,
        version,
        plan.resource(),
        from,
        to
    ]);
    let draft = Draft::new(Kind::PullOpened, permitted.trace).section(SectionName::Facts, permitted.facts());
    let mut draft = permitted.shown(draft).once(
        format!("pull/{}/{transaction}/{segment}", grant.consumer),
        Sha256::digest(what.to_string()).into(),
    );
    // A further segment waits for the same receipt.
    if is_first {
        let id = &permitted.agreement.id;
        let waits = outstanding::wait(node, draft, id, transaction, &grant.consumer);
        draft = outstanding::reserve(node, waits.map_err(|e| Refusal::internal(&e))?, id);
    }
    permitted.append(node, draft).await
}
