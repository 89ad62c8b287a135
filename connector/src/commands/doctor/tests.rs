//! What is wrong with a log, its payloads or the logs before it is told whatever else is wrong.

use crate::actions::Plugged;
use crate::cli::arguments::DoctorArguments;
use crate::cli::screen::{Manner, Screen};
use crate::cli::{Actions as _, Context};
use crate::commands::handle;
use crate::config::Config;
use crate::continuing;
use crate::control::error::ControlError;
use crate::control::progress::Progress;
use crate::messages::Language;
use crate::node::{Node, Secrets, ledger_options, open};
use crate::rim::{SystemClock, SystemEntropy};
use crate::state::Digests;
use herleid_ledger::Ledger;
use herleid_ledger::record::{Draft, Kind};
use herleid_ledger::section::SectionName;
use rocksdb::{DB, Options as RocksOptions};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const OLD: &str = "localhost:7101/log/1";
const NEW: &str = "localhost:7101/log/2";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn text(origin: &str) -> String {
    format!(
        "[participant]\ndid = \"did:web:localhost%3A7101\"\nname = \"KNMI\"\n\
         [listen]\npublic_url = \"http://localhost:7101\"\n\
         [ledger]\norigin = \"{origin}\"\n\
         [network]\nallow_private_addresses = true\n\
         [development]\nplain_http = true\n"
    )
}

fn config(directory: &Path, origin: &str) -> Config {
    Config::read(&directory.join("herleid.toml"), &text(origin), std::iter::empty(), true).unwrap()
}

/// A node whose first log is over; three records stand in each.
async fn continued(directory: &Path) -> Arc<Node> {
    Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
    let node = open(config(directory, OLD)).unwrap();
    written(&node).await;
    drop(node);
    let next = config(directory, NEW);
    let secrets = Secrets::load(&next.keys.directory).unwrap();
    let place = continuing::of(&next.storage.directory, NEW).unwrap();
    let options = ledger_options(&next, &secrets, &place, Arc::new(SystemClock), Arc::new(SystemEntropy));
    drop(Ledger::open(options.unwrap()).unwrap());
    let node = open(next).unwrap();
    written(&node).await;
    node
}

async fn written(node: &Node) {
    for n in 0..3 {
        let facts = json!({"transaction": format!("t{n}"), "verdict": "same"});
        let draft = Draft::new(Kind::Replayed, TRACE).section(SectionName::Facts, facts);
        node.ledger.append(draft).await.unwrap();
    }
}

/// Payloads by their places, in the order in which they are read.
fn payloads(node: &Node, n: u8) -> Vec<PathBuf> {
    let mut names: Vec<String> = (0..n).map(|n| Digests::of(&[n]).sha256).collect();
    (0..n).for_each(|n| drop(node.payloads.put(&[n]).unwrap()));
    names.sort();
    names.iter().map(|name| node.payloads.path(name).unwrap()).collect()
}

/// A folder in its place can be opened and not read, whoever asks.
fn make_unreadable(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

/// Other bytes for record 1 of a log that nobody has open.
fn alter(store: &Path) {
    let options = RocksOptions::default();
    let db = DB::open_cf(&options, store, DB::list_cf(&options, store).unwrap()).unwrap();
    let records = db.cf_handle("records").unwrap();
    assert!(db.get_cf(records, 1u64.to_be_bytes()).unwrap().is_some());
    db.put_cf(records, 1u64.to_be_bytes(), b"other bytes").unwrap();
}

async fn check(node: &Arc<Node>) -> Result<Value, ControlError> {
    handle(node.clone(), "doctor".to_owned(), json!({}), Progress::nowhere()).await
}

fn names(error: &str, all: &[PathBuf]) -> bool {
    all.iter().all(|path| error.contains(&path.display().to_string()))
}

#[tokio::test]
async fn what_cannot_be_read_keeps_no_damaged_payload_from_being_told() {
    let directory = tempfile::tempdir().unwrap();
    let node = continued(directory.path()).await;
    let all = payloads(&node, 5);
    assert_eq!(check(&node).await.unwrap()["payloads"], 5);
    fs::write(&all[0], b"other").unwrap();
    make_unreadable(&all[2]);
    fs::write(&all[4], b"other").unwrap();
    // A folder that is none.
    let folders = all[0].parent().unwrap().parent().unwrap();
    let free = (0..=u8::MAX).map(|first| folders.join(format!("{first:02x}")));
    let free = free.rev().find(|path| fs::remove_dir(path).is_ok()).unwrap();
    fs::write(&free, b"").unwrap();
    let told = check(&node).await.unwrap_err();
    let error = told.to_string();
    let named = [0, 2, 4].map(|n: usize| all[n].clone());
    assert!(names(&error, &named) && names(&error, &[free]), "{error}");
    assert!(!names(&error, &all[1..2]) && !names(&error, &all[3..4]), "{error}");
    assert!(
        error.contains("has changed on disk") && error.contains("cannot be read"),
        "{error}"
    );
    let next = told.next.unwrap();
    assert!(
        next.contains("from a backup") && next.contains("see to the disk"),
        "{next}"
    );
}

#[tokio::test]
async fn where_it_cannot_be_read_which_logs_there_are_payloads_are_read_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = continued(directory.path()).await;
    let all = payloads(&node, 3);
    fs::write(&all[1], b"other").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("logs"), b"no folder").unwrap();
    let storage = &mut Arc::get_mut(&mut node).unwrap().config.storage;
    storage.directory = elsewhere.path().to_owned();
    let error = check(&node).await.unwrap_err().to_string();
    assert!(
        names(&error, &all[1..2]) && names(&error, &[elsewhere.path().join("logs")]),
        "{error}"
    );
    assert!(error.contains("is in order"), "{error}");
}

#[tokio::test]
async fn a_service_that_ends_for_its_damaged_log_says_what_it_has_not_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let node = continued(directory.path()).await;
    node.ledger.refuse_all("record 1 is another").unwrap();
    let told = check(&node).await.unwrap_err();
    let error = told.to_string();
    assert!(
        error.contains("record 1 is another") && error.contains("were not looked at"),
        "{error}"
    );
    assert!(told.next.unwrap().contains("run `herleid doctor` again"), "{error}");
}

/// Without a running service.
fn check_alone(directory: &Path) -> Result<Value, ControlError> {
    let language = Language::English;
    let manner = Manner {
        json: true,
        quiet: true,
        terminal: false,
        language,
    };
    let context = Context {
        config: directory.join("herleid.toml"),
        development: true,
        language,
        screen: Screen::new(manner, Box::new(std::io::sink()), Box::new(std::io::sink())),
    };
    let arguments = DoctorArguments { rebuild_index: false };
    Plugged.doctor(&context, &arguments).map(|outcome| outcome.json)
}

#[tokio::test]
async fn what_lies_beside_a_damaged_log_is_looked_at_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let node = continued(directory.path()).await;
    let all = payloads(&node, 3);
    let storage = node.config.storage.directory.clone();
    drop(node);
    fs::write(directory.path().join("herleid.toml"), text(NEW)).unwrap();
    let sound = check_alone(directory.path()).unwrap();
    assert_eq!(
        (&sound["payloads"], &sound["over"][0]["wrong"]),
        (&json!(3), &Value::Null)
    );

    alter(&storage.join("logs/2/log"));
    fs::write(&all[1], b"other").unwrap();
    let told = check_alone(directory.path()).unwrap_err();
    let error = told.to_string();
    assert!(
        error.contains("the log is not sound") && error.contains("record 1"),
        "{error}"
    );
    assert!(
        names(&error, &all[1..2]) && error.contains("2 payloads are what their names say"),
        "{error}"
    );
    assert!(
        error.contains(&format!("the log `{OLD}`, which is over, is in order")),
        "{error}"
    );
    assert!(
        told.next.unwrap().contains("change nothing in the directory"),
        "{error}"
    );

    alter(&storage.join("log"));
    let error = check_alone(directory.path()).unwrap_err().to_string();
    assert!(
        error.contains("the log is not sound") && names(&error, &all[1..2]),
        "{error}"
    );
    assert!(
        error.contains(&format!("the log `{OLD}`, which is over, is not in order")),
        "{error}"
    );
}
