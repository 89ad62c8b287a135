//! The end of an agreement: recorded, and access under it closed at both ends.

use crate::Pair;
use herleid_tests::process::told;
use serde_json::json;

#[test]
fn an_agreement_that_ends_closes_its_transfers_at_once_and_gives_no_access_any_more() {
    let mut pair = Pair::start(&[]);
    let agreement = pair.agree();
    let good = pair.consumer.connector.run(&["pull", &agreement]);
    assert!(good.status.success(), "{}", told(&good));

    let mut at_consumer = pair.consumer.api.listen("0.0");
    let mut at_provider = pair.provider.api.listen("0.0");
    let asked = json!({"agreement": agreement, "format": "HttpData-PULL"});
    let transfer = pair.consumer.api.post("/transfers", &asked).good(202);
    let pid = transfer["pid"].as_str().unwrap();
    at_consumer.until(|e| e["type"] == "eu.herleid.transfer.started" && e["subject"] == pid);
    let open = pair.consumer.api.get(&format!("/transfers/{pid}")).good(200);
    assert!(open["access"].as_str().unwrap().starts_with("open until 2"), "{open}");
    let given = pair.consumer.api.get(&format!("/transfers/{pid}/address")).good(200);
    assert!(given["endpoint"].as_str().unwrap().contains("/data/") && given["authorization"].is_string());

    let path = format!("/agreements/{agreement}/termination");
    pair.provider.api.post(&path, &json!({"reason": " "})).problem(400);
    let ended = pair
        .provider
        .api
        .post(&path, &json!({"reason": "the contract was cancelled"}))
        .good(200);
    assert_eq!(ended["access"], "closed: the contract was cancelled");
    assert_eq!(
        ended["transfers"].as_array().unwrap().len(),
        1,
        "the pull that was completed has ended before"
    );
    // Closed in the same commit: there is no moment at which the agreement has ended and access is open.
    let closed = pair
        .provider
        .api
        .get(&format!("/transfers?agreement={agreement}"))
        .good(200);
    for item in closed["items"].as_array().unwrap() {
        assert!(item["access"].as_str().unwrap().starts_with("closed: "), "{item}");
    }
    let record = at_provider.until(|e| e["type"] == "eu.herleid.agreement-terminated");
    assert_eq!(
        (&record["data"]["index"], &record["subject"]),
        (&ended["index"], &json!(agreement))
    );

    // The other end is told of its transfer, with the reason.
    at_consumer.until(|e| e["type"] == "eu.herleid.transfer.terminated" && e["subject"] == pid);
    let over = pair.consumer.api.get(&format!("/transfers/{pid}")).good(200);
    assert_eq!(
        (&over["ended"]["code"], &over["ended"]["by"]),
        (&json!("agreement-ended"), &json!("provider"))
    );
    assert_eq!(over["access"], "closed: the contract was cancelled");
    pair.consumer.api.get(&format!("/transfers/{pid}/address")).problem(409);
    let refused = pair.consumer.connector.run(&["pull", &agreement]);
    assert!(
        !refused.status.success() && told(&refused).contains("the contract was cancelled"),
        "{}",
        told(&refused)
    );

    // Once, and for ever.
    pair.provider.api.post(&path, &json!({"reason": "again"})).problem(422);
    pair.provider.connector.kill();
    pair.provider.connector.start();
    let after = pair.provider.api.get(&format!("/agreements/{agreement}")).good(200);
    assert_eq!(
        (&after["ended"], &after["index"]),
        (&json!("the contract was cancelled"), &serde_json::Value::Null)
    );
    assert_eq!(pair.provider.api.get("/agreements?ended=true").good(200)["total"], 1);
    let refused = pair.consumer.connector.run(&["pull", &agreement]);
    assert!(!refused.status.success(), "{}", told(&refused));
}

#[test]
fn the_consumer_can_end_an_agreement_too_and_asks_for_nothing_under_it() {
    let pair = Pair::start(&[]);
    let agreement = pair.agree();
    let mut at_provider = pair.provider.api.listen("0.0");
    let mut at_consumer = pair.consumer.api.listen("0.0");
    let asked = json!({"agreement": agreement, "format": "HttpData-PULL"});
    pair.consumer.api.post("/transfers", &asked).good(202);
    at_consumer.until(|e| e["type"] == "eu.herleid.transfer.started");
    let path = format!("/agreements/{agreement}/termination?side=consumer");
    let ended = pair
        .consumer
        .api
        .post(&path, &json!({"reason": "no longer needed"}))
        .good(200);
    assert_eq!(ended["transfers"].as_array().unwrap().len(), 1);
    at_provider.until(|e| e["type"] == "eu.herleid.transfer.terminated");
    let problem = pair.consumer.api.post("/transfers", &asked).problem(422);
    assert!(
        problem["detail"].as_str().unwrap().contains("no longer needed"),
        "{problem}"
    );
    let refused = pair.consumer.connector.run(&["pull", &agreement]);
    assert!(!refused.status.success(), "{}", told(&refused));
    pair.consumer
        .api
        .post(
            &format!("/agreements/{agreement}/termination?side=provider"),
            &json!({"reason": "x"}),
        )
        .problem(404);
}
