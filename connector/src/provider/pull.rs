//! A pull of ours: decided, recorded with its receipt, and only then served.

mod abort;
mod again;
mod ending;
mod holding;
mod opened;
mod plan;
mod range;
mod segment;

use abort::Given;
pub(crate) use abort::released_key;
pub(super) use abort::{Abort, abort_of_recorded};
use again::Permitted;
pub(super) use again::{recorded, reserved};
pub(crate) use ending::ended;
pub use ending::over;
pub(super) use ending::{PLACE_OF_ITS_OWN, untrusted};
pub(crate) use holding::forgotten;
pub(super) use holding::places;
pub use opened::{BrokeOff, Opened};
pub use plan::{Plan, plan, refused};
pub use range::etag;
pub use segment::{MOST_SEGMENTS, open_part};

use super::access::Access;
use super::giving::Attempt;
use super::{outstanding, stream};
use crate::deciding::{self, DISTRIBUTE, Decided, USE};
use crate::http::Refusal;
use crate::identity::shown_for;
use crate::node::Node;
use crate::state::{AgreementEntry, Digests, GrantEntry, GrantPurpose, ModelEntry, Side, VersionEntry, digest_bytes};
use axum::http::StatusCode;
use herleid_ledger::Recorded;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Phase, Subject};
use herleid_ledger::record::{Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use holding::{Holding, Taking};
use opened::Going;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// What a receipt opens (docs/log-format.md, section 7).
const RECEIPT: [SectionName; 3] = [
    SectionName::Exchange,
    SectionName::Content,
    SectionName::StreamAgreement,
];

/// Decides the request anew, records it durably and makes the receipt.
///
/// # Errors
/// The refusal that the consumer is told; a denial is recorded first.
async fn open(node: &Node, access: &Access, plan: &Plan, trace: &str) -> Result<Opened, Refusal> {
    let grant = access.grant();
    let (agreement, action) = agreement_of(node, access)?;
    if let Some(why) = &agreement.terminated {
        return Err(Refusal::denied(&format!(
            "agreement `{}` has ended: {why}",
            agreement.id
        )));
    }
    crate::duties::check_repeated(node, &agreement, &grant.consumer, access.transaction())?;
    let (Some(digests), Some(version), Some(media_type)) = (&grant.digests, &grant.version, &grant.media_type) else {
        return Err(Refusal::not_found(&"this access is for running a model, not for data"));
    };
    if grant.kind == GrantPurpose::Pull {
        check_published(node, &grant.subject, version)?;
    }
    let attempt = begin(node, access)?;
    let turn = attempt.turn().await;
    let held = Holding::of(node, access, plan)?;
    let shown = shown_for(node, grant);
    let bytes = Some(digests.bytes);
    let asker = access.asker().showing(&shown).delivering(held.delivering(bytes, bytes));
    let decided_ms = node.now_ms();
    // For a repeated pull there is room in its own place.
    let decided = deciding::under_agreement_again(node, &agreement, action, &asker, &held.places());
    let decided = decided.map_err(|e| Refusal::internal(&e))?;
    let other = given_to(&grant.consumer, agreement);
    if !decided.is_permit() {
        deny(node, &other, access, &decided, trace).await?;
        return Err(Refusal::denied(&decided.refusal(&grant.consumer)));
    }
    let taking = Taking::new(held, access, 1, &decided, bytes);
    let permitted = Permitted {
        access,
        plan,
        agreement: &other,
        decided: &decided,
        segment: 1,
        taking: &taking,
        trace,
    };
    let (recorded, again) = record(node, &permitted, digests, version, media_type).await?;
    // Whatever comes next of the transaction sees what is taken.
    drop(turn);
    let given = Given {
        recorded,
        again,
        agreement: other,
        transaction: access.transaction().to_owned(),
        segment: 1,
        bytes: taking.bytes,
        held: taking.after,
        attempt,
        one_sided: access.is_one_sided(),
    };
    match receipt(node, access, &given.recorded) {
        Ok(receipt) => Ok(Opened {
            given,
            receipt,
            digests: Some(digests.clone()),
            media_type: std::sync::Mutex::new(media_type.clone()),
            subject: (grant.subject.clone(), version.clone()),
            going: Going::new(decided_ms, 0, bytes),
        }),
        Err(refusal) => {
            if let Err(error) = given.aborted(node, 0, "its receipt could not be made", trace).await {
                tracing::error!(%error, "the abort could not be recorded");
            }
            Err(refusal)
        }
    }
}

/// Opens what a request asks for, in the way that it has to be recorded. That the request was used is durable when this returns: what is recorded
/// of it has it in its commit, and of what is refused, or repeats what is recorded, it is written by itself.
///
/// # Errors
/// As [`open`] and [`open_part`].
pub async fn open_planned(node: &Node, access: &Access, plan: &Plan, trace: &str) -> Result<Opened, Refusal> {
    let opened = if plan.is_final() {
        open(node, access, plan, trace).await
    } else {
        open_part(node, access, plan, trace).await
    };
    access.keep().await?;
    opened
}

/// Begins an attempt at the transaction, unless it was given up: what it had reserved may have gone to another one since.
fn begin(node: &Node, access: &Access) -> Result<Attempt, Refusal> {
    let transaction = access.transaction();
    let ended = || {
        Refusal::new(
            StatusCode::CONFLICT,
            "transaction-ended",
            &format!(
                "transaction {transaction} was given up before anything of it had left, and does not count; use a new one"
            ),
        )
    };
    let attempt = node.giving.attempt(&access.grant().consumer, transaction);
    let attempt = attempt.ok_or_else(ended)?;
    match node.ledger.get(&released_key(&access.grant().consumer, transaction)) {
        Ok(None) => Ok(attempt),
        Ok(Some(_)) => Err(ended()),
        Err(e) => Err(Refusal::internal(&e)),
    }
}

/// A version that was withdrawn gives nothing any more, whatever the agreement says.
fn check_published(node: &Node, subject: &str, version: &str) -> Result<(), Refusal> {
    let internal = |e: crate::state::StateError| Refusal::internal(&e);
    let withdrawn = |why: &Option<String>| match why {
        None => Ok(()),
        Some(why) => Err(Refusal::denied(&format!(
            "version `{version}` of `{subject}` was withdrawn: {why}"
        ))),
    };
    let dataset = node
        .state
        .get_shared::<VersionEntry>(&format!("dataset/{subject}/{version}"));
    if let Some(dataset) = dataset.map_err(internal)? {
        return withdrawn(&dataset.withdrawn);
    }
    let model = node
        .state
        .get_shared::<ModelEntry>(&format!("model/{subject}/{version}"));
    match model.map_err(internal)? {
        Some(model) => withdrawn(&model.withdrawn),
        None => Err(Refusal::internal(&format!(
            "access was given to version `{version}` of `{subject}`, which is not here"
        ))),
    }
}

/// The agreement of a grant and the action that the request needs under it. For an input passed on we stand on the consumer's
/// side, and the recipient is a third party.
fn agreement_of(node: &Node, access: &Access) -> Result<(Arc<AgreementEntry>, &'static str), Refusal> {
    let grant = access.grant();
    let (side, action) = match grant.kind {
        GrantPurpose::Pull | GrantPurpose::Run => (Side::Provider, USE),
        GrantPurpose::Onward => (Side::Consumer, DISTRIBUTE),
    };
    let entry = node.state.get_shared(&AgreementEntry::key(&grant.agreement, side));
    let entry = entry
        .map_err(|e| Refusal::internal(&e))?
        .ok_or_else(|| Refusal::internal(&format!("grant `{}` refers to an agreement that is not here", grant.id)))?;
    Ok((entry, action))
}

/// The agreement with the consumer as its other end, also of what is passed on.
fn given_to(consumer: &Did, agreement: Arc<AgreementEntry>) -> Arc<AgreementEntry> {
    if agreement.other == *consumer {
        return agreement;
    }
    Arc::new(AgreementEntry {
        other: consumer.clone(),
        ..AgreementEntry::clone(&agreement)
    })
}

async fn deny(
    node: &Node,
    agreement: &AgreementEntry,
    access: &Access,
    decided: &Decided,
    trace: &str,
) -> Result<(), Refusal> {
    // First: the same request must not be denied, and recorded as denied, once more.
    access.keep().await?;
    let facts = json!({
        "what": "pull", "party": agreement.other.as_str(), "transaction": access.transaction(), "agreement": agreement.id,
        "decision": decided.record(),
    });
    super::grants::record_denial(node, facts, Some(stream(agreement)), decided, trace)
        .await
        .map_err(|e| Refusal::internal(&e))
}

async fn record(
    node: &Node,
    permitted: &Permitted<'_>,
    digests: &Digests,
    version: &str,
    media_type: &str,
) -> Result<(Recorded, Option<Recorded>), Refusal> {
    let internal = |e: &dyn std::fmt::Display| Refusal::internal(e);
    let (access, trace) = (permitted.access, permitted.trace);
    let (grant, transaction) = (access.grant(), access.transaction());
    let (content, exchange) = exchange(node, access, digests, version, media_type)
        .ok_or_else(|| internal(&"a published digest is not a digest"))?;
    let facts =
        json!({"transaction": transaction, "agreement": grant.agreement, "decision": permitted.decided.record()});
    // What makes two requests one: everything but the fresh salt.
    let same = Sha256::digest(
        json!([
            grant.agreement,
            grant.consumer.as_str(),
            grant.subject,
            version,
            digests.blake3,
            digests.sha256
        ])
        .to_string(),
    );
    let draft = if access.is_one_sided() {
        one_sided(facts, grant, Some(digests), trace)
    } else {
        Draft::new(Kind::PullOpened, trace)
            .section(SectionName::Facts, facts)
            .exchanged(&exchange, &content)
            .handed_over(&RECEIPT)
    };
    // Consumers choose their transactions: what one of them chose is not the key of another one's pull.
    let once = format!("pull/{}/{transaction}/1", grant.consumer);
    let mut draft = permitted.shown(draft).once(once, same.into());
    if let Some(source) = &grant.source {
        // What is passed on rests on the pull that brought it.
        for index in node
            .ledger
            .by_term(&Term::Transaction(source.clone()))
            .map_err(|e| internal(&e))?
        {
            draft = draft.prior(*node.ledger.record(index).map_err(|e| internal(&e))?.leaf());
        }
    }
    // Who keeps no log has no receipt to give.
    if !access.is_one_sided() {
        let id = &permitted.agreement.id;
        let waits = outstanding::wait(node, draft, id, transaction, &grant.consumer);
        draft = outstanding::reserve(node, waits.map_err(|e| internal(&e))?, id);
    }
    permitted.append(node, draft).await
}

/// The record of a pull that no other end has an equal record of.
fn one_sided(mut facts: Value, grant: &GrantEntry, digests: Option<&Digests>, trace: &str) -> Draft {
    if let (Some(members), Some(digests)) = (facts.as_object_mut(), digests) {
        let said = json!({
            "dataset": grant.subject, "version": grant.version, "blake3": digests.blake3, "sha256": digests.sha256,
            "bytes": digests.bytes, "mediaType": grant.media_type,
        });
        members.extend(said.as_object().cloned().unwrap_or_default());
    }
    Draft::new(Kind::OneSidedPullOpened, trace).section(SectionName::Facts, facts)
}

fn receipt(node: &Node, access: &Access, recorded: &Recorded) -> Result<Option<HandedOver>, Refusal> {
    if access.is_one_sided() {
        return Ok(None);
    }
    let seen = Some(access.seen()).filter(|s| *s > 0);
    let handed = node.ledger.hand_over_recorded(recorded, &RECEIPT, seen);
    handed.map(Some).map_err(|e| Refusal::internal(&e))
}

fn exchange(
    node: &Node,
    access: &Access,
    digests: &Digests,
    version: &str,
    media_type: &str,
) -> Option<(Content, Exchange)> {
    let grant = access.grant();
    let content = Content {
        salt: node.entropy.bytes32(),
        blake3: digest_bytes(&digests.blake3)?,
        sha256: digest_bytes(&digests.sha256)?,
        bytes: digests.bytes,
        media_type: media_type.to_owned(),
    };
    let exchange = Exchange {
        transaction: access.transaction().parse().ok()?,
        segment: 1,
        phase: Phase::Pull,
        agreement: grant.agreement.clone(),
        provider: node.did.clone(),
        consumer: grant.consumer.clone(),
        subject: Subject::Dataset {
            dataset: grant.subject.clone(),
            version: version.to_owned(),
        },
        from: 0,
        to: digests.bytes,
        content: content.mac(),
    };
    Some((content, exchange))
}
