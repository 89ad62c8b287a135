//! To an object in a bucket. Larger ones in parts: the object comes into being when the last part is there and the digest is known to
//! be right, so that half of one is never there under its name.

use super::attempt::{Failed, Sending};
use super::target::S3Target;
use crate::http::data::sending;
use crate::net::client::GuardedClient;
use crate::net::error::ClientError;
use crate::sources::{Key, Reading, bucket};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{Attribute, Attributes, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// A store takes no smaller parts, but for the last, and at most [`MOST_PARTS`].
const PART_BYTES: u64 = 5 << 20;
const MOST_PARTS: u64 = 10_000;
/// How long the next piece may wait for a part that is on its way: the client that sends that watches whether it is taken.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn open(target: &S3Target, client: &Arc<GuardedClient>) -> object_store::Result<AmazonS3> {
    let key = Key {
        access_key_id: &target.access_key_id,
        secret_access_key: &target.secret_access_key,
        session_token: target.session_token.as_ref().map(|token| token.as_str()),
    };
    bucket(target.base(), &target.region, &target.bucket, key, client.clone())
}

pub(super) async fn deliver(
    sending: &Sending<'_>,
    client: &Arc<GuardedClient>,
    target: &S3Target,
    reading: Reading,
) -> Result<(), Failed> {
    let unusable = |_| Failed::Final("the store's address cannot be used".to_owned());
    let store = open(target, client).map_err(unusable)?;
    let part_bytes = sending
        .opened
        .length()
        .map_or(PART_BYTES, |length| (length / MOST_PARTS + 1).max(PART_BYTES));
    let (sender, body) = sending::body(sending.opened);
    let pieces = body.into_data_stream();
    let upload = upload(&store, &target.key, sending.opened.media_type(), part_bytes, pieces);
    let made = sending::send(sending.node, sending.opened, reading, sender, PATIENCE, sending.trace);
    let (uploaded, made) = tokio::join!(upload, made);
    match (uploaded, made) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(Broken::Store(error)), _) => Err(told(&error)),
        (_, Err(broke)) => Err(broke.into()),
        (Err(Broken::Cut), Ok(())) => Err(Failed::Passing("the push broke off".to_owned())),
    }
}

/// Why an upload did not come to its end.
enum Broken {
    /// The store.
    Store(object_store::Error),
    /// What is uploaded ended too early.
    Cut,
}

impl From<object_store::Error> for Broken {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

/// An upload in parts. If it does not come to its end, the store is told to forget what it has, also when whoever uploads is gone.
struct Parts(Option<Box<dyn MultipartUpload>>);

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(mut upload) = self.0.take() {
            tokio::spawn(async move {
                if upload.abort().await.is_err() {
                    tracing::warn!("a store could not be told to forget an upload that broke off");
                }
            });
        }
    }
}

async fn upload<E>(
    store: &AmazonS3,
    key: &Path,
    media_type: String,
    part_bytes: u64,
    mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<(), Broken> {
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::ContentType, media_type.into());
    let (mut part, mut parts) = (BytesMut::new(), Parts(None));
    while let Some(piece) = pieces.next().await {
        part.extend_from_slice(&piece.map_err(|_| Broken::Cut)?);
        if part.len() as u64 >= part_bytes {
            if parts.0.is_none() {
                let options = PutMultipartOptions {
                    attributes: attributes.clone(),
                    ..Default::default()
                };
                parts.0 = Some(store.put_multipart_opts(key, options).await?);
            }
            if let Some(upload) = &mut parts.0 {
                upload.put_part(part.split().freeze().into()).await?;
            }
        }
    }
    let Some(upload) = &mut parts.0 else {
        let options = PutOptions {
            attributes,
            ..Default::default()
        };
        store.put_opts(key, part.freeze().into(), options).await?;
        return Ok(());
    };
    if !part.is_empty() {
        upload.put_part(part.freeze().into()).await?;
    }
    upload.complete().await?;
    // It is there: nothing is left to be forgotten.
    parts.0 = None;
    Ok(())
}

/// The store's answer in our words; its own name what was signed, and are not even logged.
fn told(error: &object_store::Error) -> Failed {
    use object_store::Error as Store;
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = source {
        if let Some(error) = one.downcast_ref::<ClientError>() {
            tracing::warn!(%error, "the store of a push could not be called");
            let why = format!("the store could not be called: {}", error.class());
            return if error.is_passing() {
                Failed::Passing(why)
            } else {
                Failed::Final(why)
            };
        }
        source = one.source();
    }
    match error {
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => {
            Failed::Final("the store does not let this connector in".to_owned())
        }
        Store::NotFound { .. } => Failed::Final("the store has no such bucket".to_owned()),
        _ => Failed::Passing("the store gave no usable answer".to_owned()),
    }
}
