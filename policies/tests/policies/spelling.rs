//! One policy, one meaning, one digest, however it is spelled.
use crate::common::{APP, DPV, KNMI, NOW, RAIN, agreement, atom, expanded, prefixed};
use herleid_policies::{Acceptance, Policy};
use serde_json::{Value, json};

fn offer() -> Value {
    json!({
        "@type": "Offer",
        "@id": "urn:uuid:6bcea82e-c509-443d-ba8c-8eef25984c07",
        "target": RAIN,
        "permission": [
            {"action": "use", "constraint": [
                {"or": [
                    atom("dateTime", "lteq", json!({"@value": "2026-12-31T23:59:59+01:00", "@type": "xsd:dateTime"})),
                    {"xone": [
                        atom("purpose", "isAnyOf", json!([format!("{DPV}PublicBenefit"), format!("{DPV}LegalCompliance")])),
                        {"andSequence": [
                            atom("recipient", "eq", json!(APP)),
                            atom("dateTime", "gt", json!({"@value": "2020-01-01", "@type": "xsd:date"})),
                        ]},
                    ]},
                ]},
                atom("count", "lteq", json!({"@value": "10", "@type": "xsd:integer"})),
            ]},
            {"action": "odrl:distribute", "duty": [{"action": "odrl:inform"}]},
        ],
        "prohibition": [{"action": "odrl:sell"}],
        "obligation": [{"action": "odrl:delete"}],
    })
}

#[test]
fn compact_prefixed_and_expanded_have_one_digest() {
    let compact = Policy::parse(&offer()).unwrap();
    for other in [prefixed(&offer()), expanded(&offer())] {
        let read = Policy::parse(&other).unwrap_or_else(|why| panic!("{why}\n{other:#}"));
        assert_eq!(read.document(), compact.document());
        assert_eq!(read.digest(), compact.digest());
    }
}

#[test]
fn the_canonical_document_is_the_canonical_form_of_itself() {
    let policy = Policy::parse(&offer()).unwrap();
    let again = Policy::parse(policy.document()).unwrap();
    assert_eq!(again, policy);
    assert_eq!(again.bytes(), policy.bytes());
}

#[test]
fn small_differences_of_spelling_do_not_count() {
    let plain = |right: Value, left: &str| {
        let policy = crate::common::use_if(json!([atom(left, "lteq", right)]));
        Policy::parse(&policy).unwrap().digest()
    };
    let typed = json!({"@value": "2023-12-31T06:00:00Z", "@type": "xsd:dateTime"});
    let full = json!({"@value": "2023-12-31T06:00:00Z", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"});
    let first = plain(typed, "dateTime");
    assert_eq!(first, plain(full, "odrl:dateTime"));
    assert_eq!(first, plain(json!("2023-12-31T06:00:00Z"), "dateTime"));
    assert_eq!(first, plain(json!("2023-12-31T06:00Z"), "dateTime"), "seconds left out");
    assert_eq!(
        first,
        plain(json!(["2023-12-31T06:00:00Z"]), "http://www.w3.org/ns/odrl/2/dateTime")
    );
    assert_ne!(first, plain(json!("2023-12-31T06:00:01Z"), "dateTime"));
    let ten = plain(json!(10), "count");
    assert_eq!(ten, plain(json!("10"), "count"));
    assert_eq!(ten, plain(json!({"@value": 10}), "count"));
    assert_eq!(
        ten,
        plain(json!({"@value": "10", "@type": "xsd:nonNegativeInteger"}), "count")
    );
    assert_ne!(ten, plain(json!(11), "count"));
    let purpose = |right: Value| {
        let policy = crate::common::use_if(json!([atom("purpose", "isAnyOf", right)]));
        Policy::parse(&policy).unwrap().digest()
    };
    let one = purpose(json!(format!("{DPV}PublicBenefit")));
    assert_eq!(one, purpose(json!({"@id": format!("{DPV}PublicBenefit")})));
    assert_eq!(one, purpose(json!(["dpv:PublicBenefit", {"@id": "dpv:PublicBenefit"}])));
}

#[test]
fn what_holds_for_all_rules_may_be_said_once_or_in_each() {
    let once = agreement(json!([{"action": "use"}]), json!([{"action": "odrl:distribute"}]));
    let each = json!({
        "@type": "Agreement", "@id": "urn:uuid:agreement", "action": "use",
        "permission": [{"target": RAIN, "assigner": KNMI, "assignee": APP}],
        "prohibition": [{"action": "odrl:distribute", "target": {"@id": RAIN}, "assigner": KNMI, "assignee": [APP]}],
    });
    // The shared action contradicts the prohibition's own.
    assert!(Policy::parse(&each).is_err());
    let mut each = each;
    each.as_object_mut().unwrap().remove("action");
    each["permission"][0]["action"] = json!("use");
    assert_eq!(
        Policy::parse(&each).unwrap().digest(),
        Policy::parse(&once).unwrap().digest()
    );
}

#[test]
fn several_actions_are_several_rules() {
    let together = agreement(json!([{"action": ["use", "odrl:distribute"]}]), json!([]));
    let apart = agreement(json!([{"action": "odrl:distribute"}, {"action": "use"}]), json!([]));
    assert_eq!(
        Policy::parse(&together).unwrap().document(),
        Policy::parse(&apart).unwrap().document()
    );
}

#[test]
fn order_comments_blank_labels_and_the_default_conflict_do_not_count() {
    let plain = agreement(json!([{"action": "use"}, {"action": "odrl:distribute"}]), json!([]));
    let mut noted = agreement(
        json!([
            {"action": "odrl:distribute", "@type": "Permission", "@id": "_:b1"},
            {"action": "use", "@id": "_:b0", "dct:description": "Anybody who has this agreement may use it."},
        ]),
        json!([]),
    );
    noted["dct:title"] = json!("Rain");
    noted["conflict"] = json!("invalid");
    noted["@context"] = json!(["https://w3id.org/dspace/2025/1/context.jsonld", {"odrl": crate::common::ODRL}]);
    assert_eq!(
        Policy::parse(&noted).unwrap().digest(),
        Policy::parse(&plain).unwrap().digest()
    );
}

#[test]
fn the_order_of_a_sequence_does_count() {
    let (a, b) = (
        atom("recipient", "eq", json!(APP)),
        atom("dateTime", "gt", json!("2020-01-01Z")),
    );
    let one = Policy::parse(&crate::common::use_if(json!([{"andSequence": [a, b]}]))).unwrap();
    let other = Policy::parse(&crate::common::use_if(json!([{"andSequence": [b, a]}]))).unwrap();
    assert_ne!(one.digest(), other.digest());
}

#[test]
fn accepting_an_offer_keeps_its_rules_and_their_names() {
    let mut offer = offer();
    offer.as_object_mut().unwrap().remove("target");
    let offer = Policy::parse(&offer).unwrap();
    let acceptance = Acceptance {
        id: "urn:uuid:new",
        assigner: KNMI,
        assignee: APP,
        target: RAIN,
        made_ms: Some(NOW),
    };
    let made = offer.agree(&acceptance).unwrap();
    assert_eq!(made.rules_digest(), offer.rules_digest());
    assert_eq!(made.permissions()[0].id(), offer.permissions()[0].id());
    assert_eq!(made.timestamp(), Some("2020-06-17T15:00:00.000Z"));
    made.check_made_of(&offer).unwrap();
    assert!(
        made.agree(&acceptance).is_err(),
        "an agreement cannot be accepted again"
    );

    let mut wider = made.document().clone();
    wider["permission"]
        .as_array_mut()
        .unwrap()
        .push(json!({"action": "odrl:grantUse"}));
    let why = Policy::parse(&wider)
        .unwrap()
        .check_made_of(&offer)
        .unwrap_err()
        .to_string();
    assert!(why.contains("`permission`"), "{why}");
    let mut narrower = made.document().clone();
    narrower.as_object_mut().unwrap().remove("prohibition");
    let why = Policy::parse(&narrower)
        .unwrap()
        .check_made_of(&offer)
        .unwrap_err()
        .to_string();
    assert!(why.contains("`prohibition`"), "{why}");

    let elsewhere = Acceptance {
        target: "urn:example:other",
        ..acceptance
    };
    let with_target = Policy::parse(&self::offer()).unwrap();
    let why = with_target.agree(&elsewhere).unwrap_err().to_string();
    assert!(why.contains("target") && why.contains("urn:example:other"), "{why}");
}
