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
                let made = of(&node, one, &by, complete_by_ms).await;
                match made {
                    Ok(ids) => {
                        one.line.state = RetentionState::Proposed;
                        one.line.why = Some(ids.join(", "));
                        proposals.extend(ids);
                    }
                    // The others are not to wait for this one.
                    Err(error) => {
                        one.line.state = RetentionState::Refused;
                        one.line.why = Some(error.to_string());
                    }
                }
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

/// Proposes all of one, in as many proposals as it takes.
async fn of(node: &Arc<Node>, one: &Planned, by: &Actor, complete_by_ms: u64) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let authority = format!(
        "{}, {} ({})",
        node.config.retention.list, one.line.category, one.line.activity
    );
    for records in one.records.chunks(MOST) {
        let line = ErasureLine {
            id: node.fresh_id(),
            state: ErasureState::Proposed,
            ground: "archiefwet".to_owned(),
            authority: authority.clone(),
            complete_by_ms,
            proposed_by: by.clone(),
            decided_by: None,
            is_buried: None,
            recipients: Vec::new(),
            records: records.to_vec(),
        };
        let EraseAnswer::Erasure(line) = propose(node, line).await? else {
            continue;
        };
        ids.push(line.id);
    }
    Ok(ids)
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
