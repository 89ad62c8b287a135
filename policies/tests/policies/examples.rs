//! Every policy in the examples of the Dataspace Protocol 2025-1 and of the W3C formal-semantics draft: understood, or
//! refused by name. Reads `../shared`; says so loudly where that is absent.

use crate::common::{KNMI, NOW, RAIN, agreement, atom, use_if};
use herleid_policies::{Acceptance, Document, Policy, ProblemKind, Request};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A folder of `../shared/spec`, or `None` with a loud message.
pub(crate) fn spec(folder: &str) -> Option<PathBuf> {
    herleid_vocab::reference::find("examples of others", &format!("spec/{folder}"))
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "json") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every object that is an offer or an agreement.
fn policies<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| policies(item, found)),
        Value::Object(map) => {
            if matches!(value["@type"].as_str(), Some("Offer" | "Agreement" | "Set")) {
                found.push(value);
            } else {
                map.values().for_each(|member| policies(member, found));
            }
        }
        _ => {}
    }
}

fn refused_terms(policy: &Value) -> Vec<(ProblemKind, String)> {
    match Policy::parse(policy) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .problems()
            .unwrap()
            .listed()
            .iter()
            .map(|problem| (problem.kind, problem.term.clone()))
            .collect(),
    }
}

#[test]
fn every_policy_of_the_protocols_examples_is_understood_or_refused_by_name() {
    let Some(folder) = spec("dsp") else { return };
    let mut files = Vec::new();
    json_files(&folder, &mut files);
    let (mut understood, mut refused) = (Vec::new(), Vec::new());
    for file in files
        .iter()
        .filter(|file| file.parent().is_some_and(|folder| folder.ends_with("example")))
    {
        let json = read(file);
        let mut found = Vec::new();
        policies(&json, &mut found);
        let name = file.file_stem().unwrap().to_str().unwrap();
        for policy in found {
            let terms = refused_terms(policy);
            if terms.is_empty() {
                understood.push(name.to_owned());
                // What the standard's own example grants until the end of 2023 is denied after it.
                let parties = Policy::parse(policy).unwrap();
                let scope = parties.shared();
                let request = Request::new(
                    scope.assignee.as_deref().unwrap_or("urn:a"),
                    scope.assigner.as_deref().unwrap_or("urn:b"),
                    scope.target.as_deref().unwrap_or("urn:t"),
                    NOW,
                );
                let weighed = parties.would_grant(&request, &crate::common::log_kept());
                // Nobody who asks has shown a credential for an area.
                assert_eq!(weighed.is_permit(), name != "catalog", "{name}");
            } else {
                let mut names: Vec<String> = terms.into_iter().map(|(_, term)| term).collect();
                names.sort();
                names.dedup();
                refused.push((name.to_owned(), names.join(" ")));
            }
        }
    }
    let expected = [
        "catalog",
        "contract-agreement-message",
        "contract-offer-message",
        "contract-offer-message_initial",
        "contract-request-message",
        "contract-request-message_initial",
    ];
    assert_eq!(understood, expected);
    let expected = [
        ("dataset", "_:EU"),
        (
            "contract-agreement-message-full",
            "constraint1 constraint2 https://test.com/profile partner",
        ),
    ];
    assert_eq!(
        refused,
        expected.map(|(name, terms)| (name.to_owned(), terms.to_owned()))
    );
}

#[test]
fn the_canonical_document_is_valid_under_the_protocols_schema() {
    let Some(folder) = spec("dsp") else { return };
    let schema = |definition: &str| {
        let mut schema = read(&folder.join("negotiation/contract-schema.json"));
        schema["allOf"] = json!([{ "$ref": format!("#/definitions/{definition}") }]);
        jsonschema::validator_for(&schema).unwrap()
    };
    let offer = json!({"@type": "odrl:Offer", "@id": "urn:uuid:o",
        "odrl:permission": {"odrl:action": {"@id": "odrl:use"}, "odrl:constraint": [
            atom("count", "lteq", json!(10)),
            {"or": [atom("dateTime", "lt", json!("2026-01-01Z")), atom("purpose", "isAnyOf", json!(["urn:x", "urn:y"]))]},
        ], "duty": {"action": "odrl:inform"}},
        "prohibition": {"action": "odrl:sell", "constraint": atom("recipient", "neq", json!(KNMI))}});
    let offer = Policy::parse(&offer).unwrap();
    assert!(schema("Offer").is_valid(offer.document()), "{:#}", offer.document());
    let addressed = Acceptance {
        id: "urn:uuid:a",
        assigner: "did:web:a",
        assignee: "did:web:b",
        target: RAIN,
        made_ms: Some(NOW),
    };
    let agreed = offer.agree(&addressed).unwrap();
    assert!(
        schema("Agreement").is_valid(agreed.document()),
        "{:#}",
        agreed.document()
    );
    assert!(!schema("Agreement").is_valid(offer.document()), "the schema does look");
    let with_target =
        Policy::parse(&json!({"@type": "Offer", "@id": "urn:o", "target": RAIN, "permission": [{"action": "use"}]}));
    assert!(schema("MessageOffer").is_valid(with_target.unwrap().document()));
    let plain = Policy::parse(&use_if(json!([atom("purpose", "eq", json!("urn:x"))]))).unwrap();
    assert!(schema("Agreement").is_valid(plain.document()));
    assert!(Policy::parse(&agreement(json!([{"action": "use"}]), json!([]))).is_ok());
}

#[test]
fn every_name_of_the_canonical_document_is_a_term_or_a_prefix_of_the_protocols_context() {
    let Some(folder) = spec("dsp") else { return };
    let terms = read(&folder.join("context/odrl.jsonld"))["@context"].clone();
    let policy = Policy::parse(
        &json!({"@type": "Agreement", "@id": "urn:a", "target": RAIN, "assigner": "urn:x", "assignee": "urn:y",
        "permission": [{"action": ["use", "odrl:distribute"], "duty": [{"action": "odrl:inform"}], "constraint": [
            {"xone": [atom("dateTime", "lt", json!("2026-01-01Z")), {"andSequence": [atom("purpose", "isA", json!("dpv:Marketing"))]}]}]}],
        "prohibition": [{"action": "odrl:sell"}], "obligation": [{"action": "odrl:delete"}]}),
    );
    fn check(value: &Value, terms: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| check(item, terms)),
            Value::Object(map) => {
                for (name, member) in map {
                    assert!(
                        name.starts_with('@') || terms.get(name).is_some(),
                        "`{name}` would be dropped"
                    );
                    if ["action", "operator", "leftOperand", "@type"].contains(&name.as_str()) {
                        let text = member.as_str().unwrap();
                        let kept = text.starts_with("odrl:") || text.starts_with("xsd:") || terms.get(text).is_some();
                        assert!(kept, "`{text}` would not be read as ODRL");
                    }
                    check(member, terms);
                }
            }
            _ => {}
        }
    }
    check(policy.unwrap().document(), &terms);
}

#[test]
fn the_formal_semantics_draft() {
    let Some(folder) = spec("odrl-formal-semantics") else {
        return;
    };
    let mut files = Vec::new();
    json_files(&folder, &mut files);
    let by_name = |name: &str| {
        let file = files
            .iter()
            .find(|file| file.file_name().is_some_and(|found| found == name));
        read(file.unwrap_or_else(|| panic!("no {name}")))
    };
    let policy = by_name("policyA1.json");
    for (case, permitted) in [("A11", true), ("A12", false)] {
        let asked = by_name(&format!("evaluationrequest{case}.json"));
        let when = asked["requestParameters"]["value"]["@value"].as_str().unwrap();
        let now_ms = herleid_vocab::time::parse_rfc3339_ms(&format!("{when}Z")).unwrap();
        let request = Request::new(
            asked["evaluatedParty"].as_str().unwrap(),
            policy["permission"][0]["assigner"].as_str().unwrap(),
            asked["evaluatedTarget"].as_str().unwrap(),
            now_ms,
        );
        let request = request.for_action(asked["evaluatedAction"].as_str().unwrap());
        let decision = Document::read(&policy).decide(&request, &crate::common::log_kept());
        assert_eq!(decision.is_permit(), permitted, "{case}");
    }
    assert!(Policy::parse(&by_name("policyA2.json")).is_ok());
    // Waived by name: these policies refine actions, which the protocol's context drops.
    for name in ["policyB1.json", "policyC1.json", "policyC2.json"] {
        let terms = refused_terms(&by_name(name));
        assert!(
            terms.contains(&(ProblemKind::DroppedByProtocol, "refinement".to_owned())),
            "{name}: {terms:?}"
        );
    }
}
