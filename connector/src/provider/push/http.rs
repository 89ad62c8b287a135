//! To an HTTP endpoint: one request whose body is the data. It counts as delivered when the receiver says so after it has had all.

use super::attempt::{Failed, Sending};
use super::target::HttpTarget;
use crate::http::data::sending;
use crate::net::client::{GuardedClient, Streaming};
use crate::net::error::ClientError;
use crate::provider::access::{AGREEMENT, TRANSACTION};
use crate::sources::Reading;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

/// How long the connection has to say why it takes no more.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) async fn deliver(
    sending: &Sending<'_>,
    client: &GuardedClient,
    target: &HttpTarget,
    reading: Reading,
) -> Result<(), Failed> {
    let headers = headers(sending, target).map_err(Failed::Final)?;
    let (sender, body) = sending::body(sending.opened);
    let body = reqwest::Body::wrap_stream(body.into_data_stream());
    let call = client.send_stream(target.method.clone(), target.url.as_str(), headers, body);
    let made = sending::send(
        sending.node,
        sending.opened,
        reading,
        sender,
        sending::STALLED,
        sending.trace,
    );
    tokio::pin!(call, made);
    let answer = tokio::select! {
        // What the receiver says counts before what the sending looks like from here.
        biased;
        answer = &mut call => {
            judge(answer)?;
            // Bytes that were not asked for any more are not delivered, whatever the receiver says.
            return match tokio::time::timeout(LAST_WORDS, made).await {
                Ok(Ok(())) => Ok(()),
                _ => Err(Failed::Passing("the receiver answered before it had all".to_owned())),
            };
        }
        sent = &mut made => match sent {
            Ok(()) => tokio::time::timeout(client.message_time(), call).await,
            Err(broke) if broke.for_good => return Err(broke.into()),
            Err(broke) => {
                return Err(match tokio::time::timeout(LAST_WORDS, call).await.map(judge) {
                    Ok(Err(failed)) if !sending.opened.is_stopped() => failed,
                    _ => broke.into(),
                });
            }
        },
    };
    let slow = |_| {
        Failed::Passing(format!(
            "the receiver took all and did not answer within {} ms",
            client.message_time().as_millis()
        ))
    };
    judge(answer.map_err(slow)?)
}

fn headers(sending: &Sending<'_>, target: &HttpTarget) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|e| e.to_string());
    headers.insert(header::CONTENT_TYPE, value(&sending.opened.media_type())?);
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(length) = sending.opened.length() {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    if let Some(known) = sending.opened.digests() {
        let digest = hex::decode(&known.sha256).map_err(|e| e.to_string())?;
        let digest = value(&format!("sha-256=:{}:", STANDARD.encode(digest)))?;
        // RFC 9530. The receiver can check by it that it has what is recorded.
        headers.insert("content-digest", digest.clone());
        headers.insert("repr-digest", digest);
    }
    // The same in every attempt: by it a receiver knows what it has already.
    headers.insert(TRANSACTION, value(sending.transaction)?);
    headers.insert(AGREEMENT, value(sending.agreement)?);
    if let Some((name, shown)) = &target.shown {
        headers.insert(name.clone(), shown.clone());
    }
    Ok(headers)
}

/// What the receiver's answer means. Nothing of what it says is passed on: whoever chose the address could read by it what is there.
pub(super) fn judge(answer: Result<Streaming, ClientError>) -> Result<(), Failed> {
    let answer = answer.map_err(|error| {
        tracing::warn!(%error, "a receiver of a push could not be called");
        let why = format!("the receiver could not be called: {}", error.class());
        if error.is_passing() {
            Failed::Passing(why)
        } else {
            Failed::Final(why)
        }
    })?;
    let why = || format!("the receiver answered with HTTP status {}", answer.status.as_u16());
    match answer.status {
        // It answered for somebody who may still refuse.
        StatusCode::NON_AUTHORITATIVE_INFORMATION => Err(Failed::Final(why())),
        status if status.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failed::Passing(why()))
        }
        status if status.is_server_error() => Err(Failed::Passing(why())),
        _ => Err(Failed::Final(why())),
    }
}
