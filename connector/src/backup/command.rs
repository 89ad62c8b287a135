//! `backup`, of the running service or without one.

use super::files::{held, remove};
use super::make::{STAGE, Written, copy};
use super::manifest::open_both;
use super::{BackupError, Source, Told, check};
use crate::commands::Failure;
use crate::control::progress::Progress;
use crate::control::protocol::{Backup, BackupAnswer, Unit};
use crate::erasure::{self, Came};
use crate::node::{Node, Secrets};
use std::path::Path;
use std::sync::Arc;

/// Removes what a crash left of a backup: it keeps on disk what is erased. Only while no service runs on the storage.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn clear(storage: &Path) -> Result<(), BackupError> {
    remove(&storage.join(STAGE))
}

/// Carries out `backup`: the log goes on meanwhile.
///
/// # Errors
/// Why there is none; nothing half made is left.
pub(crate) async fn backup(node: Arc<Node>, request: Backup, progress: Progress) -> Result<BackupAnswer, Failure> {
    // In a task of its own: whoever asked may go away, and nothing is to be left half made.
    let working = tokio::spawn(async move {
        // What waits to leave the files goes now, if it can.
        node.stripping.end();
        erasure::go_on(&node, Came::Recorded).await?;
        // Nothing is erased while files are copied: it would be in some of them, and count as gone.
        let turn = node.erasing.lock().await;
        let (own, request) = (node.clone(), Arc::new(request));
        let (asked, telling) = (request.clone(), progress.clone());
        let written = tokio::task::spawn_blocking(move || {
            let secrets = Secrets::load(&own.config.keys.directory).map_err(Failure::failed)?;
            let written = copy(
                &source(&own, &secrets),
                &asked.out,
                &asked.keys,
                &mut |step, done, total| {
                    telling.step(step, done, Some(total), Unit::Bytes);
                },
            );
            Ok::<_, Failure>((written?, secrets))
        });
        let (written, secrets) = written.await.map_err(Failure::failed)??;
        drop(turn);
        let checked = tokio::task::spawn_blocking(move || {
            let source = source(&node, &secrets);
            verified(&source, &request, written, &mut |step, done, total| {
                progress.step(step, done, Some(total), Unit::Items);
            })
        });
        Ok(checked.await.map_err(Failure::failed)??)
    });
    working.await.map_err(Failure::failed)?
}

fn source<'a>(node: &'a Node, secrets: &'a Secrets) -> Source<'a> {
    Source {
        config: &node.config,
        secrets,
        ledger: &node.ledger,
        now_ms: node.now_ms(),
        id: node.fresh_id(),
    }
}

/// Makes a backup of a log that no service has open.
///
/// # Errors
/// Why there is none; nothing half made is left.
pub(crate) fn made(source: &Source<'_>, request: &Backup, told: Told<'_>) -> Result<BackupAnswer, BackupError> {
    let written = copy(source, &request.out, &request.keys, told)?;
    verified(source, request, written, told)
}

/// Reads everything back, and keeps it if it is in order.
fn verified(
    source: &Source<'_>,
    request: &Backup,
    written: Written,
    told: Told<'_>,
) -> Result<BackupAnswer, BackupError> {
    let (party, key) = (source.ledger.party().as_str(), source.ledger.verifier());
    let (main, keys) = open_both(&request.out, &request.keys, party, key)?;
    for part in [&main, &keys] {
        for (name, expected) in &part.files {
            let path = part.folder.join(name);
            let found = held(&path)?.sha256;
            if found != *expected {
                let expected = expected.clone();
                return Err(BackupError::Differs { path, found, expected });
            }
        }
    }
    check::log(
        source.config,
        source.secrets,
        &request.out,
        &request.keys,
        &main.head,
        told,
    )?;
    let unsound = check::older(
        source.config,
        source.secrets,
        &request.out,
        &request.keys,
        &main.head,
        told,
    )?;
    let answer = BackupAnswer {
        unsound,
        left_out: written.left_out.clone(),
        backup: main.head.backup,
        out: request.out.clone(),
        keys: request.keys.clone(),
        origin: main.head.origin,
        size: written.size,
        root: written.root,
        files: written.files,
        bytes: written.bytes,
        made_ms: main.head.made_ms,
    };
    written.made.keep();
    Ok(answer)
}
