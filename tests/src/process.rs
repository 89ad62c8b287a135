//! Processes that end with the test that started them, whatever becomes of either.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

/// A command whose process dies with the thread that starts it, also when that is killed: the kernel sees to it. It leads a group of
/// processes of its own, so that what it starts itself can be ended with it ([`Process`]). It keeps its process id.
pub fn mortal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program)
        .process_group(0);
    command.stdin(Stdio::null());
    command
}

/// The binary that was built beside these tests.
pub fn herleid() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let binary = this.ancestors().nth(2).unwrap().join("herleid");
    assert!(
        binary.exists(),
        "`{}` is not built: cargo build -p herleid -p herleid-sewer",
        binary.display()
    );
    binary
}

/// What a program said, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All that a command said.
pub fn told(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// A process and all that it starts. They end with this value, so also when the test fails.
pub struct Process {
    child: Child,
    has_ended: bool,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Starts a command made by [`mortal`].
    pub fn start(command: &mut Command) -> Self {
        assert_eq!(command.get_program(), "setpriv", "not made by `mortal`");
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self {
            child,
            has_ended: false,
        }
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines of its standard output, if that is piped.
    pub fn lines(&mut self) -> Lines<BufReader<ChildStdout>> {
        BufReader::new(self.child.stdout.take().expect("a piped output that nobody has")).lines()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        !self.has_ended && self.child.try_wait().unwrap().is_none()
    }

    /// Ends it as a power cut would, with all that it started. Nothing happens if it has ended.
    pub fn kill(&mut self) {
        if self.has_ended {
            return;
        }
        self.kill_group();
        // Whatever became of that, nobody waits for this one for ever.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.has_ended = true;
    }

    /// Kills whoever is in the group. Nobody is if it ended by itself and had started nothing, which the test has noticed then.
    fn kill_group(&self) {
        // As a command, since the library's own function kills one process alone.
        let group = format!("-{}", self.child.id());
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s KILL -- \"$0\" 2>&1", &group])
            .stdout(Stdio::null());
        kill.status().unwrap();
    }

    /// Waits until it ends by itself; what it started ends then.
    pub fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        self.has_ended = true;
        // The group keeps its number as long as somebody is in it; if nobody is, the number is not given anew for a long time.
        self.kill_group();
        status
    }
}

/// A service that says `ready` when everything answers; what else it has to say goes to a file.
pub struct Service {
    process: Process,
    log: PathBuf,
    /// Where in the file this start begins.
    from: u64,
}

impl Service {
    /// Starts a command made by [`mortal`], and waits until it is ready; its standard error is added to `log`.
    ///
    /// # Errors
    /// What it said, when it ends instead.
    pub fn start(mut command: Command, log: &Path) -> Result<Self, Output> {
        let file = File::options().create(true).append(true).open(log).unwrap();
        let from = file.metadata().unwrap().len();
        command.stdout(Stdio::piped()).stderr(file);
        let mut process = Process::start(&mut command);
        let line = process.lines().next().map(Result::unwrap).unwrap_or_default();
        let mut service = Self {
            process,
            log: log.to_owned(),
            from,
        };
        if line.starts_with("ready ") {
            return Ok(service);
        }
        let mut output = service.ended();
        output.stdout = line.into_bytes();
        Err(output)
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self) -> Output {
        Output {
            status: self.process.ended(),
            stdout: Vec::new(),
            stderr: self.said().into_bytes(),
        }
    }

    /// What it has said on standard error since this start.
    pub fn said(&self) -> String {
        let mut file = File::open(&self.log).unwrap();
        file.seek(SeekFrom::Start(self.from)).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        text(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    /// A shell that starts a child which would outlive it, and says its process id.
    fn family() -> (Process, u32) {
        let mut command = mortal("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        let mut process = Process::start(&mut command);
        let id = process.lines().next().unwrap().unwrap().parse().unwrap();
        (process, id)
    }

    /// Whether the process is there and no zombie: whoever has lost its parent is reaped when somebody gets to it.
    fn runs(id: u32) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        state
            .rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
    }

    #[test]
    fn what_a_process_started_ends_with_it_also_when_the_test_fails() {
        let ids = std::sync::Mutex::new(Vec::new());
        let failed = catch_unwind(|| {
            let (process, child) = family();
            ids.lock().unwrap().extend([process.id(), child]);
            assert!(runs(process.id()) && runs(child));
            std::panic::resume_unwind(Box::new("the test fails"));
        });
        assert!(failed.is_err());
        for id in ids.into_inner().unwrap() {
            crate::machine::until("it is gone", std::time::Duration::from_secs(10), || {
                if runs(id) { Err(id) } else { Ok(()) }
            });
        }
    }

    #[test]
    fn a_process_ends_with_whoever_started_it_even_if_nothing_is_dropped() {
        let started = std::thread::spawn(|| {
            let mut command = mortal("sh");
            command.args(["-c", "echo here; exec sleep 600"]).stdout(Stdio::piped());
            let mut process = Process::start(&mut command);
            assert_eq!(process.lines().next().unwrap().unwrap(), "here");
            let id = process.id();
            // As when the program is killed.
            std::mem::forget(process);
            id
        });
        let id = started.join().unwrap();
        crate::machine::until("it is gone", std::time::Duration::from_secs(10), || {
            if runs(id) { Err(id) } else { Ok(()) }
        });
    }

    #[test]
    fn a_service_that_does_not_become_ready_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = mortal("sh");
        command.args(["-c", "echo no; echo because >&2; exit 9"]);
        let output = Service::start(command, &folder.path().join("log")).err().unwrap();
        assert_eq!((output.status.code(), told(&output).as_str()), (Some(9), "nobecause\n"));
    }
}
