//! The bytes: fetched, and fetched on when the connection broke off, from where they ended.

use super::kept::{self, Kept, WORTH_KEEPING_BYTES};
use super::{Source, check, finish, refusal};
use crate::commands::Failure;
use crate::consumer::{Say, signed_headers};
use crate::control::progress::Progress;
use crate::control::protocol::Unit;
use crate::net::client::Streaming;
use crate::net::error::ClientError;
use crate::node::Node;
use crate::payloads::Receiving;
use crate::state::PullEntry;
use herleid_ledger::handover::HandedOver;
use http::{HeaderMap, Method, StatusCode, header};
use std::time::Duration;

/// How often it is tried without anything having come: with the pauses below, for 48 seconds.
const IN_VAIN: u32 = 10;

/// What has come so far.
pub(crate) struct Coming {
    pub(super) receiving: Receiving,
    /// What the first answer said.
    pub(super) head: Option<Head>,
    /// The receipt that came with it, of the whole.
    pub(super) receipt: Option<HandedOver>,
    /// Answers of which something may have come.
    pub(super) answers: u32,
}

/// What an answer says of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) media_type: String,
    /// Entity tag, where parts are given.
    pub(super) etag: Option<String>,
    /// Length, if it is said.
    pub(super) bytes: Option<u64>,
}

/// Why no more comes.
pub(super) enum Stop {
    /// This access gives nothing more; another one may.
    Access(Failure),
    /// Nothing more comes of this pull.
    Final(Failure),
}

/// Why one attempt ended before its end.
enum Broken {
    /// It may go on at once.
    Passing(Failure),
    /// It does not.
    Stopped(Stop),
}

impl<E: Into<Failure>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Stopped(Stop::Final(error.into()))
    }
}

impl Coming {
    /// Nothing yet.
    pub(super) fn new(node: &Node) -> Result<Self, Failure> {
        Ok(Self {
            receiving: node.payloads.receive()?,
            head: None,
            receipt: None,
            answers: 0,
        })
    }

    /// What came before, and will be there after a restart.
    pub(super) fn going_on(node: &Node, source: &Source, before: Option<&Kept>) -> Result<Self, Failure> {
        let head = before.map(|kept| Head {
            media_type: kept.media_type.clone(),
            etag: Some(kept.etag.clone()),
            bytes: Some(kept.bytes),
        });
        Ok(Self {
            receiving: node.payloads.go_on(&source.transaction)?,
            // Whatever came was not the first answer's receipt.
            answers: u32::from(head.is_some()),
            head,
            receipt: None,
        })
    }

    /// How many bytes have come.
    pub(super) fn bytes(&self) -> u64 {
        self.receiving.bytes()
    }

    /// Leaves what came for another pull that goes on with it; nothing, if none will.
    pub(super) fn leave(self, node: &Node, source: &Source) -> Result<(), Failure> {
        let kept = match &source.kept {
            Some(key) => kept::find(node, key)?,
            None => None,
        };
        if kept.is_none_or(|kept| kept.transaction != source.transaction) {
            self.receiving.discard();
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let length = self.head.as_ref().and_then(|head| head.bytes);
        self.answers > 0 && length == Some(self.bytes())
    }

    /// Where the next answer begins, when parts are given.
    fn goes_on(&self) -> Option<(u64, &str)> {
        let etag = self.head.as_ref()?.etag.as_deref()?;
        (self.bytes() > 0).then_some((self.bytes(), etag))
    }
}

/// Takes the bytes from `source`; gives the entry and the index of its `pull-received` record.
///
/// # Errors
/// When the provider refuses, lies or is down for too long; nothing that did not verify is kept.
pub(crate) async fn fetch(
    node: &Node,
    mut source: Source,
    progress: &Progress,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    let mut coming = Coming::new(node)?;
    match attempts(node, &mut source, &mut coming, progress, trace).await {
        Ok(()) => finish::finish(node, &source, coming, trace).await,
        Err(Stop::Access(failure) | Stop::Final(failure)) => Err(failure),
    }
}

/// Fetches until all is there, going on where it broke off.
pub(super) async fn attempts(
    node: &Node,
    source: &mut Source,
    coming: &mut Coming,
    progress: &Progress,
    trace: &str,
) -> Result<(), Stop> {
    let mut in_vain = 0;
    loop {
        if coming.is_complete() {
            return Ok(());
        }
        let had = coming.bytes();
        let failure = match attempt(node, source, coming, progress, trace).await {
            Ok(()) => return Ok(()),
            Err(Broken::Stopped(stop)) => return Err(stop),
            Err(Broken::Passing(failure)) => failure,
        };
        in_vain = if coming.bytes() > had { 0 } else { in_vain + 1 };
        if in_vain >= IN_VAIN {
            return Err(Stop::Final(failure));
        }
        tracing::info!(%failure, transaction = %source.transaction, bytes = coming.bytes(), "a pull broke off; it goes on");
        tokio::time::sleep(pause(in_vain)).await;
    }
}

/// A quarter of a second, doubled each time up to eight.
pub(super) fn pause(in_vain: u32) -> Duration {
    const FIRST_MS: u64 = 250;
    Duration::from_millis(FIRST_MS << in_vain.min(5))
}

fn passing(error: ClientError) -> Broken {
    if error.is_passing() {
        Broken::Passing(error.into())
    } else {
        Broken::Stopped(Stop::Final(error.into()))
    }
}

async fn attempt(
    node: &Node,
    source: &mut Source,
    coming: &mut Coming,
    progress: &Progress,
    trace: &str,
) -> Result<(), Broken> {
    let seen = node.peers.seen_size(&source.log).map_err(Failure::failed)?;
    let from = coming.goes_on();
    let say = Say {
        method: &Method::GET,
        url: &source.url,
        token: &source.token,
        transaction: &source.transaction,
        agreement: &source.agreement,
        trace,
        seen,
        body: &[],
        from: from.map(|(from, _)| from),
    };
    let mut headers = signed_headers(node, &say)?;
    if let Some((_, etag)) = from {
        headers.insert(header::IF_RANGE, crate::node::header(etag).map_err(Failure::failed)?);
    }
    let left = source.limit_bytes.saturating_sub(from.map_or(0, |(from, _)| from));
    let mut answer = node
        .client
        .get_stream(&source.url, headers, left)
        .await
        .map_err(passing)?;
    match answer.status {
        StatusCode::PARTIAL_CONTENT => goes_on(coming, &answer.headers)?,
        status if status.is_success() => {
            let (headers, bytes) = (answer.headers.clone(), answer.stated_bytes);
            begins(node, source, coming, &headers, bytes).await?;
        }
        _ => return Err(refused(node, source, coming, seen, answer).await),
    }
    coming.answers += 1;
    let total = coming.head.as_ref().and_then(|head| head.bytes);
    while let Some(chunk) = answer.chunk().await.map_err(passing)? {
        coming.receiving.write(&chunk)?;
        progress.step("pull", coming.bytes(), total, Unit::Bytes);
    }
    match total {
        Some(total) if total != coming.bytes() => {
            let text = format!("`{}` sent {} of {total} bytes", source.provider, coming.bytes());
            Err(Broken::Passing(Failure::unreachable(text)))
        }
        _ => Ok(()),
    }
}

/// An answer from the first byte on.
async fn begins(
    node: &Node,
    source: &Source,
    coming: &mut Coming,
    headers: &HeaderMap,
    bytes: Option<u64>,
) -> Result<(), Broken> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let gives_parts = headers.get(header::ACCEPT_RANGES).is_some_and(|v| v == "bytes");
    let head = Head {
        media_type: text(header::CONTENT_TYPE).unwrap_or_else(|| "application/octet-stream".to_owned()),
        etag: text(header::ETAG).filter(|etag| gives_parts && etag.starts_with('"')),
        bytes,
    };
    if let Some(before) = &coming.head
        && before.etag.is_some()
        && before.etag != head.etag
    {
        return Err(Broken::Stopped(
            give_up(node, source, coming, "another version is given meanwhile").await,
        ));
    }
    coming.receiving.clear()?;
    coming.receipt = check::receipt(source, headers)?;
    coming.answers = 0;
    if let (Some(etag), Some(bytes @ WORTH_KEEPING_BYTES..)) = (&head.etag, head.bytes)
        && coming.head.as_ref() != Some(&head)
    {
        let kept = Kept {
            transaction: source.transaction.clone(),
            etag: etag.clone(),
            bytes,
            media_type: head.media_type.clone(),
            since_ms: node.now_ms(),
        };
        kept::remember(node, source, &kept).await?;
    }
    coming.head = Some(head);
    Ok(())
}

/// An answer that goes on where the last one ended: it says so, of the same version.
fn goes_on(coming: &mut Coming, headers: &HeaderMap) -> Result<(), Broken> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (Some((from, etag)), Some(bytes)) = (coming.goes_on(), coming.head.as_ref().and_then(|head| head.bytes)) else {
        return Err(Failure::untrusted("a part came that was not asked for; nothing of it was kept").into());
    };
    let expected = format!("bytes {from}-{}/{bytes}", bytes.saturating_sub(1));
    let found = (text(header::CONTENT_RANGE), text(header::ETAG));
    if found != (expected.as_str(), etag) {
        let text =
            format!("the rest of the data was asked for, `{expected}` of version {etag}; what came is {found:?}");
        return Err(Failure::untrusted(text).into());
    }
    Ok(())
}

/// What a refusal means for a pull that has begun.
async fn refused(node: &Node, source: &mut Source, coming: &mut Coming, seen: u64, answer: Streaming) -> Broken {
    let status = answer.status;
    let body = match answer.whole().await {
        Ok(answer) => answer.body,
        Err(error) => return passing(error),
    };
    let failure = refusal(&source.provider, &source.log, seen, status, &body);
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = problem
        .get("title")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    match (status, code) {
        // Given up at the other end before anything had left: it does not count, and is begun anew.
        (StatusCode::CONFLICT, "transaction-ended")
            if coming.bytes() == 0 && coming.answers > 0 && !source.run_input =>
        {
            source.transaction = node.fresh_id();
            coming.answers = 0;
            match Coming::new(node) {
                Ok(fresh) => *coming = fresh,
                Err(failure) => return failure.into(),
            }
            source.kept = None;
            Broken::Passing(failure)
        }
        (StatusCode::CONFLICT, "transaction-ended" | "other-version") if coming.bytes() > 0 => {
            Broken::Stopped(give_up(node, source, coming, &failure.to_string()).await)
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) => {
            Broken::Stopped(Stop::Access(failure))
        }
        (status, _) if status.is_server_error() && coming.answers > 0 => Broken::Passing(failure),
        _ => Broken::Stopped(Stop::Final(failure)),
    }
}

/// Forgets what came: it cannot become whole any more.
pub(super) async fn give_up(node: &Node, source: &Source, coming: &mut Coming, why: &str) -> Stop {
    let forgotten = match coming.receiving.clear() {
        Ok(()) => kept::forget(node, source).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = forgotten {
        return Stop::Final(error);
    }
    let text = format!(
        "what was kept of the pull {} cannot be completed: {why}",
        source.transaction
    );
    Stop::Final(Failure::refused(text).next("it was removed; pull again, which counts as a pull of its own"))
}
