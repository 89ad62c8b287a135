//! Pulls that are cut, resumed and held back, with real connectors; each under a policy that allows one use.

use crate::scene::Scene;
use herleid_tests::connector::{Connector, good};
use herleid_tests::machine::wait_for;
use herleid_tests::process::told;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::mpsc::channel;

/// Once, and no more.
const ONCE: &str = r#"{"@type": "Offer", "permission": [{"action": "use",
    "constraint": [{"leftOperand": "count", "operator": "lteq", "rightOperand": 1}]}]}"#;
/// Where connections are cut.
const CUT: usize = 1 << 20;

/// More than is kept over a restart.
fn data() -> Vec<u8> {
    (0..3_500_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// A scene with a large dataset and an agreement about it.
fn scene() -> (Scene, String) {
    let scene = Scene::set();
    let file = scene.provider.directory.join("large.bin");
    std::fs::write(&file, data()).unwrap();
    good(&scene.provider.publish_under(&[file.to_str().unwrap()], "large", ONCE));
    let agreement = scene.agree("large");
    (scene, agreement)
}

/// What a pull put out is the dataset, whole; and it was the one use that is allowed.
fn came_once(scene: &Scene, agreement: &str, output: &Output) {
    let answer = good(output);
    let path = PathBuf::from(answer["path"].as_str().unwrap());
    assert!(std::fs::read(path).unwrap() == data(), "other bytes came");
    scene.proxy.lie(|_| {});
    let again = scene.consumer.run(&["pull", agreement]);
    assert_eq!(again.status.code(), Some(5), "{}", told(&again));
    assert!(told(&again).contains("times used"), "{}", told(&again));
}

/// The transfers of a connector that are in a state: their ids.
fn transfers(connector: &Connector, state: &str) -> Vec<String> {
    let listed = good(&connector.run(&["transfers", "--limit", "0"]));
    let all = listed["transfers"].as_array().unwrap().iter();
    let wanted = all.filter(|one| one["state"] == state);
    wanted.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_pull_that_is_cut_twice_goes_on_by_itself_and_counts_once() {
    let (scene, agreement) = scene();
    let mut cuts = 0;
    scene.proxy.lie(move |answer| {
        cuts += 1;
        if cuts < 3 {
            answer.cut(CUT);
        }
    });
    came_once(&scene, &agreement, &scene.consumer.run(&["pull", &agreement]));
}

#[test]
fn a_provider_that_is_killed_and_started_again_gives_the_rest() {
    let (mut scene, agreement) = scene();
    let (cut, was_cut) = channel();
    let mut first = true;
    scene.proxy.lie(move |answer| {
        if std::mem::take(&mut first) {
            answer.cut(CUT);
            cut.send(()).unwrap();
        }
    });
    let mut pull = scene.consumer.command(&["pull", &agreement]);
    let pull = pull.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    was_cut.recv().unwrap();
    scene.provider.kill();
    scene.provider.start();
    came_once(&scene, &agreement, &pull.wait_with_output().unwrap());
}

#[test]
fn a_consumer_that_is_killed_goes_on_from_what_it_has() {
    let (mut scene, agreement) = scene();
    let (cut, was_cut) = channel();
    let mut cuts = 0;
    scene.proxy.lie(move |answer| {
        cuts += 1;
        answer.cut(if cuts == 1 { CUT } else { 0 });
        if cuts == 2 {
            cut.send(()).unwrap();
        }
    });
    let mut pull = scene.consumer.command(&["pull", &agreement]);
    let pull = pull.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    was_cut.recv().unwrap();
    scene.consumer.kill();
    assert!(!pull.wait_with_output().unwrap().status.success());
    scene.consumer.start();
    let (asked, ranges) = channel();
    scene.proxy.lie(move |answer| {
        asked.send(answer.header("content-range").map(str::to_owned)).unwrap();
    });
    came_once(&scene, &agreement, &scene.consumer.run(&["pull", &agreement]));
    assert_eq!(
        ranges.recv().unwrap().unwrap(),
        format!("bytes {CUT}-{}/{}", data().len() - 1, data().len())
    );
}

#[test]
fn a_rest_that_is_not_the_rest_is_not_kept() {
    let (scene, agreement) = scene();
    let before = scene.payloads().len();
    let mut first = true;
    scene.proxy.lie(move |answer| {
        if std::mem::take(&mut first) {
            answer.cut(CUT);
        } else if let Some(byte) = answer.body.last_mut() {
            *byte ^= 1;
        }
    });
    let output = scene.consumer.run(&["pull", &agreement]);
    assert!(!output.status.success());
    assert!(told(&output).contains("nothing of it was kept"), "{}", told(&output));
    assert_eq!(scene.payloads().len(), before);
}

#[test]
fn a_transfer_that_is_held_back_gives_nothing_until_it_goes_on() {
    let (scene, agreement) = scene();
    let (cut, was_cut) = channel();
    let (go_on, goes_on) = channel::<()>();
    let (refuse, was_refused) = channel();
    let mut first = true;
    scene.proxy.lie(move |answer| {
        if std::mem::take(&mut first) {
            answer.cut(CUT);
            cut.send(()).unwrap();
            goes_on.recv().unwrap();
        } else if answer.head[0].contains("403") {
            refuse.send(String::from_utf8_lossy(&answer.body).into_owned()).unwrap();
        }
    });
    let mut pull = scene.consumer.command(&["pull", &agreement]);
    let pull = pull.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    was_cut.recv().unwrap();
    let open = transfers(&scene.provider, "STARTED");
    assert_eq!(open.len(), 1);
    let line = good(
        &scene
            .provider
            .run(&["transfer", "suspend", &open[0], "--reason", "gauge under repair"]),
    );
    assert!(
        line["closed"].is_string() && line.get("open_until_ms").is_none(),
        "{line}"
    );
    go_on.send(()).unwrap();
    assert!(was_refused.recv().unwrap().contains("access has ended"));
    wait_for(|| transfers(&scene.consumer, "SUSPENDED").pop());
    wait_for(|| transfers(&scene.provider, "SUSPENDED").pop());
    let line = good(&scene.provider.run(&["transfer", "resume", &open[0]]));
    assert!(line["open_until_ms"].is_u64(), "{line}");
    came_once(&scene, &agreement, &pull.wait_with_output().unwrap());
    let again = scene.provider.run(&["transfer", "resume", &open[0]]);
    assert_eq!(again.status.code(), Some(5), "{}", told(&again));
    let absent = scene.provider.run(&["transfer", "suspend", "urn:uuid:none"]);
    assert_eq!(absent.status.code(), Some(3), "{}", told(&absent));
}
