//! `hold`: what may not be erased.

use super::entries::{self, HOLDS};
use super::over::Of;
use super::{people, select};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Hold, HoldAnswer, HoldLine, Meant};
use crate::node::Node;
use std::sync::Arc;

/// Characters of a reason.
const LONGEST: usize = 400;

/// The records that a hold is about, in the log that goes on, or in one that is over where only such have it.
fn held_at(node: &Node, what: &Meant) -> Result<Vec<u64>, Failure> {
    let current = select::indices(&Of::current(node), what);
    match what {
        Meant::Records(_) => current,
        Meant::Case(_) | Meant::Agreement(_) => {
            let mut before = node.previous.iter().map(|log| select::indices(&Of::over(log), what));
            current.or_else(|refused| before.find_map(Result::ok).ok_or(refused))
        }
    }
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
            let by = people::known(&node.config.erasure, &person)?;
            if reason.trim().is_empty() || reason.chars().count() > LONGEST || reason.chars().any(char::is_control) {
                return Err(Failure::usage(format!(
                    "the reason is empty, has several lines or is longer than {LONGEST} characters: it is recorded"
                ))
                .next("say it in one line with `--reason`"));
            }
            let _turn = node.erasing.lock().await;
            // A hold on what is not there, by a slip of the pen, would hold nothing.
            let found = held_at(&node, &what)?;
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
            let by = people::known(&node.config.erasure, &person)?;
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
