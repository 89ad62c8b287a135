//! What has to be stated before a use, and what is declared with it, between two real connectors.

use crate::Pair;
use herleid_tests::connector::good;
use herleid_tests::process::told;
use serde_json::{Value, json};
use std::process::Output;

fn refused(output: &Output, why: &str) {
    let said = told(output);
    assert!(
        !output.status.success() && said.contains(why),
        "expected `{why}`: {said}"
    );
}

fn offer(pair: &Pair, id: &str, permission: &Value) {
    let policy = json!({"@type": "Offer", "permission": [permission]});
    pair.provider.connector.offer(id, id.as_bytes(), &policy.to_string());
}

#[test]
fn nothing_is_given_before_it_is_stated_and_then_also_after_a_stop() {
    let mut pair = Pair::start(&[]);
    offer(
        &pair,
        "people",
        &json!({"action": "use", "duty": [{"action": "odrl:obtainConsent"}]}),
    );
    let negotiated = pair
        .consumer
        .connector
        .run(&["negotiate", &pair.provider.connector.did, "people"]);
    let agreement = good(&negotiated)["agreement"].as_str().unwrap().to_owned();
    let pull = |pair: &Pair| pair.consumer.connector.run(&["pull", &agreement]);
    for why in ["`obtainConsent`", "herleid duty fulfil"] {
        refused(&pull(&pair), why);
    }
    let duty = |end: &crate::Managed| {
        let list = end.api.get(&format!("/duties?agreement={agreement}")).good(200);
        assert_eq!(list["total"], 1, "{list}");
        list["items"][0].clone()
    };
    for end in [&pair.provider, &pair.consumer] {
        let open = duty(end);
        assert_eq!(
            (
                &open["state"],
                &open["comes_first"],
                &open["action"],
                &open["whose"],
                &open["enforced_by"]
            ),
            (
                &json!("open"),
                &json!(true),
                &json!("obtainConsent"),
                &json!(pair.consumer.connector.did),
                &json!("provider")
            )
        );
    }
    let state = |end: &crate::Managed| {
        let said = [
            "duty",
            "fulfil",
            &agreement,
            "obtainConsent",
            "--statement",
            "Consent forms of 12 May, all 31 signed.",
        ];
        end.connector.run(&said)
    };
    refused(&state(&pair.provider), "only that can state");
    let stated = good(&state(&pair.consumer));
    assert_eq!(stated["state"], "fulfilled", "{stated}");
    good(&pull(&pair));
    pair.provider.connector.kill();
    pair.provider.connector.start();
    good(&pull(&pair));
    let known = duty(&pair.provider);
    assert_eq!(
        (&known["state"], &known["statement"]["enforced_by"]),
        (&json!("fulfilled"), &json!("declared"))
    );
    refused(&state(&pair.consumer), "already");
}

#[test]
fn a_legal_basis_and_an_area_are_declared_apart_from_the_purpose() {
    let pair = Pair::start(&[]);
    let area = "https://identifier.overheid.nl/tooi/id/gemeente/gm0718";
    let condition = |left: &str, right: &str| {
        let operator = if left == "legalBasis" { "isA" } else { "eq" };
        json!({"leftOperand": format!("https://w3id.org/herleid/ns#{left}"), "operator": operator, "rightOperand": right})
    };
    let basis = condition("legalBasis", "https://w3id.org/herleid/legal-basis#PubliekeTaak");
    offer(
        &pair,
        "plots",
        &json!({"action": "use", "constraint": [basis, condition("areaOfUse", area)]}),
    );
    let provider = pair.provider.connector.did.clone();
    let ask = |more: &[&str]| {
        let asked = [&["negotiate", provider.as_str(), "plots"], more].concat();
        pair.consumer.connector.run(&asked)
    };
    let authority = "https://w3id.org/herleid/legal-basis#OpenbaarGezag";
    // A purpose is no legal basis, and neither is an area.
    refused(&ask(&[]), "the stated legal basis");
    refused(
        &ask(&["--purpose", authority, "--area-of-use", area]),
        "the stated legal basis",
    );
    refused(&ask(&["--legal-basis", authority]), "the stated area of use");
    let consent = "https://w3id.org/herleid/legal-basis#Toestemming";
    refused(
        &ask(&["--legal-basis", consent, "--area-of-use", area]),
        "the stated legal basis",
    );
    let agreed = good(&ask(&["--legal-basis", authority, "--area-of-use", area]));
    let agreement = agreed["agreement"].as_str().unwrap();
    let shown = pair.provider.api.get(&format!("/agreements/{agreement}")).good(200);
    assert_eq!(
        (&shown["purpose"], &shown["legal_basis"], &shown["area_of_use"]),
        (&Value::Null, &json!(authority), &json!(area))
    );
    // As it was declared when it was agreed, or as it is declared with a pull.
    good(&pair.consumer.connector.run(&["pull", agreement]));
    refused(
        &pair
            .consumer
            .connector
            .run(&["pull", agreement, "--legal-basis", consent]),
        "the stated legal basis",
    );
    let other = "https://identifier.overheid.nl/tooi/id/gemeente/gm0717";
    refused(
        &pair
            .consumer
            .connector
            .run(&["pull", agreement, "--area-of-use", other]),
        "the stated area of use",
    );
}
