//! What is told of what is left of erasures in logs that are over, and when it is tried again.

use super::damaged::alter;
use super::over::{OLD, continued, continued_as, opened_as, storage};
use super::*;
use crate::erasure::{over, strip};
use herleid_ledger::Ledger;
use rocksdb::{DB, Options as RocksOptions};

#[tokio::test]
async fn what_a_later_erasure_removed_is_not_waited_for_and_not_said_to_be_left() {
    let scene = Scene::set(2);
    let text = configuration(2, "person");
    let first = scene.pulled("t1", b"rain").await;
    let second = scene.pulled("t2", b"sun").await;
    let scene = continued(scene, &text);
    let store = storage(&scene).join("log");
    let options = RocksOptions::default();
    // Whoever has it open keeps it from being written.
    let held = DB::open_cf(&options, &store, DB::list_cf(&options, &store).unwrap()).unwrap();
    assert_eq!(scene.gone_over(first).await.is_buried, Some(false));
    for _ in 0..2 {
        assert!(!strip::strip_all(&scene.node).await.unwrap());
    }
    drop(held);
    assert_eq!(scene.gone_over(second).await.is_buried, Some(true));
    assert!(strip::strip_all(&scene.node).await.unwrap());
}

#[tokio::test]
async fn a_damaged_tombstone_of_a_log_in_between_keeps_no_warning_from_being_told() {
    let scene = Scene::set(2);
    let text = configuration(2, "person");
    let pull = scene.pulled("t1", b"rain").await;
    let scene = continued(scene, &text);
    let tombstone = scene.gone_over(pull).await.records[0].tombstone.unwrap();
    // Opening looks at the last one.
    scene.pulled("t2", b"sun").await;
    let between = storage(&scene).join("logs/2/log");
    let Scene { node, directory } = continued_as(scene, &text, 3);
    let options = over::options(&node, OLD).unwrap();
    drop(node);
    alter(&between, "records", &tombstone.to_be_bytes(), b"other bytes");
    let mut scene = opened_as(directory, &text, 3);
    // It went bad after this one was opened.
    let old = Ledger::open_closed(options).unwrap();
    let node = Arc::get_mut(&mut scene.node).unwrap();
    node.unreadable.clear();
    node.previous.push(old);
    let (progress, _nobody) = Progress::channel();
    let told = crate::commands::handle(scene.node.clone(), "status".to_owned(), serde_json::json!({}), progress).await;
    let warnings = told.unwrap()["warnings"].to_string();
    assert!(
        warnings.contains(OLD) && warnings.contains("cannot be found out") && warnings.contains("no witness"),
        "{warnings}"
    );
}
