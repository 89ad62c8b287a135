//! `pull`: asks for access, takes the bytes, checks them against the receipt, records that, and only then gives them out.

mod check;

use super::{Say, log_of, send_receipts, signed_headers};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Pull, PullAnswer, Unit};
use crate::dsp::catalog::HTTP_PULL;
use crate::node::{Node, fresh_trace};
use crate::peers::{Lie, ReceiptError};
use crate::state::{AgreementEntry, Digests, LogIdentity, PullEntry, Side, set};
use herleid_ledger::handover::{Content, Exchange, HandedOver, Subject};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{AppendError, At};
use herleid_vocab::did::Did;
use herleid_vocab::json;
use http::Method;
use sha2::{Digest as _, Sha256};
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
    let access = node
        .negotiator
        .start_transfer(node, agreement, HTTP_PULL, wanted.purpose)
        .await?;
    let source = Source {
        provider: agreement.other.clone(),
        log: agreement.other_log.clone(),
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
    let index = record_received(node, source, &handed, &exchange, &content, &digests, &media_type, trace).await?;
    let own = [
        SectionName::Exchange,
        SectionName::Content,
        SectionName::StreamAgreement,
    ];
    let ours = node.ledger.hand_over(index, &own, None, At::Latest)?;
    if let Err(error) = send_receipts(node, &source.provider, &source.base, &source.agreement, &[ours], trace).await {
        tracing::warn!(%error, "the receipt was not taken");
    }
    let version = version_of(&exchange);
    let entry = entry(source, version, digests, media_type);
    Ok((entry, index))
}

fn untrusted(error: &ReceiptError) -> Failure {
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

fn version_of(exchange: &Exchange) -> String {
    match &exchange.subject {
        Subject::Dataset { version, .. } | Subject::Model { version, .. } => version.clone(),
    }
}

fn entry(source: &Source, version: String, digests: Digests, media_type: String) -> PullEntry {
    PullEntry {
        transaction: source.transaction.clone(),
        agreement: source.agreement.clone(),
        provider: source.provider.clone(),
        dataset: source.dataset.clone(),
        version,
        digests,
        media_type,
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one record")]
async fn record_received(
    node: &Node,
    source: &Source,
    handed: &HandedOver,
    exchange: &Exchange,
    content: &Content,
    digests: &Digests,
    media_type: &str,
    trace: &str,
) -> Result<u64, Failure> {
    let stream = StreamKey::Agreement {
        agreement: source.agreement.clone(),
        side: Side::Consumer.into(),
        other: source.provider.clone(),
    };
    let receipt = handed.to_bytes().map_err(Failure::failed)?;
    let mut draft = Draft::new(Kind::PullReceived, trace)
        .section(SectionName::Exchange, exchange.to_value())
        .section(SectionName::Content, content.to_value())
        .stream(stream)
        .evidence(Document {
            role: "receipt".to_owned(),
            media_type: "application/json".to_owned(),
            bytes: receipt,
        })
        .term(Term::Transaction(source.transaction.clone()))
        .term(Term::Agreement(source.agreement.clone()))
        .term(Term::Dataset(source.dataset.clone()))
        .term(Term::Party(source.provider.clone()))
        .term(Term::Digest(content.sha256))
        .once(
            once_key(&source.provider, &source.transaction),
            Sha256::digest(json::canonical(&exchange.to_value())?).into(),
        );
    if !source.run_input {
        let entry = entry(source, version_of(exchange), digests.clone(), media_type.to_owned());
        let (key, value) = set(PullEntry::key(&source.transaction), &entry)?;
        draft = draft.put(key, value);
    }
    match node.append(draft).await {
        Ok(recorded) => Ok(recorded.index()),
        Err(e @ AppendError::Conflict { .. }) => Err(Failure::refused(format!(
            "`{}` gave something else in transaction {} before: {e}",
            source.provider, source.transaction
        ))),
        Err(e) => Err(e.into()),
    }
}

/// What is received once: the same exchange again has the old record, another one under its transaction is refused.
fn once_key(provider: &Did, transaction: &str) -> String {
    format!("pull-received/{provider}/{transaction}/1")
}

/// A transaction that the other end chose: in its one form, and not one of something else in our log, whose records would
/// then be found with those of this pull.
fn foreign_transaction(node: &Node, from: &Did, transaction: &str) -> Result<(), Failure> {
    let right =
        uuid::Uuid::try_parse(transaction).is_ok_and(|u| u.get_version_num() == 7 && u.to_string() == transaction);
    if !right {
        return Err(Failure::usage(format!(
            "the input's transaction is `{}`; expected a UUIDv7 in lower case",
            transaction.chars().take(80).collect::<String>()
        )));
    }
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let exchange = node
            .ledger
            .record(index)?
            .value(SectionName::Exchange)
            .unwrap_or_default();
        let party = |name: &str| {
            exchange
                .get(name)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        if party("provider") != from.as_str() || party("consumer") != node.did.as_str() {
            return Err(Failure::refused(format!(
                "transaction {transaction} is of something else here; every input that is passed on needs one of its own"
            )));
        }
    }
    Ok(())
}

/// A source for an input that a consumer passes on to our model: its log is the one in its DID document.
pub(crate) async fn onward_source(
    node: &Node,
    from: &Did,
    url: &str,
    token: &str,
    input: &serde_json::Value,
) -> Result<Source, Failure> {
    let text = |name: &str| input.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let need = |name: &str| text(name).ok_or_else(|| Failure::usage(format!("the input has no `{name}`")));
    let base = url.split("/data/").next().unwrap_or_default().to_owned();
    let transaction = need("transaction")?;
    foreign_transaction(node, from, &transaction)?;
    Ok(Source {
        provider: from.clone(),
        log: log_of(node, from).await?,
        base,
        url: url.to_owned(),
        token: token.to_owned(),
        agreement: need("agreement")?,
        dataset: need("dataset")?,
        version: text("version"),
        sha256: text("sha256"),
        transaction,
        limit_bytes: node.config.limits.payload_bytes,
        run_input: true,
    })
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

    #[test]
    fn what_a_peer_chooses_cannot_be_the_key_of_another_peers_pull() {
        let (a, b): (Did, Did) = (
            "did:web:a.example".parse().unwrap(),
            "did:web:b.example".parse().unwrap(),
        );
        let transaction = "0192f0c1-2b3c-7d4e-8f50-112233445566";
        assert_ne!(once_key(&a, transaction), once_key(&b, transaction));
    }
}
