//! What who has an agreement has to do besides using it: followed up by both ends (docs/policies.md, "Obligations").
//!
//! Which obligations there are stands in the agreement; what was stated of one stands in the log, and beside it what is kept of that, written
//! in the record's commit. How far one has come follows from these and the time.

mod delete;
mod deliver;
mod erased;
mod fulfil;
mod proved;
mod remind;
mod stated;
mod take;
#[cfg(test)]
mod tests;

pub(crate) use erased::{erased, receipts_of};
pub(crate) use fulfil::fulfil;
pub(crate) use remind::{keep_reminding, warnings};
pub(crate) use take::take;

use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{self, Duties, DutyLine, DutyList, DutyStanding, DutyStatement};
use crate::http::Refusal;
use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use axum::http::StatusCode;
use herleid_ledger::LedgerError;
use herleid_policies::{Document, DutyState, EnforcedBy, Facts, Policy, Rule};
use herleid_vocab::did::Did;
use serde_json::Value;
use stated::Stated;
use std::sync::Arc;

/// How long before its date an obligation counts as near.
const SOON_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// The action that leaves nothing of what was had.
const DELETE: &str = "delete";

/// Name of who vouches for something, as it stands in records.
const fn vouched(by: EnforcedBy) -> &'static str {
    match by {
        EnforcedBy::Provider => "provider",
        EnforcedBy::ConsumerConnector => "consumer-connector",
        EnforcedBy::Declared => "declared",
    }
}

/// What somebody has to do: an obligation, or a duty of a permission that has to be stated before a use.
struct Owed<'a> {
    rule: &'a Rule,
    whose: &'a str,
    /// Nothing is given before.
    comes_first: bool,
}

/// All that somebody has to do under a policy, each once.
fn owed(policy: &Policy) -> Vec<Owed<'_>> {
    let obligations = policy.obligations().iter().map(|rule| Owed {
        rule,
        whose: rule.scope().assignee.as_deref().unwrap_or_default(),
        comes_first: false,
    });
    // A duty addresses whom its permission does.
    let duties = policy.permissions().iter().flat_map(|permission| {
        let whose = permission.scope().assignee.as_deref().unwrap_or_default();
        let first = permission.duties().iter().filter(|duty| duty.is_stated_first());
        first.map(move |rule| Owed {
            rule,
            whose,
            comes_first: true,
        })
    });
    let mut all: Vec<Owed<'_>> = Vec::new();
    for one in obligations.chain(duties) {
        if !all.iter().any(|known| known.rule.id() == one.rule.id()) {
            all.push(one);
        }
    }
    all
}

/// Whether an agreement may have obligations or duties: told without reading all of it.
fn may_oblige(entry: &AgreementEntry) -> bool {
    fn names(value: &Value, name: &str) -> bool {
        match value {
            Value::Object(members) => members.keys().any(|key| key.ends_with(name)),
            Value::Array(items) => items.iter().any(|item| names(item, name)),
            _ => false,
        }
    }
    let Some(members) = entry.agreement.as_object() else {
        return true;
    };
    let mut permissions = members.iter().filter(|(key, _)| key.ends_with("permission"));
    names(&entry.agreement, "obligation") || permissions.any(|(_, rules)| names(rules, "duty"))
}

/// The agreements that may have obligations.
fn obliging(node: &Node) -> Result<impl Iterator<Item = AgreementEntry> + use<>, Failure> {
    let all = node.state.scan::<AgreementEntry>("agreement/")?.into_iter();
    Ok(all.map(|(_, entry)| entry).filter(may_oblige))
}

/// The obligations under an agreement, in the order of its policy. One that is not understood has none that could be followed up, and
/// permits nothing.
///
/// # Errors
/// When the log or the state cannot be read.
fn of(node: &Node, entry: &AgreementEntry) -> Result<Vec<DutyLine>, Failure> {
    let document = Document::read(&entry.agreement);
    let Ok(policy) = document.policy() else {
        return Ok(Vec::new());
    };
    owed(policy).iter().map(|owed| line(node, entry, owed)).collect()
}

/// The action of an obligation that `whose` has under an agreement, told without the log.
fn action(entry: &AgreementEntry, whose: &Did, obligation: &str) -> Option<String> {
    let document = Document::read(&entry.agreement);
    let mut owed = owed(document.policy().ok()?).into_iter();
    let found = owed.find(|owed| owed.rule.id() == obligation && owed.whose == whose.as_str())?;
    Some(found.rule.action().name().to_owned())
}

/// One obligation under an agreement, without looking at the others.
///
/// # Errors
/// When the log or the state cannot be read.
fn one(node: &Node, entry: &AgreementEntry, obligation: &str) -> Result<Option<DutyLine>, Failure> {
    let document = Document::read(&entry.agreement);
    let Ok(policy) = document.policy() else {
        return Ok(None);
    };
    let found = owed(policy).into_iter().find(|owed| owed.rule.id() == obligation);
    found.map(|owed| line(node, entry, &owed)).transpose()
}

/// Refuses a transaction that was begun before its consumer stated that everything had under the agreement is deleted: given once more, it
/// would leave no record after that statement.
///
/// # Errors
/// 409 for such a transaction; when the log or the state cannot be read.
pub(crate) fn check_repeated(
    node: &Node,
    entry: &AgreementEntry,
    consumer: &Did,
    transaction: &str,
) -> Result<(), Refusal> {
    if entry.side != Side::Provider || !may_oblige(entry) {
        return Ok(());
    }
    let begun = crate::provider::begun(node, consumer, &entry.id, transaction);
    check_given_again(node, entry, transaction, begun.map_err(|e| Refusal::internal(&e))?)
}

/// The same of a transaction that began with this record.
///
/// # Errors
/// As [`check_repeated`].
pub(crate) fn check_given_again(
    node: &Node,
    entry: &AgreementEntry,
    transaction: &str,
    begun: Option<u64>,
) -> Result<(), Refusal> {
    let internal = |error: &dyn std::fmt::Display| Refusal::internal(error);
    if entry.side != Side::Provider || !may_oblige(entry) {
        return Ok(());
    }
    let prefix = format!("{}{}/", Stated::prefix(entry.side), entry.id);
    let all = node
        .state
        .scan::<Stated>(&prefix)
        .map_err(|e| internal(&e))?
        .into_iter();
    for (_, stated) in all.filter(|(_, stated)| stated.agreement == entry.id && stated.action == DELETE) {
        let last = stated::last(node, entry, &stated.obligation).map_err(|e| internal(&e))?;
        // Where the statement was erased, nothing is known to have begun after it.
        if begun.is_some_and(|begun| last.is_none_or(|last| begun < last.index)) {
            let why = format!(
                "you stated that what you had in transaction {transaction} is deleted, so it is not given again; use a new one"
            );
            return Err(Refusal::new(StatusCode::CONFLICT, "transaction-ended", &why));
        }
    }
    Ok(())
}

fn line(node: &Node, entry: &AgreementEntry, owed: &Owed<'_>) -> Result<DutyLine, Failure> {
    let rule = owed.rule;
    let stated = Stated::find(node, entry, rule.id())?;
    let (mut state, mut statement) = (standing(rule.over_from_ms(), node.now_ms()), None);
    if let Some(stated) = stated {
        let last = stated::last(node, entry, rule.id())?;
        // What was given after it was not deleted by it.
        let is_whole = rule.action().name() != DELETE || last.is_some_and(|last| !last.delivered_since);
        if is_whole {
            state = match stated.received_ms {
                Some(_) => DutyStanding::Fulfilled,
                None => DutyStanding::Stated,
            };
        }
        statement = Some(DutyStatement {
            text: stated.statement,
            stated_ms: stated.stated_ms,
            received_ms: stated.received_ms,
            late: stated.late,
            enforced_by: vouched(stated.enforced_by).to_owned(),
            transactions: stated.transactions,
            removed: stated.removed,
            kept: stated.kept,
            record: last.map(|last| last.index),
            undelivered: stated.undelivered,
            erased: stated.erased,
        });
    }
    Ok(DutyLine {
        agreement: entry.id.clone(),
        side: match entry.side {
            Side::Provider => protocol::Side::Provider,
            Side::Consumer => protocol::Side::Consumer,
        },
        other: entry.other.to_string(),
        dataset: entry.target.clone(),
        obligation: rule.id().to_owned(),
        action: rule.action().name().to_owned(),
        whose: owed.whose.to_owned(),
        comes_first: owed.comes_first,
        due: rule.deadline().map(|moment| moment.text().to_owned()),
        due_ms: rule.over_from_ms(),
        state,
        enforced_by: vouched(rule.seen_to_by()).to_owned(),
        statement,
    })
}

/// How far an obligation has come of which nothing is stated.
fn standing(over_from_ms: Option<u64>, now_ms: u64) -> DutyStanding {
    match over_from_ms {
        Some(from_ms) if now_ms >= from_ms => DutyStanding::Overdue,
        Some(from_ms) if from_ms - now_ms <= SOON_MS => DutyStanding::DueSoon,
        _ => DutyStanding::Open,
    }
}

/// Every obligation that `wanted` agreements have; what is due first, first.
///
/// # Errors
/// When the log or the state cannot be read.
pub(crate) fn all(node: &Node, wanted: impl Fn(&AgreementEntry) -> bool) -> Result<Vec<DutyLine>, Failure> {
    let mut found = Vec::new();
    for entry in obliging(node)?.filter(|entry| wanted(entry)) {
        found.extend(of(node, &entry)?);
    }
    found.sort_by_cached_key(order);
    Ok(found)
}

/// The same of all agreements, and what is wrong with those that cannot be read: one damaged record silences no other agreement.
///
/// # Errors
/// When the agreements cannot be read.
fn legible(node: &Node) -> Result<(Vec<DutyLine>, Vec<String>), Failure> {
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for entry in obliging(node)? {
        match of(node, &entry) {
            Ok(lines) => found.extend(lines),
            Err(why) => failed.push(format!(
                "the obligations under agreement `{}` cannot be read: {why}; nobody is reminded of them; run `herleid doctor`",
                entry.id
            )),
        }
    }
    found.sort_by_cached_key(order);
    Ok((found, failed))
}

/// By what they are listed: the deadline, then what names one of them.
pub(crate) fn order(line: &DutyLine) -> String {
    let (due_ms, side) = (line.due_ms.unwrap_or(u64::MAX), line.side == protocol::Side::Provider);
    format!("{due_ms:020}/{side}/{}/{}", line.obligation, line.agreement)
}

/// Lists obligations.
///
/// # Errors
/// When the log or the state cannot be read; when the agreement that is asked about is not there.
pub(crate) async fn list(node: Arc<Node>, request: Duties, _progress: Progress) -> Result<DutyList, Failure> {
    let listing = tokio::task::spawn_blocking(move || {
        let Duties { agreement, limit } = request;
        if let Some(id) = &agreement {
            agreed(&node, id)?;
        }
        let mut duties = all(&node, |entry| agreement.as_ref().is_none_or(|id| *id == entry.id))?;
        let total = duties.len() as u64;
        duties.truncate(limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)));
        Ok(DutyList { total, duties })
    });
    listing.await.map_err(Failure::failed)?
}

/// The agreement with this identifier, on each side on which there is one.
pub(crate) fn agreed(node: &Node, id: &str) -> Result<Vec<AgreementEntry>, Failure> {
    let sides = [Side::Consumer, Side::Provider].into_iter();
    let entries = sides.map(|side| node.state.get::<AgreementEntry>(&AgreementEntry::key(id, side)));
    let entries: Vec<AgreementEntry> = entries.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    match entries.is_empty() {
        true => {
            Err(Failure::missing(format!("there is no agreement `{id}` here")).next("`herleid agreements` lists them"))
        }
        false => Ok(entries),
    }
}

/// What is known of the obligations under an agreement, added to what a decision rests on. What was to be deleted is not among it: after
/// its date nothing is given, whatever was stated, and before it nothing rests on that.
///
/// # Errors
/// When the store fails. What is kept and cannot be read counts as nothing known.
pub(crate) fn known(
    node: &Node,
    entry: &AgreementEntry,
    policy: &Policy,
    mut facts: Facts,
) -> Result<Facts, LedgerError> {
    let owed = owed(policy).into_iter().map(|owed| owed.rule);
    for rule in owed.filter(|rule| rule.action().name() != DELETE) {
        let Some(bytes) = node.ledger.get(&Stated::key(entry.side, &entry.id, rule.id()))? else {
            continue;
        };
        let Ok(stated) = serde_json::from_slice::<Stated>(&bytes) else {
            continue;
        };
        let Some(received_ms) = stated.received_ms else {
            continue;
        };
        let source = match stated.late {
            true => "a statement in the log of who is obliged, recorded by both ends; it was late",
            false => "a statement in the log of who is obliged, recorded by both ends",
        };
        facts = facts.with_duty(rule.id(), DutyState::Fulfilled, source, stated.enforced_by, received_ms);
    }
    Ok(facts)
}
