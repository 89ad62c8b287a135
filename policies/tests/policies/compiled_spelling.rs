//! Compact, prefixed and expanded forms of one policy have one meaning and one digest, whatever it is made of.

use crate::compiled_generated::policy;
use crate::compiled_worlds::{ask, world};
use crate::generated::shuffled;
use herleid_policies::compiled::Program;
use herleid_policies::odrl::{self, Graph, Leniencies, Reading};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const ODRL: &str = "http://www.w3.org/ns/odrl/2/";
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

fn read(json: &Value) -> odrl::Policy {
    let (graph, root) = Graph::of_json(json).unwrap_or_else(|why| panic!("{why}: {json}"));
    odrl::read(&graph, &root, &Reading::default()).unwrap_or_else(|why| panic!("{why}: {json}"))
}

/// With `odrl:` before every term, or as a JSON-LD processor expands it.
fn respelled(value: &Value, prefix: &str, expand: bool) -> Value {
    let Value::Object(map) = value else {
        panic!("an object: {value}")
    };
    let mut out = Map::new();
    for (name, member) in map {
        let items: Vec<&Value> = match member {
            Value::Array(items) => items.iter().collect(),
            other => vec![other],
        };
        let spelled: Vec<Value> = items.into_iter().map(|item| one(name, item, prefix, expand)).collect();
        let spelled = match name.as_str() {
            "@id" => member.clone(),
            "andSequence" => json!([{"@list": spelled}]),
            _ if !expand && spelled.len() == 1 => spelled[0].clone(),
            _ => Value::Array(spelled),
        };
        let name = match name.as_str() {
            "rdf:value" if expand => format!("{RDF}value"),
            name if name.starts_with('@') || name == "rdf:value" => name.to_owned(),
            name => format!("{prefix}{name}"),
        };
        out.insert(name, spelled);
    }
    Value::Object(out)
}

fn one(name: &str, item: &Value, prefix: &str, expand: bool) -> Value {
    let term = |text: &str| format!("{prefix}{}", text.trim_start_matches("odrl:"));
    match (name, item) {
        ("@type", Value::String(text)) => json!(term(text)),
        ("rightOperand", Value::Object(map)) if expand && map.contains_key("@type") => {
            let datatype = map["@type"].as_str().unwrap().replace("xsd:", XSD);
            json!({"@value": map["@value"], "@type": datatype})
        }
        ("rightOperand", Value::Object(_)) => item.clone(),
        ("rightOperand", literal) => json!({ "@value": literal }),
        ("action" | "leftOperand" | "operator" | "conflict" | "includedIn" | "implies", Value::String(text)) => {
            let is_term = !text.contains(':') || text.starts_with("odrl:");
            json!({"@id": if is_term { term(text) } else { text.clone() }})
        }
        ("rdf:value", Value::Object(map)) => json!({"@id": term(map["@id"].as_str().unwrap())}),
        (_, Value::Object(map)) if map.len() == 1 && map.contains_key("@id") => item.clone(),
        (_, Value::Object(_)) => respelled(item, prefix, expand),
        (_, text) => json!({ "@id": text }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_spelling_has_one_meaning_and_one_digest(json in policy(), ask in ask(), world in world(), seed in 0_u64..8) {
        let compact = read(&json);
        let strict = Leniencies::strict();
        let reason = Program::of(&compact, &strict).judge(&ask, &world);
        for other in [respelled(&json, "odrl:", false), json!([respelled(&json, ODRL, true)]), shuffled(&json, seed)] {
            let read = read(&other);
            prop_assert_eq!(read.digest(), compact.digest(), "{}", other);
            prop_assert_eq!(Program::of(&read, &strict).judge(&ask, &world), reason, "{}", other);
        }
    }

    #[test]
    fn another_condition_is_another_digest(json in policy()) {
        let mut other = json.clone();
        let right = json!({"@value": "2031-01-01Z", "@type": "xsd:date"});
        let more = json!({"leftOperand": "dateTime", "operator": "lt", "rightOperand": right});
        other["permission"][0]["constraint"].as_array_mut().unwrap().push(more);
        prop_assert_ne!(read(&other).digest(), read(&json).digest());
    }
}
