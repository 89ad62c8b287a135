//! What is listed as erased is not shown by a log that is over, though a backup brought it back.

use super::*;
use crate::node::ledger_options;
use herleid_ledger::Ledger;
use std::fs;

pub(super) fn copy(from: &Path, to: &Path) {
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
    // What it has is erased there, and whoever asks is told so by name.
    let scene = Scene {
        node: opened(directory.path(), &listed.replace("log/1", "log/2")),
        directory,
    };
    let agreement = || Meant::Agreement(AGREEMENT.to_owned());
    let error = scene.propose(agreement(), &[]).await.unwrap_err();
    let says = [
        format!("records {other} of `localhost:7101/log/1`"),
        "`--log localhost:7101/log/1`".to_owned(),
    ];
    assert!(says.iter().all(|text| error.contains(text)), "{error}");
    let new = scene.pulled("t3", b"snow").await;
    let line = scene.propose(agreement(), &[]).await.unwrap();
    assert_eq!((line.records[0].index, line.elsewhere.len()), (new, 1));
    assert_eq!(line.elsewhere[0].records, [other]);
    let unknown = scene.propose(Meant::Case("none".to_owned()), &[]).await.unwrap_err();
    assert!(unknown.contains("no record of case `none`"), "{unknown}");
}

fn listing(scene: &Scene) -> Vec<String> {
    let folder = scene.directory.path().join("register");
    let names = fs::read_dir(folder).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn what_was_listed_and_refused_is_not_erased_at_the_next_start_and_what_was_broken_off_is() {
    let directory = tempfile::tempdir().unwrap();
    Secrets::make(&directory.path().join("keys"), &SystemEntropy).unwrap();
    fs::create_dir(directory.path().join("register")).unwrap();
    let text = configuration(2, "person").replace("[erasure]\n", "[erasure]\nregister = \"register\"\n");
    let scene = Scene {
        node: opened(directory.path(), &text),
        directory,
    };
    again(&scene.node).await.unwrap();
    // What the log would refuse is not even listed.
    let pull = scene.pulled("t0", b"hail").await;
    let mut late = proposal(Meant::Records(vec![pull]), &[]);
    if let Erase::Propose { complete_days, .. } = &mut late {
        *complete_days = 0;
    }
    // A clock that has gone on: it is asked for in the same millisecond else.
    let late = loop {
        let proposed = scene.erase(late.clone()).await;
        if let Ok(line) = proposed {
            break line;
        }
    };
    while scene.node.now_ms() <= late.complete_by_ms {
        tokio::task::yield_now().await;
    }
    let error = scene.approve(&late.id, 2).await.unwrap_err();
    assert!(error.contains("which has passed"), "{error}");
    assert_eq!(listing(&scene), ["register"]);

    let (held, rejected, open) = (
        scene.pulled("t1", b"rain").await,
        scene.pulled("t2", b"sun").await,
        scene.pulled("t3", b"snow").await,
    );
    // As a stop leaves it between the list and the log, or where the log refused and the list could not be written any more.
    let mut lines = Vec::new();
    for index in [held, rejected, open] {
        let mut line = scene.propose(Meant::Records(vec![index]), &[]).await.unwrap();
        line.state = ErasureState::Erased;
        line.decided_by = Some(people::known(&scene.node.config.erasure, &token(2)).unwrap());
        register::add(&scene.node, &line).unwrap();
        lines.push(line);
    }
    assert_eq!(listing(&scene).len(), 4);
    let hold = Hold::Add {
        what: Meant::Records(vec![held]),
        reason: "appeal".to_owned(),
        person: token(1),
    };
    scene.hold(hold).await.unwrap();
    let (id, person) = (lines[1].id.clone(), token(1));
    scene.erase(Erase::Reject { id, person }).await.unwrap();
    again(&scene.node).await.unwrap();
    assert_eq!(
        [held, rejected, open].map(|index| scene.facts(index).is_some()),
        [true, true, false]
    );
    let mut left = listing(&scene);
    left.sort();
    assert_eq!(left, [format!("{}.erased", lines[2].id), "register".to_owned()]);
    again(&scene.node).await.unwrap();
}
