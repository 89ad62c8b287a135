//! Who asks what a transaction rests on shows its credentials, as everywhere.

use super::*;
use std::fs::OpenOptions;

/// What became of the one question that a trace put.
fn asked(consumer: &Connector, transaction: &str) -> (String, String) {
    let tree = good(&consumer.run(&["trace", transaction, "--across=1"]))["tree"].clone();
    let mut waiting = vec![&tree];
    while let Some(node) = waiting.pop() {
        if node["asked"].is_object() {
            let text = |name: &str| node["asked"][name].as_str().unwrap().to_owned();
            return (text("state"), text("why"));
        }
        waiting.extend(node["children"].as_array().into_iter().flatten());
    }
    panic!("nobody was to be asked: {tree}")
}

#[test]
fn a_trace_across_parties_is_answered_to_who_has_the_credential_and_refused_once_it_is_taken_back() {
    let (mut pair, _proxy) = pair(&json!({"@type": "Offer", "permission": [{"action": "use"}]}));
    let issuer = Issuer::start();
    let file = pair.provider.connector.directory.join("herleid.toml");
    let mut file = OpenOptions::new().append(true).open(file).unwrap();
    writeln!(file, "\n[[lineage.answers]]\ndid = \"{}\"", pair.consumer.connector.did).unwrap();
    let membership = asks_for_membership(&mut pair, &issuer);
    issuer.says(Some(false));
    let consumer = &pair.consumer.connector;
    good(&consumer.run(&["credential", "add", membership.to_str().unwrap()]));
    let agreement = good(&consumer.run(&["negotiate", &pair.provider.connector.did, "rain"]))["agreement"].clone();
    let pulled = good(&consumer.run(&["pull", agreement.as_str().unwrap()]));
    let transaction = pulled["transaction"].as_str().unwrap();
    let (state, why) = asked(consumer, transaction);
    assert_eq!(state, "answered", "{why}");
    // Shown and believed for a second, and then looked at again.
    issuer.says(Some(true));
    let why = wait_for(|| {
        let (state, why) = asked(consumer, transaction);
        (state != "answered").then_some((state, why))
    });
    assert!(why.0 == "refused" && why.1.contains("revoked"), "{why:?}");
}
