//! Bodies that a store takes slowly, or not at all; and long answers to what was sent.

use super::super::client::{ClientLimits, ClientSettings, GuardedClient};
use super::super::error::{ClientError, Phase};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

/// More than a connection holds in its buffers.
const BODY: usize = 24 << 20;

fn client(idle: Duration) -> GuardedClient {
    GuardedClient::new(&ClientSettings {
        allow_private_addresses: true,
        plain_http_for_development: true,
        limits: ClientLimits {
            idle,
            ..ClientLimits::default()
        },
        ..ClientSettings::default()
    })
    .unwrap()
}

fn serve<T: Send + 'static>(with: impl FnOnce(TcpStream) -> T + Send + 'static) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/part", listener.local_addr().unwrap());
    (base, std::thread::spawn(move || with(listener.accept().unwrap().0)))
}

fn put() -> Bytes {
    vec![7; BODY].into()
}

#[tokio::test]
async fn a_part_that_is_taken_slowly_is_sent_whole() {
    let idle = Duration::from_secs(1);
    let (base, taken) = serve(move |mut stream| {
        let (mut piece, mut taken, begun) = (vec![0; 1 << 20], 0, std::time::Instant::now());
        while taken < BODY {
            let n = stream.read(&mut piece).unwrap();
            assert!(n > 0, "it broke off after {taken} bytes");
            taken += n;
            // As slow as a line of that speed: longer in all than a pause may be.
            let due = Duration::from_millis((taken >> 20) as u64 * 100);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        let answered = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        answered.unwrap();
        begun.elapsed()
    });
    let answer = client(idle)
        .any_stream(Method::PUT, &base, HeaderMap::new(), put())
        .await;
    assert_eq!(answer.unwrap().status, StatusCode::OK);
    assert!(taken.join().unwrap() > idle);
}

#[tokio::test]
async fn a_store_that_takes_nothing_more_does_not_hold_this_end() {
    let (base, held) = serve(|stream| stream);
    let idle = Duration::from_millis(400);
    let call = client(idle)
        .any_stream(Method::PUT, &base, HeaderMap::new(), put())
        .await;
    let Err(ClientError::Slow { phase, .. }) = call else {
        panic!("{call:?}")
    };
    assert_eq!(phase, Phase::Idle);
    drop(held.join().unwrap());
}

#[tokio::test]
async fn a_long_answer_to_what_was_sent_is_an_answer() {
    let (base, done) = serve(|mut stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"data") {
            let mut one = [0];
            stream.read_exact(&mut one).unwrap();
            head.push(one[0]);
        }
        let answered = stream.write_all(b"HTTP/1.1 201 x\r\nContent-Length: 99999999999\r\n\r\n");
        answered.unwrap();
        stream
    });
    let call = client(Duration::from_secs(20));
    let mut headers = HeaderMap::new();
    headers.insert("content-length", 4.into());
    let answer = call
        .send_stream(Method::POST, &base, headers, "data".into())
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::CREATED);
    // What is read of it has an end all the same.
    assert!(matches!(answer.whole().await, Err(ClientError::TooBig { .. })));
    drop(done.join().unwrap());
}
