//! The shape of rules, and when two sets of them are the same.

use crate::dsp::node::{MessageError, Node};
use herleid_vocab::json;
use serde_json::{Value, json};

/// The members of a policy that hold rules.
pub(super) const RULES: [&str; 3] = ["permission", "prohibition", "obligation"];
const LOGICAL: [&str; 4] = ["and", "andSequence", "or", "xone"];
/// The operators of the schema, its stray `term-lteq` included.
const OPERATORS: [&str; 13] = [
    "eq",
    "gt",
    "gteq",
    "lteq",
    "hasPart",
    "isA",
    "isAllOf",
    "isAnyOf",
    "isNoneOf",
    "isPartOf",
    "lt",
    "term-lteq",
    "neq",
];

/// A value as the set that JSON-LD makes of it: one item is an array of one; nothing is an array of none.
pub(super) fn as_set(value: Option<&Value>) -> Value {
    match value {
        None => json!([]),
        Some(array @ Value::Array(_)) => unordered(array, false),
        Some(single) => json!([unordered(single, false)]),
    }
}

fn unordered(value: &Value, keep_order: bool) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| unordered(item, false)).collect();
            if !keep_order {
                // A number without RFC 8785 form sorts first; equality is decided on the values, not on this key.
                items.sort_by_cached_key(|item| json::canonical(item).unwrap_or_default());
            }
            Value::Array(items)
        }
        // A literal is its value and its datatype: without that, or with an empty list for it, it is another one.
        Value::Object(members) if members.contains_key("@value") => value.clone(),
        Value::Object(members) => members
            .iter()
            .filter(|(name, member)| *name != "@type" && !member.as_array().is_some_and(Vec::is_empty))
            .map(|(name, member)| (name.clone(), unordered(member, name == "andSequence")))
            .collect(),
        other => other.clone(),
    }
}

/// As [`as_set`], with each right operand as EDC gives it back: it reads an operand as a text and loses its datatype, and of a list or a
/// node it makes the text of its expanded JSON (seen with 0.15.1). Only for telling which offer is asked for.
pub(super) fn as_retold(value: Option<&Value>) -> Value {
    as_set(Some(&retold(&as_set(value))))
}

fn retold(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(retold).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| match name.as_str() {
                "rightOperand" => (name.clone(), operand(member)),
                _ => (name.clone(), retold(member)),
            })
            .collect(),
        other => other.clone(),
    }
}

/// A right operand without datatypes, whichever way it is written. A text within a text is not looked into again.
fn operand(value: &Value) -> Value {
    let parsed = value
        .as_str()
        .filter(|text| text.starts_with(['[', '{']))
        .and_then(|text| json::parse(text.as_bytes(), &json::Limits::MESSAGE).ok());
    let mut items: Vec<Value> = match parsed.as_ref().unwrap_or(value) {
        Value::Array(items) => items.iter().map(untyped).collect(),
        single => vec![untyped(single)],
    };
    items.sort_by_cached_key(|item| json::canonical(item).unwrap_or_default());
    Value::Array(items)
}

fn untyped(value: &Value) -> Value {
    match value.get("@value").unwrap_or(value) {
        Value::Number(number) => json!(number.to_string()),
        Value::Bool(truth) => json!(truth.to_string()),
        other => other.clone(),
    }
}

pub(super) fn check_rules(node: &Node<'_>) -> Result<(), MessageError> {
    for name in RULES {
        for rule in node.children(name, true)? {
            rule.text("action")?;
            rule.without(
                "target",
                "the policy has the target, its rules must not (ODRL compact policies)",
            )?;
            for constraint in rule.children("constraint", false)? {
                check_constraint(&constraint)?;
            }
        }
    }
    if node.get("permission").is_none() && node.get("prohibition").is_none() {
        return Err(MessageError::Missing {
            at: format!("{} or {}", node.place("permission"), node.place("prohibition")),
        });
    }
    match node.get("profile") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(node.form("profile", "a string or an array of strings")),
    }
}

/// Exactly one logical operand over constraints, or an atomic constraint. Depth is bounded by the JSON limits (32 levels).
fn check_constraint(node: &Node<'_>) -> Result<(), MessageError> {
    let logical: Vec<&str> = LOGICAL.into_iter().filter(|name| node.get(name).is_some()).collect();
    match (logical.as_slice(), node.get("leftOperand")) {
        ([name], None) => node.children(name, false)?.iter().try_for_each(check_constraint),
        ([], _) => {
            node.text("leftOperand")?;
            if !OPERATORS.contains(&node.text("operator")?) {
                return Err(node.form(
                    "operator",
                    "an operator of the protocol (eq, neq, lt, lteq, gt, gteq, isA, isPartOf, ...)",
                ));
            }
            match node.require("rightOperand")? {
                Value::String(_) | Value::Object(_) | Value::Array(_) => Ok(()),
                _ => Err(node.form(
                    "rightOperand",
                    "a string, an object or an array (a number is written as a string)",
                )),
            }
        }
        ([name, ..], _) => Err(MessageError::NotAllowed {
            at: node.place(name),
            why: "a constraint is either atomic or has exactly one of `and`, `andSequence`, `or`, `xone`",
        }),
    }
}
