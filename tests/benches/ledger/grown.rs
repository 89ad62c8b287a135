//! What becomes of the log when it has ten million records: how fast it still takes them, how long it takes to open, what it holds in memory.

use crate::ours::Ours;
use herleid_tests::machine;
use std::path::Path;
use std::process::Command;

const TEN_MILLION: u64 = 10_000_000;
/// What compaction needs beside what stays, as a part of that.
const BESIDE: f64 = 0.3;

/// A log of ten million.
pub(crate) struct Grown {
    pub(crate) size: u64,
    /// Of the records that were appended to make it so long; `None` when it was already.
    pub(crate) per_s: Option<f64>,
    pub(crate) open_ms: f64,
    /// Before these were appended, and after.
    pub(crate) resident_mib: (f64, f64),
}

/// Appends until there are ten million, if the disk has room for them; says so where it has not.
pub(crate) fn to_ten_million(log: &mut Ours, dir: &Path, bytes_per_record: f64) -> Option<Grown> {
    // Appended in tenths.
    let missing = TEN_MILLION.saturating_sub(log.size()).next_multiple_of(10);
    let (needed, free) = (missing as f64 * bytes_per_record * (1.0 + BESIDE), free_bytes(dir));
    if needed > free {
        println!(
            "a log of ten million is not measured: it needs {:.0} GB more, and the disk has {:.0}",
            needed / 1e9,
            free / 1e9
        );
        return None;
    }
    let resident_mib = || machine::resident_mib(std::process::id());
    let before = resident_mib();
    let per_s = (missing > 0).then(|| log.append(missing).per_s);
    let resident_mib = (before, resident_mib());
    let open_ms = log.reopened_ms();
    println!(
        "{} records, opened in {open_ms:.0} ms, {resident_mib:.0?} MiB",
        log.size()
    );
    Some(Grown {
        size: log.size(),
        per_s,
        open_ms,
        resident_mib,
    })
}

fn free_bytes(dir: &Path) -> f64 {
    let df = Command::new("df")
        .args(["--output=avail", "-B1"])
        .arg(dir)
        .output()
        .unwrap();
    let said = String::from_utf8(df.stdout).unwrap();
    let bytes = said.lines().nth(1).and_then(|line| line.trim().parse().ok());
    bytes.unwrap_or_else(|| panic!("`df` says: {said}"))
}
