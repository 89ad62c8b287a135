//! `ro-crate-metadata.json`: RO-Crate 1.1 with the profile Provenance Run Crate 0.5, so that tools that know nothing of logs
//! find runs, inputs, parameters and outputs.
//!
//! The chain of runs that led to the decision is the crate's workflow; its file is `prov.json`, which describes that chain.

mod actions;

use crate::case::Case;
use crate::dossier::{Listed, ManifestHead};
use herleid_vocab::json::{self, JsonError};
use herleid_vocab::terms::HERLEID;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Name of the file.
pub const NAME: &str = "ro-crate-metadata.json";
const WORKFLOW: &str = "prov.json";

/// References to entities; a single one without a list around it (RO-Crate 1.1, section "RO-Crate JSON-LD").
fn references<'a>(ids: impl IntoIterator<Item = &'a str>) -> Value {
    let mut references: Vec<Value> = ids.into_iter().map(|id| json!({"@id": id})).collect();
    match references.pop() {
        Some(only) if references.is_empty() => only,
        Some(last) => {
            references.push(last);
            Value::Array(references)
        }
        None => json!([]),
    }
}

/// RFC 3339 with `+00:00`, the form that the profile's checks ask for.
fn time(ms: u64) -> String {
    format_rfc3339_ms(ms).replace('Z', "+00:00")
}

/// The entities of the crate, each id once.
#[derive(Debug, Default)]
struct Graph(BTreeMap<String, Value>);

impl Graph {
    fn put(&mut self, id: &str, mut entity: Value) {
        if let Some(members) = entity.as_object_mut() {
            members.insert("@id".to_owned(), id.into());
        }
        self.0.insert(id.to_owned(), entity);
    }

    /// Adds members to an entity that may be there.
    fn extend(&mut self, id: &str, more: Map<String, Value>) {
        if let Some(members) = self.0.get_mut(id).and_then(Value::as_object_mut) {
            members.extend(more);
        }
    }
}

/// The metadata of a dossier with these files, in RFC 8785 form. `files` are all that are in the dossier by then; the metadata
/// itself, and what comes after it, need not be among them.
///
/// # Errors
/// When a text has no form in JSON, which no section that was parsed has.
pub fn metadata<'a>(
    case: &Case,
    head: &ManifestHead,
    files: impl IntoIterator<Item = (&'a str, &'a Listed)>,
) -> Result<Vec<u8>, JsonError> {
    let mut graph = Graph::default();
    for (name, listed) in files.into_iter().filter(|(name, _)| *name != NAME) {
        let sha256 = hex::encode(listed.sha256);
        graph.put(
            name,
            json!({"@type": "File", "name": name, "sha256": sha256, "contentSize": listed.bytes.to_string(), "encodingFormat": media_type(name)}),
        );
    }
    if !graph.0.contains_key(WORKFLOW) {
        graph.put(WORKFLOW, json!({"@type": "File", "encodingFormat": "application/json"}));
    }
    let mentioned = actions::describe(&mut graph, case, head);
    let parts: Vec<String> = graph
        .0
        .iter()
        .filter(|(_, entity)| is_file(entity))
        .map(|(id, _)| id.clone())
        .collect();
    profiles(&mut graph);
    let title = case
        .decision
        .as_ref()
        .map_or(head.case.as_str(), |decision| &decision.facts.title);
    graph.put(
        "./",
        json!({"@type": "Dataset", "name": format!("{}: {title}", head.case),
            "description": "Case file: the records, proofs and data that a decision rests on. Check it with `herleid verify` or verify.py against anchors obtained elsewhere.",
            "datePublished": time(head.made_ms), "license": {"@id": "#licence"}, "author": {"@id": head.party.as_str()}, "publisher": {"@id": head.party.as_str()}, "mainEntity": {"@id": WORKFLOW},
            "conformsTo": references(PROFILES.iter().map(|(id, ..)| *id)),
            "hasPart": references(parts.iter().map(String::as_str)),
            "mentions": references(mentioned.iter().map(String::as_str))}),
    );
    graph.put(
        "#licence",
        json!({"@type": "CreativeWork", "name": "Conditions of each file's holder",
            "description": "Each file stands under the agreement that it was obtained under; the agreements are among the evidence."}),
    );
    graph.put(
        NAME,
        json!({"@type": "CreativeWork", "about": {"@id": "./"},
            "conformsTo": [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"}]}),
    );
    let graph: Vec<Value> = graph.0.into_values().collect();
    json::canonical(&json!({
        // RO-Crate 1.1 has no term for SHA-256; the profile's own context would be one more address to fetch.
        "@context": ["https://w3id.org/ro/crate/1.1/context",
            {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}],
        "@graph": graph,
    }))
}

fn is_file(entity: &Value) -> bool {
    let kind = entity.get("@type");
    kind.and_then(Value::as_str) == Some("File")
        || kind
            .and_then(Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "File"))
}

const PROFILES: [(&str, &str, &str); 4] = [
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    (
        "https://w3id.org/ro/wfrun/provenance/0.5",
        "Provenance Run Crate",
        "0.5",
    ),
    (
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
        "Workflow RO-Crate",
        "1.0",
    ),
];

fn profiles(graph: &mut Graph) {
    for (id, name, version) in PROFILES {
        graph.put(id, json!({"@type": "CreativeWork", "name": name, "version": version}));
    }
}

/// By what the format says of the file; data and evidence get theirs from the records.
fn media_type(name: &str) -> &'static str {
    let ends = |ending: &str| name.ends_with(ending);
    if ends(".json") {
        "application/json"
    } else if ends(".html") {
        "text/html"
    } else if ends(".txt") {
        "text/plain"
    } else if ends(".py") {
        "text/x-python"
    } else {
        "application/octet-stream"
    }
}

/// The namespace that the log's own terms stand in.
fn own(term: &str) -> String {
    format!("{HERLEID}{term}")
}
