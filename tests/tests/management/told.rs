//! Who is told what happens: listeners and webhooks, also across restarts.

use crate::receiver::Hook;
use crate::{Managed, Pair};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Types of events by subject, in the order in which they were told.
fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_listener_is_told_everything_once_in_order_and_goes_on_where_it_was() {
    let mut pair = Pair::start(&[]);
    pair.agree();
    let mut told = pair.provider.api.listen("0.0");
    let mut events = Vec::new();
    while events
        .last()
        .is_none_or(|e: &Value| e["type"] != "eu.herleid.negotiation.finalized")
    {
        events.push(told.next_event());
    }
    let expected = [
        "eu.herleid.log-opened",
        "eu.herleid.dataset-published",
        "eu.herleid.negotiation.requested",
        "eu.herleid.negotiation.agreed",
        "eu.herleid.negotiation.verified",
        "eu.herleid.agreement-concluded",
        "eu.herleid.negotiation.finalized",
    ];
    assert_eq!(types(&events), expected);
    for event in &events {
        assert_eq!(
            (&event["specversion"], &event["source"]),
            (&json!("1.0"), &json!(pair.provider.connector.did))
        );
        assert!(
            event["time"].as_str().unwrap().ends_with('Z') && event["data"].is_object(),
            "{event}"
        );
    }
    let place = told.place.clone();

    // While nobody listens, it goes on, and is stopped in between.
    pair.provider.publish("wind");
    pair.provider.connector.kill();
    pair.provider.connector.start();
    pair.provider.publish("snow");
    let mut again = pair.provider.api.listen(&place);
    let since = [again.next_event(), again.next_event()];
    assert_eq!(
        since.each_ref().map(|e| e["subject"].as_str().unwrap()),
        ["wind", "snow"]
    );
    // From the beginning it is the same again, identifiers included.
    let mut all = pair.provider.api.listen("0.0");
    let repeated: Vec<Value> = events.iter().map(|_| all.next_event()).collect();
    assert_eq!(repeated, events);
    let ids: BTreeSet<&str> = repeated.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), repeated.len());
}

#[test]
fn a_webhook_gets_every_event_also_one_that_refuses_at_first_and_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut managed = Managed::start(&folder, "alone", &[]);
    // Nobody answers here: whoever waits for it waits alone.
    let dead = format!("http://localhost:{}/hook", herleid_tests::machine::free_port());
    let dead = managed.api.post("/subscriptions", &json!({"url": dead})).good(201);
    let hook = Hook::start(&[503, 400]);
    let wanted = json!({"url": hook.url, "types": ["eu.herleid.dataset-*"], "authorization": "Bearer hook-secret"});
    let subscription = managed.api.post("/subscriptions", &wanted).good(201);
    managed.publish("rain");

    let tries = [hook.next(), hook.next(), hook.next()];
    assert_eq!(tries.each_ref().map(|t| t.answered), [503, 400, 204]);
    for delivery in &tries {
        assert_eq!(
            (&delivery.event["type"], &delivery.event["subject"]),
            (&json!("eu.herleid.dataset-published"), &json!("rain"))
        );
        assert_eq!(
            delivery.event["id"], tries[0].event["id"],
            "a repeat is known by its id"
        );
        assert!(
            delivery.head.contains("authorization: bearer hook-secret"),
            "{}",
            delivery.head
        );
        assert!(
            delivery.head.contains("content-type: application/cloudevents+json"),
            "{}",
            delivery.head
        );
    }

    managed.connector.kill();
    managed.connector.start();
    managed
        .api
        .post("/datasets/rain/withdrawal", &json!({"reason": "x"}))
        .good(200);
    let withdrawn = hook.until("eu.herleid.dataset-withdrawn");
    assert_eq!(withdrawn.event["data"]["dataset"], "rain");
    assert_eq!(
        withdrawn.event["data"].get("reason"),
        None,
        "reasons are people's words"
    );

    let shown = managed.api.get("/subscriptions").good(200);
    assert_eq!(shown["total"], 2);
    let of = |id: &Value| {
        shown["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["id"] == *id)
            .unwrap()
    };
    assert!(of(&dead["id"])["behind"].as_u64().unwrap() >= 2, "{shown}");
    assert_eq!(of(&subscription["id"])["failing"], Value::Null);
    let path = format!("/subscriptions/{}", subscription["id"].as_str().unwrap());
    assert_eq!(managed.api.delete(&path).status, 204);
    managed.api.get(&path).problem(404);
}

#[test]
fn a_receiver_that_is_gone_for_good_is_not_called_again() {
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed::start(&folder, "alone", &[]);
    let (gone, other) = (Hook::start(&[410]), Hook::start(&[]));
    let subscription = managed
        .api
        .post("/subscriptions", &json!({"url": gone.url, "after": "0.0"}))
        .good(201);
    managed
        .api
        .post("/subscriptions", &json!({"url": other.url, "after": "0.0"}))
        .good(201);
    assert_eq!(gone.next().answered, 410);
    managed.publish("rain");
    other.until("eu.herleid.dataset-published");
    let shown = managed
        .api
        .get(&format!("/subscriptions/{}", subscription["id"].as_str().unwrap()))
        .good(200);
    assert!(shown["ended"].as_str().unwrap().contains("410"), "{shown}");
    for url in ["ftp://localhost/hook", "http://u:p@localhost/hook", "hook"] {
        managed.api.post("/subscriptions", &json!({"url": url})).problem(400);
    }
    managed
        .api
        .post("/subscriptions", &json!({"url": other.url, "types": ["dataset"]}))
        .problem(400);
    managed
        .api
        .post("/subscriptions", &json!({"url": other.url, "authorization": "a\nb"}))
        .problem(400);
    managed
        .api
        .post("/subscriptions", &json!({"url": other.url, "after": "99.0"}))
        .problem(400);
}
