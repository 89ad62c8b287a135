use super::{Authority, Leaf, Site, client, get, patient, secured};
use crate::net::error::{ServerError, TlsError};
use crate::net::server::{Listener, Security, ServerLimits};
use crate::net::tls::server_config;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;

/// A second at most for what takes thirty in production.
fn hurried() -> ServerLimits {
    ServerLimits {
        handshake: Duration::from_millis(300),
        header: Duration::from_millis(300),
        body: Duration::from_millis(300),
        write: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        drain: Duration::from_secs(20),
        ..ServerLimits::default()
    }
}

fn hello() -> Router {
    Router::new()
        .route(
            "/",
            routing::get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        )
        .route(
            "/body",
            routing::post(|body: Bytes| async move { body.len().to_string() }),
        )
}

async fn all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end too: the server closes while our bytes are still under way.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_port_in_use_says_which_and_what_to_do() {
    let first = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = first.local_address();
    assert_ne!(address.port(), 0);
    let error = Listener::bind(address).await.unwrap_err();
    assert!(matches!(error, ServerError::PortInUse { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&address.port().to_string()) && text.contains("`[listen]`"),
        "{text}"
    );
    let elsewhere = Listener::bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err();
    assert!(matches!(elsewhere, ServerError::NoSuchAddress { .. }), "{elsewhere}");
}

#[tokio::test]
async fn callers_are_known_by_their_address() {
    let authority = Authority::new();
    let site = Site::tls(&authority, Leaf::Right, hello()).await;
    let answer = get(&client(&authority, patient()), site.url("/")).await.unwrap();
    assert_eq!(&answer.body[..], b"127.0.0.1");
}

#[tokio::test]
async fn whoever_stalls_before_or_in_the_head_is_let_go() {
    let authority = Authority::new();
    let secure = Site::start(secured(&authority, Leaf::Right), hello(), hurried()).await;
    let plain = Site::start(Security::PlainForDevelopment, hello(), hurried()).await;
    for (address, said) in [
        (secure.address, &b""[..]),
        (secure.address, &b"\x16\x03"[..]),
        (plain.address, &b""[..]),
        (plain.address, &b"GET / HTTP/1.1\r\nHost: a\r\nX: "[..]),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        // Ends only because the server closes: there is no time limit of ours here.
        assert!(!all(&mut stream).await.contains("200 OK"));
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let site = Site::start(Security::PlainForDevelopment, hello(), hurried()).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream
        .write_all(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        .await
        .unwrap();
    let answer = all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

async fn post(address: SocketAddr, bytes: usize) -> String {
    post_from("127.0.0.1", address, bytes).await
}

async fn post_from(from: &str, address: SocketAddr, bytes: usize) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!("POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {bytes}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may answer and close before it has read all of it.
    let _ = stream.write_all(&vec![b'x'; bytes]).await;
    all(&mut stream).await
}

/// Keeps bodies of more than `above` bytes, and says so to the first, until it is told to go on by the second.
fn keeping(above: usize, begun: &Arc<Notify>, go: &Arc<Notify>) -> Router {
    let inside = (Arc::clone(begun), Arc::clone(go));
    let keep = move |body: Bytes| {
        let (begun, go) = inside.clone();
        async move {
            if body.len() > above {
                begun.notify_one();
                go.notified().await;
            }
            body.len().to_string()
        }
    };
    Router::new().route("/body", routing::post(keep))
}

#[tokio::test]
async fn one_host_cannot_take_the_memory_for_bodies_from_another() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let limits = ServerLimits {
        bodies_bytes: 1000,
        bodies_of_one_bytes: 500,
        ..ServerLimits::default()
    };
    let site = Site::start(Security::PlainForDevelopment, keeping(450, &begun, &go), limits).await;
    let address = site.address;
    let kept = tokio::spawn(post(address, 500));
    begun.notified().await;
    let refused = post(address, 1).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(post_from("127.0.0.2", address, 400).await.ends_with("400"));
    go.notify_one();
    assert!(kept.await.unwrap().ends_with("500"));
    assert!(post(address, 400).await.ends_with("400"));
}

#[tokio::test]
async fn bodies_in_memory_are_bounded_over_all_connections_and_given_back() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = keeping(500, &begun, &go);
    let limits = ServerLimits {
        bodies_bytes: 1000,
        bodies_of_one_bytes: 1000,
        ..ServerLimits::default()
    };
    let site = Site::start(Security::PlainForDevelopment, router, limits).await;
    let address = site.address;
    // Kept by a handler that has not answered yet: 800 of the 1,000.
    let kept = tokio::spawn(post(address, 800));
    begun.notified().await;
    assert!(post(address, 200).await.ends_with("200"));
    let refused = post(address, 201).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after: 2"), "{refused}");
    go.notify_one();
    assert!(kept.await.unwrap().ends_with("800"));
    assert!(post(address, 400).await.ends_with("400"));
}

#[tokio::test]
async fn whoever_does_not_read_the_answer_is_let_go() {
    let served = Arc::new(Notify::new());
    let dropped = Arc::clone(&served);
    struct Told(Arc<Notify>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let endless = Router::new().route(
        "/",
        routing::get(move || {
            let told = Told(Arc::clone(&dropped));
            async move {
                let parts = futures_util::stream::unfold(told, |told| async move {
                    Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(&[0; 65536])), told))
                });
                axum::body::Body::from_stream(parts)
            }
        }),
    );
    let site = Site::start(Security::PlainForDevelopment, endless, hurried()).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    served.notified().await;
    drop(stream);
}

#[tokio::test]
async fn an_http2_connection_that_asks_nothing_is_closed() {
    let authority = Authority::new();
    let site = Site::start(secured(&authority, Leaf::Right), hello(), hurried()).await;
    let roots = crate::net::tls::client_config(std::slice::from_ref(&authority.ca_file)).unwrap();
    let tcp = TcpStream::connect(site.address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut tls = tokio_rustls::TlsConnector::from(Arc::new(roots))
        .connect(name, tcp)
        .await
        .unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    // The preface and an empty SETTINGS (RFC 9113 sections 3.4 and 6.5), and then nothing.
    tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = tls.read_to_end(&mut said).await;
    assert!(!said.is_empty());
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_served_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (Arc::clone(&now), Arc::clone(&most));
    let router = Router::new().route(
        "/",
        routing::get(move || {
            let (now, most) = counters.clone();
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                "done"
            }
        }),
    );
    let limits = ServerLimits {
        connections: 2,
        ..ServerLimits::default()
    };
    let site = Site::start(Security::PlainForDevelopment, router, limits).await;
    let calls = (0..12).map(|_| async {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(all(&mut stream).await.ends_with("done"));
    });
    futures_util::future::join_all(calls).await;
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn stopping_lets_requests_under_way_finish_and_frees_the_port() {
    let authority = Authority::new();
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let inside = (Arc::clone(&begun), Arc::clone(&go));
    let router = Router::new().route(
        "/",
        routing::get(move || {
            let (begun, go) = inside.clone();
            async move {
                begun.notify_one();
                go.notified().await;
                "finished"
            }
        }),
    );
    let mut site = Site::tls(&authority, Leaf::Right, router).await;
    let (client, url) = (client(&authority, patient()), site.url("/"));
    let asking = tokio::spawn(async move { get(&client, url).await });
    begun.notified().await;
    site.stop.cancel();
    go.notify_one();
    let answer = asking.await.unwrap().unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"finished"[..]));
    (&mut site.running).await.unwrap();
    assert_eq!(
        Listener::bind(site.address).await.unwrap().local_address(),
        site.address
    );
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let authority = Authority::new();
    let begun = Arc::new(Notify::new());
    let inside = Arc::clone(&begun);
    let router = Router::new().route(
        "/",
        routing::get(move || {
            inside.notify_one();
            std::future::pending::<String>()
        }),
    );
    let limits = ServerLimits {
        drain: Duration::from_millis(100),
        ..ServerLimits::default()
    };
    let mut site = Site::start(secured(&authority, Leaf::Right), router, limits).await;
    let (client, url) = (client(&authority, patient()), site.url("/"));
    let asking = tokio::spawn(async move { get(&client, url).await });
    begun.notified().await;
    site.stop.cancel();
    (&mut site.running).await.unwrap();
    assert!(asking.await.unwrap().is_err());
}

#[test]
fn certificate_files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let (chain, key) = authority.issue(Leaf::Right);
    let missing = chain.with_file_name("nowhere.pem");
    assert!(matches!(server_config(&missing, &key), Err(TlsError::Read { path, .. }) if path == missing));
    assert!(matches!(
        server_config(&key, &key),
        Err(TlsError::Content {
            what: "certificate file",
            ..
        })
    ));
    assert!(matches!(
        server_config(&chain, &chain),
        Err(TlsError::Content { what: "key file", .. })
    ));
    let stranger = Authority::new();
    let (_, other) = stranger.issue(Leaf::Right);
    assert!(matches!(server_config(&chain, &other), Err(TlsError::Pair { .. })));
}
