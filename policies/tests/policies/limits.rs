//! Limits, and what is understood but not published.

use crate::common::{APP, RAIN, agreement, atom, use_if};
use crate::refusals::{permission, refused};
use herleid_policies::{Policy, PolicyKind, ProblemKind, limits};
use serde_json::{Value, json};

#[test]
fn size_depth_and_number_are_limited() {
    let mut nested = atom("recipient", "eq", json!(APP));
    for _ in 0..=limits::MAX_NESTING {
        nested = json!({"and": [nested]});
    }
    refused(&use_if(json!([nested])), ProblemKind::TooLarge, "constraint");
    let mut deep = json!("x");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    refused(&use_if(deep), ProblemKind::TooLarge, "policy");
    let many: Vec<Value> = (0..=limits::MAX_CONSTRAINTS)
        .map(|_| atom("recipient", "eq", json!(APP)))
        .collect();
    refused(&use_if(json!(many)), ProblemKind::TooLarge, "constraint");
    let rules: Vec<Value> = (0..=limits::MAX_RULES).map(|_| json!({"action": "use"})).collect();
    refused(&agreement(json!(rules), json!([])), ProblemKind::TooLarge, "permission");
    let long = "x".repeat(limits::MAX_BYTES);
    refused(
        &permission(json!({"action": "use", "dct:description": long})),
        ProblemKind::TooLarge,
        "policy",
    );
    let name = "n".repeat(limits::MAX_NAME + 1);
    refused(
        &permission(json!({"action": "use", (name): 1})),
        ProblemKind::TooLarge,
        "policy",
    );
    let recipients: Vec<String> = (0..=limits::MAX_RIGHT_VALUES)
        .map(|n| format!("did:web:p{n}.example"))
        .collect();
    refused(
        &use_if(json!([atom("recipient", "isAnyOf", json!(recipients))])),
        ProblemKind::RightOperand,
        "rightOperand",
    );
}

#[test]
fn few_lines_cannot_unfold_into_many_rules() {
    let assets: Vec<String> = (0..100).map(|n| format!("urn:asset:{n}")).collect();
    let parties: Vec<String> = (0..100).map(|n| format!("did:web:p{n}.example")).collect();
    let set = |assets: &[String], parties: &[String], constraints: Value| {
        json!({"@type": "Set", "@id": "urn:uuid:set", "permission": [
            {"action": "use", "target": assets, "assignee": parties, "constraint": constraints}]})
    };
    refused(&set(&assets, &parties, json!([])), ProblemKind::TooLarge, "permission");
    let twenty: Vec<Value> = (0..20).map(|_| atom("recipient", "eq", json!(APP))).collect();
    assert!(Policy::parse(&set(&assets, &parties[..1], json!(twenty))).is_ok());
    let more: Vec<Value> = (0..21).map(|_| atom("recipient", "eq", json!(APP))).collect();
    refused(
        &set(&assets, &parties[..1], json!(more)),
        ProblemKind::TooLarge,
        "permission",
    );
}

#[test]
fn publishing_asks_for_more_than_understanding() {
    let offer = |rule: Value| json!({"@type": "Offer", "@id": "urn:uuid:offer", "target": RAIN, "permission": [rule]});
    let constrained = |constraint: Value| offer(json!({"action": "use", "constraint": [constraint]}));
    let refused_for = |policy: &Value, term: &str| {
        assert!(Policy::parse(policy).is_ok(), "understood: {policy}");
        let error = Policy::parse_for_offer(policy).expect_err("should not be published");
        let problems = error.problems().unwrap().listed();
        assert!(
            problems
                .iter()
                .any(|p| p.kind == ProblemKind::NotForOffer && p.term == term),
            "{term}: {error}"
        );
    };
    refused_for(
        &constrained(atom("dateTime", "lteq", json!("2026-12-31"))),
        "2026-12-31",
    );
    refused_for(
        &constrained(json!({"andSequence": [atom("recipient", "eq", json!(APP))]})),
        "andSequence",
    );
    refused_for(&constrained(atom("count", "eq", json!(3))), "count");
    refused_for(&constrained(atom("count", "lt", json!(1))), "count");
    refused_for(
        &constrained(atom("purpose", "isA", json!("https://example.org/ours"))),
        "https://example.org/ours",
    );
    refused_for(
        &offer(json!({"action": "use", "duty": [{"action": "odrl:anonymize"}]})),
        "odrl:anonymize",
    );
    let mut obliged = offer(json!({"action": "use"}));
    obliged["obligation"] = json!([{"action": "odrl:delete"}]);
    refused_for(&obliged, "odrl:delete");
    refused_for(&permission(json!({"action": "use"})), "Agreement");
    let forbidding = json!({"@type": "Offer", "@id": "urn:uuid:offer", "prohibition": [{"action": "odrl:sell"}]});
    refused_for(&forbidding, "permission");
    for action in ["odrl:read", "odrl:execute", "odrl:grantUse", "odrl:sell"] {
        refused_for(&offer(json!({"action": action})), action);
    }
    for action in ["odrl:reproduce", "odrl:derive", "odrl:sell", "odrl:transfer"] {
        let mut forbidding = offer(json!({"action": "use"}));
        forbidding["prohibition"] = json!([{"action": action}]);
        refused_for(&forbidding, action);
    }
    let mut asked = offer(json!({"action": ["use", "odrl:distribute"]}));
    asked["prohibition"] = json!([{"action": "use", "constraint": [atom("purpose", "isA", json!("dpv:Marketing"))]}]);
    assert!(Policy::parse_for_offer(&asked).is_ok());
    assert!(Policy::parse_for_offer(&constrained(atom("dateTime", "lteq", json!("2026-12-31+01:00")))).is_ok());
    assert!(Policy::parse_for_offer(&constrained(atom("partner", "eq", json!("gold")))).is_err());
}

#[test]
fn an_own_offer_is_named_where_its_author_did_not() {
    let rules = json!([{"action": "use"}]);
    let bare = Policy::parse_own_offer(&json!({"permission": rules}), "urn:example:rain#offer").unwrap();
    assert_eq!((bare.id(), bare.kind()), ("urn:example:rain#offer", PolicyKind::Offer));
    for id in ["@id", "uid", "id", "odrl:uid", "http://www.w3.org/ns/odrl/2/uid"] {
        for kind in ["@type", "type"] {
            let own = json!({id: "urn:example:own", kind: "Offer", "permission": rules});
            let policy = Policy::parse_own_offer(&own, "urn:example:rain#offer").unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(policy.id(), "urn:example:own", "{id}, {kind}");
        }
    }
    let other = json!({"type": "Agreement", "permission": rules});
    assert!(
        Policy::parse_own_offer(&other, "urn:o").is_err(),
        "its type is not changed"
    );
    for no_object in [json!(null), json!([]), json!("offer")] {
        assert!(Policy::parse_own_offer(&no_object, "urn:o").is_err(), "{no_object}");
    }
}
