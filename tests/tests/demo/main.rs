//! The demonstration as a user runs it, and what its dossier withstands: the real binary, real processes, real proofs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod across;
mod backups;
mod backups_erased;
mod backups_refused;
mod backups_witnessed;
mod catalogue;
mod clocks;
mod continued_case;
mod continuing;
mod doctor;
mod dossier;
mod erased;
mod erased_everywhere;
mod faults;
mod keeping;
mod lies;
mod publishing;
mod pushes;
mod quorum;
mod receiving;
mod reconcile;
mod reconcile_liars;
mod refusals;
mod runs;
mod scene;
mod sources;
mod sparql;
mod story;
mod trace;
mod transfers;
mod withheld;
mod witness;

use herleid_tests::connector::run;
use herleid_tests::process::text;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
