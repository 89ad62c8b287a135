//! Traces where a log was continued: in the one that goes on, and then in those that are over.

use super::*;
use crate::continuing;
use crate::node::ledger_options;
use crate::rim::SystemClock;
use herleid_ledger::Ledger;
use rocksdb::{DB, IteratorMode, Options as RocksOptions};
use std::path::PathBuf;

pub(super) const OLD: &str = "localhost:7101/log/1";
pub(super) const NEW: &str = "localhost:7101/log/2";
const EVER: &str = "2020-01-01T00:00:00Z/2999-01-01T00:00:00Z";

impl Scene {
    /// Leaves the log and its directory alone.
    pub(super) fn ended(self) -> (tempfile::TempDir, PathBuf) {
        let Self { node, directory } = self;
        let storage = node.config.storage.directory.clone();
        drop(node);
        (directory, storage)
    }

    /// The same directory with a second log, which goes on.
    pub(super) fn continued(directory: tempfile::TempDir, storage: &Path) -> Self {
        let config = given(directory.path(), 2, "");
        let place = continuing::of(storage, NEW).unwrap();
        let secrets = Secrets::load(&config.keys.directory).unwrap();
        let options = ledger_options(
            &config,
            &secrets,
            &place,
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
        );
        drop(Ledger::open(options.unwrap()).unwrap());
        Self::of(directory, 2)
    }
}

#[tokio::test]
async fn a_trace_goes_on_in_the_log_that_is_over_and_says_which_one_it_is() {
    let scene = Scene::set();
    let (rain, decisions) = scene.two_cases();
    let (directory, storage) = scene.ended();
    let scene = Scene::continued(directory, &storage);
    assert_eq!((scene.node.ledger.size(), scene.node.previous.len()), (1, 1));

    let tree = scene.tree(json!({"what": "Z-1"})).await;
    assert_eq!(tree["verified"], true, "{tree}");
    assert_eq!(tree["children"][0]["index"], json!(decisions[0]));
    assert_eq!(
        (&tree["summary"]["log"], &tree["summary"]["found"]),
        (&json!(OLD), &json!(3))
    );
    assert!(tree["summary"].get("also").is_none());
    let (sha256, _) = digests(1);
    let sha256 = hex::encode(sha256);
    for what in [
        sha256.clone(),
        rain.to_string(),
        format!("{OLD}/{rain}"),
        "rain@1".to_owned(),
    ] {
        let tree = scene.down(&what).await;
        assert_eq!(tree["summary"]["found"], 5, "{what}: {tree}");
        assert_eq!(
            (&tree["verified"], &tree["summary"]["log"]),
            (&json!(true), &json!(OLD))
        );
    }
    let query = "SELECT ?of WHERE { ?of a <http://www.w3.org/ns/prov#Activity> }";
    let answer = scene.ask(json!({"what": "Z-1", "sparql": query})).await.unwrap();
    let bindings = answer["sparql"]["results"]["bindings"].as_array();
    assert!(!bindings.unwrap().is_empty(), "{answer}");

    // What both know of is searched in the one that goes on, and where else it stands is said.
    scene.add(received(transaction(9), 1));
    for what in [sha256.as_str(), EVER, "0"] {
        let summary = scene.down(what).await["summary"].clone();
        assert_eq!(
            (&summary["log"], &summary["also"]),
            (&json!(NEW), &json!([OLD])),
            "{what}: {summary}"
        );
        let old = scene.down(&format!("{OLD}/{what}")).await["summary"].clone();
        assert_eq!(old["log"], json!(OLD), "{what}: {old}");
    }
    assert_eq!(scene.down(&sha256).await["summary"]["found"], 1);
    assert_eq!(scene.down(&format!("{OLD}/{sha256}")).await["summary"]["found"], 5);

    let error = scene.ask(json!({"what": "no-such-case"})).await.unwrap_err();
    assert!(
        error.message.contains(&format!("looked in `{OLD}` too, which is over")),
        "{}",
        error.message
    );
    let error = scene.ask(json!({"what": format!("{OLD}/99")})).await.unwrap_err();
    assert!(
        error.message.contains("this log has 0 to 7") && !error.message.contains("looked in"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn what_is_only_given_the_same_file_is_no_source_and_what_two_share_counts_once() {
    let scene = Scene::set();
    scene.two_cases();
    let declared = |n| Run {
        id: transaction(n),
        case: None,
        inputs: &[(None, 30)],
        outputs: &[31],
    };
    scene.add(declared(8).requested());
    let (directory, storage) = scene.ended();
    let scene = Scene::continued(directory, &storage);
    let alone = scene.add(declared(9).requested());
    let tree = scene.tree(json!({"what": alone.to_string()})).await;
    assert_eq!(tree["summary"]["found"], 1, "{tree}");
    assert!(all(&tree).iter().all(|node| node["log"].is_null()), "{tree}");
    // Both runs of the old log use one pull.
    let both = decided("Z-5", &[(transaction(2), 11), (transaction(3), 12)]);
    scene.add(both.term(Term::Case("Z-5".to_owned())));
    let tree = scene.tree(json!({"what": "Z-5"})).await;
    let counted = ["found", "runs", "pulls", "decisions"].map(|name| tree["summary"][name].as_u64().unwrap());
    assert_eq!((counted, &tree["verified"]), ([4, 2, 1, 1], &json!(true)), "{tree}");
    let shown = |tree: &Value| -> u64 {
        let streams = tree["summary"]["streams"]["shown"].as_array().unwrap().iter();
        streams.filter_map(|stream| stream["shown"].as_u64()).max().unwrap()
    };
    assert_eq!(shown(&tree), 3, "{tree}");
    // What does not fit is counted, and not drawn.
    let tree = scene.tree(json!({"what": "Z-5", "limit": 1})).await;
    assert_eq!(
        (&tree["summary"]["found"], &tree["summary"]["shown"]),
        (&json!(4), &json!(1))
    );
    assert!(
        all(&tree).iter().any(|node| node["hidden"] == 1 && node["log"] == OLD),
        "{tree}"
    );
    assert_eq!(shown(&tree), 1, "{tree}");
}

/// All nodes of a tree.
pub(super) fn all(node: &Value) -> Vec<&Value> {
    let children = node["children"].as_array().into_iter().flatten();
    std::iter::once(node).chain(children.flat_map(all)).collect()
}

pub(super) fn of_log<'a>(nodes: &[&'a Value], kind: &str, log: &Value) -> Vec<&'a Value> {
    let is = |node: &&&Value| node["kind"] == kind && node["log"] == *log;
    nodes.iter().filter(is).copied().collect()
}

#[tokio::test]
async fn what_a_decision_rests_on_is_followed_into_the_log_that_is_over_and_back() {
    let scene = Scene::set();
    let (rain, old) = scene.two_cases();
    let (directory, storage) = scene.ended();
    let scene = Scene::continued(directory, &storage);
    // On an output of a run in the old log, and on a run here of which an input was pulled there.
    let on_output = scene.add(decided("Z-3", &[(transaction(2), 11)]).term(Term::Case("Z-3".to_owned())));
    let run = Run {
        id: transaction(7),
        case: Some("Z-4"),
        inputs: &[(Some(transaction(1)), 1)],
        outputs: &[21],
    };
    scene.add(run.requested());
    let ran = scene.add(run.received());
    let on_run = scene.add(decided("Z-4", &[(transaction(7), 21)]).term(Term::Case("Z-4".to_owned())));

    let tree = scene.tree(json!({"what": "Z-3"})).await;
    assert_eq!(
        (&tree["verified"], &tree["summary"]["log"]),
        (&json!(true), &json!(NEW))
    );
    assert_eq!(tree["children"][0]["index"], json!(on_output));
    let nodes = all(&tree);
    assert_eq!(of_log(&nodes, "run", &json!(OLD)).len(), 1, "{tree}");
    let pulls = of_log(&nodes, "pull", &json!(OLD));
    assert_eq!(
        (pulls.len(), &pulls[0]["index"], &pulls[0]["verified"]),
        (1, &json!(rain), &json!(true))
    );
    assert_eq!(
        (&tree["summary"]["found"], &tree["summary"]["pulls"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(tree["summary"]["cases"]["found"], 2, "the case of that run too: {tree}");

    let tree = scene.tree(json!({"what": "Z-4"})).await;
    let nodes = all(&tree);
    let runs = of_log(&nodes, "run", &Value::Null);
    assert_eq!((runs.len(), &runs[0]["index"]), (1, &json!(ran)));
    assert_eq!(of_log(&nodes, "pull", &json!(OLD)).len(), 1, "{tree}");
    assert_eq!(tree["verified"], true);

    // This rain series was wrong: which decisions are touched?
    let down = scene.down(&rain.to_string()).await;
    assert_eq!(
        down["summary"]["log"],
        json!(NEW),
        "a number is of the log that goes on, where it has it"
    );
    let down = scene.down(&format!("{OLD}/{rain}")).await;
    let nodes = all(&down);
    let found = |log: &Value| -> Vec<u64> {
        let of = of_log(&nodes, "decision", log).into_iter();
        let mut found: Vec<u64> = of.filter_map(|node| node["index"].as_u64()).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(
        (found(&Value::Null), found(&json!(NEW))),
        (old.to_vec(), vec![on_output, on_run])
    );
    assert_eq!(
        (&down["summary"]["decisions"], &down["summary"]["runs"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(down["verified"], true);
    // No deeper than was asked for.
    let near = scene
        .tree(json!({"what": format!("{OLD}/{rain}"), "direction": "down", "depth": 1}))
        .await;
    assert!(of_log(&all(&near), "decision", &json!(NEW)).is_empty(), "{near}");
    let counted =
        ["found", "shown", "decisions", "runs", "not_followed"].map(|name| near["summary"][name].as_u64().unwrap());
    assert_eq!(counted, [4, 4, 0, 3, 3], "{near}");
    let streams = near["summary"]["streams"]["shown"].as_array().unwrap();
    assert!(
        streams.iter().all(|stream| stream["found"] == stream["shown"]),
        "{near}"
    );
}

#[tokio::test]
async fn a_log_that_is_over_and_kept_no_lineage_says_so_instead_of_showing_nothing() {
    let scene = Scene::set();
    let (_, decisions) = scene.two_cases();
    let (directory, storage) = scene.ended();
    without_lineage(&storage.join("log"));
    let scene = Scene::continued(directory, &storage);
    let error = scene.ask(json!({"what": "Z-1"})).await.unwrap_err();
    assert_eq!(error.code, Code::Missing);
    for said in [OLD, "kept no lineage", &decisions[0].to_string()] {
        assert!(error.message.contains(said), "{}", error.message);
    }
    assert!(error.next.unwrap().contains("--sparql"));
    let query = "SELECT ?of WHERE { ?of a <http://www.w3.org/ns/prov#Activity> }";
    let answer = scene.ask(json!({"what": "Z-1", "sparql": query})).await.unwrap();
    assert!(
        !answer["sparql"]["results"]["bindings"].as_array().unwrap().is_empty(),
        "{answer}"
    );
    // What cannot be looked for there is said, whether or not the log that goes on knows of it.
    let error = scene.ask(json!({"what": "rain@2"})).await.unwrap_err();
    assert!(error.message.contains("kept no lineage"), "{}", error.message);
    let summary = scene.tree(json!({"what": EVER})).await["summary"].clone();
    assert_eq!(summary["log"], json!(NEW));
    assert!(
        summary["unsearched"][0].as_str().unwrap().contains("kept no lineage"),
        "{summary}"
    );
}

/// Makes a log what a version with format 2 would have left.
pub(super) fn without_lineage(log: &Path) {
    let parts = DB::list_cf(&RocksOptions::default(), log).unwrap();
    let db = DB::open_cf(&RocksOptions::default(), log, parts).unwrap();
    let index = db.cf_handle("index").unwrap();
    let keys = db.iterator_cf(index, IteratorMode::Start).map(|row| row.unwrap().0);
    for key in keys.filter(|key| matches!(key[0], b'n' | b'x' | b'y')) {
        db.delete_cf(index, key).unwrap();
    }
    let meta = String::from_utf8(db.get(b"m").unwrap().unwrap()).unwrap();
    assert!(meta.contains("\"format\":5"));
    db.put(b"m", meta.replace("\"format\":5", "\"format\":2")).unwrap();
}
