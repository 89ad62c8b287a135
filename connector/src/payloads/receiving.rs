//! Payloads on their way in.

use super::{Kept, PayloadError, Payloads, RECEIVING, sync};
use crate::state::Digests;
use sha2::Digest as _;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// What the name of a payload begins with that is received in several goes, also over a restart.
const PARTIAL: &str = ".partial-";
/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// A payload being received: hashed on the way, invisible until [`Receiving::keep`].
pub struct Receiving {
    file: tempfile::NamedTempFile,
    blake3: blake3::Hasher,
    sha256: sha2::Sha256,
    bytes: u64,
    store: Payloads,
}

impl Payloads {
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

    /// Starts to receive a payload in several goes, or goes on with it: what came before under this name (a transaction) is there,
    /// also after a restart.
    ///
    /// # Errors
    /// When the file cannot be made or read.
    pub fn go_on(&self, transaction: &str) -> Result<Receiving, PayloadError> {
        if uuid::Uuid::try_parse(transaction).is_err() {
            return Err(PayloadError::Name(transaction.chars().take(80).collect()));
        }
        let path = self.directory.join(format!("{PARTIAL}{transaction}"));
        let fail = |source| PayloadError::File {
            path: path.clone(),
            what: "read",
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = options.open(&path).map_err(fail)?;
        let (mut blake3, mut sha256, mut bytes) = (blake3::Hasher::new(), sha2::Sha256::new(), 0);
        let mut buffer = vec![0u8; CHUNK];
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        loop {
            let n = file.read(&mut buffer).map_err(fail)?;
            if n == 0 {
                break;
            }
            let read = buffer.get(..n).unwrap_or_default();
            blake3.update(read);
            sha256.update(read);
            bytes += n as u64;
        }
        let mut file = NamedTempFile::from_parts(file, TempPath::try_from_path(&path).map_err(fail)?);
        file.disable_cleanup(true);
        Ok(Receiving {
            file,
            blake3,
            sha256,
            bytes,
            store: self.clone(),
        })
    }

    /// Removes what was received in part and will not be gone on with.
    ///
    /// # Errors
    /// When the directory cannot be read, or a file not be removed.
    pub fn sweep(&self, goes_on: impl Fn(&str) -> bool) -> Result<(), PayloadError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| PayloadError::File {
                path,
                what: "removed",
                source,
            }
        };
        for entry in fs::read_dir(&self.directory).map_err(fail(&self.directory))? {
            let entry = entry.map_err(fail(&self.directory))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name
                .strip_prefix(PARTIAL)
                .is_some_and(|transaction| !goes_on(transaction))
            {
                fs::remove_file(entry.path()).map_err(fail(&entry.path()))?;
            }
        }
        Ok(())
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

    /// Syncs the bytes and gives them their name; afterwards a power cut cannot lose them, nor an erasure until what it gives is dropped.
    ///
    /// # Errors
    /// When syncing or renaming fails.
    pub fn keep(self) -> Result<Kept, PayloadError> {
        let digests = self.digests();
        // Before it has its name.
        let kept = self.store.keeps(digests.clone());
        let path = self.store.path(&digests.sha256)?;
        let fail = |what, source| PayloadError::File {
            path: path.clone(),
            what,
            source,
        };
        self.file.as_file().sync_all().map_err(|e| fail("synced", e))?;
        self.file.persist(&path).map_err(|e| fail("named", e.error))?;
        sync(path.parent().unwrap_or(&self.store.directory)).map_err(|e| fail("synced", e))?;
        Ok(kept)
    }

    /// Digests of a part of what was taken so far.
    ///
    /// # Errors
    /// When it cannot be read, or there is not so much.
    pub fn part(&self, from: u64, to: u64) -> Result<Digests, PayloadError> {
        let fail = |source| PayloadError::File {
            path: self.file.path().to_owned(),
            what: "read",
            source,
        };
        let (mut blake3, mut sha256, mut at) = (blake3::Hasher::new(), sha2::Sha256::new(), from);
        let mut buffer = vec![0u8; CHUNK];
        while at < to {
            let most = usize::try_from(to - at).unwrap_or(CHUNK).min(CHUNK);
            let piece = buffer.get_mut(..most).unwrap_or_default();
            self.file.as_file().read_exact_at(piece, at).map_err(fail)?;
            blake3.update(piece);
            sha256.update(piece);
            at += most as u64;
        }
        Ok(Digests {
            blake3: blake3.finalize().to_hex().to_string(),
            sha256: hex::encode(sha256.finalize()),
            bytes: to.saturating_sub(from),
        })
    }

    /// Forgets all that was taken so far, and begins anew.
    ///
    /// # Errors
    /// When the file cannot be cut.
    pub fn clear(&mut self) -> Result<(), PayloadError> {
        let path = self.file.path().to_owned();
        let file = self.file.as_file_mut();
        let cut = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
        cut.map_err(|source| PayloadError::File {
            path,
            what: "cut",
            source,
        })?;
        self.blake3 = blake3::Hasher::new();
        self.sha256 = sha2::Sha256::new();
        self.bytes = 0;
        Ok(())
    }

    /// Lets the file go, also one that would be gone on with.
    pub fn discard(mut self) {
        self.file.disable_cleanup(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSACTION: &str = "0192f0c1-2b3c-7d4e-8f50-112233445566";

    #[test]
    fn what_came_before_is_there_after_a_restart_until_it_is_kept_or_swept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        store.go_on(TRANSACTION).unwrap().write(b"ra").unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        let mut again = store.go_on(TRANSACTION).unwrap();
        assert_eq!(again.bytes(), 2);
        again.write(b"in").unwrap();
        assert_eq!(again.digests(), Digests::of(b"rain"));
        assert_eq!(again.part(1, 3).unwrap(), Digests::of(b"ai"));
        assert!(again.part(1, 5).is_err());
        assert_eq!(*again.keep().unwrap(), Digests::of(b"rain"));
        assert_eq!(store.read(&Digests::of(b"rain").sha256).unwrap(), b"rain");
        assert_eq!(store.go_on(TRANSACTION).unwrap().bytes(), 0);

        store.sweep(|transaction| transaction == TRANSACTION).unwrap();
        let path = directory.path().join(format!("{PARTIAL}{TRANSACTION}"));
        assert!(path.exists());
        store.sweep(|_| false).unwrap();
        assert!(!path.exists());
        assert!(matches!(store.go_on("../x"), Err(PayloadError::Name(_))));
    }

    #[test]
    fn what_is_begun_anew_has_nothing_of_before() {
        let directory = tempfile::tempdir().unwrap();
        let store = Payloads::open(directory.path()).unwrap();
        for mut receiving in [store.receive().unwrap(), store.go_on(TRANSACTION).unwrap()] {
            receiving.write(b"sunshine").unwrap();
            receiving.clear().unwrap();
            receiving.write(b"rain").unwrap();
            assert_eq!(*receiving.keep().unwrap(), Digests::of(b"rain"));
        }
        store.go_on(TRANSACTION).unwrap().discard();
        assert!(!directory.path().join(format!("{PARTIAL}{TRANSACTION}")).exists());
    }
}
