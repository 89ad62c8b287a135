//! How much of the machine a run may use.

use serde::{Deserialize, Serialize};

/// One mebibyte, in bytes.
const MIB: u64 = 1 << 20;

/// Limits of one run. A package may lower or raise them within the bounds that [`Limits::check`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Time from start to end, in milliseconds.
    pub wall_ms: u64,
    /// Processor time of each process, in seconds.
    pub cpu_s: u64,
    /// Address space of each process, and resident memory of all of them together, in bytes. The private `/tmp` comes on top
    /// (`sandbox::TMP_BYTES`).
    pub memory_bytes: u64,
    /// Processes and threads at once, counting the shell that starts the program.
    pub processes: u64,
    /// All outputs together, and each file that is written, in bytes.
    pub output_bytes: u64,
}

impl Default for Limits {
    /// One minute, one GiB, 32 processes, 64 MiB of outputs: a model that needs more says so in its package.
    fn default() -> Self {
        Self {
            wall_ms: 60_000,
            cpu_s: 60,
            memory_bytes: 1024 * MIB,
            processes: 32,
            output_bytes: 64 * MIB,
        }
    }
}

/// A limit that is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limit `{name}` is {found}; expected {least} to {most}")]
pub struct LimitError {
    name: &'static str,
    found: u64,
    least: u64,
    most: u64,
}

impl Limits {
    /// Checks the bounds: a synchronous answer within an hour (3,600,000 ms), memory from 16 MiB (what a shell and a small
    /// program map) to 64 GiB, processes for the shell, the program and one that it starts, outputs that fit in memory (256
    /// MiB).
    ///
    /// # Errors
    /// Names the first limit that is out of bounds, and the bounds.
    pub fn check(self) -> Result<Self, LimitError> {
        for (name, found, least, most) in [
            ("wall_ms", self.wall_ms, 1, 3_600_000),
            ("cpu_s", self.cpu_s, 1, 3_600),
            ("memory_bytes", self.memory_bytes, 16 * MIB, 65_536 * MIB),
            ("processes", self.processes, 3, 1_024),
            ("output_bytes", self.output_bytes, 1, 256 * MIB),
        ] {
            if !(least..=most).contains(&found) {
                return Err(LimitError {
                    name,
                    found,
                    least,
                    most,
                });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_out_of_bounds_are_named() {
        assert!(Limits::default().check().is_ok());
        let none = Limits {
            wall_ms: 0,
            ..Limits::default()
        };
        assert_eq!(
            none.check().unwrap_err().to_string(),
            "limit `wall_ms` is 0; expected 1 to 3600000"
        );
        let vast = Limits {
            output_bytes: u64::MAX,
            ..Limits::default()
        };
        assert!(vast.check().unwrap_err().to_string().contains("output_bytes"));
    }
}
