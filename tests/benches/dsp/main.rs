//! The connector and EDC side by side, in one run on one machine: two of each that negotiate with each other, driven through their management
//! APIs in the same way; then data from each, fetched with the tokens that one EDC was given by both. Bounded: rounds, negotiations and
//! fetches are counted, and everything that is waited for has an end. `make bench-dsp` runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(
    clippy::cast_precision_loss,
    reason = "counts and times of a benchmark are far below 2^52"
)]

mod contenders;
mod first_byte;
mod report;

use contenders::{Contender, Measured};
use herleid_tests::measured;
use std::path::Path;

/// Each contender is started, warmed up and measured so often; medians are told.
const ROUNDS: usize = 3;
/// What is offered: 1 MiB.
const PAYLOAD: &[u8] = &[b'x'; 1 << 20];

/// What one round found out.
#[derive(Default)]
struct Round {
    /// One for each of [`Contender::ALL`].
    pairs: Vec<Measured>,
    first_byte: first_byte::Measured,
}

fn main() {
    // `cargo test --all-targets` starts it too, and has nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let results = measured::results();
    let folder = tempfile::tempdir().unwrap();
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        println!("round {number} of {ROUNDS}");
        rounds.push(round(&folder.path().join(number.to_string())));
    }
    let report = report::Report::of(&rounds);
    measured::leave(&results, "dsp", &report.json(), &report.table());
}

fn round(folder: &Path) -> Round {
    let mut round = Round::default();
    for contender in Contender::ALL {
        let measured = contender.measure(&folder.join(contender.folder()));
        println!("  {}: {measured}", contender.name());
        round.pairs.push(measured);
    }
    round.first_byte = first_byte::measure(&folder.join("first-byte"));
    println!("  first byte: {}", round.first_byte);
    round
}
