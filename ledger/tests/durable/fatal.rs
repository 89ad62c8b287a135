//! A write that fails ends the process, with the reason; nothing is acknowledged.

use crate::rig::{note, open, options};
use herleid_ledger::record::Document;
use herleid_ledger::{Ledger, Options};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

static REASONS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Stands in for the end of the process.
fn remember(reason: &str) -> ! {
    REASONS.lock().unwrap().push(reason.to_owned());
    panic!("the process would have ended here")
}

#[test]
fn a_document_that_cannot_be_kept_ends_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(Options {
        on_fatal: remember,
        ..options(dir.path(), 1)
    })
    .unwrap();
    // Large documents are written here first; a file in its place refuses every one of them, also for root.
    let unfinished = dir.path().join("evidence").join("tmp");
    std::fs::remove_dir(&unfinished).unwrap();
    std::fs::write(&unfinished, b"").unwrap();
    let document = Document {
        role: "receipt".into(),
        media_type: "text/plain".into(),
        bytes: vec![b'x'; (64 << 10) + 1],
    };
    let draft = note("x").evidence(document.clone()).put("k", Some(vec![1]));
    let ended = catch_unwind(AssertUnwindSafe(|| ledger.append_blocking(draft)));
    assert!(ended.is_err(), "the append returned: {ended:?}");
    let reasons = REASONS.lock().unwrap().clone();
    assert_eq!(reasons.len(), 1);
    let dir_named = reasons[0].contains(&dir.path().display().to_string());
    assert!(dir_named && reasons[0].contains("evidence/tmp"), "{}", reasons[0]);
    assert_eq!((ledger.size(), ledger.get("k").unwrap()), (1, None));
    drop(ledger);

    std::fs::remove_file(&unfinished).unwrap();
    let ledger = open(dir.path(), 2);
    ledger.append_blocking(note("x").evidence(document)).unwrap();
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().size, 2);
}
