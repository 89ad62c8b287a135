//! The process that is killed, traced or filled up.

use crate::rig::{note, running_options, terminated};
use herleid_ledger::record::{Document, Draft};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Ledger, Recorded};
use serde_json::json;
use std::io::BufRead;
use std::path::Path;

/// One acknowledgement, as printed: a line in one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) index: u64,
    pub(crate) leaf: String,
    pub(crate) id: String,
    pub(crate) marker: String,
    pub(crate) size: u64,
    pub(crate) root: String,
}

impl Ack {
    pub(crate) fn print(recorded: &Recorded, marker: &str) {
        let (leaf, root) = (hex::encode(recorded.leaf()), hex::encode(recorded.checkpoint().root()));
        let (index, size) = (recorded.index(), recorded.checkpoint().size());
        println!("ack {index} {leaf} {} {marker} {size} {root}", recorded.id());
    }

    /// `None` for another line, and for one that a kill cut off.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("ack ")?.strip_suffix('\n')?.split(' ');
        let mut word = || words.next().map(str::to_owned);
        let ack = Self {
            index: word()?.parse().ok()?,
            leaf: word()?,
            id: word()?,
            marker: word()?,
            size: word()?.parse().ok()?,
            root: word()?,
        };
        Some(ack)
    }

    /// Reads all whole lines.
    pub(crate) fn read_all(mut from: impl BufRead) -> Vec<Self> {
        let mut acks = Vec::new();
        let mut line = String::new();
        while from.read_line(&mut line).unwrap() > 0 {
            acks.extend(Self::parse(&line));
            line.clear();
        }
        acks
    }
}

/// `append DIR THREADS COUNT` appends COUNT records a thread, 0 for no end; `fill DIR` appends large ones until it dies;
/// `steady DIR COUNT BYTES` appends COUNT records in one thread, with documents of that size (`super::steady`);
/// `erasing DIR COUNT` appends COUNT records and erases them (`super::erasing`);
/// `erase-full DIR BALLAST ROOM` does so on a disk that it fills with the file BALLAST but for ROOM bytes; `erased DIR` checks that afterwards;
/// `witness DIR` cosigns checkpoints with the memory of a witness there (`super::witness`);
/// `examine DIR` reads acknowledgements from standard input and checks them.
pub(crate) fn run(arguments: &[String]) {
    let dir = Path::new(&arguments[1]);
    match arguments[0].as_str() {
        "append" => {
            let ledger = open(dir);
            append(&ledger, arguments[2].parse().unwrap(), arguments[3].parse().unwrap());
        }
        "steady" => crate::steady::run(dir, arguments[2].parse().unwrap(), arguments[3].parse().unwrap()),
        "erasing" => crate::erasing::run(dir, arguments[2].parse().unwrap()),
        "erase-full" => crate::erasing::run_full(dir, Path::new(&arguments[2]), arguments[3].parse().unwrap()),
        "witness" => crate::witness::run(dir),
        "erased" => crate::erasing::examine_again(dir),
        "fill" => {
            let ledger = open(dir);
            let large = "x".repeat(200_000);
            for n in 0.. {
                let marker = format!("fill-{n}");
                let draft = marked(terminated("urn:a"), &marker).section(SectionName::Private, json!({"large": large}));
                Ack::print(&ledger.append_blocking(draft).unwrap(), &marker);
            }
        }
        "examine" => {
            let acks = Ack::read_all(std::io::stdin().lock());
            assert!(!acks.is_empty(), "nothing was acknowledged before the disk was full");
            examine(&open(dir), &acks);
            println!("examined {}", acks.len());
        }
        other => panic!("no such child: {other}"),
    }
}

pub(crate) fn open(dir: &Path) -> Ledger {
    match Ledger::open(running_options(dir)) {
        Ok(ledger) => ledger,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(3);
        }
    }
}

/// The marker stands readable in the log's write-ahead log, twice: once-key and state.
pub(crate) fn marked(draft: Draft, marker: &str) -> Draft {
    draft
        .once(format!("once-{marker}"), [0; 32])
        .put(marker, Some(marker.as_bytes().to_vec()))
}

/// A document that is a file of its own, and begins with its marker.
pub(crate) fn large_document(marker: &str) -> Vec<u8> {
    let mut bytes = marker.as_bytes().to_vec();
    bytes.resize((64 << 10) + 1, b' ');
    bytes
}

fn append(ledger: &Ledger, threads: u64, count: u64) {
    let run = format!("{}-{}", std::process::id(), ledger.size());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let run = &run;
            scope.spawn(move || {
                for n in 0.. {
                    if count > 0 && n == count {
                        break;
                    }
                    let marker = format!("m-{run}-{thread}-{n}-m");
                    let draft = if n % 3 == 0 { note(&marker) } else { terminated("urn:a") };
                    let document = Document {
                        role: "marker".into(),
                        media_type: "text/plain".into(),
                        bytes: match n % 5 {
                            0 => large_document(&marker),
                            _ => marker.clone().into_bytes(),
                        },
                    };
                    let draft = if n % 5 < 2 { draft.evidence(document) } else { draft };
                    let recorded = ledger.append_blocking(marked(draft, &marker)).unwrap();
                    Ack::print(&recorded, &marker);
                    if n % 4 == 3 {
                        keep_state(ledger, &marker);
                    }
                }
            });
        }
    });
}

/// Writes state alone, and acknowledges it. The marker of the record before does not stand in it as a whole. The value is the key: where one
/// is cut in two by the end of a block, the other is not.
pub(crate) fn keep_state(ledger: &Ledger, marker: &str) {
    let key = format!("state{}", marker.trim_matches('m'));
    let value = Some(key.clone().into_bytes());
    ledger.put_state_blocking(vec![(key.clone(), value)]).unwrap();
    println!("ack-state {key}");
}

/// State that was written alone and acknowledged is there.
pub(crate) fn examine_states(ledger: &Ledger, states: &[String]) {
    for key in states {
        let value = ledger.get(key).unwrap();
        let value = value.unwrap_or_else(|| panic!("the acknowledged state `{key}` is gone"));
        assert!(key.as_bytes() == value, "the acknowledged state `{key}` is another");
    }
}

/// Everything acknowledged is there, with its state; every checkpoint that was served is one of this log's past.
pub(crate) fn examine(ledger: &Ledger, acks: &[Ack]) {
    for ack in acks {
        let record = ledger.record(ack.index).unwrap();
        assert_eq!(hex::encode(record.leaf()), ack.leaf, "record {}", ack.index);
        assert_eq!(record.id().to_string(), ack.id);
        assert_eq!(ledger.get(&ack.marker).unwrap(), Some(ack.marker.as_bytes().to_vec()));
        assert_eq!(
            hex::encode(ledger.root_at(ack.size).unwrap()),
            ack.root,
            "checkpoint of size {}",
            ack.size
        );
        assert!(ack.index < ack.size, "the checkpoint in hand does not cover the record");
    }
    let audited = ledger.verify_all(|_, _| {}).unwrap();
    assert_eq!(audited.size, ledger.size());
}
