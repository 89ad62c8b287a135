//! What a run or decision names as what it rests on.

use super::text;
use super::told::Told;
use crate::control::protocol::TraceNode;
use herleid_ledger::StoredRecord;
use herleid_ledger::record::Kind;
use herleid_ledger::section::SectionName;
use serde_json::Value;
use uuid::Uuid;

/// Something that a run or decision names as what it rests on.
pub(super) struct Named {
    /// Of an input, or of the output relied on.
    pub(super) name: String,
    /// As it stands there, and as an id if it is one.
    pub(super) transaction: Option<String>,
    pub(super) id: Option<Uuid>,
    pub(super) sha256: String,
}

impl Named {
    pub(super) fn of(item: &Value, name: &str) -> Self {
        let transaction = item.get("transaction").and_then(Value::as_str).map(str::to_owned);
        Self {
            name: text(item, name),
            id: transaction.as_ref().and_then(|text| text.parse().ok()),
            transaction,
            sha256: text(item, "/sha256"),
        }
    }

    /// Each in a list of a section.
    pub(super) fn each(section: &Value, list: &str, name: &str) -> Vec<Self> {
        let items = section.get(list).and_then(Value::as_array).into_iter().flatten();
        items.map(|item| Self::of(item, name)).collect()
    }

    /// All that a record names.
    pub(super) fn all_of(record: &StoredRecord) -> Vec<Self> {
        let of = |section, list, name| Self::each(&record.value(section).unwrap_or_default(), list, name);
        let mut all = of(SectionName::Run, "inputs", "/name");
        all.extend(of(SectionName::Facts, "reliesOn", "/output"));
        all
    }

    /// What it means, as `told` names it.
    pub(super) fn labelled(&self, told: &Told<'_>, mut child: TraceNode) -> TraceNode {
        if told.is(Kind::DecisionMade) {
            // A pull has no outputs to name.
            if !self.name.is_empty() {
                child.label = format!("{} → {}", child.label, self.name);
            }
        } else {
            child.label = format!("{}: {}", self.name, child.label);
        }
        child.digest = Some(self.sha256.clone());
        child
    }
}
