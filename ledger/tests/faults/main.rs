//! What happens to a log whose process is killed, whose disk is full, or whose directory is taken.
//!
//! This binary starts itself again as `child` and watches from outside. A check that this machine cannot do is skipped,
//! loudly and by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../rig/mod.rs"]
mod rig;

mod background;
mod child;
mod crash;
mod erasing;
mod full;
mod inject;
mod judge;
mod matrix;
mod seen;
mod steady;
mod taken;
mod torn;
mod trace;
mod witness;
mod works;

use crate::works::WORKS;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a check ends with, if it does not panic.
pub(crate) enum Outcome {
    Passed,
    Skipped(String),
}

type Check = fn() -> Outcome;

const CHECKS: [(&str, Check); 12] = [
    ("a_killed_process_loses_nothing_acknowledged", crash::check),
    ("a_second_process_is_refused", taken::check),
    ("every_acknowledgement_follows_its_syncs", trace::check),
    ("a_full_disk_stops_the_log_and_loses_nothing", full::check),
    ("on_a_full_disk_nothing_is_half_erased", full::check_erasing),
    ("a_torn_last_write_is_dropped_and_nothing_else", torn::check),
    (
        "a_failure_in_the_background_is_known_where_nobody_writes",
        background::check_idle,
    ),
    (
        "a_name_lost_to_another_thread_is_noticed",
        background::check_shared_folder,
    ),
    ("a_witness_whose_write_failed_cosigns_nothing_more", witness::check),
    ("no_call_passes_the_injector_by", seen::check),
    ("whichever_call_fails_nothing_acknowledged_is_lost", matrix::check),
    (
        "whichever_call_fails_what_is_erased_is_gone_and_nothing_else",
        matrix::check_erasing,
    ),
];

/// Faults that happened: calls that failed, writes that were torn, processes that were killed.
static INJECTED: AtomicUsize = AtomicUsize::new(0);

/// Faults after which the log had lost something, or was not whole.
static LOST: AtomicUsize = AtomicUsize::new(0);

/// Counts faults.
pub(crate) fn injected(count: usize) {
    INJECTED.fetch_add(count, Ordering::Relaxed);
}

/// What is checked after a fault; if it fails, something was lost.
pub(crate) fn checked<T>(check: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        LOST.fetch_add(1, Ordering::Relaxed);
        resume_unwind(panic)
    })
}

/// Whether all faults are to happen (`make faults`), or as many as there is time for in `make test`.
pub(crate) fn all() -> bool {
    std::env::var_os("HERLEID_FAULTS").is_some_and(|which| which == "all")
}

/// The one kind of work whose calls are to fail (`HERLEID_FAULTS=erased`, say), for a few minutes.
pub(crate) fn only() -> Option<String> {
    std::env::var("HERLEID_FAULTS").ok().filter(|which| which != "all")
}

/// This binary, to be started as a child.
pub(crate) fn this_binary() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("child");
    command
}

/// A folder in memory where there is one. What a disk keeps is modelled where it is used, so that nothing need wait for a real one.
pub(crate) fn fast_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        child::run(&arguments[1..]);
        return;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        CHECKS.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    // A name that is none would choose nothing, and nothing would fail.
    if let Some(other) = only().filter(|only| WORKS.iter().all(|work| work.name != only)) {
        let known: Vec<_> = WORKS.iter().map(|work| work.name).collect();
        eprintln!(
            "HERLEID_FAULTS is `{other}`, expected `all` or one of: {}",
            known.join(", ")
        );
        std::process::exit(2);
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str()));
    let (mut failed, mut skipped) = (0, 0);
    for (name, check) in CHECKS.iter().filter(|(name, _)| chosen(name)) {
        match catch_unwind(check) {
            Ok(Outcome::Passed) => println!("test {name} ... ok"),
            Ok(Outcome::Skipped(why)) => {
                skipped += 1;
                println!("test {name} ... SKIPPED: {why}");
            }
            Err(_) => {
                failed += 1;
                println!("test {name} ... FAILED");
            }
        }
    }
    let (injected, lost) = (INJECTED.load(Ordering::Relaxed), LOST.load(Ordering::Relaxed));
    // A run of everything in which no call failed has shown nothing.
    if wanted.is_empty() && injected == 0 {
        failed += 1;
        println!("no fault was injected");
    }
    // Only a run in which all was well ends with the line that says so.
    match failed {
        0 => println!("\nfaults: {skipped} checks skipped\nfaults: {injected} injected, {lost} lost"),
        _ => println!("\nfaults: {injected} injected, {lost} lost, {failed} checks FAILED, {skipped} skipped"),
    }
    // Who asks for all of them is not served with fewer.
    if failed > 0 || all() && skipped > 0 {
        std::process::exit(101);
    }
}
