//! Pushes into a bucket of a real S3 server.

use super::meanwhile::records;
use super::{
    address, at_most_one_outstanding, data, holds_the_secret, push, pushing, refused, scene, trace, transfers, wait_for,
};
use herleid_tests::connector::good;
use herleid_tests::lying_proxy::LyingProxy;
use herleid_tests::machine::free_port;
use herleid_tests::s3::{ACCESS_KEY, S3, SECRET};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// An S3 server with a bucket, and the address of an object in it.
fn bucket(port: u16, name: &str) -> Value {
    let properties = [
        ("region", "us-east-1"),
        ("bucketName", name),
        ("objectName", "in/rain.bin"),
        ("accessKeyId", ACCESS_KEY),
        ("secretAccessKey", SECRET),
    ];
    address("AmazonS3", &format!("http://127.0.0.1:{port}"), &properties)
}

#[test]
fn a_bucket_gets_the_object_and_both_logs_say_the_same() {
    let server = S3::start();
    let port = server.port;
    server.good("PUT", "/rain", b"");
    let (scene, agreement) = scene(&format!("http://127.0.0.1:{port}"), "attempts = 1");
    refused(
        &push(&scene, &agreement, &bucket(port, "other")).output().unwrap(),
        "no such bucket",
    );
    let answer = scene.agree("large");
    let answer = good(&push(&scene, &answer, &bucket(port, "rain")).output().unwrap());
    let seen = &answer["seen"];
    assert_eq!(
        (&seen["bytes"], &seen["transaction"]),
        (&json!(data().len()), &answer["transaction"]),
        "{answer}"
    );
    assert!(std::fs::read(seen["path"].as_str().unwrap()).unwrap() == data());
    let head = server.good("HEAD", "/rain/in/rain.bin", b"");
    assert!(head.contains(&format!("Content-Length: {}", data().len())), "{head}");
    let transaction = answer["transaction"].as_str().unwrap();
    for end in [&scene.provider, &scene.consumer] {
        assert!(trace(end, transaction).contains(seen["sha256"].as_str().unwrap()));
    }
    let mut scene = scene;
    at_most_one_outstanding(&mut scene);
    let agreement = scene.agree("rain");
    for _ in 0..2 {
        // The first is acknowledged, or the second would be refused.
        good(&push(&scene, &agreement, &bucket(port, "rain")).output().unwrap());
    }
    wait_for(|| transfers(&scene.provider, "STARTED").is_empty().then_some(()));
    for end in [&mut scene.provider, &mut scene.consumer] {
        end.kill();
        assert!(!holds_the_secret(end), "it is kept longer than it is needed");
        end.start();
    }
}

#[test]
fn a_bucket_that_cannot_be_read_back_is_looked_into_again() {
    let server = S3::start();
    server.good("PUT", "/rain", b"");
    let port = free_port();
    let before = LyingProxy::start(port, server.port);
    before.lie_about("GET /rain/in/rain.bin", |answer| {
        answer.head.clear();
        answer.cut(0);
    });
    let (mut scene, _) = scene(&format!("http://127.0.0.1:{port}"), "attempts = 1");
    let agreement = scene.agree("rain");
    // What was pushed is there: it is not given up with the connection.
    refused(
        &push(&scene, &agreement, &bucket(port, "rain")).output().unwrap(),
        "looked into again",
    );
    assert!(scene.payloads().is_empty());
    scene.consumer.kill();
    assert!(holds_the_secret(&scene.consumer), "it could not look again");
    before.lie_about("GET", |_| {});
    scene.consumer.start();
    wait_for(|| {
        let said = std::fs::read_to_string(scene.consumer.log()).unwrap();
        said.contains("a push has come").then_some(())
    });
    assert_eq!(scene.payloads().len(), 1);
    scene.consumer.kill();
    assert!(
        !holds_the_secret(&scene.consumer),
        "it is kept longer than it is needed"
    );
    assert_eq!(records(&scene.consumer, "pull-received").len(), 1);
    scene.consumer.start();
}

/// What is uploaded.
const OBJECT: &str = "/rain/in/rain.bin";

/// What becomes of the second part of an upload, once the store has it.
enum Second {
    /// Its answer waits until it is let go.
    Waits(Sender<()>, Receiver<()>),
    /// The connection breaks before its answer, as often as one attempt asks for it.
    Breaks,
}

/// An S3 server with the bucket, and a scene that pushes into it through a proxy.
fn through_a_proxy(server: &S3, more: &str) -> (crate::scene::Scene, LyingProxy, u16) {
    server.good("PUT", "/rain", b"");
    let port = free_port();
    let proxy = LyingProxy::start(port, server.port);
    let (scene, _) = scene(&format!("http://127.0.0.1:{port}"), more);
    (scene, proxy, port)
}

/// Does so with the second part that is sent from now on.
fn second_part(proxy: &LyingProxy, second: Second) {
    let mut parts = 0;
    proxy.lie_about("PUT /rain/in/rain.bin?", move |answer| {
        parts += 1;
        // The store's client asks three times more by itself.
        let is_second = match second {
            Second::Waits(..) => parts == 2,
            Second::Breaks => (2..=5).contains(&parts),
        };
        if is_second {
            match &second {
                Second::Waits(reached, let_go) => {
                    reached.send(()).expect("a test that waits");
                    // A test that is over lets go, too.
                    let _over = let_go.recv();
                }
                Second::Breaks => {
                    answer.head.clear();
                    answer.cut(0);
                }
            }
        }
    });
}

fn uploads(server: &S3) -> usize {
    server.good("GET", "/rain?uploads=", b"").matches("<Upload>").count()
}

/// The store has forgotten what it was given, and there is no object.
fn nothing_is_left(server: &S3) {
    wait_for(|| (uploads(server) == 0).then_some(()));
    assert_eq!(server.call("HEAD", OBJECT, b"").0, 404, "half of it is there");
}

#[test]
fn of_an_upload_that_is_held_back_or_ended_half_way_nothing_is_left() {
    let server = S3::start();
    let (scene, proxy, port) = through_a_proxy(&server, "");
    let to = bucket(port, "rain");
    let begin = || {
        let ((reached, is_reached), (go, let_go)) = (channel(), channel());
        second_part(&proxy, Second::Waits(reached, let_go));
        let agreement = scene.agree("large");
        let child = pushing(&scene, &agreement, &to);
        is_reached.recv_timeout(Duration::from_secs(60)).expect("a second part");
        assert_eq!(uploads(&server), 1);
        assert_eq!(
            server.call("HEAD", OBJECT, b"").0,
            404,
            "it is there before it is whole"
        );
        (child, transfers(&scene.provider, "STARTED").remove(0), go)
    };
    let (child, open, go) = begin();
    let why = ["--reason", "gauge under repair"];
    good(
        &scene
            .provider
            .run(&[&["transfer", "suspend", &open], &why[..]].concat()),
    );
    nothing_is_left(&server);
    drop(go);
    wait_for(|| transfers(&scene.provider, "SUSPENDED").pop());
    good(&scene.provider.run(&["transfer", "resume", &open]));
    good(&child.wait_with_output().unwrap());
    let head = server.good("HEAD", OBJECT, b"");
    assert!(head.contains(&format!("Content-Length: {}", data().len())), "{head}");
    assert_eq!(uploads(&server), 0);

    server.good("DELETE", OBJECT, b"");
    let (child, open, go) = begin();
    good(
        &scene
            .provider
            .run(&["transfer", "terminate", &open, "--reason", "by mistake"]),
    );
    nothing_is_left(&server);
    drop(go);
    refused(&child.wait_with_output().unwrap(), "by mistake");
    nothing_is_left(&server);
}

#[test]
fn of_an_upload_that_breaks_off_nothing_is_left_and_a_later_attempt_is_whole() {
    let server = S3::start();
    let (mut scene, proxy, port) = through_a_proxy(&server, "attempts = 1");
    second_part(&proxy, Second::Breaks);
    let agreement = scene.agree("large");
    let output = push(&scene, &agreement, &bucket(port, "rain")).output().unwrap();
    refused(&output, "tried 1 times");
    nothing_is_left(&server);

    let lines = format!(
        "allow = [{{ did = \"{}\", to = \"http://127.0.0.1:{port}\", internal = true }}]\nattempts = 6",
        scene.consumer.did
    );
    scene.provider.set("push", &lines);
    scene.provider.kill();
    scene.provider.start();
    second_part(&proxy, Second::Breaks);
    let agreement = scene.agree("large");
    let answer = good(&push(&scene, &agreement, &bucket(port, "rain")).output().unwrap());
    assert!(std::fs::read(answer["seen"]["path"].as_str().unwrap()).unwrap() == data());
    assert_eq!(uploads(&server), 0);
}
