//! Where the provider's processor time goes while it is pulled from: `perf` looks at it some hundred times a second, and each function that is
//! found at work is counted with its kind. In a round of its own, since whoever is looked at is slower.

use crate::load::Load;
use herleid_tests::machine;
use herleid_tests::process::{Process, mortal, told};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A prime, so that nothing that happens regularly is always met or always missed.
const LOOKS_PER_S: &str = "499";
/// Functions that are told by name.
const TOLD: usize = 25;

/// Kinds of work, by what the names of their functions contain; the first that fits counts.
const KINDS: [(&str, &[&str]); 9] = [
    ("signatures: Ed25519", &["curve25519", "ed25519", "sha512"]),
    (
        "TLS: rustls, aws-lc",
        &["rustls", "aws_lc", "aws-lc", "aesni", "aes_gcm", "gcm_", "ghash"],
    ),
    ("encryption of sections: ChaCha20-Poly1305", &["chacha", "poly1305"]),
    (
        "digests and MACs: SHA-256, BLAKE3",
        &["sha2::", "sha256", "blake3", "hmac", "hkdf", "block_buffer"],
    ),
    ("the store: RocksDB", &["rocksdb", "lz4", "zstd", "crc32c", "xxh3"]),
    ("JSON", &["serde", "ryu", "json", "itoa"]),
    (
        "memory: allocated, freed, copied",
        &["alloc", "free", "memmove", "memcpy", "memset", "memcmp"],
    ),
    (
        "HTTP and tasks: hyper, axum, tokio",
        &[
            "hyper", "http::", "axum", "tower", "tokio", "mio::", "futures", "matchit",
        ],
    ),
    ("ours: access, policies, the log", &["herleid"]),
];
const KERNEL: &str = "the kernel: sockets, files, waiting";
const OTHER: &str = "everything else";

/// A `perf` that looks.
pub(crate) struct Looking {
    process: Process,
    data: PathBuf,
}

impl Looking {
    /// Begins, for so many seconds; `None` without `perf`, which is said.
    pub(crate) fn begin(folder: &Path, provider: u32, seconds: u64) -> Option<Self> {
        let data = folder.join("pull.perf");
        if Command::new("perf").arg("--version").output().is_err() {
            println!("there is no `perf` here: where the time goes is left out");
            return None;
        }
        let mut command = mortal("perf");
        command.args(["record", "-q", "-F", LOOKS_PER_S, "-p", &provider.to_string(), "-o"]);
        command.arg(&data).args(["--", "sleep", &seconds.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Some(Self {
            process: Process::start(&mut command),
            data,
        })
    }

    /// What it saw, as a table; `None` when it may not look at other processes, which is said.
    pub(crate) fn table(mut self, load: &Load) -> Option<String> {
        let status = self.process.ended();
        let mut report = Command::new("perf");
        report.args([
            "report",
            "--stdio",
            "-q",
            "--no-children",
            "--sort=dso,symbol",
            "-t",
            "\t",
            "-i",
        ]);
        let report = report.arg(&self.data).output().unwrap();
        if !status.success() || !report.status.success() {
            println!(
                "`perf` sees nothing here, and where the time goes is left out: {}",
                told(&report)
            );
            return None;
        }
        std::fs::remove_file(&self.data).unwrap();
        let seen: Vec<Seen> = told(&report).lines().filter_map(Seen::read).collect();
        Some(table(&seen, load))
    }
}

/// A function, and its share of the time, per cent.
struct Seen {
    share: f64,
    kind: &'static str,
    name: String,
}

impl Seen {
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split('\t').map(str::trim);
        let share = fields.next()?.trim_end_matches('%').parse().ok()?;
        let _program = fields.next()?;
        let symbol = fields.next()?;
        let name = symbol
            .trim_start_matches("[.]")
            .trim_start_matches("[k]")
            .trim()
            .to_owned();
        let lower = name.to_lowercase();
        let fits = |(_, parts): &&(&str, &[&str])| parts.iter().any(|part| lower.contains(part));
        let kind = if symbol.starts_with("[k]") {
            KERNEL
        } else {
            KINDS.iter().find(fits).map_or(OTHER, |(kind, _)| kind)
        };
        Some(Self { share, kind, name })
    }
}

fn table(seen: &[Seen], load: &Load) -> String {
    let names = KINDS.iter().map(|(kind, _)| *kind).chain([KERNEL, OTHER]);
    let of = |kind: &str| {
        seen.iter()
            .filter(|one| one.kind == kind)
            .map(|one| one.share)
            .sum::<f64>()
    };
    let mut kinds: Vec<(&str, f64)> = names.map(|kind| (kind, of(kind))).collect();
    kinds.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let mut table = format!(
        "Measured on {}; {:.0} pulls a second while `perf` looked, {:.0} us of the provider's processors each.\n\n\
         | where the provider's time goes | share | us for each pull |\n|---|---|---|\n",
        machine::described(),
        load.per_s,
        load.provider_us
    );
    for (kind, share) in kinds {
        let _written = writeln!(
            table,
            "| {kind} | {share:.1} % | {:.0} |",
            load.provider_us * share / 100.0
        );
    }
    table.push_str("\n| function | share |\n|---|---|\n");
    for one in seen.iter().take(TOLD) {
        let _written = writeln!(table, "| `{}` | {:.1} % |", one.name.replace('|', "\\|"), one.share);
    }
    table
}
