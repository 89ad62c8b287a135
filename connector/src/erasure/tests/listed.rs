//! What is listed as erased is not shown by a log that is over, though a backup brought it back.

use super::*;
use crate::node::ledger_options;
use herleid_ledger::Ledger;
use std::fs;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[tokio::test]
async fn a_log_that_is_over_does_not_show_what_was_erased_after_its_last_backup() {
    let directory = tempfile::tempdir().unwrap();
    Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
    let (storage, before) = (directory.path().join("storage"), directory.path().join("before"));
    fs::create_dir(directory.path().join("register")).unwrap();
    fs::create_dir(&storage).unwrap();
    let plain = configuration(2, "person");
    let listed = plain.replace("[erasure]\n", "[erasure]\nregister = \"register\"\n");
    let mut scene = Scene {
        node: opened(directory.path(), &listed),
        directory,
    };
    let pull = scene.pulled("t1", b"rain").await;
    let other = scene.pulled("t2", b"sun").await;
    let Scene { node, directory } = scene;
    drop(node);
    copy(&storage, &before);
    scene = Scene {
        node: opened(directory.path(), &listed),
        directory,
    };
    // As a start does: an empty folder is a list from then on, and not before.
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    scene.approve(&line.id, 2).await.unwrap_err();
    again(&scene.node).await.unwrap();
    scene.approve(&line.id, 2).await.unwrap();
    let config = scene.node.config.clone();
    let secrets = Secrets::load(&config.keys.directory).unwrap();
    let (clock, entropy) = (scene.node.clock.clone(), scene.node.entropy.clone());
    let Scene { node, directory } = scene;
    drop(node);
    // What a restore and `ledger continue` leave.
    fs::remove_dir_all(&storage).unwrap();
    fs::rename(&before, &storage).unwrap();
    let next = storage.join("logs/2");
    let mut options = ledger_options(&config, &secrets, &next, clock, entropy).unwrap();
    options.origin = "localhost:7101/log/2".to_owned();
    drop(Ledger::open(options).unwrap());
    let shown = |text: &str| {
        let node = opened(directory.path(), &text.replace("log/1", "log/2"));
        assert!(node.unreadable.is_empty(), "{:?}", node.unreadable);
        let old = node.previous.first().unwrap();
        [pull, other].map(|index| old.record(index).unwrap().value(SectionName::Facts).is_some())
    };
    assert_eq!(shown(&plain), [true, true]);
    assert_eq!(shown(&listed), [false, true]);
}
