//! Runs: what a stop of the connector leaves without an end.

use super::*;
use crate::provider::run::close_interrupted;

#[tokio::test]
async fn a_run_that_was_going_on_is_recorded_as_failed_once() {
    let scene = Scene::set(1).await;
    let open = json!({"agreement": AGREED, "consumer": scene.consumer.as_str(), "model": "sewer", "version": "1.0.0"});
    let key = format!("run-open/{}", transaction(1));
    // What the commit of `run-started` leaves beside its record.
    let started = Draft::new(Kind::Replayed, TRACE)
        .section(
            SectionName::Facts,
            json!({"transaction": transaction(1), "verdict": "identical"}),
        )
        .put(key, Some(serde_json::to_vec(&open).unwrap()));
    let started = outstanding::reserve(&scene.node, started, AGREED);
    scene.node.append(started).await.unwrap();
    assert_eq!(scene.outstanding(), 1);

    assert_eq!(close_interrupted(&scene.node, TRACE).await.unwrap(), 1);
    assert_eq!(close_interrupted(&scene.node, TRACE).await.unwrap(), 0);
    assert_eq!(scene.outstanding(), 0);
    let records = scene.records(Term::Transaction(transaction(1)));
    let [(Kind::RunFailed, failed)] = records.as_slice() else {
        panic!("{:?}", scene.kinds(&transaction(1)));
    };
    let run = failed.value(SectionName::Run).unwrap();
    assert_eq!(
        (&run["status"], &run["reason"]),
        (&json!("failed"), &json!("interrupted"))
    );
    assert_eq!((&run["model"], &run["agreement"]), (&json!("sewer"), &json!(AGREED)));
}
