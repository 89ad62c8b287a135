//! Logs that are over, in a backup: which of them are in it, and what else is, where one cannot be read.

use super::{BackupError, Source};
use crate::continuing;
use crate::erasure::over::Left;
use crate::erasure::{self, over, register};
use crate::payloads::Payloads;
use crate::state::State;
use herleid_ledger::Ledger;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is copied of logs that are over.
pub(super) struct Over {
    /// Where those lie that are copied.
    pub(super) copied: Vec<PathBuf>,
    /// Those that are not, each with the reason.
    pub(super) left_out: Vec<String>,
    /// Where one that is left out may lead to any payload: what is copied are those that these logs lead to, or that are offered.
    leading: Option<(Vec<Ledger>, BTreeMap<String, String>)>,
}

impl Over {
    /// Whether a payload is copied.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub(super) fn takes(&self, sha256: &str) -> Result<bool, BackupError> {
        match &self.leading {
            Some((_, offered)) if offered.contains_key(sha256) => Ok(true),
            Some((logs, _)) => erasure::is_led_to(logs.iter(), sha256).map_err(leads),
            None => Ok(true),
        }
    }
}

fn leads(error: crate::commands::Failure) -> BackupError {
    BackupError::Leads { why: error.to_string() }
}

/// Whether a payload may be left that an erasure had to remove.
fn is_left(ledger: &Ledger, payloads: &Path) -> Result<bool, BackupError> {
    let Some(mark) = erasure::mark(ledger)? else {
        return Ok(false);
    };
    let erased = Payloads::erased_in(payloads).map_err(|error| BackupError::Io {
        path: payloads.to_owned(),
        what: "looked through",
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(erased != Some(mark))
}

/// Looks at the logs that are over, and whether anything that was erased stands in files still: it would be in the copy, and the log would soon say
/// that it is in none.
///
/// A log that cannot be read may hold what was erased, and lead to payloads that were to go. Once anything was erased it is left out, with the
/// payloads that it alone may lead to: it stays where it is, and the backup says so.
///
/// # Errors
/// When something that was erased stands in files that would be copied; when it cannot be looked for.
pub(super) fn look(source: &Source<'_>) -> Result<Over, BackupError> {
    let storage = &source.config.storage.directory;
    let are_left = is_left(source.ledger, &storage.join("payloads"))?;
    let (mut readable, mut unreadable, mut copied) = (Vec::new(), Vec::new(), Vec::new());
    // Those that say what is erased in logs before them, copied or not.
    let mut tellers = vec![source.ledger.clone()];
    let mut was_erased = erasure::mark(source.ledger)?.is_some();
    let mut is_unburied = source.ledger.is_unburied()?;
    for (origin, directory) in continuing::previous(storage, source.ledger.origin())? {
        let place = (storage.as_path(), storage.as_path());
        let opened = over::closed(source.config, source.secrets, place, &origin, &directory);
        let looked_at = opened.and_then(|log| {
            let erased = over::entombed(&log, tellers.iter())?;
            tellers.push(log.clone());
            was_erased |= erasure::mark(&log)?.is_some() || !erased.is_empty();
            match over::left(&log, &erased)? {
                Left::Nothing => {}
                Left::Removable => is_unburied = true,
                Left::Damaged => {
                    was_erased = true;
                    return Ok(Err(over::DAMAGED.to_owned()));
                }
            }
            if are_left {
                // What the index does not know to lead nowhere would be missing.
                log.check_leads()?;
            }
            Ok(Ok(log))
        });
        let why = match looked_at {
            Ok(Ok(log)) => {
                copied.push(directory);
                readable.push(log);
                continue;
            }
            Ok(Err(why)) => why,
            Err(error) => {
                format!("it cannot be read, so that nobody can tell whether what was erased is still in it: {error}")
            }
        };
        unreadable.push((origin, directory, why));
    }
    if is_unburied || are_left && unreadable.is_empty() {
        return Err(BackupError::Unburied);
    }
    for folder in register::folders(source.config.erasure.register.as_deref(), storage)? {
        was_erased |= !register::read(&folder, &source.secrets.log)?.is_empty();
    }
    let mut left_out = Vec::new();
    for (origin, directory, why) in unreadable {
        if was_erased {
            tracing::error!(%origin, %why, "a log that is over is not in the backup");
            left_out.push(format!("`{origin}` in `{}`: {why}", directory.display()));
        } else {
            copied.push(directory);
        }
    }
    let leading = match left_out.is_empty() {
        true => None,
        false => {
            source.ledger.check_leads()?;
            let offered = erasure::offered_by(&State::new(source.ledger.clone())).map_err(leads)?;
            let logs = std::iter::once(source.ledger.clone()).chain(readable);
            Some((logs.collect(), offered))
        }
    };
    Ok(Over {
        copied,
        left_out,
        leading,
    })
}
