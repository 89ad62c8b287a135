//! What is listed as erased and is here again, since a backup brought it back.

use super::entries::ERASURES;
use super::{DAY_MS, carry_out, register, select};
use crate::commands::Failure;
use crate::control::protocol::{ErasureLine, ErasureState};
use crate::node::{Node, Secrets};
use herleid_ledger::Target;
use std::sync::Arc;

/// Erases again what is listed as erased and is still there, since a backup brought it back. Before anybody is served.
///
/// # Errors
/// When the list cannot be read, or something cannot be erased: nothing must be served then.
pub(crate) async fn again(node: &Arc<Node>) -> Result<(), Failure> {
    let secrets = Secrets::load(&node.config.keys.directory).map_err(Failure::failed)?;
    let mut all = Vec::new();
    // What a restore found listed, wherever the list is now.
    let brought = node.config.storage.directory.join(register::BROUGHT);
    let is_brought = brought.try_exists().map_err(Failure::failed)?;
    if is_brought {
        all = register::read(&brought, &secrets.log)?;
    }
    if let Some(folder) = &node.config.erasure.register {
        register::check(folder, &node.config.storage.directory)?;
        register::check_begun(node, folder, &secrets.log)?;
        register::complete(node, folder, &known(node)?, &secrets.log)?;
        register::begin(node, folder).await?;
        all.extend(register::read(folder, &secrets.log)?);
    }
    for listed in all {
        if listed.origin != node.ledger.origin() {
            continue;
        }
        let mut line = listed.erasure.clone();
        line.records = register::left(node, &listed)?;
        if line.records.is_empty() {
            continue;
        }
        let _turn = node.erasing.lock().await;
        let targets = select::targets(node, &line.records)?;
        if let Some(why) = overruled(node, &listed, &targets)? {
            tracing::error!(id = %line.id, %why, "an erasure is listed that was never carried out; it is left alone, and taken off the list");
            if let Some(folder) = &node.config.erasure.register {
                register::take_off(
                    &register::place(folder, &line.id),
                    &node.manifests,
                    node.now_ms() / 1000,
                );
            }
            continue;
        }
        tracing::warn!(id = %line.id, records = line.records.len(), "what was erased is here again, from a backup; it is erased again");
        // It may have been long ago.
        line.complete_by_ms = line.complete_by_ms.max(node.now_ms().saturating_add(DAY_MS));
        carry_out(node, &line, targets, &listed.erasure)
            .await
            .map_err(|refused| refused.failure)?;
    }
    if is_brought {
        // What was erased again is known here now, and is listed wherever the list is.
        let folder = node.config.erasure.register.as_deref();
        if let Some(folder) = folder {
            register::complete(node, folder, &known(node)?, &secrets.log)?;
        }
        // Of a log that is over nothing is known but what is listed.
        if register::hand_on(node, &brought, folder, &secrets.log)? {
            std::fs::remove_dir_all(&brought).map_err(Failure::failed)?;
        }
    }
    Ok(())
}

/// What this log knows to be erased, by proposal.
fn known(node: &Node) -> Result<Vec<ErasureLine>, Failure> {
    let all = node.state.scan::<ErasureLine>(ERASURES)?.into_iter();
    Ok(all
        .map(|(_, line)| line)
        .filter(|line| line.state == ErasureState::Erased)
        .collect())
}

/// Why something listed was not carried out, and is not to be now: its file could not be taken off the list when the log had refused it, and people
/// were told that nothing was erased.
fn overruled(node: &Node, listed: &register::Listed, targets: &[Target]) -> Result<Option<String>, Failure> {
    let id = &listed.erasure.id;
    let own = node.state.get::<ErasureLine>(&format!("{ERASURES}{id}"))?;
    if let Some(line) = own.filter(|line| line.state == ErasureState::Rejected) {
        let by = line.decided_by.map(|by| by.to_string()).unwrap_or_default();
        return Ok(Some(format!("`{id}` was ended by {by}")));
    }
    // An older hold was removed before: nothing that is held is approved.
    let Some(listed_ms) = listed.listed_ms else {
        return Ok(None);
    };
    let held = select::held(node, listed_ms)?;
    let of = targets
        .iter()
        .find_map(|target| Some((target.index, held.get(&target.index)?)));
    Ok(of.map(|(index, hold)| format!("record {index} is held since ({hold})")))
}
