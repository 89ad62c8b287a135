//! What several test files share: parties, requests, policies, and the other spellings of a policy.

use herleid_policies::{Document, Facts, Request};
use serde_json::{Map, Value, json};

pub(crate) const ODRL: &str = "http://www.w3.org/ns/odrl/2/";
pub(crate) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
pub(crate) const DPV: &str = "https://w3id.org/dpv#";
pub(crate) const OURS: &str = "https://w3id.org/herleid/purpose#";
pub(crate) const KNMI: &str = "did:web:knmi.example";
pub(crate) const APP: &str = "did:web:app.example";
pub(crate) const BOARD: &str = "did:web:waterschap.example";
pub(crate) const RAIN: &str = "urn:example:rain";
/// 2020-06-17T15:00:00Z.
pub(crate) const NOW: u64 = 1_592_406_000_000;

pub(crate) fn request() -> Request {
    Request::new(APP, KNMI, RAIN, NOW)
}

/// An agreement between KNMI and the app about the rain, with these permissions and prohibitions.
pub(crate) fn agreement(permissions: Value, prohibitions: Value) -> Value {
    let mut policy = json!({
        "@type": "Agreement", "@id": "urn:uuid:agreement", "target": RAIN, "assigner": KNMI, "assignee": APP,
    });
    for (name, rules) in [("permission", permissions), ("prohibition", prohibitions)] {
        if rules.as_array().is_some_and(|rules| !rules.is_empty()) {
            policy[name] = rules;
        }
    }
    policy
}

/// An agreement with one permission for `use` under these constraints.
pub(crate) fn use_if(constraints: Value) -> Value {
    agreement(json!([{"action": "use", "constraint": constraints}]), json!([]))
}

pub(crate) fn atom(left: &str, operator: &str, right: Value) -> Value {
    json!({"leftOperand": left, "operator": operator, "rightOperand": right})
}

pub(crate) fn read(policy: &Value) -> Document {
    Document::read(policy)
}

/// Nothing but that the other end keeps a log.
pub(crate) fn log_kept() -> Facts {
    Facts::none().with_counterparty_log(true, "the agreement", NOW)
}

pub(crate) fn purpose(iri: &str) -> Facts {
    log_kept().with_purpose([iri], "stated", NOW)
}

/// The same policy with `odrl:` before every term.
pub(crate) fn prefixed(value: &Value) -> Value {
    respell(value, "odrl:", false)
}

/// The same policy as a JSON-LD processor expands it.
pub(crate) fn expanded(value: &Value) -> Value {
    json!([respell(value, ODRL, true)])
}

fn respell(value: &Value, prefix: &str, wrap: bool) -> Value {
    let Value::Object(map) = value else {
        panic!("a policy or a rule: {value}")
    };
    let mut out = Map::new();
    let many = |value: Value| {
        if wrap && !value.is_array() {
            json!([value])
        } else {
            value
        }
    };
    for (name, member) in map {
        let items: Vec<Value> = member.as_array().cloned().unwrap_or_else(|| vec![member.clone()]);
        let spelled = match name.as_str() {
            "@id" => member.clone(),
            "odrl:unit" => many(member.clone()),
            "@type" => many(json!(format!("{prefix}{}", member.as_str().unwrap()))),
            "action" | "operator" | "leftOperand" => {
                let local = member.as_str().unwrap().trim_start_matches("odrl:").to_owned();
                // What is of our own profile is written in full.
                let prefix = if local.contains("://") { "" } else { prefix };
                many(json!({"@id": format!("{prefix}{local}")}))
            }
            "target" | "assigner" | "assignee" => many(json!({"@id": member})),
            "rightOperand" => many(Value::Array(items.iter().map(|item| literal(item, wrap)).collect())),
            "andSequence" => {
                let parts: Vec<Value> = items.iter().map(|item| respell(item, prefix, wrap)).collect();
                many(json!({"@list": parts}))
            }
            _ => Value::Array(items.iter().map(|item| respell(item, prefix, wrap)).collect()),
        };
        let name = if name.starts_with('@') {
            name.clone()
        } else {
            format!("{prefix}{}", name.trim_start_matches("odrl:"))
        };
        out.insert(name, spelled);
    }
    Value::Object(out)
}

fn literal(value: &Value, wrap: bool) -> Value {
    match value {
        Value::Object(map) if wrap && map.contains_key("@type") => {
            let datatype = map["@type"].as_str().unwrap().replace("xsd:", XSD);
            json!({"@value": map["@value"], "@type": datatype})
        }
        Value::String(text) if wrap => json!({"@value": text}),
        other => other.clone(),
    }
}
