//! A running connector's log as programs of others see it, each at a pinned release: Tessera's fsck, sumdb's tlog and note, a C2SP witness,
//! Python's scitt-cose, OpenSSL's ts. Each check is followed by logs that are damaged or forged, which the same program has to refuse: a
//! check that cannot fail is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod damage;
mod readers;
mod receipts;
mod stamps;
mod tools;
mod witness;
mod world;

use herleid_tests::process::text;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tools::Tools;
use world::World;

type Check = (&'static str, fn(&mut World));

/// In this order: the last one rewrites the log.
const CHECKS: [Check; 5] = [
    ("tessera-fsck", readers::fsck),
    ("sumdb-tlog", readers::sumdb),
    ("scitt-receipt", receipts::scitt),
    ("rfc3161", stamps::rfc3161),
    ("witness", witness::cosigns),
];

#[test]
fn others_programs_accept_the_log_and_refuse_a_damaged_one() {
    let tools = Tools::prepared();
    let verdict = tools.folder.join("verdict");
    // What an earlier run found out must not be taken for what this one did.
    std::fs::remove_file(&verdict).unwrap_or_default();
    let mut world = World::set(tools);
    let (mut lines, mut failures) = (String::new(), String::new());
    for (name, check) in CHECKS {
        let said = match catch_unwind(AssertUnwindSafe(|| check(&mut world))) {
            Ok(()) => "ok",
            Err(why) => {
                let text = why.downcast_ref::<String>().cloned();
                let text = text.or_else(|| why.downcast_ref::<&str>().map(|&s| s.to_owned()));
                writeln!(failures, "{name}: {}", text.unwrap_or_default()).unwrap();
                "FAILED"
            }
        };
        writeln!(lines, "{name}: {said}").unwrap();
    }
    std::fs::write(&verdict, &lines).unwrap();
    assert!(failures.is_empty(), "{failures}{lines}");
}
