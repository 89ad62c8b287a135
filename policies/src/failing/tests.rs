//! Which permission a refusal told of in every era: records hold it, so none may ever tell of another.

use super::*;
use crate::facts::Request;
use serde_json::{Value, json};

/// 2020-06-17T15:00:00Z.
const NOW: u64 = 1_592_406_000_000;

/// Who asks, and another one.
const ASKER: &str = "did:web:asker.example";
const OTHER: &str = "did:web:other.example";

fn purpose() -> Value {
    json!({"leftOperand": "odrl:purpose", "operator": "isA",
        "rightOperand": "https://w3id.org/herleid/purpose#Omgevingswet"})
}

fn recipient() -> Value {
    json!({"leftOperand": "odrl:recipient", "operator": "eq", "rightOperand": OTHER})
}

fn day(operator: &str, day: &str) -> Value {
    json!({"leftOperand": "odrl:dateTime", "operator": operator, "rightOperand": day})
}

/// The places that are told of, of permissions in canonical order.
fn told(permissions: &Value, era: Era) -> Vec<String> {
    let policy = json!({"@type": "Set", "@id": "urn:s", "target": "urn:t", "permission": permissions});
    let policy = Policy::parse(&policy).unwrap();
    let facts = Facts::none()
        .with_counterparty_log(true, "here", NOW)
        .with_purpose(["https://w3id.org/dpv#Marketing"], "stated", NOW)
        .with_recipient(ASKER, "token", NOW);
    let request = Request::new(ASKER, "urn:holder", "urn:t", NOW);
    let decision = policy.decide(&request, &facts.in_era(era));
    assert!(!decision.is_permit());
    let failing = decision.record().failing.iter();
    failing.map(|one| one.at.clone()).collect()
}

#[test]
fn every_era_tells_of_the_permission_that_it_told_of() {
    for era in Era::ALL {
        let told = |permissions: Value| told(&permissions, era);
        let by_purpose_or_recipient = json!([
            {"action": "use", "constraint": [purpose()]},
            {"action": "use", "constraint": [recipient()]},
        ]);
        assert_eq!(told(by_purpose_or_recipient), ["/permission/0/constraint/0"], "{era:?}");
        let past_or_both = json!([{"action": "use", "constraint": [
            {"or": [{"and": [purpose(), recipient()]}, day("lteq", "2020-01-01Z")]},
        ]}]);
        let either = "/permission/0/constraint/0/or";
        let expected = match era {
            Era::Nine => vec![format!("{either}/0/and/0"), format!("{either}/0/and/1")],
            _ => vec![format!("{either}/1")],
        };
        assert_eq!(told(past_or_both), expected, "{era:?}");
        let for_another_or_farther = json!([
            {"action": "use", "assignee": OTHER},
            {"action": "odrl:distribute", "assignee": ASKER, "constraint": [purpose()]},
        ]);
        let expected: &[&str] = match era {
            Era::Three | Era::Four | Era::Five | Era::Six => &["/permission/1"],
            _ => &["/permission/0", "/permission/0/constraint/0"],
        };
        assert_eq!(told(for_another_or_farther), expected, "{era:?}");
        let later_or_another_purpose = json!([
            {"action": "use", "constraint": [day("gteq", "2021-01-01Z")]},
            {"action": "use", "constraint": [purpose()]},
        ]);
        assert_eq!(
            told(later_or_another_purpose),
            ["/permission/0/constraint/0"],
            "{era:?}"
        );
    }
}
