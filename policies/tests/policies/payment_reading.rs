//! Prices as they are written: every spelling, what is refused, and what is not published.

use crate::common::{agreement, atom, log_kept, request};
use crate::payment::{amount, costing, credit, paid_use, price, taken};
use crate::refusals::refused;
use herleid_policies::{EURO, Policy, ProblemKind};
use serde_json::{Value, json};

#[test]
fn all_spellings_are_one_policy_with_the_unit_that_a_peer_keeps() {
    let canonical = costing("0.25");
    let constraint = &canonical.document()["permission"][0]["duty"][0]["constraint"][0];
    assert_eq!(
        constraint["rightOperand"],
        json!({"@type": "xsd:decimal", "@value": "0.25"})
    );
    assert_eq!(constraint["odrl:unit"], json!({"@id": EURO}));
    for right in [
        json!("0.250"),
        json!({"@value": "0.25", "@type": "http://www.w3.org/2001/XMLSchema#decimal"}),
        json!([{"@value": "0.250000000", "@type": "xsd:decimal"}]),
    ] {
        for unit in [
            json!(EURO),
            json!("EUR"),
            json!([{"@id": EURO}]),
            json!({"@value": "EUR"}),
        ] {
            for member in ["unit", "odrl:unit", "http://www.w3.org/ns/odrl/2/unit"] {
                for action in ["compensate", "odrl:compensate", "odrl:pay"] {
                    let rule = json!({"action": "use", "duty": [{"action": action, "constraint": [
                        {"leftOperand": "payAmount", "operator": "eq", "rightOperand": right, member: unit}]}]});
                    let policy = Policy::parse(&agreement(json!([rule]), json!([]))).unwrap();
                    assert_eq!(policy.digest(), canonical.digest(), "{right} {unit} {member} {action}");
                }
            }
        }
    }
    // Sent and read again it is the same.
    let again = Policy::parse(canonical.document()).unwrap();
    assert_eq!(again.bytes(), canonical.bytes());
}

#[test]
fn what_could_not_be_taken_is_refused_by_name() {
    let compensate = |constraints: Value| {
        agreement(
            json!([{"action": "use", "duty": [{"action": "odrl:compensate", "constraint": constraints}]}]),
            json!([]),
        )
    };
    let one = price(&json!("0.25"));
    let without = |member: &str| {
        let mut price = one.clone();
        price.as_object_mut().unwrap().remove(member);
        compensate(json!([price]))
    };
    let with = |member: &str, value: Value| {
        let mut price = one.clone();
        price[member] = value;
        compensate(json!([price]))
    };
    let day = atom("dateTime", "lteq", json!("2027-01-01Z"));
    let bare_use = |constraint: &Value| agreement(json!([{"action": "use", "constraint": [constraint]}]), json!([]));
    let forbidding = agreement(
        json!([{"action": "use"}]),
        json!([{"action": "use", "constraint": [one]}]),
    );
    let informing = agreement(
        json!([{"action": "use", "duty": [{"action": "odrl:inform", "constraint": [one]}]}]),
        json!([]),
    );
    let mut obliged = agreement(json!([{"action": "use"}]), json!([]));
    obliged["obligation"] = json!([{"action": "odrl:compensate", "constraint": [one]}]);
    use ProblemKind::{Missing, NotEnforceable, OperatorForOperand, RightOperand};
    for (policy, kind, term) in [
        (without("odrl:unit"), Missing, "unit"),
        (
            with("odrl:unit", json!("http://dbpedia.org/resource/Guilder")),
            NotEnforceable,
            "http://dbpedia.org/resource/Guilder",
        ),
        (with("operator", json!("gteq")), OperatorForOperand, "gteq"),
        (with("rightOperand", json!("a quarter")), RightOperand, "a quarter"),
        (with("rightOperand", json!("-1")), RightOperand, "-1"),
        (with("rightOperand", json!("0,25")), RightOperand, "0,25"),
        (with("rightOperand", json!("0.0000001")), RightOperand, "0.0000001"),
        // A number of JSON is one of binary fractions for many a reader.
        (with("rightOperand", json!(0.25)), RightOperand, "0.25"),
        (
            with("rightOperand", json!({"@value": "0.25", "@type": "xsd:double"})),
            ProblemKind::WrongShape,
            "xsd:double",
        ),
        (compensate(json!([one, day])), NotEnforceable, "payAmount"),
        (compensate(json!([one, one])), NotEnforceable, "payAmount"),
        (compensate(json!([{"and": [one]}])), NotEnforceable, "payAmount"),
        (bare_use(&one), NotEnforceable, "payAmount"),
        (forbidding, NotEnforceable, "payAmount"),
        (informing, NotEnforceable, "payAmount"),
        (obliged, NotEnforceable, "payAmount"),
    ] {
        if term == "xsd:double" {
            assert!(Policy::parse(&policy).is_err());
            continue;
        }
        refused(&policy, kind, term);
    }
    // Whole numbers have all their digits in any reading.
    assert_eq!(
        Policy::parse(&with("rightOperand", json!(2))).unwrap().permissions()[0].price(),
        Some(amount("2"))
    );
}

#[test]
fn what_would_not_do_what_its_author_expects_is_not_published() {
    let offer = |permissions: Value| json!({"@type": "Offer", "@id": "urn:o", "permission": permissions});
    let good = offer(json!([paid_use(&json!("0.25"))]));
    assert!(Policy::parse_for_offer(&good).is_ok());
    let mut twice = paid_use(&json!("1"));
    twice["duty"] = json!([twice["duty"][0], {"action": "odrl:compensate", "constraint": [price(&json!("2"))]}]);
    let mut onward = paid_use(&json!("1"));
    onward["action"] = json!("odrl:distribute");
    for (permission, says) in [
        (
            json!({"action": "use", "duty": [{"action": "odrl:compensate"}]}),
            "it says no amount",
        ),
        (paid_use(&json!("0")), "it costs nothing"),
        (onward, "never sees"),
        (twice.clone(), "two prices"),
    ] {
        let error = Policy::parse_for_offer(&offer(json!([permission])))
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "expected `{says}`: {error}");
    }
    // A peer's policy with two costs their sum, as both duties have to be met.
    let policy = Policy::parse(&agreement(json!([twice]), json!([]))).unwrap();
    assert_eq!(policy.permissions()[0].price(), Some(amount("3")));
    assert_eq!(
        taken(&policy.decide(&request(), &credit(&policy, "3", "0"))),
        [(3_000_000, 3_000_000)]
    );
    assert!(!policy.decide(&request(), &credit(&policy, "2.99", "0")).is_permit());
    // And one that asks to be paid, and does not say how much, is never met.
    let unsaid = json!([{"action": "use", "duty": [{"action": "odrl:compensate"}]}]);
    let unsaid = Policy::parse(&agreement(unsaid, json!([]))).unwrap();
    assert_eq!(unsaid.account(), None);
    assert!(!unsaid.decide(&request(), &log_kept()).is_permit());
}
