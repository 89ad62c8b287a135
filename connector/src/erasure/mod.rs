//! Erasing: one person proposes, another approves, nothing that is held goes, and every act is recorded. The ledger erases; the connector adds
//! what it keeps itself: the bytes, and what it remembers of pulls and runs.

mod entries;
mod people;
mod select;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use told::{Notice, deliver, take};

use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{
    Erase, EraseAnswer, ErasureLine, ErasureState, Hold, HoldAnswer, HoldLine, Meant, PersonToken,
};
use crate::node::{Node, fresh_trace};
use crate::state::{Change, set};
use entries::{ERASURES, HOLDS, LEFT};
use herleid_ledger::{EraseError, Erasure, Ground, LedgerError, Target};
use select::Kept;
use serde_json::{Map, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// Characters of a reason.
const LONGEST: usize = 400;

/// Carries out `erase`.
///
/// # Errors
/// Why it is refused; nothing has changed then.
pub(crate) async fn erase(node: Arc<Node>, request: Erase, _progress: Progress) -> Result<EraseAnswer, Failure> {
    match request {
        Erase::Propose {
            what,
            sections,
            ground,
            authority,
            complete_days,
            person,
        } => {
            let line = ErasureLine {
                id: node.fresh_id(),
                state: ErasureState::Proposed,
                ground,
                authority,
                complete_by_ms: node
                    .now_ms()
                    .saturating_add(u64::from(complete_days).saturating_mul(DAY_MS)),
                proposed_by: people::known(&node.config.erasure, &person)?.name.clone(),
                decided_by: None,
                recipients: Vec::new(),
                records: select::records(&node, &what, &sections)?,
            };
            propose(&node, line).await
        }
        Erase::Approve { id, person } => {
            // In a task of its own: whoever asked may go away, and it must not be left half done.
            let approving = tokio::spawn(async move { approve(&node, &id, &person).await });
            approving.await.map_err(Failure::failed)?
        }
        Erase::Reject { id, person } => {
            let by = people::known(&node.config.erasure, &person)?.name.clone();
            let _turn = node.erasing.lock().await;
            let before = entries::open(&node, &id)?;
            let mut after = before.clone();
            after.state = ErasureState::Rejected;
            after.decided_by = Some(by.clone());
            entries::record(&node, Some(&before), Some(&after), &by).await?;
            Ok(EraseAnswer::Erasure(after))
        }
        Erase::List {} => {
            let all = node.state.scan::<ErasureLine>(ERASURES)?.into_iter().rev();
            let all = all.map(|(_, line)| entries::with_tombstones(&node, line));
            Ok(EraseAnswer::Erasures(all.collect::<Result<_, _>>()?))
        }
        Erase::Told {} => Ok(EraseAnswer::Told(told::all(&node)?)),
        Erase::Show { id } => {
            let line = entries::proposal(&node, &id)?;
            Ok(EraseAnswer::Erasure(entries::with_tombstones(&node, line)?))
        }
    }
}

async fn propose(node: &Arc<Node>, line: ErasureLine) -> Result<EraseAnswer, Failure> {
    let _turn = node.erasing.lock().await;
    let targets = select::targets(node, &line.records)?;
    select::check_holds(node, &targets)?;
    node.ledger.can_erase(&erasure(node, &line, targets, Vec::new())?)?;
    entries::record(node, None, Some(&line), &line.proposed_by).await?;
    Ok(EraseAnswer::Erasure(line))
}

async fn approve(node: &Arc<Node>, id: &str, person: &PersonToken) -> Result<EraseAnswer, Failure> {
    let by = people::known(&node.config.erasure, person)?.name.clone();
    let turn = node.erasing.lock().await;
    let mut line = entries::open(node, id)?;
    if by == line.proposed_by {
        return Err(Failure::refused(format!(
            "{by} proposed `{id}`, and another person has to approve it: it takes two to erase something"
        ))
        .next("let another of `[[erasure.people]]` approve it"));
    }
    let targets = select::targets(node, &line.records)?;
    select::check_holds(node, &targets)?;
    line.state = ErasureState::Erased;
    line.decided_by = Some(by);
    let Kept { mut state, payloads } = select::kept(node, &targets)?;
    state.push(set(format!("{ERASURES}{id}"), &line)?);
    state.extend(told::tell(node, id, &targets, &line.ground, line.complete_by_ms)?);
    let left = format!("{LEFT}{id}");
    if !payloads.is_empty() {
        state.push(set(&left, &payloads)?);
    }
    let erasure = erasure(node, &line, targets, state)?;
    let ledger = node.ledger.clone();
    // Rewriting files may take minutes.
    let erased = tokio::task::spawn_blocking(move || ledger.erase(erasure)).await;
    let erased = erased.map_err(Failure::failed)??;
    node.has_grown();
    if !erased.is_buried {
        tracing::warn!(%id, "files that hold what was erased are still being read; they go when the service is next started");
    }
    if !payloads.is_empty() {
        remove_payloads(node, left, payloads).await?;
    }
    // Others may be told by us while they tell us.
    drop(turn);
    // Who cannot be reached now is told later.
    deliver(node).await?;
    Ok(EraseAnswer::Erasure(entries::with_tombstones(node, line)?))
}

fn erasure(node: &Node, line: &ErasureLine, targets: Vec<Target>, state: Vec<Change>) -> Result<Erasure, Failure> {
    let said = [
        ("proposal", json!(line.id)),
        ("proposedBy", json!(line.proposed_by)),
        ("approvedBy", json!(line.decided_by)),
    ];
    Ok(Erasure {
        trace: fresh_trace(node),
        targets,
        ground: line.ground.parse::<Ground>().map_err(Failure::usage)?,
        authority: line.authority.clone(),
        complete_by_ms: line.complete_by_ms,
        facts: said
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
        state,
    })
}

/// Removes the payloads that no record leads to any more, and then what says that they have to go.
async fn remove_payloads(node: &Arc<Node>, left: String, payloads: BTreeSet<String>) -> Result<(), Failure> {
    let node = node.clone();
    let removing = tokio::task::spawn_blocking(move || {
        for sha256 in payloads {
            if select::is_unused(&node, &sha256)? {
                node.payloads.remove(&sha256)?;
            }
        }
        Ok(node.ledger.forget(&[left])?)
    });
    removing.await.map_err(Failure::failed)?
}

/// Goes on with what a stop interrupted.
///
/// # Errors
/// When it cannot be looked for, or removed.
pub(crate) async fn go_on(node: &Arc<Node>) -> Result<(), Failure> {
    for (key, payloads) in node.state.scan::<BTreeSet<String>>(LEFT)? {
        remove_payloads(node, key, payloads).await?;
    }
    Ok(())
}

/// Carries out `hold`.
///
/// # Errors
/// Why it is refused; nothing has changed then.
pub(crate) async fn hold(node: Arc<Node>, request: Hold, _progress: Progress) -> Result<HoldAnswer, Failure> {
    let holds = || -> Result<Vec<HoldLine>, Failure> {
        let all = node.state.scan::<HoldLine>(HOLDS)?.into_iter();
        Ok(all.map(|(_, line)| line).collect())
    };
    match request {
        Hold::Add { what, reason, person } => {
            let by = people::known(&node.config.erasure, &person)?.name.clone();
            if reason.trim().is_empty() || reason.chars().count() > LONGEST || reason.chars().any(char::is_control) {
                return Err(Failure::usage(format!(
                    "the reason is empty, has several lines or is longer than {LONGEST} characters: it is recorded"
                )));
            }
            let _turn = node.erasing.lock().await;
            // A hold on what is not there, by a slip of the pen, would hold nothing.
            let found = select::indices(&node, &what)?;
            let what = match what {
                Meant::Records(_) => Meant::Records(found),
                other => other,
            };
            let (id, since_ms) = (node.fresh_id(), node.now_ms());
            let line = HoldLine {
                id,
                what,
                reason,
                by: by.clone(),
                since_ms,
            };
            entries::record(&node, None, Some(&line), &by).await?;
            Ok(HoldAnswer {
                holds: vec![line],
                removed: false,
            })
        }
        Hold::Remove { id, person } => {
            let by = people::known(&node.config.erasure, &person)?.name.clone();
            let _turn = node.erasing.lock().await;
            let line = holds()?.into_iter().find(|line| line.id == id).ok_or_else(|| {
                Failure::missing(format!("there is no hold `{id}`")).next("`herleid hold list` lists them")
            })?;
            entries::record(&node, Some(&line), None, &by).await?;
            Ok(HoldAnswer {
                holds: vec![line],
                removed: true,
            })
        }
        Hold::List {} => Ok(HoldAnswer {
            holds: holds()?,
            removed: false,
        }),
    }
}

impl From<EraseError> for Failure {
    fn from(error: EraseError) -> Self {
        match &error {
            EraseError::Ledger(LedgerError::NoRecord { .. } | LedgerError::NoSection { .. }) => Self::missing(&error),
            EraseError::Nothing
            | EraseError::TooMany { .. }
            | EraseError::Twice { .. }
            | EraseError::Authority
            | EraseError::Past { .. } => Self::usage(&error),
            EraseError::Kind { .. } | EraseError::Section { .. } | EraseError::Before { .. } => Self::refused(&error),
            EraseError::Append(_) | EraseError::Ledger(_) => Self::failed(&error),
        }
    }
}
