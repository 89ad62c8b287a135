//! One large pull at a time, from the provider and from nginx in turns. The first pull is looked at whole: its digest, its receipt. Then only
//! bytes are counted, of both: a caller that digests would be slower than either.

use crate::Sizes;
use crate::client::{Certificates, Client, Connection};
use crate::nginx::Nginx;
use crate::pair::Pair;
use crate::receipts::{Expected, Known, Received};
use crate::request::{Puller, transaction};
use herleid_tests::machine::resident_mib;
use herleid_tests::measured::median;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long one may take: a connection that gives 2 MiB a second hangs.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked how much memory the provider has.
const EVERY: Duration = Duration::from_millis(10);

/// What one round found out.
pub(crate) struct Large {
    pub(crate) mib_per_s: f64,
    pub(crate) nginx_mib_per_s: f64,
    /// The provider's memory: before the first pull, and the most during one.
    pub(crate) rss_idle_mib: f64,
    pub(crate) rss_mib: f64,
}

impl fmt::Display for Large {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} MiB/s, nginx {:.0} MiB/s; the provider has {:.0} MiB when idle, at most {:.0} MiB meanwhile",
            self.mib_per_s, self.nginx_mib_per_s, self.rss_idle_mib, self.rss_mib
        )
    }
}

pub(crate) fn measure(
    pair: &Pair,
    client: &Client,
    certificates: &Certificates,
    sizes: &Sizes,
    folder: &Path,
) -> Large {
    let bytes = sizes.large_mib << 20;
    let file = pair.provider.directory.join("large.bin");
    write(&file, bytes);
    let expected = Expected::of(std::fs::File::open(&file).unwrap());
    let agreement = pair.agree("large", &file);
    std::fs::remove_file(&file).unwrap();
    let puller = Puller::new(pair, pair.access("large", &agreement));
    let kept = pair.kept(bytes);
    let (within, name) = (kept.parent().unwrap(), kept.file_name().unwrap().to_str().unwrap());
    let nginx = Nginx::start(folder, within, certificates);
    let provider = pair.provider.service().id();
    let rss_idle_mib = resident_mib(provider);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ours = || puller.request(&transaction(), 0);
    let theirs = || nginx.request(name);
    runtime.block_on(async {
        let mut from_ours = client.connect(puller.port).await;
        let mut from_nginx = client.connect(nginx.port).await;
        whole(&mut from_ours, pair, &puller, &expected).await;
        let (digest, _) = digested(&mut from_nginx, theirs()).await;
        assert_eq!(digest, expected.sha256(), "nginx gives other bytes");
        let (mut mib_per_s, mut nginx_mib_per_s, mut rss_mib) = (Vec::new(), Vec::new(), rss_idle_mib);
        for _ in 0..sizes.large_times {
            let watch = Watch::begin(provider);
            mib_per_s.push(counted(&mut from_ours, ours(), bytes).await);
            rss_mib = rss_mib.max(watch.end());
            nginx_mib_per_s.push(counted(&mut from_nginx, theirs(), bytes).await);
        }
        Large {
            mib_per_s: median(&mib_per_s),
            nginx_mib_per_s: median(&nginx_mib_per_s),
            rss_idle_mib,
            rss_mib,
        }
    })
}

/// Bytes that are not all alike.
fn write(file: &Path, bytes: u64) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
    let mut piece = vec![0; 1 << 20];
    let mut stream = blake3::Hasher::new().finalize_xof();
    for _ in 0..bytes >> 20 {
        stream.fill(&mut piece);
        file.write_all(&piece).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
}

/// A pull with everything that a consumer checks.
async fn whole(connection: &mut Connection, pair: &Pair, puller: &Puller, expected: &Expected) {
    let transaction = transaction();
    let (digest, headers) = digested(connection, puller.request(&transaction, 0)).await;
    assert_eq!(digest, expected.sha256(), "other bytes came");
    let known = Known::nothing(pair.provider.made["log_key"].as_str().unwrap());
    known.verify(&Received::new(transaction, &headers), puller, expected);
}

async fn digested(connection: &mut Connection, request: Request<Empty<Bytes>>) -> ([u8; 32], HeaderMap) {
    let mut digest = Sha256::new();
    let headers = taken(connection, request, |piece| digest.update(piece)).await;
    (digest.finalize().into(), headers)
}

/// MiB a second, from the request to the last byte.
async fn counted(connection: &mut Connection, request: Request<Empty<Bytes>>, bytes: u64) -> f64 {
    let (began, mut came) = (Instant::now(), 0);
    taken(connection, request, |piece| came += piece.len() as u64).await;
    let took = began.elapsed();
    assert_eq!(came, bytes, "not all of it came");
    (bytes >> 20) as f64 / took.as_secs_f64()
}

async fn taken(connection: &mut Connection, request: Request<Empty<Bytes>>, take: impl FnMut(&[u8])) -> HeaderMap {
    let all = async {
        let mut take = take;
        let (head, mut body) = connection.send(request).await.into_parts();
        assert_eq!(head.status, StatusCode::OK);
        while let Some(frame) = body.frame().await {
            if let Some(piece) = frame.unwrap().data_ref() {
                take(piece);
            }
        }
        head.headers
    };
    tokio::time::timeout(PATIENCE, all).await.expect("a pull that ends")
}

/// Looks how much memory a process has, again and again, until it is asked.
struct Watch {
    ends: Arc<AtomicBool>,
    watching: thread::JoinHandle<f64>,
}

impl Watch {
    fn begin(process: u32) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&ends);
        let watching = thread::spawn(move || {
            let mut most: f64 = 0.0;
            while !ended.load(Ordering::Relaxed) {
                most = most.max(resident_mib(process));
                thread::sleep(EVERY);
            }
            most
        });
        Self { ends, watching }
    }

    /// The most that it had.
    fn end(self) -> f64 {
        self.ends.store(true, Ordering::Relaxed);
        self.watching.join().unwrap()
    }
}
