//! Two connectors hold their ledgers against each other: both say the same, or what does not fit is named.

use crate::backups_erased::{by, people};
use crate::scene::Scene;
use herleid_tests::connector::{Connector, good};
use herleid_tests::lying_proxy::Answer;
use herleid_tests::machine::{free_port, until};
use herleid_tests::process::{text, told};
use serde_json::{Value, json};
use std::process::Output;
use std::sync::mpsc::channel;
use std::time::Duration;

/// More than one page.
const PULLS: u64 = 60;

pub(crate) fn reconcile(at: &Connector, with: &Connector) -> (Option<i32>, Value) {
    let output = at.run(&["reconcile", &with.did]);
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", told(&output)));
    (output.status.code(), said)
}

pub(crate) fn whats(agreement: &Value) -> Vec<&str> {
    let findings = agreement["findings"].as_array().unwrap();
    findings.iter().map(|found| found["what"].as_str().unwrap()).collect()
}

/// Changes the records of each page that the provider hands over.
pub(crate) fn change(answer: &mut Answer, change: impl FnOnce(&mut Vec<Value>)) {
    let mut page: Value = serde_json::from_slice(&answer.body).unwrap();
    change(page["records"].as_array_mut().unwrap());
    answer.body = page.to_string().into_bytes();
}

#[test]
fn both_ends_recorded_the_same_over_several_pages() {
    let scene = Scene::set();
    for _ in 0..PULLS {
        good(&scene.pull());
    }
    for (here, there) in [(&scene.consumer, &scene.provider), (&scene.provider, &scene.consumer)] {
        let (code, said) = reconcile(here, there);
        assert_eq!((code, &said["verdict"]), (Some(0), &json!("same")), "{said:#}");
        let [agreement] = &said["agreements"].as_array().unwrap()[..] else {
            panic!("{said:#}");
        };
        assert_eq!((&agreement["same"], &agreement["found"]), (&json!(PULLS), &json!(0)));
        // The agreement itself, and of each pull at least a record at each end.
        for end in ["ours", "theirs"] {
            assert!(agreement[end].as_u64().unwrap() > PULLS, "{said:#}");
        }
    }
    // What each end says of the other one's number is what that end says itself.
    let (ours, theirs) = (
        reconcile(&scene.consumer, &scene.provider).1,
        reconcile(&scene.provider, &scene.consumer).1,
    );
    for (here, there) in [(&ours, &theirs), (&theirs, &ours)] {
        assert_eq!(here["agreements"][0]["ours"], there["agreements"][0]["theirs"]);
    }
    let shown = scene
        .consumer
        .command(&["reconcile", &scene.provider.did])
        .output()
        .unwrap();
    assert!(shown.status.success());
    let one = &[
        "reconcile",
        &scene.provider.did,
        "--agreement",
        "urn:uuid:6b0f5dd2-52e2-4a8c-9a49-5a5a3c0e6f0d",
    ];
    let missing = scene.consumer.run(one);
    assert_eq!(missing.status.code(), Some(3), "{}", told(&missing));
    let missing = scene.consumer.run(&["reconcile", "did:web:nobody.example"]);
    assert_eq!(missing.status.code(), Some(3), "{}", told(&missing));
    let wrong = scene.consumer.run(&["reconcile", "the provider"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", told(&wrong));
}

#[test]
fn what_was_erased_is_told_with_its_proof_and_accuses_nobody() {
    let mut scene = Scene::set();
    scene.provider.kill();
    people(&scene.provider, None);
    scene.provider.start();
    for _ in 0..2 {
        good(&scene.pull());
    }
    let agreement = scene.agreement().to_owned();
    let what = ["erase", "propose", "--agreement", &agreement, "--section", "exchange"];
    let why = ["--ground", "court-order", "--authority", "C/26/1"];
    let proposed = good(&by(&scene.provider, 0, &[what.as_slice(), &why].concat()));
    let id = proposed["erasure"]["id"].as_str().unwrap();
    let erased = good(&by(&scene.provider, 1, &["erase", "approve", id]));
    let records = erased["erasure"]["records"].as_array().unwrap();
    let with_exchange = records
        .iter()
        .filter(|record| record["sections"].as_array().unwrap().contains(&json!("exchange")));
    let mut tombstones: Vec<String> = with_exchange.map(|record| record["tombstone"].to_string()).collect();
    tombstones.sort();
    for (here, there, at) in [
        (&scene.consumer, &scene.provider, "there"),
        (&scene.provider, &scene.consumer, "here"),
    ] {
        let (code, said) = reconcile(here, there);
        assert_eq!((code, &said["verdict"]), (Some(0), &json!("open")), "{said:#}");
        let one = &said["agreements"][0];
        assert_eq!(whats(one), ["erased", "erased"], "{said:#}");
        let findings = one["findings"].as_array().unwrap();
        let mut told: Vec<&str> = findings.iter().map(|found| found["detail"].as_str().unwrap()).collect();
        told.sort_unstable();
        let expected: Vec<String> = tombstones
            .iter()
            .map(|number| format!("by record {number} {at}"))
            .collect();
        assert_eq!(told, expected, "{said:#}");
    }
    // Nobody is told with it who erased it, and on whose authority.
    let (tell, pages) = channel();
    scene.proxy.lie_about("GET /exchanges", move |answer| {
        tell.send(String::from_utf8(answer.body.clone()).unwrap()).unwrap();
    });
    reconcile(&scene.consumer, &scene.provider);
    let page = pages.recv().unwrap();
    assert!(page.contains("\"erased\""), "{page}");
    for closed in ["dewit", "jansen", "C/26/1", "completeBy", "facts\":{"] {
        assert!(!page.contains(closed), "{closed}: {page}");
    }
    // Without the proof, or with that of another record, it is kept closed.
    for other in [false, true] {
        scene.proxy.lie_about("GET /exchanges", move |answer| {
            let mut page: Value = serde_json::from_slice(&answer.body).unwrap();
            let erased = page["erased"].as_array_mut().unwrap();
            let first = erased[0].clone();
            erased.clear();
            if other {
                erased.extend([first.clone(), first]);
            }
            answer.body = page.to_string().into_bytes();
        });
        let (code, said) = reconcile(&scene.consumer, &scene.provider);
        assert_eq!((code, &said["verdict"]), (Some(1), &json!("differs")), "{said:#}");
        let found = whats(&said["agreements"][0]);
        let withheld = found.iter().filter(|what| **what == "withheld").count();
        assert_eq!(withheld, if other { 1 } else { 2 }, "{said:#}");
    }
}

#[test]
fn what_was_given_and_not_received_is_open_at_both_ends() {
    let scene = Scene::set();
    good(&scene.pull());
    // The provider has given it; the consumer takes nothing without its receipt.
    scene.proxy.lie(|answer| answer.drop_header("herleid-receipt"));
    scene.caught("receipt withheld");
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(0), &json!("open")), "{said:#}");
    assert_eq!(whats(&said["agreements"][0]), ["not-received-here"]);
    let (code, said) = reconcile(&scene.provider, &scene.consumer);
    assert_eq!((code, &said["verdict"]), (Some(0), &json!("open")), "{said:#}");
    assert_eq!(whats(&said["agreements"][0]), ["not-received-there"]);
}

#[test]
fn a_record_that_is_left_out_shows_by_its_number_and_by_its_receipt() {
    let mut scene = Scene::set();
    for _ in 0..3 {
        good(&scene.pull());
    }
    // The second pull is not shown.
    let mut given = 0;
    scene.proxy.lie_about("GET /exchanges", move |answer| {
        change(answer, |records| {
            records.retain(|record| {
                given += u64::from(record["opened"]["exchange"].is_object());
                !(given == 2 && record["opened"]["exchange"].is_object())
            });
        });
    });
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(1), &json!("differs")), "{said:#}");
    assert_eq!(whats(&said["agreements"][0]), ["left-out", "gap"], "{said:#}");
    let status = good(&scene.consumer.run(&["status"]));
    let warnings = status["warnings"].to_string();
    assert!(
        warnings.contains("differed in 1 agreements") && warnings.contains(&scene.provider.did),
        "{warnings}"
    );
    // It does not answer any more, and was caught all the same; also after a restart.
    scene.proxy.lie_about("GET /exchanges", |answer| {
        answer.head[0] = "HTTP/1.1 503 Service Unavailable".to_owned()
    });
    assert_eq!(reconcile(&scene.consumer, &scene.provider).1["verdict"], "unfinished");
    scene.consumer.kill();
    scene.consumer.start();
    let warnings = good(&scene.consumer.run(&["status"]))["warnings"].to_string();
    assert!(
        warnings.contains("differed in 1 agreements") && warnings.contains("could not be held against"),
        "{warnings}"
    );
    // The same provider, honest again.
    scene.proxy.lie_about("GET /exchanges", |_| {});
    assert_eq!(reconcile(&scene.consumer, &scene.provider).1["verdict"], "same");
    let status = good(&scene.consumer.run(&["status"]));
    assert!(!status["warnings"].to_string().contains("differed"), "{status}");
}

#[test]
fn an_altered_record_does_not_verify_and_an_answer_that_is_none_is_no_agreement() {
    let scene = Scene::set();
    good(&scene.pull());
    scene.proxy.lie_about("GET /exchanges", |answer| {
        change(answer, |records| {
            for record in records {
                if let Some(text) = record["opened"]["exchange"]["text"].as_str() {
                    record["opened"]["exchange"]["text"] = json!(text.replace("\"segment\":1", "\"segment\":2"));
                }
            }
        });
    });
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(1), &json!("differs")), "{said:#}");
    let why = said["agreements"][0]["unfinished"].as_str().unwrap();
    assert!(why.contains("receipt invalid"), "{why}");

    // Nobody signed the answer: what is no page of records proves nothing, and is no agreement either.
    type Change = fn(&mut Answer);
    let answers: [(Change, &str); 5] = [
        (
            |answer| answer.body = b"<html>maintenance</html>".to_vec(),
            "cannot be used",
        ),
        (|answer| answer.body = b"[]".to_vec(), "is missing"),
        (
            |answer| answer.body = b"{\"n\": 1, \"records\": {}, \"next\": null}".to_vec(),
            "is no list",
        ),
        (
            |answer| {
                answer.body = format!("{{\"n\": 9, \"records\": [], \"next\": \"{}\"}}", "0".repeat(64)).into_bytes()
            },
            "without showing more",
        ),
        (
            |answer| {
                // The same record twice.
                change(answer, |records| records.push(records[0].clone()));
            },
            "expected a lower one",
        ),
    ];
    for (lie, expected) in answers {
        scene.proxy.lie_about("GET /exchanges", lie);
        let (code, said) = reconcile(&scene.consumer, &scene.provider);
        assert_eq!(
            (code, &said["verdict"]),
            (Some(7), &json!("unfinished")),
            "{expected}: {said:#}"
        );
        assert!(said.to_string().contains(expected), "{expected}: {said:#}");
    }
    // Who is not there, or has no such thing, has said nothing.
    scene.proxy.lie_about("GET /exchanges", |answer| {
        answer.head[0] = "HTTP/1.1 404 Not Found".to_owned()
    });
    let (code, said) = reconcile(&scene.consumer, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(7), &json!("unfinished")), "{said:#}");
}

/// A request in plain HTTP by somebody who proves nothing.
fn unproved(connector: &Connector, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let port: u16 = connector.did.rsplit("%3A").next().unwrap().parse().unwrap();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    text(&answer)
}

#[test]
fn records_are_shown_to_the_other_end_alone() {
    let scene = Scene::set();
    let agreement = |at: &Connector| {
        let listed = good(&at.run(&["agreements"]));
        listed["agreements"][0]["agreement"].as_str().unwrap().to_owned()
    };
    let one = agreement(&scene.consumer);
    let path = format!("/exchanges?agreement={one}&side=provider");
    assert!(unproved(&scene.provider, &path).starts_with("HTTP/1.1 401 "));
    // Somebody whom the provider knows, with an agreement of its own, asks for that of another.
    let port = free_port();
    let mut third = Connector::new(scene.folder.path().join("third"), port, port);
    third.start();
    good(&third.run(&["negotiate", &scene.provider.did, "rain"]));
    assert_eq!(reconcile(&third, &scene.provider).1["verdict"], "same");
    let encoded = |id: &str| id.replace(':', "%3A");
    scene.proxy.ask_instead(&encoded(&agreement(&third)), &encoded(&one));
    let (answers, answered) = channel();
    scene.proxy.lie_about("GET /exchanges", move |answer| {
        answers.send((answer.head[0].clone(), text(&answer.body))).unwrap();
    });
    let (code, said) = reconcile(&third, &scene.provider);
    assert_eq!((code, &said["verdict"]), (Some(7), &json!("unfinished")), "{said:#}");
    let (head, body) = answered.recv().unwrap();
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}: {body}");
    assert!(
        body.contains("no such agreement with you") && !body.contains("opened"),
        "{body}"
    );
}

#[test]
fn ledgers_are_held_against_each_other_without_anybody_asking() {
    let mut scene = Scene::set();
    good(&scene.pull());
    scene
        .proxy
        .lie_about("GET /exchanges", |answer| change(answer, |records| records.truncate(1)));
    scene.consumer.kill();
    scene.consumer.set("reconcile", "every_s = 1");
    scene.consumer.start();
    until("the difference is shown", Duration::from_secs(60), || {
        let status = good(&scene.consumer.run(&["status"]))["warnings"].to_string();
        if status.contains("differed") {
            Ok(())
        } else {
            Err(status)
        }
    });
    let log = std::fs::read_to_string(scene.consumer.log()).unwrap();
    assert!(log.contains("this ledger and the peer's differ"), "{log}");
}

/// What a person reads.
#[test]
fn what_does_not_fit_is_told_in_words() {
    let scene = Scene::set();
    good(&scene.pull());
    scene
        .proxy
        .lie_about("GET /exchanges", |answer| change(answer, |records| records.truncate(1)));
    let mut command = herleid_tests::process::mortal(herleid_tests::process::herleid());
    command
        .args(["--development", "--config"])
        .arg(scene.consumer.directory.join("herleid.toml"));
    let output: Output = command
        .args(["reconcile", &scene.provider.did])
        .env("HERLEID_LANG", "nl")
        .output()
        .unwrap();
    let said = told(&output);
    assert!(
        said.contains("VERSCHILT") && said.contains("daar weggelaten nummers: 1 to"),
        "{said}"
    );
}
