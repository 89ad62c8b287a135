//! How far streams go, as decisions and anchors say.

use super::{STREAMS, read};
use crate::verify::keys::Keys;
use crate::verify::reason::{Reason, StatedBy};
use crate::verify::records::Rec;
use crate::verify::verdict::{Check, Findings};
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use serde_json::Value;

/// A length that somebody states.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) origin: Option<String>,
    pub(super) kind: SectionName,
    pub(super) id: String,
    pub(super) n: u64,
    pub(super) of: Option<String>,
    /// Whose runs a model stream counts.
    pub(super) consumer: Option<String>,
    pub(super) by: StatedBy,
}

/// `decision-made` names the streams that it rests on.
pub(super) fn stated_by_decisions(records: &[Rec], findings: &mut Findings) -> Vec<Statement> {
    let mut stated = Vec::new();
    for rec in records.iter().filter(|rec| rec.kind() == Some(Kind::DecisionMade)) {
        let Some(facts) = rec.section(SectionName::Facts) else {
            continue;
        };
        let streams = facts.get("streams").and_then(Value::as_array);
        let read: Option<Vec<Statement>> = streams.and_then(|streams| streams.iter().map(of_decision).collect());
        match read {
            Some(read) => stated.extend(read),
            None => {
                let what = "facts.streams is not a list of {kind, id, n}, each kind a stream's section".to_owned();
                findings.failed(Check::Stream, &rec.source, Reason::RecordForm { what });
            }
        }
    }
    stated
}

fn of_decision(stream: &Value) -> Option<Statement> {
    let kind: SectionName = stream.get("kind")?.as_str()?.parse().ok()?;
    if !STREAMS.contains(&kind) {
        return None;
    }
    Some(Statement {
        origin: None,
        kind,
        id: stream.get("id")?.as_str()?.to_owned(),
        n: stream.get("n")?.as_u64()?,
        of: stream.get("of").and_then(label),
        consumer: None,
        by: StatedBy::Decision,
    })
}

/// What the other ends told the auditor. A statement that its key does not carry has been reported with the checkpoints.
pub(super) fn stated_by_anchors(keys: &Keys<'_>, findings: &mut Findings) -> Vec<Statement> {
    let streams = keys.anchors.map(|anchors| anchors.streams.as_slice());
    let mut stated = Vec::new();
    for (i, anchor) in streams.unwrap_or_default().iter().enumerate() {
        let Ok((record, signed)) = keys.open(&anchor.record) else {
            continue;
        };
        let Some((id, n, _)) = record.section(anchor.kind).and_then(read) else {
            let what = format!("the opened section `{}`", anchor.kind);
            findings.unchecked(
                Check::Stream,
                format!("anchors streams[{i}]"),
                Reason::Incomplete { what },
            );
            continue;
        };
        let exchange = record.section(SectionName::Exchange);
        let consumer = exchange
            .and_then(|exchange| exchange.get("consumer"))
            .or_else(|| anchor.of.get("consumer"));
        if signed.anchored.is_some() {
            stated.push(Statement {
                origin: Some(record.origin().to_owned()),
                kind: anchor.kind,
                id: id.to_owned(),
                n,
                of: label(&anchor.of),
                consumer: consumer.and_then(Value::as_str).map(str::to_owned),
                by: StatedBy::Party {
                    did: signed.did.to_string(),
                },
            });
        }
    }
    stated
}

fn label(of: &Value) -> Option<String> {
    match of {
        Value::String(text) => Some(text.clone()),
        _ => ["model", "agreement", "case"]
            .iter()
            .find_map(|name| Some(of.get(*name)?.as_str()?.to_owned())),
    }
}
