//! Erasures listed outside of the storage directory (`erasure.register`): a backup from before an erasure does not know it, and what was erased
//! would come back with it. A file for each, signed by the log's key, since whoever could add one could have something erased.

use super::over::Of;
use crate::commands::Failure;
use crate::control::protocol::ErasureLine;
use crate::node::{Node, Secrets};
use ed25519_dalek::SigningKey;
use herleid_ledger::note::{SignedNote, Signer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

mod begun;
mod brought;
mod error;
mod history;
mod left;

pub(super) use begun::{begin, check_begun};
pub(crate) use brought::bring;
pub(super) use brought::hand_on;
pub(crate) use error::RegisterError;
use error::io;
pub(super) use history::check_history;
pub(crate) use history::went_on;
pub(crate) use left::of_log;
pub(super) use left::{left, sections};

/// First line of a note. No checkpoint begins with it.
const FIRST: &str = "herleid-erasure/1";
/// How the files end.
const ENDING: &str = ".erased";
/// First line of the note that says how many there are.
const FIRST_OF_MARK: &str = "herleid-erasures/1";
/// The file with that note.
const MARK: &str = "register";
/// Where in the storage directory a restore leaves what it found listed, for the first start.
pub(crate) const BROUGHT: &str = "erasures";

/// An erasure as it is listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    /// Of which log.
    pub(super) origin: String,
    /// What was erased, why, and by whom.
    pub(super) erasure: ErasureLine,
    /// When it was listed: UTC milliseconds since 1970. Older versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) listed_ms: Option<u64>,
    /// How many records the log had then. Older versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// Where that log was over: which one went on, whose record says that it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<Recorded>,
    /// Leaf hashes (hex) of its records, by number: another history has other records under these numbers.
    leaves: BTreeMap<u64, String>,
}

impl Listed {
    /// The log under whose name it is signed: the one that went on then.
    fn by(&self) -> &String {
        self.recorded.as_ref().map_or(&self.origin, |recorded| &recorded.origin)
    }
}

/// The log that went on when something was listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    origin: String,
    /// How many records it had then.
    size: u64,
}

/// Lists an erasure that is about to be carried out; durable when this returns. Gives the file, where there is a list.
///
/// # Errors
/// When it cannot be: the erasure must not be carried out then.
pub(super) fn add(node: &Node, line: &ErasureLine) -> Result<Option<PathBuf>, Failure> {
    let Some(folder) = &node.config.erasure.register else {
        return Ok(None);
    };
    // Not into a folder that stands where the list was: it would be the whole list from then on, with one entry.
    let secrets = Secrets::load(&node.config.keys.directory).map_err(Failure::failed)?;
    drop(read_whole(folder, &secrets.log)?);
    Ok(Some(enter(node, folder, line)?))
}

/// Writes an entry, and says how many there are.
fn enter(node: &Node, folder: &Path, line: &ErasureLine) -> Result<PathBuf, Failure> {
    let listed = listed(node, line)?;
    let (signer, now_s) = (&node.manifests, node.now_ms() / 1000);
    let path = place(folder, &line.id);
    let written = write(folder, &listed, signer, now_s);
    let marked = written.and_then(|_| mark(folder, names(folder)?.len(), signer, now_s));
    if let Err(error) = marked {
        // Nothing is erased now, and nothing is to be at the next start. What failed may be there all the same.
        if path.exists() {
            take_off(&path, signer, now_s);
        }
        return Err(error.into());
    }
    Ok(path)
}

fn listed(node: &Node, line: &ErasureLine) -> Result<Listed, Failure> {
    let of = Of::named(node, line.log.as_deref());
    // One that cannot be read any more: its tombstones say which records they are about.
    let said = match (&of, &line.log) {
        (Err(_), Some(origin)) => node.ledger.entombed(origin)?,
        _ => Vec::new(),
    };
    let mut leaves = BTreeMap::new();
    for record in &line.records {
        let of_it = said.iter().find(|one| one.index == record.index);
        let leaf = match (&of, of_it) {
            (Ok(of), _) => *of.ledger.record(record.index)?.leaf(),
            (Err(_), Some(said)) => said.leaf,
            (Err(_), None) => {
                let origin = line.log.as_deref().unwrap_or_default();
                let what = format!(
                    "record {} of `{origin}`, which is over, cannot be listed as erased",
                    record.index
                );
                return Err(Failure::failed(what).next("put back that log so that it can be read"));
            }
        };
        leaves.insert(record.index, hex::encode(leaf));
    }
    let size = of.ok().map(|of| of.ledger.size());
    Ok(Listed {
        origin: line.log.clone().unwrap_or_else(|| node.ledger.origin().to_owned()),
        erasure: line.clone(),
        listed_ms: Some(node.now_ms()),
        size,
        recorded: line.log.is_some().then(|| Recorded {
            origin: node.ledger.origin().to_owned(),
            size: node.ledger.size(),
        }),
        leaves,
    })
}

/// Where an erasure is listed.
pub(super) fn place(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}{ENDING}"))
}

fn write(folder: &Path, listed: &Listed, signer: &Signer, now_s: u64) -> Result<PathBuf, RegisterError> {
    put(
        folder,
        &format!("{}{ENDING}", listed.erasure.id),
        FIRST,
        listed,
        signer,
        now_s,
    )
}

/// Says how many entries there are. Never more than there are: it is written after an entry, and before one is taken off.
fn mark(folder: &Path, entries: usize, signer: &Signer, now_s: u64) -> Result<(), RegisterError> {
    let said = Mark {
        origin: signer.verifier().name().to_owned(),
        entries,
    };
    put(folder, MARK, FIRST_OF_MARK, &said, signer, now_s).map(drop)
}

fn put(
    folder: &Path,
    name: &str,
    first: &str,
    said: &impl Serialize,
    signer: &Signer,
    now_s: u64,
) -> Result<PathBuf, RegisterError> {
    let path = folder.join(name);
    let content = |why: String| RegisterError::Content {
        path: path.clone(),
        why,
    };
    let said = serde_json::to_string(said).map_err(|error| content(error.to_string()))?;
    let text = format!("{first}\n{said}\n");
    let note = SignedNote::new(&text, vec![signer.sign(&text, now_s)]).map_err(|error| content(error.to_string()))?;
    let unfinished = folder.join(format!("{name}.tmp"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(&unfinished)
        .and_then(|mut file| {
            file.write_all(note.to_string().as_bytes())?;
            file.sync_all()
        })
        .map_err(io(&unfinished, "written"))?;
    fs::rename(&unfinished, &path).map_err(io(&path, "written"))?;
    sync(folder)?;
    Ok(path)
}

fn sync(folder: &Path) -> Result<(), RegisterError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io(folder, "synced"))
}

/// Takes an erasure off the list that was not carried out.
pub(super) fn take_off(path: &Path, signer: &Signer, now_s: u64) {
    let folder = path.parent().unwrap_or(path);
    let marked = names(folder).and_then(|names| mark(folder, names.len().saturating_sub(1), signer, now_s));
    let removed = marked.and_then(|()| fs::remove_file(path).map_err(io(path, "removed")));
    let removed = removed.and_then(|()| sync(folder));
    if let Err(error) = removed {
        tracing::error!(%error, "an erasure is listed that was not carried out; it is at the next start");
    }
}

/// How many entries a list has at least.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    /// Of the log that wrote it last.
    origin: String,
    entries: usize,
}

/// Names of the files, in order of the proposals, the oldest first.
fn names(folder: &Path) -> Result<Vec<String>, RegisterError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder, "read"))? {
        let name = entry.map_err(io(folder, "read"))?.file_name();
        names.extend(name.to_str().filter(|name| name.ends_with(ENDING)).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

/// All that is listed, the oldest first.
///
/// # Errors
/// When the folder or a file in it cannot be read, or is not by the log's key.
pub(crate) fn read(folder: &Path, key: &SigningKey) -> Result<Vec<Listed>, RegisterError> {
    let paths = names(folder)?.into_iter().map(|name| folder.join(name));
    paths.map(|path| note(&path, FIRST, key, Listed::by)).collect()
}

/// [`read`], of a folder that is known to be the list, with all that was ever in it.
///
/// # Errors
/// As there; and when it is another folder, or an entry is missing.
pub(crate) fn read_whole(folder: &Path, key: &SigningKey) -> Result<Vec<Listed>, RegisterError> {
    let listed = read(folder, key)?;
    let not_whole = |why: String| RegisterError::NotWhole {
        path: folder.to_owned(),
        why,
    };
    let Some(mark) = marked(folder, key)? else {
        return Err(not_whole(format!(
            "it has no file `{MARK}`, which a list has from its first day"
        )));
    };
    let why = format!("{} erasures of {} are there", listed.len(), mark.entries);
    if listed.len() < mark.entries {
        Err(not_whole(why))
    } else {
        Ok(listed)
    }
}

fn marked(folder: &Path, key: &SigningKey) -> Result<Option<Mark>, RegisterError> {
    let path = folder.join(MARK);
    match path.try_exists().map_err(io(&path, "found"))? {
        false => Ok(None),
        true => note(&path, FIRST_OF_MARK, key, |mark: &Mark| &mark.origin).map(Some),
    }
}

/// Sees to it that a folder is a whole list of what the log knows to be erased: a new one, or one that was away meanwhile.
///
/// # Errors
/// When it cannot be read or written, or entries that were there are missing.
pub(super) fn complete(node: &Node, folder: &Path, erased: &[ErasureLine], key: &SigningKey) -> Result<(), Failure> {
    match marked(folder, key)? {
        Some(_) => drop(read_whole(folder, key)?),
        None if erased.is_empty() => {}
        None => {
            tracing::warn!(folder = %folder.display(), "the list of erasures is begun anew, from what the log knows")
        }
    }
    let there = names(folder)?;
    let missing = |line: &&ErasureLine| !there.contains(&format!("{}{ENDING}", line.id));
    for line in erased.iter().filter(missing) {
        enter(node, folder, line)?;
    }
    mark(folder, names(folder)?.len(), &node.manifests, node.now_ms() / 1000)?;
    Ok(())
}

/// A note of this participant's.
fn note<T: DeserializeOwned>(
    path: &Path,
    first: &str,
    key: &SigningKey,
    origin: impl Fn(&T) -> &String,
) -> Result<T, RegisterError> {
    let content = |why: &dyn std::fmt::Display| RegisterError::Content {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let bytes = fs::read(path).map_err(io(path, "read"))?;
    let note = SignedNote::parse(&bytes).map_err(|error| content(&error))?;
    let said = note.text().strip_prefix(first).and_then(|said| said.strip_prefix('\n'));
    let said = said.ok_or_else(|| content(&format!("it does not begin with `{first}`")))?;
    let found: T = serde_json::from_str(said).map_err(|error| content(&error))?;
    // Logs of one participant have one key; its name is the origin.
    let signer = Signer::ed25519(origin(&found), key.clone()).map_err(|error| content(&error))?;
    note.verify(std::slice::from_ref(signer.verifier()))
        .map_err(|error| content(&error))?;
    Ok(found)
}

/// That the folder does not lie in the storage directory.
///
/// # Errors
/// When it does, or is not there.
pub(super) fn check(folder: &Path, storage: &Path) -> Result<(), RegisterError> {
    let real = |path: &Path| path.canonicalize().map_err(io(path, "found"));
    match real(folder)?.starts_with(real(storage)?) {
        false => Ok(()),
        true => Err(RegisterError::Inside {
            path: folder.to_owned(),
        }),
    }
}

/// The folders in which something may be listed: the list, and what a restore brought of it.
///
/// # Errors
/// When it is not known whether a restore brought something.
pub(crate) fn folders(register: Option<&Path>, storage: &Path) -> Result<Vec<PathBuf>, RegisterError> {
    let brought = storage.join(BROUGHT);
    let is_brought = brought.try_exists().map_err(io(&brought, "found"))?;
    let all = register.map(Path::to_owned).into_iter();
    Ok(all.chain(is_brought.then_some(brought)).collect())
}

#[cfg(test)]
mod tests;
