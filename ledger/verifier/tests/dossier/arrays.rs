//! An array in the place of an object, its items in the order of the members: one reader would take it, another would not.

use crate::judge::{Case, judge, refuses};
use crate::world::{Lie, World};
use herleid_verifier::Verdict;
use serde_json::{Value, json};

#[test]
fn files_with_arrays_for_objects_fail() {
    let world = World::new("real", Lie::None);
    let with = |name: &str, content: Value| {
        let mut files = world.files();
        files.insert(name.to_owned(), content.to_string().into_bytes());
        Case::new(name, world.seal(&files), Some(world.anchors()))
    };
    let logs: Value = serde_json::from_slice(&world.files()["logs.json"]).unwrap();
    let logs = logs.as_array().unwrap().iter();
    let logs: Vec<Value> = logs
        .map(|log| json!([log["k"], log["did"], log["origin"], log["verifierKey"]]))
        .collect();
    let why = json!({"what": "data", "id": "x", "why": {"erased": null}, "explanation": ""});
    let cases = vec![
        with("logs.json", json!(logs)),
        with("missing.json", json!([[]])),
        with("missing.json", json!({"missing": [["data", "x", "erased", ""]]})),
        with("missing.json", json!({"missing": [why]})),
    ];
    for judged in judge(cases) {
        judged.expect(Verdict::Failed, &judged.name);
    }
}

#[test]
fn anchors_with_arrays_for_objects_are_refused() {
    let anchors = World::new("real", Lie::None).anchors();
    assert!(!refuses(&anchors));
    let objects: [(&str, &[&str]); 8] = [
        ("/parties/0", &["did", "name", "logs", "keys", "party"]),
        ("/parties/0/logs/0", &["origin", "verifierKey", "from", "until"]),
        ("/parties/0/keys/0", &["id", "jwk", "from", "until"]),
        ("/witnesses/0", &["name", "verifierKey", "outside"]),
        ("/issuers/0", &["did", "types", "keys"]),
        ("/issuers/0/keys/0", &["id", "jwk", "from", "until"]),
        ("/streams/0", &["record", "kind", "of"]),
        (
            "",
            &[
                "format",
                "obtained",
                "quorum",
                "parties",
                "witnesses",
                "issuers",
                "checkpoints",
                "streams",
            ],
        ),
    ];
    for (pointer, members) in objects {
        let mut changed = anchors.clone();
        let place = changed.pointer_mut(pointer).unwrap();
        let items: Vec<Value> = members.iter().map(|member| place[*member].clone()).collect();
        *place = json!(items);
        assert!(refuses(&changed), "{pointer}");
    }
}
