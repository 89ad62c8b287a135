//! Removing what was erased in logs that are over from their files: at once, and again where that could not be done.

use super::over::{Erased, Of, UNREAD, is_left, options, said};
use super::{register, remembered};
use crate::commands::Failure;
use crate::node::{Node, Secrets};
use herleid_ledger::{Ledger, Target};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Removes from a log that is over whatever tombstones erase of it and is still there, with what this connector kept of it beside that log.
/// `false` when files hold something of it still. Waits, possibly for minutes.
///
/// # Errors
/// When it cannot be removed; it can be tried again.
pub(super) fn strip(node: &Node, over: &Ledger) -> Result<bool, Failure> {
    left(node, over)?.map_or(Ok(true), |gone| remove(node, over, &gone))
}

/// What tombstones erase of a log that is over, if its files hold any of it still.
fn left(node: &Node, over: &Ledger) -> Result<Option<Erased>, Failure> {
    let gone = said(node, over)?;
    Ok(is_left(over, &gone)?.then_some(gone))
}

fn remove(node: &Node, over: &Ledger, gone: &Erased) -> Result<bool, Failure> {
    let lies = Of::over(over).as_it_lies(node)?;
    let mut targets = Vec::new();
    for (index, sections) in gone {
        // What is bare was seen to in the write that bared it.
        if lies.ledger.still_holds(&Erased::from([(*index, sections.clone())]))? {
            targets.push(Target {
                index: *index,
                sections: sections.iter().copied().collect(),
                counterparty: None,
            });
        }
    }
    let mut state = remembered::changes(&lies, &targets)?;
    for target in &targets {
        // What goes with it out of what is kept beside the log is not known then, and never will be: a copy that can be read says it.
        if lies.record(target.index)?.is_none() {
            state.push((format!("{UNREAD}{:020}", target.index), Some(Vec::new())));
        }
    }
    let is_unread = state.iter().any(|(key, _)| key.starts_with(UNREAD));
    // Nobody but who removes has it open then.
    drop(lies);
    let options = options(node, over.origin())?;
    let secrets = Secrets::load(&node.config.keys.directory).map_err(Failure::failed)?;
    let folders = register::folders(node.config.erasure.register.as_deref(), &node.config.storage.directory)?;
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    let is_other = |index, leaf: &[u8; 32]| over.record(index).is_ok_and(|record| record.leaf() != leaf);
    let mut hidden = register::of_log(&folders, &secrets.log, over.origin(), is_other)?;
    for (index, sections) in gone {
        hidden.entry(*index).or_default().extend(sections);
    }
    Ok(over.strip_closed(&options, gone, &hidden, &state)? && !is_unread)
}

/// Most rounds, of which there is one each [`super::AGAIN`], after which what could not be removed from a log is tried again: six hours. Each try in
/// vain rewrites its files, and nothing else is erased and no backup made meanwhile.
pub(crate) const MOST_ROUNDS: u32 = 360;

/// Does so in all of them; where it cannot be done, it is not shown, and is tried again.
///
/// # Errors
/// When nothing was tried.
pub(super) async fn strip_all(node: &Arc<Node>) -> Result<bool, Failure> {
    let node = Arc::clone(node);
    let stripping = tokio::task::spawn_blocking(move || {
        let mut are_done = true;
        for over in &node.previous {
            let left = left(&node, over);
            if matches!(left, Ok(None)) {
                // An erasure may have seen to it meanwhile.
                node.stripping.tried(over.origin(), true);
                continue;
            }
            if !node.stripping.is_due(over.origin()) {
                are_done = false;
                continue;
            }
            // All tombstones of later logs were read for it, once.
            let stripped = left.and_then(|gone| gone.map_or(Ok(true), |gone| remove(&node, over, &gone)));
            node.stripping.tried(over.origin(), matches!(stripped, Ok(true)));
            if let Err(error) = &stripped {
                tracing::error!(origin = %over.origin(), %error, "what was erased in a log that is over could not be removed; it is tried again, and less and less often");
            }
            are_done &= matches!(stripped, Ok(true));
        }
        are_done
    });
    stripping.await.map_err(Failure::failed)
}
