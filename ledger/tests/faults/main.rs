//! What happens to a log whose process is killed, whose disk is full, or whose directory is taken.
//!
//! This binary starts itself again as `child` and watches from outside. A check that this machine cannot do is skipped,
//! loudly and by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../rig/mod.rs"]
mod rig;

mod child;
mod crash;
mod full;
mod taken;
mod trace;

use std::panic::catch_unwind;
use std::process::Command;

/// What a check ends with, if it does not panic.
pub(crate) enum Outcome {
    Passed,
    Skipped(String),
}

type Check = fn() -> Outcome;

const CHECKS: [(&str, Check); 4] = [
    ("a_killed_process_loses_nothing_acknowledged", crash::check),
    ("a_second_process_is_refused", taken::check),
    ("every_acknowledgement_follows_its_syncs", trace::check),
    ("a_full_disk_stops_the_log_and_loses_nothing", full::check),
];

/// This binary, to be started as a child.
pub(crate) fn this_binary() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("child");
    command
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
    println!("\nfaults: {failed} failed, {skipped} skipped\n");
    if failed > 0 {
        std::process::exit(101);
    }
}
