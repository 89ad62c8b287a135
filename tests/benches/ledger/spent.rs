//! Where the processor's time goes while records are appended: by the kernel's own count for each thread, and what the machine would need at
//! least for what is done to each record.

use crate::limits::Limits;
use std::collections::BTreeMap;
use std::fs;

/// What is done to each record of the benchmark: five sections are encrypted and their keys wrapped; each section has its MAC, and three keys of
/// each are derived from one.
pub(crate) const SEALS: f64 = 10.0;
pub(crate) const MACS: f64 = 20.0;
/// Keys and records are synced for each batch, which has one signature.
const SYNCS: f64 = 2.0;

/// Who has threads, by what these are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Checks, encrypts, verifies the proof.
    Callers,
    /// Gives places, hashes, signs, writes.
    Writer,
    /// Flushes and compacts.
    RocksDb,
}

/// Seconds of processor so far, by thread: threads of one runtime stay, and those of RocksDB.
pub(crate) struct Threads(BTreeMap<Who, f64>);

impl Threads {
    pub(crate) fn now() -> Self {
        let mut by_who = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").unwrap() {
            // One that has ended meanwhile has no count any more.
            let Ok(stat) = fs::read_to_string(task.unwrap().path().join("stat")) else {
                continue;
            };
            let (before, after) = stat.rsplit_once(')').unwrap();
            let name = before.split_once('(').unwrap().1;
            let ticks: Vec<f64> = after
                .split_whitespace()
                .skip(11)
                .take(2)
                .map(|n| n.parse().unwrap())
                .collect();
            let who = match name {
                "ledger" => Who::Writer,
                name if name.starts_with("rocksdb") => Who::RocksDb,
                _ => Who::Callers,
            };
            // Linux counts in hundredths for programs, whatever its own clock.
            *by_who.entry(who).or_default() += ticks.iter().sum::<f64>() / 100.0;
        }
        Self(by_who)
    }

    /// Microseconds for each of `records` since `before`.
    pub(crate) fn each(&self, before: &Self, who: Who, records: f64) -> f64 {
        let of = |threads: &Self| threads.0.get(&who).copied().unwrap_or(0.0);
        (of(self) - of(before)) * 1e6 / records
    }
}

/// What a record took, in microseconds.
pub(crate) struct Spent {
    pub(crate) callers: f64,
    pub(crate) writer: f64,
    pub(crate) rocksdb: f64,
    /// Records of a batch, on average.
    pub(crate) batch: f64,
    /// Hashes of a proof, on average.
    pub(crate) proof: f64,
}

impl Spent {
    /// What the machine needs for it at least, one thing at a time: name and microseconds for each record.
    pub(crate) fn least(&self, limits: &Limits) -> [(String, f64); 5] {
        let each = |count: f64, per_s: f64| count * 1e6 / per_s;
        [
            (format!("encryption ({SEALS} of 200 bytes)"), each(SEALS, limits.seals)),
            (format!("keyed hashes ({MACS} of 200 bytes)"), each(MACS, limits.macs)),
            (
                format!(
                    "tree ({:.0} hashes of its proof, verified, and 2 of its place)",
                    self.proof
                ),
                each(self.proof + 2.0, limits.nodes),
            ),
            (
                format!("signature (one for {:.0} records)", self.batch),
                each(1.0 / self.batch, limits.signatures),
            ),
            (
                format!(
                    "syncs ({SYNCS} for {:.0} records; waited for, by nobody's processor)",
                    self.batch
                ),
                each(SYNCS / self.batch, limits.syncs),
            ),
        ]
    }
}
