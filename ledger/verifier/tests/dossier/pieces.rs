//! What the records of a world are made of.

use crate::log::{sha256, sha256_hex};
use crate::world::{MODEL, RAIN};
use herleid_ledger::exchange::{Content, Exchange, Phase, Subject};
use herleid_ledger::section::SectionName as S;
use herleid_policies::{Document, Facts, Outcome, Request};
use serde_json::{Value, json};

pub fn transaction(n: u64) -> String {
    format!("01890a5d-ac96-7001-8000-{n:012x}")
}

pub fn file(name: &str, bytes: &[u8]) -> Value {
    json!({"name": name, "sha256": sha256_hex(bytes), "blake3": blake3::hash(bytes).to_hex().as_str(), "bytes": bytes.len(), "mediaType": "text/csv"})
}

pub fn policy(id: &str, assigner: &str, assignee: &str, target: &str) -> Document {
    let json = json!({"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Agreement", "@id": id, "assigner": assigner, "assignee": assignee,
        "target": target, "permission": [{"action": "use"}, {"action": "distribute"}]});
    Document::read(&json)
}

/// A decision to permit `action`; `recipient` is who gets it.
pub fn decide(
    policy: &Document,
    assignee: &str,
    assigner: &str,
    target: &str,
    action: &str,
    recipient: &str,
    now_ms: u64,
) -> Value {
    let request = Request::new(assignee, assigner, target, now_ms).for_action(action);
    let facts = Facts::none()
        .with_recipient(recipient, "as authenticated", now_ms)
        .with_counterparty_log(true, "the agreement", now_ms);
    let decision = policy.decide(&request, &facts);
    assert_eq!(decision.outcome(), Outcome::Permit, "{:?}", decision.record());
    decision.record().to_json()
}

/// Both sections of an exchange whose content is `bytes`.
pub fn exchange(
    phase: Phase,
    id: &str,
    agreement: &str,
    ends: (&str, &str),
    subject: Subject,
    bytes: &[u8],
) -> Vec<(S, Value)> {
    segment((1, 0), phase, id, agreement, ends, subject, bytes)
}

/// The same of one segment: its number, and where it begins.
pub fn segment(
    (segment, from): (u64, u64),
    phase: Phase,
    id: &str,
    agreement: &str,
    ends: (&str, &str),
    subject: Subject,
    bytes: &[u8],
) -> Vec<(S, Value)> {
    let content = Content::digest(
        sha256(format!("salt {id} {phase} {segment}").as_bytes()),
        bytes,
        "text/csv",
    );
    let exchange = Exchange {
        transaction: id.parse().unwrap(),
        segment,
        phase,
        agreement: agreement.to_owned(),
        provider: ends.0.parse().unwrap(),
        consumer: ends.1.parse().unwrap(),
        subject,
        from,
        to: from + bytes.len() as u64,
        content: content.mac(),
    };
    vec![(S::Exchange, exchange.to_value()), (S::Content, content.to_value())]
}

pub fn rain() -> Subject {
    Subject::Dataset {
        dataset: RAIN.to_owned(),
        version: "2020-06-18".to_owned(),
    }
}

pub fn sewer() -> Subject {
    Subject::Model {
        model: MODEL.to_owned(),
        version: "1".to_owned(),
    }
}
