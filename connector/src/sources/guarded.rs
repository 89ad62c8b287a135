//! The S3 client's network is ours: every call goes through the guarded client.

use crate::net::client::GuardedClient;
use crate::net::error::ClientError;
use crate::net::guarded_stream;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Calls by way of the guarded client.
#[derive(Debug, Clone)]
pub(super) struct Guarded(pub(super) Arc<GuardedClient>);

impl HttpConnector for Guarded {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Guarded {
    fn call<'life0, 'async_trait>(
        &'life0 self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let url = head.uri.to_string();
            let answer = self.0.any_stream(head.method, &url, head.headers, body).await;
            let answer = answer.map_err(|e| HttpError::new(kind(&e), e))?;
            let (status, headers) = (answer.status, answer.headers.clone());
            let pieces = guarded_stream(answer).map(|piece| piece.map_err(|e| HttpError::new(kind(&e), e)));
            let mut response = http::Response::new(HttpResponseBody::new(Pieces(Mutex::new(pieces.boxed()))));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

/// What may be tried again: that nobody answered. An address that may not be called stays so.
fn kind(error: &ClientError) -> HttpErrorKind {
    match error {
        ClientError::Down { .. } | ClientError::NameNotFound { .. } => HttpErrorKind::Connect,
        ClientError::Slow { .. } => HttpErrorKind::Timeout,
        ClientError::Broken { .. } => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    }
}

/// A stream as a body; the lock makes it shareable and is never waited for.
struct Pieces(Mutex<BoxStream<'static, Result<Bytes, HttpError>>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let pieces = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        pieces
            .poll_next_unpin(context)
            .map(|next| next.map(|piece| piece.map(Frame::data)))
    }
}
