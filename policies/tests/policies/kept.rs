//! Nothing that stands in a policy is lost on the way: what is understood has every rule and every part of every condition.

use crate::common::{ODRL, expanded, prefixed};
use crate::generated::policy;
use herleid_policies::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many rules of each kind a document has, and how many of each part of conditions, whatever their spelling.
fn counted(value: &Value, counts: &mut BTreeMap<String, usize>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| counted(item, counts)),
        Value::Object(map) => {
            for (name, member) in map {
                let local = name.strip_prefix(ODRL).or_else(|| name.strip_prefix("odrl:"));
                let local = local.unwrap_or(name);
                let found = match local {
                    "permission" | "prohibition" | "obligation" | "duty" => objects(member),
                    "leftOperand" | "operator" | "rightOperand" | "and" | "or" | "xone" | "andSequence" => 1,
                    _ => 0,
                };
                *counts.entry(local.to_owned()).or_default() += found;
                counted(member, counts);
            }
        }
        _ => {}
    }
}

fn objects(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(objects).sum(),
        Value::Object(_) => 1,
        _ => 0,
    }
}

/// Fails if `json` is understood as a policy that says less than it does. A rule about several actions or assets is several
/// rules in the end, so there may be more.
pub(crate) fn nothing_is_lost(json: &Value) -> Result<(), TestCaseError> {
    let Ok(policy) = Policy::parse(json) else { return Ok(()) };
    let (mut given, mut kept) = (BTreeMap::new(), BTreeMap::new());
    counted(json, &mut given);
    counted(policy.document(), &mut kept);
    for (name, count) in given {
        let left = kept.get(&name).copied().unwrap_or_default();
        prop_assert!(left >= count, "{} of {} `{}` are left of {}", left, count, name, json);
    }
    Ok(())
}

/// The place of every member of every object, as JSON Pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (name, member) in map {
                let here = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                found.push(here.clone());
                places(member, &here, found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn an_emptied_member_takes_nothing_with_it(json in policy()) {
        for spelled in [prefixed(&json), expanded(&json), json] {
            nothing_is_lost(&spelled)?;
            let mut found = Vec::new();
            places(&spelled, "", &mut found);
            for place in found {
                for with in [json!([]), json!([[]]), json!({}), json!({"@list": []})] {
                    let mut emptied = spelled.clone();
                    if let Some(member) = emptied.pointer_mut(&place) {
                        *member = with;
                    }
                    nothing_is_lost(&emptied)?;
                }
            }
        }
    }
}

#[test]
fn the_count_finds_what_is_lost() {
    let whole = json!({"odrl:permission": [{"action": "use", "constraint": [{"and": [{"leftOperand": "count"}]}]}]});
    let mut counts = BTreeMap::new();
    counted(&whole, &mut counts);
    assert_eq!((counts["permission"], counts["and"], counts["leftOperand"]), (1, 1, 1));
    let mut counts = BTreeMap::new();
    counted(
        &json!([{"http://www.w3.org/ns/odrl/2/permission": [{}, [{}]]}]),
        &mut counts,
    );
    assert_eq!(counts["permission"], 2);
}
