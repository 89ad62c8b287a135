//! What a connector has served of its log stays true, whichever write or sync of it fails: every checkpoint fetched over HTTP before the
//! failure, while the connector ends, and after it was started again is extended by the next one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod erased;
mod kept;

use herleid::config::Config;
use herleid_ledger::checkpoint::Checkpoint;
use herleid_ledger::merkle::verify_consistency;
use herleid_tests::connector::{Connector, RAIN};
use herleid_tests::machine::free_port;
use herleid_tests::management::Api;
use herleid_tests::process::told;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Put before the C library's calls in the connector; `ledger/tests/faults` is about every call of its.
const INJECTOR: &str = include_str!("../../../ledger/tests/faults/inject.c");

/// How a call fails, and which.
const FAULTS: [(&str, &str); 8] = [
    ("lost", "fdatasync log/#.log"),
    ("kept", "fdatasync log/#.log"),
    ("lost", "fdatasync keys/#.log"),
    ("kept", "fdatasync keys/#.log"),
    ("lost", "write log/#.log"),
    ("kept", "write log/#.log"),
    ("nospace", "write keys/#.log"),
    ("short", "write log/#.log"),
];

/// The first such call after the start fails, or the one after so many.
const AFTER: [usize; 3] = [0, 2, 5];

/// A publication writes and syncs several times; after so many the call that is to fail has been made.
const PUBLICATIONS: usize = 12;

/// The injector, compiled; nothing where there is no compiler.
fn library(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("inject.c"), folder.join("inject.so"));
    fs::write(&source, INJECTOR).unwrap();
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl");
    assert!(compiler.status().ok()?.success(), "the injector is not compiled");
    Some(library)
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

struct World {
    folder: tempfile::TempDir,
    connector: Connector,
    port: u16,
    management: u16,
    library: PathBuf,
    /// Every checkpoint that was served, in order.
    served: Vec<String>,
    /// What was published, and answered with yes.
    published: Vec<String>,
}

impl World {
    fn set() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path())?;
        let (port, management) = (free_port(), free_port());
        let connector = Connector::new(folder.path().join("knmi"), port, port);
        connector.set(
            "management",
            &format!("address = \"127.0.0.1:{management}\"\npublish_from = [\"files\"]"),
        );
        fs::create_dir(connector.directory.join("files")).unwrap();
        Some(Self {
            folder,
            connector,
            port,
            management,
            library,
            served: Vec::new(),
            published: Vec::new(),
        })
    }

    /// Starts the connector with its storage watched; whether a call fails.
    fn start(&mut self, fault: Option<(&str, String)>) {
        let (library, journal, kept) = (self.library.clone(), self.journal(), self.folder.path().join("kept"));
        let _ = fs::remove_file(&journal);
        fs::create_dir_all(&kept).unwrap();
        let root = self.connector.storage();
        self.connector.start_with(|command| {
            command
                .env("LD_PRELOAD", library)
                .env("FAULT_ROOT", root)
                .env("FAULT_KEEP", kept)
                .env("FAULT_JOURNAL", journal);
            if let Some((mode, at)) = fault {
                command.env("FAULT_MODE", mode).env("FAULT_AT", at);
            }
        });
        self.look();
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// How often such a call was made since the start.
    fn made(&self, call: &str) -> usize {
        let begins = format!("call opening {call} ");
        let journal = fs::read_to_string(self.journal()).unwrap();
        journal.lines().filter(|line| line.starts_with(&begins)).count()
    }

    /// Fetches the checkpoint as any stranger does; nothing when nobody answers, or not to the end.
    fn look(&mut self) {
        let fetched = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            let head = format!("Host: localhost:{}\r\nConnection: close", self.port);
            stream.write_all(format!("GET /log/1/checkpoint HTTP/1.1\r\n{head}\r\n\r\n").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let Ok(answer) = fetched() else { return };
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            return;
        };
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        if body.ends_with('\n') {
            self.served.push(body.to_owned());
        }
    }

    /// Publishes one more; whether it was answered with yes.
    fn publish(&mut self) -> bool {
        let id = format!("rain-{}", self.served.len());
        let file = self.connector.directory.join("files").join(&id);
        fs::write(&file, RAIN).unwrap();
        let policy = json!({"@type": "Offer", "permission": [{"action": "use"}]});
        let body = json!({
            "source": {"file": file}, "id": id, "title": "Rain", "description": "Gauge 310", "theme": ["ENVI"], "policy": policy,
        });
        // The one whose call fails may be told so before the process ends.
        let answer = self.api().try_post("/datasets", &body);
        let good = answer.is_ok_and(|reply| {
            assert!([201, 500].contains(&reply.status), "{}", reply.body);
            reply.status == 201
        });
        if good {
            self.published.push(id);
        }
        good
    }

    fn api(&self) -> Api {
        Api::new(self.management, &self.connector.management_token())
    }
}

/// What was served, held against the log as it lies there in the end.
fn check(served: &[String], file: &Path) -> usize {
    let config = Config::load(file, std::iter::empty(), true).unwrap();
    let node = herleid::node::open(config).unwrap();
    let ledger = &node.ledger;
    ledger.verify_all(|_, _| ()).unwrap();
    let mut sizes = 0;
    let mut before: Option<Checkpoint> = None;
    for note in served {
        let now = Checkpoint::verify_bytes(note.as_bytes(), ledger.verifier()).unwrap();
        assert_eq!(*now.root(), ledger.root_at(now.size()).unwrap(), "{note}");
        if let Some(before) = &before {
            assert!(
                before.size() <= now.size(),
                "{note} was served after one of {}",
                before.size()
            );
            let proof = ledger.consistency(before.size(), now.size()).unwrap();
            verify_consistency(before.size(), now.size(), &proof, before.root(), now.root()).unwrap();
        }
        sizes += usize::from(before.is_none_or(|before| before.size() < now.size()));
        before = Some(now);
    }
    sizes
}

#[test]
fn every_checkpoint_served_is_extended_by_the_next_whichever_call_fails() {
    let Some(mut world) = World::set() else {
        // Written past the test runner's capture, where the count of skipped tests is made.
        let said =
            "SKIPPED every_checkpoint_served_is_extended_by_the_next_whichever_call_fails: `cc` is not installed\n";
        return std::io::stderr().write_all(said.as_bytes()).unwrap();
    };
    world.start(None);
    assert!(world.publish());
    world.connector.kill();
    for (after, (mode, call)) in AFTER.into_iter().flat_map(|after| FAULTS.map(|fault| (after, fault))) {
        world.start(None);
        let at_start = world.made(call);
        assert!(world.publish());
        assert!(world.made(call) > at_start, "a publication makes no {call}");
        world.connector.kill();

        let before = world.served.len();
        world.start(Some((mode, format!("opening {call} {}", at_start + 1 + after))));
        let mut refused = false;
        for _ in 0..PUBLICATIONS {
            refused = !world.publish();
            world.look();
            if refused {
                break;
            }
        }
        assert!(
            refused,
            "{mode} {call}: {PUBLICATIONS} publications were answered with yes"
        );
        let said = told(&world.connector.ended());
        assert!(
            said.contains("cannot keep a write and stops") && said.contains("repair the disk, then start again"),
            "{mode} {call}: {said}"
        );
        world.start(None);
        assert!(world.served.len() > before, "{mode} {call}: nothing was served");
        let listed = world.api().get("/datasets?limit=500").good(200);
        let listed: Vec<&Value> = listed["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["id"])
            .collect();
        for id in &world.published {
            assert!(
                listed.contains(&&json!(id)),
                "{mode} {call}: `{id}` was published, and is gone"
            );
        }
        world.connector.kill();
    }
    let sizes = check(&world.served, &world.connector.directory.join("herleid.toml"));
    println!(
        "{} checkpoints served, {sizes} sizes, {} failures",
        world.served.len(),
        AFTER.len() * FAULTS.len()
    );
    assert!(sizes > AFTER.len() * FAULTS.len(), "{sizes} sizes");
}
