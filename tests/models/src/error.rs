//! What can go wrong, in words for whoever made the job.

/// Why no answer was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SewerError {
    /// A file could not be read.
    #[error("cannot read `{path}`: {why}")]
    Read { path: String, why: String },
    /// The output could not be written.
    #[error("cannot write `{path}`: {why}")]
    Write { path: String, why: String },
    /// A file is larger than this program reads.
    #[error("`{path}` has more than {limit} bytes, which is more than this model reads")]
    TooLarge { path: String, limit: u64 },
    /// `job.json` is not a job for this program.
    #[error("`{path}` is not a job for this model: {why}")]
    Job { path: String, why: String },
    /// A parameter has a value that the model does not take.
    #[error("parameter `{name}`: {why}")]
    Parameter { name: &'static str, why: String },
    /// An input is not what the model takes.
    #[error("input `{input}` is refused: {why}")]
    Input { input: String, why: String },
}

impl SewerError {
    /// The process's exit code: 1 refused, 3 a file could not be read or written.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Read { .. } | Self::Write { .. } => 3,
            Self::TooLarge { .. } | Self::Job { .. } | Self::Parameter { .. } | Self::Input { .. } => 1,
        }
    }
}
