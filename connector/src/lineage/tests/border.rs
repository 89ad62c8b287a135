//! Where a trace crosses into another log of ours, and that log is damaged, was erased in, or cannot be opened.

use super::continued::{NEW, OLD, all, of_log, without_lineage};
use super::*;
use rocksdb::{DB, Options as RocksOptions};

/// Puts other bytes in the place of a record of a log that nobody has open.
fn damage(log: &Path, index: u64) {
    let options = RocksOptions::default();
    let parts = DB::list_cf(&options, log).unwrap();
    let db = DB::open_cf(&options, log, parts).unwrap();
    let records = db.cf_handle("records").unwrap();
    assert!(db.get_cf(records, index.to_be_bytes()).unwrap().is_some());
    db.put_cf(records, index.to_be_bytes(), b"other bytes").unwrap();
}

/// A run of the log that goes on, for this case, that names its one input by its bytes alone.
fn run_on_bytes(n: u16, case: &str, of: u8) -> Draft {
    let run = Run {
        id: transaction(n),
        case: Some(case),
        inputs: &[(None, of)],
        outputs: &[],
    };
    run.requested().term(Term::Case(case.to_owned()))
}

#[tokio::test]
async fn a_damaged_record_that_may_have_brought_an_input_is_told_and_nobody_is_said_to_have_declared_it() {
    let scene = Scene::set();
    let (rain, _) = scene.two_cases();
    let (directory, storage) = scene.ended();
    damage(&storage.join("log"), rain);
    let scene = Scene::continued(directory, &storage);
    assert_eq!(scene.node.unreadable, [""; 0]);
    scene.add(run_on_bytes(7, "Z-4", 1));
    let tree = scene.tree(json!({"what": "Z-4"})).await;
    let nodes = all(&tree);
    // The index says that it brought them.
    let records = of_log(&nodes, "record", &json!(OLD));
    assert_eq!(records.len(), 1, "{tree}");
    assert!(records[0]["label"].as_str().unwrap().contains("damaged"), "{tree}");
    assert_eq!(
        (&records[0]["index"], &records[0]["verified"]),
        (&json!(rain), &json!(false))
    );
    assert!(nodes.iter().all(|node| node["kind"] != "file"), "{tree}");
}

/// What an earlier log published and gave away is no gift of whoever got it.
#[tokio::test]
async fn a_pull_by_which_a_file_left_is_not_where_it_came_from() {
    let scene = Scene::set();
    scene.add(served(transaction(1), 1));
    let (directory, storage) = scene.ended();
    let scene = Scene::continued(directory, &storage);
    scene.add(run_on_bytes(7, "Z-4", 1));
    let tree = scene.tree(json!({"what": "Z-4"})).await;
    let nodes = all(&tree);
    assert!(nodes.iter().all(|node| node["log"].is_null()), "{tree}");
    assert!(nodes.iter().any(|node| node["kind"] == "file"), "{tree}");
}

/// What lies behind what is not drawn is not looked for in a third log, and that there may be more is said.
#[tokio::test]
async fn where_not_all_is_drawn_and_there_are_other_logs_it_is_said_that_there_may_be_more() {
    let scene = Scene::set();
    scene.two_cases();
    let (directory, storage) = scene.ended();
    let scene = Scene::continued(directory, &storage);
    let whole = scene.tree(json!({"what": format!("{OLD}/Z-1")})).await;
    assert!(whole["summary"]["more"].is_null(), "{whole}");
    let down = json!({"what": format!("{OLD}/{}", transaction(1)), "direction": "down", "limit": 1});
    let cut = scene.tree(down).await;
    assert_eq!(cut["summary"]["more"], true, "{cut}");
}

#[tokio::test]
async fn an_input_that_an_older_log_without_lineage_brought_is_found_by_its_bytes_and_the_log_named() {
    let scene = Scene::set();
    scene.add(received(transaction(1), 1).term(Term::Digest(digests(1).0)));
    let (directory, storage) = scene.ended();
    without_lineage(&storage.join("log"));
    let scene = Scene::continued(directory, &storage);
    scene.add(run_on_bytes(7, "Z-4", 1));
    let tree = scene.tree(json!({"what": "Z-4"})).await;
    let nodes = all(&tree);
    let logs = of_log(&nodes, "log", &json!(OLD));
    assert_eq!(logs.len(), 1, "{tree}");
    assert!(logs[0]["label"].as_str().unwrap().contains("kept no lineage"), "{tree}");
    assert_eq!(logs[0]["not_followed"], true, "{tree}");
    assert!(nodes.iter().all(|node| node["kind"] != "file"), "{tree}");
}

#[tokio::test]
async fn what_rests_on_a_pull_of_which_the_digests_were_erased_is_found_in_a_later_log_by_its_transaction() {
    let scene = Scene::set();
    let (rain, _) = scene.two_cases();
    scene.erases(rain, SectionName::Content);
    let (directory, storage) = scene.ended();
    let scene = Scene::continued(directory, &storage);
    let on_rain = scene.add(decided("Z-5", &[(transaction(1), 1)]).term(Term::Case("Z-5".to_owned())));
    let down = scene.down(&format!("{OLD}/{rain}")).await;
    let nodes = all(&down);
    let found: Vec<&Value> = of_log(&nodes, "decision", &json!(NEW));
    assert_eq!(found.len(), 1, "{down}");
    assert_eq!(found[0]["index"], json!(on_rain));
    assert_eq!(down["summary"]["decisions"], 3, "{down}");
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_is_told_whichever_log_a_trace_begins_in() {
    let scene = Scene::set();
    let (rain, _) = scene.two_cases();
    let (directory, storage) = scene.ended();
    let mut scene = Scene::continued(directory, &storage);
    let away = "the log `localhost:7101/log/0` cannot be opened".to_owned();
    Arc::get_mut(&mut scene.node).unwrap().unreadable.push(away.clone());
    for what in ["Z-1".to_owned(), format!("{OLD}/{rain}")] {
        let tree = scene.tree(json!({"what": what})).await;
        assert_eq!(tree["summary"]["unsearched"], json!([away]), "{what}: {tree}");
    }
    // Whoever asks one log alone whether it has something is told of that one.
    let error = scene.ask(json!({"what": format!("{OLD}/99")})).await.unwrap_err();
    assert!(!error.message.contains(&away), "{}", error.message);
}

#[tokio::test]
async fn what_is_reached_over_the_border_a_second_time_from_nearer_is_followed_as_far_as_was_asked() {
    let scene = Scene::set();
    scene.two_cases();
    let (directory, storage) = scene.ended();
    let scene = Scene::continued(directory, &storage);
    let run = |n, input| Run {
        id: transaction(n),
        case: None,
        inputs: input,
        outputs: &[],
    };
    // The run of the old log is two steps away by way of another run, and one step by itself.
    let by_way: [(Option<uuid::Uuid>, u8); 1] = [(Some(transaction(2)), 11)];
    let between = run(7, &by_way);
    scene.add(between.requested());
    scene.add(between.received());
    let both = decided("Z-6", &[(transaction(7), 21), (transaction(2), 11)]);
    scene.add(both.term(Term::Case("Z-6".to_owned())));
    let tree = scene.tree(json!({"what": "Z-6", "depth": 2})).await;
    let nodes = all(&tree);
    assert_eq!(of_log(&nodes, "pull", &json!(OLD)).len(), 1, "{tree}");
    let summary = &tree["summary"];
    let counted =
        ["found", "shown", "decisions", "runs", "pulls", "not_followed"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counted, [4, 4, 1, 2, 1, 1], "{tree}");
}
