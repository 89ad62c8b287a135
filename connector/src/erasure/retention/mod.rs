//! What a selection list says is over: shown by `retention plan`, proposed to be erased by `retention apply`. Nothing is erased here: a
//! proposal waits for a second person like any other, and what is held is not proposed.

mod plan;
mod protected;
mod units;

use super::{DAY_MS, people, propose};
use crate::commands::Failure;
use crate::control::error::Code;
use crate::control::progress::Progress;
use crate::control::protocol::{
    Actor, EraseAnswer, ErasedRecord, ErasureLine, ErasureState, Retention, RetentionAnswer, RetentionState,
};
use crate::node::Node;
use plan::Planned;
use std::sync::Arc;

/// Records of one proposal: as many as one erasure takes.
const MOST: usize = 1_024;
/// On which ground a selection list has something erased.
const GROUND: &str = "archiefwet";

/// Carries out `retention`.
///
/// # Errors
/// When there are no rules, something cannot be read, or the token is nobody's.
pub(crate) async fn retention(
    node: Arc<Node>,
    request: Retention,
    _progress: Progress,
) -> Result<RetentionAnswer, Failure> {
    if node.config.retention.rules.is_empty() {
        return Err(Failure::new(
            Code::Configuration,
            "no rule says how long anything is kept: there is none under `retention.rules`",
        )
        .next("name the rules of your selection list (docs/retention.md), and start the service again"));
    }
    match request {
        Retention::Plan { on_ms } => {
            let now_ms = node.now_ms();
            let planned = planned(&node, on_ms.unwrap_or(now_ms)).await?;
            Ok(answer(&node, planned, Vec::new()))
        }
        Retention::Apply { complete_days, person } => {
            let by = people::known(&node.config.erasure, &person)?;
            let mut planned = planned(&node, node.now_ms()).await?;
            let complete_by_ms = node.now_ms().saturating_add(u64::from(complete_days) * DAY_MS);
            let mut proposals = Vec::new();
            for one in planned.iter_mut().filter(|one| one.line.state == RetentionState::Due) {
                let (ids, refused) = of(&node, one, &by, complete_by_ms).await;
                one.line.state = match refused {
                    // The others are not to wait for this one.
                    Some(_) => RetentionState::Refused,
                    None => RetentionState::Proposed,
                };
                // What was proposed of it before is proposed.
                let whys = ids.iter().cloned().chain(refused.map(|error| error.to_string()));
                one.line.why = Some(whys.collect::<Vec<_>>().join(", "));
                proposals.extend(ids);
            }
            Ok(answer(&node, planned, proposals))
        }
    }
}

async fn planned(node: &Arc<Node>, now_ms: u64) -> Result<Vec<Planned>, Failure> {
    let node = node.clone();
    let planning = tokio::task::spawn_blocking(move || plan::plan(&node, now_ms));
    planning.await.map_err(Failure::failed)?
}

/// That what a plan proposed is over still: a case may have gone on since, another one rest on it, or a rule have changed.
///
/// # Errors
/// Names the record, and why it is not; or when the plan cannot be made.
pub(super) async fn check_over(node: &Arc<Node>, line: &ErasureLine) -> Result<(), Failure> {
    if !is_planned(line, &node.config.retention.list) {
        return Ok(());
    }
    let (own, records) = (node.clone(), line.records.clone());
    let looking = tokio::task::spawn_blocking(move || plan::not_over(&own, own.now_ms(), &records));
    match looking.await.map_err(Failure::failed)?? {
        None => Ok(()),
        Some((index, why)) => Err(Failure::refused(format!(
            "record {index} was over when `{}` was proposed, and is not now: {why}",
            line.id
        ))
        .next(format!(
            "`herleid erase reject {}`, then `herleid retention apply` for what is over still",
            line.id
        ))),
    }
}

/// Whether a plan proposed it. Where it does not say, because an older version wrote it, its words do: they begin with the list, whichever rule it was.
fn is_planned(line: &ErasureLine, list: &str) -> bool {
    line.is_planned
        .unwrap_or_else(|| line.ground == GROUND && !list.is_empty() && line.authority.starts_with(list))
}

/// Proposes all of one, in as many proposals as it takes: their identifiers, and why there are no more of them.
async fn of(node: &Arc<Node>, one: &Planned, by: &Actor, complete_by_ms: u64) -> (Vec<String>, Option<Failure>) {
    let mut ids = Vec::new();
    let authority = format!(
        "{}, {} ({})",
        node.config.retention.list, one.line.category, one.line.activity
    );
    for records in one.records.chunks(MOST) {
        let line = ErasureLine {
            id: node.fresh_id(),
            log: None,
            state: ErasureState::Proposed,
            ground: GROUND.to_owned(),
            authority: authority.clone(),
            complete_by_ms,
            proposed_by: by.clone(),
            is_planned: Some(true),
            decided_by: None,
            is_buried: None,
            recipients: Vec::new(),
            records: records.to_vec(),
            elsewhere: Vec::new(),
        };
        match propose(node, line).await {
            Ok(EraseAnswer::Erasure(line)) => ids.push(line.id),
            Ok(_) => {}
            Err(error) => return (ids, Some(error)),
        }
    }
    (ids, None)
}

fn answer(node: &Node, planned: Vec<Planned>, proposals: Vec<String>) -> RetentionAnswer {
    RetentionAnswer {
        list: node.config.retention.list.clone(),
        lines: planned.into_iter().map(|one| one.line).collect(),
        proposals,
    }
}

/// How many records of each kind.
fn kinds(records: &[ErasedRecord]) -> std::collections::BTreeMap<String, u64> {
    let mut kinds = std::collections::BTreeMap::new();
    for record in records {
        *kinds.entry(record.kind.clone()).or_default() += 1;
    }
    kinds
}
