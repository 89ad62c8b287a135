//! Erasing: one person proposes, another approves, nothing that is held goes, and every act is recorded. The ledger erases; the connector adds
//! what it keeps itself: the bytes, and what it remembers of pulls and runs.

mod about;
mod again;
mod bytes;
mod entries;
mod holds;
pub(crate) mod over;
mod people;
mod published;
pub(crate) mod register;
mod remembered;
mod retention;
mod select;
pub(crate) mod strip;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use again::again;
pub(crate) use bytes::{Came, all_offered, is_led_to, leading_in, mark, offered, offered_by};
pub(crate) use holds::hold;
pub(crate) use over::remains;
pub(crate) use retention::retention;
pub(crate) use select::held;
pub(crate) use told::{Notice, deliver, take};

use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Erase, EraseAnswer, ErasureLine, ErasureState, PersonToken};
use crate::net::server::CancellationToken;
use crate::node::{Node, fresh_trace};
use crate::state::{Change, set};
use entries::ERASURES;
use herleid_ledger::{EraseError, Erased, Erasure, Ground, Ledger, LedgerError, Target};
use over::Of;
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::Duration;

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// What could not be removed from files is tried again this often.
const AGAIN: Duration = Duration::from_secs(60);
/// How long whoever approves waits for the recipients to be told.
const TELLING: Duration = Duration::from_secs(10);

/// Carries out `erase`.
///
/// # Errors
/// Why it is refused; nothing has changed then.
pub(crate) async fn erase(node: Arc<Node>, request: Erase, _progress: Progress) -> Result<EraseAnswer, Failure> {
    match request {
        Erase::Propose {
            what,
            log,
            sections,
            ground,
            authority,
            complete_days,
            person,
        } => {
            let of = Of::named(&node, log.as_deref())?;
            let elsewhere = over::elsewhere(&node, &of, &what)?;
            let records = match select::records(&of, &what, &sections) {
                Err(_) if !of.is_over && !elsewhere.is_empty() && select::indices(&of, &what).is_err() => {
                    return Err(over::refused(&elsewhere));
                }
                found => found?,
            };
            let line = ErasureLine {
                id: node.fresh_id(),
                log: of.is_over.then(|| of.ledger.origin().to_owned()),
                state: ErasureState::Proposed,
                ground,
                authority,
                complete_by_ms: node
                    .now_ms()
                    .saturating_add(u64::from(complete_days).saturating_mul(DAY_MS)),
                proposed_by: people::known(&node.config.erasure, &person)?,
                is_planned: Some(false),
                decided_by: None,
                is_buried: None,
                recipients: Vec::new(),
                records,
                elsewhere,
            };
            propose(&node, line).await
        }
        Erase::Approve { id, person } => {
            // In a task of its own: whoever asked may go away, and it must not be left half done.
            let approving = tokio::spawn(async move { approve(&node, &id, &person).await });
            approving.await.map_err(Failure::failed)?
        }
        Erase::Reject { id, person } => {
            let by = people::known(&node.config.erasure, &person)?;
            let _turn = node.erasing.lock().await;
            let before = entries::open(&node, &id)?;
            let mut after = before.clone();
            after.state = ErasureState::Rejected;
            after.decided_by = Some(by.clone());
            entries::record(&node, Some(&before), Some(&after), &by).await?;
            Ok(EraseAnswer::Erasure(Box::new(after)))
        }
        Erase::List {} => {
            let all = node.state.scan::<ErasureLine>(ERASURES)?.into_iter().rev();
            let below = bytes::buried_below(&node)?;
            let all = all.map(|(_, line)| entries::with_tombstones(&node, line, below));
            Ok(EraseAnswer::Erasures(all.collect::<Result<_, _>>()?))
        }
        Erase::Told {} => Ok(EraseAnswer::Told(told::all(&node)?)),
        Erase::Show { id } => {
            let line = entries::proposal(&node, &id)?;
            let below = bytes::buried_below(&node)?;
            let line = entries::with_tombstones(&node, line, below)?;
            Ok(EraseAnswer::Erasure(Box::new(line)))
        }
    }
}

async fn propose(node: &Arc<Node>, line: ErasureLine) -> Result<EraseAnswer, Failure> {
    let _turn = node.erasing.lock().await;
    // A plan leaves out what is proposed; another may have been carried out since it was made.
    if line.is_planned == Some(true)
        && let Some(id) = entries::proposed_before(node, &line)?
    {
        return Err(Failure::refused(format!("`{id}` proposes some of the same records"))
            .next(format!("`herleid erase show {id}`")));
    }
    let of = Of::named(node, line.log.as_deref())?;
    let targets = select::targets(&of, &line.records)?;
    select::check_holds(node, &of, &targets)?;
    select::check_offers(node, &of, &targets)?;
    of.ledger.can_erase(&erasure(node, &line, targets, Vec::new())?)?;
    entries::record(node, None, Some(&line), &line.proposed_by).await?;
    Ok(EraseAnswer::Erasure(Box::new(line)))
}

async fn approve(node: &Arc<Node>, id: &str, person: &PersonToken) -> Result<EraseAnswer, Failure> {
    let by = people::known(&node.config.erasure, person)?;
    let turn = node.erasing.lock().await;
    let mut line = entries::open(node, id)?;
    if by.id == line.proposed_by.id {
        return Err(Failure::refused(format!(
            "{by} proposed `{id}`, and another person has to approve it: it takes two to erase something"
        ))
        .next("let another of `[[erasure.people]]` approve it"));
    }
    let of = Of::named(node, line.log.as_deref())?;
    let targets = select::targets(&of, &line.records)?;
    select::check_holds(node, &of, &targets)?;
    select::check_offers(node, &of, &targets)?;
    line.state = ErasureState::Erased;
    line.decided_by = Some(by);
    // What would be refused must not be listed: it would be erased at the next start.
    of.ledger
        .can_erase(&erasure(node, &line, targets.clone(), Vec::new())?)?;
    retention::check_over(node, &line).await?;
    // Before anything is erased: what a backup does not know is known there.
    let listed = register::add(node, &line)?;
    if let Err(refused) = carry_out(node, &of, &line, targets, &line).await {
        match listed {
            Some(path) if refused.is_known => register::take_off(&path, &node.manifests, node.now_ms() / 1000),
            Some(path) => tracing::warn!(
                path = %path.display(),
                "whether it was erased is not known; it is listed, and the next start sees to it"
            ),
            None => {}
        }
        return Err(refused.failure);
    }
    // Others may be told by us while they tell us.
    drop(turn);
    // Who cannot be reached now, or does not answer soon, is told later: whoever approves does not wait for that.
    if let Ok(Err(error)) = tokio::time::timeout(TELLING, deliver(node)).await {
        tracing::error!(%id, %error, "who has to be told could not be looked through; it is tried again");
    }
    let told = bytes::buried_below(node).and_then(|below| entries::with_tombstones(node, line, below));
    let told = told.map_err(|error| {
        Failure::failed(format!("it is erased, but what became of it cannot be read: {error}"))
            .next(format!("`herleid erase show {id}`, once the storage can be read"))
    })?;
    Ok(EraseAnswer::Erasure(Box::new(told)))
}

/// Why something was not erased.
struct NotErased {
    failure: Failure,
    /// Whether nothing can have been erased. Where the answer was lost, the tombstones may be durable.
    is_known: bool,
}

impl<T: Into<Failure>> From<T> for NotErased {
    fn from(failure: T) -> Self {
        Self {
            failure: failure.into(),
            is_known: true,
        }
    }
}

/// Erases `targets` of the log `of` as `line` says, and keeps `kept` as what became of the proposal.
///
/// # Errors
/// When nothing was erased, or whether it was is not known. From the tombstones on nothing fails: what is left to do is done later.
async fn carry_out(
    node: &Arc<Node>,
    of: &Of,
    line: &ErasureLine,
    targets: Vec<Target>,
    kept: &ErasureLine,
) -> Result<(), NotErased> {
    let id = &line.id;
    // What is kept beside a log that is over goes with that log.
    let still = match of.is_over {
        true => None,
        false => published::still(node, &targets).await?,
    };
    // Also of a log that is over, where it is done later: what cannot be found out is found out before the tombstones.
    let mut state = remembered::changes(of, &targets)?;
    if of.is_over {
        state.clear();
    }
    state.push(set(format!("{ERASURES}{id}"), kept)?);
    state.extend(told::tell(node, of, line, &targets)?);
    let erasure = erasure(node, line, targets, state)?;
    let (ledger, over) = (node.ledger.clone(), of.is_over.then(|| of.ledger.clone()));
    let own = Arc::clone(node);
    // Rewriting files may take minutes.
    let erased = tokio::task::spawn_blocking(move || match over {
        None => ledger.erase(erasure),
        Some(over) => entombed(&own, &over, &erasure),
    });
    let erased = erased.await;
    let erased = erased.map_err(|error| NotErased {
        failure: Failure::failed(error),
        is_known: false,
    })?;
    let erased = erased.map_err(|error| NotErased {
        is_known: !error.is_unknown(),
        failure: error.into(),
    })?;
    node.has_grown();
    if let Some(still) = still {
        still.renew(node).await;
    }
    if !erased.is_buried {
        let why = erased.why.unwrap_or_else(|| "somebody reads or writes them".to_owned());
        tracing::warn!(%id, %why, "files still hold what was erased; it is tried again");
    }
    match bytes::remove(node, Came::Recorded).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(%id, "somebody has just brought bytes that were to go; it is tried again"),
        Err(error) => tracing::error!(%id, %error, "bytes that were to go could not be removed; it is tried again"),
    }
    Ok(())
}

/// Erases something in a log that is over; from the tombstones on nothing fails.
fn entombed(node: &Node, over: &Ledger, erasure: &Erasure) -> Result<Erased, EraseError> {
    let tombstones = node.ledger.entomb(over, erasure)?;
    // As this connector reads it, and not as it lay there when it was erased again.
    let read = node.previous.iter().find(|log| log.origin() == over.origin());
    let stripped = read.map_or(Ok(true), |over| strip::strip(node, over));
    Ok(Erased {
        tombstones,
        is_buried: *stripped.as_ref().unwrap_or(&false),
        why: stripped.err().map(|error| error.to_string()),
    })
}

fn erasure(node: &Node, line: &ErasureLine, targets: Vec<Target>, state: Vec<Change>) -> Result<Erasure, Failure> {
    let said = [
        ("proposal", json!(line.id)),
        ("proposedBy", json!(line.proposed_by.to_string())),
        ("approvedBy", json!(line.decided_by.as_ref().map(ToString::to_string))),
    ];
    Ok(Erasure {
        trace: fresh_trace(node),
        targets,
        ground: line
            .ground
            .parse::<Ground>()
            .map_err(|error| Failure::usage(error).next("give one of these with `--ground`"))?,
        authority: line.authority.clone(),
        complete_by_ms: line.complete_by_ms,
        facts: said
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
        state,
    })
}

/// Why this log is not all of the one of which erasures are listed, or another history of it: what is listed is signed by its own key.
///
/// # Errors
/// When the list or the log cannot be read.
pub(crate) fn is_behind(node: &Node) -> Result<Option<String>, Failure> {
    register::check_history(node)
}

/// Goes on with what a stop interrupted or could not be done at once, and removes again what a backup brought back.
///
/// # Errors
/// When it cannot be looked for, or removed.
pub(crate) async fn go_on(node: &Arc<Node>, came: Came) -> Result<(), Failure> {
    let ledger = node.ledger.clone();
    let buried = tokio::task::spawn_blocking(move || {
        if came == Came::Restored {
            ledger.sweep_documents()?;
        }
        ledger.bury()
    });
    let buried = buried.await;
    // Also when the other has failed. Not beside an erasure, of which the tombstone is there and the index entries still are: the bytes would
    // count as used, and as looked at.
    let turn = node.erasing.lock().await;
    let are_stripped = strip::strip_all(node).await;
    let are_gone = bytes::remove(node, came).await?;
    drop(turn);
    if !(buried.map_err(Failure::failed)?? && are_stripped? && are_gone) {
        tracing::warn!("files still hold something that was erased; it is tried again");
    }
    Ok(())
}

/// Does so as long as the service runs.
pub(crate) async fn keep_going_on(node: Arc<Node>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(AGAIN);
    // At the start it was done already.
    interval.tick().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        if let Err(error) = go_on(&node, Came::Recorded).await {
            tracing::error!(%error, "files that may hold something that was erased could not be rewritten; it is tried again");
        }
    }
}

impl From<EraseError> for Failure {
    fn from(error: EraseError) -> Self {
        match &error {
            EraseError::Ledger(LedgerError::NoRecord { .. } | LedgerError::NoSection { .. }) => Self::missing(&error)
                .next("`herleid trace` shows the records that there are, and `herleid erase list` what is gone"),
            // They say themselves what to do.
            EraseError::Nothing
            | EraseError::TooMany { .. }
            | EraseError::Twice { .. }
            | EraseError::Authority
            | EraseError::Past { .. } => Self::usage(&error),
            EraseError::Kind { .. }
            | EraseError::Act { .. }
            | EraseError::Section { .. }
            | EraseError::Before { .. } => Self::refused(&error),
            EraseError::Ledger(LedgerError::Closed) => {
                Self::failed(&error).next("start the service again; `herleid erase list` says whether it was erased")
            }
            EraseError::Append(_) | EraseError::Ledger(_) => {
                Self::failed(&error).next("nothing was erased; see what `herleid doctor` says, and try again")
            }
        }
    }
}
