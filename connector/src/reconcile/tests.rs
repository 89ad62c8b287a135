//! Agreements of logs that are over, of which one is damaged or cannot be opened.

use super::*;
use crate::config::Config;
use crate::continuing;
use crate::control::error::{Code, ControlError};
use crate::node::{Secrets, ledger_options, open};
use crate::rim::{SystemClock, SystemEntropy};
use crate::state::{Declares, set};
use serde_json::{Value, json};
use std::path::Path;

const OLD: &str = "localhost:7101/log/1";
const PEER: &str = "did:web:app.example";

fn config(directory: &Path, n: u32) -> Config {
    let text = format!(
        "[participant]\ndid = \"did:web:localhost%3A7101\"\nname = \"KNMI\"\n\
         [listen]\npublic_url = \"http://localhost:7101\"\n\
         [ledger]\norigin = \"localhost:7101/log/{n}\"\n\
         [network]\nallow_private_addresses = true\n\
         [development]\nplain_http = true\n"
    );
    Config::read(&directory.join("herleid.toml"), &text, std::iter::empty(), true).unwrap()
}

/// With somebody who keeps no log, so that nobody is asked anything.
fn agreed(id: &str) -> (String, Option<Vec<u8>>) {
    let entry = AgreementEntry {
        id: id.to_owned(),
        side: Side::Consumer,
        other: PEER.parse().unwrap(),
        agreement: Value::Null,
        sha256: String::new(),
        target: "rain".to_owned(),
        declares: Declares::default(),
        other_log: None,
        other_base: String::new(),
        dataset: None,
        terminated: None,
    };
    set(AgreementEntry::key(id, Side::Consumer), &entry).unwrap()
}

/// A node whose first log is over, and has a row that is no agreement.
fn continued(directory: &Path) -> Arc<Node> {
    Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
    let node = open(config(directory, 1)).unwrap();
    let junk = ("agreement/consumer/junk".to_owned(), Some(b"junk".to_vec()));
    node.ledger.put_state_blocking(vec![junk]).unwrap();
    drop(node);
    let next = config(directory, 2);
    let secrets = Secrets::load(&next.keys.directory).unwrap();
    let place = continuing::of(&next.storage.directory, &next.ledger.origin).unwrap();
    let options = ledger_options(&next, &secrets, &place, Arc::new(SystemClock), Arc::new(SystemEntropy));
    drop(Ledger::open(options.unwrap()).unwrap());
    open(next).unwrap()
}

async fn ask(node: &Arc<Node>) -> Result<Value, ControlError> {
    let (progress, _nobody) = Progress::channel();
    let request = json!({"peer": PEER, "agreement": null});
    crate::commands::handle(node.clone(), "reconcile".to_owned(), request, progress).await
}

#[tokio::test]
async fn a_log_that_is_over_and_cannot_be_read_keeps_no_agreement_from_being_compared_and_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut node = continued(directory.path());
    assert_eq!((node.previous.len(), node.unreadable.len()), (1, 0));
    let error = ask(&node).await.unwrap_err();
    assert_eq!(error.code, Code::Missing, "{error}");
    assert!(
        error.message.contains("no agreement") && error.message.contains(OLD),
        "{error}"
    );

    node.ledger.put_state_blocking(vec![agreed("urn:a:2")]).unwrap();
    let away = "the log `localhost:7101/log/0` cannot be opened".to_owned();
    Arc::get_mut(&mut node).unwrap().unreadable.push(away.clone());
    let told = ask(&node).await.unwrap();
    assert_eq!(told["agreements"][0]["agreement"], "urn:a:2", "{told}");
    let unsearched = told["unsearched"].as_array().unwrap();
    assert_eq!(unsearched.len(), 2, "{told}");
    assert!(unsearched.contains(&json!(away)), "{told}");
    assert!(
        unsearched.iter().any(|why| why.as_str().unwrap().contains(OLD)),
        "{told}"
    );
}

#[tokio::test]
async fn that_an_agreement_of_a_log_that_is_over_could_not_be_compared_is_no_lasting_warning() {
    let directory = tempfile::tempdir().unwrap();
    let node = continued(directory.path());
    let (_, entry) = agreed("urn:a:1");
    let entry: AgreementEntry = serde_json::from_slice(&entry.unwrap()).unwrap();
    for (is_over, warned) in [(true, 0), (false, 1)] {
        keep(&node, &entry, &nothing(&entry), is_over).await.unwrap();
        assert_eq!(told(&node).unwrap()[&entry.other].unfinished.agreements, warned);
    }
}
