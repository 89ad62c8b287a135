//! Making a backup: the stores linked between two batches, then everything copied out with its digests.

use super::error::io;
use super::files::{self, Held, Made, make_folder, remove};
use super::manifest::{Head, Part, seal};
use super::over::{self, Over};
use super::{BackupError, Source, Told, places, room};
use crate::continuing;
use crate::storage;
use herleid_ledger::note::Signer;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where the stores are linked to, within the storage directory: links need its file system.
pub(super) const STAGE: &str = ".backup";
/// The step that copies.
const STEP: &str = "backup";
/// What RocksDB writes for itself, and somebody may be writing at this moment.
const OWN: [&str; 3] = ["LOCK", "LOG", "LOG.old"];

/// One file that is to be copied.
struct Item {
    from: PathBuf,
    /// Its path from the storage directory.
    name: String,
    part: Part,
    /// Whether it is a document of a log that goes on: what goes meanwhile was listed by no record.
    may_go: bool,
}

/// What was made.
pub(super) struct Written {
    pub(super) size: u64,
    pub(super) root: String,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) left_out: Vec<String>,
    /// Removes both parts unless they turn out to be in order.
    pub(super) made: Made,
}

/// Removes the links when it is dropped: they keep on disk what is erased meanwhile.
struct Stage(PathBuf);

impl Stage {
    fn begin(storage: &Path) -> Result<Self, BackupError> {
        let path = storage.join(STAGE);
        remove(&path)?;
        make_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::error!(%error, "files that were linked for a backup are left; the next start removes them");
        }
    }
}

/// Copies everything into `out` and `keys`. The caller sees to it that nothing is erased meanwhile.
///
/// # Errors
/// Names the file, and nothing half made is left.
pub(super) fn copy(source: &Source<'_>, out: &Path, keys: &Path, told: Told<'_>) -> Result<Written, BackupError> {
    let storage = &source.config.storage.directory;
    if let Some(found) = source.ledger.found_unsound() {
        let found = found.to_owned();
        return Err(BackupError::FoundUnsound { found });
    }
    places::check(out, keys, storage, &source.config.keys.directory)?;
    let over = over::look(source)?;
    let current = continuing::directory(storage, source.ledger.origin())?;
    room::check(&current)?;
    let mut made = Made::anew(&[out, keys])?;
    let stage = Stage::begin(storage)?;
    let checkpoint = source.ledger.snapshot(&stage.0)?;
    let linked = linked(source, &current, &stage.0)?;
    let items = items(source, &current, &over)?;
    let sizes = linked.iter().chain(&items);
    let sizes = sizes.map(|item| item.from.metadata().map_or(0, |metadata| metadata.len()));
    let total = sizes.sum();
    let mut copied = Copied::default();
    let mut copy = |items: Vec<Item>| {
        items.into_iter().try_for_each(|item| {
            told(STEP, copied.bytes, total);
            copied.add(item, out, keys, &mut made)
        })
    };
    copy(linked)?;
    // As soon as they can: while they are there no table of the log leaves its disk, and payloads may take hours.
    drop(stage);
    copy(items)?;
    told(STEP, total, total);
    let Copied { of_main, of_keys, .. } = copied;
    let head = |part| Head {
        part,
        backup: source.id.clone(),
        origin: source.ledger.origin().to_owned(),
        party: source.ledger.party().to_string(),
        size: checkpoint.size(),
        root: hex::encode(checkpoint.root()),
        made_ms: source.now_ms,
        storage_format: storage::FORMAT,
        program: storage::PROGRAM.to_owned(),
        files: 0,
        bytes: 0,
        list: String::new(),
        left_out: over.left_out.clone(),
    };
    let signer = signer(source)?;
    for (folder, part, list) in [(keys, Part::Keys, &of_keys), (out, Part::Main, &of_main)] {
        seal(folder, head(part), list, &signer)?;
    }
    made.sync()?;
    let all = || of_main.values().chain(of_keys.values());
    Ok(Written {
        size: checkpoint.size(),
        root: hex::encode(checkpoint.root()),
        files: all().count() as u64,
        bytes: all().map(|held: &Held| held.bytes).sum(),
        left_out: over.left_out,
        made,
    })
}

/// What was copied, by part.
#[derive(Default)]
struct Copied {
    of_main: BTreeMap<String, Held>,
    of_keys: BTreeMap<String, Held>,
    bytes: u64,
}

impl Copied {
    fn add(&mut self, item: Item, out: &Path, keys: &Path, made: &mut Made) -> Result<(), BackupError> {
        let (root, list) = match item.part {
            Part::Main => (out, &mut self.of_main),
            Part::Keys => (keys, &mut self.of_keys),
        };
        let to = root.join(&item.name);
        made.folder_of(root, &to)?;
        let held = match files::copy(&item.from, &to, u64::MAX) {
            // A payload never goes while this copies: only erasing removes one.
            Err(BackupError::Io { path, source, .. })
                if item.may_go && path == item.from && source.kind() == ErrorKind::NotFound =>
            {
                return remove(&to);
            }
            other => other?,
        };
        check_payload(&item, &held)?;
        self.bytes += held.bytes;
        list.insert(item.name, held);
        Ok(())
    }
}

fn signer(source: &Source<'_>) -> Result<Signer, BackupError> {
    let origin = source.ledger.origin();
    Signer::ed25519(origin, source.secrets.log.clone()).map_err(|error| {
        BackupError::Ledger(herleid_ledger::LedgerError::Option {
            option: "signing_key",
            why: error.to_string(),
        })
    })
}

/// The SHA-256 by which a payload is named.
fn payload(name: &str) -> Option<&str> {
    let (_, name) = name.strip_prefix("payloads/")?.split_once('/')?;
    Some(name).filter(|name| name.len() == 64)
}

/// A payload is named by its digest: one that has changed is no part of a backup.
fn check_payload(item: &Item, held: &Held) -> Result<(), BackupError> {
    match payload(&item.name) {
        Some(name) if name != held.sha256 => Err(BackupError::Payload {
            path: item.from.clone(),
            found: held.sha256.clone(),
        }),
        _ => Ok(()),
    }
}

/// What is to be copied.
struct Items<'a> {
    storage: &'a Path,
    found: Vec<Item>,
}

impl Items<'_> {
    /// The files of a folder, which becomes `name` in the place of what is copied; inner folders called `tmp` are left out.
    fn folder(&mut self, from: &Path, name: &Path, part: Part, may_go: bool) -> Result<(), BackupError> {
        for path in files::below(from, &["tmp"])? {
            let last = path.file_name().map(|last| last.to_string_lossy()).unwrap_or_default();
            if OWN.iter().any(|own| last.starts_with(own)) || last.starts_with('.') {
                continue;
            }
            self.found.push(Item {
                from: from.join(&path),
                name: name.join(&path).display().to_string(),
                part,
                may_go,
            });
        }
        Ok(())
    }

    /// One file, if it is there.
    fn file(&mut self, from: &Path) -> Result<(), BackupError> {
        if from.try_exists().map_err(io(from, "found"))? {
            self.found.push(Item {
                from: from.to_owned(),
                name: self.inner(from).display().to_string(),
                part: Part::Main,
                may_go: false,
            });
        }
        Ok(())
    }

    /// The path from the storage directory.
    fn inner<'b>(&self, path: &'b Path) -> &'b Path {
        path.strip_prefix(self.storage).unwrap_or(Path::new(""))
    }
}

/// The stores of the log as they were linked.
fn linked(source: &Source<'_>, current: &Path, stage: &Path) -> Result<Vec<Item>, BackupError> {
    let mut items = Items {
        storage: &source.config.storage.directory,
        found: Vec::new(),
    };
    for (folder, part) in [("log", Part::Main), ("keys", Part::Keys)] {
        let to = items.inner(&current.join(folder)).to_owned();
        items.folder(&stage.join(folder), &to, part, false)?;
    }
    Ok(items.found)
}

/// Everything else that belongs to the storage directory, but for a witness's memory, which must not come back from a backup
/// (docs/decisions/0008-witness-memory-apart.md), and what is there only while a process runs.
fn items(source: &Source<'_>, current: &Path, over: &Over) -> Result<Vec<Item>, BackupError> {
    let storage = &source.config.storage.directory;
    let mut items = Items {
        storage,
        found: Vec::new(),
    };
    let name = |items: &Items<'_>, folder: &Path| items.inner(folder).to_owned();
    for (folder, may_go) in [(current.join("evidence"), true), (storage.join("payloads"), false)] {
        let to = name(&items, &folder);
        items.folder(&folder, &to, Part::Main, may_go)?;
    }
    let mut wanted = Vec::new();
    for item in items.found {
        let is_taken = match payload(&item.name) {
            Some(sha256) => over.takes(sha256)?,
            None => true,
        };
        wanted.extend(is_taken.then_some(item));
    }
    items.found = wanted;
    // Nobody writes into a log that is over.
    for directory in &over.copied {
        for (folder, part) in [("log", Part::Main), ("keys", Part::Keys), ("evidence", Part::Main)] {
            let folder = directory.join(folder);
            let to = name(&items, &folder);
            items.folder(&folder, &to, part, false)?;
        }
        items.file(&directory.join("unsound"))?;
    }
    items.file(&storage.join(storage::NAME))?;
    Ok(items.found)
}
