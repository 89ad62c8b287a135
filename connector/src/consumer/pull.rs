//! `pull`: asks for access, takes the bytes, checks them against the receipt, records that, and only then gives them out.

mod check;
mod one_sided;
mod onward;
mod record;

pub(crate) use onward::onward_source;

use super::{Say, receipts, signed_headers};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Pull, PullAnswer, Unit};
use crate::dsp::catalog::HTTP_PULL;
use crate::node::{Node, fresh_trace};
use crate::peers::{Lie, ReceiptError};
use crate::state::{AgreementEntry, LogIdentity, PullEntry, Side};
use herleid_vocab::did::Did;
use http::Method;
use record::Received;
use std::sync::Arc;

/// The code by which a log says that it has fewer records than we told it to have seen.
const LOG_BEHIND: &str = "log-behind";

/// Where a pull goes, and what must come.
pub(crate) struct Source {
    pub(crate) provider: Did,
    pub(crate) log: LogIdentity,
    /// Base URL of the provider's connector, for receipts.
    pub(crate) base: String,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) agreement: String,
    pub(crate) dataset: String,
    /// The version expected, when it is known beforehand.
    pub(crate) version: Option<String>,
    /// The digest expected, when it is known beforehand.
    pub(crate) sha256: Option<String>,
    pub(crate) transaction: String,
    /// Largest payload that is taken.
    pub(crate) limit_bytes: u64,
    /// Whether it is an input that somebody passed on for a run of our model. The one who asks for the run chose its
    /// transaction: it is recorded, and never becomes one of our own pulls, which can be passed on and decided upon.
    pub(crate) run_input: bool,
}

/// What a pull under an agreement of ours is to bring; version and digest, when they are known beforehand.
pub(super) struct Wanted<'a> {
    pub(super) agreement: &'a AgreementEntry,
    pub(super) purpose: Option<&'a str>,
    pub(super) version: Option<String>,
    pub(super) sha256: Option<String>,
}

/// One pull under an agreement of ours, in a transaction of its own: access is asked for, used once and given back.
pub(super) async fn bring(
    node: &Arc<Node>,
    wanted: Wanted<'_>,
    progress: &Progress,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    let agreement = wanted.agreement;
    let Some(log) = agreement.other_log.clone() else {
        return one_sided::bring(node, &wanted, progress, trace).await;
    };
    let access = node
        .negotiator
        .start_transfer(node, agreement, HTTP_PULL, wanted.purpose)
        .await?;
    let source = Source {
        provider: agreement.other.clone(),
        log,
        base: access.base(),
        url: access.endpoint.clone(),
        token: access.token.clone(),
        agreement: agreement.id.clone(),
        dataset: agreement.target.clone(),
        version: wanted.version,
        sha256: wanted.sha256,
        transaction: node.fresh_id(),
        limit_bytes: node.config.limits.payload_bytes,
        run_input: false,
    };
    let pulled = fetch(node, &source, progress, trace).await;
    // Whether it worked or not, the transfer is over: access that is not needed is given back.
    node.negotiator.complete_transfer(node, &access).await;
    pulled
}

/// The command.
///
/// # Errors
/// When the provider refuses, lies or is down; nothing that did not verify is kept.
pub async fn command(node: Arc<Node>, request: Pull, progress: Progress) -> Result<PullAnswer, Failure> {
    let trace = fresh_trace(&node);
    let key = AgreementEntry::key(&request.agreement, Side::Consumer);
    let agreement: AgreementEntry = node.state.get(&key)?.ok_or_else(|| {
        Failure::missing(format!(
            "there is no agreement `{}` in which this connector is the consumer",
            request.agreement
        ))
        .next("`herleid agreements` lists them")
    })?;
    let purpose = request.purpose.clone().or_else(|| agreement.purpose.clone());
    let wanted = Wanted {
        agreement: &agreement,
        purpose: purpose.as_deref(),
        version: None,
        sha256: None,
    };
    let (entry, index) = bring(&node, wanted, &progress, &trace).await?;
    let path = node.payloads.path(&entry.digests.sha256)?;
    if let Some(out) = &request.out {
        copy_out(&path, out).await?;
    }
    let transaction = entry.transaction.parse().map_err(Failure::failed)?;
    Ok(PullAnswer {
        transaction,
        path: request.out.unwrap_or(path),
        bytes: entry.digests.bytes,
        sha256: entry.digests.sha256,
        blake3: entry.digests.blake3,
        index,
    })
}

async fn copy_out(from: &std::path::Path, out: &std::path::Path) -> Result<(), Failure> {
    let (from, out) = (from.to_owned(), out.to_owned());
    let copy = move || -> std::io::Result<()> {
        let mut source = std::fs::File::open(&from)?;
        let mut target = std::fs::OpenOptions::new().write(true).create_new(true).open(&out)?;
        std::io::copy(&mut source, &mut target)?;
        target.sync_all()
    };
    let done = tokio::task::spawn_blocking(copy).await.map_err(Failure::failed)?;
    done.map_err(|e| {
        Failure::failed(format!(
            "the data is recorded and kept, but could not be copied out: {e}"
        ))
        .next("name a file that does not exist yet")
    })
}

/// Takes the bytes from `source`; gives the entry and the index of its `pull-received` record.
pub(crate) async fn fetch(
    node: &Node,
    source: &Source,
    progress: &Progress,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    let seen = node.peers.seen_size(&source.log).map_err(Failure::failed)?;
    let headers = signed_headers(
        node,
        &Say {
            method: &Method::GET,
            url: &source.url,
            token: &source.token,
            transaction: &source.transaction,
            agreement: &source.agreement,
            trace,
            seen,
            body: &[],
        },
    )?;
    let mut answer = node.client.get_stream(&source.url, headers, source.limit_bytes).await?;
    if !answer.status.is_success() {
        let status = answer.status;
        let body = answer.whole().await?.body;
        return Err(refusal(&source.provider, &source.log, seen, status, &body));
    }
    let handed = check::receipt(source, &answer.headers)?;
    let media_type = answer
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let mut receiving = node.payloads.receive()?;
    while let Some(chunk) = answer.chunk().await? {
        receiving.write(&chunk)?;
        progress.step("pull", receiving.bytes(), answer.stated_bytes, Unit::Bytes);
    }
    let digests = receiving.digests();
    let record = node
        .peers
        .accept(&source.log, &handed)
        .await
        .map_err(|e| untrusted(&e))?;
    let (exchange, content) = check::check(node, source, &record, &digests, &media_type).map_err(Failure::untrusted)?;
    receiving.keep()?;
    let received = Received {
        source,
        handed: &handed,
        exchange: &exchange,
        content: &content,
        digests,
        media_type,
    };
    let recorded = received.record(node, trace).await?;
    receipts::deliver(node, &source.provider, &source.transaction, trace).await;
    Ok(recorded)
}

fn untrusted(error: &ReceiptError) -> Failure {
    if error.is_passing() {
        return Failure::unreachable(error).next("nothing of the data was kept; pull it again");
    }
    Failure::untrusted(error).next("nothing of the data was kept; ask the provider's operator, and keep this message")
}

/// What a provider said instead of what was asked for; `seen` is the size of its log that it was told we know.
pub(super) fn refusal(provider: &Did, log: &LogIdentity, seen: u64, status: http::StatusCode, body: &[u8]) -> Failure {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    if status == http::StatusCode::CONFLICT && problem.get("title").is_some_and(|title| title == LOG_BEHIND) {
        return untrusted(&ReceiptError::Lie(Lie::LogShrunk {
            origin: log.origin.clone(),
            known: seen,
        }));
    }
    let detail = problem
        .get("detail")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("no reason was given");
    let message = format!("`{provider}` refused ({status}): {detail}");
    if status.is_client_error() {
        Failure::refused(message)
    } else {
        Failure::failed(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::error::Code;
    use http::StatusCode;

    #[test]
    fn a_log_that_lost_records_is_no_mere_refusal() {
        let provider: Did = "did:web:them.example".parse().unwrap();
        let log = LogIdentity {
            did: provider.clone(),
            origin: "them.example/log/1".to_owned(),
            verifier_key: String::new(),
        };
        let body = |title: &str| format!(r#"{{"title": "{title}", "detail": "no"}}"#).into_bytes();
        let told = |status, title: &str| refusal(&provider, &log, 9, status, &body(title));
        let lost = told(StatusCode::CONFLICT, LOG_BEHIND);
        assert!(lost.code() == Code::Untrusted && lost.to_string().starts_with("log forked: `them.example/log/1`"));
        assert!(told(StatusCode::CONFLICT, "busy").code() == Code::Refused);
        assert!(told(StatusCode::FORBIDDEN, "denied").to_string().ends_with("no"));
    }
}
