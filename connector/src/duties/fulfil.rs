//! Stating that an obligation was met: done as far as this connector can do it, recorded in our log, and brought to the other end.

use super::delete::{Deleted, delete};
use super::stated::{LONGEST, Stated};
use super::{DELETE, agreed, deliver};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Duty, DutyLine, DutyStanding};
use crate::node::Node;
use crate::state::{AgreementEntry, Side};
use herleid_policies::EnforcedBy;
use herleid_vocab::time::format_rfc3339_ms;
use std::sync::Arc;
use std::time::Duration;

/// How long whoever states something waits for the other end to take it; it is brought again afterwards.
const BRINGING: Duration = Duration::from_secs(20);

/// Carries out `duty`.
///
/// # Errors
/// Why nothing is stated.
pub(crate) async fn fulfil(node: Arc<Node>, request: Duty, _progress: Progress) -> Result<DutyLine, Failure> {
    // In a task of its own: whoever asked may go away, and what is deleted has to be stated.
    let fulfilling = tokio::spawn(async move {
        let Duty::Fulfil {
            agreement,
            obligation,
            statement,
        } = request;
        let statement = worded(&statement)?;
        let (entry, line) = chosen(&node, &agreement, &obligation)?;
        // Nothing is held, erased or stated meanwhile.
        let turn = node.erasing.lock().await;
        state(&node, &entry, &line, statement).await?;
        drop(turn);
        // Who cannot be reached now, or does not answer soon, is brought it later.
        if let Ok(Err(error)) = tokio::time::timeout(BRINGING, deliver::to(&node, &entry, &line.obligation)).await {
            tracing::error!(%agreement, %error, "a statement could not be brought; it is tried again");
        }
        again(&node, &entry, &line.obligation)
    });
    fulfilling.await.map_err(Failure::failed)?
}

fn worded(statement: &str) -> Result<String, Failure> {
    let text = statement.trim();
    let is_odd = |c: char| c.is_control() && c != '\n';
    if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(is_odd) {
        return Err(Failure::usage(format!(
            "the statement is empty, longer than {LONGEST} characters, or has characters that cannot be shown: it is recorded by both ends"
        ))
        .next("say with `--statement` what was done"));
    }
    Ok(text.to_owned())
}

/// The obligation that is meant, which has to be ours.
fn chosen(node: &Node, agreement: &str, obligation: &str) -> Result<(AgreementEntry, DutyLine), Failure> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for entry in agreed(node, agreement)? {
        for line in super::of(node, &entry)? {
            if line.obligation != obligation && line.action != obligation {
                others.push(format!("`{}` ({})", line.obligation, line.action));
                continue;
            }
            found.push((entry.clone(), line));
        }
    }
    let is_ours =
        |(entry, line): &(AgreementEntry, DutyLine)| entry.side == Side::Consumer && line.whose == node.did.as_str();
    if let Some((_, line)) = found.first().filter(|_| !found.iter().any(is_ours)) {
        return Err(Failure::refused(format!(
            "`{}` under this agreement is for `{}` to do, and only that can state that it was done",
            line.action, line.whose
        ))
        .next("`herleid duties` says what was stated of it"));
    }
    found.retain(is_ours);
    match <[_; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(none) if none.is_empty() && others.is_empty() => Err(Failure::missing(format!(
            "there is no obligation under agreement `{agreement}`"
        ))
        .next("`herleid duties` lists the obligations there are")),
        Err(none) if none.is_empty() => Err(Failure::missing(format!(
            "there is no obligation `{obligation}` under agreement `{agreement}`; there is {}",
            others.join(", ")
        ))
        .next("name one of these")),
        Err(several) => {
            let names: Vec<String> = several
                .iter()
                .map(|(_, line)| format!("`{}`", line.obligation))
                .collect();
            Err(Failure::usage(format!(
                "`{obligation}` is {} obligations: {}",
                names.len(),
                names.join(", ")
            ))
            .next("name one of these"))
        }
    }
}

/// Does it, and records that it was done.
async fn state(node: &Arc<Node>, entry: &AgreementEntry, line: &DutyLine, statement: String) -> Result<(), Failure> {
    // As it is by now: somebody else may have stated it while this waited for its turn.
    let line = again(node, entry, &line.obligation)?;
    if let (DutyStanding::Stated | DutyStanding::Fulfilled, Some(said)) = (line.state, &line.statement) {
        return Err(Failure::refused(format!(
            "it was stated at {} already, and nothing was had under the agreement since",
            format_rfc3339_ms(said.stated_ms)
        ))
        .next("`herleid duties` says whether the other end has taken it"));
    }
    if entry.other_log.is_none() {
        return Err(Failure::refused(format!(
            "`{}` keeps no log, so it has nothing that takes a statement",
            entry.other
        ))
        .next("tell it yourself"));
    }
    let is_deletion = line.action == DELETE;
    let deleted = match is_deletion {
        true => {
            let (node, entry) = (node.clone(), entry.clone());
            let is_over = line.state == DutyStanding::Overdue;
            let deleting = tokio::task::spawn_blocking(move || delete(&node, &entry, is_over));
            deleting.await.map_err(Failure::failed)??
        }
        false => Deleted::default(),
    };
    let now_ms = node.now_ms();
    let stated = Stated {
        agreement: entry.id.clone(),
        side: Side::Consumer,
        other: entry.other.clone(),
        obligation: line.obligation.clone(),
        action: line.action.clone(),
        statement,
        stated_ms: now_ms,
        received_ms: None,
        late: line.due_ms.is_some_and(|due_ms| now_ms >= due_ms),
        enforced_by: match is_deletion {
            true => EnforcedBy::ConsumerConnector,
            false => EnforcedBy::Declared,
        },
        transactions: deleted.transactions.len() as u64,
        removed: deleted.removed,
        kept: deleted.kept,
        until: deleted.until,
        leaf: None,
        failures: 0,
        from_ms: 0,
        undelivered: None,
        erased: false,
    };
    let draft = stated.draft(node, &node.did, &deleted.transactions, &deleted.stayed)?;
    let changes = deleted.changes.into_iter();
    let draft = changes.fold(draft, |draft, (key, value)| draft.put(key, value));
    node.append(draft).await.map_err(Failure::failed)?;
    Ok(())
}

/// The obligation as it is now.
fn again(node: &Node, entry: &AgreementEntry, obligation: &str) -> Result<DutyLine, Failure> {
    let mut lines = super::of(node, entry)?.into_iter();
    lines
        .find(|line| line.obligation == obligation)
        .ok_or_else(|| Failure::missing(format!("there is no obligation `{obligation}` under `{}`", entry.id)))
}
