//! Agreements of logs that are over, of which one is damaged or cannot be opened.

use super::*;
use crate::cli::show::Shown as _;
use crate::cli::text::Language;
use crate::config::given;
use crate::continuing;
use crate::control::error::{Code, ControlError};
use crate::net::server::{CancellationToken, Listener, Security, ServerLimits};
use crate::node::{Secrets, ledger_options, open};
use crate::rim::{SystemClock, SystemEntropy};
use crate::state::{Declares, LogIdentity, set};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use herleid_ledger::handover::{Content, Exchange, Phase, Subject};
use herleid_ledger::record::{Draft, Kind};
use herleid_ledger::section::SectionName;
use serde_json::{Value, json};
use std::path::Path;

const OLD: &str = "localhost:7101/log/1";
const PEER: &str = "did:web:app.example";

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
    let node = open(given(directory, 1, "")).unwrap();
    let junk = ("agreement/consumer/junk".to_owned(), Some(b"junk".to_vec()));
    node.ledger.put_state_blocking(vec![junk]).unwrap();
    went_on(directory, node)
}

/// The same participant, whose log goes on as another.
fn went_on(directory: &Path, node: Arc<Node>) -> Arc<Node> {
    drop(node);
    let next = given(directory, 2, "");
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
    // Who asks about all agreements with a peer has not heard of all.
    let answer: ReconcileAnswer = serde_json::from_value(told).unwrap();
    assert_eq!(
        (answer.verdict, answer.agreements[0].verdict),
        (Reconciled::Unfinished, Reconciled::Incomparable)
    );
    assert_eq!(answer.verdict(), Some(Code::Unreachable));
    let shown = answer.show(Language::English);
    assert!(
        shown.contains(&format!("not searched: {away}")) && !shown.contains("both ledgers say the same"),
        "{shown}"
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

/// The other end at `base`, which answers whatever it is asked with `status` and a problem of this title.
async fn answers(status: StatusCode, title: &'static str) -> String {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let base = format!("http://127.0.0.1:{}", listener.local_address().port());
    let answer = move || async move {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, json!({"title": title}).to_string())
    };
    let router = Router::new().route("/exchanges", get(answer));
    let security = Security::PlainForDevelopment;
    tokio::spawn(listener.serve(security, router, ServerLimits::default(), CancellationToken::new()));
    base
}

/// An agreement `urn:a:1` with somebody who keeps a log and is asked at `base`.
fn asked_at(base: &str) -> AgreementEntry {
    let (_, entry) = agreed("urn:a:1");
    AgreementEntry {
        side: Side::Provider,
        other_log: Some(LogIdentity {
            did: PEER.parse().unwrap(),
            origin: "app.example/log/1".to_owned(),
            verifier_key: String::new(),
        }),
        other_base: base.to_owned(),
        ..serde_json::from_slice(&entry.unwrap()).unwrap()
    }
}

/// A record in the agreement's stream that cannot be compared: its exchange is of another agreement.
async fn spoiled(ledger: &Ledger, entry: &AgreementEntry) {
    let content = Content::digest([3; 32], b"rain", "text/plain");
    let exchange = Exchange {
        transaction: "0192f0c1-2b3c-7d4e-8f50-112233445566".parse().unwrap(),
        segment: 1,
        phase: Phase::Pull,
        agreement: "urn:a:other".to_owned(),
        provider: "did:web:localhost%3A7101".parse().unwrap(),
        consumer: entry.other.clone(),
        subject: Subject::Dataset {
            dataset: "rain".to_owned(),
            version: "1".to_owned(),
        },
        from: 0,
        to: content.bytes,
        content: content.mac(),
    };
    let facts = json!({"transaction": exchange.transaction.to_string()});
    let draft = Draft::new(
        Kind::PullServed,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    .section(SectionName::Exchange, exchange.to_value())
    .section(SectionName::Content, content.to_value())
    .section(SectionName::Facts, facts)
    .stream(StreamKey::Agreement {
        agreement: entry.id.clone(),
        side: entry.side.into(),
        other: entry.other.clone(),
    });
    ledger.append(draft).await.unwrap();
}

/// A node with this agreement, and a record of it that cannot be compared.
async fn with_spoiled(directory: &Path, entry: &AgreementEntry) -> Arc<Node> {
    Secrets::make(&directory.join("keys"), &SystemEntropy).unwrap();
    let node = open(given(directory, 1, "")).unwrap();
    let row = set(AgreementEntry::key(&entry.id, entry.side), entry).unwrap();
    node.ledger.put_state_blocking(vec![row]).unwrap();
    spoiled(&node.ledger, entry).await;
    node
}

#[tokio::test]
async fn who_is_caught_is_caught_also_where_our_own_log_cannot_be_compared() {
    let entry = asked_at(&answers(StatusCode::CONFLICT, "log-behind").await);
    for is_over in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut node = with_spoiled(directory.path(), &entry).await;
        if is_over {
            node = went_on(directory.path(), node);
        }
        let answer = ask(&node).await.unwrap();
        assert_eq!(answer["verdict"], "differs", "{answer}");
        let why = answer["agreements"][0]["unfinished"].as_str().unwrap();
        assert!(
            why.contains("fewer records than") && why.contains("another agreement than its stream"),
            "{why}"
        );
        assert_eq!(told(&node).unwrap()[&entry.other].differed.agreements, 1, "{is_over}");
    }
}

#[tokio::test]
async fn damage_of_a_log_that_is_over_leaves_one_agreement_unfinished_and_damage_of_the_one_that_goes_on_is_an_error() {
    let entry = asked_at(&answers(StatusCode::SERVICE_UNAVAILABLE, "busy").await);
    let directory = tempfile::tempdir().unwrap();
    let node = with_spoiled(directory.path(), &entry).await;
    let error = ask(&node).await.unwrap_err();
    assert!(error.message.contains("another agreement than its stream"), "{error}");

    let node = went_on(directory.path(), node);
    node.ledger.put_state_blocking(vec![agreed("urn:a:2")]).unwrap();
    let answer = ask(&node).await.unwrap();
    let verdicts = [0, 1].map(|n: usize| answer["agreements"][n]["verdict"].clone());
    assert_eq!(verdicts, [json!("unfinished"), json!("incomparable")], "{answer}");
    let why = answer["agreements"][0]["unfinished"].as_str().unwrap();
    assert!(
        why.contains("503") && why.contains("another agreement than its stream"),
        "{why}"
    );
    // What this end cannot keep is no finding about the old log.
    node.ledger.refuse_all("record 1 is another").unwrap();
    let error = ask(&node).await.unwrap_err();
    assert!(error.message.contains("record 1 is another"), "{error}");
}
