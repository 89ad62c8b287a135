//! The ready-made policies of `policies/odrl`: each may be published, and each decides its own requests as it says.

use crate::common::{APP, KNMI, RAIN};
use herleid_policies::{Acceptance, Facts, Policy, Request};
use serde_json::Value;
use std::path::Path;

const READY_MADE: [&str; 3] = ["open-data", "omgevingswet", "pilot-model-service"];

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("odrl").join(name);
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

fn check(name: &str) -> (usize, usize) {
    let offer = Policy::parse_own_offer(&read(&format!("{name}.json")), "urn:offer")
        .unwrap_or_else(|why| panic!("{name}: {why}"));
    let acceptance = Acceptance {
        id: "urn:uuid:a",
        assigner: KNMI,
        assignee: APP,
        target: RAIN,
        made_ms: None,
    };
    let agreement = offer.agree(&acceptance).unwrap();
    let (mut permits, mut denials) = (0, 0);
    for case in read(&format!("{name}.requests.json"))["cases"].as_array().unwrap() {
        let text = |member: &str| case[member].as_str();
        let label = format!("{name}: {}", text("name").unwrap());
        let now_ms = herleid_vocab::time::parse_rfc3339_ms(text("time").unwrap()).unwrap();
        let request = Request::new(APP, KNMI, RAIN, now_ms).for_action(text("action").unwrap());
        let mut facts = Facts::none();
        if let Some(purposes) = case["purpose"].as_array() {
            facts = facts.with_purpose(purposes.iter().filter_map(Value::as_str), "stated", now_ms);
        }
        if let Some(recipient) = text("recipient") {
            facts = facts.with_recipient(recipient, "token", now_ms);
        }
        let counted = |policy: &Policy| match case["used"].as_u64() {
            Some(used) => policy.counters().iter().fold(facts.clone(), |facts, counter| {
                facts.with_count(counter, used, "ledger", now_ms)
            }),
            None => facts.clone(),
        };
        for decision in [
            agreement.decide(&request, &counted(&agreement)),
            offer.would_grant(&request, &counted(&offer)),
        ] {
            let failing = &decision.record().failing;
            match text("expect").unwrap() {
                "permit" => assert!(decision.is_permit(), "{label}: {failing:?}"),
                "deny" => {
                    assert!(!decision.is_permit(), "{label}");
                    let because = text("because").unwrap();
                    let names: Vec<String> = failing
                        .iter()
                        .map(|item| {
                            item.operand
                                .clone()
                                .unwrap_or_else(|| format!("{:?}", item.obstacle).to_lowercase())
                        })
                        .collect();
                    assert!(names.iter().any(|name| name == because), "{label}: {names:?}");
                }
                other => panic!("{label}: {other}"),
            }
        }
        match text("expect") {
            Some("permit") => permits += 1,
            _ => denials += 1,
        }
    }
    (permits, denials)
}

#[test]
fn each_may_be_published_and_decides_as_it_says() {
    for name in READY_MADE {
        let (permits, denials) = check(name);
        assert!(
            permits >= 2 && denials >= 2,
            "{name}: {permits} permits, {denials} denials"
        );
    }
}

#[test]
fn each_file_of_the_folder_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("odrl");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<String> = READY_MADE
        .iter()
        .flat_map(|name| [format!("{name}.json"), format!("{name}.requests.json")])
        .collect();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn each_rule_speaks_to_people_and_is_sent_without_comments() {
    for name in READY_MADE {
        let json = read(&format!("{name}.json"));
        let rules = ["permission", "prohibition"]
            .into_iter()
            .filter_map(|member| json[member].as_array())
            .flatten();
        for rule in rules {
            assert!(
                rule["dct:description"]
                    .as_str()
                    .is_some_and(|text| text.contains(" / ")),
                "{name}: both languages"
            );
        }
        let policy = Policy::parse_own_offer(&json, "urn:offer").unwrap();
        assert!(!policy.document().to_string().contains("dct:"), "{name}");
    }
}
