//! `pull`: asks for access, takes the bytes, checks them against the receipt, records that, and only then gives them out.

mod bring;
mod check;
mod fetch;
mod finish;
mod kept;
mod one_sided;
mod onward;
pub(crate) mod pushed;
mod record;

pub(super) use bring::{Wanted, bring};
pub(crate) use fetch::fetch;
pub(crate) use kept::{give_up, sweep, unfinished};
pub(crate) use onward::onward_source;

use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Pull, PullAnswer};
use crate::node::{Node, fresh_trace};
use crate::peers::{Lie, ReceiptError};
use crate::state::{AgreementEntry, LogIdentity, Side};
use herleid_vocab::did::Did;
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
    /// Under which key it is remembered what was received of it, so that a restart loses nothing.
    pub(crate) kept: Option<String>,
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
    let declares = request.declares().or(&agreement.declares);
    let wanted = Wanted {
        agreement: &agreement,
        declares: &declares,
        version: None,
        sha256: None,
        resource: request.resource.as_deref(),
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

pub(super) fn untrusted(error: &ReceiptError) -> Failure {
    if error.is_passing() {
        return Failure::unreachable(error).next("nothing of the data was kept; pull it again");
    }
    Failure::untrusted(error).next("nothing of the data was kept; ask the provider's operator, and keep this message")
}

/// The lie, if the other end says that its log has fewer records than the `seen` that it was told we know.
pub(crate) fn shrunk(log: &LogIdentity, seen: u64, status: http::StatusCode, body: &[u8]) -> Option<Lie> {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let is_behind = status == http::StatusCode::CONFLICT && problem.get("title").is_some_and(|t| t == LOG_BEHIND);
    is_behind.then(|| Lie::LogShrunk {
        origin: log.origin.clone(),
        known: seen,
    })
}

/// What a provider said instead of what was asked for; `seen` is the size of its log that it was told we know.
pub(super) fn refusal(provider: &Did, log: &LogIdentity, seen: u64, status: http::StatusCode, body: &[u8]) -> Failure {
    if let Some(lie) = shrunk(log, seen, status, body) {
        return untrusted(&ReceiptError::Lie(lie));
    }
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
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
