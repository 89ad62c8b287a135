//! What lies in a log that is over is erased like anything else: by two people, unless it is held; its tombstone stands in the log that goes on.

use super::*;
use crate::control::protocol::Elsewhere;
use crate::erasure::over;
use crate::node::ledger_options;
use herleid_ledger::Ledger;
use std::fs;

pub(super) const OLD: &str = "localhost:7101/log/1";

/// Continues the first log of a scene, as `ledger continue` leaves it, and opens what goes on.
pub(super) fn continued(scene: Scene, text: &str) -> Scene {
    continued_as(scene, text, 2)
}

/// The same with the n-th log.
pub(super) fn continued_as(scene: Scene, text: &str, n: u32) -> Scene {
    let config = scene.node.config.clone();
    let secrets = Secrets::load(&config.keys.directory).unwrap();
    let (clock, entropy) = (scene.node.clock.clone(), scene.node.entropy.clone());
    let Scene { node, directory } = scene;
    drop(node);
    let next = config.storage.directory.join(format!("logs/{n}"));
    let mut options = ledger_options(&config, &secrets, &next, clock, entropy).unwrap();
    options.origin = format!("localhost:7101/log/{n}");
    drop(Ledger::open(options).unwrap());
    opened_as(directory, text, n)
}

/// Opens what goes on with the n-th log.
pub(super) fn opened_as(directory: tempfile::TempDir, text: &str, n: u32) -> Scene {
    Scene {
        node: opened(directory.path(), &text.replace("log/1", &format!("log/{n}"))),
        directory,
    }
}

pub(super) fn again_opened(scene: Scene, text: &str) -> Scene {
    let Scene { node, directory } = scene;
    drop(node);
    opened_as(directory, text, 2)
}

impl Scene {
    pub(super) fn old(&self) -> &Ledger {
        self.node.previous.first().unwrap()
    }

    pub(super) fn old_facts(&self, index: u64) -> Option<Value> {
        self.old().record(index).unwrap().value(SectionName::Facts)
    }

    pub(super) async fn propose_over(&self, what: Meant) -> Result<ErasureLine, String> {
        let mut request = proposal(what, &[]);
        if let Erase::Propose { log, .. } = &mut request {
            *log = Some(OLD.to_owned());
        }
        self.erase(request).await
    }

    /// The old log verifies, knowing what those after it say.
    pub(super) fn verify_old(&self) -> u64 {
        let said = over::said(&self.node, self.old()).unwrap();
        self.old().verify_all_but(&said, |_, _| {}).unwrap().erased_sections
    }
}

/// Whether any file below `directory` has these bytes. RocksDB may remove one meanwhile, which has nothing then.
pub(super) fn is_on_disk(directory: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => is_on_disk(&path, bytes),
            false => match fs::read(&path) {
                Ok(found) => found.windows(bytes.len()).any(|window| window == bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                Err(error) => panic!("{}: {error}", path.display()),
            },
        }
    })
}

pub(super) fn storage(scene: &Scene) -> std::path::PathBuf {
    scene.node.config.storage.directory.clone()
}

#[tokio::test]
async fn two_people_erase_what_lies_in_a_log_that_is_over() {
    let scene = Scene::set(2);
    let pull = scene.pulled_for(Some("Z1"), "t1", b"rain").await;
    let other = scene.pulled("t2", b"sun").await;
    let text = configuration(2, "person");
    let scene = continued(scene, &text);
    let before = scene.old().record(other).unwrap();
    // Where only it has the case, the command that erases there is named.
    let case = || Meant::Case("Z1".to_owned());
    let error = scene.propose(case(), &[]).await.unwrap_err();
    assert!(
        error.contains(&format!("records {pull} of `{OLD}`")) && error.contains(&format!("--log {OLD}")),
        "{error}"
    );
    let new = scene.pulled_for(Some("Z1"), "t3", b"snow").await;
    let line = scene.propose(case(), &[]).await.unwrap();
    let expected = Elsewhere {
        origin: OLD.to_owned(),
        records: vec![pull],
    };
    assert_eq!((line.records[0].index, &line.elsewhere[..]), (new, &[expected][..]));
    let error = scene.erase(Erase::Propose {
        what: case(),
        log: Some("localhost:7101/log/7".to_owned()),
        sections: Vec::new(),
        ground: "avg-17".to_owned(),
        authority: "request 2026-17".to_owned(),
        complete_days: 30,
        person: token(1),
    });
    let error = error.await.unwrap_err();
    assert!(error.contains("there is no log `localhost:7101/log/7` here"), "{error}");

    // A hold on the case holds what it rests on there too.
    let hold = Hold::Add {
        what: case(),
        reason: "appeal".to_owned(),
        person: token(1),
    };
    let held = scene.hold(hold).await.unwrap().holds[0].id.clone();
    let error = scene.propose_over(case()).await.unwrap_err();
    assert!(error.contains(&format!("record {pull} is held")), "{error}");
    let (id, person) = (held, token(1));
    scene.hold(Hold::Remove { id, person }).await.unwrap();

    let line = scene.propose_over(case()).await.unwrap();
    assert_eq!((line.log.as_deref(), line.records[0].index), (Some(OLD), pull));
    let error = scene.approve(&line.id, 1).await.unwrap_err();
    assert!(error.contains("another person has to approve"), "{error}");
    assert!(scene.old_facts(pull).is_some() && scene.has_payload(b"rain"));
    assert!(scene.old().get(&PullEntry::key("t1")).unwrap().is_some());
    let size = scene.node.ledger.size();
    let done = scene.approve(&line.id, 2).await.unwrap();
    assert_eq!((done.records[0].tombstone, done.is_buried), (Some(size), Some(true)));
    let said = scene.facts(size).unwrap();
    assert_eq!(
        (&said["index"], &said["approvedBy"]),
        (&json!(pull), &json!("person 2 (`p2`)"))
    );
    assert_eq!((&said["log"]["origin"], &said["log"]["size"]), (&json!(OLD), &json!(3)));
    assert_eq!(scene.old_facts(pull), None);
    assert_eq!(scene.old().get(&PullEntry::key("t1")).unwrap(), None);
    assert!(!is_on_disk(&storage(&scene).join("log"), b"\"t1\""));
    assert!(!scene.has_payload(b"rain") && scene.has_payload(b"sun") && scene.has_payload(b"snow"));
    assert_eq!(scene.old().record(other).unwrap(), before);
    assert!(scene.old().get(&PullEntry::key("t2")).unwrap().is_some());
    assert_eq!(scene.verify_old(), 1);
    scene.node.ledger.verify_all(|_, _| {}).unwrap();
    let error = scene.propose_over(case()).await.unwrap_err();
    assert!(error.contains("nothing is left to erase there"), "{error}");

    // And after a start.
    let scene = again_opened(scene, &text);
    assert_eq!(scene.old_facts(pull), None);
    assert_eq!(scene.verify_old(), 1);
    let shown = scene.erase(Erase::Show { id: line.id }).await.unwrap();
    assert_eq!((shown.log.as_deref(), shown.is_buried), (Some(OLD), Some(true)));
}

#[tokio::test]
async fn what_a_case_rests_on_that_goes_on_is_held_in_a_log_that_is_over() {
    let scene = Scene::set(2);
    let pull = scene.pulled("t1", b"rain").await;
    let scene = continued(scene, &configuration(2, "person"));
    // The decision names the bytes, and not the record.
    let relies_on = json!([{"transaction": "t9", "output": null, "sha256": Digests::of(b"rain").sha256}]);
    let facts =
        json!({"case": "Z9", "title": "t", "legalBasis": [], "reliesOn": relies_on, "choices": "", "streams": []});
    let draft = Draft::new(Kind::DecisionMade, fresh_trace(&scene.node))
        .section(SectionName::Facts, facts)
        .section(SectionName::People, json!({"author": {"name": "A. de Wit"}}))
        .stream(StreamKey::Case { case: "Z9".to_owned() })
        .term(Term::Case("Z9".to_owned()));
    scene.node.append(draft).await.unwrap();
    let hold = Hold::Add {
        what: Meant::Case("Z9".to_owned()),
        reason: "appeal".to_owned(),
        person: token(1),
    };
    scene.hold(hold).await.unwrap();
    let error = scene.propose_over(Meant::Records(vec![pull])).await.unwrap_err();
    assert!(error.contains(&format!("record {pull} is held")), "{error}");
}

#[tokio::test]
async fn what_was_broken_off_or_comes_back_from_a_backup_goes_at_the_next_start() {
    let scene = Scene::set(2);
    fs::create_dir(scene.directory.path().join("register")).unwrap();
    let plain = configuration(2, "person");
    let text = plain.replace("[erasure]\n", "[erasure]\nregister = \"register\"\n");
    let pull = scene.pulled("t1", b"rain").await;
    let scene = continued(scene, &text);
    again(&scene.node).await.unwrap();
    let copied = scene.directory.path().join("before");
    let Scene { node, directory } = scene;
    let folder = node.config.storage.directory.clone();
    drop(node);
    super::listed::copy(&folder, &copied);
    let scene = Scene {
        node: opened(directory.path(), &text.replace("log/1", "log/2")),
        directory,
    };
    let line = scene.propose_over(Meant::Records(vec![pull])).await.unwrap();
    // Between the tombstone and what it erases.
    let mut erased = line.clone();
    erased.state = ErasureState::Erased;
    erased.decided_by = Some(people::known(&scene.node.config.erasure, &token(2)).unwrap());
    register::add(&scene.node, &erased).unwrap();
    let of = Of::named(&scene.node, Some(OLD)).unwrap();
    let targets = select::targets(&of, &line.records).unwrap();
    let kept = vec![set(format!("{ERASURES}{}", line.id), &erased).unwrap()];
    let erasure = erasure(&scene.node, &erased, targets, kept).unwrap();
    scene.node.ledger.entomb(&of.ledger, &erasure).unwrap();
    drop(of);
    let size = scene.node.ledger.size();
    let scene = again_opened(scene, &text);
    assert_eq!(scene.old_facts(pull), None, "it is not shown");
    assert!(over::remains(&scene.node).unwrap().is_unburied);
    let shown = scene.erase(Erase::Show { id: line.id.clone() }).await.unwrap();
    assert_eq!(shown.is_buried, Some(false));
    again(&scene.node).await.unwrap();
    go_on(&scene.node, Came::Anyhow).await.unwrap();
    assert!(!over::remains(&scene.node).unwrap().is_unburied && !scene.has_payload(b"rain"));
    assert_eq!(
        (scene.verify_old(), scene.node.ledger.size()),
        (1, size),
        "no second tombstone"
    );
    let shown = scene.erase(Erase::Show { id: line.id.clone() }).await.unwrap();
    assert_eq!(shown.is_buried, Some(true));

    // The old log alone comes back.
    let Scene { node, directory } = scene;
    drop(node);
    for store in ["log", "keys", "evidence"] {
        fs::remove_dir_all(folder.join(store)).unwrap();
        super::listed::copy(&copied.join(store), &folder.join(store));
    }
    let scene = Scene {
        node: opened(directory.path(), &text.replace("log/1", "log/2")),
        directory,
    };
    assert_eq!(scene.old_facts(pull), None, "it is not shown");
    go_on(&scene.node, Came::Anyhow).await.unwrap();
    assert!(!over::remains(&scene.node).unwrap().is_unburied);
    assert_eq!(scene.old().get(&PullEntry::key("t1")).unwrap(), None);
    assert_eq!(scene.verify_old(), 1);

    // All of it does: what is listed is erased again, with a tombstone of its own.
    let Scene { node, directory } = scene;
    drop(node);
    fs::remove_dir_all(&folder).unwrap();
    super::listed::copy(&copied, &folder);
    let scene = Scene {
        node: opened(directory.path(), &text.replace("log/1", "log/2")),
        directory,
    };
    assert_eq!(scene.node.ledger.entombed(OLD).unwrap(), []);
    assert!(
        is_behind(&scene.node).unwrap().is_some(),
        "the list knows of more records"
    );
    let entry = register::place(&scene.directory.path().join("register"), &line.id);
    assert!(entry.exists());
    again(&scene.node).await.unwrap();
    go_on(&scene.node, Came::Anyhow).await.unwrap();
    assert_eq!(scene.node.ledger.entombed(OLD).unwrap().len(), 1);
    assert_eq!((scene.old_facts(pull), scene.verify_old()), (None, 1));
    assert!(!scene.has_payload(b"rain") && !over::remains(&scene.node).unwrap().is_unburied);
    let shown = scene.erase(Erase::Show { id: line.id }).await.unwrap();
    assert_eq!((shown.log.as_deref(), shown.is_buried), (Some(OLD), Some(true)));
    let size = scene.node.ledger.size();
    again(&scene.node).await.unwrap();
    assert_eq!(scene.node.ledger.size(), size, "once is enough");
}

#[tokio::test]
async fn a_backup_goes_on_without_a_log_that_cannot_be_read_and_says_so() {
    let scene = Scene::set(2);
    let text = configuration(2, "person");
    scene.pulled("t1", b"of the old log alone").await;
    let scene = continued(scene, &text);
    let pull = scene.pulled("t2", b"rain").await;
    scene.pulled("t3", b"sun").await;
    let folder = storage(&scene);
    let Scene { node, directory } = scene;
    drop(node);
    for entry in fs::read_dir(folder.join("log")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("MANIFEST") {
            fs::write(path, "not what was here").unwrap();
        }
    }
    let scene = Scene {
        node: opened(directory.path(), &text.replace("log/1", "log/2")),
        directory,
    };
    assert_eq!(scene.node.unreadable.len(), 1);
    let aside = tempfile::tempdir().unwrap();
    let backup = async |name: &str| {
        let (out, keys) = (aside.path().join(name), aside.path().join(format!("{name}-keys")));
        let request = crate::control::protocol::Backup { out, keys };
        let made = crate::backup::backup(scene.node.clone(), request, Progress::channel().0).await;
        made.map_err(|error| crate::control::error::ControlError::from(error).to_string())
    };
    let has = |name: &str, bytes: &[u8]| {
        let sha256 = Digests::of(bytes).sha256;
        aside
            .path()
            .join(name)
            .join("payloads")
            .join(&sha256[..2])
            .join(&sha256)
            .exists()
    };
    // Nothing was ever erased: it is kept as it is.
    let made = backup("before").await.unwrap();
    assert_eq!((made.left_out.len(), made.unsound.len()), (0, 1));
    assert!(has("before", b"of the old log alone") && aside.path().join("before/log/CURRENT").exists());

    // What is only here goes from its log; its bytes stay, since nobody knows what else leads to them.
    let line = scene.propose(Meant::Records(vec![pull]), &[]).await.unwrap();
    let line = scene.approve(&line.id, 2).await.unwrap();
    assert_eq!(line.is_buried, Some(false));
    assert!(scene.has_payload(b"rain"));
    let made = backup("after").await.unwrap();
    assert!(
        made.left_out[0].contains(OLD) && made.left_out[0].contains("cannot be read"),
        "{made:?}"
    );
    assert!(!aside.path().join("after/log").exists() && !aside.path().join("after-keys/keys").exists());
    assert!(has("after", b"sun") && !has("after", b"rain") && !has("after", b"of the old log alone"));
    // Erasing there says why it cannot be done, and what can.
    let error = scene.propose_over(Meant::Records(vec![1])).await.unwrap_err();
    assert!(
        error.contains("nothing can be erased there") && error.contains("cannot be read"),
        "{error}"
    );
    // A check names it too, also where a payload is damaged.
    let check = async || {
        let (progress, _nobody) = Progress::channel();
        crate::commands::handle(scene.node.clone(), "doctor".to_owned(), json!({}), progress).await
    };
    let told = check().await.unwrap();
    assert_eq!(told["over"][0]["origin"], json!(OLD), "{told}");
    assert!(told["over"][0]["wrong"].is_string(), "{told}");
    let path = scene.node.payloads.path(&Digests::of(b"sun").sha256).unwrap();
    fs::write(&path, b"moon").unwrap();
    let error = check().await.unwrap_err().to_string();
    assert!(
        error.contains(&path.display().to_string()) && error.contains(OLD),
        "{error}"
    );
}
