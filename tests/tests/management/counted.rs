//! Bytes that are counted, between two real connectors: negotiated, delivered, refused, and the same after a stop.

use crate::Pair;
use herleid_tests::connector::{RAIN, good};
use herleid_tests::process::told;
use serde_json::json;

#[test]
fn no_more_bytes_are_delivered_than_were_agreed_also_after_a_stop() {
    let mut pair = Pair::start(&[]);
    let file = pair.provider.connector.directory.join("files").join("snow");
    std::fs::write(&file, RAIN).unwrap();
    let limit = json!({"leftOperand": "https://w3id.org/herleid/ns#volume", "operator": "lteq", "rightOperand": 2 * RAIN.len() + 1});
    let policy = json!({"@type": "Offer", "permission": [{"action": "use", "constraint": [limit]}]});
    let body = json!({"source": {"file": file}, "id": "snow", "title": "Snow", "description": "Gauge 310", "theme": ["ENVI"], "policy": policy});
    pair.provider.api.post("/datasets", &body).good(201);
    let provider = pair.provider.connector.did.clone();
    let agreed = good(&pair.consumer.connector.run(&["negotiate", &provider, "snow"]));
    let agreement = agreed["agreement"].as_str().unwrap();
    let pull = |pair: &Pair| pair.consumer.connector.run(&["pull", agreement]);
    good(&pull(&pair));
    pair.provider.connector.kill();
    pair.provider.connector.start();
    good(&pull(&pair));
    for _ in 0..2 {
        let refused = pull(&pair);
        let why = format!("Delivered before: `{}` bytes; now: `{}`", 2 * RAIN.len(), RAIN.len());
        assert!(
            !refused.status.success() && told(&refused).contains(&why),
            "expected `{why}`: {}",
            told(&refused)
        );
        pair.provider.connector.kill();
        pair.provider.connector.start();
    }
}
