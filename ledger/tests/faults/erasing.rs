//! The process that erases, and what has to be true of it whichever call failed: something is there without a tombstone, or gone with one, and
//! what is said to be in no file is in none.

use crate::child::{Ack, marked, open};
use crate::judge::Said;
use crate::rig::{RunningClock, TRACE, note};
use crate::steady::Failure;
use herleid_ledger::record::Document;
use herleid_ledger::section::SectionName;
use herleid_ledger::{Erasure, Ground, Ledger, Target};
use herleid_vocab::rim::Clock as _;
use serde_json::Map;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often one attempt more was needed after the log was opened again: something else was reading or writing files.
pub(crate) static LATE: AtomicUsize = AtomicUsize::new(0);

/// Records of one erasure.
const AT_ONCE: usize = 2;

/// So often is it tried to rewrite files, each time for two seconds.
const TRIES: usize = 10;

/// Lengths of documents: one that lies in the store, and one that is a file of its own.
const SMALL: usize = 400;
const LARGE: usize = (64 << 10) + 1;

/// Of four records that go, so many have one beside them that stays.
const STAYS: usize = 2;

/// What the process said of the records that it was to erase, and of those that were to stay.
#[derive(Default, Clone)]
pub(crate) struct Erasures {
    /// By number of the record: what its document holds.
    secrets: BTreeMap<u64, String>,
    /// By number of a record that stays: name and length of its own document, and of one that a record lists too which goes.
    stays: BTreeMap<u64, [(String, usize); 2]>,
    /// The erasure was asked for.
    asked: Vec<u64>,
    /// It was answered: with its tombstone, and whether files were said to be rid of it.
    answered: BTreeMap<u64, (u64, bool)>,
}

impl Erasures {
    /// Reads whole lines.
    pub(crate) fn read(&mut self, text: &str) {
        for line in text.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["secret", index, name] => drop(self.secrets.insert(index.parse().unwrap(), name.to_owned())),
                ["stays", index, own, length, shared, shared_length] => {
                    let documents = [(own, length), (shared, shared_length)];
                    let documents = documents.map(|(name, length)| (name.to_owned(), length.parse().unwrap()));
                    self.stays.insert(index.parse().unwrap(), documents);
                }
                ["erasing", index] => self.asked.push(index.parse().unwrap()),
                ["erased", index, tombstone, is_buried] => {
                    let said = (tombstone.parse().unwrap(), is_buried == "true");
                    self.answered.insert(index.parse().unwrap(), said);
                }
                ["buried"] => self.answered.values_mut().for_each(|(_, is_buried)| *is_buried = true),
                _ => {}
            }
        }
    }
}

/// Bytes that no compression makes shorter, and that stand nowhere else.
fn secret(name: &str, length: usize) -> Vec<u8> {
    let blocks = (0u32..).map(|n| Sha256::digest(format!("{name} {n}")));
    blocks.flatten().take(length).collect()
}

/// The beginning of every such document: within one block of a write-ahead log or of a table.
fn begins(name: &str) -> Vec<u8> {
    secret(name, 32)
}

/// Opens, appends records with documents, every second one of them a file of its own, erases them two by two, closes.
pub(crate) fn run(dir: &Path, count: usize) {
    let ledger = open(dir);
    println!("opened");
    let (fails, first) = (Failure::expected(), ledger.size());
    let targets = append(&ledger, first, count);
    for together in targets.chunks(AT_ONCE) {
        erase(&ledger, together);
    }
    bury(&ledger);
    fails.seen_to(&ledger, first, count as u64);
    println!("done");
    drop(ledger);
    println!("closed");
}

/// The same at once, on a disk that is filled in between, but for `room` bytes.
pub(crate) fn run_full(dir: &Path, ballast: &Path, room: u64) {
    let ledger = open(dir);
    println!("opened");
    let targets = append(&ledger, ledger.size(), 8);
    let mut file = fs::File::create(ballast).unwrap();
    let piece = [7u8; 4096];
    // Until there is no room for any more.
    while file.write_all(&piece).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(room)).unwrap();
    drop(file);
    erase(&ledger, &targets);
    println!("done");
}

/// Checks what a process said on standard input of the log in `dir`.
pub(crate) fn examine_again(dir: &Path) {
    let (mut text, mut said) = (String::new(), Said::default());
    std::io::stdin().read_to_string(&mut text).unwrap();
    said.read(text.as_bytes());
    assert!(
        !said.erasures.asked.is_empty(),
        "nothing was erased before the disk was full"
    );
    let ledger = open(dir);
    crate::child::examine(&ledger, &said.acks);
    examine(&ledger, &said.erasures, dir);
    println!("examined {}", said.erasures.asked.len());
}

fn append(ledger: &Ledger, first: u64, count: usize) -> Vec<u64> {
    let mut targets = Vec::new();
    for n in 0..count {
        let marker = format!("m-{first}-{n}-m");
        let length = if n.is_multiple_of(2) { SMALL } else { LARGE };
        let draft = marked(note(&marker), &marker).evidence(document(&marker, length));
        // What two records list goes with neither of them alone; one of either size.
        let shared = (format!("s-{marker}"), if n.is_multiple_of(4) { SMALL } else { LARGE });
        let stays = n % 4 < STAYS;
        let draft = match stays {
            true => draft.evidence(document(&shared.0, shared.1)),
            false => draft,
        };
        let recorded = ledger.append_blocking(draft).unwrap();
        Ack::print(&recorded, &marker);
        println!("secret {} {marker}", recorded.index());
        targets.push(recorded.index());
        if stays {
            let marker = format!("b-{first}-{n}-b");
            let draft = marked(note(&marker), &marker).evidence(document(&marker, length));
            let draft = draft.evidence(document(&shared.0, shared.1));
            let recorded = ledger.append_blocking(draft).unwrap();
            Ack::print(&recorded, &marker);
            println!("stays {} {marker} {length} {} {}", recorded.index(), shared.0, shared.1);
        }
    }
    targets
}

fn document(name: &str, length: usize) -> Document {
    Document {
        role: "marker".into(),
        media_type: "text/plain".into(),
        bytes: secret(name, length),
    }
}

fn erase(ledger: &Ledger, together: &[u64]) {
    together.iter().for_each(|index| println!("erasing {index}"));
    let erased = ledger.erase(erasure(together)).unwrap();
    for (index, tombstone) in together.iter().zip(&erased.tombstones) {
        println!("erased {index} {tombstone} {}", erased.is_buried);
    }
    if !erased.is_buried {
        println!("unburied {}", erased.why.unwrap_or_default());
    }
}

fn erasure(together: &[u64]) -> Erasure {
    Erasure {
        trace: TRACE.to_owned(),
        targets: together.iter().map(|index| target(*index)).collect(),
        ground: Ground::Avg17,
        authority: "request 2026-17".to_owned(),
        complete_by_ms: RunningClock.now_ms() + 60_000,
        facts: Map::new(),
        state: together.iter().map(|index| (state(*index), Some(vec![1]))).collect(),
    }
}

/// Tries again what could not be done at once, as the service does every minute.
fn bury(ledger: &Ledger) {
    for _ in 0..TRIES {
        match ledger.bury() {
            Ok(true) => return println!("buried"),
            Ok(false) => {}
            Err(error) => return println!("unburied {error}"),
        }
    }
}

fn target(index: u64) -> Target {
    Target {
        index,
        sections: [SectionName::Facts, SectionName::Evidence].into(),
        counterparty: None,
    }
}

fn state(index: u64) -> String {
    format!("erased-{index}")
}

/// Of the process that has just ended: what it said to be in no file is in none.
pub(crate) fn examine_files(said: &Erasures, dir: &Path) {
    let gone = said.answered.iter().filter(|(_, (_, is_buried))| *is_buried);
    for (index, _) in gone {
        assert_nowhere(&said.secrets[index], dir, "as it was said");
    }
}

/// Of the log that was opened again: each record has its tombstone and nothing of it is there, or none and all of it is; then what was not
/// erased is, and nothing of it is left anywhere; and all that was to stay is there before and after.
pub(crate) fn examine(ledger: &Ledger, said: &Erasures, dir: &Path) {
    for (index, (tombstone, _)) in &said.answered {
        let record = ledger.record(*index).unwrap();
        let tombstones = ledger.tombstones(record.leaf()).unwrap();
        assert_eq!(tombstones, [*tombstone], "record {index} was said to be erased");
    }
    examine_stays(ledger, said);
    let mut again = Vec::new();
    for (index, name) in &said.secrets {
        let is_asked = said.asked.contains(index);
        match is_whole(ledger, *index, name) {
            true if is_asked => again.push(*index),
            true => {}
            false => assert!(is_asked, "record {index} was not to be erased"),
        }
    }
    for together in again.chunks(AT_ONCE) {
        let erased = ledger.erase(erasure(together)).unwrap();
        assert_eq!(erased.why, None, "on a disk that is sound again");
    }
    let tries = (1..=TRIES).find(|_| ledger.bury().unwrap());
    LATE.fetch_add(usize::from(tries.is_some_and(|tries| tries > 1)), Ordering::Relaxed);
    let is_buried = tries.is_some();
    let left = ["log", "keys"].map(|store| names(&dir.join(store)));
    assert!(
        is_buried,
        "files hold what was erased, on a disk that is sound again: {left:?}"
    );
    assert!(!ledger.is_unburied().unwrap());
    for index in &said.asked {
        let name = &said.secrets[index];
        assert!(!is_whole(ledger, *index, name), "record {index} was erased again");
        assert_nowhere(name, dir, "after it was opened again");
    }
    examine_stays(ledger, said);
}

/// Whether a record has no tombstone; if it has one, nothing of it is there, and otherwise all is.
fn is_whole(ledger: &Ledger, index: u64, name: &str) -> bool {
    let record = ledger.record(index).unwrap();
    let tombstones = ledger.tombstones(record.leaf()).unwrap();
    let found = [SMALL, LARGE].map(|length| has(ledger, name, length));
    let there = [
        record.sections().contains_key(&SectionName::Facts),
        record.sections().contains_key(&SectionName::Evidence),
        found.contains(&true),
        ledger.get(&state(index)).unwrap().is_none(),
    ];
    assert_eq!(there, [tombstones.is_empty(); 4], "record {index} is half erased");
    tombstones.is_empty()
}

fn examine_stays(ledger: &Ledger, said: &Erasures) {
    for (index, documents) in &said.stays {
        let record = ledger.record(*index).unwrap();
        assert_eq!(
            record.sections().len(),
            record.macs().len(),
            "record {index} was to stay"
        );
        for (name, length) in documents {
            assert!(has(ledger, name, *length), "a document of record {index} was to stay");
        }
    }
}

fn has(ledger: &Ledger, name: &str, length: usize) -> bool {
    let digest: [u8; 32] = Sha256::digest(secret(name, length)).into();
    ledger.evidence(&digest).unwrap().is_some()
}

fn assert_nowhere(name: &str, dir: &Path, when: &str) {
    let looked_for = begins(name);
    let mut waiting = vec![dir.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            // RocksDB removes files from threads of its own.
            let Ok(bytes) = fs::read(&path) else { continue };
            let is_there = bytes.windows(looked_for.len()).any(|window| window == looked_for);
            assert!(!is_there, "`{}` holds what was erased, {when}", path.display());
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
