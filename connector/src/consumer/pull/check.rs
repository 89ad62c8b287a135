//! What must hold of a pull before anything of it is used: a receipt came, and it is about what was asked for and received.

use super::Source;
use crate::commands::Failure;
use crate::node::Node;
use crate::peers::{Lie, same_exchange};
use crate::provider::access::{RECEIPT, RECEIPT_AFTER};
use crate::state::{Digests, digest_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herleid_ledger::handover::{Content, Exchange, HandedOver, Phase, Subject, VerifiedRecord};
use herleid_ledger::section::SectionName;

/// The receipt that came with the bytes, unchecked.
/// `None` when it can be had afterwards.
pub(super) fn receipt(source: &Source, headers: &http::HeaderMap) -> Result<Option<HandedOver>, Failure> {
    let withheld = || Lie::ReceiptWithheld {
        peer: source.provider.to_string(),
        transaction: source.transaction.clone(),
    };
    let header = headers.get(RECEIPT).ok_or_else(|| Failure::untrusted(withheld()))?;
    if header == RECEIPT_AFTER {
        return Ok(None);
    }
    let invalid = |why: &dyn std::fmt::Display| {
        Failure::untrusted(format!(
            "receipt invalid: what `{}` handed over is not a record: {why}",
            source.provider
        ))
    };
    let bytes = URL_SAFE_NO_PAD.decode(header.as_bytes()).map_err(|e| invalid(&e))?;
    HandedOver::parse(&bytes).map(Some).map_err(|e| invalid(&e))
}

/// Recomputes the exchange from what we asked for and received, and refuses a difference.
pub(super) fn check(
    node: &Node,
    source: &Source,
    record: &VerifiedRecord,
    (segment, from): (u64, u64),
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
    let expected = source
        .sha256
        .as_ref()
        .filter(|expected| segment == 1 && **expected != digests.sha256);
    if let Some(expected) = expected {
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
        segment,
        phase: Phase::Pull,
        agreement: source.agreement.clone(),
        provider: source.provider.clone(),
        consumer: node.did.clone(),
        subject: Subject::Dataset {
            dataset: source.dataset.clone(),
            version,
        },
        from,
        to: from + digests.bytes,
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
