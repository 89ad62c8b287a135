//! A store that answers without end: what is read of it has one.

use super::super::{Key, bucket};
use crate::net::tests::plain_client;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore as _, PutMultipartOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use tokio::task::{JoinHandle, spawn_blocking};

/// What a reader may let come: its limit, and what lies in the buffers of a connection.
const MOST: usize = 64 << 20;

/// Answers one request with this status and [`MOST`] bytes, without saying how many; gives how many were taken.
fn endless(status: u16) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let taken = spawn_blocking(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        let stream = reader.get_mut();
        let head = format!("HTTP/1.1 {status} x\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b' '; 1 << 16];
        let mut taken = 0;
        while taken < MOST && stream.write_all(&piece).is_ok() {
            taken += piece.len();
        }
        taken
    });
    (base, taken)
}

fn store(base: &str) -> object_store::aws::AmazonS3 {
    let key = Key {
        access_key_id: "a",
        secret_access_key: "b",
        session_token: None,
    };
    bucket(base, "us-east-1", "rain", key, Arc::new(plain_client())).unwrap()
}

#[tokio::test]
async fn a_store_that_never_ends_its_answer_fills_no_memory() {
    for status in [200, 403] {
        let (base, taken) = endless(status);
        let begun = store(&base)
            .put_multipart_opts(&Path::from("in/rain.bin"), PutMultipartOptions::default())
            .await;
        let Err(error) = begun else {
            panic!("{status}: an upload was begun")
        };
        drop(error);
        let taken = taken.await.unwrap();
        assert!(taken < MOST, "{status}: {taken} bytes were read");
    }
}

#[tokio::test]
async fn nor_does_its_explanation_why_an_object_cannot_be_read() {
    let (base, taken) = endless(403);
    let got = store(&base)
        .get_opts(&Path::from("in/rain.bin"), GetOptions::default())
        .await;
    assert!(got.is_err());
    let taken = taken.await.unwrap();
    assert!(taken < MOST, "{taken} bytes were read");
}
