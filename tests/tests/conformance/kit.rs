//! The kit itself: prepared by `deploy/build/kit.sh`, run by Java, stopped when it takes too long.

use herleid_tests::process::{Process, mortal};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a run may take. Against a connector that does what it should it takes 40 seconds; a test that fails adds 15.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// Picks tests by their names, for whoever looks for the reason of a failure: `CN:01-0|MET`. Such a run is never a success.
const ONLY: &str = "KIT_ONLY";

/// The kit, ready to run.
pub(crate) struct Kit {
    /// Where its jars, its launcher and the logs of a run are.
    pub(crate) folder: PathBuf,
}

impl Kit {
    /// Fetches what is missing.
    pub(crate) fn prepared() -> Self {
        let tests = std::env::current_exe().unwrap();
        let target = tests.ancestors().nth(3).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/build/kit.sh");
        let output = Command::new(script).env("CARGO_TARGET_DIR", target).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(
            output.status.success(),
            "the conformance kit could not be run, which is no reason to leave it out: {}",
            String::from_utf8_lossy(&said)
        );
        Self {
            folder: target.join("kit"),
        }
    }

    /// Runs the kit, and answers with all that it wrote. It stands in `kit.log` too, line by line as it comes.
    pub(crate) fn run(&self, properties: &str) -> String {
        let file = self.folder.join("kit.properties");
        std::fs::write(&file, properties).unwrap();
        let classes = format!("{0}/classes:{0}/jars/*", self.folder.display());
        let log = self.folder.join("kit.log");
        let mut written = File::create(&log).unwrap();
        let mut command = mortal("java");
        command
            .args(["-XX:+UseSerialGC", "-Xmx256m", "-cp", &classes, "RunKit"])
            .arg(file)
            .args(std::env::var(ONLY).ok())
            .stdout(Stdio::piped())
            .stderr(written.try_clone().unwrap());
        let mut java = Process::start(&mut command);
        let lines = java.lines();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = String::new();
            for line in lines.map_while(Result::ok) {
                writeln!(written, "{line}").unwrap();
                output.push_str(&line);
                output.push('\n');
            }
            sender.send(output).unwrap_or_default();
        });
        let output = ended.recv_timeout(TIME_LIMIT);
        // Ended already, unless it took too long.
        drop(java);
        output.unwrap_or_else(|_| {
            panic!(
                "the kit did not come to its end in {TIME_LIMIT:?}; `{}` has what it did",
                log.display()
            )
        })
    }
}
