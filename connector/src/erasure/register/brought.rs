//! What a restore found listed: it counts, wherever the list is later, until the list itself has it.

use super::{BROUGHT, ENDING, RegisterError, io, mark, names, read, read_whole, sync};
use crate::node::Node;
use ed25519_dalek::SigningKey;
use std::fs::{self, File};
use std::path::Path;

/// Leaves what is listed in `from` for the first start on the storage directory `to`.
///
/// # Errors
/// When it is not the whole list, or cannot be copied.
pub(crate) fn bring(from: &Path, to: &Path, key: &SigningKey) -> Result<(), RegisterError> {
    read_whole(from, key)?;
    let brought = to.join(BROUGHT);
    fs::create_dir_all(&brought).map_err(io(&brought, "made"))?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), brought.join(&name));
        fs::copy(&from, &to).map_err(io(&to, "written"))?;
        File::open(&to)
            .and_then(|file| file.sync_all())
            .map_err(io(&to, "synced"))?;
    }
    sync(&brought)?;
    sync(to)
}

/// Puts what a restore brought of other logs than this one into the list, if there is one: of those nothing is known here. Whether nothing is left
/// of it that only what was brought says.
///
/// # Errors
/// When it cannot be read or written.
pub(in crate::erasure) fn hand_on(
    node: &Node,
    brought: &Path,
    folder: Option<&Path>,
    key: &SigningKey,
) -> Result<bool, RegisterError> {
    let mut of_others = read(brought, key)?;
    of_others.retain(|listed| listed.origin != node.ledger.origin());
    if of_others.is_empty() {
        return Ok(true);
    }
    let Some(folder) = folder else {
        return Ok(false);
    };
    let there = names(folder)?;
    for listed in of_others {
        let name = format!("{}{ENDING}", listed.erasure.id);
        if there.contains(&name) {
            continue;
        }
        // As it was signed.
        let (from, to, unfinished) = (
            brought.join(&name),
            folder.join(&name),
            folder.join(format!("{name}.tmp")),
        );
        fs::copy(&from, &unfinished)
            .and_then(|_| File::open(&unfinished)?.sync_all())
            .map_err(io(&unfinished, "written"))?;
        fs::rename(&unfinished, &to).map_err(io(&to, "written"))?;
    }
    sync(folder)?;
    mark(folder, names(folder)?.len(), &node.manifests, node.now_ms() / 1000)?;
    Ok(true)
}
