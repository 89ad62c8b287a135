//! The demonstration as a user runs it, and what its dossier withstands: the real binary, real processes, real proofs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod catalogue;
mod dossier;
mod faults;
mod lies;
mod lying_proxy;
mod publishing;
mod pushes;
mod receiving;
mod refusals;
mod runs;
mod scene;
mod sources;
mod story;
mod trace;
mod transfers;
mod withheld;
mod witness;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The binary that was built beside these tests.
fn herleid() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests
        .ancestors()
        .find(|p| p.ends_with("debug") || p.ends_with("release"))
        .unwrap();
    let binary = folder.join("herleid");
    assert!(
        binary.exists(),
        "`{}` is not built: cargo build -p herleid -p herleid-sewer",
        binary.display()
    );
    binary
}

fn run(arguments: &[&str]) -> Output {
    Command::new(herleid())
        .args(arguments)
        .env("HERLEID_LANG", "en")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One demonstration, made once for all tests that only look at what it left.
struct Made {
    _folder: tempfile::TempDir,
    root: PathBuf,
    said: Value,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("demo");
        let output = run(&["--json", "demo", "--directory", root.to_str().unwrap()]);
        assert!(
            output.status.success(),
            "{}\n{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output.stdout)));
        Made {
            _folder: folder,
            root,
            said,
        }
    })
}

impl Made {
    fn dossier(&self) -> PathBuf {
        self.root.join("dossier.zip")
    }

    fn anchors(&self) -> PathBuf {
        self.root.join("anchors.json")
    }
}

/// Exit codes of both verifiers over one dossier.
fn verdicts(dossier: &Path, anchors: Option<&Path>) -> (i32, i32) {
    let mut rest = vec![dossier.to_str().unwrap()];
    if let Some(anchors) = anchors {
        rest.extend(["--anchors", anchors.to_str().unwrap()]);
    }
    let mut ours = vec!["--json", "verify"];
    ours.extend(&rest);
    let ours = run(&ours).status.code().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/verifier/verify.py");
    let theirs = Command::new("python3").arg(script).args(&rest).output().unwrap();
    (ours, theirs.status.code().unwrap())
}
