//! The end of a pull: what came is checked against the provider's receipts, of each segment one, and recorded.

use super::fetch::Coming;
use super::record::Received;
use super::{Source, check, kept, untrusted};
use crate::commands::Failure;
use crate::consumer::receipts;
use crate::node::Node;
use crate::peers::Lie;
use crate::provider::access::SEEN;
use crate::state::{Digests, PullEntry};
use herleid_ledger::handover::{Content, Exchange, HandedOver};
use serde_json::Value;
use std::sync::Arc;

/// One segment: its receipt, and what that says.
struct Segment {
    handed: HandedOver,
    exchange: Exchange,
    content: Content,
    digests: Digests,
}

/// Checks and records what came; gives the entry and the index of the record of the whole.
///
/// # Errors
/// When a receipt is missing or does not fit what came: nothing is kept then.
pub(super) async fn finish(
    node: &Node,
    source: &Source,
    coming: Coming,
    trace: &str,
) -> Result<(PullEntry, u64), Failure> {
    let media_type = coming
        .head
        .as_ref()
        .map(|head| head.media_type.clone())
        .unwrap_or_default();
    let whole = coming.receiving.digests();
    let published = coming.head.as_ref().and_then(|head| head.etag.clone());
    if coming.answers > 1 && published.is_some_and(|etag| etag != format!("\"{}\"", whole.sha256)) {
        // Nobody can tell on which side it went wrong, so nobody is called a liar.
        coming.receiving.discard();
        kept::forget(node, source).await?;
        let text = "what came in several goes is not, together, what was published; nothing of it was kept";
        return Err(Failure::failed(text).next("pull again, which counts as a pull of its own"));
    }
    let checked = check_all(node, source, &coming, &whole, &media_type, trace).await;
    let mut segments = match checked {
        Ok(segments) => segments,
        // What cannot be asked for at this moment is asked for again by the next pull; a lie makes what came worthless.
        Err(failure) => {
            if failure.code() == crate::control::error::Code::Untrusted {
                coming.receiving.discard();
                kept::forget(node, source).await?;
            }
            return Err(failure);
        }
    };
    // Until it is recorded no erasure takes it away.
    let stored = Arc::new(coming.receiving.keep()?);
    // Trust may have been withdrawn while it came.
    node.admit(&source.provider).map_err(Failure::refused)?;
    // The whole first: it is what the transaction brought.
    segments.sort_by_key(|segment| (segment.digests != whole, segment.exchange.segment));
    let (count, mut first) = (segments.len(), None);
    for (n, segment) in segments.into_iter().enumerate() {
        let received = Received {
            source,
            handed: &segment.handed,
            exchange: &segment.exchange,
            content: &segment.content,
            digests: whole.clone(),
            media_type: media_type.clone(),
            last_of: (n + 1 == count).then_some(count),
            kept: source.kept.clone(),
            stored: Arc::clone(&stored),
        };
        let recorded = received.record(node, trace).await?;
        first.get_or_insert(recorded);
    }
    receipts::deliver(node, &source.provider, &source.transaction, trace).await;
    first.ok_or_else(|| Failure::untrusted(withheld(source)))
}

fn withheld(source: &Source) -> Lie {
    Lie::ReceiptWithheld {
        peer: source.provider.to_string(),
        transaction: source.transaction.clone(),
    }
}

/// The receipts of all segments, each checked against its part of what came; one of them is of the whole.
async fn check_all(
    node: &Node,
    source: &Source,
    coming: &Coming,
    whole: &Digests,
    media_type: &str,
    trace: &str,
) -> Result<Vec<Segment>, Failure> {
    let all = match &coming.receipt {
        Some(receipt) if coming.answers == 1 => vec![(1, 0, whole.clone(), receipt.clone())],
        _ => ask(node, source, coming, trace).await?,
    };
    let mut segments = Vec::new();
    for (segment, from, digests, handed) in all {
        let record = node
            .peers
            .accept(&source.log, &handed)
            .await
            .map_err(|e| untrusted(&e))?;
        let checked = check::check(node, source, &record, (segment, from), &digests, media_type);
        let (exchange, content) = checked.map_err(Failure::untrusted)?;
        segments.push(Segment {
            handed,
            exchange,
            content,
            digests,
        });
    }
    if segments
        .iter()
        .any(|segment| segment.exchange.from == 0 && segment.digests == *whole)
    {
        Ok(segments)
    } else {
        Err(Failure::untrusted(withheld(source)).next("nothing of the data was kept; ask the provider's operator"))
    }
}

/// Asks the provider for its receipts of the transaction; each with its number, its place, and the digests of what came there.
async fn ask(
    node: &Node,
    source: &Source,
    coming: &Coming,
    trace: &str,
) -> Result<Vec<(u64, u64, Digests, HandedOver)>, Failure> {
    let seen = node.peers.seen_size(&source.log).map_err(Failure::failed)?;
    let mut headers = node
        .message_headers(&source.provider, None, trace)
        .map_err(Failure::failed)?;
    headers.insert(SEEN, seen.into());
    let url = format!("{}/receipts/{}", source.base.trim_end_matches('/'), source.transaction);
    let answer = node.client.get_json(&url, headers).await?;
    if !answer.status.is_success() {
        return Err(super::refusal(
            &source.provider,
            &source.log,
            seen,
            answer.status,
            &answer.body,
        ));
    }
    let value = answer.json().map_err(Failure::untrusted)?;
    let listed = value
        .get("receipts")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut found = Vec::new();
    for receipt in listed {
        let handed = HandedOver::from_value(receipt).map_err(|e| {
            Failure::untrusted(format!(
                "receipt invalid: `{}` handed over no record: {e}",
                source.provider
            ))
        })?;
        let Some((segment, from, to)) = place(&handed) else {
            return Err(Failure::untrusted(withheld(source)));
        };
        if to > coming.bytes() || from > to {
            let text = format!(
                "receipt invalid: it is of bytes {from} to {to}, but {} came",
                coming.bytes()
            );
            return Err(Failure::untrusted(text));
        }
        found.push((segment, from, coming.receiving.part(from, to)?, handed));
    }
    Ok(found)
}

/// Segment and range that a receipt names; whether they are right is checked with everything else.
fn place(handed: &HandedOver) -> Option<(u64, u64, u64)> {
    let value = handed.to_value().ok()?;
    let text = value.pointer("/opened/exchange/text")?.as_str()?;
    let exchange = Exchange::parse(text.as_bytes()).ok()?;
    Some((exchange.segment, exchange.from, exchange.to))
}
