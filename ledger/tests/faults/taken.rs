//! Two processes, one directory.

use crate::rig::{note, running_options};
use crate::{Outcome, this_binary};
use herleid_ledger::Ledger;

pub(crate) fn check() -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().display().to_string();
    let ledger = Ledger::open(running_options(dir.path())).unwrap();
    let second = || this_binary().args(["append", &name, "1", "1"]).output().unwrap();
    let refused = second();
    assert_eq!(refused.status.code(), Some(3));
    assert!(refused.stdout.is_empty(), "the second process acknowledged something");
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(
        message.contains(&name) && message.contains("in use by another process"),
        "{message}"
    );
    // The first goes on unharmed, and leaves the directory to the next.
    ledger.append_blocking(note("x")).unwrap();
    assert_eq!(ledger.verify_all(|_, _| {}).unwrap().size, 2);
    drop(ledger);
    assert!(second().status.success());
    Outcome::Passed
}
