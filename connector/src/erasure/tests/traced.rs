//! What a trace shows of what two people erased.

use super::*;
use crate::commands::handle;
use crate::control::error::{Code, ControlError};

const PULL: &str = "0192f0c1-2b3c-7d4e-8f50-112233440001";

async fn trace(scene: &Scene, request: Value) -> Result<Value, ControlError> {
    let answer = handle(scene.node.clone(), "trace".to_owned(), request, Progress::channel().0);
    answer.await.map(|answer| answer["tree"].clone())
}

#[tokio::test]
async fn a_pull_that_was_erased_is_named_where_it_was_and_its_log_is_sound() {
    let scene = Scene::set(2);
    let pull = scene.pulled(PULL, b"rain").await;
    let again = scene.pulled("0192f0c1-2b3c-7d4e-8f50-112233440002", b"rain").await;
    let decision = scene.decided("Z1", PULL).await;
    let sha256 = Digests::of(b"rain").sha256;
    let up = json!({"what": "Z1"});
    let tree = trace(&scene, up.clone()).await.unwrap();
    assert_eq!(tree["children"][0]["children"][0]["index"], json!(pull), "{tree}");
    let down = json!({"what": sha256, "direction": "down"});
    let tree = trace(&scene, down.clone()).await.unwrap();
    assert_eq!(
        (&tree["summary"]["pulls"], &tree["summary"]["decisions"]),
        (&json!(2), &json!(1)),
        "{tree}"
    );

    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    scene.approve(&line.id, 2).await.unwrap();
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
    // The decision is what it was; what it rests on is named, and that it is gone.
    let tree = trace(&scene, up).await.unwrap();
    let shown = &tree["children"][0];
    assert_eq!(
        (&shown["index"], &shown["verified"]),
        (&json!(decision), &json!(true)),
        "{tree}"
    );
    assert_eq!(tree["summary"]["found"], 1);
    let label = shown["children"][0]["label"].as_str().unwrap();
    assert!(
        label.contains(PULL) && label.contains(&format!("it was erased; mentioned in record {pull}")),
        "{label}"
    );
    // Of the same bytes the other pull alone is left, which nothing rests on.
    let tree = trace(&scene, down).await.unwrap();
    assert_eq!(tree["children"].as_array().unwrap().len(), 1, "{tree}");
    assert_eq!(tree["children"][0]["index"], json!(again));
    assert_eq!(tree["summary"]["decisions"], 0);
    // The record is still there, still proved, and says what is missing in it.
    for what in [PULL.to_owned(), pull.to_string()] {
        let tree = trace(&scene, json!({"what": what})).await.unwrap();
        let shown = &tree["children"][0];
        assert_eq!(
            (&shown["index"], &shown["verified"]),
            (&json!(pull), &json!(true)),
            "{tree}"
        );
        assert!(
            shown["label"].as_str().unwrap().contains("(erased here: facts)"),
            "{tree}"
        );
    }

    let line = scene.propose(Meant::Records(vec![again]), &[]).await.unwrap();
    scene.approve(&line.id, 2).await.unwrap();
    let error = trace(&scene, json!({"what": sha256})).await.unwrap_err();
    assert_eq!(error.code, Code::Missing);
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
    // Also once it was opened anew.
    let Scene { node, directory } = scene;
    drop(node);
    let node = connector(directory.path(), 2);
    let scene = Scene { node, directory };
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
    assert!(trace(&scene, json!({"what": sha256})).await.is_err());
}
