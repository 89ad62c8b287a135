//! Traces as the control socket answers them, over a log of linked records.

// What a linked record looks like is the same for the log's own tests.
#[path = "../../../ledger/tests/rig/linked.rs"]
mod linked;

mod answered;
mod beside;
mod border;
mod continued;

use super::{DEEPEST, SHOWN_AT_MOST};
use crate::commands::handle;
use crate::config::given;
use crate::control::error::{Code, ControlError};
use crate::control::progress::Progress;
use crate::node::{Node, Secrets, open};
use crate::rim::SystemEntropy;
use herleid_ledger::record::{Draft, Kind, Side, StreamKey, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{Erasure, Ground, Target};
use herleid_vocab::did::Did;
use linked::{AGREED, Run, decided, digests, published, received, served, transaction};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn us() -> Did {
    "did:web:localhost%3A7101".parse().unwrap()
}

fn case(name: &str) -> StreamKey {
    StreamKey::Case { case: name.to_owned() }
}

fn agreement(id: &str, side: Side) -> StreamKey {
    StreamKey::Agreement {
        agreement: id.to_owned(),
        side,
        other: "did:web:app.example".parse().unwrap(),
    }
}

struct Scene {
    node: Arc<Node>,
    // Last: a log that is still open must not lose its directory.
    directory: tempfile::TempDir,
}

impl Scene {
    fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
        Self::of(directory, 1)
    }

    /// The n-th log in this directory.
    fn of(directory: tempfile::TempDir, n: u32) -> Self {
        Self {
            node: open(given(directory.path(), n, "")).unwrap(),
            directory,
        }
    }

    fn add(&self, draft: Draft) -> u64 {
        self.node.ledger.append_blocking(draft).unwrap().index()
    }

    /// Erases a section of a record.
    fn erases(&self, index: u64, section: SectionName) {
        let erasure = Erasure {
            trace: TRACE.to_owned(),
            targets: vec![Target {
                index,
                sections: [section].into(),
                counterparty: None,
            }],
            ground: Ground::Avg17,
            authority: "request 2026-17".to_owned(),
            complete_by_ms: self.node.now_ms() + 1_000,
            facts: serde_json::Map::new(),
            state: Vec::new(),
        };
        self.node.ledger.erase(erasure).unwrap();
    }

    async fn ask(&self, request: Value) -> Result<Value, ControlError> {
        let (progress, _nobody) = Progress::channel();
        handle(self.node.clone(), "trace".to_owned(), request, progress).await
    }

    async fn tree(&self, request: Value) -> Value {
        self.ask(request).await.unwrap()["tree"].clone()
    }

    async fn down(&self, what: &str) -> Value {
        self.tree(json!({"what": what, "direction": "down"})).await
    }

    /// One rain series, a run on it for each of two cases, a decision on each.
    fn two_cases(&self) -> (u64, [u64; 2]) {
        let rain = self.add(received(transaction(1), 1).term(Term::Dataset("rain".to_owned())));
        let decisions = [("Z-1", 2u16, 11u8), ("Z-2", 3, 12)].map(|(name, n, output)| {
            let run = Run {
                id: transaction(n),
                case: Some(name),
                inputs: &[(Some(transaction(1)), 1)],
                outputs: &[output],
            };
            let of_case = || Term::Case(name.to_owned());
            self.add(run.requested().term(of_case()));
            self.add(run.received().term(of_case()));
            self.add(decided(name, &[(transaction(n), output)]).term(of_case()))
        });
        (rain, decisions)
    }
}

fn count(node: &Value, is: &dyn Fn(&Value) -> bool) -> usize {
    let below = node["children"].as_array().into_iter().flatten();
    usize::from(is(node)) + below.map(|child| count(child, is)).sum::<usize>()
}

fn of_kind<'a>(node: &'a Value, kind: &str, found: &mut Vec<&'a Value>) {
    if node["kind"] == kind {
        found.push(node);
    }
    for child in node["children"].as_array().into_iter().flatten() {
        of_kind(child, kind, found);
    }
}

#[tokio::test]
async fn a_wrong_rain_series_touches_two_decisions_in_two_cases_however_it_is_named() {
    let scene = Scene::set();
    let (rain, decisions) = scene.two_cases();
    let (sha256, blake3) = digests(1);
    let names = [
        hex::encode(sha256),
        hex::encode(blake3),
        rain.to_string(),
        transaction(1).to_string(),
        "rain".to_owned(),
        "rain@1".to_owned(),
        hex::encode(scene.node.ledger.record(rain).unwrap().leaf()),
    ];
    for name in names {
        let tree = scene.down(&name).await;
        assert_eq!(tree["verified"], true, "{name}: {tree}");
        let mut found = Vec::new();
        of_kind(&tree, "decision", &mut found);
        let mut touched: Vec<u64> = found.iter().map(|node| node["index"].as_u64().unwrap()).collect();
        touched.sort_unstable();
        assert_eq!(touched, decisions, "{name}");
        let summary = &tree["summary"];
        let counts = ["found", "shown", "decisions", "runs", "pulls"].map(|of| summary[of].as_u64().unwrap());
        assert_eq!(counts, [5, 5, 2, 2, 1], "{name}");
        assert_eq!(summary["cases"], json!({"found": 2, "shown": ["Z-1", "Z-2"]}));
        assert_eq!(summary["parties"]["shown"], json!(["did:web:app.example"]));
    }
    // How the runs use it is said.
    let tree = scene.down(&rain.to_string()).await;
    assert_eq!(tree["children"][0]["children"][0]["label"], "rain: sewer 1");

    // The other way: a decision leads to its own run and the rain, not to the other case.
    let tree = scene.tree(json!({"what": "Z-1"})).await;
    assert_eq!(tree["children"][0]["kind"], "decision");
    assert_eq!(tree["children"][0]["children"][0]["label"], "sewer 1 → water");
    let found = ["found", "decisions", "runs"].map(|of| tree["summary"][of].as_u64().unwrap());
    assert_eq!(found, [3, 1, 1]);
    // Of the stream of the agreement: two runs in it, one of them is found and shown.
    let streams = tree["summary"]["streams"]["shown"].as_array().unwrap();
    let agreed = streams.iter().find(|stream| stream["kind"] == "agreement").unwrap();
    assert_eq!((&agreed["of"], &agreed["records"]), (&json!(AGREED), &json!(5)));
    let runs = ["runs", "runs_found", "runs_shown"].map(|of| agreed[of].as_u64().unwrap());
    assert_eq!(runs, [2, 1, 1]);
}

#[tokio::test]
async fn what_was_recorded_in_a_time_is_where_a_trace_begins() {
    let scene = Scene::set();
    scene.two_cases();
    let tree = scene.down("2020-01-01T00:00:00Z/2999-01-01T00:00:00Z").await;
    assert_eq!(tree["summary"]["decisions"], 2);
    for (range, code, why) in [
        (
            "2020-01-01T00:00:00Z/2021-01-01T00:00:00Z",
            Code::Missing,
            "nothing was recorded in",
        ),
        (
            "2021-01-01T00:00:00Z/2020-01-01T00:00:00Z",
            Code::Usage,
            "ends before it begins",
        ),
    ] {
        let error = scene.ask(json!({"what": range})).await.unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.message.contains(why), "{}", error.message);
    }
}

#[tokio::test]
async fn a_diamond_is_shown_once_and_said_again() {
    let scene = Scene::set();
    scene.add(received(transaction(1), 1));
    let run = |id: u16, inputs: &[(u16, u8)], output: u8| {
        let inputs: Vec<_> = inputs.iter().map(|(id, of)| (Some(transaction(*id)), *of)).collect();
        scene.add(
            Run {
                id: transaction(id),
                case: None,
                inputs: &inputs,
                outputs: &[output],
            }
            .received(),
        )
    };
    run(2, &[(1, 1)], 2);
    run(3, &[(1, 1)], 3);
    let last = run(4, &[(2, 2), (3, 3)], 4);
    for (what, direction, twice) in [
        (last.to_string(), "up", "pull"),
        (transaction(1).to_string(), "down", "run"),
    ] {
        let tree = scene.tree(json!({"what": what, "direction": direction})).await;
        let counts = ["found", "shown"].map(|of| tree["summary"][of].as_u64().unwrap());
        assert_eq!(counts, [4, 4], "{tree}");
        assert_eq!(count(&tree, &|node| node["again"] == true), 1);
        let own = |node: &Value| node["kind"] == "pull" || node["kind"] == "run";
        assert_eq!(count(&tree, &|node| own(node) && node["again"] != true), 4);
        assert_eq!(count(&tree, &|node| node["again"] == true && node["kind"] == twice), 1);
    }
}

#[tokio::test]
async fn what_is_not_shown_is_counted() {
    let scene = Scene::set();
    let (rain, _) = scene.two_cases();
    let what = rain.to_string();
    let tree = scene.tree(json!({"what": what, "direction": "down", "limit": 2})).await;
    let summary = &tree["summary"];
    let counts = ["found", "shown", "decisions"].map(|of| summary[of].as_u64().unwrap());
    assert_eq!(counts, [5, 2, 2], "{tree}");
    let (pull, run) = (&tree["children"][0], &tree["children"][0]["children"][0]);
    assert_eq!((&pull["hidden"], &run["hidden"]), (&json!(1), &json!(1)));
    // Per stream too: two runs under the agreement, one shown.
    let streams = summary["streams"]["shown"].as_array().unwrap();
    let agreed = streams.iter().find(|stream| stream["kind"] == "agreement").unwrap();
    assert_eq!((&agreed["runs"], &agreed["runs_shown"]), (&json!(2), &json!(1)));

    let tree = scene.tree(json!({"what": what, "direction": "down", "depth": 1})).await;
    assert_eq!(tree["summary"]["found"], 3);
    assert_eq!(tree["summary"]["not_followed"], 2);
    assert_eq!(count(&tree, &|node| node["not_followed"] == true), 2);
    // More at the top than are shown.
    let all = "2020-01-01T00:00:00Z/2999-01-01T00:00:00Z";
    let tree = scene.tree(json!({"what": all, "limit": 1})).await;
    assert_eq!(tree["hidden"], 1, "{tree}");

    for bound in [
        json!({"depth": 0}),
        json!({"depth": DEEPEST + 1}),
        json!({"limit": 0}),
        json!({"limit": SHOWN_AT_MOST + 1}),
    ] {
        let mut request = bound.clone();
        request["what"] = json!(what);
        let error = scene.ask(request).await.unwrap_err();
        assert_eq!(error.code, Code::Usage);
        assert!(error.message.contains("expected 1 to"), "{bound}: {}", error.message);
    }
}

#[tokio::test]
async fn what_is_unknown_says_what_was_looked_for_and_what_can_be_given() {
    let scene = Scene::set();
    scene.two_cases();
    for unknown in [
        "no-such-case",
        "99999",
        &"ab".repeat(32),
        "rain@2",
        "2020-13-01T00:00:00Z/x",
    ] {
        let error = scene.ask(json!({"what": unknown})).await.unwrap_err();
        assert_eq!(error.code, Code::Missing, "{unknown}");
        assert!(
            error.message.contains(unknown) && error.message.contains("this log has 0 to 7"),
            "{}",
            error.message
        );
        assert_eq!(error.message.contains("a BLAKE3"), unknown.len() == 64);
        assert!(error.next.unwrap().contains("a time range as in"), "{unknown}");
    }
}

#[tokio::test]
async fn what_lies_at_another_party_says_that_it_was_not_asked() {
    let scene = Scene::set();
    scene.add(published(1).term(Term::Dataset("rain".to_owned())));
    scene.add(served(transaction(5), 1).term(Term::Agreement(AGREED.to_owned())));
    let tree = scene.down("rain").await;
    let mut found = Vec::new();
    of_kind(&tree, "elsewhere", &mut found);
    assert_eq!(found.len(), 1, "{tree}");
    assert_eq!(found[0]["party"], "did:web:app.example");
    assert_eq!(found[0]["asked"]["state"], "not-asked");
    assert!(found[0]["asked"]["why"].as_str().unwrap().contains("herleid trace"));
    assert_eq!(found[0]["verified"], false);
    // And where it came from: the publication, by its bytes.
    let tree = scene.tree(json!({"what": transaction(5).to_string()})).await;
    let pull = &tree["children"][0];
    assert_eq!(pull["label"], "rain 1 passed on to did:web:app.example");
    assert_eq!(pull["children"][0]["kind"], "dataset-published");
    assert_eq!(pull["children"][0]["label"], "rain 1");
}

#[tokio::test]
async fn an_input_without_a_record_is_named_and_does_not_count() {
    let scene = Scene::set();
    let run = Run {
        id: transaction(2),
        case: None,
        inputs: &[(Some(transaction(77)), 1), (None, 2)],
        outputs: &[3],
    };
    let index = scene.add(run.received());
    let tree = scene.tree(json!({"what": index.to_string()})).await;
    assert_eq!(tree["summary"]["found"], 1);
    let labels: Vec<&str> = tree["children"][0]["children"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|child| child["label"].as_str())
        .collect();
    let missing = format!("rain: {}: not recorded here", transaction(77));
    assert!(labels.contains(&missing.as_str()), "{labels:?}");
    assert!(
        labels.contains(&"rain: declared by whoever asked for the run"),
        "{labels:?}"
    );
    // A record about it that is no record of it: what there was is gone.
    let facts = json!({"transaction": transaction(77).to_string(), "verdict": "identical"});
    let replayed = Draft::new(Kind::Replayed, TRACE).section(SectionName::Facts, facts);
    let mention = scene.add(replayed.term(Term::Transaction(transaction(77).to_string())));
    let tree = scene.tree(json!({"what": index.to_string()})).await;
    let erased = format!("or it was erased; mentioned in record {mention}");
    assert!(tree.to_string().contains(&erased), "{tree}");
}
