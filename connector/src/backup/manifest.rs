//! What a part of a backup says of itself: a signed note (C2SP signed-note) under the log's key, over a list of all files with their digests.

use super::BackupError;
use super::error::io;
use super::files::{Held, write};
use crate::storage;
use herleid_ledger::note::{MAX_NOTE_BYTES, SignedNote, Signer, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

/// The signed note.
pub(super) const MANIFEST: &str = "manifest";
/// The list, as `sha256sum -c` reads it.
pub(super) const LIST: &str = "SHA256SUMS";
/// Bytes of a line of the list at most: the longest path is that of a payload or a document, about 90.
const LINE_BYTES: u64 = 1_024;
/// First line of the note. No checkpoint begins with it, so that none can be taken for the other.
const FIRST: &str = "herleid-backup/1";
/// What it is in every format.
const ANY: &str = "herleid-backup/";

/// Which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    /// Log, documents, payloads.
    Main,
    /// The wrapped keys of sections.
    Keys,
}

impl Part {
    const fn what(self) -> &'static str {
        match self {
            Self::Main => "the main part of a backup",
            Self::Keys => "the part of a backup with the section keys, without which no section can be read",
        }
    }
}

/// What is said of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) part: Part,
    /// Identifier of the backup; both parts have it.
    pub(super) backup: String,
    pub(super) origin: String,
    pub(super) party: String,
    /// Records of the log.
    pub(super) size: u64,
    /// Root over them, hex.
    pub(super) root: String,
    /// UTC milliseconds since 1970.
    pub(super) made_ms: u64,
    pub(super) storage_format: u64,
    pub(super) program: String,
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// SHA-256 of the list, hex.
    pub(super) list: String,
    /// Logs that are over and are not in it, each with the reason. Older versions copied whatever was there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<String>,
}

/// Files of a part, by their paths from the storage directory, and their SHA-256.
pub(super) type Files = BTreeMap<String, String>;

/// Writes list and manifest into `folder`, the manifest last: without it nothing is a backup.
pub(super) fn seal(
    folder: &Path,
    mut head: Head,
    files: &BTreeMap<String, Held>,
    signer: &Signer,
) -> Result<(), BackupError> {
    let path = folder.join(MANIFEST);
    let wrong = |why: String| BackupError::Manifest {
        path: path.clone(),
        why,
    };
    let list: String = files
        .iter()
        .map(|(name, held)| format!("{}  {name}\n", held.sha256))
        .collect();
    head.files = files.len() as u64;
    head.bytes = files.values().map(|held| held.bytes).sum();
    head.list = hex::encode(Sha256::digest(&list));
    write(&folder.join(LIST), list.as_bytes())?;
    let said = serde_json::to_string(&head).map_err(|error| wrong(error.to_string()))?;
    let text = format!("{FIRST}\n{said}\n");
    let line = signer.sign(&text, head.made_ms / 1000);
    let note = SignedNote::new(&text, vec![line]).map_err(|error| wrong(error.to_string()))?;
    write(&path, note.to_string().as_bytes())
}

/// A part whose manifest and list were checked; its files were not.
pub(super) struct Opened {
    pub(super) folder: PathBuf,
    pub(super) head: Head,
    pub(super) files: Files,
}

/// Reads the manifest and the list of a part of a backup of this log.
///
/// # Errors
/// When there is none, it is another party's, of another part, under another key, newer, or the list is not the one that was signed.
pub(super) fn open(folder: &Path, part: Part, party: &str, key: &Verifier) -> Result<Opened, BackupError> {
    let path = folder.join(MANIFEST);
    let wrong = |why: String| BackupError::Manifest {
        path: path.clone(),
        why,
    };
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_NOTE_BYTES as u64 + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let expected = part.what();
            return Err(BackupError::NotABackup { path, expected });
        }
        other => other.map_err(io(&path, "read"))?,
    };
    let note = SignedNote::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    let said = text_of(&note, &path)?;
    let value: Value = serde_json::from_str(said).map_err(|error| wrong(error.to_string()))?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    // Who is asked first is told best: whose it is, then whether it is theirs.
    for (what, name, expected) in [("party", "party", party), ("log", "origin", key.name())] {
        if text(name) != expected {
            let (found, expected) = (text(name), expected.to_owned());
            return Err(BackupError::Other {
                path,
                what,
                found,
                expected,
            });
        }
    }
    note.verify(std::slice::from_ref(key))
        .map_err(|source| BackupError::Signature {
            path: path.clone(),
            source,
        })?;
    let format = value.get("storage_format").and_then(Value::as_u64).unwrap_or(u64::MAX);
    if format > storage::FORMAT {
        let (found, program) = (format.to_string(), text("program"));
        return Err(BackupError::Newer { path, found, program });
    }
    let head: Head = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    if head.part != part {
        let (what, found, expected) = ("kind", head.part.what().to_owned(), part.what().to_owned());
        return Err(BackupError::Other {
            path,
            what,
            found,
            expected,
        });
    }
    let files = list(folder, &head)?;
    let folder = folder.to_owned();
    Ok(Opened { folder, head, files })
}

/// The line of a note that says it all.
fn text_of<'a>(note: &'a SignedNote, path: &Path) -> Result<&'a str, BackupError> {
    match note.text().split_once('\n') {
        Some((FIRST, said)) => Ok(said),
        Some((other, _)) if other.starts_with(ANY) => Err(BackupError::Newer {
            path: path.to_owned(),
            found: other.to_owned(),
            program: "unknown".to_owned(),
        }),
        _ => Err(BackupError::Manifest {
            path: path.to_owned(),
            why: format!("it does not begin with `{FIRST}`"),
        }),
    }
}

fn list(folder: &Path, head: &Head) -> Result<Files, BackupError> {
    let path = folder.join(LIST);
    // Digest, two spaces, a path of the storage directory, the end of the line: longer ones this program never writes.
    let most = head.files.saturating_mul(LINE_BYTES);
    let kind = fs::symlink_metadata(&path).map(|found| found.file_type());
    let mut bytes = Vec::new();
    match kind {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let expected = head.list.clone();
            return Err(BackupError::Missing { path, expected });
        }
        Ok(kind) if !kind.is_file() => return Err(BackupError::odd(&path, kind)),
        _ => {}
    }
    let read = File::open(&path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(io(&path, "read"))?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found != head.list {
        let expected = head.list.clone();
        return Err(BackupError::Differs { path, found, expected });
    }
    let wrong = |line: &str| BackupError::Manifest {
        path: path.clone(),
        why: format!("it has the line `{line}`"),
    };
    let text = String::from_utf8(bytes).map_err(|_| wrong("that is not UTF-8"))?;
    let mut files = Files::new();
    for line in text.lines() {
        let (sha256, name) = line.split_once("  ").ok_or_else(|| wrong(line))?;
        // It was signed; that it leads nowhere else does not rest on that alone.
        let mut parts = Path::new(name).components();
        if !parts.all(|part| matches!(part, Component::Normal(_))) || sha256.len() != 64 {
            return Err(wrong(line));
        }
        if files.insert(name.to_owned(), sha256.to_owned()).is_some() {
            return Err(wrong(line));
        }
    }
    Ok(files)
}

/// Both parts of one backup.
///
/// # Errors
/// As [`open`], and when they are of different backups.
pub(super) fn open_both(
    main: &Path,
    keys: &Path,
    party: &str,
    key: &Verifier,
) -> Result<(Opened, Opened), BackupError> {
    let (main, keys) = (open(main, Part::Main, party, key)?, open(keys, Part::Keys, party, key)?);
    if main.head.backup != keys.head.backup {
        return Err(BackupError::Other {
            path: keys.folder.join(MANIFEST),
            what: "backup",
            found: keys.head.backup.clone(),
            expected: main.head.backup.clone(),
        });
    }
    Ok((main, keys))
}
