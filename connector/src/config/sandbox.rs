//! The section `[models.sandbox]`: what a run may use.

/// Section `[models.sandbox]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sandbox {
    /// How long a run may last, in milliseconds.
    pub wall_ms: u64,
    /// Processor time of each process, in seconds.
    pub cpu_s: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Output, in bytes.
    pub output_bytes: u64,
}

impl Sandbox {
    /// That a model's package asks for no more than this.
    ///
    /// # Errors
    /// Names the first limit that is asked too high, and the key that bounds it.
    pub fn allow(&self, asked: crate::models::limits::Limits) -> Result<(), TooMuch> {
        let pairs = [
            ("wall_ms", asked.wall_ms, self.wall_ms),
            ("cpu_s", asked.cpu_s, self.cpu_s),
            ("memory_bytes", asked.memory_bytes, self.memory_bytes),
            ("processes", asked.processes, self.processes),
            ("output_bytes", asked.output_bytes, self.output_bytes),
        ];
        let beyond = pairs.into_iter().find(|(_, asked, most)| asked > most);
        beyond.map_or(Ok(()), |(name, asked, most)| Err(TooMuch { name, asked, most }))
    }
}

/// A limit that a package asks higher than the configuration allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it asks for `{name}` {asked}; at most {most} is allowed, by `{name}` under `[models.sandbox]`: lower the one or raise the other"
)]
pub struct TooMuch {
    name: &'static str,
    asked: u64,
    most: u64,
}
