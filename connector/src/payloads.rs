//! Where payloads lie: immutable files named by their SHA-256, durable before anything refers to them.

mod checked;
mod erasing;
mod receiving;

pub use erasing::Kept;
pub use receiving::Receiving;

use sha2::Digest as _;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Why a payload cannot be kept or given.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The file system failed.
    #[error("the payload at `{path}` cannot be {what}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// read, written, ...
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The bytes on disk are not those that were published.
    #[error(
        "the payload `{expected}` has changed on disk: its digest is now `{found}`; nothing of it is served: restore it from your backup"
    )]
    Changed {
        /// SHA-256 expected.
        expected: String,
        /// SHA-256 found.
        found: String,
    },
    /// Not a digest.
    #[error("`{0}` is not a SHA-256 digest of 64 hexadecimal digits")]
    Name(String),
}

fn failed(path: &Path, what: &'static str, source: io::Error) -> PayloadError {
    PayloadError::File {
        path: path.to_owned(),
        what,
        source,
    }
}

/// SHA-256 of the rest of a file, as a payload's name has it, and how many bytes that is.
fn digested(file: &mut File) -> io::Result<(String, u64)> {
    let (mut hasher, mut bytes) = (sha2::Sha256::new(), 0);
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((hex::encode(hasher.finalize()), bytes));
        }
        bytes += n as u64;
        hasher.update(buffer.get(..n).unwrap_or_default());
    }
}

/// What the name of a payload begins with while it is being received.
const RECEIVING: &str = ".receiving-";

/// The store: `<directory>/<first two digits>/<sha256>`.
#[derive(Debug, Clone)]
pub struct Payloads {
    directory: PathBuf,
    /// Payloads that were found to be what their names say, and the files' state then.
    verified: Arc<Mutex<HashMap<String, FileState>>>,
    /// Payloads that somebody keeps until a record leads to them, and how many do.
    used: erasing::Used,
}

/// Device, number, length, and time of change in seconds and nanoseconds.
type FileState = (u64, u64, u64, i64, i64);

/// Payloads that are remembered as verified: about 200 bytes each, 2 MB in all.
const MOST_VERIFIED: usize = 10_000;

impl Payloads {
    /// Opens or makes the store in `directory`, with a folder for each first two digits: made one by one when they are needed,
    /// a folder that two payloads need at once could be lost with one of them in a power cut. What a crash left half received
    /// is removed; nobody else may have the store open.
    ///
    /// # Errors
    /// When a directory cannot be made, or what was left not be removed.
    pub fn open(directory: &Path) -> Result<Self, PayloadError> {
        let fail = |path: &Path, what: &'static str| {
            let path = path.to_owned();
            move |source| PayloadError::File { path, what, source }
        };
        // For its owner alone: the SHA-256 of personal data can be guessed.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(fail(directory, "made"))?;
        for first in 0..=u8::MAX {
            let folder = directory.join(format!("{first:02x}"));
            match fs::create_dir(&folder) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(fail(&folder, "made")(e)),
                _ => {}
            }
        }
        for entry in fs::read_dir(directory).map_err(fail(directory, "read"))? {
            let entry = entry.map_err(fail(directory, "read"))?;
            if entry.file_name().as_encoded_bytes().starts_with(RECEIVING.as_bytes()) {
                fs::remove_file(entry.path()).map_err(fail(&entry.path(), "removed"))?;
            }
        }
        // The folders' names stand in the directory, and its own in the one above. Also when nothing was made now: the start
        // that made them may have been killed before it came here.
        for path in [Some(directory), directory.parent()].into_iter().flatten() {
            // `parent` of a path of one part is the empty path, which means here.
            let path = if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                path
            };
            sync(path).map_err(fail(path, "synced"))?;
        }
        Ok(Self {
            directory: directory.to_owned(),
            verified: Arc::default(),
            used: erasing::Used::default(),
        })
    }

    /// Where the payload with this SHA-256 lies.
    ///
    /// # Errors
    /// When `sha256` is not 64 lower-case hexadecimal digits: it may come from a peer and must not name another file.
    pub fn path(&self, sha256: &str) -> Result<PathBuf, PayloadError> {
        let right = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match sha256.get(..2) {
            Some(prefix) if right => Ok(self.directory.join(prefix).join(sha256)),
            _ => Err(PayloadError::Name(sha256.chars().take(80).collect())),
        }
    }

    /// That the payload is what its name says. It is read once for as long as the file stays as it is (device, number, length,
    /// time of change); without that, every part of a large payload would cost the reading of the whole.
    ///
    /// # Errors
    /// When it is absent or has changed.
    pub fn verify(&self, sha256: &str) -> Result<(), PayloadError> {
        let path = self.path(sha256)?;
        let fail = |source| failed(&path, "read", source);
        let mut file = File::open(&path).map_err(fail)?;
        let state = |file: &File| {
            file.metadata()
                .map(|m| (m.dev(), m.ino(), m.len(), m.ctime(), m.ctime_nsec()))
        };
        let before = state(&file).map_err(fail)?;
        let known = || self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if known().get(sha256) == Some(&before) {
            return Ok(());
        }
        let (found, _) = digested(&mut file).map_err(fail)?;
        if found != sha256 {
            return Err(PayloadError::Changed {
                expected: sha256.to_owned(),
                found,
            });
        }
        if state(&file).map_err(fail)? == before {
            let mut known = known();
            // Forgotten, one is read once more.
            if known.len() >= MOST_VERIFIED {
                known.clear();
            }
            known.insert(sha256.to_owned(), before);
        }
        Ok(())
    }

    /// Keeps a copy of the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read or copied.
    pub fn import(&self, path: &Path) -> Result<Kept, PayloadError> {
        let read = |source| PayloadError::File {
            path: path.to_owned(),
            what: "read",
            source,
        };
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(read)?);
        let mut receiving = self.receive()?;
        let mut buffer = vec![0u8; 1 << 20];
        loop {
            let n = reader.read(&mut buffer).map_err(read)?;
            if n == 0 {
                return receiving.keep();
            }
            receiving.write(buffer.get(..n).unwrap_or_default())?;
        }
    }

    /// Keeps bytes at hand.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Kept, PayloadError> {
        let mut receiving = self.receive()?;
        receiving.write(bytes)?;
        receiving.keep()
    }

    /// The whole payload, checked against its name.
    ///
    /// # Errors
    /// When it is absent or has changed.
    pub fn read(&self, sha256: &str) -> Result<Vec<u8>, PayloadError> {
        let path = self.path(sha256)?;
        let bytes = fs::read(&path).map_err(|source| PayloadError::File {
            path,
            what: "read",
            source,
        })?;
        let found = hex::encode(sha2::Sha256::digest(&bytes));
        if found == sha256 {
            Ok(bytes)
        } else {
            Err(PayloadError::Changed {
                expected: sha256.to_owned(),
                found,
            })
        }
    }
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Digests;

    #[test]
    fn a_payload_is_found_by_its_digest_and_its_decay_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        let digests = store.put(b"rain").unwrap();
        assert_eq!(*digests, Digests::of(b"rain"));
        assert_eq!(store.read(&digests.sha256).unwrap(), b"rain");
        fs::write(store.path(&digests.sha256).unwrap(), b"sun!").unwrap();
        assert!(matches!(store.read(&digests.sha256), Err(PayloadError::Changed { .. })));
    }

    /// Files of the store that are not in a folder: there are some only while something is received.
    fn left(directory: &Path) -> usize {
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        entries.filter(|e| !e.path().is_dir()).count()
    }

    #[test]
    fn all_folders_are_there_before_the_first_payload_and_what_a_crash_left_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("payloads");
        let store = Payloads::open(&path).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 256);
        let digests = store.put(b"rain").unwrap();
        fs::write(path.join(".receiving-cut-off"), b"half").unwrap();
        assert_eq!(left(&path), 1);
        let again = Payloads::open(&path).unwrap();
        assert_eq!(left(&path), 0);
        assert_eq!(again.read(&digests.sha256).unwrap(), b"rain");
    }

    #[test]
    fn what_was_not_kept_leaves_nothing_and_no_name_leads_outside() {
        let directory = tempfile::tempdir().unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        let mut receiving = store.receive().unwrap();
        receiving.write(b"half").unwrap();
        drop(receiving);
        assert_eq!(left(directory.path()), 0);
        for name in [
            "",
            "../../etc/passwd",
            &"A".repeat(64),
            &format!("../{}", "a".repeat(61)),
        ] {
            assert!(matches!(store.path(name), Err(PayloadError::Name(_))), "{name}");
        }
    }
}
