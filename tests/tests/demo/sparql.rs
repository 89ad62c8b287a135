//! Queries over the catalogue of a real connector, and what becomes of it when somebody asks too much.

use herleid::rim::{SystemClock, SystemEntropy};
use herleid_credentials::did_document::{DidDocument, Relationship};
use herleid_credentials::jose;
use herleid_credentials::keys::{Algorithm, SigningKey};
use herleid_credentials::si_token::{self, SelfIssued};
use herleid_tests::connector::{Connector, RAIN};
use herleid_tests::machine::{free_port, until};
use herleid_vocab::rim::Clock as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a new process may take to be there, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);
const COUNT: &str = "SELECT (COUNT(?set) AS ?n) { ?set a <http://www.w3.org/ns/dcat#Dataset> }";

/// A participant that asks, known by its key alone.
struct Asker {
    key: SigningKey,
    port: u16,
}

/// An answer; the names of its headers in small letters.
struct Told {
    status: u16,
    head: String,
    body: String,
}

impl Asker {
    fn new(port: u16) -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa, &SystemEntropy);
        Self { key, port }
    }

    fn token(&self) -> String {
        let us = self.key.public_key().to_did_key().unwrap();
        let document = DidDocument::resolve_did_key(&us).unwrap();
        let (key_id, _) = document.keys_for(Relationship::CapabilityInvocation).next().unwrap();
        let jti = jose::fresh_id(&SystemEntropy);
        let says = SelfIssued {
            subject: &us,
            audience: &format!("did:web:localhost%3A{}", self.port).parse().unwrap(),
            jti: &jti,
            issued_at_ms: SystemClock.now_ms(),
            lifetime_ms: 60_000,
            token: None,
            purpose: None,
            legal_basis: None,
            area_of_use: None,
        };
        si_token::mint(&self.key, key_id, &says).unwrap()
    }

    fn ask(&self, query: &str) -> Told {
        let request = format!(
            "POST /sparql HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/sparql-query\r\nAccept: text/csv\r\nContent-Length: {}\r\n\r\n{query}",
            self.port,
            self.token(),
            query.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no whole answer: {answer}"));
        Told {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    /// How many datasets there are, once somebody answers: meanwhile it is said when to come back, and nothing else goes wrong.
    fn count(&self) -> String {
        until("an answer", PATIENCE, || {
            let told = self.ask(COUNT);
            if told.status == 503 {
                assert!(told.head.contains("retry-after: "), "{}", told.head);
                return Err(told.body);
            }
            assert_eq!(told.status, 200, "{}", told.body);
            Ok(told.body.trim().replace("\r\n", " "))
        })
    }
}

/// The process that answers queries, if there is one that is not `other`; else what the connector's other children are.
fn found_worker(connector: &Connector, other: u32) -> Result<u32, String> {
    let of = connector.service().id();
    let tasks = std::fs::read_dir(format!("/proc/{of}/task")).unwrap().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let ids: Vec<u32> = children
        .flat_map(|text| {
            text.split_whitespace()
                .map(|id| id.parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect();
    let is_one = |id: &&u32| {
        let arguments = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        **id != other && arguments.contains("sparql-worker")
    };
    ids.iter().find(is_one).copied().ok_or_else(|| format!("{ids:?}"))
}

/// The process that answers queries, once there is one that is not `other`.
fn worker(connector: &Connector, other: u32) -> u32 {
    until("a process for queries", PATIENCE, || found_worker(connector, other))
}

/// What descriptors from `first` on lead to.
fn targets(descriptors: &Path, first: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(descriptors).unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_str().unwrap().parse::<u32>().unwrap() >= first)
        // The descriptor that reads this folder is gone when it is looked at.
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .collect()
}

fn connector(folder: &tempfile::TempDir) -> (Connector, u16) {
    let port = free_port();
    let mut connector = Connector::new(folder.path().join("provider"), port, port);
    connector.start();
    connector.publish("rain", RAIN);
    (connector, port)
}

#[test]
fn queries_see_what_is_published_and_outlive_the_process_that_answers_them() {
    let folder = tempfile::tempdir().unwrap();
    let (mut connector, port) = connector(&folder);
    let asker = Asker::new(port);
    found_worker(&connector, 0).expect_err("nobody has asked anything");
    assert_eq!(asker.count(), "n 1");
    connector.publish("snow", b"0");
    let told = asker.ask(COUNT);
    assert_eq!(
        (told.status, told.body.trim()),
        (200, "n\r\n2"),
        "the next query sees it"
    );

    // It has nothing of what the connector has.
    let first = worker(&connector, 0);
    let of = |name: &str| PathBuf::from(format!("/proc/{first}/{name}"));
    assert_eq!(std::fs::read(of("environ")).unwrap(), b"");
    // Beside its three ends of lines it may have what this test was started with, as the connector has: a pipe of `make`, say.
    let beyond = targets(&of("fd"), 3);
    let ours = targets(Path::new("/proc/self/fd"), 3);
    assert!(beyond.iter().all(|target| ours.contains(target)), "{beyond:?} {ours:?}");
    let limits = std::fs::read_to_string(of("limits")).unwrap();
    for (name, value) in [
        ("Max address space", "1610612736"),
        ("Max open files", "3"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        let values: Vec<&str> = line[name.len()..].split_whitespace().take(2).collect();
        assert_eq!(values, [value, value], "{line}");
    }

    // Killed from outside, it comes back without being asked.
    assert!(
        Command::new("kill")
            .args(["-KILL", &first.to_string()])
            .status()
            .unwrap()
            .success()
    );
    let second = worker(&connector, first);
    assert_eq!(asker.count(), "n 2");

    // It ends with the connector, and another one begins with it.
    connector.kill();
    until("it is gone", PATIENCE, || {
        let state = std::fs::read_to_string(format!("/proc/{second}/stat")).unwrap_or_default();
        let is_gone = state
            .rsplit(") ")
            .next()
            .is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']));
        if is_gone { Ok(()) } else { Err(state) }
    });
    connector.start();
    assert_eq!(asker.count(), "n 2");
}

#[test]
fn whoever_asks_too_much_is_told_so_and_everybody_else_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (connector, port) = connector(&folder);
    let other = Asker::new(port);
    assert_eq!(other.count(), "n 1");
    let within =
        |open: &str, n: usize, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    let doubling: String = (0..40)
        .map(|n| format!("BIND(CONCAT(?y{n}, ?y{n}) AS ?y{}) ", n + 1))
        .collect();
    let replacing = within("REPLACE(", 90, "'aaaaaaaaaaaaaaaa'", ", 'a', 'aaaaaaaaaaaaaaaa')");
    let (too_deep, too_much) = (&[400][..], &[422][..]);
    let all = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o";
    for (name, query, expected) in [
        ("groups", format!("ASK {}", within("{", 8_000, "", "}")), too_deep),
        (
            "brackets",
            format!("ASK {{ FILTER{} }}", within("(", 8_000, "1", ")")),
            too_deep,
        ),
        (
            "paths",
            format!("ASK {{ ?s {} ?o }}", within("(", 8_000, "<urn:p>", ")")),
            too_deep,
        ),
        // Brackets are counted before; rows of signs have all of the stack.
        (
            "not",
            format!("ASK {{ FILTER({}1) }}", "!".repeat(16_000)),
            &[200, 400, 422],
        ),
        (
            "plus",
            format!("ASK {{ FILTER(1{}) }}", "+1".repeat(8_000)),
            &[200, 400, 422],
        ),
        (
            "doubling",
            format!("SELECT (STRLEN(?y40) AS ?n) {{ BIND('aaaaaaaa' AS ?y0) {doubling} }}"),
            too_much,
        ),
        (
            "replacing",
            format!("SELECT (STRLEN({replacing}) AS ?n) {{}}"),
            too_much,
        ),
        ("order", format!("SELECT * {{ {all} }} ORDER BY ?o ?c"), too_much),
        (
            "minus",
            format!("SELECT (COUNT(*) AS ?x) {{ {{ {all} }} MINUS {{ {all} }} }}"),
            too_much,
        ),
        (
            "distinct",
            format!(
                "SELECT (COUNT(*) AS ?x) {{ SELECT DISTINCT (CONCAT(STR(?a), STR(?f), STR(?i), STR(?l)) AS ?y) {{ {all} }} }}"
            ),
            too_much,
        ),
        (
            "concatenation",
            format!("SELECT (GROUP_CONCAT(CONCAT(STR(?c), STR(?f))) AS ?x) {{ {all} }}"),
            too_much,
        ),
    ] {
        assert!(query.len() <= 17_000, "{name}");
        let asker = Asker::new(port);
        let told = asker.ask(&query);
        println!(
            "{name}: {} {}",
            told.status,
            told.body.chars().take(300).collect::<String>()
        );
        assert!(expected.contains(&told.status), "{name}: {} {}", told.status, told.body);
        if told.status == 422 {
            let names_it = ["of memory", "took longer", "nested too deeply"]
                .iter()
                .any(|limit| told.body.contains(limit));
            assert!(names_it, "{name}: {}", told.body);
        }
        assert_eq!(other.count(), "n 1", "after {name}");
        let again = asker.ask(COUNT);
        match again.status {
            200 => {}
            429 => {
                assert!(
                    told.status == 422 && again.head.contains("retry-after: "),
                    "{name}: {}",
                    again.head
                );
                assert!(again.body.contains("earlier query of yours"), "{name}: {}", again.body);
                // Whoever did nothing is served meanwhile.
                assert_eq!(other.count(), "n 1", "after {name}");
            }
            status => panic!("{name}: {status} {}", again.body),
        }
        if name == "doubling" {
            assert!(
                told.body.contains("of memory") && again.status == 429,
                "{} {}",
                told.body,
                again.status
            );
        }
    }
    drop(connector);
}
