//! A push to a member of which nothing is known for a while, and that is then taken back.

use super::*;
use crate::receiving::{Act, Endpoint};

#[test]
fn a_push_waits_while_nothing_is_known_of_its_list_and_ends_when_the_member_is_taken_back() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20), Act::Stop(1 << 20)]);
    let (mut pair, _proxy) = pair(&json!({"@type": "Offer", "permission": [{"action": "use"}]}));
    let (consumer, base) = (&pair.consumer.connector.did, &endpoint.base);
    let lines = format!("allow = [{{ did = \"{consumer}\", to = \"{base}\", internal = true }}]");
    pair.provider.connector.set("push", &lines);
    let issuer = Issuer::start();
    let file = asks_for_membership(&mut pair, &issuer);
    issuer.says(Some(false));
    let consumer = &pair.consumer.connector;
    good(&consumer.run(&["credential", "add", file.to_str().unwrap()]));
    let ask = ["negotiate", &pair.provider.connector.did, "rain"];
    let agreement = good(&consumer.run(&ask))["agreement"].clone();
    let mut at_consumer = pair.consumer.api.listen("0.0");
    let address = json!({"@type": "DataAddress", "endpointType": "HttpData", "endpoint": endpoint.base});
    let asked = json!({"agreement": agreement, "format": "HttpData-PUSH", "data_address": address});
    let begun = pair.consumer.api.post("/transfers", &asked).good(202);
    let pid = begun["pid"].as_str().unwrap();
    endpoint.stopped();
    issuer.says(None);
    // The third time at the latest it is the push that asks, and not what sends its bytes: the list is believed for a second, and
    // asked for every two.
    issuer.was_down(4);
    endpoint.go_on();
    assert!(!endpoint.next().whole, "it went on while nothing was known of its list");
    let path = format!("/transfers/{pid}");
    assert_eq!(pair.consumer.api.get(&path).good(200)["state"], "STARTED");

    issuer.says(Some(false));
    endpoint.stopped();
    issuer.says(Some(true));
    let over = at_consumer.until(|e| e["type"] == "eu.herleid.transfer.terminated" && e["subject"] == pid);
    endpoint.go_on();
    assert!(!endpoint.next().whole, "it went on after the member was taken back");
    let ended = pair.consumer.api.get(&path).good(200);
    assert_eq!(ended["ended"]["code"], "access-ended", "{over}");

    pair.provider.connector.kill();
    let said = aborts(&pair.provider.connector);
    let [(_, why)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(why.contains("was revoked by its issuer"), "{why}");
}
