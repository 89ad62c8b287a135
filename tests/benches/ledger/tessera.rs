//! Tessera over its POSIX driver, in a program of its own (`tessera/`, Go).

use herleid_tests::process::{mortal, text, told};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How batches are filled: entries at most, and how long at most.
struct Batches {
    name: &'static str,
    entries: &'static str,
    age: &'static str,
}

/// As it is delivered (its `DefaultBatchMaxSize` and `DefaultBatchMaxAge`).
const DELIVERED: Batches = Batches {
    name: "as delivered",
    entries: "256",
    age: "250ms",
};
/// For many appends: sixteen bundles for each tree state that is written. More is no faster.
const WIDE: Batches = Batches {
    name: "tuned for rate",
    entries: "4096",
    age: "250ms",
};
/// For short waits: half a bundle, so that less time goes by until it is full. With less than that it falls behind, since each batch
/// writes the unfinished bundle and tiles once more.
const QUICK: Batches = Batches {
    name: "tuned for waiting",
    entries: "128",
    age: "250ms",
};

/// What was found out: rates from one run, times from another one at the rate that was offered, each from the better of two settings.
pub(crate) struct Tessera {
    /// Until every future has resolved: on disk and in the tree.
    pub(crate) durable_per_s: f64,
    /// Until a published checkpoint covers every entry, without which there is no proof to hand out.
    pub(crate) covered_per_s: f64,
    /// From the moment an entry is due until a published checkpoint covers it.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) how: String,
}

/// What is offered when times are measured.
#[derive(Clone, Copy)]
pub(crate) struct Offered {
    pub(crate) per_s: u32,
    pub(crate) seconds: u32,
}

/// Appends `count` entries as fast as they are taken; then offers others. Every log is deleted when it has been measured.
pub(crate) fn tessera(folder: &Path, count: u64, offered: Offered) -> Tessera {
    let program = build();
    let flood = |batches: &Batches| run(&program, folder, batches, &[("-count", count.to_string())]);
    let offer = |batches: &Batches| {
        let (rate, seconds) = (offered.per_s.to_string(), offered.seconds.to_string());
        run(&program, folder, batches, &[("-rate", rate), ("-seconds", seconds)])
    };
    let floods = [&DELIVERED, &WIDE].map(|batches| (batches.name, flood(batches)));
    let offers = [&DELIVERED, &QUICK].map(|batches| (batches.name, offer(batches)));
    let rate = |of: &Value| number(of, "covered_per_s");
    let wait = |of: &Value| number(of, "p50_ms");
    let fastest = floods.iter().max_by(|a, b| rate(&a.1).total_cmp(&rate(&b.1))).unwrap();
    let soonest = offers.iter().min_by(|a, b| wait(&a.1).total_cmp(&wait(&b.1))).unwrap();
    let rates = floods
        .each_ref()
        .map(|(name, found)| format!("{name} {:.0}/s", rate(found)));
    let waits = offers
        .each_ref()
        .map(|(name, found)| format!("{name} {:.0} and {:.0} ms", wait(found), number(found, "p99_ms")));
    Tessera {
        durable_per_s: number(&fastest.1, "durable_per_s"),
        covered_per_s: rate(&fastest.1),
        p50_ms: wait(&soonest.1),
        p99_ms: number(&soonest.1, "p99_ms"),
        how: format!(
            "Tessera {}, POSIX, a checkpoint every 100 ms: {count} entries, {}; at {} of {}/s offered for {} s, p50 and p99 {}",
            version(),
            rates.join(", "),
            number(&soonest.1, "reached_per_s").round(),
            offered.per_s,
            offered.seconds,
            waits.join(", ")
        ),
    }
}

/// The program, built with the Go and the modules that are pinned.
fn build() -> PathBuf {
    let script = checkout().join("deploy/build/bench-tessera.sh");
    let said = Command::new(&script).stderr(Stdio::inherit()).output();
    let said = said.unwrap_or_else(|e| panic!("`{}`: {e}", script.display()));
    assert!(said.status.success(), "`{}` failed", script.display());
    let said = text(&said.stdout);
    PathBuf::from(said.lines().last().expect("where the program is"))
}

/// The version that is pinned.
fn version() -> String {
    let modules = std::fs::read_to_string(checkout().join("tests/benches/ledger/tessera/go.mod")).unwrap();
    let found = modules
        .lines()
        .find_map(|line| line.trim().strip_prefix("github.com/transparency-dev/tessera "));
    found.expect("a version of Tessera in go.mod").to_owned()
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Runs it in an empty folder, which is deleted afterwards; the line that it prints.
fn run(program: &Path, folder: &Path, batches: &Batches, what: &[(&str, String)]) -> Value {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let mut command = mortal(program);
    command.arg("-folder").arg(folder.path());
    command.args(["-batch", batches.entries, "-age", batches.age]);
    for (name, value) in what {
        command.args([*name, value]);
    }
    let said = command.output().unwrap();
    assert!(said.status.success(), "{command:?}: {}", told(&said));
    let found: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert!(number(&found, "proofs_checked") > 0.0, "no entry was proved: {found}");
    found
}

fn number(found: &Value, name: &str) -> f64 {
    found[name].as_f64().unwrap_or_else(|| panic!("no `{name}` in {found}"))
}
