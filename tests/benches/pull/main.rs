//! Pulls from a provider over TLS, each signed, decided upon and recorded: how many of 1 KiB a second, from connections that are kept, with
//! the callers on the same cores; and how fast a large one is beside nginx, with the same file, certificate and cipher. Bounded: rounds,
//! seconds and pulls are counted, and everything that is waited for has an end. `make bench-pull` runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and times of a benchmark are far below 2^52"
)]

mod client;
mod large;
mod load;
mod nginx;
mod pair;
mod profile;
mod receipts;
mod report;
mod request;

use client::{Certificates, Client, authority};
use herleid_tests::machine::resident_mib;
use herleid_tests::measured::{self, wanted};
use large::Large;
use load::{Load, Loads};
use pair::Pair;
use profile::Looking;
use std::path::Path;
use std::time::Duration;

/// What is pulled by many.
const SMALL: &[u8] = &[b'x'; 1 << 10];

/// How much is measured. Environment variables say less, to try it out, or more (not `HERLEID_...`: those set keys of connectors).
struct Sizes {
    /// Each with connectors, logs and data of its own; medians are told.
    rounds: u64,
    /// For how long pulls of 1 KiB are made in a round.
    seconds: u64,
    /// Callers, each with a connection that it keeps and one pull at a time.
    callers: u64,
    /// What one large pull brings.
    large_mib: u64,
    /// Large pulls of each in a round, in turns.
    large_times: u64,
}

impl Sizes {
    fn wanted() -> Self {
        Self {
            rounds: wanted("PULL_ROUNDS", 3),
            seconds: wanted("PULL_SECONDS", 20),
            callers: wanted("PULL_CALLERS", 64),
            large_mib: wanted("PULL_LARGE_MIB", 1 << 10),
            large_times: wanted("PULL_LARGE_TIMES", 3),
        }
    }
}

/// What one round found out.
struct Round {
    large: Large,
    load: Load,
    /// The provider's memory when it has served all of that.
    rss_after_mib: f64,
}

fn main() {
    // `cargo test --all-targets` starts it too, and has nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let sizes = Sizes::wanted();
    let results = measured::results();
    let folder = results.join("pull");
    clear(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let certificates = authority(&folder);
    let client = Client::trusting(&certificates);
    let mut rounds = Vec::new();
    for number in 1..=sizes.rounds {
        println!("round {number} of {}", sizes.rounds);
        let within = folder.join(number.to_string());
        rounds.push(round(&client, &certificates, &sizes, &within));
        // A gigabyte each, twice.
        clear(&within);
    }
    let report = report::Report::of(&rounds, &sizes);
    measured::leave(&results, "pull", &report.json(), &report.table());
    // Apart from what is measured: whoever is looked at is slower.
    let pair = Pair::start(&folder.join("profile"), &certificates);
    let mut looking = None;
    let (load, _) = load::pull(&client, &pair, SMALL, &loads(&sizes), || {
        looking = Looking::begin(&results, pair.provider.service().id(), sizes.seconds);
    });
    if let Some(table) = looking.and_then(|looking| looking.table(&load)) {
        let file = results.join("pull-profile.md");
        std::fs::write(&file, &table).unwrap();
        println!("{table}\nwritten: {}", file.display());
    }
    drop(pair);
    clear(&folder);
}

fn loads(sizes: &Sizes) -> Loads {
    Loads {
        callers: sizes.callers as usize,
        warm: Duration::from_millis(sizes.seconds * 1_000 / 4),
        time: Duration::from_secs(sizes.seconds),
    }
}

fn round(client: &Client, certificates: &Certificates, sizes: &Sizes, folder: &Path) -> Round {
    let pair = &Pair::start(folder, certificates);
    // First, while the log is empty: what its memory grows by is then the pull's own.
    let large = large::measure(pair, client, certificates, sizes, &folder.join("nginx"));
    println!("  {} MiB: {large}", sizes.large_mib);
    let (load, checked) = load::pull(client, pair, SMALL, &loads(sizes), || ());
    println!("  {load}; {checked} receipts verified");
    Round {
        large,
        load,
        rss_after_mib: resident_mib(pair.provider.service().id()),
    }
}

fn clear(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}
