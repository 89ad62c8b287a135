//! What goes later, and what comes back.

use super::*;
use crate::node::ledger_options;
use crate::state::{ModelEntry, SourceEntry, VersionEntry, digest_bytes};
use herleid_ledger::Ledger;
use std::fs;

#[tokio::test]
async fn bytes_that_came_again_meanwhile_stay_for_the_record_that_they_are_for() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    // Another pull has brought the same, and has not recorded it yet.
    let coming = scene.node.payloads.put(b"rain").unwrap();
    let done = scene.approve(&line.id, 2).await.unwrap();
    assert_eq!(done.is_buried, Some(false));
    assert!(scene.has_payload(b"rain"));
    scene.pulled("t2", b"rain").await;
    drop(coming);
    go_on(&scene.node, Came::Recorded).await.unwrap();
    assert!(scene.has_payload(b"rain"));
    let shown = scene.erase(Erase::Show { id: line.id }).await.unwrap();
    assert_eq!(shown.is_buried, Some(true), "the other record leads to them");

    // And where nothing comes of it, they go.
    let pull = scene.node.ledger.by_term(&Term::Transaction("t2".to_owned())).unwrap()[0];
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let coming = scene.node.payloads.put(b"rain").unwrap();
    assert_eq!(scene.approve(&line.id, 2).await.unwrap().is_buried, Some(false));
    drop(coming);
    go_on(&scene.node, Came::Recorded).await.unwrap();
    assert!(!scene.has_payload(b"rain"));
    let shown = scene.erase(Erase::Show { id: line.id }).await.unwrap();
    assert_eq!(shown.is_buried, Some(true));
}

#[tokio::test]
async fn bytes_that_a_backup_brings_back_go_again_with_its_mark_and_without() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    scene.pulled("t2", b"sun").await;
    let file = scene.node.payloads.path(&Digests::of(b"rain").sha256).unwrap();
    let folder = file.parent().unwrap().parent().unwrap().to_owned();
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    scene.approve(&line.id, 2).await.unwrap();
    let mark = folder.join("erased");
    let said = fs::read(&mark).unwrap();
    let Scene { mut node, directory } = scene;
    // The mark of the backup: none, an older one, or none of it came and the newest is still there.
    for of_backup in [None, Some(b"localhost:7101/log/1 0".to_vec()), Some(said)] {
        drop(node);
        fs::write(&file, b"rain").unwrap();
        match of_backup {
            None => fs::remove_file(&mark).unwrap(),
            Some(said) => fs::write(&mark, said).unwrap(),
        }
        node = connector(directory.path(), 2);
        assert_eq!(node.payloads.read(&Digests::of(b"rain").sha256).unwrap(), b"rain");
        go_on(&node, Came::Anyhow).await.unwrap();
        assert!(!file.exists());
        assert_eq!(node.payloads.read(&Digests::of(b"sun").sha256).unwrap(), b"sun");
    }
}

#[tokio::test]
async fn no_payload_goes_while_the_index_does_not_know_what_records_lead_to() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    scene.pulled("t2", b"sun").await;
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let ledger = &scene.node.ledger;
        ledger.rebuild_lineage(|_, _| std::panic::resume_unwind(Box::new("the power is cut")))
    }));
    broken.unwrap_err();
    scene.approve(&line.id, 2).await.unwrap();
    go_on(&scene.node, Came::Restored).await.unwrap();
    assert!(scene.has_payload(b"rain") && scene.has_payload(b"sun"));
    let Scene { node, directory } = scene;
    drop(node);
    let node = connector(directory.path(), 2);
    let scene = Scene { node, directory };
    go_on(&scene.node, Came::Anyhow).await.unwrap();
    assert!(!scene.has_payload(b"rain") && scene.has_payload(b"sun"));
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
}

#[tokio::test]
async fn a_backup_keeps_no_payload_that_was_to_go() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let coming = scene.node.payloads.put(b"rain").unwrap();
    assert_eq!(scene.approve(&line.id, 2).await.unwrap().is_buried, Some(false));
    let aside = tempfile::tempdir().unwrap();
    let backup = async || {
        let (out, keys) = (aside.path().join("main"), aside.path().join("keys"));
        let request = crate::control::protocol::Backup { out, keys };
        let made = crate::backup::backup(scene.node.clone(), request, Progress::channel().0).await;
        made.map_err(|error| crate::control::error::ControlError::from(error).to_string())
    };
    let error = backup().await.unwrap_err();
    assert!(error.contains("something that was erased stands in files"), "{error}");
    assert_eq!(fs::read_dir(aside.path()).unwrap().count(), 0);
    drop(coming);
    backup().await.unwrap();
    assert!(!scene.has_payload(b"rain"));
}

#[tokio::test]
async fn a_person_who_is_renamed_is_still_the_same_one() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let Scene { node, directory } = scene;
    drop(node);
    let node = named(directory.path(), 2, "married");
    let scene = Scene { node, directory };
    let error = scene.approve(&line.id, 1).await.unwrap_err();
    assert!(error.contains("married 1 (`p1`) proposed"), "{error}");
    scene.approve(&line.id, 2).await.unwrap();
}

#[tokio::test]
async fn what_is_offered_is_withdrawn_before_its_bytes_are_erased() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let mut entry = VersionEntry {
        dataset: "urn:rain".to_owned(),
        version: "7".to_owned(),
        title: "Rain".to_owned(),
        description: String::new(),
        media_type: "text/csv".to_owned(),
        licence: None,
        metadata: None,
        digests: Some(Digests::of(b"rain")),
        source: SourceEntry::File,
        offers: Vec::new(),
        withdrawn: None,
        erased: false,
        published_ms: 1,
    };
    let write = |entry: &VersionEntry| {
        let change = set("dataset/urn:rain/7", entry).unwrap();
        scene.node.state.write(vec![change]).unwrap();
    };
    let early = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    write(&entry);
    for error in [
        scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap_err(),
        scene.approve(&early.id, 2).await.unwrap_err(),
    ] {
        assert!(
            error.contains("still offered") && error.contains("`herleid withdraw urn:rain --version 7 --reason <why>`"),
            "{error}"
        );
    }
    // Another record that leads to it goes without more ado.
    let other = scene.pulled("t2", b"rain").await;
    let line = scene.propose(Meant::Records(vec![other]), &[]).await.unwrap();
    scene.approve(&line.id, 2).await.unwrap();
    assert!(scene.has_payload(b"rain"));
    entry.withdrawn = Some("over".to_owned());
    write(&entry);
    scene.approve(&early.id, 2).await.unwrap();
    assert!(!scene.has_payload(b"rain"));
}

#[tokio::test]
async fn documents_of_a_model_that_is_offered_stay_until_it_is_withdrawn() {
    let scene = Scene::set(2);
    let description = br#"{"id": "sewer"}"#;
    let document = || herleid_ledger::record::Document {
        role: "process".to_owned(),
        media_type: "application/json".to_owned(),
        bytes: description.to_vec(),
    };
    let brought = async |transaction: &str| {
        let draft = Draft::new(Kind::OneSidedPullReceived, fresh_trace(&scene.node))
            .section(
                SectionName::Facts,
                json!({
                    "transaction": transaction, "agreement": AGREEMENT, "dataset": "rain", "version": "1", "blake3": "ab".repeat(32),
                    "sha256": "ab".repeat(32), "bytes": 4, "mediaType": "text/csv", "provider": "did:web:app.example",
                }),
            )
            .stream(StreamKey::Agreement {
                agreement: AGREEMENT.to_owned(),
                side: Side::Consumer,
                other: "did:web:app.example".parse().unwrap(),
            })
            .evidence(document());
        scene.node.append(draft).await.unwrap().index()
    };
    let record = brought("t1").await;
    let sha256 = Digests::of(description).sha256;
    let mut entry = ModelEntry {
        model: "urn:sewer".to_owned(),
        version: "2".to_owned(),
        title: "Sewer".to_owned(),
        program: "ab".repeat(32),
        program_blake3: "ab".repeat(32),
        program_in_dossier: false,
        process: sha256.clone(),
        environment: "cd".repeat(32),
        metadata: None,
        offers: Vec::new(),
        withdrawn: None,
        erased: false,
        published_ms: 1,
    };
    let write = |entry: &ModelEntry| {
        let change = set("model/urn:sewer/2", entry).unwrap();
        scene.node.state.write(vec![change]).unwrap();
    };
    write(&entry);
    let propose = || scene.propose(Meant::Records(vec![record]), &["evidence"]);
    let error = propose().await.unwrap_err();
    assert!(
        error.contains("needed for that") && error.contains("`herleid withdraw urn:sewer --version 2 --reason <why>`"),
        "{error}"
    );
    // As long as another record lists it, it stays where it is.
    brought("t2").await;
    let line = propose().await.unwrap();
    scene.approve(&line.id, 2).await.unwrap();
    let digest = digest_bytes(&sha256).unwrap();
    assert!(scene.node.ledger.evidence(&digest).unwrap().is_some());
    entry.withdrawn = Some("over".to_owned());
    write(&entry);
    let last = scene
        .propose(Meant::Records(vec![record + 1]), &["evidence"])
        .await
        .unwrap();
    scene.approve(&last.id, 2).await.unwrap();
    assert!(scene.node.ledger.evidence(&digest).unwrap().is_none());
}

/// Payloads of all logs of a participant lie together.
#[tokio::test]
async fn bytes_that_a_log_which_is_over_leads_to_stay() {
    let mut scene = Scene::set(2);
    let secrets = Secrets::load(&scene.node.config.keys.directory).unwrap();
    let over = scene.directory.path().join("over");
    let (clock, entropy) = (scene.node.clock.clone(), scene.node.entropy.clone());
    let mut options = ledger_options(&scene.node.config, &secrets, &over, clock, entropy).unwrap();
    options.origin = "localhost:7101/log/9".to_owned();
    let old = Ledger::open(options.clone()).unwrap();
    let digest = digest_bytes(&Digests::of(b"snow").sha256).unwrap();
    let facts = json!({"what": "w", "before": null, "after": null, "by": "somebody"});
    let draft = Draft::new(Kind::TrustChanged, fresh_trace(&scene.node))
        .section(SectionName::Facts, facts)
        .term(Term::Digest(digest));
    old.append_blocking(draft).unwrap();
    drop(old);
    let old = Ledger::open_closed(options).unwrap();
    Arc::get_mut(&mut scene.node).unwrap().previous.push(old);
    drop(scene.node.payloads.put(b"snow").unwrap());

    let pull = scene.pulled("t1", b"rain").await;
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let line = scene.approve(&line.id, 2).await.unwrap();
    assert!(!scene.has_payload(b"rain") && scene.has_payload(b"snow"));
    assert_eq!(line.is_buried, Some(true));

    // What cannot be read may lead to anything.
    let node = Arc::get_mut(&mut scene.node).unwrap();
    node.previous.clear();
    node.unreadable.push("the log cannot be read".to_owned());
    let pull = scene.pulled("t2", b"hail").await;
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let line = scene.approve(&line.id, 2).await.unwrap();
    assert!(scene.has_payload(b"snow") && scene.has_payload(b"hail"));
    assert_eq!(line.is_buried, Some(false), "and that is said");
}
