//! A push, begun and ended through the management API.

use crate::Pair;
use crate::receiving::{Act, Endpoint};
use herleid_tests::connector::{DESCRIBED, good};
use herleid_tests::process::text;
use serde_json::{Value, json};

const SECRET: &str = "a-secret-of-the-receiver";

#[test]
fn a_push_is_shown_without_its_secrets_and_breaks_off_when_its_agreement_ends() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let mut pair = Pair::start(&[]);
    pair.allow_pushes(&endpoint.base);
    let provider = &pair.provider.connector;
    let (file, policy) = (
        provider.directory.join("large.bin"),
        provider.directory.join("offer.json"),
    );
    std::fs::write(&file, vec![7; 24_000_000]).unwrap();
    std::fs::write(&policy, r#"{"@type": "Offer", "permission": [{"action": "use"}]}"#).unwrap();
    let what = [
        "publish",
        file.to_str().unwrap(),
        "--id",
        "large",
        "--policy",
        policy.to_str().unwrap(),
    ];
    good(&provider.run(&[&what[..], &DESCRIBED].concat()));
    let agreed = good(
        &pair
            .consumer
            .connector
            .run(&["negotiate", &pair.provider.connector.did, "large"]),
    );
    let agreement = agreed["agreement"].as_str().unwrap();

    let mut at_consumer = pair.consumer.api.listen("0.0");
    let address = json!({"@type": "DataAddress", "endpointType": "HttpData", "endpoint": endpoint.base, "endpointProperties": [
        {"@type": "EndpointProperty", "name": "authorization", "value": SECRET},
    ]});
    let asked = json!({"agreement": agreement, "format": "HttpData-PUSH", "data_address": address});
    let begun = pair.consumer.api.post("/transfers", &asked).good(202);
    let pid = begun["pid"].as_str().unwrap();
    endpoint.stopped();
    let of_provider = pair.provider.api.get("/transfers?role=provider").good(200);
    let pushed = of_provider["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["direction"] == "push");
    assert_eq!(pushed.unwrap()["state"], "STARTED", "{of_provider}");
    pair.consumer.api.get(&format!("/transfers/{pid}/address")).problem(409);

    let path = format!("/agreements/{agreement}/termination");
    pair.provider
        .api
        .post(&path, &json!({"reason": "the contract was cancelled"}))
        .good(200);
    endpoint.go_on();
    assert!(!endpoint.next().whole, "it went on after the agreement had ended");
    let told: Value = at_consumer.until(|e| e["type"] == "eu.herleid.transfer.terminated" && e["subject"] == pid);
    let over = pair.consumer.api.get(&format!("/transfers/{pid}")).good(200);
    assert_eq!(over["ended"]["code"], "agreement-ended");
    assert!(endpoint.is_quiet());
    for shown in [
        begun.to_string(),
        of_provider.to_string(),
        told.to_string(),
        over.to_string(),
    ] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
    for end in [&pair.provider, &pair.consumer] {
        let listed = end.connector.run(&["transfers", "--limit", "0"]);
        assert!(!text(&listed.stdout).contains(SECRET));
    }
}
