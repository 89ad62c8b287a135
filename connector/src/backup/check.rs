//! Whether a log that was copied is the one that its manifest speaks of: every record of it, as `herleid doctor` looks at them.

use super::manifest::Head;
use super::{BackupError, Told};
use crate::commands::Failure;
use crate::config::Config;
use crate::continuing;
use crate::erasure::over;
use crate::node::{Secrets, ledger_options};
use crate::rim::{SystemClock, SystemEntropy};
use herleid_ledger::{Audited, Ledger};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The step that checks.
const STEP: &str = "backup-check";

/// Checks the logs below `main` that are over, as far as they can be opened, and gives what is wrong with which. A log was continued because
/// something was wrong with it: that keeps nobody from keeping what is left.
///
/// # Errors
/// When they cannot be looked for.
pub(super) fn older(
    config: &Config,
    secrets: &Secrets,
    main: &Path,
    keys: &Path,
    head: &Head,
    told: Told<'_>,
) -> Result<Vec<String>, BackupError> {
    let mut wrong = Vec::new();
    for (origin, directory) in continuing::previous(main, &head.origin)? {
        let opened = over::closed(config, secrets, (main, keys), &origin, &directory);
        let checked = opened.map_err(Failure::from).and_then(|log| {
            let erased = over::entombed_below(config, secrets, (main, keys), &head.origin, &log)?;
            Ok(log.verify_all_but(&erased, |done, total| told(STEP, done, total))?)
        });
        if let Err(error) = checked {
            tracing::warn!(%origin, %error, "a log that is over is kept as it is, and does not verify");
            wrong.push(format!("`{origin}`: {error}"));
        }
    }
    Ok(wrong)
}

/// Checks the log below `main`, whose section keys lie below `keys`. Both stay as they are.
///
/// # Errors
/// When it does not verify, or is not what `head` says.
pub(super) fn log(
    config: &Config,
    secrets: &Secrets,
    main: &Path,
    keys: &Path,
    head: &Head,
    told: Told<'_>,
) -> Result<Audited, BackupError> {
    let directory = continuing::of(main, &head.origin)?;
    let inner = directory.strip_prefix(main).unwrap_or(Path::new(""));
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let options = ledger_options(config, secrets, &directory, clock, entropy)?;
    let unsound = |source| BackupError::Unsound {
        path: directory.clone(),
        source,
    };
    let ledger =
        Ledger::open_closed_apart(options, &keys.join(inner).join("keys"), &BTreeMap::new()).map_err(unsound)?;
    let audited = ledger
        .verify_all(|done, total| told(STEP, done, total))
        .map_err(unsound)?;
    let shown = |size: u64, root: &str| format!("{size} records with the root {root}");
    let root = hex::encode(audited.root);
    if (audited.size, root.as_str()) != (head.size, head.root.as_str()) {
        return Err(BackupError::OtherLog {
            found: shown(audited.size, &root),
            expected: shown(head.size, &head.root),
            path: directory,
        });
    }
    Ok(audited)
}
