//! The successor's first records: made aside, and put in its place by one rename.

use super::{ContinuingError, Inspected, Old, place};
use crate::config::Config;
use crate::node::{Secrets, fresh_traceparent, ledger_options};
use crate::peers;
use crate::rim::{SystemClock, SystemEntropy};
use crate::state::Change;
use herleid_ledger::Ledger;
use herleid_ledger::record::{Draft, Kind};
use herleid_ledger::section::SectionName;
use serde_json::{Value, json};
use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What goes along of what the connector kept beside the old log: what others' logs showed, by which their lies are caught; tokens that
/// were used; our own credentials; what may not be erased, and what others are still to be told was. All of it stays true though more of it was
/// known once. A hold on a record by its number holds the record with that number in the successor too: more than was meant, and nothing less.
///
/// Nothing that grants anything goes along: no agreement, grant, count or trust that was added. How far those went is not known any more,
/// and what is not known is not given a second time.
const CARRIED: [&str; 15] = [
    "peer-log/",
    "peer-now/",
    "peer-stream/",
    "stream-id/",
    "lie/",
    "suspicion/",
    "token/",
    "credential/",
    "issued/",
    "witnessed/",
    "hold/",
    "erasure-list/",
    "erasure-tell/",
    "erasure-told/",
    "own-keys",
];
/// Entries written at once.
const AT_ONCE: usize = 1_000;

/// A successor that is there.
pub struct Begun {
    /// Its origin.
    pub origin: String,
    /// Where it lies.
    pub directory: PathBuf,
    /// Its verifier key.
    pub log_key: String,
    /// `facts` of its record `continued`.
    pub facts: Value,
    /// Whether it was there before.
    pub before: bool,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ContinuingError + '_ {
    move |source| ContinuingError::Io {
        path: path.to_owned(),
        source,
    }
}

fn sync(path: &Path) -> Result<(), ContinuingError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(io(path))
}

/// The successor that there is of the log of this configuration, if it was begun before.
///
/// # Errors
/// When it is there and cannot be read.
pub fn begun(config: &Config, secrets: &Secrets) -> Result<Option<Begun>, ContinuingError> {
    let Some((origin, directory)) = place::successor(&config.storage.directory, &config.ledger.origin)? else {
        return Ok(None);
    };
    let ledger = Ledger::open_closed(options(config, secrets, &origin, &directory)?)?;
    let facts = ledger.record(1)?.value(SectionName::Facts).unwrap_or_default();
    Ok(Some(Begun {
        log_key: ledger.verifier().to_string(),
        origin,
        directory,
        facts,
        before: true,
    }))
}

fn options(
    config: &Config,
    secrets: &Secrets,
    origin: &str,
    directory: &Path,
) -> Result<herleid_ledger::Options, ContinuingError> {
    let mut options = ledger_options(
        config,
        secrets,
        directory,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )?;
    options.origin = origin.to_owned();
    Ok(options)
}

/// Begins the successor of a log. The caller sees to it that no service runs on this storage. Safe to repeat after a crash: until the
/// rename nobody has seen anything of what is made, and it is made anew; after the rename it is there.
///
/// # Errors
/// When something cannot be written. The old log is as it was in any case.
pub fn begin(config: &Config, secrets: &Secrets, found: &Inspected) -> Result<Begun, ContinuingError> {
    let storage = &config.storage.directory;
    let no_number = || ContinuingError::NoNumber {
        origin: found.successor.clone(),
    };
    let (_, number) = place::parts(&found.successor).ok_or_else(no_number)?;
    let folder = storage.join(place::FOLDER);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io(&folder)(error)),
        _ => sync(storage)?,
    }
    let (aside, directory) = (folder.join(format!("{number}.begun")), place::folder(storage, number));
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&aside)(error)),
        _ => {}
    }
    let ledger = Ledger::open(options(config, secrets, &found.successor, &aside)?)?;
    if let Old::There(old) = &found.old {
        carry(old, &ledger)?;
    }
    let facts = facts(found);
    let draft =
        Draft::new(Kind::Continued, fresh_traceparent(&SystemEntropy)).section(SectionName::Facts, facts.clone());
    ledger.append_blocking(draft)?;
    let log_key = ledger.verifier().to_string();
    // Closed before it gets its name.
    drop(ledger);
    fs::rename(&aside, &directory).map_err(io(&directory))?;
    sync(&folder)?;
    Ok(Begun {
        origin: found.successor.clone(),
        directory,
        log_key,
        facts,
        before: false,
    })
}

fn facts(found: &Inspected) -> Value {
    let last = found.last.as_ref();
    let witnessed: Vec<Value> = found
        .witnessed
        .iter()
        .map(|(witness, size)| json!({"witness": witness, "size": size}))
        .collect();
    json!({
        "previousOrigin": found.origin,
        "previousCheckpoint": last.map(|(checkpoint, _)| checkpoint.note().to_string()),
        "lost": found.lost(),
        "witnessed": witnessed,
    })
}

/// A lie with no more than proves it. One that cannot be read proves nothing, and keeps nobody from going on.
fn lie(key: &str, value: &[u8]) -> Option<Change> {
    match peers::carried(key, value) {
        Ok(carried) => Some((key.to_owned(), Some(carried))),
        Err(error) => {
            tracing::warn!(%key, %error, "the proof of a lie cannot be read, and does not go along");
            None
        }
    }
}

fn carry(old: &Ledger, new: &Ledger) -> Result<(), ContinuingError> {
    for prefix in CARRIED {
        let found = old.scan(prefix)?;
        for some in found.chunks(AT_ONCE) {
            let batch = some.iter().filter_map(|(key, value)| match prefix {
                peers::LIES => lie(key, value),
                _ => Some((key.clone(), Some(value.clone()))),
            });
            new.put_state_blocking(batch.collect())?;
        }
    }
    Ok(())
}
