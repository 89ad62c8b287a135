//! What lies in our bucket after a push: read back, checked, recorded.

use super::super::fetch::{Coming, Head, pause};
use super::super::{Source, finish, one_sided};
use super::IN_VAIN;
use crate::commands::Failure;
use crate::control::error::Code;
use crate::control::progress::Progress;
use crate::control::protocol::{PullAnswer, Unit};
use crate::dsp::catalog::S3_PUSH;
use crate::dsp::message::DataAddress;
use crate::node::Node;
use crate::payloads::Receiving;
use crate::provider::push::{Target, open_bucket};
use crate::state::AgreementEntry;
use futures_util::StreamExt as _;
use object_store::{Attribute, GetOptions, ObjectStore as _};

/// Reads the object, checks it against the provider's receipts and records it.
///
/// # Errors
/// When it cannot be read, or is not what the provider recorded.
pub(super) async fn look(
    node: &Node,
    agreement: &AgreementEntry,
    transaction: &str,
    base: &str,
    bucket: &DataAddress,
    progress: &Progress,
    trace: &str,
) -> Result<PullAnswer, Failure> {
    let mut tried = 0;
    loop {
        let failure = match once(node, agreement, transaction, base, bucket, progress, trace).await {
            Ok(seen) => return Ok(seen),
            Err(failure) => failure,
        };
        tried += 1;
        if failure.code() == Code::Untrusted {
            // The bucket is ours, and others may write there: nobody can tell on which side it went wrong, so nobody is called a liar.
            let text =
                format!("what lies in the bucket is not what the provider recorded, and was not taken over: {failure}");
            return Err(Failure::failed(text).next("see who else can write to that object, and ask for another push"));
        }
        if tried >= IN_VAIN || failure.code() != Code::Unreachable {
            return Err(failure);
        }
        tokio::time::sleep(pause(tried)).await;
    }
}

async fn once(
    node: &Node,
    agreement: &AgreementEntry,
    transaction: &str,
    base: &str,
    bucket: &DataAddress,
    progress: &Progress,
    trace: &str,
) -> Result<PullAnswer, Failure> {
    let (receiving, media_type) = read(node, bucket, progress).await?;
    let (entry, index) = match &agreement.other_log {
        None => one_sided::record(node, agreement, receiving.keep()?, media_type, trace).await?,
        Some(log) => {
            let source = Source {
                provider: agreement.other.clone(),
                log: log.clone(),
                base: base.to_owned(),
                url: String::new(),
                token: String::new(),
                agreement: agreement.id.clone(),
                dataset: agreement.target.clone(),
                version: None,
                sha256: None,
                transaction: transaction.to_owned(),
                limit_bytes: node.config.limits.payload_bytes,
                run_input: false,
                kept: None,
            };
            let head = Head {
                media_type,
                etag: None,
                bytes: Some(receiving.bytes()),
            };
            let coming = Coming {
                receiving,
                head: Some(head),
                // The provider's receipts are asked for.
                receipt: None,
                answers: 1,
            };
            finish::finish(node, &source, coming, trace).await?
        }
    };
    Ok(PullAnswer {
        transaction: entry.transaction.parse().map_err(Failure::failed)?,
        path: node.payloads.path(&entry.digests.sha256)?,
        bytes: entry.digests.bytes,
        sha256: entry.digests.sha256,
        blake3: entry.digests.blake3,
        index,
    })
}

/// The object, read to its end, and what the store says that it is.
async fn read(node: &Node, bucket: &DataAddress, progress: &Progress) -> Result<(Receiving, String), Failure> {
    let Ok(Target::S3(target)) = Target::read(S3_PUSH, Some(bucket)) else {
        return Err(Failure::failed("the address of the push names no bucket"));
    };
    // What the store says itself may show what was signed.
    let told = |error: &object_store::Error| match error {
        object_store::Error::NotFound { .. } => {
            Failure::failed("the provider says that the push is complete, and there is no such object in the bucket")
        }
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            Failure::refused("the push is complete; the key of the bucket does not let this connector read it back")
        }
        _ => Failure::unreachable("the push is complete; the bucket could not be read back"),
    };
    let store = open_bucket(&target, &node.client).map_err(|e| told(&e))?;
    let got = store
        .get_opts(&target.key, GetOptions::default())
        .await
        .map_err(|e| told(&e))?;
    let media_type = got
        .attributes
        .get(&Attribute::ContentType)
        .map(|value| value.as_ref().to_owned());
    let (size, mut pieces) = (got.meta.size, got.into_stream());
    let limit_bytes = node.config.limits.payload_bytes;
    if size > limit_bytes {
        let text = format!("the object has {size} bytes, more than the {limit_bytes} of `limits.payload_bytes`");
        return Err(Failure::refused(text));
    }
    let mut receiving = node.payloads.receive()?;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|e| told(&e))?;
        // A store may say one thing and give another, without end.
        if receiving.bytes().saturating_add(piece.len() as u64) > size {
            return Err(Failure::failed(format!(
                "the object has {size} bytes, and its store gave more"
            )));
        }
        receiving.write(&piece)?;
        progress.step("pull", receiving.bytes(), Some(size), Unit::Bytes);
    }
    Ok((
        receiving,
        media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
    ))
}
