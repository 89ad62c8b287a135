//! Where the log of an origin lies: the first one in the storage directory itself, each successor in a folder of its own below it.

use herleid_ledger::{Ledger, LedgerError};
use std::path::{Path, PathBuf};

/// Folder of the successors within the storage directory.
pub(super) const FOLDER: &str = "logs";

/// Why the log of an origin cannot be opened, though nothing is known to be wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is over.
    #[error(
        "the log `{origin}` is over: it was continued as `{successor}`, in `{directory}`, and nothing more may be signed under the old origin; set `ledger.origin = \"{successor}\"`"
    )]
    Continued {
        /// The origin that was asked for.
        origin: String,
        /// The latest successor.
        successor: String,
        /// Where that lies.
        directory: PathBuf,
    },
    /// A log with a number above 1 is somebody's successor, and none begins without saying whose.
    #[error(
        "there is no log `{origin}` in `{directory}`: a log that continues another is begun by `herleid ledger continue` alone, which names what was lost; \
         set `ledger.origin` to the log that was lost, which may be this one, and run `herleid ledger continue`"
    )]
    NotBegun {
        /// The origin that was asked for.
        origin: String,
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// A store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A folder cannot be looked at.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// Host and number of an origin, `<host>[:<port>]/log/<number>`.
pub(crate) fn parts(origin: &str) -> Option<(&str, u32)> {
    let (host, number) = origin.rsplit_once("/log/")?;
    Some((host, number.parse().ok().filter(|number| *number > 0)?))
}

/// The origin after this one.
pub(crate) fn next(origin: &str) -> Option<String> {
    let (host, number) = parts(origin)?;
    Some(format!("{host}/log/{}", number.checked_add(1)?))
}

/// The folder of the successor with this number.
pub(super) fn folder(storage: &Path, number: u32) -> PathBuf {
    storage.join(FOLDER).join(number.to_string())
}

/// Numbers of the successors in `storage`, the latest last.
fn successors(storage: &Path) -> Result<Vec<u32>, PlaceError> {
    let path = storage.join(FOLDER);
    let io = |source| PlaceError::Io {
        path: path.clone(),
        source,
    };
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        // What is still being made has another name.
        found.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Where the log `origin` lies, whether it is there or not, to be read alone: whether it may go on is not asked.
///
/// # Errors
/// When the storage directory cannot be read.
pub fn of(storage: &Path, origin: &str) -> Result<PathBuf, PlaceError> {
    let number = parts(origin).map_or(1, |(_, number)| number);
    let own = folder(storage, number);
    if number == 1 || !own.exists() && Ledger::origin_in(storage)?.as_deref() == Some(origin) {
        return Ok(storage.to_owned());
    }
    Ok(own)
}

/// The successor that there is of the log `origin`, the latest one.
pub(super) fn successor(storage: &Path, origin: &str) -> Result<Option<(String, PathBuf)>, PlaceError> {
    let Some((host, number)) = parts(origin) else {
        return Ok(None);
    };
    let latest = successors(storage)?.pop().filter(|latest| *latest > number);
    Ok(latest.map(|latest| (format!("{host}/log/{latest}"), folder(storage, latest))))
}

/// Where the log `origin` lies that may be opened to be gone on with, or begun if it is the first one.
///
/// # Errors
/// When it is over, or would begin without saying whose successor it is.
pub fn directory(storage: &Path, origin: &str) -> Result<PathBuf, PlaceError> {
    if let Some((successor, directory)) = successor(storage, origin)? {
        return Err(PlaceError::Continued {
            origin: origin.to_owned(),
            successor,
            directory,
        });
    }
    let directory = of(storage, origin)?;
    let is_first = parts(origin).is_none_or(|(_, number)| number == 1);
    if !is_first && directory != storage && !directory.exists() {
        return Err(PlaceError::NotBegun {
            origin: origin.to_owned(),
            directory,
        });
    }
    Ok(directory)
}

/// The logs before `origin` that lie in `storage`, the latest first: origin and directory.
///
/// # Errors
/// When the storage directory cannot be read.
pub fn previous(storage: &Path, origin: &str) -> Result<Vec<(String, PathBuf)>, PlaceError> {
    let Some((host, number)) = parts(origin).filter(|(_, number)| *number > 1) else {
        return Ok(Vec::new());
    };
    let mut found: Vec<(String, PathBuf)> = successors(storage)?
        .into_iter()
        .rev()
        .filter(|before| *before < number)
        .map(|before| (format!("{host}/log/{before}"), folder(storage, before)))
        .collect();
    // A first log that is too damaged to say whose it is keeps no later one from going on; whoever opens it is told.
    let first = Ledger::origin_in(storage).unwrap_or_else(|_| Some(format!("{host}/log/1")));
    found.extend(
        first
            .filter(|first| first != origin)
            .map(|first| (first, storage.to_owned())),
    );
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_log_lies_in_the_storage_and_its_successors_below_it() {
        let storage = tempfile::tempdir().unwrap();
        let path = storage.path();
        assert_eq!(directory(path, "a.example/log/1").unwrap(), path);
        assert!(previous(path, "a.example/log/1").unwrap().is_empty());
        // No log with a number above 1 begins by itself.
        let error = directory(path, "a.example/log/2").unwrap_err();
        assert!(matches!(error, PlaceError::NotBegun { .. }), "{error}");
        // What is only being made is not there yet.
        std::fs::create_dir_all(path.join("logs/2.begun")).unwrap();
        assert_eq!(directory(path, "a.example/log/1").unwrap(), path);

        for number in [2, 3, 10] {
            std::fs::create_dir(folder(path, number)).unwrap();
        }
        for over in ["a.example/log/1", "a.example/log/2", "a.example/log/9"] {
            match directory(path, over).unwrap_err() {
                PlaceError::Continued { successor, .. } => assert_eq!(successor, "a.example/log/10"),
                error => panic!("{error}"),
            }
        }
        assert_eq!(directory(path, "a.example/log/10").unwrap(), path.join("logs/10"));
        let before: Vec<String> = previous(path, "a.example/log/10")
            .unwrap()
            .into_iter()
            .map(|(origin, _)| origin)
            .collect();
        assert_eq!(before, ["a.example/log/3", "a.example/log/2"]);
    }

    #[test]
    fn origins_are_counted() {
        assert_eq!(next("a.example:7101/log/9").unwrap(), "a.example:7101/log/10");
        assert_eq!(parts("a.example/log/2"), Some(("a.example", 2)));
        for other in [
            "a.example",
            "a.example/log/",
            "a.example/log/0",
            "a.example/log/x",
            "a.example/log/4294967295",
        ] {
            assert!(next(other).is_none(), "{other}");
        }
    }
}
