//! The ledger in its shipped configuration: five sections, each encrypted, their keys in a store of their own, a verified proof for every
//! caller. Bounded: records are counted, and what is offered has an end. `make bench-ledger` runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and times of a benchmark are far below 2^52"
)]

mod grown;
mod limits;
mod lineage;
mod ours;
mod postgres;
mod report;
mod spent;
mod tessera;

use grown::Grown;
use herleid_tests::{machine, measured};
use limits::Limits;
use lineage::Traced;
use ours::{Appended, Ours};
use postgres::Rate;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tessera::{Offered, Tessera};
use tikv_jemallocator::Jemalloc;

/// As the connector has it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Records, if `HERLEID_BENCH_RECORDS` says nothing else.
const RECORDS: u64 = 1_000_000;
/// Records before anything is measured: the store makes its first files.
const WARM: u64 = 20_000;
/// What is offered when waiting is measured.
const OFFERED: Offered = Offered {
    per_s: 5_000,
    seconds: 20,
};
/// Rows and entries of the others; PostgreSQL's are copied by the thousand, and audited by sixteen connections.
const OTHERS: u64 = 400_000;
const AUDITED: u64 = 100_000;

/// All that was found out.
struct Found {
    limits: Limits,
    tessera: Tessera,
    best: Rate,
    audit: Rate,
    ours: Appended,
    size: u64,
    p50_ms: f64,
    p99_ms: f64,
    verified_per_s: f64,
    open_ms: f64,
    traced: Traced,
    resident_mib: f64,
    disk_bytes_per_record: f64,
    grown: Option<Grown>,
}

fn main() {
    // `cargo test --all-targets` starts it too, and has nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let records = measured::wanted("HERLEID_BENCH_RECORDS", RECORDS);
    // `target`, where results lie: what is measured is the disk that it lies on, not one in memory.
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().find(|folder| folder.join("bench-tessera").is_dir());
    let results = target.expect("deploy/build/bench-tessera.sh has not run").join("bench");
    std::fs::create_dir_all(&results).unwrap();
    // While something about the log itself is made faster, the others need not be waited for.
    if std::env::var_os("HERLEID_BENCH_ALONE").is_some() {
        return alone(&results, records);
    }
    let found = measure(&results, records);
    measured::leave(&results, "ledger", &report::json(&found), &report::table(&found));
}

/// A folder for one of them, which goes when it has been measured. Passable: PostgreSQL's server runs as a user of its own.
fn folder(results: &Path, name: &str) -> PathBuf {
    let folder = results.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Our log by itself, printed and not written down: a ratio needs its opponent in the same run.
fn alone(results: &Path, records: u64) {
    let dir = folder(results, "log");
    let mut log = Ours::new(&dir.join("log"));
    log.append(WARM);
    let ours = log.append(records);
    println!("{:.0} records a second, {:.0?}", ours.per_s, ours.tenths);
    let spent = &ours.spent;
    println!(
        "microseconds a record: callers {:.1}, the writing thread {:.1}, RocksDB {:.1}; {:.0} records a batch",
        spent.callers, spent.writer, spent.rocksdb, spent.batch
    );
    println!("{:.0} bytes on disk for each", bytes_in(&dir) / log.size() as f64);
    let waited = waited(&log);
    println!(
        "proof in hand at {}/s: p50 {:.2}, p99 {:.2}, longest {:.0} ms",
        OFFERED.per_s,
        share(&waited, 0.5),
        share(&waited, 0.99),
        share(&waited, 1.0)
    );
    let traced = lineage::traced(&mut log);
    println!(
        "{} nodes in {} records traced in {:.1} ms, again in {:.1} ms",
        traced.nodes,
        log.size(),
        traced.first_ms,
        traced.again_ms
    );
    drop(log);
    std::fs::remove_dir_all(dir).unwrap();
}

/// Milliseconds, sorted, for what is offered.
fn waited(log: &Ours) -> Vec<f64> {
    let time = Duration::from_secs(u64::from(OFFERED.seconds));
    log.proof_in_hand_ms(u64::from(OFFERED.per_s), time)
}

fn share(waited: &[f64], share: f64) -> f64 {
    waited[((waited.len() - 1) as f64 * share) as usize]
}

fn measure(results: &Path, records: u64) -> Found {
    let within = |name: &str| folder(results, name);
    let limits = Limits::measure(&within("limits"));
    println!("the machine: measured");
    let tessera = tessera::tessera(&within("tessera"), OTHERS, OFFERED);
    println!("Tessera: {:.0}/s; {}", tessera.covered_per_s, tessera.how);
    let best = postgres::best(&within("best"), OTHERS);
    println!("PostgreSQL: {:.0}/s; {}", best.appends_per_s, best.how);
    let audit = postgres::audit(&within("audit"), AUDITED);
    println!("PostgreSQL, audit table: {:.0}/s; {}", audit.appends_per_s, audit.how);
    for name in ["limits", "tessera", "best", "audit"] {
        std::fs::remove_dir_all(results.join(name)).unwrap();
    }

    let dir = within("log");
    let mut log = Ours::new(&dir.join("log"));
    log.append(WARM);
    let ours = log.append(records);
    println!("Herleid: {:.0}/s, {:.0?}", ours.per_s, ours.tenths);
    let resident_mib = machine::resident_mib(std::process::id());
    let disk_bytes_per_record = bytes_in(&dir) / log.size() as f64;
    let waited = waited(&log);
    let verified_per_s = log.verified_per_s();
    let (open_ms, size) = (log.reopened_ms(), log.size());
    let traced = lineage::traced(&mut log);
    println!("{} nodes traced in {:.1} ms", traced.nodes, traced.first_ms);
    // Who asks for less wants an answer soon.
    let grown = match records >= RECORDS {
        true => grown::to_ten_million(&mut log, &dir, disk_bytes_per_record),
        false => None,
    };
    let found = Found {
        limits,
        tessera,
        best,
        audit,
        ours,
        p50_ms: share(&waited, 0.5),
        p99_ms: share(&waited, 0.99),
        verified_per_s,
        open_ms,
        size,
        traced,
        resident_mib,
        disk_bytes_per_record,
        grown,
    };
    drop(log);
    std::fs::remove_dir_all(dir).unwrap();
    found
}

/// Bytes of all files below a folder.
fn bytes_in(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let bytes = entries.map(|entry| {
        let about = entry.metadata().unwrap();
        if about.is_dir() {
            bytes_in(&entry.path())
        } else {
            about.len() as f64
        }
    });
    bytes.sum()
}
