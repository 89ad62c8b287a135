//! What was stated of an obligation: as it is kept, as it is recorded, and as it is read from the other end's record.

use crate::node::{Node, fresh_trace};
use crate::state::{AgreementEntry, Side, StateError, set};
use herleid_ledger::record::{Document, Draft, Kind, Term};
use herleid_ledger::section::SectionName;
use herleid_ledger::{LedgerError, StoredRecord};
use herleid_policies::EnforcedBy;
use herleid_vocab::did::Did;
use herleid_vocab::terms::ODRL;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What `what` of a `trust-changed` record says of a statement about anything but a deletion, and of the other end's record of one.
const STATED: &str = "obligation.stated";
const RECEIPTED: &str = "obligation.receipted";
/// Transactions that one record names. Each has 36 characters: 600 KiB of the 1 MiB of a section.
pub(super) const MOST_NAMED: usize = 16_000;
/// Characters of a statement.
pub(super) const LONGEST: usize = 2_000;

/// What was stated, as one end keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stated {
    pub(super) agreement: String,
    /// This end's side.
    pub(super) side: Side,
    /// The other end.
    pub(super) other: Did,
    pub(super) obligation: String,
    /// Local name of the action.
    pub(super) action: String,
    pub(super) statement: String,
    /// By the log of who stated it, UTC milliseconds since 1970.
    pub(super) stated_ms: u64,
    /// By the log of who took it.
    pub(super) received_ms: Option<u64>,
    pub(super) late: bool,
    pub(super) enforced_by: EnforcedBy,
    pub(super) transactions: u64,
    pub(super) removed: u64,
    pub(super) kept: u64,
    /// Of a deletion: what this end recorded from here on is not covered by it.
    #[serde(default)]
    pub(super) until: u64,
    /// At the end that took it: leaf hash of the other end's record, in hex.
    pub(super) leaf: Option<String>,
    /// At the end that stated it: how often it could not be brought, when it is tried again, and why it was not taken.
    pub(super) failures: u32,
    pub(super) from_ms: u64,
    pub(super) undelivered: Option<String>,
    /// Whether what was stated is erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) erased: bool,
}

impl Stated {
    /// What all keys on one side begin with.
    pub(super) fn prefix(side: Side) -> String {
        format!("duty/{}/", side.as_str())
    }

    /// The name of an obligation has no slash, so that no agreement can take the key of another one's.
    pub(super) fn key(side: Side, agreement: &str, obligation: &str) -> String {
        format!("{}{agreement}/{obligation}", Self::prefix(side))
    }

    /// What was last stated of this obligation.
    pub(super) fn find(node: &Node, entry: &AgreementEntry, obligation: &str) -> Result<Option<Self>, StateError> {
        node.state.get(&Self::key(entry.side, &entry.id, obligation))
    }

    /// The change that keeps it.
    pub(super) fn change(&self) -> Result<(String, Option<Vec<u8>>), StateError> {
        set(Self::key(self.side, &self.agreement, &self.obligation), self)
    }

    /// Leaves out what was stated, and what was said of that.
    pub(super) fn forget(&mut self) {
        (self.transactions, self.removed, self.kept) = (0, 0, 0);
        (self.statement, self.undelivered, self.erased) = (String::new(), None, true);
    }

    /// What both ends record of it. `by` stated it; `named` are the transactions of what was had, `stayed` those of what had to stay.
    pub(super) fn draft(
        &self,
        node: &Node,
        by: &Did,
        named: &[String],
        stayed: &[String],
    ) -> Result<Draft, StateError> {
        let is_deletion = self.action == super::DELETE;
        let said = json!({
            "agreement": self.agreement,
            "side": self.side.as_str(),
            "obligation": self.obligation,
            "action": format!("{ODRL}{}", self.action),
            "statement": self.statement,
            "by": by.as_str(),
            "enforcedBy": super::vouched(self.enforced_by),
        });
        let Value::Object(mut facts) = said else {
            return Err(unlikely(&self.agreement));
        };
        if let Some(leaf) = &self.leaf {
            facts.insert("leaf".to_owned(), json!(leaf));
            facts.insert("statedAt".to_owned(), json!(self.stated_ms));
            facts.insert("late".to_owned(), json!(self.late));
        }
        if is_deletion {
            facts.insert("transactions".to_owned(), json!(named));
            facts.insert("removed".to_owned(), json!(self.removed));
            facts.insert("kept".to_owned(), json!(self.kept));
            facts.insert("keptTransactions".to_owned(), json!(stayed));
            facts.insert("until".to_owned(), json!(self.until));
        } else {
            facts = changed(STATED, facts, by);
        }
        let kind = if is_deletion {
            Kind::DeletionStated
        } else {
            Kind::TrustChanged
        };
        let (key, value) = self.change()?;
        Ok(record(node, kind, facts, &self.agreement, &self.other).put(key, value))
    }

    /// What the end that stated it records of the other end's receipt, which it keeps.
    pub(super) fn receipted(&self, node: &Node, leaf: &str, receipt: Vec<u8>) -> Result<Draft, StateError> {
        let said = json!({
            "agreement": self.agreement,
            "side": self.side.as_str(),
            "obligation": self.obligation,
            "late": self.late,
            "leaf": leaf,
        });
        let Value::Object(said) = said else {
            return Err(unlikely(&self.agreement));
        };
        let facts = changed(RECEIPTED, said, &self.other);
        let (key, value) = self.change()?;
        let draft = record(node, Kind::TrustChanged, facts, &self.agreement, &self.other).put(key, value);
        Ok(draft.evidence(document("receipt", receipt)))
    }
}

/// A record of the other end, as evidence.
pub(super) fn document(role: &str, bytes: Vec<u8>) -> Document {
    Document {
        role: role.to_owned(),
        media_type: "application/json".to_owned(),
        bytes,
    }
}

fn unlikely(agreement: &str) -> StateError {
    StateError::Format {
        key: agreement.to_owned(),
        why: "an object became none".to_owned(),
    }
}

/// The members of a `trust-changed` record. The agreement stands beside them, by which events tell what they are about.
fn changed(what: &str, said: Map<String, Value>, by: &Did) -> Map<String, Value> {
    let agreement = said.get("agreement").cloned().unwrap_or_default();
    let members = [
        ("what", json!(what)),
        ("agreement", agreement),
        ("before", Value::Null),
        ("after", Value::Object(said)),
        ("by", json!(by.as_str())),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn record(node: &Node, kind: Kind, facts: Map<String, Value>, agreement: &str, other: &Did) -> Draft {
    Draft::new(kind, fresh_trace(node))
        .section(SectionName::Facts, Value::Object(facts))
        .term(Term::Agreement(agreement.to_owned()))
        .term(Term::Party(other.clone()))
}

/// What the facts of a record of this kind state of an obligation; `None` when it is about something else.
pub(super) fn said(kind: &str, facts: &Value) -> Option<Value> {
    if kind == Kind::DeletionStated.as_str() {
        return facts.get("obligation").is_some().then(|| facts.clone());
    }
    let is_stated = kind == Kind::TrustChanged.as_str() && facts.get("what").and_then(Value::as_str) == Some(STATED);
    is_stated.then(|| facts.get("after").cloned()).flatten()
}

/// The last record of ours that states something of an obligation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub(super) index: u64,
    /// Whether something was given, or had, under the agreement after it.
    pub(super) delivered_since: bool,
}

/// Finds it, from the end of what was recorded under the agreement.
pub(super) fn last(node: &Node, entry: &AgreementEntry, obligation: &str) -> Result<Option<Last>, LedgerError> {
    let (mut delivered_since, mut found) = (false, None);
    for index in node
        .ledger
        .by_term(&Term::Agreement(entry.id.clone()))?
        .into_iter()
        .rev()
    {
        // What came between the look at the log and the statement is not covered by it.
        if found.is_some_and(|(_, until)| index < until) {
            break;
        }
        let record = node.ledger.record(index)?;
        let Some(kind) = record.kind() else { continue };
        delivered_since |= delivers(entry.side, kind);
        if found.is_none()
            && let Some(until) = states(&record, kind, entry.side, obligation)
        {
            found = Some((index, until));
        }
    }
    Ok(found.map(|(index, _)| Last { index, delivered_since }))
}

/// Up to where a record covers what was had, if it states something of this obligation. A deletion that does not say so covers nothing.
fn states(record: &StoredRecord, kind: Kind, side: Side, obligation: &str) -> Option<u64> {
    let said = said(kind.as_str(), &record.value(SectionName::Facts)?)?;
    let is = |member: &str, value: &str| said.get(member).and_then(Value::as_str) == Some(value);
    let until = match kind {
        Kind::DeletionStated => said.get("until").and_then(Value::as_u64).unwrap_or_default(),
        _ => record.index(),
    };
    (is("obligation", obligation) && is("side", side.as_str())).then_some(until)
}

/// Whether a record of this kind says that this end gave something, or had it.
pub(super) const fn delivers(side: Side, kind: Kind) -> bool {
    match side {
        Side::Provider => matches!(kind, Kind::PullOpened | Kind::OneSidedPullOpened | Kind::RunFinished),
        Side::Consumer => matches!(
            kind,
            Kind::PullReceived | Kind::OneSidedPullReceived | Kind::RunReceived
        ),
    }
}
