//! A pull from a peer that keeps no log: taken and recorded at this end alone, and marked so. There is no receipt and nothing is owed
//! for it; no recorded run and no decision may rest on it.

use super::Wanted;
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::Unit;
use crate::dsp::catalog::HTTP_PULL;
use crate::dsp_shell::Access;
use crate::node::Node;
use crate::payloads::Kept;
use crate::state::{AgreementEntry, PullEntry, Side, set};
use herleid_ledger::record::{Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use http::{HeaderMap, header};
use serde_json::json;
use std::sync::Arc;

/// The version of a dataset whose provider names none.
const UNKNOWN_VERSION: &str = "unknown";

/// Asks for access, uses it once and gives it back.
pub(super) async fn bring(
    node: &Arc<Node>,
    wanted: &Wanted<'_>,
    progress: &Progress,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    let access = node
        .negotiator
        .start_transfer(node, wanted.agreement, HTTP_PULL, wanted.declares)
        .await?;
    let pulled = fetch(node, wanted, &access, progress, trace).await;
    // Whether it worked or not, the transfer is over: access that is not needed is given back.
    node.negotiator.complete_transfer(node, &access).await;
    pulled
}

async fn fetch(
    node: &Node,
    wanted: &Wanted<'_>,
    access: &Access,
    progress: &Progress,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    let agreement = wanted.agreement;
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, crate::node::header(&access.token)?);
    headers.insert(header::ACCEPT, header::HeaderValue::from_static("*/*"));
    let limit_bytes = node.config.limits.payload_bytes;
    let mut answer = node.client.get_stream(&access.endpoint, headers, limit_bytes).await?;
    if !answer.status.is_success() {
        let status = answer.status;
        let body = answer.whole().await?.body;
        let reason = crate::dsp::error::reason_in(status.as_u16(), &body);
        let message = format!("`{}` refused ({status}): {reason}", agreement.other);
        return Err(if status.is_client_error() {
            Failure::refused(message)
        } else {
            Failure::failed(message)
        });
    }
    let media_type = answer
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let mut receiving = node.payloads.receive()?;
    while let Some(chunk) = answer.chunk().await? {
        receiving.write(&chunk)?;
        progress.step("pull", receiving.bytes(), answer.stated_bytes, Unit::Bytes);
    }
    let digests = receiving.digests();
    if let Some(expected) = wanted.sha256.as_ref().filter(|expected| **expected != digests.sha256) {
        return Err(Failure::untrusted(format!(
            "`{}` gave data with SHA-256 {}; expected {expected}",
            agreement.other, digests.sha256
        )));
    }
    record(node, agreement, receiving.keep()?, media_type, trace).await
}

/// Records what came, before anybody here gets to use it.
pub(super) async fn record(
    node: &Node,
    agreement: &AgreementEntry,
    kept: Kept,
    media_type: String,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    // Trust may have been withdrawn while it came.
    node.admit(&agreement.other).map_err(Failure::refused)?;
    if !node.is_one_sided(&agreement.other) {
        return Err(Failure::refused(format!(
            "`{}` keeps no log, and `trust.one_sided` names it no more; nothing of the data was taken",
            agreement.other
        )));
    }
    let transaction = node.fresh_id();
    let entry = PullEntry {
        transaction: transaction.clone(),
        agreement: agreement.id.clone(),
        provider: agreement.other.clone(),
        dataset: agreement.target.clone(),
        version: UNKNOWN_VERSION.to_owned(),
        digests: kept.digests().clone(),
        media_type,
    };
    let facts = json!({
        "transaction": transaction, "agreement": entry.agreement, "dataset": entry.dataset, "version": entry.version,
        "blake3": entry.digests.blake3, "sha256": entry.digests.sha256, "bytes": entry.digests.bytes,
        "mediaType": entry.media_type,
    });
    let (key, value) = set(PullEntry::key(&transaction), &entry)?;
    let draft = Draft::new(Kind::OneSidedPullReceived, trace)
        .section(SectionName::Facts, facts)
        .stream(StreamKey::Agreement {
            agreement: agreement.id.clone(),
            side: Side::Consumer.into(),
            other: agreement.other.clone(),
        })
        .term(Term::Transaction(transaction.clone()))
        .term(Term::Agreement(agreement.id.clone()))
        .term(Term::Dataset(agreement.target.clone()))
        .term(Term::Party(agreement.other.clone()))
        .put(key, value);
    let recorded = node.append_keeping(draft, kept).await?;
    Ok((entry, recorded.index()))
}
