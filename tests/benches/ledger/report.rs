//! What came of it, for programs and for people.

use crate::Found;
use crate::lineage::NODES;
use herleid_tests::machine;
use herleid_tests::measured::rounded;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Goals of the design, section 10.
const GOAL_PER_S: f64 = 50_000.0;
const GOAL_TESSERA: f64 = 5.0;
const GOAL_BEST: f64 = 0.7;
const GOAL_AUDIT: f64 = 5.0;
const GOAL_P50_MS: f64 = 3.0;
const GOAL_P99_MS: f64 = 20.0;
const GOAL_VERIFIED: f64 = 2_000_000.0;
/// From this size on a trace is one in a million records.
const MILLION: u64 = 1_000_000;
const GOAL_TRACE_MS: f64 = 100.0;

/// Milliseconds for 10,000 nodes in a million records, if that was measured.
fn traced_10k(found: &Found) -> Option<f64> {
    (found.size >= MILLION && found.traced.nodes == NODES).then_some(found.traced.first_ms)
}

pub(crate) fn json(found: &Found) -> String {
    let Found { ours, limits, .. } = found;
    let grown = found.grown.as_ref();
    let report = json!({
        "appends_per_s": rounded(ours.per_s),
        "ratio_tessera": rounded(ours.per_s / found.tessera.covered_per_s),
        "ratio_postgres_best": rounded(ours.per_s / found.best.appends_per_s),
        "ratio_postgres_audit": rounded(ours.per_s / found.audit.appends_per_s),
        "proof_p50_ms": rounded(found.p50_ms),
        "proof_p99_ms": rounded(found.p99_ms),
        "verify_leaves_per_s_core": rounded(found.verified_per_s),
        "open_10m_ms": grown.map(|grown| rounded(grown.open_ms)),
        "resident_10m_mib": grown.map(|grown| rounded(grown.resident_mib.1)),
        "resident_before_10m_mib": grown.map(|grown| rounded(grown.resident_mib.0)),
        "rest_of_10m_per_s": grown.and_then(|grown| grown.per_s).map(rounded),
        "trace_10k_ms": traced_10k(found).map(rounded),
        "trace_10k_again_ms": traced_10k(found).map(|_| rounded(found.traced.again_ms)),
        "spent_us_a_record": {
            "callers": rounded(ours.spent.callers), "writer": rounded(ours.spent.writer), "rocksdb": rounded(ours.spent.rocksdb),
            "records_a_batch": rounded(ours.spent.batch),
            "least": ours.spent.least(limits).into_iter().map(|(what, us)| (what, json!(rounded(us)))).collect::<Value>(),
        },
        "records": found.size,
        "record_bytes": ours.record_bytes,
        "appends_per_s_of_each_tenth": ours.tenths.iter().copied().map(rounded).collect::<Value>(),
        "open_ms": rounded(found.open_ms),
        "resident_mib": rounded(found.resident_mib),
        "disk_bytes_per_record": rounded(found.disk_bytes_per_record),
        "tessera": {
            "durable_per_s": rounded(found.tessera.durable_per_s), "covered_per_s": rounded(found.tessera.covered_per_s),
            "p50_ms": rounded(found.tessera.p50_ms), "p99_ms": rounded(found.tessera.p99_ms), "how": found.tessera.how,
        },
        "postgres_best": {"per_s": rounded(found.best.appends_per_s), "how": found.best.how},
        "postgres_audit": {"per_s": rounded(found.audit.appends_per_s), "how": found.audit.how},
        "limits_per_s": {
            "syncs": rounded(limits.syncs), "nodes": rounded(limits.nodes),
            "signatures": rounded(limits.signatures), "seals": rounded(limits.seals), "macs": rounded(limits.macs),
        },
        "machine": machine::described(),
    });
    format!("{report:#}\n")
}

pub(crate) fn table(found: &Found) -> String {
    let Found {
        ours,
        limits,
        tessera,
        grown,
        ..
    } = found;
    let mut table = format!(
        "Measured on {}; {} records of {} bytes.\n\n| | measured | goal |\n|---|---|---|\n",
        machine::described(),
        found.size,
        ours.record_bytes
    );
    let mut row = |what: &str, measured: String, goal: String| {
        let _written = writeln!(table, "| {what} | {measured} | {goal} |");
    };
    let times = |other: f64| format!("{other:.0} ({:.2} times)", ours.per_s / other);
    let (slowest, fastest) = ours.tenths.iter().fold((f64::MAX, 0.0_f64), |(low, high), rate| {
        (low.min(*rate), high.max(*rate))
    });
    row(
        "records a second, durable, proof in hand",
        format!("{:.0}", ours.per_s),
        format!("{GOAL_PER_S:.0}"),
    );
    row(
        "slowest and fastest tenth of them",
        format!("{slowest:.0}, {fastest:.0}"),
        String::new(),
    );
    row(
        "Tessera (POSIX), entries covered by a checkpoint a second",
        times(tessera.covered_per_s),
        format!("{GOAL_TESSERA} times"),
    );
    row(
        "PostgreSQL at its best, bare bytes",
        times(found.best.appends_per_s),
        format!("{GOAL_BEST} times"),
    );
    row(
        "PostgreSQL, audit table",
        times(found.audit.appends_per_s),
        format!("{GOAL_AUDIT} times"),
    );
    row(
        "proof in hand at 5,000/s, p50, ms (Tessera)",
        format!("{:.2} ({:.0})", found.p50_ms, tessera.p50_ms),
        format!("{GOAL_P50_MS}"),
    );
    row(
        "the same, p99",
        format!("{:.2} ({:.0})", found.p99_ms, tessera.p99_ms),
        format!("{GOAL_P99_MS}"),
    );
    row(
        "leaves verified a second, one core",
        format!("{:.0}", found.verified_per_s),
        format!("{GOAL_VERIFIED:.0}"),
    );
    row("opening this log, ms", format!("{:.0}", found.open_ms), String::new());
    if let Some(grown) = grown {
        row(
            &format!("opening it with {} records, ms", grown.size),
            format!("{:.0}", grown.open_ms),
            "1000".to_owned(),
        );
        let (before, after) = grown.resident_mib;
        row(
            "resident after that, before and after appending what it lacked of them, MiB",
            format!("{before:.0}, {after:.0}"),
            String::new(),
        );
        if let Some(per_s) = grown.per_s {
            row("records a second of these", format!("{per_s:.0}"), String::new());
        }
    }
    row(
        "a trace in it, just opened and then again, ms",
        format!(
            "{:.0}, {:.0} ({} nodes)",
            found.traced.first_ms, found.traced.again_ms, found.traced.nodes
        ),
        format!("{GOAL_TRACE_MS} for {NODES}"),
    );
    row(
        "resident after appending, MiB",
        format!("{:.0}", found.resident_mib),
        String::new(),
    );
    row(
        "bytes on disk for each record",
        format!("{:.0}", found.disk_bytes_per_record),
        String::new(),
    );
    let spent = &ours.spent;
    row(
        "processor's time of a record, microseconds: callers, the thread that writes, RocksDB's threads",
        format!("{:.1}, {:.1}, {:.1}", spent.callers, spent.writer, spent.rocksdb),
        "40 in all".to_owned(),
    );
    for (what, us) in spent.least(limits) {
        row(
            &format!("of it at the machine's own speed: {what}"),
            format!("{us:.1}"),
            String::new(),
        );
    }
    row(
        "the machine: syncs of 4 KiB a second",
        format!("{:.0}", limits.syncs),
        String::new(),
    );
    row(
        "the machine: tree nodes hashed a second, one core",
        format!("{:.0}", limits.nodes),
        String::new(),
    );
    row(
        "the machine: signatures a second, one core",
        format!("{:.0}", limits.signatures),
        String::new(),
    );
    row(
        "the machine: encryptions of 200 bytes a second, one core",
        format!("{:.0}", limits.seals),
        String::new(),
    );
    row(
        "the machine: keyed hashes (HMAC-SHA-256) of 200 bytes a second, one core",
        format!("{:.0}", limits.macs),
        String::new(),
    );
    table
}
