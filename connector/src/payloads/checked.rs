//! Whether all payloads are what their names say, as whoever answers for them wants to know before somebody asks for one.

use super::{PayloadError, Payloads, digested, failed};
use std::fs::File;
use std::io;
use std::path::Path;

impl Payloads {
    /// The store as it lies there, to look at it while no service runs: nothing is made and nothing removed.
    #[must_use]
    pub fn to_read(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            verified: Default::default(),
            used: Default::default(),
        }
    }

    /// That the payload is what its name says, whatever was known of it: every byte is read. Gives how many there are; `None` when it is not there
    /// any more.
    ///
    /// # Errors
    /// When it cannot be read, or has changed.
    pub fn read_through(&self, sha256: &str) -> Result<Option<u64>, PayloadError> {
        let path = self.path(sha256)?;
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(&path, "read", e)),
        };
        let (found, bytes) = digested(&mut file).map_err(|e| failed(&path, "read", e))?;
        match found == sha256 {
            true => Ok(Some(bytes)),
            false => Err(PayloadError::Changed {
                expected: sha256.to_owned(),
                found,
            }),
        }
    }
}
