//! A trace that asks other parties: what they tell, where they refuse, where they are down, and where what they tell is not so.

use crate::scene::Scene;
use herleid_tests::connector::{Connector, RAIN, good};
use herleid_tests::machine::free_port;
use herleid_tests::process::told;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write as _;

/// From its next start on `connector` tells `did` what transactions with it rest on.
fn answers(connector: &Connector, did: &str) {
    let file = connector.directory.join("herleid.toml");
    let mut file = OpenOptions::new().append(true).open(file).unwrap();
    writeln!(file, "\n[[lineage.answers]]\ndid = \"{did}\"").unwrap();
}

fn restarted(connector: &mut Connector) {
    connector.kill();
    connector.start();
}

/// What is traced, with everybody asked that far.
fn across(connector: &Connector, what: &str, parties: u32) -> Value {
    let parties = format!("--across={parties}");
    good(&connector.run(&["trace", what, &parties]))["tree"].clone()
}

fn find<'a>(node: &'a Value, is: &dyn Fn(&Value) -> bool, found: &mut Vec<&'a Value>) {
    if is(node) {
        found.push(node);
    }
    for child in node["children"].as_array().into_iter().flatten() {
        find(child, is, found);
    }
}

/// The nodes of this kind that `party` told.
fn told_by<'a>(tree: &'a Value, party: &str, kind: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    find(
        tree,
        &|node| node["told_by"] == party && node["kind"] == kind,
        &mut found,
    );
    found
}

/// What became of the only question.
fn asked(tree: &Value) -> (String, String) {
    let mut found = Vec::new();
    find(tree, &|node| node["asked"].is_object(), &mut found);
    let [asked] = found.as_slice() else {
        panic!("one question was expected: {tree}")
    };
    let text = |name: &str| asked["asked"][name].as_str().unwrap().to_owned();
    (text("state"), text("why"))
}

/// How many records of this kind a connector has.
fn recorded(connector: &Connector, kind: &str) -> usize {
    let size = good(&connector.run(&["status"]))["size"].as_u64().unwrap();
    let kinds = (0..size).map(|index| {
        let tree = good(&connector.run(&["trace", &index.to_string()]));
        tree["tree"]["children"][0]["kind"].as_str().unwrap().to_owned()
    });
    kinds.filter(|found| found == kind).count()
}

#[test]
fn another_party_says_no_tells_what_it_may_and_is_down_and_the_node_says_so() {
    let mut scene = Scene::set();
    let pulled = good(&scene.pull());
    let transaction = pulled["transaction"].as_str().unwrap();
    let (provider, consumer) = (scene.provider.did.clone(), scene.consumer.did.clone());

    // Nobody is told anything unless the operator says so; and the refusal is on record.
    let tree = across(&scene.consumer, transaction, 1);
    let (state, why) = asked(&tree);
    assert_eq!(state, "refused", "{tree}");
    assert!(why.contains("[[lineage.answers]]"), "{why}");
    assert_eq!(
        (&tree["summary"]["asked"], &tree["summary"]["answered"]),
        (&1.into(), &Value::Null)
    );
    assert_eq!(tree["verified"], true, "what is ours is no worse for it");
    assert_eq!(recorded(&scene.provider, "denied"), 1);

    answers(&scene.provider, &consumer);
    restarted(&mut scene.provider);
    let tree = across(&scene.consumer, transaction, 1);
    assert_eq!(asked(&tree).0, "answered", "{tree}");
    assert_eq!(tree["summary"]["answered"], 1);
    for (kind, label) in [("pull", "passed on to"), ("dataset-published", "rain")] {
        let told = told_by(&tree, &provider, kind);
        assert_eq!(told.len(), 1, "{kind}: {tree}");
        assert_eq!(told[0]["verified"], true, "its record is proved: {tree}");
        assert!(told[0]["label"].as_str().unwrap().contains(label), "{tree}");
    }
    assert_eq!(recorded(&scene.provider, "disclosed"), 1);

    // The other way the consumer is asked, and says no.
    let tree = good(&scene.provider.run(&["trace", "rain", "--down", "--across", "1"]))["tree"].clone();
    assert_eq!(asked(&tree).0, "refused", "{tree}");
    answers(&scene.consumer, &provider);
    restarted(&mut scene.consumer);
    let tree = good(&scene.provider.run(&["trace", "rain", "--down", "--across", "1"]))["tree"].clone();
    assert_eq!(told_by(&tree, &consumer, "pull").len(), 1, "{tree}");

    scene.provider.kill();
    let tree = across(&scene.consumer, transaction, 1);
    assert_eq!(asked(&tree).0, "unreachable", "{tree}");
    assert_eq!(tree["verified"], true, "{tree}");

    let wrong = scene.consumer.run(&["trace", transaction, "--across=9"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", told(&wrong));
}

#[test]
fn what_is_told_and_not_proved_is_somebodys_word() {
    let mut scene = Scene::set();
    let pulled = good(&scene.pull());
    let transaction = pulled["transaction"].as_str().unwrap();
    answers(&scene.provider, &scene.consumer.did);
    restarted(&mut scene.provider);
    let provider = scene.provider.did.clone();
    // On its way a record becomes another one: what it was to prove is a word like any other.
    scene.proxy.lie_about("GET /lineage", |answer| {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        for placed in body["nodes"].as_array_mut().unwrap() {
            if placed["node"]["kind"] == "dataset-published" {
                placed["node"]["index"] = 0.into();
                placed["node"]["verified"] = true.into();
            }
        }
        answer.body = body.to_string().into_bytes();
    });
    let tree = across(&scene.consumer, transaction, 1);
    let told = told_by(&tree, &provider, "dataset-published");
    assert_eq!((told.len(), &told[0]["verified"]), (1, &false.into()), "{tree}");
    // A record with another MAC is a lie, and nothing of that answer is shown.
    scene.proxy.lie_about("GET /lineage", |answer| {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        body["records"][0]["macs"]["envelope"] = "00".repeat(32).into();
        answer.body = body.to_string().into_bytes();
    });
    let tree = across(&scene.consumer, transaction, 1);
    assert_eq!(asked(&tree).0, "failed", "{tree}");
    assert_eq!(told_by(&tree, &provider, "pull").len(), 0, "{tree}");
    for body in [
        "[]",
        "{}",
        r#"{"format": "herleid-lineage/2", "nodes": [], "records": []}"#,
    ] {
        scene
            .proxy
            .lie_about("GET /lineage", move |answer| answer.body = body.as_bytes().to_vec());
        assert_eq!(asked(&across(&scene.consumer, transaction, 1)).0, "failed", "{body}");
    }
}

#[test]
fn a_question_goes_on_to_who_the_answer_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let [mut source, mut between, mut end] = ["source", "between", "end"].map(|name| {
        let port = free_port();
        Connector::new(folder.path().join(name), port, port)
    });
    answers(&source, &between.did);
    answers(&between, &end.did);
    for connector in [&mut source, &mut between, &mut end] {
        connector.start();
    }
    source.publish("rain", RAIN);
    let pulled = |from: &Connector, by: &Connector, id: &str| {
        let agreed = good(&by.run(&["negotiate", &from.did, id]));
        good(&by.run(&["pull", agreed["agreement"].as_str().unwrap()]))
    };
    pulled(&source, &between, "rain");
    between.publish("rain-again", RAIN);
    let got = pulled(&between, &end, "rain-again");
    let transaction = got["transaction"].as_str().unwrap();

    // One party away: where `between` has it from is said, and that nobody was asked there.
    let tree = across(&end, transaction, 1);
    assert_eq!(told_by(&tree, &between.did, "dataset-published").len(), 1, "{tree}");
    let mut not_asked = Vec::new();
    find(&tree, &|node| node["asked"]["state"] == "not-asked", &mut not_asked);
    assert_eq!(not_asked.len(), 1, "{tree}");
    assert_eq!(not_asked[0]["party"], source.did.as_str());
    assert!(told_by(&tree, &source.did, "dataset-published").is_empty());

    // Two: `source` tells `between`, which tells us; of that nothing is proved to us.
    let tree = across(&end, transaction, 2);
    let published = told_by(&tree, &source.did, "dataset-published");
    assert_eq!(published.len(), 1, "{tree}");
    assert_eq!(published[0]["verified"], false);
    assert_eq!(published[0]["party"], source.did.as_str());
}
