//! Events as CloudEvents 1.0: what a record of the log or an entry of the journal tells, identifiers alone.

use crate::journal::Entry;
use crate::node::Node;
use herleid_ledger::StoredRecord;
use herleid_ledger::section::SectionName;
use herleid_vocab::time::format_rfc3339_ms;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What all types of events begin with.
pub(super) const PREFIX: &str = "eu.herleid.";

/// An event (CloudEvents 1.0, JSON event format).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(in crate::management) struct CloudEvent {
    /// Always `1.0`.
    pub(super) specversion: &'static str,
    /// Its identifier, the same however often it is told: `record-<index in the log>` or `change-<number>`.
    pub(super) id: String,
    /// This connector's participant.
    pub(super) source: String,
    /// What happened, such as `eu.herleid.negotiation.finalized` or `eu.herleid.dataset-published`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// What it is about: the process, agreement, transaction, dataset or model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    /// When it became durable (RFC 3339).
    pub(super) time: String,
    /// Always `application/json`.
    pub(super) datacontenttype: &'static str,
    /// The W3C trace that led to it (distributed tracing extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<String>,
    /// Identifiers, and nothing else: what more there is to know is asked for with the token.
    pub(super) data: Value,
}

/// Identifiers that an event may carry; whatever else stands in a record (titles, reasons, authors, parameters) stays there.
const IDENTIFIERS: [&str; 13] = [
    "agreement",
    "dataset",
    "model",
    "version",
    "transaction",
    "provider",
    "consumer",
    "party",
    "side",
    "what",
    "phase",
    "status",
    "sha256",
];
/// What an event is about is the first of these that it has.
const SUBJECTS: [&str; 5] = ["transaction", "agreement", "dataset", "model", "party"];
/// Where identifiers stand. Never `people`, `parameters` or `private`.
const SECTIONS: [SectionName; 3] = [SectionName::Facts, SectionName::Exchange, SectionName::Run];

fn base(node: &Node, id: String, kind: String, at_ms: u64) -> CloudEvent {
    CloudEvent {
        specversion: "1.0",
        id,
        source: node.did.to_string(),
        kind,
        subject: None,
        time: format_rfc3339_ms(at_ms),
        datacontenttype: "application/json",
        traceparent: None,
        data: Value::Null,
    }
}

/// What a record tells. Of one whose envelope cannot be read, no more than that it is there.
pub(super) fn of_record(node: &Node, record: &StoredRecord) -> (u64, CloudEvent) {
    let envelope = record.value(SectionName::Envelope).unwrap_or_default();
    let text = |name: &str| envelope.get(name).and_then(Value::as_str).map(str::to_owned);
    let at_ms = envelope.get("recordedAt").and_then(Value::as_u64).unwrap_or_default();
    let kind = text("kind").unwrap_or_else(|| "unreadable".to_owned());
    let data = identifiers(SECTIONS.into_iter().filter_map(|name| record.value(name)));
    let subject = SUBJECTS
        .iter()
        .find_map(|name| data.get(*name)?.as_str().map(str::to_owned));
    let mut data = data;
    data.insert("index".to_owned(), json!(record.index()));
    data.insert("record".to_owned(), json!(record.id().hyphenated().to_string()));
    let event = CloudEvent {
        subject,
        traceparent: text("trace"),
        data: Value::Object(data),
        ..base(
            node,
            format!("record-{}", record.index()),
            format!("{PREFIX}{kind}"),
            at_ms,
        )
    };
    (at_ms, event)
}

fn identifiers(sections: impl Iterator<Item = Value>) -> Map<String, Value> {
    let mut found = Map::new();
    for section in sections {
        // Of an exchange, what it is about stands one level deeper.
        let subject = section.get("subject").cloned().unwrap_or_default();
        for part in [&section, &subject] {
            for name in IDENTIFIERS {
                if let Some(value @ Value::String(_)) = part.get(name) {
                    found.entry(name).or_insert_with(|| value.clone());
                }
            }
        }
    }
    found
}

/// What an entry of the journal tells.
pub(super) fn of_change(node: &Node, number: u64, entry: Entry) -> (u64, CloudEvent) {
    let kind = format!("{PREFIX}{}.{}", entry.of, entry.to.to_lowercase());
    let mut data = Map::new();
    for (name, value) in entry.about {
        data.insert(name, json!(value));
    }
    for (name, value) in [
        ("pid", Some(&entry.pid)),
        ("role", Some(&entry.role)),
        ("counterparty", Some(&entry.counterparty)),
        ("from", entry.from.as_ref()),
        ("state", Some(&entry.to)),
        ("by", Some(&entry.by)),
        ("code", entry.code.as_ref()),
    ] {
        if let Some(value) = value {
            data.insert(name.to_owned(), json!(value));
        }
    }
    let event = CloudEvent {
        subject: Some(entry.pid),
        data: Value::Object(data),
        ..base(node, format!("change-{number}"), kind, entry.at_ms)
    };
    (entry.at_ms, event)
}

/// That changes were not told: the journal did not keep them so long.
pub(super) fn of_gap(node: &Node, from: u64, to: u64) -> CloudEvent {
    CloudEvent {
        data: json!({"from": format!("change-{from}"), "to": format!("change-{to}"), "missed": to - from + 1}),
        ..base(
            node,
            format!("missed-{from}-{to}"),
            format!("{PREFIX}events-missed"),
            node.now_ms(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_carries_identifiers_and_nothing_of_people() {
        let facts = json!({
            "what": "pull", "party": "did:web:app.example", "reason": "Jan said so", "title": "Rain", "decision": {"agreement": "x"},
            "agreement": "urn:agreement:1", "author": {"name": "Jan"}, "version": 3,
        });
        let exchange = json!({"transaction": "t", "agreement": "urn:other", "subject": {"dataset": "rain", "version": "1", "name": "Jan"}});
        let found = Value::Object(identifiers([facts, exchange].into_iter()));
        let expected = json!({
            "what": "pull", "party": "did:web:app.example", "agreement": "urn:agreement:1", "transaction": "t", "dataset": "rain",
            "version": "1",
        });
        assert_eq!(found, expected);
    }
}
