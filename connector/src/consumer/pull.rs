//! `pull`: asks for access, takes the bytes, checks them against the receipt, records that, and only then gives them out.

use super::{Say, log_of, send_receipts, signed_headers};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Pull, PullAnswer, Unit};
use crate::dsp::catalog::HTTP_PULL;
use crate::node::{Node, fresh_trace};
use crate::peers::{Lie, ReceiptError, same_exchange};
use crate::provider::access::RECEIPT;
use crate::state::{AgreementEntry, Digests, LogIdentity, PullEntry, Side, digest_bytes, set};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herleid_ledger::At;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Phase, Subject, VerifiedRecord};
use herleid_ledger::record::{Document, Draft, Kind, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;
use http::Method;
use std::sync::Arc;

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
    let access = node
        .negotiator
        .start_transfer(&node, &agreement, HTTP_PULL, purpose.as_deref())
        .await?;
    let source = Source {
        provider: agreement.other.clone(),
        log: agreement.other_log.clone(),
        base: access.base(),
        url: access.endpoint.clone(),
        token: access.token.clone(),
        agreement: agreement.id.clone(),
        dataset: agreement.target.clone(),
        version: None,
        sha256: None,
        transaction: node.fresh_id(),
        limit_bytes: node.config.limits.payload_bytes,
    };
    let pulled = fetch(&node, &source, &progress, &trace).await;
    // Whether it worked or not, the transfer is over: access that is not needed is given back.
    node.negotiator.complete_transfer(&node, &access).await;
    let (entry, index) = pulled?;
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
    let mut answer = node
        .client
        .get_stream(&source.url, headers, source.limit_bytes)
        .await
        .map_err(Failure::unreachable)?;
    if !answer.status.is_success() {
        let status = answer.status;
        let body = answer.whole().await.map_err(Failure::unreachable)?.body;
        return Err(refusal(&source.provider, status, &body));
    }
    let handed = receipt(source, &answer.headers)?;
    let media_type = answer
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let mut receiving = node.payloads.receive()?;
    while let Some(chunk) = answer.chunk().await.map_err(Failure::unreachable)? {
        receiving.write(&chunk)?;
        progress.step("pull", receiving.bytes(), answer.stated_bytes, Unit::Bytes);
    }
    let digests = receiving.digests();
    let record = node
        .peers
        .accept(&source.log, &handed)
        .await
        .map_err(|e| untrusted(&e))?;
    let (exchange, content) = check(node, source, &record, &digests, &media_type).map_err(Failure::untrusted)?;
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

pub(super) fn refusal(provider: &Did, status: http::StatusCode, body: &[u8]) -> Failure {
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

fn receipt(source: &Source, headers: &http::HeaderMap) -> Result<HandedOver, Failure> {
    let withheld = || Lie::ReceiptWithheld {
        peer: source.provider.to_string(),
        transaction: source.transaction.clone(),
    };
    let header = headers.get(RECEIPT).ok_or_else(|| Failure::untrusted(withheld()))?;
    let invalid = |why: &dyn std::fmt::Display| {
        Failure::untrusted(format!(
            "receipt invalid: what `{}` handed over is not a record: {why}",
            source.provider
        ))
    };
    let bytes = URL_SAFE_NO_PAD.decode(header.as_bytes()).map_err(|e| invalid(&e))?;
    HandedOver::parse(&bytes).map_err(|e| invalid(&e))
}

/// Recomputes the exchange from what we asked for and received, and refuses a difference.
fn check(
    node: &Node,
    source: &Source,
    record: &VerifiedRecord,
    digests: &Digests,
    media_type: &str,
) -> Result<(Exchange, Content), Lie> {
    let peer = source.provider.to_string();
    let altered = |member: &str, recorded: String, expected: String| Lie::ExchangeAltered {
        peer: peer.clone(),
        member: member.to_owned(),
        recorded,
        expected,
    };
    let missing = |member: &str| altered(member, "nothing".to_owned(), "an opened section".to_owned());
    let theirs = record
        .section(SectionName::Exchange)
        .ok_or_else(|| missing("exchange"))?;
    let content = record
        .section(SectionName::Content)
        .cloned()
        .ok_or_else(|| missing("content"))?;
    let content =
        Content::from_value(content).map_err(|e| altered("content", e.to_string(), "a content section".to_owned()))?;
    if record.section(SectionName::StreamAgreement).is_none() {
        return Err(missing("stream-agreement"));
    }
    let own = |hex_digest: &str| digest_bytes(hex_digest).unwrap_or_default();
    for (member, recorded, received) in [
        ("blake3", hex::encode(content.blake3), digests.blake3.clone()),
        ("sha256", hex::encode(content.sha256), digests.sha256.clone()),
        ("bytes", content.bytes.to_string(), digests.bytes.to_string()),
        ("mediaType", content.media_type.clone(), media_type.to_owned()),
    ] {
        if recorded != received {
            return Err(altered(member, recorded, received));
        }
    }
    if let Some(expected) = source.sha256.as_ref().filter(|expected| **expected != digests.sha256) {
        return Err(altered("sha256", digests.sha256.clone(), expected.clone()));
    }
    let found = |name: &str| {
        theirs
            .pointer(name)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let version = source.version.clone().unwrap_or_else(|| found("/subject/version"));
    let transaction = source
        .transaction
        .parse()
        .map_err(|_| altered("transaction", found("/transaction"), source.transaction.clone()))?;
    let ours = Exchange {
        transaction,
        segment: 1,
        phase: Phase::Pull,
        agreement: source.agreement.clone(),
        provider: source.provider.clone(),
        consumer: node.did.clone(),
        subject: Subject::Dataset {
            dataset: source.dataset.clone(),
            version,
        },
        from: 0,
        to: digests.bytes,
        content: herleid_ledger::handover::content_mac(
            &content.salt,
            &own(&digests.blake3),
            &own(&digests.sha256),
            digests.bytes,
        ),
    };
    same_exchange(&peer, theirs, &ours.to_value())?;
    Ok((ours, content))
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
    let entry = entry(source, version_of(exchange), digests.clone(), media_type.to_owned());
    let (key, value) = set(PullEntry::key(&source.transaction), &entry)?;
    let stream = StreamKey::Agreement {
        agreement: source.agreement.clone(),
        side: Side::Consumer.into(),
        other: source.provider.clone(),
    };
    let receipt = handed.to_bytes().map_err(Failure::failed)?;
    let draft = Draft::new(Kind::PullReceived, trace)
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
        .put(key, value);
    Ok(node.append(draft).await?.index())
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
        transaction: need("transaction")?,
        limit_bytes: node.config.limits.payload_bytes,
    })
}
