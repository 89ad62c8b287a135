//! `herleid-sewer`: how much of a rain series a sewer with a given storage and pump spills, hour by hour.
//!
//! The sample model service of Herleid, and a program of its own: it reads a job directory (docs/models.md) and writes its
//! answer there. It has no clock, no randomness, no threads and no floating point, so one job has one answer, to the byte.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod amount;
mod balance;
mod error;
mod hour;
mod job;
mod rain;
mod report;
mod sewer;

use error::SewerError;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
herleid-sewer: hourly fill and overflow of a sewer with a storage and a pump

Usage: herleid-sewer JOB

JOB is a job directory or the job.json in it. Inputs `rain` and `sewer` are read from in/, the output `result` is written
to out/. Parameters: `storage_mm` and `pump_mm_per_h`, decimal strings with at most two decimals.

Exit code: 0 done, 1 the job or an input was refused, 2 wrong usage, 3 a file could not be read or written.";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let job = match arguments.as_slice() {
        [one] if one == "--help" || one == "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [one] if one == "--version" => {
            println!("herleid-sewer {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        [one] => Path::new(one),
        _ => {
            eprintln!(
                "herleid-sewer: expected one argument, the job; found {}\n\n{USAGE}",
                arguments.len()
            );
            return ExitCode::from(2);
        }
    };
    match run(job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("herleid-sewer: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(path: &Path) -> Result<(), SewerError> {
    let job = job::Job::read(path)?;
    let rain = rain::RainSeries::parse(&job.rain.name, &job.rain.bytes)?;
    let sewer = sewer::Sewer::parse(&job.sewer.name, &job.sewer.bytes)?;
    let balance = balance::Balance::of(&rain, &sewer, job.chosen)?;
    for deviation in balance.deviations() {
        eprintln!(
            "herleid-sewer: computed with {} = `{}`; the sewer's own data say `{}`",
            deviation.parameter, deviation.used, deviation.sewer
        );
    }
    job.write_result(&report::canonical(&report::of(&rain, &sewer, &balance)))
}
