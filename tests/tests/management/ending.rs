//! The end of an agreement: recorded, and access under it closed at both ends.

use crate::{Managed, Pair};
use herleid::config::Config;
use herleid_ledger::section::SectionName;
use herleid_tests::lying_proxy::LyingProxy;
use herleid_tests::machine::free_port;
use herleid_tests::process::{text, told};
use serde_json::{Value, json};
use std::process::Stdio;

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

/// More than the kernels and the consumer's socket take before the provider has to wait.
const LARGE: usize = 64 << 20;

#[test]
fn a_pull_under_way_breaks_off_when_its_agreement_ends_and_is_not_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let (public, port) = (free_port(), free_port());
    let proxy = LyingProxy::start(public, port);
    let mut pair = Pair {
        provider: Managed::start_at(&folder, "provider", &[], port, public),
        consumer: Managed::start(&folder, "consumer", &[]),
        _folder: folder,
    };
    pair.provider.publish_bytes("rain", &vec![7; LARGE]);
    let agreement = pair.agree();
    let mut events = pair.provider.api.listen("0.0");

    let held = proxy.hold(1 << 20);
    let mut pull = pair.consumer.connector.command(&["pull", &agreement]);
    let pull = pull.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    held.reached();
    let path = format!("/agreements/{agreement}/termination");
    let reason = json!({"reason": "the contract was cancelled"});
    pair.provider.api.post(&path, &reason).good(200);
    // It is known to have ended before the one who takes the bytes takes any more.
    events.until(|e| e["type"] == "eu.herleid.agreement-terminated");
    held.let_go();

    let refused = pull.wait_with_output().unwrap();
    assert!(
        !refused.status.success() && told(&refused).contains("the contract was cancelled"),
        "{}",
        told(&refused)
    );
    let payloads = pair.consumer.connector.storage().join("payloads");
    let folders = std::fs::read_dir(payloads).unwrap().map(|entry| entry.unwrap().path());
    let kept = folders
        .filter(|path| path.is_dir())
        .flat_map(|path| std::fs::read_dir(path).unwrap());
    assert_eq!(kept.count(), 0, "nothing of it is given out or kept");

    // The provider says how far it came, at the latest when it is started again; and that is not the end.
    let provider = &mut pair.provider.connector;
    provider.kill();
    provider.start();
    let again = pair.consumer.connector.run(&["pull", &agreement]);
    assert!(!again.status.success(), "{}", text(&again.stdout));
    provider.kill();
    let config = Config::load(&provider.directory.join("herleid.toml"), std::iter::empty(), true).unwrap();
    let node = herleid::node::open(config).unwrap();
    let records = (0..node.ledger.size()).map(|index| node.ledger.record(index).unwrap());
    let facts = records.filter_map(|record| {
        let facts = record.sections().get(&SectionName::Facts)?;
        let facts: Value = serde_json::from_slice(facts).unwrap();
        facts.get("bytesSent").cloned()
    });
    let [sent] = &facts.collect::<Vec<Value>>()[..] else {
        panic!("one pull was broken off");
    };
    let sent = usize::try_from(sent.as_u64().unwrap()).unwrap();
    assert!((1 << 20..LARGE).contains(&sent), "{sent}");
}
