//! Erasures listed outside of the storage directory (`erasure.register`): a backup from before an erasure does not know it, and what was erased
//! would come back with it. A file for each, signed by the log's key, since whoever could add one could have something erased.

use crate::commands::Failure;
use crate::control::error::Code;
use crate::control::protocol::{ErasedRecord, ErasureLine};
use crate::node::Node;
use crate::state::digest_bytes;
use herleid_ledger::LedgerError;
use herleid_ledger::note::{SignedNote, Signer};
use herleid_ledger::section::SectionName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// First line of a note. No checkpoint begins with it.
const FIRST: &str = "herleid-erasure/1";
/// How the files end.
const ENDING: &str = ".erased";

/// Why the list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// A file or the folder.
    #[error(
        "the list of erasures `{path}` cannot be {what}: {source}; expected the folder that `erasure.register` names, with all that was ever in it: without it what was erased could come back"
    )]
    Io {
        /// Which.
        path: PathBuf,
        /// read, written, ...
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A folder that is lost with what it is to be remembered for.
    #[error(
        "the list of erasures `{path}` lies in the storage directory, and would be lost with it: expected a folder on another disk, named by `erasure.register`"
    )]
    Inside {
        /// Which.
        path: PathBuf,
    },
    /// A file in it.
    #[error(
        "`{path}` in the list of erasures is not what this participant wrote: {why}; put it back as it was, or ask who changed it"
    )]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        Self::new(Code::Failed, &error).next("see to the folder and its disk; nothing is erased without it")
    }
}

fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> RegisterError {
    let path = path.to_owned();
    move |source| RegisterError::Io { path, what, source }
}

/// An erasure as it is listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    /// Of which log.
    pub(super) origin: String,
    /// What was erased, why, and by whom.
    pub(super) erasure: ErasureLine,
    /// Leaf hashes (hex) of its records, by number: another history has other records under these numbers.
    leaves: BTreeMap<u64, String>,
}

/// Lists an erasure that is about to be carried out; durable when this returns. Gives the file, where there is a list.
///
/// # Errors
/// When it cannot be: the erasure must not be carried out then.
pub(super) fn add(node: &Node, line: &ErasureLine) -> Result<Option<PathBuf>, Failure> {
    let Some(folder) = &node.config.erasure.register else {
        return Ok(None);
    };
    let mut leaves = BTreeMap::new();
    for record in &line.records {
        leaves.insert(record.index, hex::encode(node.ledger.record(record.index)?.leaf()));
    }
    let listed = Listed {
        origin: node.ledger.origin().to_owned(),
        erasure: line.clone(),
        leaves,
    };
    Ok(Some(write(folder, &listed, &node.manifests, node.now_ms() / 1000)?))
}

fn write(folder: &Path, listed: &Listed, signer: &Signer, now_s: u64) -> Result<PathBuf, RegisterError> {
    let path = folder.join(format!("{}{ENDING}", listed.erasure.id));
    let content = |why: String| RegisterError::Content {
        path: path.clone(),
        why,
    };
    let said = serde_json::to_string(listed).map_err(|error| content(error.to_string()))?;
    let text = format!("{FIRST}\n{said}\n");
    let note = SignedNote::new(&text, vec![signer.sign(&text, now_s)]).map_err(|error| content(error.to_string()))?;
    let unfinished = folder.join(format!("{}.tmp", listed.erasure.id));
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
pub(super) fn take_off(path: &Path) {
    let removed = fs::remove_file(path).map_err(io(path, "removed"));
    let removed = removed.and_then(|()| path.parent().map_or(Ok(()), sync));
    if let Err(error) = removed {
        tracing::error!(%error, "an erasure is listed that was not carried out; it is at the next start");
    }
}

/// All that is listed, in order of the proposals, the oldest first.
///
/// # Errors
/// When the folder or a file in it cannot be read, or is not by the log's key.
pub(crate) fn read(folder: &Path, key: &ed25519_dalek::SigningKey) -> Result<Vec<Listed>, RegisterError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder, "read"))? {
        let name = entry.map_err(io(folder, "read"))?.file_name();
        names.extend(name.to_str().filter(|name| name.ends_with(ENDING)).map(str::to_owned));
    }
    names.sort_unstable();
    let paths = names.into_iter().map(|name| folder.join(name));
    paths.map(|path| one(&path, key)).collect()
}

fn one(path: &Path, key: &ed25519_dalek::SigningKey) -> Result<Listed, RegisterError> {
    let content = |why: &dyn std::fmt::Display| RegisterError::Content {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let bytes = fs::read(path).map_err(io(path, "read"))?;
    let note = SignedNote::parse(&bytes).map_err(|error| content(&error))?;
    let said = note.text().strip_prefix(FIRST).and_then(|said| said.strip_prefix('\n'));
    let said = said.ok_or_else(|| content(&format!("it does not begin with `{FIRST}`")))?;
    let listed: Listed = serde_json::from_str(said).map_err(|error| content(&error))?;
    // Logs of one participant have one key; its name is the origin.
    let signer = Signer::ed25519(&listed.origin, key.clone()).map_err(|error| content(&error))?;
    note.verify(std::slice::from_ref(signer.verifier()))
        .map_err(|error| content(&error))?;
    Ok(listed)
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

/// What is listed of a log, by record: for one that is over, where it is not shown any more.
///
/// # Errors
/// As [`read`].
pub(crate) fn of_log(
    folder: Option<&Path>,
    key: &ed25519_dalek::SigningKey,
    origin: &str,
) -> Result<BTreeMap<u64, Vec<SectionName>>, RegisterError> {
    let mut erased: BTreeMap<u64, Vec<SectionName>> = BTreeMap::new();
    let Some(folder) = folder else { return Ok(erased) };
    for listed in read(folder, key)?.into_iter().filter(|listed| listed.origin == origin) {
        for record in &listed.erasure.records {
            let names = record
                .sections
                .iter()
                .filter_map(|name| name.parse::<SectionName>().ok());
            erased.entry(record.index).or_default().extend(names);
        }
    }
    Ok(erased)
}

/// What of it is still there.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn left(node: &Node, listed: &Listed) -> Result<Vec<ErasedRecord>, Failure> {
    let mut left = Vec::new();
    for record in &listed.erasure.records {
        if record.index >= node.ledger.size() {
            continue;
        }
        let found = match node.ledger.record(record.index) {
            // It cannot be shown either; a check of the log names it.
            Err(error @ LedgerError::Corrupt { .. }) => {
                tracing::error!(%error, "whether something that was erased is here again cannot be told of a damaged record");
                continue;
            }
            other => other?,
        };
        let leaf = listed.leaves.get(&record.index).and_then(|leaf| digest_bytes(leaf));
        if leaf.as_ref() != Some(found.leaf()) {
            continue;
        }
        let is_there = |name: &&String| {
            let name = name.parse::<SectionName>();
            name.is_ok_and(|name| found.sections().contains_key(&name))
        };
        let sections: Vec<String> = record.sections.iter().filter(is_there).cloned().collect();
        if !sections.is_empty() {
            left.push(ErasedRecord {
                sections,
                tombstone: None,
                ..record.clone()
            });
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::protocol::{Actor, ErasureState};

    fn listed(id: &str, index: u64) -> Listed {
        let by = Actor {
            id: "a".to_owned(),
            name: "A".to_owned(),
        };
        Listed {
            origin: "a.example/log/1".to_owned(),
            erasure: ErasureLine {
                id: id.to_owned(),
                state: ErasureState::Erased,
                ground: "avg-17".to_owned(),
                authority: "request 1".to_owned(),
                complete_by_ms: 7,
                proposed_by: by.clone(),
                decided_by: Some(by),
                is_buried: None,
                records: vec![ErasedRecord {
                    index,
                    kind: "decision-made".to_owned(),
                    sections: vec!["people".to_owned()],
                    tombstone: None,
                }],
                recipients: Vec::new(),
            },
            leaves: BTreeMap::from([(index, "ab".repeat(32))]),
        }
    }

    #[test]
    fn what_is_listed_is_read_and_what_somebody_else_put_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        let signer = |key: &ed25519_dalek::SigningKey| Signer::ed25519("a.example/log/1", key.clone()).unwrap();
        for (id, index) in [("b", 3), ("a", 4), ("c", 3)] {
            write(folder.path(), &listed(id, index), &signer(&key), 1).unwrap();
        }
        fs::write(folder.path().join("d.tmp"), "half").unwrap();
        let ids: Vec<String> = read(folder.path(), &key)
            .unwrap()
            .into_iter()
            .map(|one| one.erasure.id)
            .collect();
        assert_eq!(ids, ["a", "b", "c"]);
        let of = |origin: &str| of_log(Some(folder.path()), &key, origin).unwrap();
        assert_eq!(of("a.example/log/1").into_keys().collect::<Vec<_>>(), [3, 4]);
        assert!(of("a.example/log/2").is_empty());
        assert!(of_log(None, &key, "a.example/log/1").unwrap().is_empty());

        take_off(&folder.path().join("a.erased"));
        assert_eq!(read(folder.path(), &key).unwrap().len(), 2);
        check(folder.path(), &folder.path().join("d.tmp")).unwrap();
        for inner in [folder.path(), folder.path().parent().unwrap()] {
            let error = check(folder.path(), inner).unwrap_err().to_string();
            assert!(error.contains("would be lost with it"), "{error}");
        }
        let nowhere = folder.path().join("nowhere");
        let error = read(&nowhere, &key).unwrap_err().to_string();
        assert!(
            error.contains("nowhere") && error.contains("erasure.register"),
            "{error}"
        );
        // By another key, altered, or something else.
        let other = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
        write(folder.path(), &listed("e", 3), &signer(&other), 1).unwrap();
        let wrong = folder.path().join("e.erased");
        let refused = || read(folder.path(), &key).unwrap_err().to_string();
        assert!(
            refused().contains("e.erased") && refused().contains("signature"),
            "{}",
            refused()
        );
        let good = fs::read_to_string(folder.path().join("b.erased")).unwrap();
        fs::write(&wrong, good.replace("people", "content")).unwrap();
        assert!(refused().contains("does not verify"), "{}", refused());
        fs::write(&wrong, "nothing").unwrap();
        assert!(refused().contains("not a signed note"), "{}", refused());
        fs::write(&wrong, good.replace(FIRST, "herleid-erasure/2")).unwrap();
        assert!(refused().contains("does not begin with"), "{}", refused());
    }
}
