//! What is listed as erased and is here again, since a backup brought it back.

use super::entries::ERASURES;
use super::over::{self, Of};
use super::{DAY_MS, carry_out, register, select, strip};
use crate::commands::Failure;
use crate::control::protocol::{ErasedRecord, ErasureLine, ErasureState};
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
        // Of one that cannot be read nothing is shown, and it is in no backup.
        let Ok(of) = Of::named(node, Some(&listed.origin)) else {
            continue;
        };
        // Nearly always nothing is: what is listed stays listed.
        if of.is_over && !of.ledger.still_holds(&register::sections(&listed))? {
            continue;
        }
        let of = of.as_it_lies(node)?;
        let mut line = listed.erasure.clone();
        line.log = of.is_over.then(|| listed.origin.clone());
        line.records = unsaid(node, &of, register::left(&of, &listed)?)?;
        if line.records.is_empty() {
            continue;
        }
        let _turn = node.erasing.lock().await;
        let targets = select::targets(&of, &line.records)?;
        if let Some(why) = overruled(node, &of, &listed, &targets)? {
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
        let mut kept = listed.erasure.clone();
        kept.log.clone_from(&line.log);
        // In a log that is over: what it does not show any more lies there still.
        carry_out(node, &of, &line, targets, &kept)
            .await
            .map_err(|refused| refused.failure)?;
    }
    // What tombstones say, and a crash or an older backup left there.
    strip::strip_all(node).await?;
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

/// Those of a log that is over which no tombstone speaks of: what one does goes by itself.
fn unsaid(node: &Node, of: &Of, mut records: Vec<ErasedRecord>) -> Result<Vec<ErasedRecord>, Failure> {
    if of.is_over {
        let said = over::said(node, &of.ledger)?;
        for record in &mut records {
            let of_it = said.get(&record.index);
            let is_said = |name: &String| of_it.is_some_and(|said| said.iter().any(|one| one.as_str() == name));
            record.sections.retain(|name| !is_said(name));
        }
        records.retain(|record| !record.sections.is_empty());
    }
    Ok(records)
}

/// Why something listed was not carried out, and is not to be now: its file could not be taken off the list when the log had refused it, and people
/// were told that nothing was erased.
fn overruled(node: &Node, of: &Of, listed: &register::Listed, targets: &[Target]) -> Result<Option<String>, Failure> {
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
    let held = select::held_in(node, of, listed_ms)?;
    let of = targets
        .iter()
        .find_map(|target| Some((target.index, held.get(&target.index)?)));
    Ok(of.map(|(index, hold)| format!("record {index} is held since ({hold})")))
}
