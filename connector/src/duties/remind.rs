//! Reminders: that an obligation is due soon, and that it is overdue, each told once as an event; and what a person should look at.

use super::{deliver, legible};
use crate::commands::Failure;
use crate::control::protocol::{DutyLine, DutyStanding, Side};
use crate::journal::Entry;
use crate::node::Node;
use crate::state::set;
use herleid_vocab::time::format_rfc3339_ms;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often it is asked whether something may have become due.
const ROUND: Duration = Duration::from_secs(2);
/// All agreements are looked through after so long, or when the next date comes,
const AGAIN_MS: u64 = 60_000;
/// and when something was recorded, which may be an agreement, after so long.
const GROWN_MS: u64 = 5_000;
/// Changes that are written at once.
const AT_ONCE: usize = 256;
/// What was told of an obligation, by side, agreement and obligation.
const REMINDED: &str = "duty-reminded/";

/// What was told of an obligation, UTC milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reminded {
    soon_ms: Option<u64>,
    overdue_ms: Option<u64>,
}

/// When it was last looked, and when the next date comes.
#[derive(Default)]
struct Looked {
    at_ms: u64,
    size: u64,
    next_ms: Option<u64>,
}

impl Looked {
    fn is_time(&self, now_ms: u64, size: u64) -> bool {
        // A clock that was set back must not silence anything.
        let since = now_ms.checked_sub(self.at_ms);
        since.is_none_or(|since| since >= AGAIN_MS || (since >= GROWN_MS && size != self.size))
            || self.next_ms.is_some_and(|next_ms| now_ms >= next_ms)
    }
}

/// Reminds, and brings statements that were not taken, as long as the service runs.
pub(crate) async fn keep_reminding(node: Arc<Node>) {
    let mut interval = tokio::time::interval(ROUND);
    let mut looked = Looked::default();
    loop {
        interval.tick().await;
        let (now_ms, size) = (node.now_ms(), node.ledger.size());
        if !looked.is_time(now_ms, size) {
            continue;
        }
        let reminding = node.clone();
        let next_ms = match tokio::task::spawn_blocking(move || remind(&reminding)).await {
            Ok(Ok(next_ms)) => next_ms,
            Ok(Err(error)) => {
                tracing::error!(%error, "obligations could not be looked through; it is tried again");
                None
            }
            Err(error) => {
                tracing::error!(%error, "obligations could not be looked through; it is tried again");
                None
            }
        };
        looked = Looked {
            at_ms: now_ms,
            size,
            next_ms,
        };
        if let Err(error) = deliver::all(&node).await {
            tracing::error!(%error, "statements could not be brought; it is tried again");
        }
    }
}

/// Tells what became due since the last time, and gives when the next date comes.
///
/// # Errors
/// When the log or the state cannot be read or written.
pub(super) fn remind(node: &Node) -> Result<Option<u64>, Failure> {
    let now_ms = node.now_ms();
    let (mut entries, mut changes, mut next_ms) = (Vec::new(), Vec::new(), None);
    let (lines, failed) = legible(node)?;
    for why in failed {
        tracing::error!("{why}");
    }
    for line in lines {
        let key = format!("{REMINDED}{:?}/{}/{}", line.side, line.agreement, line.obligation);
        let mut told: Reminded = node.state.get(&key)?.unwrap_or_default();
        let turns = line
            .due_ms
            .into_iter()
            .flat_map(|due_ms| [due_ms.saturating_sub(super::SOON_MS), due_ms]);
        next_ms = turns.filter(|turn| *turn > now_ms).chain(next_ms).min();
        let place = match line.state {
            DutyStanding::DueSoon => &mut told.soon_ms,
            DutyStanding::Overdue => &mut told.overdue_ms,
            DutyStanding::Open | DutyStanding::Stated | DutyStanding::Fulfilled => continue,
        };
        if place.is_none() {
            *place = Some(now_ms);
            changes.push(set(key, &told)?);
            entries.push(reminder(&line, now_ms));
        }
    }
    let (mut entries, mut changes) = (entries.into_iter().peekable(), changes.into_iter());
    while entries.peek().is_some() {
        let part: Vec<Entry> = entries.by_ref().take(AT_ONCE).collect();
        let mut written: Vec<_> = changes.by_ref().take(part.len()).collect();
        let noted = node.journal.note(&part, &mut written)?;
        node.state.write(written)?;
        drop(noted);
    }
    Ok(next_ms)
}

fn reminder(line: &DutyLine, at_ms: u64) -> Entry {
    let about = [
        ("agreement", line.agreement.clone()),
        ("dataset", line.dataset.clone()),
        ("obligation", line.obligation.clone()),
        ("action", line.action.clone()),
        ("whose", line.whose.clone()),
        ("due", line.due.clone().unwrap_or_default()),
    ];
    Entry {
        at_ms,
        of: "obligation".to_owned(),
        pid: line.agreement.clone(),
        role: match line.side {
            Side::Provider => "provider",
            Side::Consumer => "consumer",
        }
        .to_owned(),
        counterparty: line.other.clone(),
        from: None,
        to: line.state.as_str().to_owned(),
        by: "clock".to_owned(),
        about: about
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<BTreeMap<_, _>>(),
        code: None,
    }
}

/// What a person should look at: what is due soon, what is overdue, and what was stated and not taken.
///
/// # Errors
/// When the log or the state cannot be read.
pub(crate) fn warnings(node: &Node) -> Result<Vec<String>, Failure> {
    let (lines, failed) = legible(node)?;
    Ok(lines.iter().filter_map(warning).chain(failed).collect())
}

fn warning(line: &DutyLine) -> Option<String> {
    let DutyLine {
        whose,
        action,
        agreement,
        ..
    } = line;
    let due = line.due_ms.map(format_rfc3339_ms).unwrap_or_default();
    match line.state {
        DutyStanding::DueSoon => Some(format!(
            "`{whose}` has to `{action}` under agreement `{agreement}` before {due}; `herleid duties` says what is due"
        )),
        DutyStanding::Overdue => Some(format!(
            "`{whose}` had to `{action}` under agreement `{agreement}` before {due} and has not stated that it did; nothing is given under it"
        )),
        DutyStanding::Stated => line.statement.as_ref()?.undelivered.as_ref().map(|why| {
            format!("the statement that `{whose}` did `{action}` under agreement `{agreement}` was not taken yet: {why}; it is brought again")
        }),
        DutyStanding::Open | DutyStanding::Fulfilled => None,
    }
}
