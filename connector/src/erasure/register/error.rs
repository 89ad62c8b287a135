//! Why a list of erasures cannot be used.

use crate::commands::Failure;
use crate::control::error::Code;
use std::path::{Path, PathBuf};

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
    /// A folder that is not the list, or not all of it.
    #[error(
        "`{path}` is not the whole list of erasures: {why}; expected the folder that `erasure.register` named before, with all that was ever in it: see whether its disk is mounted"
    )]
    NotWhole {
        /// Which.
        path: PathBuf,
        /// What is missing.
        why: String,
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

pub(super) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> RegisterError {
    let path = path.to_owned();
    move |source| RegisterError::Io { path, what, source }
}
