//! The one form of a policy: sorted, with what holds for all rules said once, in names that the protocol keeps.
//!
//! Members and operators are the bare terms of the protocol's context; actions other than `use` and left operands are not
//! terms there, so they carry their prefix. Right operands are a typed value for times and counts, and the plain text of the
//! IRI for purposes and recipients; the unit of an amount carries its prefix too. Sets are sorted by the RFC 8785 bytes of their members; only `andSequence` keeps its order.
//! What speaks to people alone (`dct:description` and the like) is left out.

use crate::amount::EURO;
use crate::compiled::{Program, Rules};
use crate::model::{Atomic, Conflict, Constraint, Digest, Logic, PolicyKind, Right, Rule, RuleKind, Scope};
use crate::policy::Policy;
use herleid_vocab::json;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A policy read, but not yet in canonical order.
pub(crate) struct Draft {
    pub(crate) kind: PolicyKind,
    pub(crate) id: String,
    pub(crate) profiles: Vec<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) conflict: Conflict,
    pub(crate) permissions: Vec<Rule>,
    pub(crate) prohibitions: Vec<Rule>,
    pub(crate) obligations: Vec<Rule>,
}

/// RFC 8785 bytes. Canonical documents hold texts, arrays and objects only, which always have such a form.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    json::canonical(value).unwrap_or_default()
}

/// SHA-256 of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Sorts, names the rules, and writes the document.
pub(crate) fn finish(draft: Draft) -> Policy {
    let Draft {
        kind,
        id,
        profiles,
        timestamp,
        conflict,
        mut permissions,
        mut prohibitions,
        mut obligations,
    } = draft;
    let shared = shared(&[&permissions, &prohibitions, &obligations]);
    let mut rules = Map::new();
    for group in [&mut permissions, &mut prohibitions, &mut obligations] {
        let bodies = arrange(group, "", &shared);
        if let (Some(first), false) = (group.first(), bodies.is_empty()) {
            rules.insert(first.kind.member().to_owned(), Value::Array(bodies));
        }
    }
    let rules_digest = sha256(&bytes(&Value::Object(rules.clone())));
    let mut document = rules;
    document.insert("@id".to_owned(), Value::String(id.clone()));
    document.insert("@type".to_owned(), Value::String(kind.name().to_owned()));
    insert_scope(&mut document, &shared);
    if !profiles.is_empty() {
        document.insert("profile".to_owned(), texts(&profiles));
    }
    if let Some(timestamp) = &timestamp {
        document.insert("timestamp".to_owned(), Value::String(timestamp.clone()));
    }
    let document = Value::Object(document);
    let bytes = bytes(&document);
    let rules = Rules {
        permissions: &permissions,
        prohibitions: &prohibitions,
        obligations: &obligations,
    };
    let program = Arc::new(Program::enforced(&id, kind, conflict, &rules));
    Policy {
        program,
        kind,
        id,
        profiles,
        timestamp,
        conflict,
        shared,
        permissions,
        prohibitions,
        obligations,
        digest: sha256(&bytes),
        document,
        bytes,
        rules_digest,
    }
}

/// What every rule says alike.
fn shared(groups: &[&Vec<Rule>]) -> Scope {
    let common = |field: fn(&Scope) -> &Option<String>| {
        let mut values = groups
            .iter()
            .flat_map(|group| group.iter())
            .map(|rule| field(&rule.scope));
        let first = values.next()?.clone()?;
        values.all(|value| value.as_ref() == Some(&first)).then_some(first)
    };
    Scope {
        target: common(|scope| &scope.target),
        assigner: common(|scope| &scope.assigner),
        assignee: common(|scope| &scope.assignee),
    }
}

/// Puts the rules of one member in canonical order below `parent`, sets their places and names, and returns their bodies.
fn arrange(rules: &mut Vec<Rule>, parent: &str, shared: &Scope) -> Vec<Value> {
    let mut pairs: Vec<(Vec<u8>, Value, Rule)> = std::mem::take(rules)
        .into_iter()
        .map(|mut rule| {
            sort_constraints(&mut rule.constraints);
            // The places inside are set once the rule's own is known.
            let duties = arrange(&mut rule.duties, "", &Scope::default());
            let body = body(&rule, duties, shared);
            (bytes(&body), body, rule)
        })
        .collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut bodies = Vec::with_capacity(pairs.len());
    for (index, (bytes, body, mut rule)) in pairs.into_iter().enumerate() {
        rule.id = name(rule.kind, &bytes);
        name_duties(&mut rule, &body);
        let at = format!("{parent}/{}/{index}", rule.kind.member());
        place_rule(&mut rule, &at);
        bodies.push(body);
        rules.push(rule);
    }
    bodies
}

fn name(kind: RuleKind, bytes: &[u8]) -> String {
    let digest = sha256(bytes).hex();
    format!("{}-{}", kind.member(), digest.get(..32).unwrap_or(&digest))
}

/// A duty is named within its permission: fulfilling it for one does not fulfil the same words in another.
fn name_duties(rule: &mut Rule, body: &Value) {
    let bodies = body.get(RuleKind::Duty.member()).and_then(Value::as_array);
    for (duty, body) in rule.duties.iter_mut().zip(bodies.into_iter().flatten()) {
        duty.id = name(RuleKind::Duty, &bytes(&json!({"duty": body, "of": rule.id})));
    }
}

fn place_rule(rule: &mut Rule, at: &str) {
    at.clone_into(&mut rule.at);
    place_constraints(&mut rule.constraints, &format!("{at}/constraint"));
    for (index, duty) in rule.duties.iter_mut().enumerate() {
        place_rule(duty, &format!("{at}/{}/{index}", RuleKind::Duty.member()));
    }
}

fn place_constraints(constraints: &mut [Constraint], parent: &str) {
    for (index, constraint) in constraints.iter_mut().enumerate() {
        let here = format!("{parent}/{index}");
        match constraint {
            Constraint::Atomic(atomic) => atomic.at = here,
            Constraint::Logical { at, logic, parts } => {
                place_constraints(parts, &format!("{here}/{}", logic.name()));
                *at = here;
            }
        }
    }
}

fn sort_constraints(constraints: &mut [Constraint]) {
    for constraint in constraints.iter_mut() {
        if let Constraint::Logical { logic, parts, .. } = constraint {
            if *logic == Logic::AndSequence {
                parts
                    .iter_mut()
                    .for_each(|part| sort_constraints(std::slice::from_mut(part)));
            } else {
                sort_constraints(parts);
            }
        }
    }
    constraints.sort_by_cached_key(|constraint| bytes(&constraint_body(constraint)));
}

fn body(rule: &Rule, duties: Vec<Value>, shared: &Scope) -> Value {
    let mut body = Map::new();
    if let Some(uid) = &rule.uid {
        body.insert("@id".to_owned(), Value::String(uid.clone()));
    }
    body.insert("action".to_owned(), Value::String(rule.action.wire()));
    let own = |field: fn(&Scope) -> &Option<String>| match field(shared) {
        Some(_) => None,
        None => field(&rule.scope).clone(),
    };
    let scope = Scope {
        target: own(|scope| &scope.target),
        assigner: own(|scope| &scope.assigner),
        assignee: own(|scope| &scope.assignee),
    };
    insert_scope(&mut body, &scope);
    if !rule.constraints.is_empty() {
        let constraints = rule.constraints.iter().map(constraint_body).collect();
        body.insert("constraint".to_owned(), Value::Array(constraints));
    }
    if !duties.is_empty() {
        body.insert(RuleKind::Duty.member().to_owned(), Value::Array(duties));
    }
    Value::Object(body)
}

fn insert_scope(map: &mut Map<String, Value>, scope: &Scope) {
    for (name, value) in [
        ("target", &scope.target),
        ("assigner", &scope.assigner),
        ("assignee", &scope.assignee),
    ] {
        if let Some(value) = value {
            map.insert(name.to_owned(), Value::String(value.clone()));
        }
    }
}

fn constraint_body(constraint: &Constraint) -> Value {
    match constraint {
        Constraint::Atomic(atomic) => atomic_body(atomic),
        Constraint::Logical { logic, parts, .. } => {
            let parts: Vec<Value> = parts.iter().map(constraint_body).collect();
            json!({ logic.name(): parts })
        }
    }
}

fn atomic_body(atomic: &Atomic) -> Value {
    let right = match &atomic.right {
        Right::Moment(moment) => {
            let datatype = if moment.is_day() { "xsd:date" } else { "xsd:dateTime" };
            json!({"@type": datatype, "@value": moment.text()})
        }
        Right::Count(limit) => json!({"@type": "xsd:integer", "@value": limit.to_string()}),
        Right::Amount(amount) => json!({"@type": "xsd:decimal", "@value": amount.to_string()}),
        Right::Iris(iris) => match iris.as_slice() {
            [only] => Value::String(only.clone()),
            several => texts(several),
        },
    };
    let mut body = json!({
        "leftOperand": atomic.operand.wire(),
        "operator": atomic.operator.name(),
        "rightOperand": right,
    });
    if let (Right::Amount(_), Some(members)) = (&atomic.right, body.as_object_mut()) {
        // Bare, the protocol's context does not have it; with its prefix a peer keeps it.
        members.insert("odrl:unit".to_owned(), json!({"@id": EURO}));
    }
    body
}

fn texts(values: &[String]) -> Value {
    Value::Array(values.iter().cloned().map(Value::String).collect())
}
