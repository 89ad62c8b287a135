//! The same run asked for again: the answer was lost. The program has side effects on nobody, but its run is counted and numbered, so it is not made
//! twice: what it came to is given again, as its record says, to whom may still have it.

use super::asked::{refuse, standing_agreement};
use super::interrupted::open_key;
use super::{Asked, NotRun, Ran, Sent};
use crate::dossier::closure::documents;
use crate::duties;
use crate::http::Refusal;
use crate::identity::lost;
use crate::models::process::ExecuteRequest;
use crate::models::sandbox::Output;
use crate::node::Node;
use crate::provider::access::{self, Access};
use crate::provider::kind_of;
use crate::provider::pull::reserved;
use crate::state::{GrantPurpose, ModelEntry, digest_bytes};
use axum::http::StatusCode;
use herleid_ledger::record::{Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{LedgerError, StoredRecord};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What the run that `started` says has come to.
///
/// # Errors
/// When it was another request, has not ended, or failed; when nothing of it may be had any more, or its outputs are gone.
pub(super) async fn given(
    node: &Node,
    access: &Access,
    (model, body): (&str, &[u8]),
    sent: &Sent,
    started: &StoredRecord,
    trace: &str,
) -> Result<(Ran, ExecuteRequest), NotRun> {
    let grant = access.grant();
    if grant.kind != GrantPurpose::Run || grant.subject != model {
        return Err(Refusal::not_found(&format!("this access is not for running `{model}`")).into());
    }
    if started.value(SectionName::Exchange).as_ref() != Some(&sent.exchange) {
        let why = format!(
            "transaction {} was another run before, or what it was is erased; use a new transaction",
            access.transaction()
        );
        return Err(Refusal::denied(&why).into());
    }
    // Under another access it may be for another purpose, at another price, and nothing would be recorded of that.
    if !is_under(started, access) {
        let why = "it was run under another access: ask with that";
        return Err(gone(access, why).into());
    }
    let agreement = standing_agreement(node, access, trace).await?;
    duties::check_given_again(node, &agreement, access.transaction(), Some(started.index()))?;
    let run = started.value(SectionName::Run).unwrap_or_default();
    let Some(version) = run.get("version").and_then(Value::as_str) else {
        return Err(gone(access, "what it was is erased").into());
    };
    let entry = node.state.get::<ModelEntry>(&format!("model/{model}/{version}"));
    let entry = entry.map_err(|e| Refusal::internal(&e))?;
    let Some(entry) = entry.filter(|entry| entry.withdrawn.is_none()) else {
        let why = format!("version `{version}` of `{model}` was withdrawn");
        return Err(refuse(node, access, &agreement, &why, trace).await.into());
    };
    let asked = Asked::understood(node, access, agreement, entry, body, trace)?;
    asked.check_exchange(node, sent)?;
    if let Some(why) = asked.access_ended(node).map_err(|e| Refusal::internal(&e))? {
        return Err(Refusal::denied(&why).into());
    }
    if let Some(lost) = lost(node, grant).await {
        return Err(access::refuse_lost(node, access, lost, trace).await.into());
    }
    asked.decide_again(node, &reserved(started)).await?;
    let ended = ended(node, access).map_err(|e| Refusal::internal(&e))?;
    let outputs = match ended {
        Some(record) => outputs(node, &record).ok_or_else(|| gone(access, "its outputs are not here any more"))?,
        None => return Err(unended(node, access).into()),
    };
    Ok((Ran { outputs }, asked.request))
}

/// Whether its start was asked for under the same access.
fn is_under(started: &StoredRecord, access: &Access) -> bool {
    let token = |role: &str| role.starts_with("access-token");
    let shown = access.evidence().into_iter().find(|document| token(&document.role));
    let shown = shown.map(|document| hex::encode(Sha256::digest(&document.bytes)));
    let before = documents(started).into_iter().find(|(role, _)| token(role));
    before.is_some_and(|(_, sha256)| Some(sha256) == shown)
}

/// Of a run that goes on, or ended just now, its answer will come: whoever takes another transaction for it pays twice.
pub(super) fn unended(node: &Node, access: &Access) -> Refusal {
    let busy = |what: &str| {
        let why = format!("transaction {} {what}; ask again", access.transaction());
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &why)
    };
    match node
        .ledger
        .get(&open_key(&access.grant().consumer, access.transaction()))
    {
        Ok(Some(_)) => busy("is being run"),
        // Only its end, in whose commit the mark goes, says how it ended.
        Ok(None) => match ended(node, access) {
            Ok(Some(_)) => busy("has just been run"),
            Ok(None) => gone(access, "it failed, or what it was is erased"),
            Err(error) => Refusal::internal(&error),
        },
        Err(error) => Refusal::internal(&error),
    }
}

fn gone(access: &Access, why: &str) -> Refusal {
    Refusal::denied(&format!(
        "transaction {} was run before, and {why}; ask for its receipts (`GET /receipts/{{transaction}}`), or use a new transaction",
        access.transaction()
    ))
}

/// The record of its outputs.
fn ended(node: &Node, access: &Access) -> Result<Option<StoredRecord>, LedgerError> {
    for index in node
        .ledger
        .by_term(&Term::Transaction(access.transaction().to_owned()))?
    {
        let stored = node.ledger.record(index)?;
        let consumer = stored.value(SectionName::Exchange).unwrap_or_default();
        // Two consumers may have chosen the same.
        let is_its = consumer.get("consumer").and_then(Value::as_str) == Some(access.grant().consumer.as_str());
        if is_its && kind_of(&stored) == Some(Kind::RunFinished) {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// The outputs as they were recorded; `None` where one of them is gone, or is not what it was.
fn outputs(node: &Node, ended: &StoredRecord) -> Option<Vec<Output>> {
    let run = ended.value(SectionName::Run)?;
    let read = |output: &Value| {
        let text = |member: &str| output.get(member)?.as_str();
        let sha256 = text("sha256")?;
        Some(Output {
            name: text("name")?.to_owned(),
            media_type: text("mediaType")?.to_owned(),
            bytes: node.payloads.read(sha256).ok()?.into(),
            sha256: digest_bytes(sha256)?,
            blake3: digest_bytes(text("blake3")?)?,
        })
    };
    run.get("outputs")?.as_array()?.iter().map(read).collect()
}
