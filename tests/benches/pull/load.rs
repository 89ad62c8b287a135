//! Many callers, each with one connection and one pull at a time. What comes is compared at once; the receipts are kept, and each is verified
//! when the time has been taken: who verifies does so on a machine of its own.

use crate::client::{Client, Connection};
use crate::pair::Pair;
use crate::receipts::{Expected, Known, Received};
use crate::request::{Puller, transaction};
use herleid_tests::machine::processor_time;
use http::StatusCode;
use http_body_util::BodyExt as _;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// No more than this in one go: 6 KiB of receipts each, so 2 GiB.
const MOST: u64 = 300_000;
/// What is waited for beyond the time, before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much.
pub(crate) struct Loads {
    pub(crate) callers: usize,
    /// Before anything is measured.
    pub(crate) warm: Duration,
    /// What is measured.
    pub(crate) time: Duration,
}

/// What came of it.
pub(crate) struct Load {
    pub(crate) pulls: u64,
    pub(crate) per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Time of processors, of both cores, for each pull.
    pub(crate) provider_us: f64,
    pub(crate) callers_us: f64,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} pulls/s, {:.2} ms (p50), {:.2} ms (p99), processor for each: {:.0} us at the provider, {:.0} us at the callers",
            self.per_s, self.p50_ms, self.p99_ms, self.provider_us, self.callers_us
        )
    }
}

/// One pull.
struct Pulled {
    took: Duration,
    received: Received,
}

/// Pulls `contents` for a while; `during` is called when the callers are warm. Also how many receipts were verified: all.
pub(crate) fn pull(
    client: &Client,
    pair: &Pair,
    contents: &'static [u8],
    loads: &Loads,
    during: impl FnOnce(),
) -> (Load, usize) {
    let file = pair.provider.directory.join("small.bin");
    std::fs::write(&file, contents).unwrap();
    let agreement = pair.agree("small", &file);
    let puller = Puller::new(pair, pair.access("small", &agreement));
    let expected = Expected::of_bytes(contents);
    let log = pair.provider.made["log_key"].as_str().unwrap();
    // One thread: callers are not what is to be measured, and take no more than they need.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..loads.callers {
            connections.push(client.connect(puller.port).await);
        }
        let (warm, connections, _) = all(connections, &puller, contents, 0, loads.warm).await;
        // From here on the callers know the log: each receipt has to prove that it continues what they know.
        let mut known = Known::nothing(log);
        let warm: Vec<Received> = warm.into_iter().map(|one| one.received).collect();
        known.verify_all(&warm, &puller, &expected);
        let seen = known.learn(&warm);

        during();
        let before = [pair.provider.service().id(), std::process::id()].map(processor_time);
        let (pulled, _connections, took) = all(connections, &puller, contents, seen, loads.time).await;
        let after = [pair.provider.service().id(), std::process::id()].map(processor_time);

        let pulls = pulled.len();
        let mut times: Vec<f64> = pulled.iter().map(|one| one.took.as_secs_f64() * 1_000.0).collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((pulls - 1) as f64 * share) as usize];
        let (p50_ms, p99_ms) = (at(0.5), at(0.99));
        let received: Vec<Received> = pulled.into_iter().map(|one| one.received).collect();
        known.verify_all(&received, &puller, &expected);
        let each = |index: usize| (after[index] - before[index]).as_secs_f64() * 1e6 / pulls as f64;
        let load = Load {
            pulls: pulls as u64,
            per_s: pulls as f64 / took.as_secs_f64(),
            p50_ms,
            p99_ms,
            provider_us: each(0),
            callers_us: each(1),
        };
        (load, pulls + warm.len())
    })
}

/// Every connection pulls for `time`, and finishes what it has begun.
async fn all(
    connections: Vec<Connection>,
    puller: &Puller,
    contents: &'static [u8],
    seen: u64,
    time: Duration,
) -> (Vec<Pulled>, Vec<Connection>, Duration) {
    let (count, began) = (AtomicU64::new(0), Instant::now());
    let callers = connections.into_iter().map(|mut connection| {
        let count = &count;
        async move {
            let mut pulled = Vec::new();
            while pulled.is_empty() || (began.elapsed() < time && count.fetch_add(1, Ordering::Relaxed) < MOST) {
                pulled.push(one(&mut connection, puller, contents, seen).await);
            }
            (pulled, connection)
        }
    });
    let ended = tokio::time::timeout(time + PATIENCE, futures_util::future::join_all(callers)).await;
    let ended = ended.expect("callers that end by themselves");
    let took = began.elapsed();
    let (mut pulled, mut connections) = (Vec::new(), Vec::new());
    for (of_one, connection) in ended {
        pulled.extend(of_one);
        connections.push(connection);
    }
    (pulled, connections, took)
}

async fn one(connection: &mut Connection, puller: &Puller, contents: &[u8], seen: u64) -> Pulled {
    let transaction = transaction();
    let request = puller.request(&transaction, seen);
    let began = Instant::now();
    let answer = connection.send(request).await;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let took = began.elapsed();
    assert_eq!(head.status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    assert!(body == contents, "other bytes came");
    Pulled {
        took,
        received: Received::new(transaction, &head.headers),
    }
}
