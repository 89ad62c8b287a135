//! Two kinds of no: it could not be run at all, and it ran and failed.

use std::path::{Path, PathBuf};

/// Why nothing ran.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A program that the walls are built with is missing.
    #[error(
        "model programs run in a sandbox that needs `{program}`, which is not installed; install it with `apt-get install {package}`"
    )]
    NotInstalled {
        /// The program.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// The walls do not stand on this machine.
    #[error("the sandbox for model programs cannot be made, so no model runs here: {why}")]
    NotPossible {
        /// What was tried, and what the system said.
        why: String,
    },
    /// The place for job directories cannot be used.
    #[error("`{}` cannot hold job directories: {why}", .path.display())]
    Jobs {
        /// The place.
        path: PathBuf,
        /// Why not, and what to do.
        why: String,
    },
    /// The program cannot be read.
    #[error("the model program `{}` cannot be used: {why}", .path.display())]
    Program {
        /// The program.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The program is not the published one.
    #[error("the model program `{}` has SHA-256 {found}, but {published} is published; publish a new version or restore the file", .path.display())]
    ProgramChanged {
        /// The program.
        path: PathBuf,
        /// Digest in the process description.
        published: String,
        /// Digest of the file.
        found: String,
    },
    /// The job does not fit the model.
    #[error("the job does not fit the model: {why}")]
    Job {
        /// What was found and what was expected.
        why: String,
    },
    /// An input is not what it is said to be.
    #[error("input `{name}` of the job: {why}")]
    Input {
        /// The input.
        name: String,
        /// What was found and what was expected.
        why: String,
    },
    /// The job directory could not be written or read.
    #[error("`{}`: {why}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

impl SandboxError {
    pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> Self + '_ {
        |e| Self::Io {
            path: path.to_owned(),
            why: e.to_string(),
        }
    }
}

/// Why a run is not taken on at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// So many wait already that one more would wait too long.
    #[error(
        "{parallel} model programs run here at once and {waiting} may wait, and all these places are taken; ask again in a while"
    )]
    Places {
        /// Programs that run at once.
        parallel: usize,
        /// Runs that may wait.
        waiting: usize,
    },
    /// None of the programs that run has ended in time.
    #[error(
        "{parallel} model programs run here at once, and none of them ended within {waited_ms} ms; ask again in a while"
    )]
    Slots {
        /// Programs that run at once.
        parallel: usize,
        /// How long this run waited.
        waited_ms: u64,
    },
}

/// Why a program that ran gave no result; what `run-failed` records as `run.reason`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It took too long and was killed with all it had started.
    #[error("time limit: it had not ended after {wall_ms} ms")]
    TimeLimit {
        /// The limit.
        wall_ms: u64,
    },
    /// Whoever had it run wanted no more of it, and it was killed with all it had started.
    #[error("it was stopped: {why}")]
    Stopped {
        /// Why.
        why: String,
    },
    /// A process used more processor time than it may.
    #[error("processor time limit: a process used more than {cpu_s} s")]
    CpuLimit {
        /// The limit.
        cpu_s: u64,
    },
    /// Its processes together held more memory than they may.
    #[error("memory limit: its processes held {found_bytes} bytes together, at most {memory_bytes} are allowed")]
    MemoryLimit {
        /// What was seen.
        found_bytes: u64,
        /// The limit.
        memory_bytes: u64,
    },
    /// It wrote more output than it may.
    #[error("output limit: it wrote more than {output_bytes} bytes")]
    OutputLimit {
        /// The limit.
        output_bytes: u64,
    },
    /// It wrote more to its standard output and error than it may.
    #[error("log limit: it wrote more than {log_bytes} bytes to standard output and error")]
    LogLimit {
        /// The limit.
        log_bytes: u64,
    },
    /// It made more files than it may.
    #[error("output limit: it made more than {files} files")]
    FileLimit {
        /// The limit.
        files: usize,
    },
    /// It ended by itself, and not well.
    #[error("exit code {code}{}", signal(*.code))]
    Exit {
        /// Its exit code; 128 and the number when a signal ended it.
        code: i32,
    },
    /// An output is missing, or is not a plain file that the model declares.
    #[error("output `{file}`: {why}")]
    Output {
        /// The file's name in `out/`.
        file: String,
        /// What was found and what was expected.
        why: &'static str,
    },
}

fn signal(code: i32) -> String {
    // A shell's way to say which signal ended a program (POSIX XCU 2.8.2).
    match code {
        126 => ": the program could not be executed".to_owned(),
        127 => ": the program, or the interpreter it names, was not found in the sandbox".to_owned(),
        129..=192 => format!(" (as after signal {})", code - 128),
        _ => String::new(),
    }
}
