//! The process whose calls fail: one thread, the same work each time, and a word on standard output between its phases.

use crate::child::{Ack, keep_state, large_document, marked, open};
use crate::inject::promises_nothing;
use crate::rig::{note, terminated};
use herleid_ledger::Ledger;
use herleid_ledger::record::Document;
use std::path::Path;

/// After a call has failed, as many records are tried: enough for the failure to become known, wherever it was.
const AFTER: u64 = 2000;

/// After one by which nothing was promised.
const AFTER_NOTHING: u64 = 20;

/// The call that fails may be RocksDB's, in the background: at most this many records are appended until it is made.
const AT_MOST: u64 = 400;

/// Opens, appends, closes. Every third record has a document that is a file of its own, every third a small one of `bytes`; where these
/// are to fill a part of the store, every record has one. Every fourth record is followed by a write of state alone.
pub(crate) fn run(dir: &Path, count: u64, bytes: usize) {
    let ledger = open(dir);
    println!("opened");
    let (fails, first) = (Failure::expected(), ledger.size());
    let mut last = count;
    let mut n = 0;
    while n < last {
        let marker = format!("m-{first}-{n}-m");
        let draft = if n.is_multiple_of(2) {
            note(&marker)
        } else {
            terminated("urn:a")
        };
        let document = |bytes: Vec<u8>| Document {
            role: "marker".into(),
            media_type: "text/plain".into(),
            bytes,
        };
        let draft = match n % 3 {
            _ if bytes >= 32 << 10 => draft.evidence(document(marker.bytes().cycle().take(bytes).collect())),
            0 => draft.evidence(document(large_document(&marker))),
            1 => draft.evidence(document(marker.bytes().cycle().take(bytes).collect())),
            _ => draft,
        };
        let recorded = ledger.append_blocking(marked(draft, &marker)).unwrap();
        Ack::print(&recorded, &marker);
        if n % 4 == 3 {
            keep_state(&ledger, &marker);
        }
        n += 1;
        if fails.while_idle && fails.has_happened() {
            break;
        }
        if n == last && n < AT_MOST && fails.while_appending && !fails.has_happened() {
            last += 1;
        }
    }
    fails.seen_to(&ledger, first, n);
    println!("done");
    drop(ledger);
    println!("closed");
}

/// The failure that this process was started for.
pub(crate) struct Failure {
    journal: Option<String>,
    while_appending: bool,
    while_idle: bool,
    after: u64,
}

impl Failure {
    pub(crate) fn expected() -> Self {
        let at = std::env::var("FAULT_AT").unwrap_or_default();
        let mut words = at.split(' ');
        let (phase, call) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        Self {
            journal: std::env::var("FAULT_JOURNAL").ok(),
            while_appending: matches!(phase, "appending" | "flush" | "compaction"),
            while_idle: std::env::var_os("FAULT_IDLE").is_some(),
            after: if promises_nothing(call) { AFTER_NOTHING } else { AFTER },
        }
    }

    /// Goes on for as long as it takes for a failure that has happened to become known; `n` records were appended before.
    pub(crate) fn seen_to(&self, ledger: &Ledger, first: u64, n: u64) {
        if !self.has_happened() {
            return;
        }
        // It becomes known also where nobody writes.
        if self.while_idle {
            loop {
                std::thread::park();
            }
        }
        for n in n..n + self.after {
            let marker = format!("m-{first}-{n}-after");
            let recorded = ledger.append_blocking(marked(note(&marker), &marker)).unwrap();
            Ack::print(&recorded, &marker);
        }
    }

    fn has_happened(&self) -> bool {
        let journal = self.journal.as_ref().map(|path| std::fs::read_to_string(path).unwrap());
        journal.is_some_and(|journal| journal.lines().any(|line| line.starts_with("fired ")))
    }
}
