//! Restoring: into a storage directory without a log, checked as a whole before anything may be started on it.

use super::error::io;
use super::files::{self, Made, make_folder, remove};
use super::manifest::{Head, Opened, open_both};
use super::{BackupError, Told, check};
use crate::config::Config;
use crate::erasure::register::{self, BROUGHT};
use crate::node::{Secrets, witness_verifier_key};
use crate::storage;
use herleid_ledger::note::Signer;
use herleid_ledger::{Audited, LedgerError};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// What a storage directory with a log has, and what a restore makes. The log last: without it nothing starts there by mistake.
const NAMES: [&str; 9] = [
    "restored",
    "payloads",
    "evidence",
    "logs",
    "keys",
    BROUGHT,
    "log",
    "unsound",
    storage::NAME,
];
/// The step that copies.
const STEP: &str = "restore";

/// What was restored.
pub(crate) struct Restored {
    pub(crate) backup: String,
    pub(crate) origin: String,
    /// UTC milliseconds since 1970.
    pub(crate) made_ms: u64,
    pub(crate) audited: Audited,
    /// Logs that are over and do not verify.
    pub(crate) unsound: Vec<String>,
    /// Logs that are over and were not in the backup, each with the reason.
    pub(crate) left_out: Vec<String>,
    /// The witness's key that this connector may not use any more.
    pub(crate) lost_witness: Option<String>,
}

/// What whoever restores knows, and the backup cannot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Said {
    /// That nothing was erased after it was made.
    pub(crate) without_erasures: bool,
    /// That nothing at all was recorded after it was made.
    pub(crate) nothing_since: bool,
}

/// Restores both parts of a backup into the storage directory of `config`. The caller sees to it that no service runs there. After a crash it
/// can be run again, and begins anew.
///
/// # Errors
/// Names the file, and the storage directory is as it was.
pub(crate) fn restore(
    config: &Config,
    secrets: &Secrets,
    from: &Path,
    keys: &Path,
    said: Said,
    told: Told<'_>,
) -> Result<Restored, BackupError> {
    let target = &config.storage.directory;
    let before = storage::restoring(target)?;
    if before.is_none() {
        check_empty(target)?;
    }
    // Whatever the configuration says today, and of whom: it may be a new one.
    let register = match (&config.erasure.register, said.without_erasures) {
        (_, true) => None,
        (Some(register), false) => Some(register),
        (None, false) => return Err(BackupError::NoErasures),
    };
    if let Some(register) = register {
        register::read_whole(register, &secrets.log)?;
    }
    let signer = Signer::ed25519(&config.ledger.origin, secrets.log.clone()).map_err(|error| LedgerError::Option {
        option: "signing_key",
        why: error.to_string(),
    })?;
    let (main, keys) = open_both(from, keys, config.participant.did.as_str(), signer.verifier())?;
    if let Some(register) = register.filter(|_| said.nothing_since) {
        let (origin, size) = (&main.head.origin, main.head.size);
        if let Some(why) = register::went_on(register, &secrets.log, origin, size)? {
            return Err(BackupError::WentOn { why, size });
        }
    }
    match before {
        // What lies there may be something else than what was half restored: somebody may have put back what was there before.
        Some(found) if found != main.head.backup => {
            let backup = main.head.backup;
            return Err(BackupError::OtherRestore { found, backup });
        }
        Some(_) => clear(target)?,
        None => storage::begin_restoring(target, &main.head.backup)?,
    }
    let copied = place(config, secrets, &main, &keys, told).and_then(|done| {
        if let Some(register) = register {
            register::bring(register, target, &secrets.log)?;
        }
        let restored = storage::Restored {
            origin: main.head.origin.clone(),
            size: main.head.size,
            made_ms: main.head.made_ms,
            nothing_since: said.nothing_since,
        };
        storage::set_restored(target, &restored)?;
        Ok(done)
    });
    let (audited, unsound, lost_witness) = match copied {
        Ok(done) => done,
        Err(error) => {
            // What cannot be removed now keeps the mark, and the next restore removes it.
            let cleared = clear(target).and_then(|()| Ok(storage::end_restoring(target)?));
            if let Err(why) = cleared {
                tracing::warn!(%why, "what was half restored could not be removed; run the restore again");
            }
            return Err(error);
        }
    };
    storage::end_restoring(target)?;
    let Head {
        backup,
        origin,
        made_ms,
        left_out,
        ..
    } = main.head;
    Ok(Restored {
        backup,
        origin,
        made_ms,
        audited,
        unsound,
        left_out,
        lost_witness,
    })
}

fn place(
    config: &Config,
    secrets: &Secrets,
    main: &Opened,
    keys: &Opened,
    told: Told<'_>,
) -> Result<(Audited, Vec<String>, Option<String>), BackupError> {
    let target = &config.storage.directory;
    // What is to be removed of it is removed by its names: the directory itself was there before.
    let mut made = Made::within(target);
    let total = main.head.bytes.saturating_add(keys.head.bytes);
    let mut done = 0;
    for part in [main, keys] {
        let mut left = part.head.bytes;
        for (name, expected) in &part.files {
            told(STEP, done, total);
            let (from, to) = (part.folder.join(name), target.join(name));
            made.folder_of(target, &to)?;
            let bytes = copy(&from, &to, left, expected)?;
            left = left.saturating_sub(bytes);
            done += bytes;
        }
    }
    told(STEP, total, total);
    made.sync()?;
    let audited = check::log(config, secrets, target, target, &main.head, told)?;
    let unsound = check::older(config, secrets, target, target, &main.head, told)?;
    let lost = lose_witness(config, secrets)?;
    Ok((audited, unsound, lost))
}

/// Copies a file that has to have this digest, and at most so many bytes; gives its length.
fn copy(from: &Path, to: &Path, most: u64, expected: &str) -> Result<u64, BackupError> {
    match files::copy(from, to, most) {
        Err(BackupError::Io { path, source, .. }) if path == from && source.kind() == ErrorKind::NotFound => {
            let expected = expected.to_owned();
            Err(BackupError::Missing { path, expected })
        }
        Ok(held) if held.sha256 != expected => Err(BackupError::Differs {
            path: from.to_owned(),
            found: held.sha256,
            expected: expected.to_owned(),
        }),
        other => Ok(other?.bytes),
    }
}

/// What this connector cosigned as a witness is in no backup; where it is not in the storage directory either, its key could cosign another
/// history, and is not used again.
fn lose_witness(config: &Config, secrets: &Secrets) -> Result<Option<String>, BackupError> {
    let memory = config.storage.directory.join("witness").join("CURRENT");
    if memory.try_exists().map_err(io(&memory, "found"))? {
        return Ok(None);
    }
    let key =
        witness_verifier_key(config.listen.public_url.as_str(), secrets).map_err(|error| LedgerError::Option {
            option: "witness_policy",
            why: error.to_string(),
        })?;
    storage::lose_witness(&config.storage.directory, &key)?;
    Ok(config.witness.is_some().then_some(key))
}

/// That nothing of a log is in the storage directory; folders without a file in them are none.
fn check_empty(target: &Path) -> Result<(), BackupError> {
    make_folder(target)?;
    for name in NAMES {
        let path = target.join(name);
        let is_there = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => !files::below(&path, &[])?.is_empty(),
            // What is behind a link would stay there when what was half restored is removed.
            Ok(found) if found.is_symlink() => return Err(BackupError::odd(&path, found.file_type())),
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(io(&path, "found")(error)),
        };
        if is_there {
            return Err(BackupError::Holds { path });
        }
    }
    Ok(())
}

/// Removes what a restore made.
fn clear(target: &Path) -> Result<(), BackupError> {
    NAMES.iter().rev().try_for_each(|name| remove(&target.join(name)))?;
    files::sync(target)
}
