//! The socket file: private from its first moment, replaced after a crash, never stolen from a living service.

use super::error::{Code, ControlError};
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// Name of the socket within the storage directory.
pub const FILE_NAME: &str = "herleid.sock";

/// Longest path of a Unix socket on Linux: 108 bytes with the closing zero (unix(7)).
const LONGEST_PATH: usize = 107;

/// Where the socket of a storage directory is.
#[must_use]
pub fn path_in(storage: &Path) -> PathBuf {
    storage.join(FILE_NAME)
}

/// Why the socket could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A service is running on this storage directory.
    #[error(
        "another `herleid serve` is running on `{storage}`: stop that one first, or give this one a storage directory of its own"
    )]
    InUse {
        /// The storage directory.
        storage: PathBuf,
    },
    /// Something else has the socket's name.
    #[error("`{path}` is in the way: it is not a socket; move it elsewhere")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The kernel's limit.
    #[error(
        "the path `{path}` has {bytes} bytes, a Unix socket's at most {LONGEST_PATH}: use a storage directory with a shorter path"
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// Anything else.
    #[error("the control socket `{path}` cannot be made: {source}")]
    Io {
        /// The path.
        path: PathBuf,
        /// From the operating system.
        source: io::Error,
    },
}

impl From<SocketError> for ControlError {
    fn from(error: SocketError) -> Self {
        let code = match &error {
            SocketError::InUse { .. } => Code::Busy,
            SocketError::NotASocket { .. } | SocketError::PathTooLong { .. } => Code::Configuration,
            SocketError::Io { .. } => Code::Failed,
        };
        Self::new(code, error.to_string())
    }
}

/// The listening socket. Dropping it removes the file and lets the next service in.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
    // Held, not read: the kernel releases the lock with the process, however that ends.
    _lock: File,
}

impl ControlSocket {
    /// Makes `<storage>/herleid.sock`, mode 0600. A lock on `herleid.sock.lock` tells a living owner from a crashed one,
    /// so that two services that start at once cannot both find the file stale.
    ///
    /// # Errors
    /// A service is running, something else is in the way, or the operating system refuses.
    pub async fn open(storage: &Path) -> Result<Self, SocketError> {
        let path = path_in(storage);
        let io = |source| SocketError::Io {
            path: path.clone(),
            source,
        };
        let in_use = || SocketError::InUse {
            storage: storage.to_owned(),
        };
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(storage.join(format!("{FILE_NAME}.lock")))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(in_use()),
            Err(std::fs::TryLockError::Error(source)) => return Err(io(source)),
        }
        match std::fs::symlink_metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(io(source)),
            Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NotASocket { path }),
            // Somebody answers although the lock was free: its lock file was removed by hand. It still lives.
            Ok(_) if UnixStream::connect(&path).await.is_ok() => return Err(in_use()),
            Ok(_) => {}
        }
        let listener = bind_private(storage, &path)?;
        let owner = std::fs::symlink_metadata(&path).map_err(io)?.uid();
        Ok(Self {
            listener,
            path,
            owner,
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next caller that may come in: this process's user or root. Others are turned away and written to the log.
    ///
    /// # Errors
    /// As `accept(2)`.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match stream.peer_cred() {
                Ok(caller) if may_enter(caller.uid(), self.owner) => return Ok(stream),
                Ok(caller) => {
                    tracing::warn!(
                        uid = caller.uid(),
                        "a caller of another user was turned away from the control socket"
                    );
                }
                Err(error) => {
                    tracing::warn!(%error, "a caller without credentials was turned away from the control socket");
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // The lock is still held here, so this cannot be the socket of a successor.
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the control socket could not be removed");
        }
    }
}

/// Root may do anything on this machine anyway; everybody else must be the user that the service runs as.
fn may_enter(caller: u32, owner: u32) -> bool {
    caller == owner || caller == 0
}

/// Binds in a directory that only this user can enter, sets the mode, and only then moves the socket to its name: at no
/// moment can another user connect, and what stood there before is replaced in one step.
fn bind_private(storage: &Path, path: &Path) -> Result<UnixListener, SocketError> {
    let io = |source| SocketError::Io {
        path: path.to_owned(),
        source,
    };
    let nursery = storage.join(".sock");
    let cradle = nursery.join("s");
    for (candidate, shown) in [(path, path), (cradle.as_path(), path)] {
        let bytes = candidate.as_os_str().len();
        if bytes > LONGEST_PATH {
            return Err(SocketError::PathTooLong {
                path: shown.to_owned(),
                bytes,
            });
        }
    }
    match std::fs::remove_dir_all(&nursery) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(io(e)),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(&nursery).map_err(io)?;
    let listener = UnixListener::bind(&cradle).map_err(io)?;
    std::fs::set_permissions(&cradle, Permissions::from_mode(0o600)).map_err(io)?;
    std::fs::rename(&cradle, path).map_err(io)?;
    std::fs::remove_dir(&nursery).map_err(io)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_and_root_may_enter() {
        assert!(may_enter(1000, 1000));
        assert!(may_enter(0, 1000));
        assert!(!may_enter(1001, 1000));
        assert!(!may_enter(1000, 0));
    }
}
