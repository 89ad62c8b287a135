//! What a check found wrong is kept beside the log, so that a restart does not forget it. A file of its own: the stores may be what is damaged.

use super::{Audited, Ledger};
use crate::error::LedgerError;
use crate::store::evidence::sync_dir;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

/// Name of the file, in the log's directory.
const NAME: &str = "unsound";

/// More of what was found need not be told.
const MOST: u64 = 16 << 10;

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError + '_ {
    move |source| LedgerError::Io {
        path: path.to_owned(),
        source,
    }
}

/// What an earlier check found wrong with the log in `dir`. That the file is there counts, whatever can be read of it.
pub(super) fn remembered(dir: &Path) -> Result<Option<String>, LedgerError> {
    let path = dir.join(NAME);
    let file = match File::open(&path) {
        Ok(file) => file,
        // Where there is no directory there is no log either; opening says what is there.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(io(&path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(io(&path))?;
    Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
}

pub(super) fn unsound(dir: &Path, found: String) -> LedgerError {
    LedgerError::Unsound {
        dir: dir.to_owned(),
        found,
    }
}

impl Ledger {
    /// What a check found wrong, now or before; nothing is taken then.
    #[must_use]
    pub fn found_unsound(&self) -> Option<&str> {
        self.0.who.unsound.get().map(String::as_str)
    }

    /// Whether anything was read since this was asked last that cannot be what was written. It may have been seen half erased; a check of
    /// all ([`Ledger::verify_all`]) says whether the log is damaged.
    #[must_use]
    pub fn was_suspected(&self) -> bool {
        // Both are asked, whatever the first says.
        self.shared().log.was_suspected() | self.shared().keys.rocks().was_suspected()
    }

    /// Takes nothing more, whatever is appended: what comes after damage would rest on it, and be signed with it. `found` says what a check
    /// found. What is there can still be read. [`Ledger::open`] refuses the log from then on, until [`Ledger::is_sound_again`].
    ///
    /// # Errors
    /// When it cannot be kept on disk; nothing is taken all the same, for as long as the log is open.
    pub fn refuse_all(&self, found: &str) -> Result<(), LedgerError> {
        // The first finding is told.
        let _ = self.shared().unsound.set(found.to_owned());
        let dir = &self.shared().dir.clone();
        let path = dir.join(NAME);
        if path.try_exists().map_err(io(&path))? {
            return Ok(());
        }
        let unfinished = dir.join(format!("{NAME}.tmp"));
        let write = |mut file: File| file.write_all(found.as_bytes()).and_then(|()| file.sync_all());
        File::create(&unfinished).and_then(write).map_err(io(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(io(&path))?;
        sync_dir(dir)
    }

    /// Forgets what an earlier check found, since this one found all in order: the log takes records again when it is opened the next time.
    /// Gives what was found then, if anything was.
    ///
    /// # Errors
    /// When the audit is not of this log as it is, or the file cannot be removed.
    pub fn is_sound_again(&self, audited: &Audited) -> Result<Option<String>, LedgerError> {
        let now = self.shared().published();
        if (audited.size, &audited.root) != (now.size(), now.root()) {
            let expected = format!("an audit of all {} records", now.size());
            let found = format!("one of {}", audited.size);
            return Err(self.shared().corrupt("what was audited", expected, found));
        }
        let dir = &self.shared().dir.clone();
        let before = remembered(dir)?;
        if before.is_some() {
            let path = dir.join(NAME);
            fs::remove_file(&path).map_err(io(&path))?;
            sync_dir(dir)?;
        }
        Ok(before)
    }
}
