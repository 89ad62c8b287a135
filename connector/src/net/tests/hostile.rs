//! Peers that are slow, absent, torn or lying about where they are.

use super::client::site;
use super::{Authority, client, get, patient, short};
use crate::net::address::{AddressGuard, Rule};
use crate::net::client::{ClientLimits, ClientSettings, GuardedClient, resolve};
use crate::net::error::{ClientError, Phase};
use crate::net::fault::ResolveFault;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

#[tokio::test]
async fn slowness_is_named_after_what_was_slow() {
    let (authority, site) = site().await;
    let impatient = client(&authority, short());
    for path in ["/silent", "/stalling"] {
        let error = get(&impatient, site.url(path)).await.unwrap_err();
        assert!(
            matches!(
                error,
                ClientError::Slow {
                    phase: Phase::Idle,
                    limit_ms: 400,
                    ..
                }
            ),
            "{path}: {error}"
        );
    }
    let hurried = client(
        &authority,
        ClientLimits {
            total: Duration::from_secs(1),
            ..patient()
        },
    );
    for path in ["/silent", "/dribbling"] {
        let error = get(&hurried, site.url(path)).await.unwrap_err();
        assert!(
            matches!(
                error,
                ClientError::Slow {
                    phase: Phase::Total,
                    limit_ms: 1000,
                    ..
                }
            ),
            "{path}: {error}"
        );
    }
    // Accepts, and never says a word of TLS.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connecting = client(
        &authority,
        ClientLimits {
            connect: Duration::from_millis(300),
            ..patient()
        },
    );
    let url = format!("https://localhost:{}/", mute.local_addr().unwrap().port());
    let error = get(&connecting, url).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Slow {
                phase: Phase::Connect,
                limit_ms: 300,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_there_is_down_and_a_torn_answer_is_broken() {
    let authority = Authority::new();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let strict = client(&authority, patient());
    let error = get(&strict, format!("https://localhost:{}/", address.port()))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Down { .. }), "{error}");
    let plain = plain_client(&authority);
    for (answer, what) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"half\":", "cut off"),
        ("GOPHER ready\r\n\r\n", "not HTTP"),
        ("", "nothing at all"),
    ] {
        let torn = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/", torn.local_addr().unwrap().port());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = torn.accept().await.unwrap();
            let mut head = [0u8; 1024];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut head).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let error = get(&plain, url).await.unwrap_err();
        assert!(matches!(error, ClientError::Broken { .. }), "{what}: {error}");
        serving.await.unwrap();
    }
}

fn plain_client(authority: &Authority) -> GuardedClient {
    GuardedClient::new(&ClientSettings {
        ca_files: vec![authority.ca_file.clone()],
        system_authorities_too: false,
        allow_private_addresses: true,
        plain_http_for_development: true,
        limits: patient(),
    })
    .unwrap()
}

#[tokio::test]
async fn urls_that_may_not_be_called_are_refused_before_anything_is_sent() {
    let authority = Authority::new();
    let client = client(&authority, patient());
    let call = async |url: &str| get(&client, url).await.unwrap_err();
    assert!(matches!(call("http://localhost:1/").await, ClientError::Scheme { scheme, .. } if scheme == "http"));
    assert!(matches!(call("file:///etc/passwd").await, ClientError::Url { .. }));
    assert!(matches!(call("ftp://localhost/").await, ClientError::Scheme { .. }));
    assert!(matches!(call("not a url").await, ClientError::Url { .. }));
    let error = call("https://me:secret@localhost/").await;
    assert!(
        matches!(error, ClientError::Url { .. }) && !error.to_string().contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn forbidden_addresses_are_never_connected_to() {
    let authority = Authority::new();
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = trap.local_addr().unwrap().port();
    let sprung = Arc::new(AtomicBool::new(false));
    let noticed = Arc::clone(&sprung);
    let watching = tokio::spawn(async move {
        let _connection = trap.accept().await;
        noticed.store(true, Ordering::SeqCst);
    });
    let strict = GuardedClient::new(&ClientSettings {
        ca_files: vec![authority.ca_file.clone()],
        limits: patient(),
        ..ClientSettings::default()
    })
    .unwrap();
    // By name, as a literal, and in the disguises that URL parsers know for 127.0.0.1.
    for host in [
        "localhost",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let error = get(&strict, format!("https://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, ClientError::ForbiddenAddress { .. }), "{host}: {error}");
    }
    assert!(!sprung.load(Ordering::SeqCst), "a forbidden address was connected to");
    watching.abort();
}

#[tokio::test]
async fn the_resolver_hands_on_only_what_it_checked() {
    let open = AddressGuard { allow_private: true };
    let strict = AddressGuard { allow_private: false };
    let found = resolve("localhost".to_owned(), open).await.unwrap();
    assert!(found.iter().all(|a| a.ip().is_loopback()) && !found.is_empty());
    let refused = resolve("localhost".to_owned(), strict).await.unwrap_err();
    assert!(matches!(
        refused,
        ResolveFault::Forbidden {
            rule: Rule::Loopback,
            ..
        }
    ));
}

#[tokio::test]
async fn a_name_without_an_address_is_told_apart_from_a_host_that_is_down() {
    let authority = Authority::new();
    // A label of more than 63 characters: the resolver refuses it without asking the network (RFC 1035 section 2.3.4).
    let host = format!("{}.example", "a".repeat(70));
    let error = get(&plain_client(&authority), format!("http://{host}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::NameNotFound { .. }), "{error}");
    // No certificate can be for such a name, so over TLS it is not even looked for.
    let error = get(&client(&authority, patient()), format!("https://{host}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Url { .. }), "{error}");
}
