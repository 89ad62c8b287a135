//! A log is often over because something of it is damaged. What is erased there goes all the same, and nothing else waits for what cannot.

use super::over::{OLD, again_opened, continued, is_on_disk, storage};
use super::*;
use crate::erasure::entries::ERASURES;
use crate::erasure::over;
use rocksdb::{DB, Options as RocksOptions};

/// Takes another value for this row of a store below the storage directory; nobody has it open.
pub(super) fn alter(store: &Path, part: &str, key: &[u8], value: &[u8]) {
    let options = RocksOptions::default();
    let parts = DB::list_cf(&options, store).unwrap();
    let db = DB::open_cf(&options, store, parts).unwrap();
    let part = db.cf_handle(part).unwrap();
    assert!(db.get_cf(part, key).unwrap().is_some());
    db.put_cf(part, key, value).unwrap();
}

/// The same scene, with a row of the log that is over altered.
fn altered(scene: Scene, text: &str, part: &str, key: &[u8]) -> Scene {
    let store = storage(&scene).join("log");
    let Scene { node, directory } = scene;
    drop(node);
    alter(&store, part, key, b"other bytes");
    let scene = Scene {
        node: opened(directory.path(), &text.replace("log/1", "log/2")),
        directory,
    };
    assert_eq!(scene.node.unreadable, [""; 0]);
    scene
}

impl Scene {
    pub(super) async fn gone_over(&self, index: u64) -> ErasureLine {
        let line = self.propose_over(Meant::Records(vec![index])).await.unwrap();
        self.approve(&line.id, 2).await.unwrap()
    }

    async fn backed_up(&self, into: &Path) -> crate::control::protocol::BackupAnswer {
        let request = crate::control::protocol::Backup {
            out: into.join("out"),
            keys: into.join("keys"),
        };
        let made = crate::backup::backup(self.node.clone(), request, Progress::channel().0).await;
        made.map_err(crate::control::error::ControlError::from).unwrap()
    }
}

#[tokio::test]
async fn a_damaged_record_keeps_no_other_from_being_erased_in_a_log_that_is_over() {
    let scene = Scene::set(2);
    let text = configuration(2, "person");
    let first = scene.published("a person's name").await;
    let pull = scene.pulled("t1", b"rain").await;
    let again = scene.pulled("t1", b"rain").await;
    let second = scene.published("another's name").await;
    // Opening looks at the last one.
    scene.pulled("t9", b"sun").await;
    let scene = continued(scene, &text);
    // The one that republished it, and one of the same transaction.
    let scene = altered(scene, &text, "records", &second.to_be_bytes());
    let scene = altered(scene, &text, "records", &again.to_be_bytes());

    let done = scene.gone_over(first).await;
    assert_eq!(done.is_buried, Some(true));
    assert_eq!(scene.old_facts(first), None);
    let done = scene.gone_over(pull).await;
    assert_eq!(
        (done.records[0].tombstone.is_some(), scene.old_facts(pull)),
        (true, None)
    );
    // Nobody can tell whether the damaged one is of the same section: it keeps nothing.
    assert_eq!(scene.old().get(&PullEntry::key("t1")).unwrap(), None);
    assert!(!is_on_disk(&storage(&scene).join("log"), b"\"t1\""));
    assert!(!over::remains(&scene.node).unwrap().is_unburied);
    let aside = tempfile::tempdir().unwrap();
    let made = scene.backed_up(aside.path()).await;
    assert_eq!((made.left_out, made.unsound.len()), (Vec::new(), 1));
}

#[tokio::test]
async fn what_is_damaged_after_it_was_erased_is_said_and_left_out_of_backups_and_not_tried_each_minute() {
    let scene = Scene::set(2);
    let text = configuration(2, "person");
    let pull = scene.pulled("t1", b"rain").await;
    let other = scene.pulled("t2", b"sun").await;
    let third = scene.pulled("t3", b"snow").await;
    let scene = continued(scene, &text);
    scene.gone_over(pull).await;
    // It is bare already, and nobody can see that it is.
    let scene = altered(scene, &text, "records", &pull.to_be_bytes());
    let done = scene.gone_over(other).await;
    assert_eq!(done.is_buried, Some(false), "of all that was erased there");
    assert_eq!(scene.old_facts(other), None);
    assert!(!is_on_disk(&storage(&scene).join("log"), b"\"t2\""));
    assert!(scene.old_facts(third).is_some());

    let said = over::remains(&scene.node).unwrap().warnings;
    assert!(
        said.len() == 1 && said[0].contains(OLD) && said[0].contains("damaged"),
        "{said:?}"
    );
    assert!(
        !over::remains(&scene.node).unwrap().is_unburied,
        "nothing goes when it is tried again"
    );
    let aside = tempfile::tempdir().unwrap();
    let made = scene.backed_up(aside.path()).await;
    assert!(made.left_out.len() == 1 && made.left_out[0].contains(OLD), "{made:?}");
    assert!(made.left_out[0].contains("damaged"), "{made:?}");
    assert!(!aside.path().join("out/log").exists());

    // Each opening for writing begins a new list of tables.
    let listed = || std::fs::read_to_string(storage(&scene).join("log/CURRENT")).unwrap();
    let mut lists = vec![listed()];
    for _ in 0..8 {
        go_on(&scene.node, Came::Recorded).await.unwrap();
        lists.push(listed());
    }
    lists.dedup();
    assert_eq!(
        lists.len(),
        1 + 3,
        "at once, after one round more, and after two more: {lists:?}"
    );
    // What is newly erased does not wait for that.
    scene.gone_over(third).await;
    assert_eq!(scene.old_facts(third), None);
    assert!(!is_on_disk(&storage(&scene).join("log"), b"\"t3\""));
    let scene = again_opened(scene, &text);
    assert_eq!(scene.old_facts(third), None);
}

#[tokio::test]
async fn what_is_kept_beside_a_record_that_cannot_be_read_is_said_to_be_left() {
    let scene = Scene::set(2);
    let text = configuration(2, "person");
    let pull = scene.pulled("t1", b"rain").await;
    scene.pulled("t9", b"sun").await;
    let scene = continued(scene, &text);
    let line = scene.propose_over(Meant::Records(vec![pull])).await.unwrap();
    // Its section goes bad between the proposal and what is removed.
    let of = Of::named(&scene.node, Some(OLD)).unwrap();
    let mut erased = line.clone();
    erased.state = ErasureState::Erased;
    erased.decided_by = Some(people::known(&scene.node.config.erasure, &token(2)).unwrap());
    let targets = select::targets(&of, &line.records).unwrap();
    let kept = vec![set(format!("{ERASURES}{}", line.id), &erased).unwrap()];
    let erasure = erasure(&scene.node, &erased, targets, kept).unwrap();
    scene.node.ledger.entomb(&of.ledger, &erasure).unwrap();
    drop(of);
    let store = storage(&scene).join("log");
    let Scene { node, directory } = scene;
    drop(node);
    flip_facts(&store, pull);
    let scene = Scene {
        node: opened(directory.path(), &text.replace("log/1", "log/2")),
        directory,
    };
    go_on(&scene.node, Came::Recorded).await.unwrap();
    // Its bytes are gone; what this connector kept of the pull nobody can find any more.
    let gone = over::said(&scene.node, scene.old()).unwrap();
    assert!(gone.contains_key(&pull) && !scene.old().still_holds(&gone).unwrap());
    let said = over::remains(&scene.node).unwrap().warnings;
    assert!(said.len() == 1 && said[0].contains(OLD), "{said:?}");
    let aside = tempfile::tempdir().unwrap();
    let made = scene.backed_up(aside.path()).await;
    assert!(made.left_out.len() == 1 && made.left_out[0].contains(OLD), "{made:?}");
    let shown = scene.erase(Erase::Show { id: line.id }).await.unwrap();
    assert_eq!(shown.is_buried, Some(false));
}

/// Flips a bit in the sealed bytes of every section of a record but the envelope, which a reader finds only when it opens them.
fn flip_facts(store: &Path, index: u64) {
    let options = RocksOptions::default();
    let parts = DB::list_cf(&options, store).unwrap();
    let db = DB::open_cf(&options, store, parts).unwrap();
    let part = db.cf_handle("records").unwrap();
    let mut row = db.get_cf(part, index.to_be_bytes()).unwrap().unwrap();
    *row.last_mut().unwrap() ^= 1;
    db.put_cf(part, index.to_be_bytes(), row).unwrap();
}
