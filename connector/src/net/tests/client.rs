use super::{Authority, Leaf, Site, client, get, patient, short};
use crate::net::client::{CallLimits, ClientSettings, GuardedClient, Streaming};
use crate::net::error::{ClientError, Phase, TlsError, TlsFault};
use crate::net::server::{Security, ServerLimits};
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{self, post};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Version, header};
use std::convert::Infallible;
use std::time::Duration;

fn endless() -> Body {
    Body::from_stream(stream::repeat_with(|| {
        Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 300]))
    }))
}

/// A little, and then nothing more for ever.
fn stalling() -> Body {
    let begin = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
    Body::from_stream(begin.chain(stream::pending()))
}

/// Never silent for long, never done.
fn dribbling() -> Body {
    Body::from_stream(stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    }))
}

fn routes() -> Router {
    Router::new()
        .route("/json", routing::get(|| async { r#"{"a":1}"# }))
        .route(
            "/version",
            routing::get(|version: Version| async move { format!("{version:?}") }),
        )
        .route("/twice", routing::get(|| async { r#"{"a":1,"a":2}"# }))
        .route(
            "/echo",
            post(|headers: HeaderMap, body: String| async move {
                (
                    StatusCode::CREATED,
                    [(header::CONTENT_TYPE, headers[header::CONTENT_TYPE].clone())],
                    body,
                )
            }),
        )
        .route(
            "/refused",
            routing::get(|| async { (StatusCode::FORBIDDEN, "the purpose\n is not allowed") }),
        )
        .route(
            "/away",
            routing::get(|| async { Redirect::temporary("http://169.254.169.254/latest?token=secret") }),
        )
        .route("/big", routing::get(|| async { "x".repeat(1001) }))
        .route("/fits", routing::get(|| async { "x".repeat(1000) }))
        .route("/endless", routing::get(|| async { endless() }))
        .route("/stalling", routing::get(|| async { stalling() }))
        .route("/dribbling", routing::get(|| async { dribbling() }))
        .route("/silent", routing::get(std::future::pending::<String>))
        .route(
            "/compute",
            post(|body: String| async move {
                tokio::time::sleep(Duration::from_millis(900)).await;
                body.repeat(2000)
            }),
        )
}

pub(super) async fn site() -> (Authority, Site) {
    let authority = Authority::new();
    let site = Site::tls(&authority, Leaf::Right, routes()).await;
    (authority, site)
}

#[tokio::test]
async fn a_trusted_server_is_read_over_http2() {
    let (authority, site) = site().await;
    let client = client(&authority, patient());
    let answer = get(&client, site.url("/json")).await.unwrap().success().unwrap();
    assert_eq!(answer.json().unwrap(), serde_json::json!({"a": 1}));
    let version = get(&client, site.url("/version")).await.unwrap();
    assert_eq!(&version.body[..], b"HTTP/2.0");
}

#[tokio::test]
async fn a_post_carries_its_body_and_headers_and_any_status_comes_back() {
    let (authority, site) = site().await;
    let client = client(&authority, patient());
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/jwt"))]);
    let answer = client
        .post_json(&site.url("/echo"), headers, Bytes::from_static(b"body"))
        .await
        .unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::CREATED, &b"body"[..]));
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/jwt");
    let answer = get(&client, site.url("/refused")).await.unwrap();
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let error = answer.success().unwrap_err();
    let ClientError::Status {
        host,
        status: 403,
        excerpt,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(host, format!("localhost:{}", site.address.port()));
    assert_eq!(excerpt, "the purpose  is not allowed");
}

#[tokio::test]
async fn ambiguous_json_is_refused() {
    let (authority, site) = site().await;
    let answer = get(&client(&authority, patient()), site.url("/twice")).await.unwrap();
    assert!(matches!(answer.json(), Err(ClientError::NotJson { .. })));
}

#[tokio::test]
async fn each_wrong_certificate_is_told_apart() {
    let stranger = Authority::new();
    for (leaf, expected) in [
        (Leaf::OtherName, TlsFault::WrongName),
        (Leaf::Expired, TlsFault::Expired),
        (Leaf::NotYetValid, TlsFault::NotYetValid),
    ] {
        let authority = Authority::new();
        let site = Site::tls(&authority, leaf, routes()).await;
        let error = get(&client(&authority, patient()), site.url("/json"))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ClientError::Tls { fault, .. } if *fault == expected),
            "{error}"
        );
    }
    let (_, site) = site().await;
    let error = get(&client(&stranger, patient()), site.url("/json")).await.unwrap_err();
    assert!(
        matches!(
            &error,
            ClientError::Tls {
                fault: TlsFault::UnknownIssuer,
                ..
            }
        ),
        "{error}"
    );
    // Without CA files it is this machine's own authorities that are asked, and they do not know ours either.
    let own = ClientSettings {
        allow_private_addresses: true,
        ..ClientSettings::default()
    };
    match GuardedClient::new(&own) {
        Ok(client) => {
            let error = get(&client, site.url("/json")).await.unwrap_err();
            assert!(
                matches!(
                    &error,
                    ClientError::Tls {
                        fault: TlsFault::UnknownIssuer,
                        ..
                    }
                ),
                "{error}"
            );
        }
        Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
    }
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_fault_and_not_data() {
    let authority = Authority::new();
    let site = Site::start(Security::PlainForDevelopment, routes(), ServerLimits::default()).await;
    let error = get(&client(&authority, patient()), site.url("/json"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            ClientError::Tls {
                fault: TlsFault::Other(_),
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn redirects_are_refused_without_telling_their_secrets() {
    let (authority, site) = site().await;
    let error = get(&client(&authority, patient()), site.url("/away"))
        .await
        .unwrap_err();
    let ClientError::Redirect { status: 307, to, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(to, "http://169.254.169.254/latest");
}

#[tokio::test]
async fn bodies_are_read_up_to_the_limit_and_not_past_it() {
    let (authority, site) = site().await;
    let client = client(&authority, patient());
    assert_eq!(get(&client, site.url("/fits")).await.unwrap().body.len(), 1000);
    for path in ["/big", "/endless"] {
        let error = get(&client, site.url(path)).await.unwrap_err();
        assert!(
            matches!(error, ClientError::TooBig { limit_bytes: 1000, .. }),
            "{path}: {error}"
        );
    }
}

/// Bytes handed out, and how it ended.
async fn drain(mut streaming: Streaming) -> (usize, Result<(), ClientError>) {
    let mut got = 0;
    loop {
        match streaming.chunk().await {
            Ok(Some(part)) => got += part.len(),
            Ok(None) => return (got, Ok(())),
            Err(error) => return (got, Err(error)),
        }
    }
}

#[tokio::test]
async fn a_call_with_limits_of_its_own_waits_and_reads_as_far_as_those_say() {
    let (authority, site) = site().await;
    // A message may pause for 400 ms and have 1,000 bytes; this answer begins after 900 ms and has 2,000.
    let client = client(&authority, short());
    let (url, body) = (site.url("/compute"), Bytes::from_static(b"x"));
    let call = async |total: Duration, body_bytes: u64| {
        let within = CallLimits { total, body_bytes };
        client.post_within(&url, HeaderMap::new(), body.clone(), within).await
    };
    let long = Duration::from_secs(20);
    assert_eq!(call(long, 2000).await.unwrap().body.len(), 2000);
    let error = call(long, 1999).await.unwrap_err();
    assert!(
        matches!(error, ClientError::TooBig { limit_bytes: 1999, .. }),
        "{error}"
    );
    let error = call(Duration::from_millis(300), 2000).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Slow {
                phase: Phase::Total,
                limit_ms: 300,
                ..
            }
        ),
        "{error}"
    );
    let error = client
        .message(http::Method::POST, &url, HeaderMap::new(), body.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Slow { phase: Phase::Idle, .. }), "{error}");
}

#[tokio::test]
async fn what_may_be_told_to_anybody_says_nothing_of_what_came_back() {
    let (authority, site) = site().await;
    let answer = get(&client(&authority, patient()), site.url("/refused")).await.unwrap();
    let error = answer.success().unwrap_err();
    assert!(error.to_string().contains("not allowed") && !error.class().contains("not allowed"));
}

#[tokio::test]
async fn a_stream_hands_out_nothing_past_its_limit() {
    let (authority, site) = site().await;
    let client = client(&authority, patient());
    let streaming = client
        .get_stream(&site.url("/fits"), HeaderMap::new(), 1000)
        .await
        .unwrap();
    assert_eq!(streaming.stated_bytes, Some(1000));
    let (got, ended) = drain(streaming).await;
    assert!(got == 1000 && ended.is_ok());
    let streaming = client
        .get_stream(&site.url("/endless"), HeaderMap::new(), 100_000)
        .await
        .unwrap();
    let (got, ended) = drain(streaming).await;
    let error = ended.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::TooBig {
                limit_bytes: 100_000,
                ..
            }
        ),
        "{error}"
    );
    assert!(got <= 100_000);
    let refused = client
        .get_stream(&site.url("/refused"), HeaderMap::new(), 1 << 40)
        .await
        .unwrap();
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.whole().await.unwrap().success().is_err());
}

#[tokio::test]
async fn named_authorities_can_be_trusted_beside_this_machines() {
    let (authority, site) = site().await;
    let both = GuardedClient::new(&ClientSettings {
        ca_files: vec![authority.ca_file.clone()],
        system_authorities_too: true,
        allow_private_addresses: true,
        ..ClientSettings::default()
    })
    .unwrap();
    assert!(get(&both, site.url("/json")).await.is_ok());
    let stranger = Authority::new();
    let elsewhere = Site::tls(&stranger, Leaf::Right, routes()).await;
    let error = get(&both, elsewhere.url("/json")).await.unwrap_err();
    assert!(
        matches!(
            &error,
            ClientError::Tls {
                fault: TlsFault::UnknownIssuer,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn ca_files_that_cannot_be_used_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let build = || {
        GuardedClient::new(&ClientSettings {
            ca_files: vec![path.clone()],
            ..ClientSettings::default()
        })
        .unwrap_err()
    };
    assert!(matches!(build(), TlsError::Read { .. }));
    std::fs::write(&path, "not PEM").unwrap();
    let error = build();
    assert!(
        matches!(error, TlsError::Content { .. }) && error.to_string().contains("ca.pem"),
        "{error}"
    );
}
