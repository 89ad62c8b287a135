//! The programs of others, as `deploy/build/logcheck-tools.sh` builds them.

use herleid_tests::process::text;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

/// Where the programs are, and what a run leaves behind.
pub(crate) struct Tools {
    pub(crate) folder: PathBuf,
}

impl Tools {
    /// Builds what is missing.
    pub(crate) fn prepared() -> Self {
        let tests = std::env::current_exe().unwrap();
        let target = tests.ancestors().nth(3).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/build/logcheck-tools.sh");
        let output = Command::new(script).env("CARGO_TARGET_DIR", target).output().unwrap();
        assert!(
            output.status.success(),
            "what checks the log could not be built, which is no reason to leave it out: {}",
            said(&output)
        );
        Self {
            folder: target.join("logcheck"),
        }
    }

    /// One of the programs.
    pub(crate) fn command(&self, program: &str) -> Command {
        Command::new(self.folder.join("bin").join(program))
    }

    /// One of the programs that `deploy/build/tools.sh` installs.
    pub(crate) fn python(&self, program: &str) -> PathBuf {
        self.folder.with_file_name("tools").join("bin").join(program)
    }

    /// What `logcheck` answers.
    pub(crate) fn logcheck<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, String> {
        let output = self.command("logcheck").args(arguments).output().unwrap();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(said(&output))
        }
    }
}

/// All that a program said.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// A process that ends with this.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed then.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}
