//! Who is for several areas at once, and what is called the same.

use crate::common::atom;
use crate::difference::{between, offer, part, read};
use crate::difference_asked::probe;
use herleid_policies::Policy;
use herleid_policies::difference::{Aspect, Case, Gap, difference};
use herleid_vocab::terms::HERLEID;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The areas that each condition of a policy names.
pub(crate) fn areas_asked(policy: &Policy) -> Vec<BTreeSet<String>> {
    fn all(value: &Value, into: &mut Vec<BTreeSet<String>>) {
        match value {
            Value::Object(map) if map.get("leftOperand") == Some(&json!("odrl:spatial")) => {
                let right = map["rightOperand"].as_array().cloned();
                let right = right.unwrap_or_else(|| vec![map["rightOperand"].clone()]);
                let text = |item: &Value| item.as_str().or_else(|| item["@id"].as_str()).unwrap().to_owned();
                into.push(right.iter().map(text).collect());
            }
            Value::Object(map) => map.values().for_each(|member| all(member, into)),
            Value::Array(items) => items.iter().for_each(|item| all(item, into)),
            _ => {}
        }
    }
    let mut into = Vec::new();
    all(policy.document(), &mut into);
    into
}

const AREAS: &str = "https://identifier.overheid.nl/tooi/id/gemeente/gm0";

fn for_areas(rules: &[Value]) -> Value {
    let rule = |constraint: &Value| json!({"action": "use", "constraint": constraint});
    offer(rules.iter().map(rule).collect())
}

#[test]
fn who_is_for_two_areas_is_asked_about_too() {
    let of = |operator: &str, code: u32| atom("odrl:spatial", operator, json!(format!("{AREAS}{code}")));
    let either = for_areas(&[json!([of("eq", 717)]), json!([of("eq", 718)])]);
    let both = for_areas(&[json!([of("eq", 717), of("eq", 718)])]);
    let found = between(&both, &either);
    assert!(
        found.less.is_empty() && found.gaps.is_empty() && !found.more.is_empty(),
        "{found:?}"
    );
    // Whoever is for both gets it by neither the one nor the other alone.
    let nobody = for_areas(&[json!([of("eq", 719)])]);
    let found = between(&nobody, &both);
    let [region] = found.more.as_slice() else {
        panic!("{found:?}")
    };
    let two = vec![format!("{AREAS}717"), format!("{AREAS}718")];
    assert!(
        part(region, Aspect::Area).cases.contains(&Case::Several(two)),
        "{region:?}"
    );
    // In one list or in two rules is the same, also for who is for both.
    let list = json!([format!("{AREAS}717"), format!("{AREAS}718")]);
    let any = for_areas(&[json!([atom("odrl:spatial", "isAnyOf", list)])]);
    assert!(between(&any, &either).is_none() && between(&either, &any).is_none());
    // More areas than all sets of them can be asked about.
    let many: Vec<Value> = (100..120).map(|code| json!([of("eq", code)])).collect();
    let found = between(&for_areas(&many), &for_areas(&many[1..]));
    let is_said = |gap: &Gap| matches!(gap, Gap::Values { aspect: Aspect::Area, asked: 1024, of } if *of == 1 << 20);
    assert!(found.gaps.iter().any(is_said), "{:?}", found.gaps);
}

/// The same policy, or one that may be: said in other words, with a rule more, with a condition less.
fn alike() -> impl Strategy<Value = (Value, Value)> {
    let rules = || proptest::collection::vec(crate::generated::rule(false, false), 1..3);
    (rules(), rules(), crate::generated::bases(), 0_usize..8).prop_map(|(permissions, others, basis, how)| {
        let first = offer(json!(permissions));
        let mut second = first.clone();
        let rules = second["permission"].as_array_mut().unwrap();
        match how {
            0 => rules.reverse(),
            1 => {
                let mut narrower = rules[0].clone();
                if let Some(more) = others[0].get("constraint") {
                    let both = [narrower.get("constraint"), Some(more)];
                    narrower["constraint"] = both
                        .into_iter()
                        .flatten()
                        .flat_map(|all| all.as_array().unwrap().clone())
                        .collect();
                }
                rules.push(narrower);
            }
            2 => rules.extend(others),
            3 => {
                if let Some(all) = rules[0].get_mut("constraint").and_then(Value::as_array_mut) {
                    all.pop();
                }
            }
            4 => {
                // Each of a list in a rule of its own.
                let split = rules.iter().flat_map(each_in_its_own).collect::<Vec<_>>();
                *rules = split;
            }
            5 => {
                for rule in rules.iter_mut() {
                    if let Some(all) = rule.get("constraint").filter(|all| !all.as_array().unwrap().is_empty()) {
                        rule["constraint"] = json!([{"or": [{"and": all}]}]);
                    }
                }
            }
            // A legal basis with what lies below it, and without.
            6 => {
                let on = |operator: &str| json!([atom(&format!("{HERLEID}legalBasis"), operator, json!(basis))]);
                let resting = |operator: &str| offer(json!([{"action": "use", "constraint": on(operator)}]));
                return (resting("eq"), resting("isA"));
            }
            _ => second["prohibition"] = json!([others[0]]),
        }
        (first, second)
    })
}

/// Whether a permission rests on a legal basis.
fn rests_on_a_basis(policy: &Policy) -> bool {
    policy.document()["permission"].to_string().contains("#legalBasis")
}

fn each_in_its_own(rule: &Value) -> Vec<Value> {
    let constraints = rule["constraint"].as_array().cloned().unwrap_or_default();
    let is_list = |constraint: &Value| constraint["operator"] == "isAnyOf" && constraint["rightOperand"].is_array();
    let Some(place) = constraints.iter().position(is_list) else {
        return vec![rule.clone()];
    };
    let values = constraints[place]["rightOperand"].as_array().unwrap();
    let one = |value: &Value| {
        let mut rule = rule.clone();
        rule["constraint"][place]["rightOperand"] = json!([value]);
        rule
    };
    values.iter().map(one).collect()
}

/// What is called the same decides the same: ten thousand requests for each of thirty pairs that are.
#[test]
fn where_no_difference_is_found_ten_thousand_requests_decide_alike() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut same, mut permitted, mut with_areas, mut on_a_basis) = (0, 0, 0, 0);
    for _ in 0..2000 {
        let (first, second) = alike().new_tree(&mut runner).unwrap().current();
        let (first, second) = (read(&first), read(&second));
        if first.digest() == second.digest() || !difference(&first, &second).is_none() {
            continue;
        }
        same += 1;
        with_areas += usize::from(!areas_asked(&first).is_empty());
        let rests = rests_on_a_basis(&first);
        for _ in 0..10_000 {
            let probe = probe().new_tree(&mut runner).unwrap().current();
            let (request, facts) = probe.question();
            let permits = |policy: &Policy| policy.would_grant(&request, &facts).is_permit();
            assert_eq!(
                permits(&first),
                permits(&second),
                "{probe:?}: {} {}",
                first.document(),
                second.document()
            );
            permitted += usize::from(permits(&first));
            on_a_basis += usize::from(permits(&first) && rests);
        }
        if same == 30 {
            break;
        }
    }
    assert!(
        same == 30 && with_areas >= 10 && permitted > 1000 && on_a_basis > 100,
        "{same} {with_areas} {permitted} {on_a_basis}"
    );
}
