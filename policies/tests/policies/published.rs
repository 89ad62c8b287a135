//! What is judged in suites and enforced nowhere, is never published: each of it is refused by its name, with the reason.

use crate::common::atom;
use herleid_policies::Policy;
use serde_json::{Value, json};

fn offer(permission: &Value) -> Value {
    json!({"@type": "Offer", "@id": "urn:uuid:o", "permission": [permission]})
}

fn with(member: &str, value: Value) -> Value {
    let mut offer = offer(&json!({"action": "use"}));
    offer[member] = value;
    offer
}

#[test]
fn what_no_connector_enforces_is_refused_by_name_and_with_the_reason() {
    const LOST: &str = "a peer may drop it without a word";
    let narrowed = json!([atom("purpose", "eq", json!("urn:x"))]);
    let action = json!([{"rdf:value": {"@id": "odrl:use"}, "refinement": narrowed}]);
    let rule = |member: &str, value: Value| {
        let mut rule = json!({"action": "use"});
        rule[member] = value;
        offer(&rule)
    };
    let parties = json!({"@id": "urn:parties", "@type": "PartyCollection"});
    let assets = json!({"@id": "urn:assets", "@type": "AssetCollection"});
    let mut kept = json!({"@type": "Offer", "@id": "urn:uuid:o", "permission": [{"action": "use"}]});
    kept["prohibition"] = json!([{"action": "odrl:distribute", "remedy": [{"action": "odrl:inform"}]}]);
    for (policy, term, why) in [
        // Refinements: of an action, an asset, a party.
        (offer(&json!({"action": action})), "refinement", LOST),
        (
            rule("target", json!({"@id": "urn:t", "refinement": narrowed})),
            "refinement",
            LOST,
        ),
        (
            rule("assignee", json!({"@id": "urn:a", "refinement": narrowed})),
            "refinement",
            LOST,
        ),
        // Ways of settling conflicts other than the default.
        (with("conflict", json!("perm")), "conflict", "another meaning"),
        (with("conflict", json!("prohibit")), "conflict", "another meaning"),
        (with("conflict", json!(["perm", "invalid"])), "conflict", "expected one"),
        // Inheritance.
        (with("inheritFrom", json!("urn:uuid:parent")), "inheritFrom", LOST),
        (with("odrl:inheritAllowed", json!(true)), "inheritAllowed", LOST),
        // Collections, and what belongs to them.
        (
            rule("assignee", parties.clone()),
            "PartyCollection",
            "belongs to a collection",
        ),
        (
            rule("target", assets.clone()),
            "AssetCollection",
            "belongs to a collection",
        ),
        (with("assignee", parties), "PartyCollection", "belongs to a collection"),
        (with("target", assets), "AssetCollection", "belongs to a collection"),
        (
            rule("assignee", json!({"@id": "urn:a", "partOf": "urn:parties"})),
            "partOf",
            LOST,
        ),
        (
            rule("target", json!({"@id": "urn:t", "source": "urn:list"})),
            "source",
            LOST,
        ),
        // Profiles.
        (
            with("profile", json!("https://example.org/profile")),
            "https://example.org/profile",
            "profile",
        ),
        // What follows on a duty that was not done.
        (kept, "remedy", LOST),
    ] {
        let error = Policy::parse_for_offer(&policy).expect_err(term).to_string();
        assert!(error.contains(&format!("`{term}`")), "`{term}`: {error}");
        assert!(error.contains(why), "expected `{why}` of `{term}`: {error}");
    }
    // The default, said, is what nobody can lose.
    assert!(Policy::parse_for_offer(&with("conflict", json!("invalid"))).is_ok());
}

#[test]
fn rules_that_no_one_agreement_could_hold_are_refused() {
    let (bob, carol) = ("did:web:bob.example", "did:web:carol.example");
    let to = |party: &str| json!({"action": "use", "assignee": party});
    let offer = |permissions: Value| json!({"@type": "Offer", "@id": "urn:uuid:o", "permission": permissions});
    let refused = |policy: &Value, term: &str| {
        let why = Policy::parse_for_offer(policy).unwrap_err();
        let problems = why.problems().unwrap().listed();
        assert!(problems.iter().any(|problem| problem.term == term), "{why}");
    };
    refused(&offer(json!([to(bob), to(carol)])), "assignee");
    refused(&offer(json!([{"action": "use", "assignee": [bob, carol]}])), "assignee");
    let mut forbids = offer(json!([to(bob)]));
    forbids["prohibition"] = json!([{"action": "odrl:distribute", "assignee": carol}]);
    refused(&forbids, "assignee");
    refused(
        &offer(json!([{"action": "use", "target": "urn:a"}, {"action": "use", "target": "urn:b"}])),
        "target",
    );
    refused(
        &offer(json!([{"action": "use", "assigner": bob}, {"action": "use", "assigner": carol}])),
        "assigner",
    );
    // One party, named in some rules or in all.
    for good in [json!([to(bob), {"action": "odrl:distribute"}]), json!([to(bob)])] {
        Policy::parse_for_offer(&offer(good)).unwrap();
    }
}

#[test]
fn what_nobody_can_show_of_areas_is_refused() {
    let area = json!("https://identifier.overheid.nl/tooi/id/gemeente/gm0718");
    let offer = |permission: Value, prohibition: Value| {
        json!({"@type": "Offer", "@id": "urn:uuid:o",
            "permission": [{"action": "use", "constraint": permission}],
            "prohibition": [{"action": "use", "constraint": prohibition}]})
    };
    let gone = json!([atom("dateTime", "lt", json!("2020-01-01Z"))]);
    for operator in ["eq", "neq", "isPartOf", "hasPart", "isAnyOf", "isNoneOf"] {
        let excludes = operator == "neq" || operator == "isNoneOf";
        let named = json!([{"or": [atom("spatial", operator, area.clone())]}]);
        for (policy, refused, why) in [
            (offer(named.clone(), gone.clone()), excludes, "never hold"),
            (offer(json!([]), named), !excludes, "forbid everybody"),
        ] {
            let said = Policy::parse_for_offer(&policy).err().map(|error| error.to_string());
            assert_eq!(said.is_some(), refused, "{operator}");
            assert!(
                said.is_none_or(|said| said.contains("spatial") && said.contains(why)),
                "{operator}"
            );
        }
    }
}
