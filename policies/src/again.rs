//! Evaluating a decision again, from its record and the policy alone.

use crate::action::Action;
use crate::decide::{Decision, tables_digest};
use crate::document::Document;
use crate::facts::Facts;
use crate::record::{DecisionRecord, Mode, RecordError};
use serde_json::Value;

/// Why a record does not follow from its policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Not a record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Another policy than the one decided on.
    #[error("the record is about a policy with SHA-256 `{recorded}`, this one has `{found}`")]
    Policy {
        /// Digest in the record.
        recorded: String,
        /// Digest of the policy given.
        found: String,
    },
    /// The same policy, request and facts give something else.
    #[error("evaluated again, the record's `{member}` comes out differently")]
    Result {
        /// The first member that differs.
        member: String,
    },
    /// They give something else, and the record says that it was made with other tables of actions and purposes. It may say
    /// so falsely: whoever relies on the record has to be shown by that engine that it follows.
    #[error(
        "evaluated again, the record's `{member}` comes out differently; it says that it was made by `{engine}` with other \
         tables of actions and purposes than this version has, so evaluate it with that version before you rely on it"
    )]
    Tables {
        /// The first member that differs.
        member: String,
        /// The engine that the record names.
        engine: String,
    },
}

/// Evaluates again and compares every member of the record, the engine's name and tables excepted.
///
/// # Errors
/// What differs. A record that was altered in any member that the evaluator computes is found out; the request and the facts
/// are taken as recorded, since they are what the decision rests on. What engine and tables the record names decides only which
/// of two errors a difference gives, never whether there is one.
pub fn reevaluate(policy: &Value, record: &Value) -> Result<Decision, Mismatch> {
    let record = DecisionRecord::parse(record)?;
    let document = Document::read(policy);
    let found = document.digest().hex();
    if found != record.policy.sha256 {
        return Err(Mismatch::Policy {
            recorded: crate::problem::quoted(&record.policy.sha256),
            found,
        });
    }
    let facts = record
        .facts
        .iter()
        .filter(|fact| fact.about != "dateTime")
        .cloned()
        .fold(Facts::none(), Facts::with);
    let decision = match record.mode {
        Mode::Decide => document.decide(&record.request, &facts),
        Mode::WouldGrant => document.would_grant(&record.request, &facts),
    };
    let again = DecisionRecord {
        engine: record.engine.clone(),
        tables: record.tables.clone(),
        ..decision.record().clone()
    };
    match first_difference(&record.to_json(), &again.to_json()) {
        None => Ok(decision),
        Some(member) if record.tables == tables_digest().hex() => Err(Mismatch::Result { member }),
        Some(member) => Err(Mismatch::Tables {
            member,
            engine: crate::problem::quoted(&record.engine),
        }),
    }
}

impl Action {
    /// Whether it is a way of using something oneself: `use`, or an action within it that puts nothing into the hands of
    /// others. This is what a holder decides about who gives something or runs a model; passing on is asked for by name.
    #[must_use]
    pub fn is_own_use(self) -> bool {
        Self::parse("use").is_some_and(|all| all.permits(self))
    }
}

fn first_difference(recorded: &Value, again: &Value) -> Option<String> {
    let (Value::Object(recorded), Value::Object(again)) = (recorded, again) else {
        return Some("record".to_owned());
    };
    let mut names: Vec<&String> = recorded.keys().chain(again.keys()).collect();
    names.sort();
    names
        .into_iter()
        .find(|name| recorded.get(*name) != again.get(*name))
        .cloned()
}
