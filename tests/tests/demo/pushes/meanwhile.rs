//! What happens while a push is under way: trust is taken away, another version comes, an answer is lost.

use super::{ONCE, counted, http, pushing, refused, scene, transfers, wait_for};
use crate::receiving::{Act, Endpoint};
use crate::scene::Scene;
use herleid::config::Config;
use herleid_tests::connector::{Connector, good};
use std::sync::mpsc::channel;
use std::time::Duration;

/// The records of a kind in the log of a connector, which does not run: each as text.
pub(super) fn records(connector: &Connector, kind: &str) -> Vec<String> {
    let file = connector.directory.join("herleid.toml");
    let node = herleid::node::open(Config::load(&file, std::iter::empty(), true).unwrap()).unwrap();
    let records = (0..node.ledger.size()).map(|index| node.ledger.record(index).unwrap());
    let texts = records.map(|record| {
        let sections = record.sections().values();
        sections.map(|bytes| String::from_utf8_lossy(bytes)).collect::<String>()
    });
    texts
        .filter(|text| text.contains(&format!(r#""kind":"{kind}""#)))
        .collect()
}

/// What is recorded of a push that broke off.
fn aborts(connector: &Connector, transaction: &str) -> Vec<String> {
    let all = records(connector, "pull-aborted").into_iter();
    all.filter(|text| text.contains(transaction)).collect()
}

#[test]
fn who_is_not_dealt_with_any_more_gets_nothing_more() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let (mut scene, agreement) = scene(&endpoint.base, "");
    let mut child = pushing(&scene, &agreement, &http(&endpoint.base));
    endpoint.stopped();
    scene.provider.kill();
    endpoint.go_on();
    let came = endpoint.next();
    assert!(!came.whole);
    scene.provider.set("trust", "peers = []");
    scene.provider.start();
    wait_for(|| transfers(&scene.provider, "TERMINATED").pop());
    assert!(endpoint.is_quiet(), "it went on to somebody who is not dealt with");
    // The log says so from the moment on at which the transfer has ended, though nothing was sent after the stop.
    scene.provider.kill();
    let said = aborts(&scene.provider, came.header("herleid-transaction").unwrap());
    assert!(said.len() == 1 && said[0].contains("trust.peers"), "{said:?}");
    scene.provider.start();
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_push_that_ends_while_it_is_held_back_says_why_it_ended() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let (mut scene, agreement) = scene(&endpoint.base, "");
    let child = pushing(&scene, &agreement, &http(&endpoint.base));
    endpoint.stopped();
    let open = transfers(&scene.provider, "STARTED");
    let decide = |scene: &Scene, what: &str, why: &str| {
        good(&scene.provider.run(&["transfer", what, &open[0], "--reason", why]));
    };
    decide(&scene, "suspend", "gauge under repair");
    wait_for(|| transfers(&scene.consumer, "SUSPENDED").pop());
    endpoint.go_on();
    let came = endpoint.next();
    wait_for(|| transfers(&scene.provider, "SUSPENDED").pop());
    // What was sent before a stop is still told after it.
    scene.provider.kill();
    scene.provider.start();
    decide(&scene, "terminate", "gauge was stolen");
    refused(&child.wait_with_output().unwrap(), "gauge was stolen");
    let said = wait_for(|| {
        scene.provider.kill();
        let said = aborts(&scene.provider, came.header("herleid-transaction").unwrap()).pop();
        scene.provider.start();
        said
    });
    assert!(
        said.contains("gauge was stolen") && !said.contains("gauge under repair"),
        "{said}"
    );
}

#[test]
fn a_push_that_goes_on_is_of_the_version_that_is_recorded() {
    let endpoint = Endpoint::start(&[Act::Stop(1 << 20)]);
    let (scene, agreement) = scene(&endpoint.base, "");
    let child = pushing(&scene, &agreement, &http(&endpoint.base));
    endpoint.stopped();
    let open = transfers(&scene.provider, "STARTED");
    let held = ["transfer", "suspend", &open[0], "--reason", "gauge under repair"];
    good(&scene.provider.run(&held));
    wait_for(|| transfers(&scene.consumer, "SUSPENDED").pop());
    endpoint.go_on();
    assert!(!endpoint.next().whole);
    wait_for(|| transfers(&scene.provider, "SUSPENDED").pop());
    // Another version comes meanwhile.
    let file = scene.provider.directory.join("newer.bin");
    std::fs::write(&file, b"newer").unwrap();
    let published = ["--version", "2"];
    good(
        &scene
            .provider
            .publish_under(&[&[file.to_str().unwrap()], &published[..]].concat(), "large", ONCE),
    );
    good(&scene.provider.run(&["transfer", "resume", &open[0]]));
    good(&child.wait_with_output().unwrap());
    assert!(endpoint.next().body == super::data());
    counted(&scene, &agreement);
}

#[test]
fn that_it_failed_is_on_record_when_the_consumer_knows() {
    let endpoint = Endpoint::start(&[Act::Refuse(403)]);
    let (mut scene, agreement) = scene(&endpoint.base, "");
    let output = super::push(&scene, &agreement, &http(&endpoint.base)).output().unwrap();
    refused(&output, "HTTP status 403");
    let came = endpoint.next();
    scene.provider.kill();
    let said = aborts(&scene.provider, came.header("herleid-transaction").unwrap());
    assert!(said.len() == 1 && said[0].contains("HTTP status 403"), "{said:?}");
    scene.provider.start();
}

#[test]
fn an_order_whose_answer_is_lost_is_not_a_push_that_failed() {
    let endpoint = Endpoint::start(&[]);
    let (scene, agreement) = scene(&endpoint.base, "");
    let (delivered, wait) = channel();
    let mut first = true;
    scene.proxy.lie_about("POST /data/", move |answer| {
        if std::mem::take(&mut first) {
            // Lost only when all has been sent: then the same order is refused, since access has ended.
            wait.recv_timeout(Duration::from_secs(60)).unwrap();
            answer.head.clear();
            answer.cut(0);
        }
    });
    let child = pushing(&scene, &agreement, &http(&endpoint.base));
    assert!(endpoint.next().whole);
    delivered.send(()).unwrap();
    good(&child.wait_with_output().unwrap());
    for end in [&scene.provider, &scene.consumer] {
        wait_for(|| transfers(end, "COMPLETED").pop());
    }
    assert!(endpoint.is_quiet());
}
