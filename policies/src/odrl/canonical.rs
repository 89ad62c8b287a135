//! One form of a policy, whatever spelling it came in: terms in full, values in one writing, sets sorted, and without the labels of
//! blank nodes, which change from one serialisation to the next.

use super::model::{Atomic, Condition, Policy, Rule, Thing};
use super::value::Value;
use crate::canonical::{bytes, sha256};
use crate::model::{Digest, Logic, RuleKind};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

impl Policy {
    /// SHA-256 of what the policy says, with all that it inherits: equal for every spelling of it (compact, prefixed, expanded,
    /// Turtle), and another one for every other meaning.
    #[must_use]
    pub fn digest(&self) -> Digest {
        sha256(&bytes(&self.canonical()))
    }

    fn canonical(&self) -> Json {
        let mut policy = Map::new();
        name(&mut policy, &self.id);
        policy.insert("@type".to_owned(), json!(self.kind.name()));
        let conflict = self.conflict.iter().map(|strategy| json!(strategy));
        set(&mut policy, "conflict", conflict.collect());
        set(&mut policy, "inheritFrom", texts(&self.inherited));
        for kind in [RuleKind::Permission, RuleKind::Prohibition, RuleKind::Obligation] {
            let rules = self.rules.iter().filter(|rule| rule.kind == kind);
            set(&mut policy, kind.member(), rules.map(rule).collect());
        }
        for (member, relation) in [
            ("includedIn", &self.actions.within),
            ("implies", &self.actions.implies),
            ("partOf", &self.part_of),
        ] {
            if !relation.is_empty() {
                policy.insert(member.to_owned(), relations(relation));
            }
        }
        Json::Object(policy)
    }
}

fn name(map: &mut Map<String, Json>, id: &str) {
    if !id.starts_with("_:") {
        map.insert("@id".to_owned(), json!(id));
    }
}

/// Adds a set, sorted, each member once; an empty one says nothing.
fn set(map: &mut Map<String, Json>, member: &str, values: Vec<Json>) {
    if !values.is_empty() {
        map.insert(member.to_owned(), sorted(values));
    }
}

fn sorted(mut values: Vec<Json>) -> Json {
    values.sort_by_cached_key(bytes);
    values.dedup();
    Json::Array(values)
}

fn texts(values: &BTreeSet<String>) -> Vec<Json> {
    values.iter().map(|text| json!(text)).collect()
}

fn relations(relation: &BTreeMap<String, BTreeSet<String>>) -> Json {
    relation
        .iter()
        .map(|(one, others)| (one.clone(), Json::Array(texts(others))))
        .collect()
}

fn rule(rule: &Rule) -> Json {
    let mut map = Map::new();
    name(&mut map, &rule.id);
    for (member, things) in [
        ("action", &rule.actions),
        ("target", &rule.targets),
        ("assigner", &rule.assigners),
        ("assignee", &rule.assignees),
        ("output", &rule.outputs),
    ] {
        set(&mut map, member, things.iter().map(thing).collect());
    }
    for (function, parties) in &rule.parties {
        set(&mut map, function, texts(parties));
    }
    set(&mut map, "constraint", rule.conditions.iter().map(condition).collect());
    // What was done is told by name, so two duties that say the same stay two.
    let mut duties: Vec<Json> = rule.duties.iter().map(self::rule).collect();
    if !duties.is_empty() {
        duties.sort_by_cached_key(bytes);
        map.insert("duty".to_owned(), Json::Array(duties));
    }
    Json::Object(map)
}

fn thing(thing: &Thing) -> Json {
    let mut map = Map::new();
    map.insert("@id".to_owned(), json!(thing.iri));
    if thing.is_collection {
        map.insert("isCollection".to_owned(), json!("true"));
    }
    set(
        &mut map,
        "refinement",
        thing.refinements.iter().map(condition).collect(),
    );
    Json::Object(map)
}

fn condition(one: &Condition) -> Json {
    let mut map = Map::new();
    name(&mut map, one.id());
    match one {
        Condition::Atomic(atomic) => self::atomic(atomic, &mut map),
        Condition::Logical { logic, parts, .. } => {
            let parts: Vec<Json> = parts.iter().map(condition).collect();
            let parts = match logic {
                Logic::AndSequence => Json::Array(parts),
                // One part that stands twice is two to an exclusive choice.
                Logic::Xone => {
                    let mut parts = parts;
                    parts.sort_by_cached_key(bytes);
                    Json::Array(parts)
                }
                Logic::And | Logic::Or => sorted(parts),
            };
            map.insert(logic.name().to_owned(), parts);
        }
    }
    Json::Object(map)
}

fn atomic(atomic: &Atomic, map: &mut Map<String, Json>) {
    map.insert("leftOperand".to_owned(), json!(atomic.operand));
    map.insert("operator".to_owned(), json!(atomic.operator.name()));
    set(map, "rightOperand", atomic.right.iter().map(value).collect());
    let references = atomic.reference.iter().map(|iri| json!(iri));
    set(map, "rightOperandReference", references.collect());
    if let Some(unit) = &atomic.unit {
        map.insert("unit".to_owned(), json!(unit));
    }
}

fn value(value: &Value) -> Json {
    match value {
        Value::Moment(moment) => json!({ "moment": moment.text() }),
        Value::Duration(duration) => json!({ "duration": duration.text() }),
        Value::Number(number) => json!({ "number": number.text() }),
        Value::Name(name) => json!({ "name": name }),
    }
}
