//! Where payloads lie: immutable files named by their SHA-256, durable before anything refers to them.

use crate::state::Digests;
use sha2::Digest as _;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

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

/// What the name of a payload begins with while it is being received.
const RECEIVING: &str = ".receiving-";

/// The store: `<directory>/<first two digits>/<sha256>`.
#[derive(Debug, Clone)]
pub struct Payloads {
    directory: PathBuf,
}

/// A payload being received: hashed on the way, invisible until [`Receiving::keep`].
pub struct Receiving {
    file: tempfile::NamedTempFile,
    blake3: blake3::Hasher,
    sha256: sha2::Sha256,
    bytes: u64,
    store: Payloads,
}

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
        fs::create_dir_all(directory).map_err(fail(directory, "made"))?;
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

    /// Starts to receive a payload.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn receive(&self) -> Result<Receiving, PayloadError> {
        let file = tempfile::Builder::new().prefix(RECEIVING).tempfile_in(&self.directory);
        let file = file.map_err(|source| PayloadError::File {
            path: self.directory.clone(),
            what: "written",
            source,
        })?;
        Ok(Receiving {
            file,
            blake3: blake3::Hasher::new(),
            sha256: sha2::Sha256::new(),
            bytes: 0,
            store: self.clone(),
        })
    }

    /// Keeps a copy of the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read or copied.
    pub fn import(&self, path: &Path) -> Result<Digests, PayloadError> {
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
    pub fn put(&self, bytes: &[u8]) -> Result<Digests, PayloadError> {
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

impl Receiving {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written, for example on a full disk.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PayloadError> {
        self.blake3.update(bytes);
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| PayloadError::File {
            path: self.file.path().to_owned(),
            what: "written",
            source,
        })
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Digests of what was taken so far.
    #[must_use]
    pub fn digests(&self) -> Digests {
        Digests {
            blake3: self.blake3.finalize().to_hex().to_string(),
            sha256: hex::encode(self.sha256.clone().finalize()),
            bytes: self.bytes,
        }
    }

    /// Syncs the bytes and gives them their name; afterwards a power cut cannot lose them.
    ///
    /// # Errors
    /// When syncing or renaming fails.
    pub fn keep(self) -> Result<Digests, PayloadError> {
        let digests = self.digests();
        let path = self.store.path(&digests.sha256)?;
        let fail = |what, source| PayloadError::File {
            path: path.clone(),
            what,
            source,
        };
        self.file.as_file().sync_all().map_err(|e| fail("synced", e))?;
        self.file.persist(&path).map_err(|e| fail("named", e.error))?;
        sync(path.parent().unwrap_or(&self.store.directory)).map_err(|e| fail("synced", e))?;
        Ok(digests)
    }
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_found_by_its_digest_and_its_decay_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        let digests = store.put(b"rain").unwrap();
        assert_eq!(digests, Digests::of(b"rain"));
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
